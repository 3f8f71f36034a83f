//! Floors of a wake: a token between two threads that always park, each with one kind of loop; and
//! between two that never do.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread::Thread;

use super::Peer;
use crate::harness::*;

pub static PARK: Peer = Peer {
    name: "floor-park",
    version: "std",
    has: &[
        (W::CrossPing, "atomic, park and unpark"),
        (W::CrossPingCpu, "atomic, park and unpark"),
    ],
    run: cross::<Park>,
};

pub static SPIN: Peer = Peer {
    name: "floor-spin",
    version: "std",
    has: &[
        (W::CrossSpin, "atomic, both spin"),
        (W::CrossSpinCpu, "atomic, both spin"),
    ],
    run: cross::<Spin>,
};

#[cfg(feature = "loops")]
pub static MIO: Peer = Peer {
    name: "floor-mio",
    version: "mio 1",
    has: &[
        (W::CrossPing, "atomic, Waker::wake and Poll::poll"),
        (W::CrossPingCpu, "atomic, Waker::wake and Poll::poll"),
    ],
    run: cross::<loops::Mio>,
};

#[cfg(feature = "loops")]
pub static GLIB: Peer = Peer {
    name: "floor-glib",
    version: "glib 0.22",
    has: &[
        (W::CrossPing, "atomic, MainContext::wakeup and iteration"),
        (W::CrossPingCpu, "atomic, MainContext::wakeup and iteration"),
    ],
    run: cross::<loops::Glib>,
};

#[cfg(feature = "loops")]
pub static SMOL: Peer = Peer {
    name: "floor-smol",
    version: "async-io 2",
    has: &[
        (W::CrossPing, "atomic, Waker::wake and block_on"),
        (W::CrossPingCpu, "atomic, Waker::wake and block_on"),
    ],
    run: cross::<loops::Smol>,
};

/// How a thread waits, and how another ends that.
trait Bed {
    type Bell: Send + 'static;

    /// For this thread.
    fn new() -> (Self, Self::Bell)
    where
        Self: Sized;

    /// Waits until `ready` gives something; it is called again after each ring.
    fn wait(&mut self, ready: impl FnMut() -> Option<u64>) -> u64;

    fn ring(bell: &Self::Bell);
}

struct Park;

impl Bed for Park {
    type Bell = Thread;

    fn new() -> (Self, Thread) {
        (Park, std::thread::current())
    }

    fn wait(&mut self, mut ready: impl FnMut() -> Option<u64>) -> u64 {
        loop {
            std::thread::park();
            if let Some(value) = ready() {
                return value;
            }
        }
    }

    fn ring(bell: &Thread) {
        bell.unpark();
    }
}

struct Spin;

impl Bed for Spin {
    type Bell = ();

    fn new() -> (Self, ()) {
        (Spin, ())
    }

    fn wait(&mut self, mut ready: impl FnMut() -> Option<u64>) -> u64 {
        loop {
            if let Some(value) = ready() {
                return value;
            }
            std::hint::spin_loop();
        }
    }

    fn ring((): &()) {}
}

#[cfg(feature = "loops")]
mod loops {
    use std::future::poll_fn;
    use std::task::{Poll, Waker};

    use super::Bed;

    pub struct Mio {
        poll: mio::Poll,
        events: mio::Events,
    }

    impl Bed for Mio {
        type Bell = mio::Waker;

        fn new() -> (Self, mio::Waker) {
            let poll = mio::Poll::new().expect("a poll");
            let waker = mio::Waker::new(poll.registry(), mio::Token(0)).expect("a waker");
            let events = mio::Events::with_capacity(16);
            (Mio { poll, events }, waker)
        }

        fn wait(&mut self, mut ready: impl FnMut() -> Option<u64>) -> u64 {
            loop {
                self.poll.poll(&mut self.events, None).expect("a poll");
                if let Some(value) = ready() {
                    return value;
                }
            }
        }

        fn ring(bell: &mio::Waker) {
            bell.wake().expect("a waker");
        }
    }

    pub struct Glib(glib::MainContext);

    impl Bed for Glib {
        type Bell = glib::MainContext;

        fn new() -> (Self, glib::MainContext) {
            let context = glib::MainContext::new();
            (Glib(context.clone()), context)
        }

        fn wait(&mut self, mut ready: impl FnMut() -> Option<u64>) -> u64 {
            loop {
                self.0.iteration(true);
                if let Some(value) = ready() {
                    return value;
                }
            }
        }

        fn ring(bell: &glib::MainContext) {
            bell.wakeup();
        }
    }

    pub struct Smol;

    impl Bed for Smol {
        type Bell = Waker;

        fn new() -> (Self, Waker) {
            // `block_on` has one waker for each thread.
            let own = poll_fn(|cx| Poll::Ready(cx.waker().clone()));
            (Smol, async_io::block_on(own))
        }

        fn wait(&mut self, mut ready: impl FnMut() -> Option<u64>) -> u64 {
            async_io::block_on(poll_fn(|_| ready().map_or(Poll::Pending, Poll::Ready)))
        }

        fn ring(bell: &Waker) {
            bell.wake_by_ref();
        }
    }
}

/// Where one thread leaves the token for the other; 0 is none.
#[derive(Default)]
#[repr(align(128))]
struct Place(AtomicU64);

impl Place {
    fn put(&self, value: u64) {
        self.0.store(value, Ordering::Release);
    }

    fn take(&self) -> Option<u64> {
        let value = self.0.load(Ordering::Acquire);
        (value != 0).then(|| self.0.store(0, Ordering::Relaxed))?;
        Some(value)
    }
}

fn cross<B: Bed + 'static>(w: W, z: &Sizes) -> f64 {
    let hops = match w {
        W::CrossPing | W::CrossPingCpu => z.cross_hops,
        _ => z.spin_hops,
    } / 2
        * 2;
    let places: Arc<(Place, Place)> = Arc::default();
    let (mut bed, bell) = B::new();
    let (tell, told) = std::sync::mpsc::channel();
    let echo = std::thread::spawn({
        let places = places.clone();
        move || {
            let (mut bed, mine) = B::new();
            tell.send(mine).expect("the main thread waits");
            loop {
                let left = bed.wait(|| places.0.take());
                places.1.put(left - 1);
                B::ring(&bell);
                if left == 2 {
                    return bell; // it may be heard until this thread is joined
                }
            }
        }
    });
    let theirs = told.recv().expect("a bell");
    let (wall, cpu) = (Clock::start(), CpuClock::start());
    let mut left = hops;
    while left > 0 {
        places.0.put(left);
        B::ring(&theirs);
        left = bed.wait(|| places.1.take()) - 1;
    }
    let v = match w {
        W::CrossPing | W::CrossSpin => wall.per(hops),
        _ => cpu.per(hops),
    };
    echo.join().expect("echo");
    v
}
