//! Waits for Ctrl-C and for being told to end.

use std::future::{self, Future};
use std::io;

use async_signal::{Signal, Signals};
use futures_lite::StreamExt;
use rotor_core::{Actor, Context, Handler, Result};

use crate::chaos::{Fuse, Strike};
use crate::plan::Interrupt;
use crate::role::Role;
use crate::wiring::{Up, Wiring};

/// Waits for Ctrl-C, or for the system to tell the program to end. From this call on neither ends it
/// by itself.
///
/// # Errors
/// The system has no way to tell.
pub fn told_to_end() -> io::Result<impl Future<Output = ()>> {
    let mut signals = Signals::new([Signal::Int, Signal::Term])?;
    Ok(async move {
        if !matches!(signals.next().await, Some(Ok(_))) {
            future::pending().await // nothing was told
        }
    })
}

/// Tells the plan when the user wants it to end.
pub struct Interrupts {
    pub wiring: Wiring,
}

impl Actor for Interrupts {
    fn start(&mut self, cx: &mut Context<Self>) -> Result {
        self.wiring.plan.send(Up(Role::Signals));
        cx.spawn(told_to_end()?, |me: &mut Self, (), _| {
            me.wiring.plan.send(Interrupt);
        });
        Ok(())
    }
}

/// Chaos spares it; people need not.
impl Handler<Strike> for Interrupts {
    fn handle(&mut self, strike: Strike, _: &mut Context<Self>) {
        Fuse::default().light(strike, Role::Signals);
    }
}
