//! A tree as a guest of an application's loop: its start, its end, its thread and its priority.

#![expect(unsafe_code)]

mod common;

use std::cell::Cell;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use common::*;
use glib::{ControlFlow, MainContext, Priority, ffi};
use rotor_core::*;
use rotor_glib::*;

// ---- start and end ---------------------------------------------------------------------------

#[test]
fn what_is_sent_before_the_loop_runs_is_handled() {
    within_limit(|| {
        let context = MainContext::new();
        let guest = GlibLoop::attach_to(&context).unwrap();
        let a = guest.locality().reserve();
        act(a, |me, _| me.count += 1); // before the start
        let app = guest.start(only(doer(a))).unwrap();
        act(a, |me, _| me.count += 1); // from the loop's thread
        let elsewhere = move || {
            act(a, move |me, _| {
                me.count += 1;
                act(a, |me, cx| {
                    assert_eq!(me.count, 3);
                    cx.stop();
                });
            });
        };
        thread::spawn(elsewhere).join().unwrap();
        let main_loop = main_loop(&context);
        quit_at_end(&app, &main_loop);
        main_loop.run();
        assert!(orderly(&app.wait().unwrap()));
    });
}

thread_local! {
    /// Whom the next source that is asked stops.
    static ASKED: Cell<Option<Addr<Doer>>> = const { Cell::new(None) };
}

/// A source that is asked whether it is due stops an actor, once. It is never due.
unsafe extern "C" fn stop_once(_: *mut ffi::GSource, timeout: *mut i32) -> ffi::gboolean {
    // SAFETY: GLib gives a place for the timeout.
    unsafe { *timeout = -1 };
    if let Some(a) = ASKED.take() {
        act(a, |_, cx| cx.stop());
    }
    ffi::GFALSE
}

static mut STOP_ONCE: ffi::GSourceFuncs = ffi::GSourceFuncs {
    prepare: Some(stop_once),
    check: None,
    dispatch: None,
    finalize: None,
    closure_callback: None,
    closure_marshal: None,
};

/// The actors' own source has said already that it is not.
#[test]
fn what_a_source_sends_when_it_is_asked_whether_it_is_due_is_handled() {
    use glib::translate::ToGlibPtr;
    within_limit(|| {
        let context = MainContext::new();
        let (app, a, main_loop) = guest(&context);
        while context.iteration(false) {}
        ASKED.set(Some(a));
        let raw: *mut ffi::GMainContext = context.to_glib_none().0;
        // SAFETY: the functions are those of a plain source, and never written; the context keeps it.
        unsafe {
            let source = ffi::g_source_new(&raw mut STOP_ONCE, size_of::<ffi::GSource>() as u32);
            ffi::g_source_attach(source, raw);
            ffi::g_source_unref(source);
        }
        main_loop.run();
        assert!(orderly(&app.wait().unwrap()));
    });
}

/// It has the last reference to its context.
#[test]
fn a_source_may_be_kept_for_longer_than_its_loop() {
    within_limit(|| {
        let kept = Rc::new(Cell::new(None));
        let keep = kept.clone();
        let main = GlibLoop::new();
        let a = main.locality().reserve();
        let child = Child::new("doer", move || {
            keep.set(glib::main_current_source());
            Doer::default()
        });
        act(a, |_, cx| cx.stop());
        assert!(orderly(&main.run(only(child.at(a))).unwrap()));
        let source = kept.take().expect("the factory runs in it");
        assert!(source.is_destroyed());
        drop(source);
    });
}

#[test]
fn actors_run_on_the_thread_of_the_loop_only() {
    within_limit(|| {
        let context = MainContext::new();
        let guest = GlibLoop::attach_to(&context).unwrap();
        let a = guest.locality().reserve();
        let me = thread::current().id();
        let app = guest.start(only(doer(a))).unwrap();
        let senders: Vec<_> = (0..4)
            .map(|_| {
                let count = move || {
                    let (tell, told) = mpsc::channel();
                    for _ in 0..100 {
                        let tell = tell.clone();
                        act(a, move |doer, cx| {
                            assert_eq!(thread::current().id(), me);
                            doer.count += 1;
                            if doer.count == 400 {
                                cx.stop();
                            }
                            tell.send(()).unwrap();
                        });
                        next(&told); // the loop rests in between
                    }
                };
                thread::spawn(count)
            })
            .collect();
        let main_loop = main_loop(&context);
        quit_at_end(&app, &main_loop);
        main_loop.run();
        senders.into_iter().for_each(|s| s.join().unwrap());
        assert!(orderly(&app.wait().unwrap()));
    });
}

#[test]
fn a_tree_that_ends_does_not_quit_the_applications_loop() {
    within_limit(|| {
        let context = MainContext::new();
        let main_loop = main_loop(&context);
        let app = GlibLoop::attach_to(&context)
            .unwrap()
            .start(only(Child::new("doer", Doer::default)))
            .unwrap();
        app.shutdown();
        let alive = Arc::new(AtomicU32::new(0));
        app.on_exit({
            let (context, main_loop, alive) = (context.clone(), main_loop.clone(), alive.clone());
            move |_| {
                // The loop goes round after the end.
                when_idle(&context.clone(), move || {
                    alive.fetch_add(1, Ordering::Relaxed);
                    when_idle(&context, move || {
                        alive.fetch_add(1, Ordering::Relaxed);
                        main_loop.quit();
                    });
                });
            }
        });
        main_loop.run();
        assert_eq!(alive.load(Ordering::Relaxed), 2);
        assert_eq!(app.wait().unwrap().to_string(), "shutdown");
        // Nothing of it is left: the context belongs to nobody.
        let free = thread::spawn(move || context.acquire().is_ok());
        assert!(free.join().unwrap());
    });
}

/// Starts a tree whose only actor fails, and the next one when it has ended, up to the third.
fn start_again(
    attempt: u32,
    context: &MainContext,
    main_loop: &glib::MainLoop,
    told: mpsc::Sender<Exit>,
) {
    let guest = GlibLoop::attach_to(context).unwrap();
    let a = guest.locality().reserve();
    act(a, move |_, cx| match attempt {
        3 => cx.stop(),
        _ => cx.fail(Error::message("no disk")),
    });
    let patience = Duration::from_secs(5);
    let app = guest.start(only(doer(a)).intensity(0, patience)).unwrap();
    let (context, main_loop) = (context.clone(), main_loop.clone());
    app.on_exit(move |exit| {
        let failed = exit.is_failure();
        told.send(exit).unwrap();
        if failed {
            start_again(attempt + 1, &context, &main_loop, told);
        } else {
            main_loop.quit();
        }
    });
}

/// The window stays: whoever hears that the root has given up starts the next tree, there and then.
#[test]
fn l08_a_root_that_gave_up_is_followed_by_the_next_on_the_loop_that_goes_on() {
    within_limit(|| {
        let context = MainContext::new();
        let main_loop = main_loop(&context);
        let (tell, told) = mpsc::channel();
        start_again(1, &context, &main_loop, tell);
        main_loop.run();
        let exits: Vec<_> = told.iter().map(|exit| exit.to_string()).collect();
        let gave_up = "shutdown, gave up restarting doer, which ended: failed: no disk";
        assert_eq!(exits[..2], [gave_up; 2]);
        assert_eq!((exits.len(), exits[2].contains("failed")), (3, false));
    });
}

/// Its loop was quit before the tree was over. The context would keep what lives there for ever.
#[test]
fn m11_a_guest_whose_thread_ends_is_lost() {
    within_limit(|| {
        let (tell, told) = mpsc::channel();
        let theirs = thread::spawn(move || {
            let context = MainContext::new();
            let guest = GlibLoop::attach_to(&context).unwrap();
            let a = guest.locality().reserve();
            let app = guest.start(only(doer(a))).unwrap();
            while a.address().state() != Lifecycle::Running {
                context.iteration(true);
            }
            let dropped = Arc::new(());
            let token = dropped.clone();
            act(a, move |_, cx| cx.at_end(move || drop(token)));
            while context.iteration(false) {}
            tell.send((app, a, dropped)).unwrap();
        });
        let (app, a, dropped) = next(&told);
        let exit = app.wait().unwrap();
        assert!(matches!(exit.reason(), ExitReason::Lost(_)), "{exit}");
        assert_eq!(a.address().state(), Lifecycle::Gone);
        theirs.join().unwrap();
        assert_eq!(Arc::strong_count(&dropped), 1, "nothing of it is left");
    });
}

#[test]
fn a_panic_in_a_handler_ends_one_instance_and_neither_loop_nor_process() {
    within_limit(|| {
        let context = MainContext::new();
        let guest = GlibLoop::attach_to(&context).unwrap();
        let a = guest.locality().reserve();
        let app = guest.start(only(doer(a))).unwrap();
        let main_loop = main_loop(&context);
        quit_at_end(&app, &main_loop);
        act(a, |me, _| me.count = 7);
        act(a, |_, _| {
            panic!("a handler panics: this is part of the test")
        });
        act(a, |me, cx| {
            assert_eq!(me.count, 0, "it is a fresh instance");
            cx.stop();
        });
        main_loop.run();
        assert_eq!(
            app.wait().unwrap().to_string(),
            "shutdown, because doer ended: normal"
        );
    });
}

#[test]
fn a_context_that_another_thread_owns_is_refused() {
    within_limit(|| {
        let context = MainContext::new();
        let (ask, asked) = mpsc::channel::<()>();
        let (tell, told) = mpsc::channel();
        let theirs = context.clone();
        let owner = thread::spawn(move || {
            let _own = theirs.acquire().unwrap();
            tell.send(()).unwrap();
            let _ = asked.recv();
        });
        next(&told);
        assert_eq!(GlibLoop::attach_to(&context).unwrap_err(), ContextBusy);
        drop(ask);
        owner.join().unwrap();
        let guest = GlibLoop::attach_to(&context).unwrap();
        // While it is attached the context is this thread's.
        let theirs = context.clone();
        let refused = move || GlibLoop::attach_to(&theirs).unwrap_err();
        assert_eq!(thread::spawn(refused).join().unwrap(), ContextBusy);
        drop(guest);
        let theirs = context.clone();
        let accepted = move || drop(GlibLoop::attach_to(&theirs).unwrap());
        thread::spawn(accepted).join().unwrap();
    });
}

#[test]
fn a_tree_that_is_refused_leaves_the_context_free() {
    within_limit(|| {
        let context = MainContext::new();
        let same = || Child::new("same", Doer::default);
        let tree = Supervisor::one_for_one("wrong").child(same()).child(same());
        let guest = GlibLoop::attach_to(&context).unwrap();
        let error = guest.start(tree).unwrap_err();
        assert!(matches!(error, StartError::DuplicateName { .. }));
        let free = thread::spawn(move || context.acquire().is_ok());
        assert!(free.join().unwrap());
    });
}

// ---- wrong thread ----------------------------------------------------------------------------

/// An actor that must stay on its thread.
struct Pinned {
    own: Rc<Dropped>,
}

impl Actor for Pinned {}

impl Handler<()> for Pinned {
    fn handle(&mut self, (): (), cx: &mut Context<Self>) {
        let shared = Rc::strong_count(&self.own);
        unreachable!(
            "{} runs elsewhere, with {shared} owners",
            cx.locality().name()
        );
    }
}

/// Starts a tree of one such actor on this thread and lets the context go.
fn start_and_let_go(
    context: &MainContext,
    dropped: mpsc::Sender<thread::ThreadId>,
) -> (App, Addr<Pinned>) {
    use glib::translate::ToGlibPtr;
    let guest = GlibLoop::attach_to(context).unwrap();
    let a = guest.locality().reserve();
    let own = Rc::new(Dropped(dropped));
    let child = Child::new("pinned", move || Pinned { own: own.clone() });
    let app = guest.start(only(child.at(a))).unwrap();
    while a.address().state() != Lifecycle::Running {
        context.iteration(true);
    }
    let raw: *mut glib::ffi::GMainContext = context.to_glib_none().0;
    // SAFETY: the context is this thread's, because of the guest.
    unsafe { glib::ffi::g_main_context_release(raw) }
    (app, a)
}

#[test]
fn a_thread_that_iterates_a_context_whose_owner_let_it_go_loses_the_locality() {
    within_limit(|| {
        let context = MainContext::new();
        let (tell, dropped) = mpsc::channel();
        let (app, a) = start_and_let_go(&context, tell);
        a.send(());
        let foreign = thread::spawn(move || {
            while context.iteration(false) {}
            app.wait().unwrap()
        });
        let exit = foreign.join().unwrap();
        assert!(matches!(exit.reason(), ExitReason::Lost(_)), "{exit}");
        assert!(dropped.try_recv().is_err(), "nothing is dropped elsewhere");
        assert_eq!(a.address().state(), Lifecycle::Gone);
        let sent = thread::spawn(move || a.try_send(()).is_ok());
        assert!(!sent.join().unwrap());
    });
}

#[test]
fn a_thread_that_takes_the_place_of_one_that_has_ended_loses_the_locality() {
    within_limit(|| {
        let context = MainContext::new();
        let (tell, dropped) = mpsc::channel();
        let theirs = context.clone();
        // The end of a main thread is the end of its process: it drops nothing.
        let main = thread::Builder::new().name("main".to_owned());
        let owner = main.spawn(move || start_and_let_go(&theirs, tell)).unwrap();
        let (app, a) = owner.join().unwrap();
        a.send(());
        // It is likely to get the same memory as the one before.
        let foreign = thread::spawn(move || while context.iteration(false) {});
        foreign.join().unwrap();
        let exit = app.wait().unwrap();
        assert!(matches!(exit.reason(), ExitReason::Lost(_)), "{exit}");
        assert!(dropped.try_recv().is_err(), "nothing is dropped elsewhere");
    });
}

// ---- the loop is shared ----------------------------------------------------------------------

/// The priority at which GTK draws.
fn redraw() -> Priority {
    Priority::from(glib::ffi::G_PRIORITY_HIGH_IDLE + 20)
}

/// Always has a message left, until it is told to end.
struct Flood {
    handled: Rc<Cell<u32>>,
    over: Arc<AtomicBool>,
}

struct Drip;
/// With how much was handled before, and how much may be handled in between.
struct Press(u32, u32);

impl Actor for Flood {
    fn start(&mut self, cx: &mut Context<Self>) -> Result {
        (0..20_000).for_each(|_| cx.addr().send(Drip));
        Ok(())
    }
}

impl Handler<Drip> for Flood {
    fn handle(&mut self, _: Drip, cx: &mut Context<Self>) {
        self.handled.set(self.handled.get() + 1);
        if self.over.load(Ordering::Relaxed) {
            return cx.stop();
        }
        cx.addr().send(Drip);
    }
}

thread_local! {
    static HANDLED: Rc<Cell<u32>> = Rc::default();
    static PRESSED: Cell<u32> = const { Cell::new(0) };
}

impl Handler<Press> for Flood {
    const LANE: Lane = Lane::Urgent;
    fn handle(&mut self, Press(before, limit): Press, _: &mut Context<Self>) {
        let waited = self.handled.get() - before;
        assert!(waited <= limit, "after {waited} others");
        PRESSED.set(PRESSED.get() + 1);
    }
}

/// Runs floods on one context, and beside them a source of an application's, for a while.
fn flooded(localities: usize) {
    const FRAMES: u32 = 50;
    let context = MainContext::new();
    let main_loop = main_loop(&context);
    let over = Arc::new(AtomicBool::new(false));
    let left = Arc::new(AtomicU32::new(localities as u32));
    let mut floods = Vec::new();
    let mut apps = Vec::new();
    for _ in 0..localities {
        let guest = GlibLoop::attach_to(&context).unwrap();
        let flood = guest.locality().reserve();
        floods.push(flood);
        let over = over.clone();
        let child = Child::new("flood", move || Flood {
            handled: HANDLED.with(Rc::clone),
            over: over.clone(),
        });
        let app = guest.start(only(child.at(flood))).unwrap();
        let (left, main_loop) = (left.clone(), main_loop.clone());
        app.on_exit(move |_| {
            if left.fetch_sub(1, Ordering::Relaxed) == 1 {
                main_loop.quit();
            }
        });
        apps.push(app);
    }
    let mut frames = 0;
    // One slice of each.
    let limit = Budget::default().messages * localities as u32;
    let frame = move || {
        frames += 1;
        let handled = HANDLED.with(|handled| handled.get());
        floods
            .iter()
            .for_each(|flood| flood.send(Press(handled, limit)));
        if frames == FRAMES {
            over.store(true, Ordering::Relaxed);
            return ControlFlow::Break;
        }
        ControlFlow::Continue
    };
    glib::timeout_source_new(Duration::from_millis(1), None, redraw(), frame)
        .attach(Some(&context));
    main_loop.run();
    for app in apps {
        assert!(orderly(&app.wait().unwrap()));
    }
    // The last ones may have come after the end.
    assert!(PRESSED.get() >= (FRAMES - 1) * localities as u32);
    assert!(HANDLED.with(|handled| handled.get()) > FRAMES);
}

#[test]
fn e11_a_flood_starves_neither_redraw_nor_urgent_messages() {
    within_limit(|| flooded(1));
}

/// A frame is due, and messages come for an actor whose loop is parked: what is handled in which order.
fn beside_a_frame(context: &MainContext, a: Addr<Doer>, messages: u32) -> Vec<&'static str> {
    while context.iteration(false) {}
    let (tell, told) = mpsc::channel();
    let drawn = tell.clone();
    let draw = move || {
        drawn.send("frame").unwrap();
        ControlFlow::Break
    };
    glib::idle_source_new(None, redraw(), draw).attach(Some(context));
    for n in 1..=messages {
        let tell = tell.clone();
        act(a, move |_, _| {
            let what = if n == messages { "last" } else { "first" };
            if n == 1 || n == messages {
                tell.send(what).unwrap();
            }
        });
    }
    while context.iteration(false) {}
    told.try_iter().collect()
}

/// Above what is drawn while its loop was parked, below it while a backlog lasts.
#[test]
fn e11_what_comes_to_a_parked_loop_goes_before_redraw_and_a_backlog_goes_behind() {
    within_limit(|| {
        let context = MainContext::new();
        let guest = GlibLoop::attach_to(&context).unwrap();
        let a = guest.locality().reserve();
        let app = guest.start(only(doer(a))).unwrap();
        let many = Budget::default().messages + 1;
        for _ in 0..2 {
            assert_eq!(beside_a_frame(&context, a, 1), ["last", "frame"]);
            let order = beside_a_frame(&context, a, many);
            assert_eq!(order, ["first", "frame", "last"]);
        }
        act(a, |_, cx| cx.stop());
        while context.iteration(false) {}
        assert!(orderly(&app.wait().unwrap()));
    });
}

/// Each of its ticks takes longer than it is from one to the next.
struct Slow;

#[derive(Clone)]
struct Tick;

impl Actor for Slow {
    fn start(&mut self, cx: &mut Context<Self>) -> Result {
        cx.every(Duration::from_millis(2), Tick);
        Ok(())
    }
}

impl Handler<Tick> for Slow {
    fn handle(&mut self, _: Tick, _: &mut Context<Self>) {
        thread::sleep(Duration::from_millis(3));
    }
}

/// That is a backlog as any other.
#[test]
fn other_sources_get_their_turns_while_a_timer_never_catches_up() {
    within_limit(|| {
        let context = MainContext::new();
        let main_loop = main_loop(&context);
        let guest = GlibLoop::attach_to(&context).unwrap();
        let app = guest.start(only(Child::new("slow", || Slow))).unwrap();
        quit_at_end(&app, &main_loop);
        let (mut frames, over) = (0, app.clone());
        let frame = move || {
            frames += 1;
            if frames < 5 {
                return ControlFlow::Continue;
            }
            over.shutdown();
            ControlFlow::Break
        };
        let wait = Duration::from_millis(5);
        glib::timeout_source_new(wait, None, redraw(), frame).attach(Some(&context));
        main_loop.run();
        assert!(orderly(&app.wait().unwrap()));
    });
}

#[test]
fn e11_an_idle_source_gets_its_turn_when_the_backlog_is_done() {
    within_limit(|| {
        let context = MainContext::new();
        let main_loop = main_loop(&context);
        let guest = GlibLoop::attach_to(&context).unwrap();
        let a = guest.locality().reserve();
        let app = guest.start(only(doer(a))).unwrap();
        (0..50_000).for_each(|_| act(a, |me, _| me.count += 1));
        when_idle(&context, move || {
            act(a, |me, cx| {
                assert_eq!(me.count, 50_000);
                cx.stop();
            })
        });
        quit_at_end(&app, &main_loop);
        main_loop.run();
        assert!(orderly(&app.wait().unwrap()));
    });
}

// ---- time ------------------------------------------------------------------------------------

/// Real time, because that is what is promised.
#[test]
fn short_timers_are_never_early_and_the_loop_waits_for_them() {
    const TIMERS: u32 = 100;
    struct Clocked {
        due: Instant,
        left: u32,
    }
    struct Due;
    impl Actor for Clocked {
        fn start(&mut self, cx: &mut Context<Self>) -> Result {
            let delay = Duration::from_micros(300);
            self.due = Instant::now() + delay;
            cx.after(delay, Due);
            Ok(())
        }
    }
    impl TryHandler<Due> for Clocked {
        fn try_handle(&mut self, _: Due, cx: &mut Context<Self>) -> Result {
            assert!(Instant::now() >= self.due);
            self.left -= 1;
            match self.left {
                0 => cx.stop(),
                _ => self.start(cx)?,
            }
            Ok(())
        }
    }
    within_limit(|| {
        let context = MainContext::new();
        let child = Child::new("clocked", || Clocked {
            due: Instant::now(),
            left: TIMERS,
        });
        let app = GlibLoop::attach_to(&context)
            .unwrap()
            .start(only(child))
            .unwrap();
        let over = Arc::new(AtomicBool::new(false));
        app.on_exit({
            let over = over.clone();
            move |_| over.store(true, Ordering::Relaxed)
        });
        let mut iterations = 0;
        while !over.load(Ordering::Relaxed) {
            context.iteration(true);
            iterations += 1;
        }
        assert!(orderly(&app.wait().unwrap()));
        assert!(
            iterations < 4 * TIMERS,
            "{iterations} iterations: it polls without waiting"
        );
    });
}

/// Real time, because that is what is promised.
#[test]
#[cfg(target_os = "linux")]
fn an_idle_loop_is_not_woken() {
    within_limit(|| {
        let (tell, told) = mpsc::channel();
        let owner = thread::spawn(move || {
            let context = MainContext::new();
            let guest = GlibLoop::attach_to(&context).unwrap();
            let a = guest.locality().reserve();
            let app = guest.start(only(doer(a))).unwrap();
            let main_loop = main_loop(&context);
            quit_at_end(&app, &main_loop);
            act(a, move |_, cx| {
                let nap = async {};
                cx.spawn(nap, |_, (), _| {});
                cx.after(Duration::from_secs(3600), Do::nothing());
                let id = std::fs::read_link("/proc/thread-self").unwrap();
                tell.send((id, a)).unwrap();
            });
            main_loop.run();
            assert!(orderly(&app.wait().unwrap()));
        });
        let (thread, a) = next(&told);
        assert_eq!(wakes_of_an_idle(&thread), 0);
        act(a, |_, cx| cx.stop());
        owner.join().unwrap();
    });
}

#[test]
fn four_localities_on_one_context_share_it() {
    within_limit(|| flooded(4));
}

// ---- time ------------------------------------------------------------------------------------

#[test]
fn t04_time_passes_when_the_clock_of_a_guest_is_set() {
    within_limit(|| {
        let (context, clock) = (MainContext::new(), Clock::manual());
        let guest = GlibLoop::with_clock(&context, clock.clone()).unwrap();
        let a = guest.locality().reserve();
        nap(a);
        let app = guest.start(only(doer(a))).unwrap();
        while context.iteration(false) {}
        let last = Duration::from_nanos(1);
        clock.advance(NAP - last);
        assert!(!context.iteration(false), "it is not due yet");
        thread::spawn(move || clock.advance(last));
        while app.tree().ended.is_none() {
            context.iteration(true);
        }
    });
}
