//! Sockets belong to one instance of an actor; events that come late reach nobody else.

mod common;

use std::io::{Read, Write};
use std::os::unix::net::UnixStream as StdStream;
use std::sync::Arc;
use std::sync::mpsc::{self, Receiver, Sender};
use std::time::Duration;

use common::*;
use mio::{Events, Poll, Token, Waker};
use rotor_core::*;
use rotor_mio::*;

/// A poll of the test, with a guest whose steps it makes by hand.
struct Hand {
    poll: Poll,
    events: Events,
    guest: Guest,
}

impl Hand {
    fn new() -> Self {
        let poll = Poll::new().unwrap();
        let waker = Arc::new(Waker::new(poll.registry(), Token(0)).unwrap());
        let guest = MioLoop::attach(poll.registry(), waker, Token(1)).unwrap();
        Hand {
            events: Events::with_capacity(64),
            guest,
            poll,
        }
    }

    /// Fetches a batch of events, without telling the guest. Waits for the first.
    fn fetch(&mut self) {
        self.poll.poll(&mut self.events, Some(LIMIT)).unwrap();
        assert!(!self.events.is_empty());
    }

    /// Lets the guest turn on the last batch, and then until it would wait.
    fn turn(&mut self) -> Option<Exit> {
        loop {
            match self.guest.turn(&self.events) {
                Step::Done(exit) => return Some(exit),
                Step::Poll(Some(Duration::ZERO)) => {
                    self.poll
                        .poll(&mut self.events, Some(Duration::ZERO))
                        .unwrap();
                }
                Step::Poll(_) => return None,
            }
        }
    }

    fn turn_until_done(&mut self) -> Exit {
        loop {
            if let Some(exit) = self.turn() {
                return exit;
            }
            self.fetch();
        }
    }
}

#[derive(Debug, PartialEq)]
enum News {
    Started(u32, SourceId),
    Ready(u32, SourceId),
}

/// Has one stream per instance, the next of a list.
struct Owner {
    instance: u32,
    streams: Vec<UnixStream>,
    spare: Option<StdStream>,
    tell: Sender<News>,
}

struct Crash;
struct Swap;
struct Finish;

impl Owner {
    fn child(streams: Vec<StdStream>, tell: Sender<News>) -> Child<Owner> {
        let mut streams = streams.into_iter();
        let mut instance = 0;
        Child::with("owner", move |cx| {
            instance += 1;
            let stream = streams.next().expect("one for each instance");
            let stream = Io::of(cx)?.adopt(cx, stream)?;
            let _ = tell.send(News::Started(instance, stream.id()));
            Ok(Owner {
                instance,
                streams: vec![stream],
                spare: streams.next(),
                tell: tell.clone(),
            })
        })
    }
}

impl Actor for Owner {}

impl Handler<Ready> for Owner {
    fn handle(&mut self, ready: Ready, _: &mut Context<Self>) {
        let _ = self.tell.send(News::Ready(self.instance, ready.id));
        for stream in &mut self.streams {
            let _ = stream.read(&mut [0; 64]);
        }
    }
}

impl Handler<Crash> for Owner {
    fn handle(&mut self, _: Crash, cx: &mut Context<Self>) {
        cx.fail(Error::message("on purpose"));
    }
}

impl TryHandler<Swap> for Owner {
    fn try_handle(&mut self, _: Swap, cx: &mut Context<Self>) -> Result {
        self.streams.clear();
        let spare = self.spare.take().expect("one is left");
        let stream = Io::of(cx)?.adopt(cx, spare)?;
        let _ = self.tell.send(News::Started(self.instance, stream.id()));
        self.streams.push(stream);
        Ok(())
    }
}

impl Handler<Finish> for Owner {
    fn handle(&mut self, _: Finish, cx: &mut Context<Self>) {
        cx.stop();
    }
}

fn started(told: &Receiver<News>) -> (u32, SourceId) {
    match told.try_recv() {
        Ok(News::Started(instance, id)) => (instance, id),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_restart_closes_the_socket_and_late_events_reach_nobody() {
    within_limit(|| {
        let (mut peer1, stream1) = StdStream::pair().unwrap();
        let (_peer2, stream2) = StdStream::pair().unwrap();
        let (mut peer3, stream3) = StdStream::pair().unwrap();
        let mut hand = Hand::new();
        let owner = hand.guest.locality().reserve();
        let (tell, told) = mpsc::channel();
        // Each instance takes two: the second is a spare.
        let streams = vec![stream1, stream2, stream3];
        hand.guest
            .start(only(Owner::child(streams, tell).at(owner)))
            .unwrap();
        hand.turn();
        let (instance, first) = started(&told);
        assert_eq!(instance, 1);

        peer1.write_all(b"late").unwrap();
        hand.fetch();
        owner.send(Crash); // handled in the turn that the event comes in, before it
        hand.turn();
        let (instance, second) = started(&told);
        assert_eq!(instance, 2);
        assert_ne!(first, second);
        let end = peer1.read(&mut [0; 1]);
        assert!(matches!(end, Ok(0) | Err(_)), "closed: {end:?}");
        assert_eq!(told.try_recv().ok(), None, "nothing of the first");

        peer3.write_all(b"now").unwrap();
        hand.fetch();
        hand.turn();
        assert_eq!(told.try_recv(), Ok(News::Ready(2, second)));
        owner.send(Finish);
        assert!(orderly(&hand.turn_until_done()));
        assert_eq!(peer3.read(&mut [0; 1]).unwrap(), 0);
    });
}

#[test]
fn a_stale_token_of_the_same_batch_misses_the_next_socket() {
    within_limit(|| {
        let (mut peer1, stream1) = StdStream::pair().unwrap();
        let (mut peer2, stream2) = StdStream::pair().unwrap();
        let mut hand = Hand::new();
        let owner = hand.guest.locality().reserve();
        let (tell, told) = mpsc::channel();
        let child = Owner::child(vec![stream1, stream2], tell);
        hand.guest.start(only(child.at(owner))).unwrap();
        hand.turn();
        let (_, first) = started(&told);

        peer1.write_all(b"old").unwrap();
        hand.fetch();
        // The socket is closed, and its place in the table taken by the next, before the event of
        // this batch is looked at.
        owner.send(Swap);
        let none = Events::with_capacity(1);
        hand.guest.turn(&none);
        let (_, second) = started(&told);
        assert_ne!(first, second);
        hand.turn();
        assert_eq!(told.try_recv().ok(), None, "nobody is told of the old one");

        peer2.write_all(b"new").unwrap();
        hand.fetch();
        hand.turn();
        assert_eq!(told.try_recv(), Ok(News::Ready(1, second)));
        owner.send(Finish);
        assert!(orderly(&hand.turn_until_done()));
    });
}

#[test]
fn a_socket_that_was_kept_elsewhere_is_closed_with_its_instance() {
    type Shelf = std::rc::Rc<std::cell::RefCell<Vec<UnixStream>>>;
    struct Keeper;
    impl Actor for Keeper {}
    impl Handler<Ready> for Keeper {
        fn handle(&mut self, _: Ready, _: &mut Context<Self>) {}
    }
    impl Handler<Crash> for Keeper {
        fn handle(&mut self, _: Crash, _: &mut Context<Self>) {
            panic!("on purpose");
        }
    }
    impl Handler<Finish> for Keeper {
        fn handle(&mut self, _: Finish, cx: &mut Context<Self>) {
            cx.stop();
        }
    }
    within_limit(|| {
        let (mut peer, stream) = StdStream::pair().unwrap();
        let mut hand = Hand::new();
        let keeper = hand.guest.locality().reserve();
        let shelf = Shelf::default();
        let mut stream = Some(stream);
        let kept = shelf.clone();
        let child = Child::with("keeper", move |cx| {
            if let Some(stream) = stream.take() {
                kept.borrow_mut().push(Io::of(cx)?.adopt(cx, stream)?);
            }
            Ok(Keeper)
        });
        hand.guest.start(only(child.at(keeper))).unwrap();
        hand.turn();
        keeper.send(Crash);
        hand.turn();
        assert_eq!(peer.read(&mut [0; 1]).unwrap(), 0);
        let mut kept = shelf.borrow_mut().pop().unwrap();
        let closed = std::io::ErrorKind::NotConnected;
        assert_eq!(kept.read(&mut [0; 1]).unwrap_err().kind(), closed);
        assert_eq!(kept.write_all_queued(b"x").unwrap_err().kind(), closed);
        keeper.send(Finish);
        assert!(orderly(&hand.turn_until_done()));
    });
}

#[test]
fn what_a_failed_factory_had_opened_is_closed() {
    struct Never;
    impl Actor for Never {}
    impl Handler<Ready> for Never {
        fn handle(&mut self, _: Ready, _: &mut Context<Self>) {}
    }
    within_limit(|| {
        let (mut peer, stream) = StdStream::pair().unwrap();
        let mut hand = Hand::new();
        let mut stream = Some(stream);
        let child = Child::with("never", move |cx| {
            if let Some(stream) = stream.take() {
                let adopted = Io::of(cx)?.adopt(cx, stream)?;
                std::mem::forget(adopted); // not even its destructor runs
                return Err(Error::message("on purpose"));
            }
            cx.stop();
            Ok(Never)
        });
        let tree = Supervisor::one_for_one("top")
            .auto_shutdown(AutoShutdown::Any)
            .child(
                Supervisor::one_for_one("test")
                    .auto_shutdown(AutoShutdown::Any)
                    .child(child.transient().significant()),
            );
        hand.guest.start(tree).unwrap();
        hand.turn();
        assert_eq!(peer.read(&mut [0; 1]).unwrap(), 0);
        peer.write_all(b"x").expect_err("nobody is there");
    });
}
