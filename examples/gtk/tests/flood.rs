//! Input first: what a flood of messages does to a window.

mod common;

use std::fmt;
use std::str::FromStr;

use common::{Screen, tell};

/// How long a run is, in seconds.
const SECONDS: &str = "3";

/// Clicks in a run.
const CLICKS: usize = 5;

/// Tries on a machine that is busy with other things.
const TRIES: usize = 3;

/// What a run came to.
#[derive(Debug)]
struct Figures {
    /// Frames that were drawn.
    drawn: u64,
    /// Frames that were not because the thread had to wait for other programs: the machine is busy.
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
    fn of(mode: &str) -> Self {
        let screen = Screen::new("400x400");
        let program = screen.start(env!("CARGO_BIN_EXE_flood"), &[mode, SECONDS]);
        program.line("begin");
        if mode != "eager" {
            let window = screen.window("Flood");
            for _ in 0..CLICKS {
                window.click(150, 15);
                program.line("clicked");
            }
        }
        let figures = Self::read(&program.line("figures: "));
        tell(&format!("{mode}: {figures}"));
        figures
    }

    fn read(line: &str) -> Self {
        let mut numbers = line.split(' ').filter_map(|word| u64::from_str(word).ok());
        let mut next = || numbers.next().unwrap();
        Self {
            drawn: next(),
            waited: next(),
            messages: next(),
            slice_us: next(),
            clicks: next() as usize,
            click_us: next(),
            click_slices: next(),
        }
    }

    /// Whether at least 95 % of the frames of the idle run are drawn.
    fn keeps_up_with(&self, idle: &Self) -> bool {
        self.drawn * 100 >= idle.drawn * 95
    }
}

impl fmt::Display for Figures {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} frames", self.drawn)?;
        write!(f, " ({} more if the machine was free)", self.waited)?;
        write!(f, ", {} messages", self.messages)?;
        write!(f, "; 99 % of the slices within {} us", self.slice_us)?;
        write!(f, ", 95 % of the clicks within {} us", self.click_us)
    }
}

#[test]
fn a_flood_loses_no_frame_and_a_click_is_handled_within_one_slice() {
    for left in (0..TRIES).rev() {
        let (idle, flood) = (Figures::of("idle"), Figures::of("flood"));
        assert_eq!((idle.clicks, flood.clicks), (CLICKS, CLICKS));
        assert!(flood.messages > 10_000, "that is no flood");
        assert!(flood.click_slices <= 1, "other messages went first");
        let short = flood.slice_us < 8_000;
        if flood.keeps_up_with(&idle) && short {
            return;
        }
        let busy = flood.waited > 0;
        assert!(left > 0 && busy, "frames are lost, or slices are long");
    }
}

#[test]
fn without_adaptive_priority_a_flood_stops_the_window() {
    let (idle, eager) = (Figures::of("idle"), Figures::of("eager"));
    assert!(eager.messages > 10_000, "that is no flood");
    assert!(eager.drawn * 10 < idle.drawn, "it draws all the same");
    assert!(
        !eager.keeps_up_with(&idle),
        "the other test would not see it"
    );
}
