//! What the futures of an actor have of the reactor ends with its instance, and leaves no descriptor
//! behind.
#![cfg(target_os = "linux")]

mod common;
#[path = "../../tests/lent.rs"]
mod lent;

use common::*;
use futures_lite::{AsyncReadExt, future};
use lent::*;
use rotor_smol::{Async, Sleep, SmolLoop};

/// A stream that is read, beside a timer.
fn open() -> Box<Open> {
    Box::new(move |cx| {
        let (stream, is_open) = stream()?;
        let mut stream = Async::new(stream)?;
        let read = async move { drop(stream.read(&mut [0; 1]).await) };
        let late = async { _ = Sleep::after(NAP).await };
        cx.spawn(future::or(read, late), |_, (), _| unreachable!());
        Ok(vec![is_open])
    })
}

#[test]
fn l28_what_a_future_waits_for_is_closed_before_anybody_is_told_of_its_actors_end() {
    within_limit(|| {
        let run = |tree: Plant<'_>| {
            let main = SmolLoop::new();
            let tree = tree(main.locality());
            main.run(tree).unwrap()
        };
        let lose = |tree: Plant<'_>| {
            let main = SmolLoop::new();
            let tree = tree(main.locality());
            let (_app, pump) = main.start(tree).unwrap();
            assert!(future::block_on(future::poll_once(pump)).is_none());
        };
        ends_with_its_instance(open, run, lose);
    });
}
