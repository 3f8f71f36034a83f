//! The actor that takes the flood, and what it finds.

#![expect(unsafe_code)]

use std::cell::RefCell;
use std::process;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use gtk::glib;
use gtk::glib::translate::ToGlibPtr;
use rotor_core::{Actor, Context, Handler, Lane};

use crate::frames::Frames;
use crate::time::{computed, part};

/// Messages between two looks at the clock.
const LOOK: u64 = 16;

/// Takes messages, and times slices and clicks.
pub struct Sink {
    frames: Rc<RefCell<Frames>>,
    handled: Arc<AtomicU64>,
    /// Whether the loop's source is to keep its priority whatever is queued.
    eager: bool,
    slice: u64,
    /// What the thread had computed when the slice began, and when it was looked at last.
    span: (Duration, Duration),
    slices: Vec<Duration>,
    /// Latency of each click, and slices that began in between.
    clicks: Vec<(Duration, u64)>,
}

/// Counts from now on, for this time.
pub struct Begin(pub Duration);
/// Some work.
pub struct Water(pub u64);
/// From the button: when, and in which slice.
pub struct Clicked(pub Instant, pub u64);
/// The time is over.
struct End;

impl Sink {
    /// A sink that counts what it handles for others, too.
    pub fn new(frames: Rc<RefCell<Frames>>, handled: Arc<AtomicU64>, eager: bool) -> Self {
        Self {
            frames,
            handled,
            eager,
            slice: 0,
            span: (computed(), computed()),
            slices: Vec::new(),
            clicks: Vec::new(),
        }
    }

    fn begin_slice(&mut self, slice: u64) {
        let (begin, end) = self.span;
        self.slices.push(end - begin);
        self.slice = slice;
        self.span = (computed(), computed());
        if self.eager {
            hold_priority();
        }
    }
}

/// Takes adaptive priority from rotor-glib: its source, which is being dispatched, is where it was
/// before there was a backlog.
fn hold_priority() {
    let source = glib::main_current_source().expect("a handler runs in a dispatch");
    // SAFETY: the source is live, as this handle of it is.
    unsafe {
        glib::ffi::g_source_set_priority(source.to_glib_none().0, glib::ffi::G_PRIORITY_DEFAULT)
    }
}

impl Actor for Sink {}

impl Handler<Begin> for Sink {
    fn handle(&mut self, Begin(time): Begin, cx: &mut Context<Self>) {
        self.frames.borrow_mut().begin();
        cx.after(time, End);
        println!("begin");
    }
}

impl Handler<Water> for Sink {
    fn handle(&mut self, Water(n): Water, cx: &mut Context<Self>) {
        // About a microsecond of work.
        let mut sum = n;
        for i in 0..300 {
            sum = std::hint::black_box(sum.wrapping_mul(31) ^ i);
        }
        let handled = self.handled.load(Ordering::Relaxed) + 1;
        self.handled.store(handled, Ordering::Relaxed);
        let slice = cx.locality().slices();
        if slice != self.slice {
            self.begin_slice(slice);
        } else if handled.is_multiple_of(LOOK) {
            self.span.1 = computed();
        }
    }
}

impl Handler<Clicked> for Sink {
    const LANE: Lane = Lane::Urgent;

    fn handle(&mut self, Clicked(at, slices): Clicked, cx: &mut Context<Self>) {
        let between = cx.locality().slices() - slices;
        self.clicks.push((at.elapsed(), between));
        println!("clicked");
    }
}

impl Handler<End> for Sink {
    const LANE: Lane = Lane::Urgent;

    fn handle(&mut self, _: End, _: &mut Context<Self>) {
        self.slices.sort();
        self.clicks.sort();
        let latencies: Vec<_> = self.clicks.iter().map(|(latency, _)| *latency).collect();
        let (drawn, waited) = self.frames.borrow().counts();
        println!(
            "figures: {drawn} {waited} {} {} {} {} {}",
            self.handled.load(Ordering::Relaxed),
            part(&self.slices, 0.99).as_micros(),
            self.clicks.len(),
            part(&latencies, 0.95).as_micros(),
            self.clicks
                .iter()
                .map(|(_, slices)| *slices)
                .max()
                .unwrap_or(0),
        );
        process::exit(0);
    }
}
