//! File descriptors that actors watch.

#![expect(unsafe_code)]

mod common;

use std::cell::RefCell;
use std::io::{ErrorKind, Read, Write};
use std::os::unix::net::UnixStream;
use std::rc::Rc;
use std::sync::atomic::{AtomicPtr, Ordering};
use std::sync::mpsc::{self, Receiver, Sender};
use std::time::Duration;

use common::*;
use glib::{IOCondition, MainContext};
use rotor_core::*;
use rotor_glib::*;

/// What a watcher has seen.
#[derive(Debug, PartialEq, Eq)]
enum Seen {
    /// As many bytes.
    Read(usize),
    /// Ready, but there was nothing.
    Nothing,
    /// The other end is closed.
    End,
    /// Ready, and the message was kept.
    Kept,
    /// An answer to [`Tell`].
    Here(u32),
}

/// Where a forgotten watch lies: known, so that nobody takes it for a leak.
static FORGOTTEN: AtomicPtr<()> = AtomicPtr::new(std::ptr::null_mut());

/// Reads what comes, so many bytes at a time.
struct Watcher {
    instance: u32,
    stream: UnixStream,
    watch: Option<Watch>,
    keep: Option<Ready>,
    keeps: bool,
    bytes: usize,
    seen: Sender<Seen>,
}

/// Ask for a [`Seen::Here`].
struct Tell;
/// What a watcher does next.
enum Order {
    Nothing,
    Keep,
    Release,
    Unwatch,
    Watch,
    Forget,
    Fail,
    Stop,
    DestroySource,
}

impl Watcher {
    fn watch(&mut self, cx: &mut Context<Self>) -> Result {
        let fd = self.stream.try_clone()?.into();
        self.watch = Some(Io::of(cx)?.watch(cx, fd, IOCondition::IN));
        Ok(())
    }
}

impl Actor for Watcher {
    fn start(&mut self, cx: &mut Context<Self>) -> Result {
        if self.instance == 0 {
            self.watch(cx)?;
        }
        Ok(())
    }
}

impl TryHandler<Ready> for Watcher {
    fn try_handle(&mut self, ready: Ready, _: &mut Context<Self>) -> Result {
        assert_ne!(ready.fd(), -1);
        assert!(!ready.condition().is_empty());
        if self.keeps {
            self.keep = Some(ready);
            let _ = self.seen.send(Seen::Kept);
            return Ok(());
        }
        let mut buffer = [0; 64];
        let seen = match self.stream.read(&mut buffer[..self.bytes]) {
            Ok(0) => {
                self.watch = None;
                Seen::End
            }
            Ok(n) => Seen::Read(n),
            Err(error) if error.kind() == ErrorKind::WouldBlock => Seen::Nothing,
            Err(error) => return Err(error.into()),
        };
        let _ = self.seen.send(seen);
        Ok(())
    }
}

impl Handler<Tell> for Watcher {
    fn handle(&mut self, _: Tell, _: &mut Context<Self>) {
        let _ = self.seen.send(Seen::Here(self.instance));
    }
}

impl TryHandler<Order> for Watcher {
    fn try_handle(&mut self, order: Order, cx: &mut Context<Self>) -> Result {
        match order {
            Order::Nothing => {}
            Order::Keep => self.keeps = true,
            Order::Release => {
                self.keeps = false;
                self.keep = None;
            }
            Order::Unwatch => self.watch = None,
            Order::Watch => self.watch(cx)?,
            Order::Forget => {
                let watch = Box::into_raw(Box::new(self.watch.take()));
                FORGOTTEN.store(watch.cast(), Ordering::Relaxed);
            }
            Order::Fail => return Err(Error::message("as told")),
            Order::Stop => cx.stop(),
            Order::DestroySource => glib::main_current_source().unwrap().destroy(),
        }
        Ok(())
    }
}

/// A watcher in a context that the test itself turns, and the other end of its stream.
struct Scene {
    context: MainContext,
    app: App,
    watcher: Addr<Watcher>,
    peer: UnixStream,
    seen: Receiver<Seen>,
}

impl Scene {
    fn new(bytes: usize) -> Self {
        let (peer, stream) = UnixStream::pair().unwrap();
        stream.set_nonblocking(true).unwrap();
        let context = MainContext::new();
        let guest = GlibLoop::attach_to(&context).unwrap();
        let watcher = guest.locality().reserve();
        let (tell, seen) = mpsc::channel();
        // The second instance has another stream, and watches nothing.
        let mut streams = Some(stream);
        let mut instances = 0..;
        let make = move || -> std::io::Result<Watcher> {
            Ok(Watcher {
                instance: instances.next().unwrap_or(0),
                stream: match streams.take() {
                    Some(stream) => stream,
                    None => UnixStream::pair()?.0,
                },
                watch: None,
                keep: None,
                keeps: false,
                bytes,
                seen: tell.clone(),
            })
        };
        let app = guest
            .start(only(Child::new("watcher", make).at(watcher)))
            .unwrap();
        let scene = Scene {
            context,
            app,
            watcher,
            peer,
            seen,
        };
        scene.settle(0);
        scene
    }

    fn order(&self, order: Order) {
        self.watcher.send(order);
    }

    /// Turns until something has been seen.
    fn next(&self) -> Seen {
        loop {
            match self.seen.try_recv() {
                Ok(seen) => return seen,
                Err(_) => self.context.iteration(true),
            };
        }
    }

    /// Turns the loop until nothing is left to do; nothing must be seen.
    fn settle(&self, instance: u32) {
        for _ in 0..3 {
            while self.context.iteration(false) {}
            self.watcher.send(Tell);
            assert_eq!(self.next(), Seen::Here(instance));
        }
    }

    /// Has it keep the message about what is written now.
    fn keep(&mut self) {
        self.order(Order::Keep);
        self.settle(0);
        self.peer.write_all(b"abc").unwrap();
        assert_eq!(self.next(), Seen::Kept);
    }

    /// Makes sure that the loop does not go round and round.
    fn assert_waits(&self) {
        let rounds = rounds(&self.context, Duration::from_millis(100));
        assert!(rounds < 20, "{rounds} rounds: it does not wait");
    }

    fn end(self) {
        self.order(Order::Stop);
        while self.watcher.address().state() != Lifecycle::Gone {
            self.context.iteration(true);
        }
        assert!(orderly(&self.app.wait().unwrap()));
        assert!(is_free(self.context));
    }
}

/// Says so many bytes, one after the other, each when it has heard the one before; and floods itself
/// meanwhile.
struct Pinger {
    stream: UnixStream,
    watch: Option<Watch>,
    left: u8,
}

/// Has a pinger send itself another one.
struct Again;

impl Actor for Pinger {
    fn start(&mut self, cx: &mut Context<Self>) -> Result {
        let fd = self.stream.try_clone()?.into();
        self.watch = Some(Io::of(cx)?.watch(cx, fd, IOCondition::IN));
        (0..1000).for_each(|_| cx.addr().send(Again));
        self.stream.write_all(&[self.left])?;
        Ok(())
    }
}

impl Handler<Again> for Pinger {
    fn handle(&mut self, again: Again, cx: &mut Context<Self>) {
        cx.addr().send(again);
    }
}

impl TryHandler<Ready> for Pinger {
    fn try_handle(&mut self, _: Ready, cx: &mut Context<Self>) -> Result {
        let mut heard = [0];
        self.stream.read_exact(&mut heard)?;
        assert_eq!(heard, [self.left]);
        self.left -= 1;
        match self.left {
            0 => cx.stop(),
            left => self.stream.write_all(&[left])?,
        }
        Ok(())
    }
}

#[test]
fn e10_a_descriptor_is_served_while_an_actor_floods_itself() {
    within_limit(|| {
        let (stream, mut far) = UnixStream::pair().unwrap();
        stream.set_nonblocking(true).unwrap();
        let echo = std::thread::spawn(move || {
            let mut said = [0];
            while far.read_exact(&mut said).is_ok() {
                far.write_all(&said).unwrap();
            }
        });
        let pinger = Child::once("pinger", move |_| {
            Ok(Pinger {
                stream,
                watch: None,
                left: 100,
            })
        });
        let tree = Supervisor::one_for_one("test")
            .auto_shutdown(AutoShutdown::Any)
            .child(pinger.significant());
        assert!(orderly(&GlibLoop::new().run(tree).unwrap()));
        echo.join().unwrap();
    });
}

#[test]
fn a_descriptor_is_watched_again_when_the_message_is_dropped() {
    within_limit(|| {
        let mut scene = Scene::new(1);
        for _ in 0..3 {
            scene.peer.write_all(b"abc").unwrap();
            (0..3).for_each(|_| assert_eq!(scene.next(), Seen::Read(1)));
            scene.settle(0);
        }
        scene.end();
    });
}

#[test]
fn ready_is_not_told_for_what_has_been_read_already() {
    within_limit(|| {
        let mut scene = Scene::new(64);
        for _ in 0..20 {
            // The message waits for more than a turn.
            (0..10_000).for_each(|_| scene.order(Order::Nothing));
            scene.peer.write_all(b"abc").unwrap();
            assert_eq!(scene.next(), Seen::Read(3));
            scene.settle(0);
        }
        scene.end();
    });
}

#[test]
fn a_descriptor_is_not_watched_while_its_message_is_kept() {
    within_limit(|| {
        let mut scene = Scene::new(64);
        scene.keep();
        scene.peer.write_all(b"def").unwrap();
        scene.settle(0);
        scene.assert_waits();
        scene.order(Order::Release);
        assert_eq!(scene.next(), Seen::Read(6));
        scene.settle(0);
        scene.end();
    });
}

#[test]
fn the_other_ends_hanging_up_does_not_make_the_loop_spin() {
    within_limit(|| {
        let mut scene = Scene::new(64);
        scene.keep();
        scene.peer = UnixStream::pair().unwrap().0;
        scene.settle(0);
        scene.assert_waits();
        scene.order(Order::Release);
        assert_eq!(scene.next(), Seen::Read(3));
        assert_eq!(scene.next(), Seen::End);
        scene.settle(0);
        scene.assert_waits();
        scene.end();
    });
}

#[test]
fn an_idle_watch_does_not_make_the_loop_spin() {
    within_limit(|| {
        let scene = Scene::new(64);
        scene.assert_waits();
        scene.end();
    });
}

#[test]
fn a_watch_that_is_dropped_says_nothing_any_more() {
    within_limit(|| {
        let mut scene = Scene::new(64);
        scene.order(Order::Unwatch);
        scene.settle(0);
        scene.peer.write_all(b"abc").unwrap();
        scene.settle(0);
        // Another watch, likely with the same number, is not touched by the end of the first one.
        scene.order(Order::Watch);
        assert_eq!(scene.next(), Seen::Read(3));
        scene.order(Order::Watch); // the one in its place is dropped
        scene.peer.write_all(b"de").unwrap();
        assert_eq!(scene.next(), Seen::Read(2));
        scene.settle(0);
        scene.end();
    });
}

#[test]
fn a_watch_may_be_dropped_while_its_message_is_kept() {
    within_limit(|| {
        let mut scene = Scene::new(64);
        scene.keep();
        scene.order(Order::Unwatch);
        scene.order(Order::Release);
        scene.settle(0);
        scene.order(Order::Watch);
        assert_eq!(scene.next(), Seen::Read(3));
        scene.settle(0);
        scene.end();
    });
}

#[test]
fn a_watch_ends_with_its_instance_and_closes_its_descriptor() {
    within_limit(|| {
        let mut scene = Scene::new(64);
        scene.order(Order::Forget); // not even its destructor runs
        scene.order(Order::Fail);
        scene.settle(1);
        assert_eq!(scene.peer.read(&mut [0; 8]).unwrap(), 0);
        scene.end();
    });
}

#[test]
fn the_next_instance_does_not_get_what_was_meant_for_the_one_before() {
    within_limit(|| {
        let mut scene = Scene::new(64);
        // In one iteration: the order is queued, then the descriptor is found ready.
        scene.order(Order::Fail);
        scene.peer.write_all(b"abc").unwrap();
        scene.settle(1);
        scene.end();
    });
}

#[test]
fn many_descriptors_are_told_apart() {
    struct Many {
        streams: Vec<(UnixStream, Watch)>,
        fds: Vec<i32>,
        read: usize,
    }
    impl Actor for Many {}
    impl TryHandler<Ready> for Many {
        fn try_handle(&mut self, ready: Ready, cx: &mut Context<Self>) -> Result {
            if !self.fds.contains(&ready.fd()) {
                self.fds.push(ready.fd());
            }
            let mut buffer = [0; 8];
            for (stream, _) in &mut self.streams {
                if let Ok(n) = stream.read(&mut buffer) {
                    self.read += n;
                }
            }
            if self.read == self.streams.len() && self.fds.len() == self.streams.len() {
                cx.stop();
            }
            Ok(())
        }
    }
    within_limit(|| {
        let (mut peers, mut ends): (Vec<_>, Vec<_>) =
            (0..20).map(|_| UnixStream::pair().unwrap()).unzip();
        let main = GlibLoop::new();
        let make = move |cx: &mut Context<Many>| {
            let mut streams = Vec::new();
            for stream in ends.drain(..) {
                stream.set_nonblocking(true)?;
                let fd = stream.try_clone()?.into();
                streams.push((stream, Io::of(cx)?.watch(cx, fd, IOCondition::IN)));
            }
            Ok(Many {
                streams,
                fds: Vec::new(),
                read: 0,
            })
        };
        peers
            .iter_mut()
            .for_each(|peer| peer.write_all(b"x").unwrap());
        let exit = main.run(only(Child::with("many", make))).unwrap();
        assert!(orderly(&exit), "{exit}");
    });
}

#[test]
fn a_loop_whose_source_is_destroyed_loses_its_actors_and_their_watches() {
    within_limit(|| {
        for keeps in [false, true] {
            let mut scene = Scene::new(64);
            if keeps {
                scene.keep();
            }
            scene.order(Order::DestroySource);
            while scene.context.iteration(false) {}
            let exit = scene.app.wait().unwrap();
            assert!(matches!(exit.reason(), ExitReason::Lost(_)), "{exit}");
            // Its descriptors are closed, what it has not read is told to the other end.
            let end = scene.peer.read(&mut [0; 8]);
            assert!(matches!(end, Ok(0)) || keeps, "{end:?}");
            assert!(is_free(scene.context));
        }
    });
}

/// A priority that was set after that would have the context poll what is gone.
#[test]
fn a_source_that_is_destroyed_in_a_backlog_leaves_no_descriptor_behind() {
    use glib::translate::ToGlibPtr;
    within_limit(|| {
        let scene = Scene::new(64);
        scene.order(Order::DestroySource);
        (0..10_000).for_each(|_| scene.order(Order::Nothing));
        while scene.context.iteration(false) {}
        let raw: *mut glib::ffi::GMainContext = scene.context.to_glib_none().0;
        // SAFETY: without room for any descriptor, only their number is told.
        let polled = unsafe {
            let (mut timeout, none) = (0, std::ptr::null_mut());
            glib::ffi::g_main_context_query(raw, i32::MAX, &mut timeout, none, 0)
        };
        assert_eq!(polled, 1, "its own, by which it is woken");
    });
}

/// Keeps the loop's [`Io`] where it outlives the actor, or watches with one that was kept.
struct Keeper {
    io: Option<Rc<Io>>,
    watch: Option<Watch>,
}

impl Actor for Keeper {}

impl TryHandler<Ready> for Keeper {
    fn try_handle(&mut self, _: Ready, _: &mut Context<Self>) -> Result {
        Err(Error::message("the descriptor is not watched"))
    }
}

impl Handler<Tell> for Keeper {
    fn handle(&mut self, Tell: Tell, cx: &mut Context<Self>) {
        let io = self.io.clone().expect("kept");
        let (mut peer, end) = UnixStream::pair().unwrap();
        peer.write_all(b"x").unwrap();
        self.watch = Some(io.watch(cx, end.into(), IOCondition::IN));
        cx.stop();
    }
}

/// The source is leaked with all that it has, so that it is there whoever knows it.
#[test]
fn an_io_may_outlive_a_loop_that_another_thread_has_dropped() {
    use glib::translate::ToGlibPtr;
    within_limit(|| {
        let context = MainContext::new();
        let kept: Rc<RefCell<Option<Rc<Io>>>> = Rc::default();
        let guest = GlibLoop::attach_to(&context).unwrap();
        let keep = kept.clone();
        let first = guest.locality().reserve();
        let make = move |cx: &mut Context<Keeper>| {
            let io = Io::of(cx)?;
            *keep.borrow_mut() = Some(io.clone());
            Ok(Keeper {
                io: Some(io),
                watch: None,
            })
        };
        let app = guest
            .start(only(Child::with("keeper", make).at(first)))
            .unwrap();
        while kept.borrow().is_none() {
            context.iteration(true);
        }
        let raw: *mut glib::ffi::GMainContext = context.to_glib_none().0;
        // SAFETY: the context is this thread's, because of the guest.
        unsafe { glib::ffi::g_main_context_release(raw) }
        first.send(Tell); // so that the source is due
        let foreign = std::thread::spawn(move || {
            while context.iteration(false) {}
            app.wait().unwrap()
        });
        let exit = foreign.join().unwrap();
        assert!(matches!(exit.reason(), ExitReason::Lost(_)), "{exit}");

        let main = GlibLoop::new();
        let keeper = main.locality().reserve();
        let io = kept.borrow_mut().take();
        let child = Child::new("keeper", move || Keeper {
            io: io.clone(),
            watch: None,
        });
        keeper.send(Tell);
        let exit = main.run(only(child.at(keeper))).unwrap();
        assert!(orderly(&exit), "{exit}");
    });
}
