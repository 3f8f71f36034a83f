//! Listeners.

mod common;

use std::io::ErrorKind;
use std::net;
use std::process::Command;
use std::sync::mpsc::{self, Sender};
use std::time::Duration;

use common::*;
use rotor_core::*;
use rotor_mio::*;

struct Door {
    listener: Option<TcpListener>,
    tell: Sender<News>,
    kept: Vec<Accepted>,
}

#[derive(Debug, PartialEq)]
enum News {
    At(net::SocketAddr),
    From(net::SocketAddr),
    Kept(usize),
    Paused(ErrorKind),
}

#[derive(Clone)]
struct Look;
struct Drop64;
struct Close;

impl Door {
    fn child(tell: Sender<News>) -> Child<Door> {
        Child::with("door", move |cx| {
            let listener = Io::of(cx)?.listen(cx, anywhere())?;
            let _ = tell.send(News::At(listener.with(|l| l.local_addr())?));
            Ok(Door {
                listener: Some(listener),
                tell: tell.clone(),
                kept: Vec::new(),
            })
        })
    }
}

impl Actor for Door {
    fn start(&mut self, cx: &mut Context<Self>) -> Result {
        cx.every(Duration::from_millis(1), Look);
        Ok(())
    }
}

impl Handler<Accepted> for Door {
    fn handle(&mut self, accepted: Accepted, _: &mut Context<Self>) {
        let _ = self.tell.send(News::From(accepted.peer));
        self.kept.push(accepted);
    }
}

impl Handler<Look> for Door {
    fn handle(&mut self, _: Look, _: &mut Context<Self>) {
        if let Some(kind) = self.listener.as_ref().and_then(Listener::paused) {
            let _ = self.tell.send(News::Paused(kind));
        }
    }
}

impl Handler<Drop64> for Door {
    fn handle(&mut self, _: Drop64, _: &mut Context<Self>) {
        let _ = self.tell.send(News::Kept(self.kept.len()));
        self.kept.clear();
    }
}

impl Handler<Close> for Door {
    fn handle(&mut self, _: Close, cx: &mut Context<Self>) {
        self.listener = None;
        let _ = self.tell.send(News::Kept(self.kept.len()));
        cx.stop();
    }
}

/// Runs a door; gives its address, its place, and what it tells.
fn open() -> (Addr<Door>, net::SocketAddr, mpsc::Receiver<News>) {
    let (tell, told) = mpsc::channel();
    let (tell_door, door) = mpsc::channel();
    std::thread::spawn(move || {
        let main = MioLoop::new().unwrap();
        let door = main.locality().reserve();
        tell_door.send(door).unwrap();
        let exit = main.run(only(Door::child(tell).at(door))).unwrap();
        assert!(!exit.is_failure());
    });
    let door = next(&door);
    let News::At(at) = next(&told) else {
        panic!("it says first where it is");
    };
    (door, at, told)
}

#[test]
fn accepting_waits_while_64_connections_are_not_handled() {
    within_limit(|| {
        let (door, at, told) = open();
        let clients: Vec<_> = (0..100)
            .map(|_| net::TcpStream::connect(at).unwrap())
            .collect();
        let from = |client: &net::TcpStream| News::From(client.local_addr().unwrap());
        for client in &clients[..64] {
            assert_eq!(next(&told), from(client));
        }
        door.send(Drop64);
        assert_eq!(next(&told), News::Kept(64));
        for client in &clients[64..] {
            assert_eq!(next(&told), from(client));
        }
        door.send(Close);
        assert_eq!(next(&told), News::Kept(36));
        assert_eq!(told.iter().next(), None);
        assert!(net::TcpStream::connect(at).is_err(), "closed");
    });
}

/// Runs in a process of its own, which may open few files.
#[test]
fn accepting_pauses_while_no_descriptor_is_left() {
    const CHILD: &str = "ROTOR_TEST_FEW_FILES";
    if std::env::var_os(CHILD).is_none() {
        let this = std::env::current_exe().unwrap();
        let test = "accepting_pauses_while_no_descriptor_is_left";
        let script = format!("ulimit -n 64 && exec \"$0\" --exact {test}");
        let status = Command::new("sh")
            .args(["-c", &script])
            .arg(this)
            .env(CHILD, "1")
            .status()
            .unwrap();
        assert!(status.success());
        return;
    }
    within_limit(|| {
        let (door, at, told) = open();
        let mut files = Vec::new();
        while let Ok(file) = std::fs::File::open("/dev/null") {
            files.push(file);
        }
        files.pop();
        let client = net::TcpStream::connect(at).unwrap();
        let News::Paused(kind) = next(&told) else {
            panic!("there is no descriptor for it");
        };
        assert_ne!(kind, ErrorKind::WouldBlock);
        files.clear();
        let from = told.iter().find(|news| !matches!(news, News::Paused(_)));
        assert_eq!(from, Some(News::From(client.local_addr().unwrap())));
        door.send(Close);
        let kept = told.iter().find(|news| !matches!(news, News::Paused(_)));
        assert_eq!(kept, Some(News::Kept(1)));
    });
}
