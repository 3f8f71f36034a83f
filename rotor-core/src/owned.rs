//! Children that end with their guard.

use crate::actor::Actor;
use crate::address::Addr;
use crate::child::Child;
use crate::context::Context;

/// A child that is stopped when this is dropped; made by [`Context::own`].
///
/// It is a child like any other, supervised by the actor that made it, but temporary: however it ends,
/// it does not come back. Guards in one place are dropped in the order that Rust defines, such as that
/// of a struct's fields, and their children are asked to stop in that order. Dropping never blocks, and
/// any thread may do it.
///
/// ```
/// use rotor_core::{sim::Sim, *};
/// struct Search { text: &'static str }
/// impl Actor for Search {}
/// /// Runs one search at a time.
/// struct Page { search: Option<Owned<Search>> }
/// impl Actor for Page {}
/// impl Handler<&'static str> for Page {
///     fn handle(&mut self, text: &'static str, cx: &mut Context<Self>) {
///         // The one before is not wanted any more.
///         self.search = Some(cx.own(Child::new("search", move || Search { text })));
///     }
/// }
/// # let mut sim = Sim::new(1);
/// # let page = sim.locality("here").reserve();
/// # let app = sim.start(Supervisor::one_for_one("app")
/// #     .child(Child::new("page", || Page { search: None }).at(page)))?;
/// page.send("rot");
/// page.send("rotor");
/// sim.run_until_idle();
/// let search = sim.with(page, |page| page.search.as_ref().map(Owned::addr)).flatten().unwrap();
/// assert_eq!(sim.with(search, |search| search.text), Some("rotor"));
/// assert_eq!(app.tree().nodes.len(), 3); // the root, the page and one search
/// # Ok::<_, StartError>(())
/// ```
#[must_use = "dropping it stops the child"]
#[derive(Debug)]
pub struct Owned<A: Actor>(Addr<A>);

impl<A: Actor> Owned<A> {
    /// The child's address.
    ///
    /// ```
    /// # use rotor_core::*;
    /// struct Player;
    /// impl Actor for Player {}
    /// struct Play;
    /// impl Handler<Play> for Player { fn handle(&mut self, _: Play, _: &mut Context<Self>) {} }
    /// struct Window { player: Owned<Player> }
    /// impl Actor for Window {}
    /// impl Handler<Play> for Window {
    ///     fn handle(&mut self, play: Play, _: &mut Context<Self>) { self.player.addr().send(play) }
    /// }
    /// ```
    pub fn addr(&self) -> Addr<A> {
        self.0
    }
}

impl<A: Actor> Drop for Owned<A> {
    fn drop(&mut self) {
        self.0.stop();
    }
}

impl<A: Actor> Context<A> {
    /// Adds a child that ends when the guard is dropped: see [`Owned`]. Otherwise as
    /// [`child`](Self::child).
    ///
    /// ```
    /// use rotor_core::{sim::Sim, *};
    /// struct Lamp;
    /// impl Actor for Lamp {}
    /// struct Room { lamp: Option<Owned<Lamp>> }
    /// impl Actor for Room {}
    /// impl Handler<bool> for Room {
    ///     fn handle(&mut self, on: bool, cx: &mut Context<Self>) {
    ///         self.lamp = on.then(|| cx.own(Child::new("lamp", || Lamp)));
    ///     }
    /// }
    /// # let mut sim = Sim::new(1);
    /// # let room = sim.locality("here").reserve();
    /// # let app = sim.start(Supervisor::one_for_one("app")
    /// #     .child(Child::new("room", || Room { lamp: None }).at(room)))?;
    /// room.send(true);
    /// sim.run_until_idle();
    /// assert_eq!(app.tree().nodes.len(), 3); // the root, the room and the lamp
    /// room.send(false);
    /// sim.run_until_idle();
    /// assert_eq!(app.tree().nodes.len(), 2);
    /// # Ok::<_, StartError>(())
    /// ```
    pub fn own<B: Actor>(&mut self, child: Child<B>) -> Owned<B> {
        Owned(self.child(child.temporary()))
    }
}
