//! The window of mirror, as a person and as a script use it.

mod common;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{self, Command};
use std::time::{Duration, Instant};

use common::{Program, Screen};

const MIRROR: &str = env!("CARGO_BIN_EXE_mirror-gtk");

/// Folders of one test.
struct Place(PathBuf);

impl Place {
    /// A source with some small files, and a large one of this size.
    fn new(name: &str, large: usize) -> Self {
        let place = std::env::temp_dir().join(format!("mirror-gtk-{name}-{}", process::id()));
        let _ = fs::remove_dir_all(&place);
        for folder in 0..8 {
            let folder = place.join(format!("src/folder {folder}"));
            fs::create_dir_all(&folder).unwrap();
            for file in 0..32 {
                fs::write(folder.join(format!("file {file}")), vec![file; 3000]).unwrap();
            }
        }
        let bytes: Vec<u8> = (0..large).map(|n| (n ^ n >> 8) as u8).collect();
        fs::write(place.join("src/large"), bytes).unwrap();
        Self(place)
    }

    fn path(&self, name: &str) -> String {
        self.0.join(name).to_str().unwrap().to_owned()
    }

    fn start<'a>(&self, screen: &'a Screen, flags: &[&str]) -> Program<'a> {
        let (src, dst) = (self.path("src"), self.path("dst"));
        let words: Vec<_> = [&*src, &*dst].iter().chain(flags).copied().collect();
        screen.start(MIRROR, &words)
    }

    fn script<'a>(&self, screen: &'a Screen, steps: &str) -> Program<'a> {
        fs::write(self.path("script"), steps).unwrap();
        self.start(screen, &["--headless-script", &self.path("script")])
    }

    fn assert_same(&self) {
        let diff = Command::new("diff")
            .args([
                "-r",
                "--no-dereference",
                &self.path("src"),
                &self.path("dst"),
            ])
            .output()
            .unwrap();
        assert!(diff.status.success(), "{diff:?}");
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn temporaries(folder: &Path) -> usize {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let count = |entry: fs::DirEntry| match entry.path() {
        path if path.is_dir() => temporaries(&path),
        path => path.to_string_lossy().contains(".mirror-tmp-").into(),
    };
    entries.map(count).sum()
}

#[test]
fn a_script_crashes_actors_and_views_and_the_copy_is_exact() {
    let (screen, place) = (Screen::new("800x600"), Place::new("crashes", 20_000_000));
    let program = place.script(
        &screen,
        "await running controls
         start
         await running plan
         crash reader-0
         crash disk-1/writer
         crash scan
         crash link/sender
         crash picture
         crash progress
         crash controls
         crash log
         crash lens
         restart reader-1
         stop progress
         await down progress
         restart progress
         await running progress
         restart window
         await restarts window 1
         restart hand
         await done
         await restarts picture 1",
    );
    let report = program.line("report: ");
    assert!(
        report.contains("\"failed\":0") && report.contains("\"verified\":true"),
        "{report}"
    );
    program.line("script: await restarts picture 1");
    place.assert_same();
    let window = screen.window("Mirror");
    screen.shot("mirror-gtk");
    window.keys("ctrl+w");
    let (status, errors) = program.end();
    assert!(status.success() && !errors.contains("panicked"), "{errors}");
}

#[test]
fn a_person_copies_by_keys_and_clicks() {
    let (screen, place) = (Screen::new("800x600"), Place::new("person", 200_000_000));
    let program = place.start(&screen, &[]);
    let window = screen.window("Mirror");
    window.keys("ctrl+s");
    program.line("stage: copying");
    window.click(116, 27); // Pause
    program.line("stage: paused");
    window.click(116, 27); // Resume
    program.line("stage: copying");
    window.click(80, 281); // the line of the picture
    window.click(52, 452); // Crash
    program.line("log: picture ended: panicked: asked to crash");
    window.click(80, 401); // the line of the lens
    let before = screen.picture();
    window.keys("Return"); // its menu
    screen.redrawn(&before);
    screen.shot("mirror-gtk-menu");
    window.keys("Return"); // the first entry
    program.line("log: lens ended: panicked: asked to crash");
    screen.shot("mirror-gtk-copying");
    window.keys("ctrl+e");
    program.line("stage: cancelled");
    assert_eq!(temporaries(&place.0), 0);
    window.keys("ctrl+s");
    program.line("stage: done");
    place.assert_same();
    window.click(773, 27); // close
    let (status, errors) = program.end();
    assert!(status.success(), "{errors}");
}

#[test]
fn closing_the_window_ends_the_whole_tree_within_two_seconds() {
    let (screen, place) = (Screen::new("800x600"), Place::new("close", 400_000_000));
    let program = place.start(&screen, &[]);
    let window = screen.window("Mirror");
    window.keys("ctrl+s");
    program.line("stage: copying");
    let begin = Instant::now();
    window.click(773, 27);
    let (status, errors) = program.end();
    let took = begin.elapsed();
    assert!(status.success(), "{errors}");
    assert!(took < Duration::from_secs(2), "{took:?}");
    assert_eq!(temporaries(&place.0), 0);
}

#[test]
fn a_thousand_crashes_of_views_leave_the_memory_as_it_was() {
    let (screen, place) = (Screen::new("800x600"), Place::new("memory", 1000));
    let views = ["picture", "progress", "controls", "log"];
    let crash = |n| {
        views
            .map(|view| format!("repeat {n} crash {view}\n"))
            .concat()
    };
    let steps = format!(
        "await running log\n{}memory\n{}memory\n",
        crash(25),
        crash(225)
    );
    let program = place.script(&screen, &steps);
    let memory = || -> u64 {
        let line = program.line("memory: ");
        let number = line.split_whitespace().nth(2).unwrap();
        number.parse().unwrap()
    };
    let (first, last) = (memory(), memory());
    println!("{first} KiB after 100 crashes, {last} KiB after 1000");
    assert!(last < first + 2048, "{first} KiB, then {last} KiB");
    let window = screen.window("Mirror");
    window.keys("ctrl+s"); // it still answers
    program.line("stage: done");
    place.assert_same();
    window.keys("ctrl+w");
    assert!(program.end().0.success());
}

#[test]
fn a_tree_that_ends_by_force_is_a_failure_of_the_program() {
    let (screen, place) = (Screen::new("800x600"), Place::new("force", 0));
    let program = place.script(&screen, "await running mirror-gtk\ncrash mirror-gtk");
    let (status, errors) = program.end();
    assert_eq!(status.code(), Some(1), "{errors}");
    assert!(errors.contains("mirror-gtk: gave up: killed"), "{errors}");
}

#[test]
fn bad_arguments_give_one_line_and_touch_nothing() {
    let place = Place::new("arguments", 0);
    let (src, dst, none) = (place.path("src"), place.path("dst"), place.path("none"));
    fs::write(place.path("bad"), "start\ndance\n").unwrap();
    for words in [
        &["--fast"][..],
        &[&src],
        &[&none, &dst],
        &[&src, &dst, "--jobs", "0"],
        &[&src, &dst, &dst],
        &[&src, &src],
        &["--headless-script"],
        &["--headless-script", &none],
        &["--headless-script", &place.path("bad")],
    ] {
        let run = Command::new(MIRROR)
            .args(words)
            .env_remove("DISPLAY")
            .output()
            .unwrap();
        let errors = String::from_utf8(run.stderr).unwrap();
        assert_eq!(run.status.code(), Some(2), "{words:?}: {errors}");
        assert_eq!(errors.lines().count(), 1, "{words:?}: {errors}");
        assert!(errors.starts_with("mirror-gtk: "), "{errors}");
    }
    assert!(!Path::new(&dst).exists());
}
