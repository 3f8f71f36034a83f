//! A loop of each backend, stepped without waiting, with a clock that is set by hand.

use std::error::Error;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use async_executor::LocalExecutor;
use glib::{ControlFlow, MainContext, Priority};
use mio::{Events, Poll, Token, Waker};
use rotor_core::{App, Budget, Clock, Driver, Locality, StartError, Supervisor, Turn, Wake};
use rotor_glib::GlibLoop;
use rotor_mio::{Guest, MioLoop, Step};
use rotor_smol::SmolLoop;

/// The backends, by name, but the thread loop: it is asked for a whole run only, and sleeps by itself.
pub const BACKENDS: &[(&str, Make)] = &[
    ("driver", Turned::make),
    ("mio", Polled::make),
    ("glib", Iterated::make),
    ("smol", Ticked::make),
];

/// Makes a loop with a locality of its own, which also drives one whose loop was lost, if that is given.
pub type Make = fn(Clock, Option<&Locality>) -> Result<Box<dyn Loop>, Box<dyn Error>>;

/// A loop on this thread.
pub trait Loop {
    /// What it was made to drive: what was lost, else its own.
    fn locality(&self) -> Locality;
    /// Starts a tree whose root is on its own locality, once. Until that ends, other trees may place
    /// theirs here.
    ///
    /// # Errors
    /// What is wrong with it.
    fn start(&mut self, tree: Supervisor) -> Result<App, StartError>;
    /// Does what can be done without waiting. False if that was nothing.
    fn step(&mut self) -> bool;
}

/// Core's driver, without a loop.
pub struct Turned {
    driver: Driver,
    locality: Locality,
    flag: Arc<Flag>,
}

#[derive(Default)]
struct Flag(AtomicBool);

impl Wake for Flag {
    fn wake(&self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

impl Turned {
    fn make(clock: Clock, lost: Option<&Locality>) -> Result<Box<dyn Loop>, Box<dyn Error>> {
        let flag = Arc::new(Flag(AtomicBool::new(true)));
        let driver = Driver::new(flag.clone(), clock);
        let own = Locality::new("turned");
        driver.open(&own)?;
        if let Some(lost) = lost {
            driver.open(lost)?;
        }
        Ok(Box::new(Turned {
            driver,
            locality: lost.cloned().unwrap_or(own),
            flag,
        }))
    }
}

impl Loop for Turned {
    fn locality(&self) -> Locality {
        self.locality.clone()
    }

    fn start(&mut self, tree: Supervisor) -> Result<App, StartError> {
        self.driver.start(tree)
    }

    fn step(&mut self) -> bool {
        let woken = self.flag.0.swap(false, Ordering::Relaxed);
        if woken && let Turn::Again = self.driver.turn(Budget::default()) {
            self.flag.wake();
        }
        woken
    }
}

/// A poll of mio.
struct Polled {
    poll: Poll,
    events: Events,
    guest: Guest,
    locality: Locality,
    again: bool,
}

impl Polled {
    fn make(clock: Clock, lost: Option<&Locality>) -> Result<Box<dyn Loop>, Box<dyn Error>> {
        let poll = Poll::new()?;
        let waker = Arc::new(Waker::new(poll.registry(), Token(0))?);
        let guest = MioLoop::with_clock(poll.registry(), waker, Token(1), clock)?;
        if let Some(lost) = lost {
            guest.open(lost)?;
        }
        let locality = lost.unwrap_or(guest.locality()).clone();
        Ok(Box::new(Polled {
            poll,
            events: Events::with_capacity(8),
            guest,
            locality,
            again: false,
        }))
    }
}

impl Loop for Polled {
    fn locality(&self) -> Locality {
        self.locality.clone()
    }

    fn start(&mut self, tree: Supervisor) -> Result<App, StartError> {
        self.guest.start(tree)
    }

    fn step(&mut self) -> bool {
        let at_once = Some(Duration::ZERO);
        let polled = self.poll.poll(&mut self.events, at_once);
        polled.expect("a poll that does not wait");
        if self.events.is_empty() && !self.again {
            return false;
        }
        let next = self.guest.turn(&self.events);
        self.again = matches!(next, Step::Poll(timeout) if timeout == at_once);
        true
    }
}

/// A main context of GLib.
struct Iterated {
    context: MainContext,
    locality: Locality,
    /// Until a tree has it.
    unused: Option<GlibLoop>,
}

impl Iterated {
    fn make(clock: Clock, lost: Option<&Locality>) -> Result<Box<dyn Loop>, Box<dyn Error>> {
        let context = MainContext::new();
        let unused = GlibLoop::with_clock(&context, clock)?;
        if let Some(lost) = lost {
            unused.open(lost)?;
        }
        Ok(Box::new(Iterated {
            context,
            locality: lost.unwrap_or(unused.locality()).clone(),
            unused: Some(unused),
        }))
    }
}

impl Loop for Iterated {
    fn locality(&self) -> Locality {
        self.locality.clone()
    }

    fn start(&mut self, tree: Supervisor) -> Result<App, StartError> {
        let unused = self.unused.take().ok_or(StartError::AlreadyStarted)?;
        unused.start(tree)
    }

    fn step(&mut self) -> bool {
        self.context.iteration(false)
    }
}

/// GLib keeps a context as long as that has sources. This one is the loop, and goes with it.
impl Drop for Iterated {
    fn drop(&mut self) {
        // Each context numbers its sources, and this is the first one of its own.
        let never = || ControlFlow::Break;
        let first = glib::idle_source_new(None, Priority::DEFAULT, never);
        let first = first.attach(Some(&MainContext::new()));
        if let Some(source) = self.context.find_source_by_id(&first) {
            source.destroy();
        }
    }
}

/// A local executor of smol.
struct Ticked {
    executor: LocalExecutor<'static>,
    locality: Locality,
    /// Until a tree has it.
    unused: Option<SmolLoop>,
}

impl Ticked {
    fn make(clock: Clock, lost: Option<&Locality>) -> Result<Box<dyn Loop>, Box<dyn Error>> {
        let unused = SmolLoop::with_clock(clock);
        if let Some(lost) = lost {
            unused.open(lost)?;
        }
        Ok(Box::new(Ticked {
            executor: LocalExecutor::new(),
            locality: lost.unwrap_or(unused.locality()).clone(),
            unused: Some(unused),
        }))
    }
}

impl Loop for Ticked {
    fn locality(&self) -> Locality {
        self.locality.clone()
    }

    fn start(&mut self, tree: Supervisor) -> Result<App, StartError> {
        let unused = self.unused.take().ok_or(StartError::AlreadyStarted)?;
        let (app, pump) = unused.start(tree)?;
        self.executor.spawn(pump).detach();
        Ok(app)
    }

    fn step(&mut self) -> bool {
        self.executor.try_tick()
    }
}
