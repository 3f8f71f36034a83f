//! The window of mirror, as a person and as a script use it.

mod abuse;
#[path = "../common/mod.rs"]
mod common;
mod place;

use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use common::{Program, Screen, Window, tell};
use place::Place;

/// The program.
const MIRROR: &str = env!("CARGO_BIN_EXE_mirror-gtk");

#[test]
fn a_script_crashes_actors_and_views_and_the_copy_is_exact() {
    let (screen, place) = (Screen::new("800x600"), Place::new("crashes", 20_000_000));
    let program = place.script(
        &screen,
        "await running controls
         start
         await running plan
         crash reader-0
         crash disk-1/writer-1
         crash scan
         crash link/sender
         crash picture
         crash progress
         crash controls
         crash chooser
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
         await restarts picture 1
         await handled progress 1
         await handled mirror-gtk 3",
    );
    let report = program.line("report: ");
    assert!(
        report.contains("\"failed\":0") && report.contains("\"verified\":true"),
        "{report}"
    );
    program.line("script: await handled mirror-gtk 3");
    place.assert_same();
    let window = screen.window("Mirror");
    screen.shot("mirror-gtk");
    window.keys("ctrl+w");
    let (status, errors) = program.end();
    assert!(status.success() && !errors.contains("panicked"), "{errors}");
}

/// Where the buttons for the chosen actor are.
const CRASH: (u32, u32) = (589, 462);
const RESTART: (u32, u32) = (671, 462);
const STOP: (u32, u32) = (749, 462);

/// Clicks the line at this height of the picture. A picture that has crashed has no lines until it
/// is drawn again.
fn choose(program: &Program<'_>, window: &Window<'_>, y: u32, name: &str) {
    let chosen = format!("chosen: {name}");
    let mut tries = 0..100;
    assert!(tries.any(|_| program.says(&chosen, || window.click(80, y))));
}

#[test]
fn a_person_copies_by_keys_and_clicks() {
    let (screen, place) = (Screen::new("800x600"), Place::new("person", 200_000_000));
    let program = place.start(&screen, &[]);
    let window = screen.window("Mirror");
    // Nobody is chosen.
    assert!(!program.says("log: ", || window.click(CRASH.0, CRASH.1)));
    choose(&program, &window, 293, "picture");
    window.keys("ctrl+s");
    program.line("stage: copying");
    window.click(116, 27); // Pause
    program.line("stage: paused");
    window.click(116, 27); // Resume
    program.line("stage: copying");
    window.keys("ctrl+p"); // it is not over before this is
    program.line("stage: paused");
    window.click(CRASH.0, CRASH.1);
    program.line("log: picture ended: panicked: asked to crash");
    choose(&program, &window, 353, "chooser");
    window.click(RESTART.0, RESTART.1);
    program.line("log: chooser ended: shutdown");
    window.click_for_menu(80, 353);
    program.line("menu");
    window.keys("Down Down Return"); // the third entry: Stop
    program.line("log: chooser ended: shutdown");
    window.click(RESTART.0, RESTART.1);
    choose(&program, &window, 433, "lens");
    window.keys("Return");
    program.line("menu");
    screen.shot("mirror-gtk-menu");
    window.keys("Return"); // the first entry
    program.line("log: lens ended: panicked: asked to crash");
    screen.shot("mirror-gtk-paused");
    window.keys("ctrl+e");
    program.line("stage: cancelled");
    assert_eq!(place.temporaries(), 0);
    window.keys("ctrl+s");
    program.line("stage: done");
    place.assert_same();
    window.click(773, 27); // close
    let (status, errors) = program.end();
    assert!(status.success(), "{errors}");
}

#[test]
fn a_hand_that_was_stopped_is_there_again_for_what_it_is_asked_to_do() {
    let (screen, place) = (Screen::new("800x600"), Place::new("hand", 0));
    let program = place.start(&screen, &[]);
    let window = screen.window("Mirror");
    choose(&program, &window, 393, "hand");
    window.keys("ctrl+t");
    program.line("log: hand ended: shutdown");
    window.keys("ctrl+k"); // it is started, and crashes
    program.line("log: hand ended: panicked: asked to crash");
    window.keys("ctrl+w");
    assert!(program.end().0.success());
}

/// Where the picture shows which line is chosen, and nothing that changes.
const BESIDE_THE_MENU: &str = "100x200+180+234";

/// Goes down in the picture to the line of this actor.
fn go_down_to(program: &Program<'_>, window: &Window<'_>, name: &str) {
    let mut lines = (0..100).map(|_| {
        window.keys("Down");
        program.line("chosen: ")
    });
    assert!(lines.any(|line| line == format!("chosen: {name}")));
}

#[test]
fn a_worker_is_crashed_restarted_and_stopped_by_keys_alone_and_the_copy_goes_on() {
    let (screen, place) = (Screen::new("800x600"), Place::new("keys", 400_000_000));
    let program = place.start(&screen, &[]);
    let window = screen.window("Mirror");
    window.keys("ctrl+s");
    program.line("stage: copying");
    window.keys("ctrl+p"); // a fast disk would be done before the keys are
    program.line("stage: paused");
    // From the entry that has the focus to the picture, where an arrow chooses.
    let mut tabs = (1..20).map(|_| window.keys("Tab"));
    assert!(tabs.any(|()| program.says("chosen: ", || window.keys("Down"))));
    window.keys("End Home");
    program.line("chosen: mirror-gtk");
    go_down_to(&program, &window, "reader-0");
    window.keys("ctrl+k");
    program.line("log: reader-0 ended: panicked: chaos: reader-0 crashes at once");
    window.keys("ctrl+r");
    program.line("log: reader-0 ended: shutdown");
    screen.xdotool("mousemove 1 1"); // the line below it has another colour
    let lines = screen.at_rest(BESIDE_THE_MENU);
    window.keys("Return");
    program.line("menu");
    screen.shot("mirror-gtk-keys");
    let now = screen.at_rest(BESIDE_THE_MENU);
    let moved = lines.iter().zip(&now).filter(|(a, b)| a != b).count();
    // The line is 20 points high; that it had the focus is seen by less.
    assert!(
        moved < 100 * 20,
        "the chosen line is not where it was: {moved}"
    );
    window.keys("Down Return"); // the second entry
    program.line("log: reader-0 ended: shutdown");
    window.keys("ctrl+t");
    program.line("log: reader-0 ended: shutdown");
    screen.shot("mirror-gtk-stopped");
    window.keys("alt+m"); // Resume
    program.line("stage: copying");
    // Its files wait for the next instance.
    assert!(!program.says("stage: done", || ()));
    window.keys("alt+l"); // the page of the log
    screen.shot("mirror-gtk-log");
    window.keys("ctrl+r");
    program.line("stage: done");
    place.assert_same();
    // Who was chosen is gone, and nobody else is in its place.
    program.line("chosen: nobody");
    assert!(!program.says("log: ", || window.keys("ctrl+k")));
    window.keys("ctrl+w");
    assert!(program.end().0.success());
}

#[test]
fn a_start_without_folders_says_which_is_missing() {
    let (screen, place) = (Screen::new("800x600"), Place::new("folders", 0));
    let program = screen.start(MIRROR, &[]);
    let window = screen.window("Mirror");
    for missing in ["source", "target"] {
        window.click(42, 27); // Start
        program.line(&format!("status: choose a {missing} folder"));
        window.write(&place.path(if missing == "source" { "src" } else { "dst" })); // it has the focus
    }
    window.click(42, 27);
    program.line("stage: done");
    place.assert_same();
    window.keys("ctrl+w");
    assert!(program.end().0.success());
}

#[test]
fn a_picture_that_is_stopped_says_that_it_is_old() {
    /// The names of the actors.
    const NAMES: &str = "150x200+20+234";
    let screen = Screen::new("800x600");
    let program = screen.start(MIRROR, &[]);
    let window = screen.window("Mirror");
    choose(&program, &window, 253, "window");
    screen.xdotool("mousemove 1 1"); // the line below it has another colour
    let fresh = screen.at_rest(NAMES);
    window.click(STOP.0, STOP.1);
    program.line("old: the picture is stopped");
    assert_ne!(screen.at_rest(NAMES), fresh);
    screen.shot("mirror-gtk-old");
    window.click(RESTART.0, RESTART.1);
    assert!((0..100).any(|_| screen.at_rest(NAMES) == fresh));
    choose(&program, &window, 433, "lens");
    window.click(STOP.0, STOP.1);
    program.line("old: the lens is stopped");
    assert_ne!(screen.at_rest(NAMES), fresh);
    window.keys("ctrl+w");
    assert!(program.end().0.success());
}

#[test]
fn the_window_has_room_for_a_tree_where_the_screen_has() {
    for (screen, size) in [("800x600", (800, 600)), ("1280x1100", (820, 1024))] {
        let screen = Screen::new(screen);
        let program = screen.start(MIRROR, &[]);
        let window = screen.window("Mirror");
        assert_eq!(window.size(), size);
        window.keys("ctrl+w");
        assert!(program.end().0.success());
    }
}

#[test]
fn a_picture_of_the_tree_is_drawn_at_most_ten_times_a_second() {
    let (screen, place) = (Screen::new("800x600"), Place::new("rate", 200_000_000));
    let program = place.script(
        &screen,
        "await running log
         start
         await handled picture 5
         await handled picture 35",
    );
    program.line("script: await handled picture 5");
    let begin = Instant::now();
    program.line("script: await handled picture 35");
    let took = begin.elapsed();
    // Within what reading the first line may have taken.
    assert!(took > Duration::from_millis(2_900), "30 in {took:?}");
}

#[test]
fn folders_are_chosen_in_dialogs_by_the_keyboard_alone() {
    let (screen, place) = (Screen::new("800x600"), Place::new("choose", 1000));
    fs::create_dir(place.path("dst")).unwrap();
    let program = screen.start(MIRROR, &[]);
    let window = screen.window("Mirror");
    for folder in ["src", "dst"] {
        window.keys("Tab space"); // from the entry to its button
        let dialog = screen.window("Choose");
        // A slash opens the entry for a path.
        dialog.write(&place.path(folder));
        screen.shot("mirror-gtk-choose");
        dialog.keys("Return");
        program.line("folder: ");
        screen.window("Mirror").keys("Tab");
    }
    window.keys("ctrl+s");
    program.line("stage: done");
    place.assert_same();
    window.keys("ctrl+q");
    assert!(program.end().0.success());
}

#[test]
fn the_window_is_light_or_dark_as_the_desktop_is() {
    let (screen, place) = (Screen::new("800x600"), Place::new("style", 0));
    // A desktop's settings, in a file of the test's own.
    let desktop = [
        ("GSETTINGS_BACKEND", "keyfile".to_owned()),
        ("XDG_CONFIG_HOME", place.path("config")),
    ];
    let choose = |scheme| {
        let mut set = Command::new("gsettings");
        set.args(["set", "org.gnome.desktop.interface", "color-scheme", scheme]);
        let status = set.envs(desktop.clone()).status();
        assert!(
            status.unwrap().success(),
            "scripts/setup-gui.sh installs it"
        );
    };
    choose("default");
    let mut command = Command::new(MIRROR);
    command.envs(desktop.clone());
    let program = screen.start_command(command);
    let window = screen.window("Mirror");
    screen.until_it_shows(|light| light > 200);
    choose("prefer-dark");
    screen.until_it_shows(|light| light < 80);
    screen.shot("mirror-gtk-dark");
    choose("default");
    screen.until_it_shows(|light| light > 200);
    window.keys("ctrl+w");
    assert!(program.end().0.success());
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
    assert_eq!(place.temporaries(), 0);
}

#[test]
fn a_thousand_crashes_of_views_leave_the_memory_as_it_was() {
    let (screen, place) = (Screen::new("800x600"), Place::new("memory", 1000));
    let views = ["picture", "progress", "controls", "chooser", "log"];
    let crash = |n| {
        views
            .map(|view| format!("repeat {n} crash {view}\n"))
            .concat()
    };
    let steps = format!(
        "await running log\n{}memory\n{}memory\n",
        crash(20),
        crash(180)
    );
    let program = place.script(&screen, &steps);
    let memory = || -> u64 {
        let line = program.line("memory: ");
        let number = line.split_whitespace().nth(2).unwrap();
        number.parse().unwrap()
    };
    let (first, last) = (memory(), memory());
    tell(&format!(
        "{first} KiB after 100 crashes, {last} KiB after 1000"
    ));
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
fn a_script_that_waits_for_nobody_is_a_failure_of_the_program() {
    let (screen, place) = (Screen::new("800x600"), Place::new("nobody", 0));
    let program = place.script(&screen, "await running log\ncrash nobody\nclose");
    let (status, errors) = program.end();
    assert_eq!(status.code(), Some(1), "{errors}");
    let why = "mirror-gtk: script: crash nobody: there is no nobody";
    assert!(errors.contains(why), "{errors}");
}

#[test]
fn bad_arguments_give_one_line_and_touch_nothing() {
    let place = Place::new("arguments", 0);
    let (src, dst, none) = (place.path("src"), place.path("dst"), place.path("none"));
    fs::write(place.path("bad"), "start\ndance\n").unwrap();
    fs::write(place.path("never"), "repeat 0 crash log\n").unwrap();
    fs::write(place.path("odd"), "start\nda\rnce\u{1b}[2J\n").unwrap();
    for words in [
        &["--fast"][..],
        &[&src],
        &[""],
        &[&src, ""],
        &["", &dst],
        &[&none, &dst],
        &[&src, &dst, "--jobs", "0"],
        &[&src, &dst, &dst],
        &[&src, &src],
        &[&src, &dst, "--json"],
        &[&src, &dst, "--quiet"],
        &["-q"],
        &[&src, &dst, "--chaos"],
        &[&src, &dst, "--two\nlines"],
        &[&src, &dst, "--headless-script", &place.path("bad\nname")],
        &["--headless-script", &place.path("src")],
        &["--headless-script", &place.path("odd")],
        &["--headless-script"],
        &["--headless-script", &none],
        &["--headless-script", &place.path("bad")],
        &["--headless-script", &place.path("never")],
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
        assert!(!errors.trim_end().contains(char::is_control), "{errors:?}");
    }
    assert!(!Path::new(&dst).exists());
}
