//! What ties actors and widgets, in real windows.

mod common;

use std::os::unix::process::ExitStatusExt;

use common::Screen;

const LIVES: &str = env!("CARGO_BIN_EXE_lives");

/// The number of the signal by which a program aborts.
const ABORT: i32 = 6;

#[test]
fn a_panic_in_a_closure_of_any_kind_is_a_restart_and_the_window_stays() {
    let screen = Screen::new("400x400");
    let program = screen.start(LIVES, &["guarded"]);
    for kind in [
        "a signal",
        "a change of a property",
        "a signal with an answer",
        "an action",
        "the focus",
        "a tick",
        "a drawing",
        "a time",
        "an order of lines",
        "items of a list",
    ] {
        assert_eq!(program.line("kind: "), format!("kind: {kind}"));
    }
    assert_eq!(program.line("alive: "), "alive: true");
}

#[test]
fn a_panic_in_a_closure_that_nobody_guards_ends_the_process() {
    let screen = Screen::new("400x400");
    let (status, errors) = screen.start(LIVES, &["unguarded"]).end();
    assert_eq!(status.signal(), Some(ABORT), "{errors}");
}

#[test]
fn actors_end_with_their_windows_and_a_window_with_its_actor() {
    let screen = Screen::new("400x400");
    let program = screen.start(LIVES, &["windows"]);
    assert_eq!(program.line("owner: "), "owner: shutdown");
    let friend = program.line("friend: ");
    assert_eq!(friend, "friend: shutdown: the object it follows is gone");
    let holder = program.line("holder: ");
    assert_eq!(holder, "holder: shutdown; its window: false");
}
