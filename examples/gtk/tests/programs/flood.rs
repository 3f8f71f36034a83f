//! `flood MODE SECONDS`: a window that draws all the time, beside an actor that does nothing
//! (`idle`), that always has 20 000 messages queued (`flood`), or that has them in a loop whose
//! source keeps its priority (`eager`, to show what that does). Counts frames and times slices.

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};
use std::{env, fs, process, thread};

use gtk::prelude::*;
use gtk::{gio, glib};
use rotor_core::*;
use rotor_glib::GlibLoop;
use rustix::time::{ClockId, clock_gettime};

/// Messages that are kept queued.
const QUEUED: u64 = 20_000;
/// Frames before it begins, so that the window is there.
const WARM: u32 = 20;
/// Messages between two looks at the clock.
const LOOK: u64 = 16;

/// Takes the flood.
struct Sink {
    figures: Rc<Figures>,
    handled: Arc<AtomicU64>,
    slice: u64,
    /// The thread's time when the slice began, and when it was looked at last.
    span: (Duration, Duration),
}

#[derive(Default)]
struct Figures {
    frames: Cell<u32>,
    /// What the thread had waited for a processor when it began.
    waited: Cell<Duration>,
    slices: RefCell<Vec<Duration>>,
    /// Latency of each click, and slices that began in between.
    clicks: RefCell<Vec<(Duration, u64)>>,
}

struct Begin(Duration);
struct Water(u64);
struct End;
struct Clicked(Instant, u64);

impl Actor for Sink {}

impl Handler<Begin> for Sink {
    fn handle(&mut self, Begin(time): Begin, cx: &mut Context<Self>) {
        self.figures.frames.set(0);
        self.figures.waited.set(waited());
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
            let (begin, end) = self.span;
            self.figures.slices.borrow_mut().push(end - begin);
            self.slice = slice;
            self.span = (cpu(), cpu());
        } else if handled.is_multiple_of(LOOK) {
            self.span.1 = cpu();
        }
    }
}

impl Handler<Clicked> for Sink {
    const LANE: Lane = Lane::Urgent;

    fn handle(&mut self, Clicked(at, slices): Clicked, cx: &mut Context<Self>) {
        let between = cx.locality().slices() - slices;
        self.figures
            .clicks
            .borrow_mut()
            .push((at.elapsed(), between));
        println!("clicked");
    }
}

impl Handler<End> for Sink {
    const LANE: Lane = Lane::Urgent;

    fn handle(&mut self, _: End, _: &mut Context<Self>) {
        let slices = &mut *self.figures.slices.borrow_mut();
        slices.sort();
        let clicks = self.figures.clicks.borrow();
        let mut latencies: Vec<_> = clicks.iter().map(|(latency, _)| *latency).collect();
        latencies.sort();
        println!(
            "figures: {} {} {} {} {} {} {}",
            self.figures.frames.get(),
            (waited() - self.figures.waited.get()).as_millis(),
            self.handled.load(Ordering::Relaxed),
            part(slices, 0.99).as_micros(),
            clicks.len(),
            part(&latencies, 0.95).as_micros(),
            clicks.iter().map(|(_, slices)| *slices).max().unwrap_or(0),
        );
        process::exit(0);
    }
}

fn part(sorted: &[Duration], part: f64) -> Duration {
    let at = (sorted.len() as f64 * part) as usize;
    sorted
        .get(at)
        .or(sorted.last())
        .copied()
        .unwrap_or_default()
}

/// How long this thread was kept waiting so far, because all processors had other things to do.
fn waited() -> Duration {
    let text = fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
    let nanos = text.split(' ').nth(1).and_then(|word| word.parse().ok());
    Duration::from_nanos(nanos.unwrap_or(0))
}

/// What this thread has computed so far.
fn cpu() -> Duration {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    Duration::new(time.tv_sec as u64, time.tv_nsec as u32)
}

/// A loop without adaptive priority.
fn start_eager(locality: &Locality, tree: Supervisor) -> App {
    struct Silent;
    impl Wake for Silent {
        fn wake(&self) {}
    }
    let driver = Driver::new(Arc::new(Silent), Clock::real());
    driver.open(locality).expect("it is new");
    let app = driver.start(tree).expect("a good tree");
    look(Rc::new(driver));
    app
}

/// Looks after messages now and then, and stays at the same priority while there are some.
fn look(driver: Rc<Driver>) {
    let now_and_then = Duration::from_millis(1);
    glib::timeout_add_local_full(now_and_then, glib::Priority::DEFAULT, move || {
        let Turn::Again = driver.turn(Budget::default()) else {
            return glib::ControlFlow::Continue;
        };
        let driver = driver.clone();
        glib::source::idle_add_local_full(glib::Priority::DEFAULT, move || {
            match driver.turn(Budget::default()) {
                Turn::Again => glib::ControlFlow::Continue,
                _ => {
                    look(driver.clone());
                    glib::ControlFlow::Break
                }
            }
        });
        glib::ControlFlow::Break
    });
}

fn open(program: &gtk::Application, mode: &str, time: Duration) {
    let (window, button) = (gtk::ApplicationWindow::new(program), gtk::Button::new());
    button.set_label("Click");
    let area = gtk::DrawingArea::new();
    area.set_vexpand(true);
    let content = gtk::Box::new(gtk::Orientation::Vertical, 0);
    content.append(&button);
    content.append(&area);
    window.set_child(Some(&content));
    window.set_title(Some("Flood"));
    window.set_default_size(300, 300);

    let figures = Rc::new(Figures::default());
    let handled = Arc::new(AtomicU64::new(0));
    let make = {
        let (figures, handled) = (figures.clone(), handled.clone());
        move || Sink {
            figures: figures.clone(),
            handled: handled.clone(),
            slice: 0,
            span: (cpu(), cpu()),
        }
    };
    let attached = GlibLoop::attach().expect("this thread's loop is free");
    let here = match mode {
        "eager" => Locality::new("eager"),
        _ => attached.locality().clone(),
    };
    let sink = here.reserve::<Sink>();
    let tree = Supervisor::one_for_one("app").child(Child::new("sink", make).at(sink));
    let app = match mode {
        "eager" => start_eager(&here, tree),
        _ => attached.start(tree).expect("a good tree"),
    };
    window.connect_close_request(move |_| {
        app.shutdown();
        glib::Propagation::Proceed
    });
    button.connect_clicked(move |_| sink.send(Clicked(Instant::now(), here.slices())));

    let floods = mode != "idle";
    area.set_draw_func(move |_, cairo, width, height| {
        let n = figures.frames.get() + 1;
        figures.frames.set(n);
        let grey = f64::from(n % 100) / 100.0;
        cairo.set_source_rgb(grey, grey, grey);
        cairo.rectangle(0.0, 0.0, width.into(), height.into());
        cairo.fill().expect("a picture");
    });
    let begun = Cell::new(0);
    area.add_tick_callback(move |area, _| {
        begun.set(begun.get() + 1);
        if begun.get() == WARM {
            sink.send(Begin(time));
            if floods {
                pour(sink, handled.clone());
            }
        }
        area.queue_draw();
        glib::ControlFlow::Continue
    });
    window.present();
}

/// Keeps messages queued, from another thread.
fn pour(sink: Addr<Sink>, handled: Arc<AtomicU64>) {
    thread::spawn(move || {
        let (mut outbox, mut sent) = (Outbox::new(), 0);
        loop {
            while sent < handled.load(Ordering::Relaxed) + QUEUED {
                outbox.send(sink, Water(sent));
                sent += 1;
            }
            outbox.flush();
            thread::sleep(Duration::from_micros(500));
        }
    });
}

fn main() -> glib::ExitCode {
    let words: Vec<_> = env::args().skip(1).collect();
    let [mode, seconds] = &words[..] else {
        panic!("flood MODE SECONDS");
    };
    let (mode, time) = (
        mode.clone(),
        Duration::from_secs(seconds.parse().expect("a number")),
    );
    let program = gtk::Application::new(None::<&str>, gio::ApplicationFlags::NON_UNIQUE);
    program.connect_activate(move |program| open(program, &mode, time));
    program.run_with_args::<&str>(&[])
}
