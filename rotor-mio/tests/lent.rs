//! Sockets end with the instance that they belong to, and leave no descriptor behind.
#![cfg(target_os = "linux")]

mod common;
#[path = "../../tests/lent.rs"]
mod lent;

use std::any::Any;
use std::sync::Arc;

use common::*;
use lent::*;
use mio::{Events, Poll, Token, Waker};
use rotor_core::*;
use rotor_mio::*;

impl Handler<Ready> for Holder {
    fn handle(&mut self, _: Ready, _: &mut Context<Self>) {}
}

impl Handler<Accepted> for Holder {
    fn handle(&mut self, _: Accepted, _: &mut Context<Self>) {}
}

/// A stream, a listener and a datagram socket, which are kept elsewhere: no destructor closes them.
fn open() -> Box<Open> {
    let mut kept: Vec<Box<dyn Any>> = Vec::new();
    Box::new(move |cx| {
        let io = Io::of(cx)?;
        let (stream, is_open) = stream()?;
        kept.push(Box::new(io.adopt(cx, stream)?));
        kept.push(Box::new(io.listen(cx, anywhere())?));
        kept.push(Box::new(io.udp(cx, anywhere())?));
        Ok(vec![is_open])
    })
}

#[test]
fn l28_a_socket_is_closed_before_anybody_is_told_of_its_actors_end() {
    within_limit(|| {
        let run = |tree: Plant<'_>| {
            let main = MioLoop::new().unwrap();
            let tree = tree(main.locality());
            main.run(tree).unwrap()
        };
        let lose = |tree: Plant<'_>| {
            let poll = Poll::new().unwrap();
            let waker = Arc::new(Waker::new(poll.registry(), Token(0)).unwrap());
            let guest = MioLoop::attach(poll.registry(), waker, Token(1)).unwrap();
            guest.start(tree(guest.locality())).unwrap();
            guest.turn(&Events::with_capacity(1));
        };
        ends_with_its_instance(open, run, lose);
    });
}
