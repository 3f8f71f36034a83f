//! The smallest window: its button crashes a worker, and the label tells of the next one.

mod common;

use common::Screen;

#[test]
fn a_click_crashes_the_worker_and_the_window_tells_of_the_next() {
    let screen = Screen::new("400x200");
    let program = screen.start(env!("CARGO_BIN_EXE_panic_button"), &[]);
    program.line("worker 1 is ready; restarts: 0");
    let window = screen.window("Panic");
    let (width, _) = window.size();
    window.click(40, 30);
    program.line("worker 2 is ready; restarts: 1");
    let second = screen.picture();
    window.keys("space"); // the button has the focus
    program.line("worker 3 is ready; restarts: 2");
    screen.redrawn(&second);
    screen.shot("panic_button");
    window.click(width - 25, 25); // close
    let (status, errors) = program.end();
    assert!(status.success(), "{status}: {errors}");
    assert_eq!(
        errors.matches("the button was pressed").count(),
        2,
        "{errors}"
    );
}

#[test]
fn more_crashes_than_are_borne_end_the_program_which_says_why_and_fails() {
    let screen = Screen::new("400x200");
    let program = screen.start(env!("CARGO_BIN_EXE_panic_button"), &[]);
    program.line("worker 1 is ready; restarts: 0");
    screen.window("Panic");
    // Ten in a second are one too many for `work`, and that twice for the root.
    screen.xdotool("key --repeat 200 --delay 1 space");
    let (status, errors) = program.end();
    assert_eq!(status.code(), Some(1), "{errors}");
    let last = errors.lines().last();
    let why = "Error: shutdown, gave up restarting work (limit: 1 restart in 5s, used up; after work: \
               panicked: the button was pressed), which ended: shutdown, gave up restarting worker \
               (limit: 9 restarts in 1s, used up";
    assert!(last.is_some_and(|last| last.starts_with(why)), "{errors}");
}
