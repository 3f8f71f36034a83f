//! Datagram sockets, and Unix sockets.

mod common;

use std::io::{ErrorKind, Read, Write};
use std::os::unix::net as std_net;
use std::path::PathBuf;
use std::sync::mpsc;
use std::time::Duration;

use common::*;
use rotor_core::*;
use rotor_mio::*;

/// A folder that is removed at the end.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("rotor-mio-{name}-{}", std::process::id()));
        std::fs::create_dir_all(&path).unwrap();
        Folder(path)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

#[test]
fn udp_datagrams_go_there_and_back() {
    struct Pair {
        asker: UdpSocket,
        answerer: UdpSocket,
        answers: usize,
    }
    impl Actor for Pair {}
    impl TryHandler<Ready> for Pair {
        fn try_handle(&mut self, ready: Ready, cx: &mut Context<Self>) -> Result {
            let mut buf = [0; 100];
            if ready.id == self.answerer.id() {
                // One at a time: the others are told of in later turns.
                let (n, peer) = match self.answerer.recv_from(&mut buf) {
                    Err(e) if e.kind() == ErrorKind::WouldBlock => return Ok(()),
                    other => other?,
                };
                buf[..n].reverse();
                self.answerer.send_to(&buf[..n], peer)?;
            } else {
                assert_eq!(ready.id, self.asker.id());
                let n = match self.asker.recv(&mut buf) {
                    Err(e) if e.kind() == ErrorKind::WouldBlock => return Ok(()),
                    other => other?,
                };
                assert_eq!(&buf[..n], b"cba");
                self.answers += 1;
                if self.answers == 10 {
                    cx.stop();
                }
            }
            Ok(())
        }
    }
    within_limit(|| {
        let child = Child::with("pair", |cx| {
            let io = Io::of(cx)?;
            let (mut asker, answerer) = (io.udp(cx, anywhere())?, io.udp(cx, anywhere())?);
            let peer = answerer.with(|s| s.local_addr())?;
            asker.with(|s| s.connect(peer))?;
            for _ in 0..10 {
                assert_eq!(asker.send(b"abc")?, 3);
            }
            Ok(Pair {
                asker,
                answerer,
                answers: 0,
            })
        });
        let exit = MioLoop::new().unwrap().run(only(child)).unwrap();
        assert!(orderly(&exit), "{exit}");
    });
}

#[test]
fn unix_datagrams_come_by_path_and_a_full_peer_is_waited_for() {
    struct Sender {
        socket: UnixDatagram,
        path: PathBuf,
        sent: usize,
        /// Told when the peer is full: then it reads.
        full: mpsc::Sender<()>,
        refused: usize,
    }
    impl Sender {
        fn send(&mut self, cx: &mut Context<Self>) -> Result {
            while self.sent < 1000 {
                match self.socket.send_to(&self.sent.to_le_bytes(), &self.path) {
                    Ok(_) => self.sent += 1,
                    Err(e) if e.kind() == ErrorKind::WouldBlock => {
                        self.refused += 1;
                        let _ = self.full.send(());
                        return Ok(());
                    }
                    Err(e) => return Err(e.into()),
                }
            }
            assert!(self.refused > 0);
            cx.stop();
            Ok(())
        }
    }
    impl Actor for Sender {
        fn start(&mut self, cx: &mut Context<Self>) -> Result {
            self.send(cx)
        }
    }
    impl TryHandler<Ready> for Sender {
        fn try_handle(&mut self, ready: Ready, cx: &mut Context<Self>) -> Result {
            assert!(ready.writable);
            self.send(cx)
        }
    }
    within_limit(|| {
        let folder = Folder::new("datagram");
        let path = folder.0.join("peer");
        let peer = std_net::UnixDatagram::bind(&path).unwrap();
        let from = folder.0.join("sender");
        let (full, is_full) = mpsc::channel();
        let child = Child::with("sender", move |cx| {
            let socket = Io::of(cx)?.unix_datagram(cx, &from)?;
            socket.with(|s| s.connect(&path))?;
            Ok(Sender {
                socket,
                path: path.clone(),
                sent: 0,
                full: full.clone(),
                refused: 0,
            })
        });
        let reader = std::thread::spawn(move || {
            is_full.recv().unwrap();
            let mut buf = [0; 8];
            for n in 0..1000usize {
                assert_eq!(peer.recv(&mut buf).unwrap(), 8);
                assert_eq!(usize::from_le_bytes(buf), n);
            }
        });
        let exit = MioLoop::new().unwrap().run(only(child)).unwrap();
        assert!(orderly(&exit), "{exit}");
        reader.join().unwrap();
    });
}

#[test]
fn unix_streams_go_there_and_back_until_the_peer_closes() {
    struct Server {
        _listener: UnixListener,
        stream: Option<UnixStream>,
        tell: mpsc::Sender<&'static str>,
    }
    impl Actor for Server {}
    impl TryHandler<UnixAccepted> for Server {
        fn try_handle(&mut self, accepted: UnixAccepted, cx: &mut Context<Self>) -> Result {
            self.stream = Some(Io::of(cx)?.adopt(cx, accepted.stream)?);
            Ok(())
        }
    }
    impl TryHandler<Ready> for Server {
        fn try_handle(&mut self, ready: Ready, cx: &mut Context<Self>) -> Result {
            let stream = self.stream.as_mut().expect("adopted");
            let mut buf = [0; 100];
            match stream.read(&mut buf) {
                Ok(0) => {
                    assert!(ready.closed);
                    let _ = self.tell.send("closed");
                    cx.stop();
                }
                Ok(n) => stream.write_all_queued(&buf[..n])?,
                Err(e) => assert_eq!(e.kind(), ErrorKind::WouldBlock),
            }
            Ok(())
        }
    }
    struct Client {
        stream: UnixStream,
    }
    impl Actor for Client {}
    impl TryHandler<Ready> for Client {
        fn try_handle(&mut self, _: Ready, cx: &mut Context<Self>) -> Result {
            let mut buf = [0; 100];
            let n = self.stream.read(&mut buf)?;
            assert_eq!(&buf[..n], b"hello");
            cx.stop(); // and so its end is closed
            Ok(())
        }
    }
    within_limit(|| {
        let folder = Folder::new("stream");
        let at = folder.0.join("server");
        let (tell, told) = mpsc::channel();
        let to = at.clone();
        let server = Child::with("server", move |cx| {
            Ok(Server {
                _listener: Io::of(cx)?.listen_unix(cx, &at)?,
                stream: None,
                tell: tell.clone(),
            })
        });
        let client = Child::with("client", move |cx| {
            let mut stream = Io::of(cx)?.connect_unix(cx, &to)?;
            stream.write_all_queued(b"hello")?;
            Ok(Client { stream })
        });
        let tree = only(server).child(client.temporary());
        assert!(orderly(&MioLoop::new().unwrap().run(tree).unwrap()));
        assert_eq!(told.try_recv(), Ok("closed"));
    });
}

#[test]
fn a_unix_peer_that_reads_slowly_gets_all_of_a_queue() {
    struct Owner {
        stream: UnixStream,
        /// The peer reads when this is told: before, it might keep up.
        begin: mpsc::Sender<()>,
    }
    impl Actor for Owner {
        fn start(&mut self, cx: &mut Context<Self>) -> Result {
            self.stream.write_all_queued(&vec![9; 4 << 20])?;
            assert!(self.stream.queued() > 0);
            self.begin.send(()).unwrap();
            self.stream.when_drained(cx);
            Ok(())
        }
    }
    impl Handler<Ready> for Owner {
        fn handle(&mut self, _: Ready, _: &mut Context<Self>) {}
    }
    impl Handler<Drained> for Owner {
        fn handle(&mut self, drained: Drained, cx: &mut Context<Self>) {
            assert_eq!(drained.id, self.stream.id());
            assert_eq!((drained.lost, self.stream.queued()), (0, 0));
            cx.stop();
        }
    }
    within_limit(|| {
        let (mut peer, stream) = std_net::UnixStream::pair().unwrap();
        let mut stream = Some(stream);
        let (begin, begins) = mpsc::channel();
        let child = Child::with("owner", move |cx| {
            let stream = stream.take().expect("started once");
            Ok(Owner {
                stream: Io::of(cx)?.adopt(cx, stream)?,
                begin: begin.clone(),
            })
        });
        let reader = std::thread::spawn(move || {
            begins.recv().unwrap();
            let (mut all, mut buf) = (0, [0; 1000]);
            while all < 4 << 20 {
                all += peer.read(&mut buf).unwrap();
            }
            let _ = peer.write_all(b"thanks");
        });
        assert!(orderly(&MioLoop::new().unwrap().run(only(child)).unwrap()));
        reader.join().unwrap();
    });
}

/// Whether the kernel tells the error to the poll or to the read that finds the bytes.
#[test]
fn what_came_before_a_reset_is_read_before_the_error() {
    struct Owner {
        stream: UnixStream,
        tell: mpsc::Sender<std::result::Result<Vec<u8>, ErrorKind>>,
    }
    impl Owner {
        fn read(&mut self) -> bool {
            let mut buf = [0; 64];
            let read = self.stream.read(&mut buf).map(|n| buf[..n].to_vec());
            let over = !matches!(read, Ok(ref bytes) if !bytes.is_empty());
            self.tell.send(read.map_err(|e| e.kind())).unwrap();
            over
        }
    }
    impl Actor for Owner {}
    impl Handler<Ready> for Owner {
        fn handle(&mut self, ready: Ready, cx: &mut Context<Self>) {
            // The error is not told before.
            if ready.error.is_some() || self.read() {
                let _ = self.tell.send(Err(ErrorKind::ConnectionReset));
                cx.stop();
            }
        }
    }
    within_limit(|| {
        for at_once in [true, false] {
            let (tell, told) = mpsc::channel();
            let child = Child::with("owner", move |cx| {
                let (mut peer, stream) = std_net::UnixStream::pair()?;
                let mut owner = Owner {
                    stream: Io::of(cx)?.adopt(cx, stream)?,
                    tell: tell.clone(),
                };
                owner.stream.write_all_queued(b"unread")?;
                peer.write_all(b"answer")?;
                drop(peer);
                if at_once {
                    owner.read();
                }
                Ok(owner)
            });
            assert!(orderly(&MioLoop::new().unwrap().run(only(child)).unwrap()));
            assert_eq!(told.recv(), Ok(Ok(b"answer".to_vec())));
            assert_eq!(told.recv(), Ok(Err(ErrorKind::ConnectionReset)));
        }
    });
}

/// The poll says at once that the socket is writable: it knows nothing of the receiver's queue.
#[test]
fn a_full_receiver_is_tried_again_now_and_then() {
    struct Sender {
        socket: UnixDatagram,
        path: PathBuf,
        peer: std_net::UnixDatagram,
        tries: u32,
    }
    struct Look;
    impl Actor for Sender {
        fn start(&mut self, cx: &mut Context<Self>) -> Result {
            while self.socket.send_to(b"full", &self.path).is_ok() {}
            cx.after(Duration::from_millis(100), Look);
            Ok(())
        }
    }
    impl Handler<Ready> for Sender {
        fn handle(&mut self, ready: Ready, cx: &mut Context<Self>) {
            assert!(ready.writable);
            self.tries += 1;
            match self.socket.send_to(b"last", &self.path) {
                Ok(_) => cx.stop(),
                Err(e) => assert_eq!(e.kind(), ErrorKind::WouldBlock),
            }
        }
    }
    impl Handler<Look> for Sender {
        fn handle(&mut self, _: Look, _: &mut Context<Self>) {
            assert!(self.tries < 50, "tried {} times", self.tries);
            while self.peer.recv(&mut [0; 8]).is_ok() {}
        }
    }
    within_limit(|| {
        let folder = Folder::new("full");
        let path = folder.0.join("peer");
        let peer = std_net::UnixDatagram::bind(&path).unwrap();
        peer.set_nonblocking(true).unwrap();
        let theirs = peer.try_clone().unwrap();
        let child = Child::once("sender", move |cx| {
            Ok(Sender {
                socket: Io::of(cx)?.adopt(cx, std_net::UnixDatagram::unbound()?)?,
                path,
                peer: theirs,
                tries: 0,
            })
        });
        let tree = Supervisor::one_for_one("app")
            .auto_shutdown(AutoShutdown::Any)
            .child(child.significant());
        assert!(orderly(&MioLoop::new().unwrap().run(tree).unwrap()));
        let mut last = [0; 4];
        assert!(peer.recv(&mut last).is_ok() && &last == b"last");
    });
}
