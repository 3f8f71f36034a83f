//! The lens: takes pictures of the live tree. That may take a moment where a loop is busy, so it
//! has a thread loop to itself.

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use mirror_engine::Strike;
use rotor_core::{Actor, Addr, App, Context, Handler, Result, Tree};

use crate::picture::Picture;

/// Between two pictures, at least.
const PAUSE: Duration = Duration::from_millis(100);

/// Takes pictures, one at a time: the next when the last one is drawn.
pub struct Lens {
    app: Arc<OnceLock<App>>,
    picture: Addr<Picture>,
    drawn: bool,
}

/// The live tree.
pub struct Seen(pub Tree);

/// From the picture: it can take the next one.
pub struct Drawn;

#[derive(Clone)]
struct Tick;

impl Lens {
    /// A lens for the tree of `app`, once it is there.
    pub fn new(app: Arc<OnceLock<App>>, picture: Addr<Picture>) -> Self {
        Self {
            app,
            picture,
            drawn: true,
        }
    }
}

impl Actor for Lens {
    fn start(&mut self, cx: &mut Context<Self>) -> Result {
        cx.every(PAUSE, Tick);
        Ok(())
    }
}

impl Handler<Tick> for Lens {
    fn handle(&mut self, _: Tick, _: &mut Context<Self>) {
        if let (true, Some(app)) = (self.drawn, self.app.get()) {
            self.drawn = false;
            self.picture.send(Seen(app.tree()));
        }
    }
}

impl Handler<Drawn> for Lens {
    fn handle(&mut self, _: Drawn, _: &mut Context<Self>) {
        self.drawn = true;
    }
}

impl Handler<Strike> for Lens {
    fn handle(&mut self, _: Strike, _: &mut Context<Self>) {
        panic!("{}", crate::ASKED);
    }
}
