//! The workers: they do nothing but start, and end as they are told.

use rotor_core::{Actor, Context, Error, Exit, Handler, Hold, Result};

use crate::scenario::{Init, Manner, Spec};
use crate::world::Shared;

/// A worker that runs.
pub struct Worker {
    name: String,
    world: Shared,
    on_shutdown: Manner,
    /// It ends by itself.
    leaving: bool,
    /// What keeps it from stopping.
    hold: Option<Hold>,
}

/// Ends a worker.
pub struct End(pub Exit);

/// A delayed end is over.
struct Over;

impl Worker {
    /// The next attempt to start a worker of this spec.
    pub fn attempt(spec: &Spec, name: &str, world: &Shared) -> Result<Option<Worker>> {
        let n = world.attempt(name) as usize;
        let init = spec.init.get(n - 1).or(spec.init.last());
        match init.unwrap_or(&Init::Ok) {
            Init::Fail => Err(Error::message("init")),
            Init::Ignore => Ok(None),
            Init::Ok => Ok(Some(Worker {
                name: name.to_owned(),
                world: world.clone(),
                on_shutdown: spec.on_shutdown.clone(),
                leaving: false,
                hold: None,
            })),
        }
    }
}

impl Actor for Worker {
    fn start(&mut self, cx: &mut Context<Self>) -> Result {
        self.world.worker(&self.name, cx.addr());
        Ok(())
    }

    fn stop(&mut self, _: &Exit, cx: &mut Context<Self>) {
        if self.leaving {
            return;
        }
        match self.on_shutdown.clone() {
            Manner::Exit => {}
            Manner::With(exit) => cx.stop_with(exit),
            Manner::Ignore => self.hold = Some(cx.hold("it does not listen")),
            Manner::Delay(time) => {
                self.hold = Some(cx.hold("it takes its time"));
                cx.after(time, Over);
            }
        }
    }
}

impl Handler<End> for Worker {
    fn handle(&mut self, End(exit): End, cx: &mut Context<Self>) {
        self.leaving = true;
        cx.stop_with(exit);
    }
}

impl Handler<Over> for Worker {
    fn handle(&mut self, _: Over, _: &mut Context<Self>) {
        self.hold = None;
    }
}
