//! Dialogs that run a loop of their own.

mod common;

use common::{Program, Screen};

/// Opens a dialog by a key, lets messages come for a while, and closes it.
fn open(screen: &Screen, program: &Program<'_>, keys: &str) {
    let window = screen.window("Dialogs");
    window.keys(keys);
    program.line("opened");
    let dialog = screen.window("Dialog$");
    screen.shot("dialog");
    dialog.keys("space");
}

/// The number of messages in a line.
fn count(line: &str) -> u64 {
    let number = line.split(": ").nth(1).unwrap().split(' ').next().unwrap();
    number.parse().unwrap()
}

#[test]
fn a_dialog_opened_after_the_turn_keeps_actors_running_and_one_inside_a_handler_loses_nothing() {
    let screen = Screen::new("400x300");
    let program = screen.start(env!("CARGO_BIN_EXE_dialogs"), &[]);
    open(&screen, &program, "space"); // the first button has the focus
    let counted = count(&program.line("deferred: "));
    assert!(counted > 20, "{counted} in a loop that was deferred");
    open(&screen, &program, "Tab space");
    assert_eq!(count(&program.line("inside: ")), 0);
    let caught_up = count(&program.line("after inside: "));
    assert!(caught_up > 20, "{caught_up} after a loop in a handler");
    // In order and complete: the view would have given up its supervisor otherwise.
    let window = screen.window("Dialogs");
    window.keys("Tab space");
    assert_eq!(program.line("exit: "), "exit: shutdown");
    let (status, errors) = program.end();
    assert!(status.success() && !errors.contains("panicked"), "{errors}");
}
