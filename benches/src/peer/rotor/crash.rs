//! A child that ends badly again and again, and its supervisor.

use std::marker::PhantomData;
use std::time::Duration;

use rotor_core::{Actor, Addr, Child, Context, Error, Result, Supervisor, TryHandler};

use super::host::Host;
use super::referee::{Match, Measure, Referee, Total};

/// The way in which a child ends.
pub trait Crash: 'static {
    fn crash() -> Result;
}

pub struct Panic;

impl Crash for Panic {
    fn crash() -> Result {
        panic!("expected")
    }
}

pub struct Fail;

impl Crash for Fail {
    fn crash() -> Result {
        Err(Error::message("expected"))
    }
}

/// Crashes at its first message, unless it is the last instance.
struct Kid<C> {
    /// How many instances were there before it.
    number: u64,
    crashes: u64,
    referee: Addr<Referee>,
    how: PhantomData<C>,
}

struct Go;

impl<C: Crash> Actor for Kid<C> {
    fn start(&mut self, cx: &mut Context<Self>) -> Result {
        if self.number == self.crashes {
            self.referee.send(Total(self.number));
        } else if self.number > 0 {
            cx.addr().send(Go);
        }
        Ok(())
    }
}

impl<C: Crash> TryHandler<Go> for Kid<C> {
    fn try_handle(&mut self, _: Go, _: &mut Context<Self>) -> Result {
        C::crash()
    }
}

/// Ns per crash and restart.
pub fn restarts<H: Host, C: Crash>(crashes: u64) -> f64 {
    Match::play::<H>(|here, tree, referee| {
        let kid: Addr<Kid<C>> = here.reserve();
        let mut instances = 0..;
        let child = Child::new("kid", move || Kid {
            number: instances.next().expect("no end"),
            crashes,
            referee,
            how: PhantomData,
        });
        let boss = Supervisor::one_for_one("boss")
            .intensity(u32::MAX, Duration::from_secs(5))
            .child(child.at(kid));
        let this = Match {
            measure: Measure::Wall,
            ops: crashes,
            total: crashes,
            begin: move || kid.send(Go),
        };
        (tree.child(boss), this)
    })
}
