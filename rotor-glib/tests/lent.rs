//! Watches, sources and connections end with the instance that they belong to, and leave neither a source
//! nor a descriptor behind.
#![cfg(target_os = "linux")]

mod common;
#[path = "../../tests/lent.rs"]
mod lent;

use std::cell::Cell;
use std::rc::Rc;

use common::*;
use glib::prelude::*;
use glib::{ControlFlow, IOCondition, MainContext, Object, Priority, Source};
use lent::*;
use rotor_core::*;
use rotor_glib::*;

thread_local! {
    /// The source by which the loop of this thread runs its actors.
    static LOOP: Cell<Option<Source>> = const { Cell::new(None) };
}

impl Handler<Ready> for Holder {
    fn handle(&mut self, _: Ready, _: &mut Context<Self>) {}
}

/// A watch that is kept elsewhere, so that no destructor ends it, a source of the context, and a signal
/// of an object.
fn open() -> Box<Open> {
    let mut kept: Vec<Watch> = Vec::new();
    let button = Object::new::<Object>();
    Box::new(move |cx| {
        let (stream, is_watched) = stream()?;
        kept.push(Io::of(cx)?.watch(cx, stream.into(), IOCondition::IN));

        let this = glib::main_current_source().expect("a loop runs this");
        let context = this.context().expect("it is attached");
        LOOP.set(Some(this));
        let tick = || ControlFlow::Continue;
        let source = glib::timeout_source_new(NAP, None, Priority::DEFAULT, tick);
        let id = source.attach(Some(&context));
        cx.at_end(move || source.destroy());
        let is_attached = move || context.find_source_by_id(&id).is_some();

        let token = Rc::new(());
        let has = token.clone();
        let click = button.connect_notify_local(None, move |_, _| _ = &has);
        Guard::of(cx).keep(&button, click);
        let is_connected = move || Rc::strong_count(&token) > 1;
        Ok(vec![
            is_watched,
            Box::new(is_attached),
            Box::new(is_connected),
        ])
    })
}

#[test]
fn l28_a_watch_and_a_source_are_gone_before_anybody_is_told_of_their_actors_end() {
    within_limit(|| {
        let run = |tree: Plant<'_>| {
            let main = GlibLoop::new();
            let tree = tree(main.locality());
            let exit = main.run(tree).unwrap();
            assert!(LOOP.take().is_some_and(|source| source.is_destroyed()));
            exit
        };
        let lose = |tree: Plant<'_>| {
            let context = MainContext::new();
            let guest = GlibLoop::attach_to(&context).unwrap();
            let tree = tree(guest.locality());
            let app = guest.start(tree).unwrap();
            while app.root().state() != Lifecycle::Running {
                context.iteration(true);
            }
            LOOP.take().expect("an actor has seen it").destroy();
        };
        ends_with_its_instance(open, run, lose);
    });
}
