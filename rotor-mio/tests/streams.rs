//! Streams: what their owner is told, and when.

mod common;

use std::future::poll_fn;
use std::io::{ErrorKind, Read, Write};
use std::net;
use std::sync::mpsc::{self, Sender};
use std::task::Poll;
use std::thread;
use std::time::Duration;

use common::*;
use rotor_core::*;
use rotor_mio::*;
use rustix::net::{SendFlags, send};

// ---- an actor per connection -----------------------------------------------------------------

struct Server {
    listener: TcpListener,
    left: usize,
}

impl Server {
    fn child(connections: usize, port: Sender<net::SocketAddr>) -> Child<Server> {
        Child::with("server", move |cx| {
            let listener = Io::of(cx)?.listen(cx, anywhere())?;
            let _ = port.send(listener.with(|l| l.local_addr())?);
            Ok(Server {
                listener,
                left: connections,
            })
        })
    }
}

impl Actor for Server {}

impl Handler<Accepted> for Server {
    fn handle(&mut self, accepted: Accepted, cx: &mut Context<Self>) {
        assert_eq!(accepted.id, self.listener.id());
        let guest = cx.child(Child::once("guest", move |cx| {
            let stream = Io::of(cx)?.adopt(cx, accepted.stream)?;
            Ok(Echo { stream })
        }));
        cx.monitor(guest.address());
    }
}

impl Handler<Down> for Server {
    fn handle(&mut self, down: Down, cx: &mut Context<Self>) {
        assert!(!down.exit.is_abnormal(), "{:?}", down.exit);
        self.left -= 1;
        if self.left == 0 {
            cx.stop();
        }
    }
}

struct Echo {
    stream: TcpStream,
}

impl Actor for Echo {}

impl TryHandler<Ready> for Echo {
    fn try_handle(&mut self, ready: Ready, cx: &mut Context<Self>) -> Result {
        assert_eq!(ready.id, self.stream.id());
        let mut buf = [0; 1000];
        match self.stream.read(&mut buf) {
            Ok(0) => cx.stop(),
            Ok(n) => self.stream.write_all_queued(&buf[..n])?,
            Err(e) if e.kind() == ErrorKind::WouldBlock => {}
            Err(e) => return Err(e.into()),
        }
        Ok(())
    }
}

#[test]
fn an_actor_per_connection_serves_a_hundred_clients() {
    within_limit(|| {
        let (tell, port) = mpsc::channel();
        let clients = thread::spawn(move || {
            let at = next(&port);
            let clients: Vec<_> = (0..100u8)
                .map(|n| {
                    thread::spawn(move || {
                        let mut stream = net::TcpStream::connect(at).unwrap();
                        for size in [1, 10, 999, 1000, 1001, 20_000] {
                            let sent = vec![n; size];
                            stream.write_all(&sent).unwrap();
                            let mut back = vec![0; size];
                            stream.read_exact(&mut back).unwrap();
                            assert!(sent == back);
                        }
                    })
                })
                .collect();
            clients.into_iter().for_each(|c| c.join().unwrap());
        });
        let exit = MioLoop::new()
            .unwrap()
            .run(only(Server::child(100, tell)))
            .unwrap();
        assert!(orderly(&exit), "{exit}");
        clients.join().unwrap();
    });
}

// ---- one stream ------------------------------------------------------------------------------

/// Tells what it is told, and does what it is given to do.
struct Owner {
    stream: TcpStream,
    on_ready: fn(&mut Owner, &Ready, &mut Context<Owner>),
    tell: Sender<News>,
    bytes: usize,
    hold: Option<Hold>,
}

#[derive(Debug, PartialEq)]
enum News {
    Opened(usize),
    Ready {
        readable: bool,
        writable: bool,
        closed: bool,
        error: Option<ErrorKind>,
    },
    Read(usize),
    Failed(ErrorKind),
    Drained(usize),
    Quiet,
}

impl Actor for Owner {}

impl Handler<Ready> for Owner {
    fn handle(&mut self, ready: Ready, cx: &mut Context<Self>) {
        let _ = self.tell.send(News::Ready {
            readable: ready.readable,
            writable: ready.writable,
            closed: ready.closed,
            error: ready.error,
        });
        (self.on_ready)(self, &ready, cx);
    }
}

impl Handler<Drained> for Owner {
    fn handle(&mut self, drained: Drained, cx: &mut Context<Self>) {
        let _ = self.tell.send(News::Drained(drained.lost));
        cx.stop();
    }
}

/// A connection over loopback.
fn connection() -> (net::TcpStream, net::TcpStream) {
    let listener = net::TcpListener::bind(anywhere()).unwrap();
    let here = net::TcpStream::connect(listener.local_addr().unwrap()).unwrap();
    (here, listener.accept().unwrap().0)
}

/// Runs one owner of a stream until it stops.
fn own(
    stream: net::TcpStream,
    budget: Budget,
    open: fn(&mut Owner, &mut Context<Owner>),
    on_ready: fn(&mut Owner, &Ready, &mut Context<Owner>),
) -> mpsc::Receiver<News> {
    let (tell, told) = mpsc::channel();
    thread::spawn(move || {
        let mut stream = Some(stream);
        let owner = Child::with("owner", move |cx| {
            let stream = stream.take().expect("started once");
            let mut owner = Owner {
                stream: Io::of(cx)?.adopt(cx, stream)?,
                on_ready,
                tell: tell.clone(),
                bytes: 0,
                hold: None,
            };
            open(&mut owner, cx);
            let _ = owner.tell.send(News::Opened(owner.stream.queued()));
            Ok(owner)
        });
        let main = MioLoop::new().unwrap().budget(budget);
        let exit = main.run(only(owner)).unwrap();
        assert!(orderly(&exit), "{exit}");
    });
    told
}

fn read_once(owner: &mut Owner, _: &Ready, cx: &mut Context<Owner>) {
    let mut buf = [0; 1000];
    match owner.stream.read(&mut buf) {
        Ok(0) => {
            let _ = owner.tell.send(News::Read(owner.bytes));
            cx.stop();
        }
        Ok(n) => owner.bytes += n,
        Err(e) if e.kind() == ErrorKind::WouldBlock => {}
        Err(e) => {
            let _ = owner.tell.send(News::Failed(e.kind()));
            cx.stop();
        }
    }
}

#[test]
fn a_burst_loses_no_edge_with_a_budget_of_one_message() {
    within_limit(|| {
        const BURST: usize = 1_000_000;
        let (mut peer, stream) = connection();
        let one = Budget {
            messages: 1,
            time: Duration::from_millis(2),
        };
        let told = own(stream, one, |_, _| {}, read_once);
        let writer = thread::spawn(move || peer.write_all(&vec![7; BURST]).unwrap());
        let all: Vec<_> = told.iter().collect();
        writer.join().unwrap();
        assert_eq!(all.last(), Some(&News::Read(BURST)));
        assert!(all.len() > BURST / 1000, "one read for each `Ready`");
    });
}

#[test]
fn who_reads_nothing_is_left_alone_until_more_arrives() {
    within_limit(|| {
        let (mut peer, stream) = connection();
        let one = Budget {
            messages: 1,
            time: Duration::from_millis(2),
        };
        let told = own(
            stream,
            one,
            |_, _| {},
            |owner, ready, cx| {
                owner.bytes += 1;
                if owner.bytes == 2 {
                    owner.bytes = 0;
                    owner.on_ready = read_once;
                    return read_once(owner, ready, cx);
                }
                // Each poll is a turn, after which it could be told again.
                let mut left = 10;
                let turns = poll_fn(move |cx| {
                    left -= 1;
                    cx.waker().wake_by_ref();
                    if left == 0 {
                        Poll::Ready(())
                    } else {
                        Poll::Pending
                    }
                });
                cx.spawn(turns, |owner, (), _| {
                    let _ = owner.tell.send(News::Quiet);
                });
            },
        );
        peer.write_all(&[1; 2000]).unwrap();
        assert_eq!(next(&told), News::Opened(0));
        let readable = News::Ready {
            readable: true,
            writable: false,
            closed: false,
            error: None,
        };
        assert_eq!(next(&told), readable);
        assert_eq!(next(&told), News::Quiet);
        peer.write_all(&[2; 10]).unwrap();
        assert_eq!(next(&told), readable);
        drop(peer);
        assert_eq!(told.iter().last(), Some(News::Read(2010)));
    });
}

#[test]
fn drained_comes_when_the_peer_has_read_what_was_queued() {
    within_limit(|| {
        const ALL: usize = 16 << 20;
        let (mut peer, stream) = connection();
        let told = own(
            stream,
            Budget::default(),
            |owner, cx| {
                for n in 0..16 {
                    owner.stream.write_all_queued(&vec![n; ALL / 16]).unwrap();
                }
                owner.stream.when_drained(cx);
            },
            |_, _, _| {},
        );
        let News::Opened(queued) = next(&told) else {
            panic!("it is open first");
        };
        assert!(queued > 0, "the kernel does not take all");
        assert!(
            told.try_recv().is_err(),
            "nothing was read, nothing is drained"
        );
        let mut all = Vec::new();
        peer.read_to_end(&mut all).unwrap();
        assert_eq!(all.len(), ALL);
        assert!(
            all.chunks(ALL / 16)
                .zip(0..)
                .all(|(c, n)| c.iter().all(|b| *b == n))
        );
        assert_eq!(next(&told), News::Drained(0));
    });
}

#[test]
fn drained_comes_at_once_if_nothing_is_queued() {
    within_limit(|| {
        let (_peer, stream) = connection();
        let told = own(
            stream,
            Budget::default(),
            |owner, cx| owner.stream.when_drained(cx),
            |_, _, _| {},
        );
        assert_eq!(next(&told), News::Opened(0));
        assert_eq!(next(&told), News::Drained(0));
    });
}

#[test]
fn drained_says_what_a_broken_connection_has_lost() {
    within_limit(|| {
        let (peer, stream) = connection();
        let told = own(
            stream,
            Budget::default(),
            |owner, cx| {
                owner.stream.write_all_queued(&vec![1; 16 << 20]).unwrap();
                owner.stream.when_drained(cx);
            },
            |_, _, _| {},
        );
        assert!(matches!(next(&told), News::Opened(1..)));
        drop(peer); // with unread bytes: a reset
        let lost = told.iter().find_map(|news| match news {
            News::Drained(lost) => Some(lost),
            _ => None,
        });
        assert!(lost.is_some_and(|lost| lost > 0), "{lost:?}");
    });
}

#[test]
fn a_refused_write_is_followed_by_writable() {
    within_limit(|| {
        let (mut peer, stream) = connection();
        let told = own(
            stream,
            Budget::default(),
            |owner, _| {
                let full = loop {
                    if let Err(e) = owner.stream.write(&[1; 65536]) {
                        break e;
                    }
                };
                assert_eq!(full.kind(), ErrorKind::WouldBlock);
            },
            |_, ready, cx| {
                if ready.writable {
                    cx.stop();
                }
            },
        );
        assert_eq!(next(&told), News::Opened(0));
        peer.read_to_end(&mut Vec::new()).unwrap();
        let writable = |news| matches!(news, News::Ready { writable: true, .. });
        assert!(told.iter().any(writable));
    });
}

#[test]
fn what_is_behind_an_urgent_byte_is_read_without_another_edge() {
    within_limit(|| {
        let (mut peer, stream) = connection();
        peer.write_all(b"abc").unwrap();
        send(&peer, b"!", SendFlags::OOB).unwrap();
        peer.write_all(b"def").unwrap();
        let told = own(
            stream,
            Budget::default(),
            |_, _| {},
            |owner, ready, cx| {
                read_once(owner, ready, cx);
                if owner.bytes == 6 {
                    let _ = owner.tell.send(News::Read(6));
                    cx.stop();
                }
            },
        );
        assert_eq!(told.iter().last(), Some(News::Read(6)));
    });
}

/// Not one that connects, and fails.
#[test]
fn what_came_before_a_reset_is_read_by_who_adopts_the_stream_later() {
    within_limit(|| {
        let (mut peer, mut stream) = connection();
        stream.write_all(b"unread").unwrap();
        peer.write_all(b"answer").unwrap();
        drop(peer);
        // The reset is here.
        while stream.peer_addr().is_ok() {}
        let told = own(
            stream,
            Budget::default(),
            |_, _| {},
            |owner, ready, cx| {
                if ready.error.is_some() {
                    let _ = owner.tell.send(News::Read(owner.bytes));
                    return cx.stop();
                }
                let _ = owner.stream.read(&mut [0; 64]).map(|n| owner.bytes += n);
            },
        );
        assert_eq!(told.iter().last(), Some(News::Read(6)));
    });
}

// ---- connecting ------------------------------------------------------------------------------

fn connect(
    to: net::SocketAddr,
    on_ready: fn(&mut Owner, &Ready, &mut Context<Owner>),
) -> Vec<News> {
    let (tell, told) = mpsc::channel();
    let owner = Child::with("owner", move |cx| {
        let mut owner = Owner {
            stream: Io::of(cx)?.connect(cx, to)?,
            on_ready,
            tell: tell.clone(),
            bytes: 0,
            hold: Some(cx.hold("connection")),
        };
        owner.stream.write_all_queued(b"early")?;
        assert_eq!(owner.stream.queued(), 5);
        let early = owner.stream.read(&mut [0; 9]).map_err(|e| e.kind());
        assert_eq!(early, Err(ErrorKind::WouldBlock));
        Ok(owner)
    });
    let exit = MioLoop::new().unwrap().run(only(owner)).unwrap();
    assert!(orderly(&exit), "{exit}");
    told.iter().collect()
}

#[test]
fn a_refused_connection_is_reported() {
    within_limit(|| {
        let listener = net::TcpListener::bind(anywhere()).unwrap();
        let nobody = listener.local_addr().unwrap();
        drop(listener);
        let told = connect(nobody, read_once);
        let refused = ErrorKind::ConnectionRefused;
        let ready = News::Ready {
            readable: true,
            writable: false,
            closed: true,
            error: Some(refused),
        };
        assert_eq!(told, [ready, News::Failed(refused)]);
    });
}

#[test]
fn a_made_connection_is_reported_and_what_was_written_early_is_sent() {
    within_limit(|| {
        let listener = net::TcpListener::bind(anywhere()).unwrap();
        let at = listener.local_addr().unwrap();
        let peer = thread::spawn(move || {
            let mut early = [0; 5];
            let mut stream = listener.accept().unwrap().0;
            stream.read_exact(&mut early).unwrap();
            assert_eq!(&early, b"early");
        });
        let told = connect(at, |owner, ready, cx| {
            owner.hold = None;
            match ready.readable {
                true => read_once(owner, ready, cx),
                false => assert_eq!(owner.stream.queued(), 0),
            }
        });
        peer.join().unwrap();
        assert!(matches!(
            told[0],
            News::Ready {
                writable: true,
                error: None,
                ..
            }
        ));
        assert_eq!(told.last(), Some(&News::Read(0)));
    });
}

// ---- one loop of messages and sockets --------------------------------------------------------

#[test]
fn a_stream_is_given_to_another_actor() {
    within_limit(|| {
        struct First(Addr<Second>, Option<TcpStream>);
        impl Actor for First {}
        impl Handler<Ready> for First {
            fn handle(&mut self, _: Ready, _: &mut Context<Self>) {
                let mut stream = self.1.take().expect("told once");
                assert_eq!(stream.read(&mut [0; 3]).unwrap(), 3);
                self.0.send(stream.into_inner().unwrap());
            }
        }
        struct Second(Option<TcpStream>);
        impl Actor for Second {}
        impl TryHandler<mio::net::TcpStream> for Second {
            fn try_handle(&mut self, it: mio::net::TcpStream, cx: &mut Context<Self>) -> Result {
                self.0 = Some(Io::of(cx)?.adopt(cx, it)?);
                Ok(())
            }
        }
        impl Handler<Ready> for Second {
            fn handle(&mut self, _: Ready, cx: &mut Context<Self>) {
                let mut buf = [0; 8];
                let stream = self.0.as_mut().expect("adopted");
                if stream.read(&mut buf).is_ok_and(|n| &buf[..n] == b"second") {
                    cx.stop();
                }
            }
        }
        let (mut peer, stream) = connection();
        peer.write_all(b"onesecond").unwrap();
        let main = MioLoop::new().unwrap();
        let far = MioLoop::spawn("far").unwrap();
        let second = far.reserve();
        let mut stream = Some(stream);
        let tree = Supervisor::one_for_one("app")
            .auto_shutdown(AutoShutdown::Any)
            .child(
                Supervisor::one_for_one("far")
                    .auto_shutdown(AutoShutdown::Any)
                    .on(&far, move |s| {
                        let child = Child::new("second", || Second(None)).at(second);
                        s.child(child.transient().significant())
                    })
                    .transient()
                    .significant(),
            )
            .child(Child::with("first", move |cx| {
                let stream = stream.take().expect("started once");
                Ok(First(second, Some(Io::of(cx)?.adopt(cx, stream)?)))
            }));
        drop(far);
        assert!(orderly(&main.run(tree).unwrap()));
    });
}
