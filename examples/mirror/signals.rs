//! Waits for Ctrl-C and for being told to end.

use std::io;

use async_signal::{Signal, Signals};
use futures_lite::StreamExt;
use rotor_core::{Actor, Context, Handler, Result};

use crate::chaos::{Fuse, Strike};
use crate::plan::Interrupt;
use crate::role::Role;
use crate::wiring::{Up, Wiring};

/// Tells the plan when the user wants it to end.
pub struct Interrupts {
    pub wiring: Wiring,
}

impl Actor for Interrupts {
    fn start(&mut self, cx: &mut Context<Self>) -> Result {
        self.wiring.plan.send(Up(Role::Signals));
        let mut signals = Signals::new([Signal::Int, Signal::Term])?;
        let next = async move { signals.next().await };
        cx.spawn(
            next,
            |me: &mut Self, signal: Option<io::Result<Signal>>, _| {
                if signal.is_some() {
                    me.wiring.plan.send(Interrupt);
                }
            },
        );
        Ok(())
    }
}

/// Chaos spares it; people need not.
impl Handler<Strike> for Interrupts {
    fn handle(&mut self, strike: Strike, _: &mut Context<Self>) {
        Fuse::default().light(strike, Role::Signals);
    }
}
