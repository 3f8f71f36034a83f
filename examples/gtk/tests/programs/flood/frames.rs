//! Which frames were drawn, and whose fault it is if one was not.

use std::time::Duration;

use gtk::gdk;

use crate::time::computed;

/// Counts frames, by the clock that GTK draws by.
#[derive(Default)]
pub struct Frames {
    drawn: u32,
    waited: u32,
    /// When the last one was drawn: by that clock, and by the time that the thread had computed.
    last: Option<(Duration, Duration)>,
}

impl Frames {
    /// Begins anew.
    pub fn begin(&mut self) {
        *self = Self::default();
    }

    /// Notes that a frame is drawn; returns how many that are.
    pub fn drawn(&mut self, clock: &gdk::FrameClock) -> u32 {
        let micros = |n: i64| Duration::from_micros(n as u64);
        let (now, computed) = (micros(clock.frame_time()), computed());
        let interval = micros(clock.refresh_info(clock.frame_time()).0);
        if let Some((last, before)) = self.last.replace((now, computed)) {
            let missing = intervals(now - last, interval).saturating_sub(1);
            let busy = intervals(computed - before, interval).saturating_sub(1);
            self.waited += missing.saturating_sub(busy);
        }
        self.drawn += 1;
        self.drawn
    }

    /// How many were drawn, and how many were not because the thread had to wait: other programs
    /// had the processor, or the display was slow. One that is missing because the thread was
    /// busy with something else is in neither.
    pub fn counts(&self) -> (u32, u32) {
        (self.drawn, self.waited)
    }
}

fn intervals(time: Duration, interval: Duration) -> u32 {
    time.div_duration_f64(interval).round() as u32
}
