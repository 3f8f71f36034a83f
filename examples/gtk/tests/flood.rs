//! Input first: what a flood of messages does to a window.

mod common;

use std::str::FromStr;

use common::Screen;

/// How long a run is.
const SECONDS: &str = "3";
const MILLIS: u64 = 3000;

/// Clicks in a run.
const CLICKS: usize = 5;

/// Tries on a machine that is busy with other things.
const TRIES: usize = 3;

/// What a run came to.
#[derive(Debug)]
struct Figures {
    frames: u64,
    /// Time in which it waited for a processor, in milliseconds.
    waited: u64,
    messages: u64,
    /// Time of the thread that 99 % of the slices stay below.
    slice_us: u64,
    clicks: usize,
    click_us: u64,
    /// Slices that began between a click and its handler, at most.
    click_slices: u64,
}

impl Figures {
    fn of(mode: &str, clicks: usize) -> Self {
        let screen = Screen::new("400x400");
        let program = screen.start(env!("CARGO_BIN_EXE_flood"), &[mode, SECONDS]);
        program.line("begin");
        let window = screen.window("Flood");
        for _ in 0..clicks {
            window.click(150, 15);
            program.line("clicked");
        }
        Self::read(&program.line("figures: "))
    }

    fn read(line: &str) -> Self {
        let mut numbers = line.split(' ').filter_map(|word| u64::from_str(word).ok());
        let mut next = || numbers.next().unwrap();
        Self {
            frames: next(),
            waited: next(),
            messages: next(),
            slice_us: next(),
            clicks: next() as usize,
            click_us: next(),
            click_slices: next(),
        }
    }
}

#[test]
fn a_flood_loses_no_frame_and_a_click_is_handled_within_one_slice() {
    for left in (0..TRIES).rev() {
        let idle = Figures::of("idle", 0);
        let flood = Figures::of("flood", CLICKS);
        println!("idle {idle:?}\nflood {flood:?}");
        assert_eq!(flood.clicks, CLICKS);
        assert!(flood.messages > 10_000, "that is no flood");
        assert!(flood.click_slices <= 1, "other messages went first");
        println!(
            "95 % of the clicks are handled within {} us",
            flood.click_us
        );
        // What other programs take is not lost by this one.
        let had = MILLIS.saturating_sub(flood.waited);
        let frames = flood.frames * 100 * MILLIS >= idle.frames * 95 * had;
        if frames && flood.slice_us < 8_000 {
            return;
        }
        assert!(left > 0, "frames are lost, or slices are long");
    }
}

#[test]
fn without_adaptive_priority_a_flood_stops_the_window() {
    let idle = Figures::of("idle", 0);
    let eager = Figures::of("eager", 0);
    println!("idle {idle:?}\neager {eager:?}");
    assert!(eager.messages > 10_000, "that is no flood");
    assert!(eager.frames * 10 < idle.frames, "it draws all the same");
}
