//! What is done to the window at bad moments.

use std::ffi::OsString;
use std::fs;
use std::os::unix::ffi::OsStringExt;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use crate::MIRROR;
use crate::common::{Program, Screen};
use crate::place::Place;

/// The end of a program that was told to end just now: orderly, within two seconds, nothing left.
fn ends_in_time(program: Program<'_>, place: &Place, when: &str) {
    let begin = Instant::now();
    let (status, errors) = program.end();
    let took = begin.elapsed();
    assert!(status.success(), "{when}: {errors}");
    assert!(took < Duration::from_secs(2), "{when}: {took:?}");
    assert_eq!(place.temporaries(), 0, "{when}");
}

/// The end of a program that closes its window by a script.
fn closes(program: Program<'_>, place: &Place) {
    program.line("script: close");
    ends_in_time(program, place, "close");
}

#[test]
fn the_window_may_be_closed_at_any_moment() {
    let (screen, place) = (Screen::new("800x600"), Place::new("moments", 100_000_000));
    for when in [
        "start",
        "start\n await copied 1\n pause\n await paused",
        "start\n await copied 1\n cancel",
        "start\n await running plan\n restart reader-0\n restart link\n crash files",
        "start\n await running plan\n crash link\n crash eye\n crash window\n crash hand",
        "start\n await running plan\n close",
    ] {
        let _ = fs::remove_dir_all(place.path("dst"));
        let steps = format!("await running controls\n {when}\n close");
        let program = place.script(&screen, &steps);
        program.line("script: close");
        ends_in_time(program, &place, when);
    }
}

#[test]
fn a_dialog_goes_with_its_actor_and_with_the_window() {
    let (screen, place) = (Screen::new("800x600"), Place::new("dialog", 0));
    for last in ["crash chooser", "close"] {
        let program = place.script(&screen, &format!("await handled chooser 1\n{last}"));
        let window = screen.window("Mirror");
        window.keys("Tab space"); // from the entry to its button
        program.line("dialog");
        program.line(&format!("script: {last}"));
        if last != "close" {
            program.line("log: chooser ended: panicked: asked to crash");
            screen.window("Mirror").keys("ctrl+w"); // the dialog would not let it through
        }
        ends_in_time(program, &place, last);
    }
}

#[test]
fn the_system_may_tell_the_program_to_end() {
    let (screen, place) = (Screen::new("800x600"), Place::new("told", 100_000_000));
    for (when, signal) in [
        ("await running controls", "TERM"),
        ("start\nawait copied 1", "INT"),
        ("start\nawait done", "TERM"),
    ] {
        let _ = fs::remove_dir_all(place.path("dst"));
        let program = place.script(&screen, &format!("await running controls\n{when}"));
        let last = when.lines().last().unwrap();
        program.line(&format!("script: {last}"));
        program.signal(signal);
        ends_in_time(program, &place, when);
    }
}

#[test]
fn controls_that_crash_while_a_copy_starts_hear_of_its_end() {
    let (screen, place) = (Screen::new("800x600"), Place::new("controls", 10_000_000));
    let program = place.script(
        &screen,
        "await running controls
         start
         crash controls
         await done
         close",
    );
    closes(program, &place);
    place.assert_same();
}

#[test]
fn a_copy_is_restarted_and_one_without_its_plan_is_cancelled() {
    let (screen, place) = (Screen::new("800x600"), Place::new("again", 200_000_000));
    for (steps, stages) in [
        (
            "stop plan\n await down plan\n cancel\n await cancelled",
            &["copying", "cancelled"][..],
        ),
        (
            "restart mirror\n await done",
            &["copying", "cancelled", "copying", "done"],
        ),
    ] {
        let _ = fs::remove_dir_all(place.path("dst"));
        let steps = format!("await running controls\n start\n await copied 1\n {steps}\n close");
        let program = place.script(&screen, &steps);
        for stage in stages {
            assert_eq!(program.line("stage: "), format!("stage: {stage}"));
        }
        closes(program, &place);
    }
    place.assert_same();
}

#[test]
fn a_script_goes_on_when_it_crashes_itself_or_what_stays_down() {
    let (screen, place) = (Screen::new("800x600"), Place::new("script", 50_000_000));
    let program = place.script(
        &screen,
        "await running controls
         repeat 3 crash script
         crash window
         start
         await running plan
         crash mirror
         await failed
         close",
    );
    for _ in 0..3 {
        program.line("log: script ended: panicked: asked to crash");
    }
    assert_eq!(
        program.line("log: script ended"),
        "log: script ended: killed"
    );
    closes(program, &place);
}

#[test]
fn a_copy_that_cannot_start_has_failed() {
    let (screen, place) = (Screen::new("800x600"), Place::new("refused", 0));
    let program = place.script(
        &screen,
        "await running controls
         await handled picture 10
         start
         await failed
         close",
    );
    program.line("script: await running controls");
    fs::rename(place.path("src"), place.path("gone")).unwrap();
    let status = program.line("status: ");
    assert!(status.starts_with("status: cannot start: SRC"), "{status}");
    closes(program, &place);
}

#[test]
fn folders_whose_names_are_no_text_are_copied() {
    let (screen, place) = (Screen::new("800x600"), Place::new("names", 0));
    let odd = |name: &str| {
        let mut path = place.path(name).into_bytes();
        path.extend(b" \xff\nodd");
        OsString::from_vec(path)
    };
    let (src, dst) = (odd("from"), odd("to"));
    fs::rename(place.path("src"), &src).unwrap();
    let name = Path::new(&src).join(OsString::from_vec(b"file \xfe\n".to_vec()));
    fs::write(name, "text").unwrap();
    fs::write(
        place.path("script"),
        "await running controls\nstart\nawait done\nclose",
    )
    .unwrap();
    let mut command = Command::new(MIRROR);
    command.args([&src, &dst]);
    command.args(["--headless-script", &place.path("script")]);
    let program = screen.start_command(command);
    closes(program, &place);
    let diff = Command::new("diff").arg("-r").args([&src, &dst]).output();
    assert!(diff.unwrap().status.success());
}
