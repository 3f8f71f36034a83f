//! Loops: their own, guests of an application's poll, idle ones, spinning ones.

mod common;

use std::cell::RefCell;
use std::io::{Read, Write};
use std::net;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{self, Sender};
use std::thread;
use std::time::{Duration, Instant};

use common::*;
use mio::{Events, Interest, Poll, Token, Waker};
use rotor_core::*;
use rotor_mio::*;

/// Sends every byte back.
struct Echo {
    listener: TcpListener,
    streams: Vec<TcpStream>,
}

struct Finish;

impl Echo {
    fn child(port: Sender<net::SocketAddr>) -> Child<Echo> {
        Child::with("echo", move |cx| {
            let listener = Io::of(cx)?.listen(cx, anywhere())?;
            let _ = port.send(listener.with(|l| l.local_addr())?);
            Ok(Echo {
                listener,
                streams: Vec::new(),
            })
        })
    }
}

impl Actor for Echo {}

impl TryHandler<Accepted> for Echo {
    fn try_handle(&mut self, accepted: Accepted, cx: &mut Context<Self>) -> Result {
        assert_eq!(accepted.id, self.listener.id());
        self.streams.push(Io::of(cx)?.adopt(cx, accepted.stream)?);
        Ok(())
    }
}

impl TryHandler<Ready> for Echo {
    fn try_handle(&mut self, ready: Ready, _: &mut Context<Self>) -> Result {
        let mut streams = self.streams.iter_mut();
        let Some(stream) = streams.find(|s| s.id() == ready.id) else {
            return Ok(());
        };
        let mut buf = [0; 64];
        match stream.read(&mut buf) {
            Ok(0) => self.streams.retain(|s| s.id() != ready.id),
            Ok(n) => stream.write_all_queued(&buf[..n])?,
            Err(_) => {}
        }
        Ok(())
    }
}

impl Handler<Finish> for Echo {
    fn handle(&mut self, _: Finish, cx: &mut Context<Self>) {
        cx.stop();
    }
}

/// A round trip of one byte.
fn ping(stream: &mut net::TcpStream) {
    let mut byte = [7];
    stream.write_all(&byte).unwrap();
    stream.read_exact(&mut byte).unwrap();
}

/// A tree on `main` whose actor is on `far`.
fn on<A: Actor>(far: &Locality, child: impl Fn() -> Child<A> + Send + 'static) -> Supervisor {
    let build = move |s: Supervisor| s.child(child().transient().significant());
    let remote = Supervisor::one_for_one("far").auto_shutdown(AutoShutdown::Any);
    Supervisor::one_for_one("app")
        .auto_shutdown(AutoShutdown::Any)
        .child(remote.on(far, build).transient().significant())
}

// ---- guests ----------------------------------------------------------------------------------

#[test]
fn an_applications_poll_serves_its_own_sockets_and_the_actors() {
    const WAKE: Token = Token(0);
    const OWN: Token = Token(1);
    const ACTORS: Token = Token(1 << 16);
    within_limit(|| {
        let mut poll = Poll::new().unwrap();
        let mut own = mio::net::UdpSocket::bind(anywhere()).unwrap();
        poll.registry()
            .register(&mut own, OWN, Interest::READABLE)
            .unwrap();
        let waker = Arc::new(Waker::new(poll.registry(), WAKE).unwrap());
        let guest = MioLoop::attach(poll.registry(), waker.clone(), ACTORS).unwrap();
        let echo = guest.locality().reserve();
        let (tell, port) = mpsc::channel();
        let app = guest.start(only(Echo::child(tell).at(echo))).unwrap();
        let own_at = own.local_addr().unwrap();

        let client = thread::spawn(move || {
            let mut stream = net::TcpStream::connect(next(&port)).unwrap();
            let udp = net::UdpSocket::bind(anywhere()).unwrap();
            for _ in 0..100 {
                ping(&mut stream);
                udp.send_to(b"own", own_at).unwrap();
                assert_eq!(udp.recv(&mut [0; 8]).unwrap(), 3);
            }
            echo.send(Finish);
            app.wait().unwrap()
        });

        let mut events = Events::with_capacity(16);
        let mut timeout = Some(LIMIT); // `attach` has woken the poll
        let exit = loop {
            poll.poll(&mut events, timeout).unwrap();
            for event in &events {
                assert!([WAKE, OWN].contains(&event.token()) || event.token() >= ACTORS);
                if event.token() == OWN {
                    let mut buf = [0; 8];
                    while let Ok((n, peer)) = own.recv_from(&mut buf) {
                        own.send_to(&buf[..n], peer).unwrap();
                    }
                }
            }
            match guest.turn(&events) {
                Step::Poll(next) => timeout = next,
                Step::Done(exit) => break exit,
            }
        };
        assert!(orderly(&exit), "{exit}");
        assert!(orderly(&client.join().unwrap()));
        assert!(matches!(guest.turn(&events), Step::Poll(None)), "told once");
    });
}

#[test]
fn tokens_must_leave_room_for_the_actors() {
    let poll = Poll::new().unwrap();
    let waker = Arc::new(Waker::new(poll.registry(), Token(0)).unwrap());
    let last = usize::MAX - (1 << (15 + usize::BITS / 2));
    assert!(MioLoop::attach(poll.registry(), waker.clone(), Token(last)).is_ok());
    for few in [last + 1, usize::MAX] {
        let error = MioLoop::attach(poll.registry(), waker.clone(), Token(few)).unwrap_err();
        assert_eq!(error.kind(), std::io::ErrorKind::InvalidInput);
    }
}

#[test]
fn a_loop_inside_a_handler_runs_nothing_and_disturbs_nothing() {
    struct Modal {
        guest: std::rc::Weak<Guest>,
        handled: u32,
    }
    impl Actor for Modal {}
    impl Handler<u32> for Modal {
        fn handle(&mut self, n: u32, cx: &mut Context<Self>) {
            let guest = self.guest.upgrade().expect("it runs this");
            self.handled += 1;
            assert_eq!(self.handled, n);
            for _ in 0..3 {
                let step = guest.turn(&Events::with_capacity(1));
                let Step::Poll(Some(short)) = step else {
                    panic!("{step:?}");
                };
                assert!(!short.is_zero(), "it would spin");
            }
            if n == 10 {
                cx.stop();
            }
        }
    }
    within_limit(|| {
        let mut poll = Poll::new().unwrap();
        let waker = Arc::new(Waker::new(poll.registry(), Token(0)).unwrap());
        let guest = MioLoop::attach(poll.registry(), waker, Token(1)).unwrap();
        let guest = std::rc::Rc::new(guest);
        let modal = guest.locality().reserve();
        let weak = std::rc::Rc::downgrade(&guest);
        let child = Child::new("modal", move || Modal {
            guest: weak.clone(),
            handled: 0,
        });
        guest.start(only(child.at(modal))).unwrap();
        (1..=10u32).for_each(|n| modal.send(n));
        let mut events = Events::with_capacity(16);
        loop {
            match guest.turn(&events) {
                Step::Poll(next) => poll.poll(&mut events, next).unwrap(),
                Step::Done(exit) => break assert!(orderly(&exit), "{exit}"),
            }
        }
    });
}

/// Gives what it is told to the application.
struct Gives {
    _stream: TcpStream,
    held: Rc<RefCell<Vec<Ready>>>,
}

impl Actor for Gives {}

impl Handler<Ready> for Gives {
    fn handle(&mut self, ready: Ready, _: &mut Context<Self>) {
        self.held.borrow_mut().push(ready);
    }
}

#[test]
fn what_is_let_go_of_while_a_guest_waits_wakes_it() {
    within_limit(|| {
        let (mut poll, mut events) = (Poll::new().unwrap(), Events::with_capacity(8));
        let waker = Arc::new(Waker::new(poll.registry(), Token(0)).unwrap());
        let guest = MioLoop::attach(poll.registry(), waker, Token(1)).unwrap();
        let listener = net::TcpListener::bind(anywhere()).unwrap();
        let at = listener.local_addr().unwrap();
        let held = Rc::new(RefCell::new(Vec::new()));
        let theirs = held.clone();
        let gives = Child::with("gives", move |cx| {
            Ok(Gives {
                _stream: Io::of(cx)?.connect(cx, at)?,
                held: theirs.clone(),
            })
        });
        guest.start(only(gives)).unwrap();
        let mut turn = |timeout| {
            poll.poll(&mut events, timeout).unwrap();
            let polled = !events.is_empty();
            while !matches!(guest.turn(&events), Step::Poll(None)) {}
            polled
        };
        while held.borrow().is_empty() {
            turn(Some(LIMIT));
        }
        // More comes while it is held: nobody is told of that yet.
        let mut peer = listener.accept().unwrap().0;
        peer.write_all(b"more").unwrap();
        while !turn(Some(LIMIT)) {}
        let first = held.borrow_mut().pop();
        assert!(held.borrow().is_empty());
        assert!(!turn(Some(Duration::ZERO)), "it waits");
        drop(first);
        assert!(turn(Some(LIMIT)), "nobody has woken it");
        assert!(held.borrow()[0].readable);
    });
}

/// Whose timeout is that of the turn before: nothing was to be done then.
#[test]
fn a_guest_is_woken_after_a_turn_inside_a_handler_of_another_loop() {
    thread_local! {
        static GUEST: RefCell<Option<Guest>> = const { RefCell::new(None) };
    }
    within_limit(|| {
        let (mut poll, mut events) = (Poll::new().unwrap(), Events::with_capacity(8));
        let waker = Arc::new(Waker::new(poll.registry(), Token(0)).unwrap());
        let guest = MioLoop::attach(poll.registry(), waker, Token(1)).unwrap();
        let a = guest.locality().reserve();
        guest.start(only(doer(a))).unwrap();
        poll.poll(&mut events, None).unwrap();
        while !matches!(guest.turn(&events), Step::Poll(None)) {}
        GUEST.set(Some(guest));

        let other = Driver::new(Arc::new(thread::current()), Clock::real());
        let beside = Locality::new("beside");
        other.open(&beside).unwrap();
        let b = beside.reserve();
        act(b, |_, _| {
            GUEST.with_borrow(|guest| {
                let guest = guest.as_ref().expect("it waits");
                let step = guest.turn(&Events::with_capacity(1));
                assert!(matches!(step, Step::Poll(Some(_))));
            });
        });
        let app = other.start(only(doer(b))).unwrap();
        other.run_until_idle();
        assert_eq!(app.tree().nodes[1].instances, 1, "nothing has failed");

        thread::spawn(move || act(a, |_, cx| cx.stop()));
        poll.poll(&mut events, Some(LIMIT)).unwrap();
        assert!(!events.is_empty(), "nobody has woken it");
        let guest = GUEST.take().expect("it waits");
        let ended = (0..100).any(|_| matches!(guest.turn(&events), Step::Done(_)));
        assert!(ended);
    });
}

// ---- loops of their own ----------------------------------------------------------------------

#[test]
fn sockets_on_another_backend_are_refused() {
    struct Lost;
    impl Actor for Lost {
        fn start(&mut self, cx: &mut Context<Self>) -> Result {
            assert_eq!(Io::of(cx).unwrap_err(), WrongLoop);
            cx.stop();
            Ok(())
        }
    }
    let child = Child::new("lost", || Lost);
    assert!(orderly(&ThreadLoop::new().run(only(child)).unwrap()));
}

#[test]
fn a_spawned_loop_ends_with_the_tree_that_used_it() {
    struct Mourner(Sender<&'static str>);
    impl Drop for Mourner {
        fn drop(&mut self) {
            let _ = self.0.send("the thread has ended");
        }
    }
    thread_local! {
        static MOURNER: std::cell::RefCell<Option<Mourner>> = const { std::cell::RefCell::new(None) };
    }
    struct Guest;
    impl Actor for Guest {
        fn start(&mut self, cx: &mut Context<Self>) -> Result {
            Io::of(cx)?;
            cx.stop();
            Ok(())
        }
    }
    within_limit(|| {
        let far = MioLoop::spawn("far").unwrap();
        let (tell, told) = mpsc::channel();
        let tree = on(&far, move || {
            let tell = tell.clone();
            Child::new("guest", move || {
                MOURNER.set(Some(Mourner(tell.clone())));
                Guest
            })
        });
        drop(far);
        let exit = MioLoop::new().unwrap().run(tree).unwrap();
        assert!(orderly(&exit), "{exit}");
        assert_eq!(told.try_recv(), Ok("the thread has ended"));
    });
}

#[test]
fn m11_a_new_loop_takes_the_locality_of_a_lost_one() {
    within_limit(|| {
        let mut poll = Poll::new().unwrap();
        let waker = Arc::new(Waker::new(poll.registry(), Token(0)).unwrap());
        let first = MioLoop::attach(poll.registry(), waker, Token(1)).unwrap();
        let far = first.locality().clone();
        let a = far.reserve();
        let (root, lives) = (patient(&far, a), call(a));
        let mut events = Events::with_capacity(8);
        while let Step::Poll(timeout) = first.turn(&events) {
            if lives.try_recv().is_ok() {
                break;
            }
            poll.poll(&mut events, timeout).unwrap();
        }
        let early = MioLoop::new().unwrap();
        assert_eq!(early.open(&far), Err(BindError::AlreadyOpen));
        drop(first);
        assert_eq!(a.address().state(), Lifecycle::Gone);

        let place = far.clone();
        let next = thread::spawn(move || {
            let next = MioLoop::new().unwrap();
            next.open(&place).unwrap();
            act(a, |me, cx| {
                assert_eq!(me.count, 0, "it is a fresh instance");
                assert!(Io::of(cx).is_ok());
                cx.stop();
            });
            next.serve().unwrap()
        });
        assert!(orderly(&root.join().unwrap()));
        assert!(orderly(&next.join().unwrap()));
        assert_eq!(early.open(&far), Err(BindError::Ended));
    });
}

#[test]
fn a_tree_that_is_wrong_is_refused() {
    let twice = || Child::new("same", || Nothing);
    let tree = Supervisor::one_for_one("wrong")
        .child(twice())
        .child(twice());
    let error = MioLoop::new().unwrap().run(tree).unwrap_err();
    assert!(matches!(error, StartError::DuplicateName { .. }));
}

struct Nothing;
impl Actor for Nothing {}

#[test]
fn timers_are_never_early() {
    struct Clocked {
        due: Instant,
        left: u32,
    }
    struct Due;
    impl Actor for Clocked {
        fn start(&mut self, cx: &mut Context<Self>) -> Result {
            self.due = Instant::now() + Duration::from_micros(300);
            cx.after(Duration::from_micros(300), Due);
            Ok(())
        }
    }
    impl TryHandler<Due> for Clocked {
        fn try_handle(&mut self, _: Due, cx: &mut Context<Self>) -> Result {
            assert!(Instant::now() >= self.due);
            self.left -= 1;
            match self.left {
                0 => cx.stop(),
                _ => self.start(cx)?,
            }
            Ok(())
        }
    }
    within_limit(|| {
        let child = Child::new("clocked", || Clocked {
            due: Instant::now(),
            left: 50,
        });
        assert!(orderly(&MioLoop::new().unwrap().run(only(child)).unwrap()));
    });
}

/// Real time, because that is what is promised.
#[test]
#[cfg(target_os = "linux")]
fn an_idle_loop_is_not_woken() {
    within_limit(|| {
        let far = MioLoop::spawn_with("far", |l| l.spin(Duration::from_micros(20))).unwrap();
        let echo = far.reserve();
        let (tell, port) = mpsc::channel();
        let (tell_id, id) = mpsc::channel();
        let main = thread::spawn(move || {
            let tree = on(&far, move || {
                let _ = tell_id.send(std::fs::read_link("/proc/thread-self").unwrap());
                Echo::child(tell.clone()).at(echo)
            });
            drop(far);
            MioLoop::new().unwrap().run(tree).unwrap()
        });
        // The closure runs once where the tree is checked, and once on the thread itself.
        let (_, id) = (next(&id), next(&id));
        let mut stream = net::TcpStream::connect(next(&port)).unwrap();
        ping(&mut stream); // a listener and a connection are open
        assert_eq!(wakes_of_an_idle(&id), 0);
        echo.send(Finish);
        assert!(orderly(&main.join().unwrap()));
    });
}

/// By an actor beside the one that floods itself.
#[test]
fn e10_sockets_are_served_while_an_actor_floods_itself() {
    within_limit(|| {
        let (tell, port) = mpsc::channel();
        let done = Arc::new(AtomicBool::new(false));
        let over = done.clone();
        let client = thread::spawn(move || {
            let mut stream = net::TcpStream::connect(next(&port)).unwrap();
            (0..100).for_each(|_| ping(&mut stream));
            over.store(true, Ordering::Relaxed);
        });
        let main = MioLoop::new().unwrap();
        let a = main.locality().reserve();
        flood(a, &done);
        let tree = only(doer(a)).child(Echo::child(tell));
        assert!(orderly(&main.run(tree).unwrap()));
        client.join().unwrap();
    });
}

// ---- spinning --------------------------------------------------------------------------------

struct Player {
    other: Addr<Player>,
    done: Arc<AtomicBool>,
}

struct Ball(u32);

impl Actor for Player {}

impl Handler<Ball> for Player {
    fn handle(&mut self, Ball(n): Ball, cx: &mut Context<Self>) {
        match n {
            _ if self.done.load(Ordering::Relaxed) => cx.stop(),
            0 => cx.stop(),
            _ => self.other.send(Ball(n - 1)),
        }
    }
}

/// A game between two loops, and on the second one an echo server, too.
fn play(
    spin: Duration,
    balls: u32,
    done: Arc<AtomicBool>,
    port: Option<Sender<net::SocketAddr>>,
) -> Duration {
    let main = MioLoop::new().unwrap().spin(spin);
    let far = MioLoop::spawn_with("far", move |l| l.spin(spin)).unwrap();
    let (ping, pong) = (main.locality().reserve(), far.reserve());
    let tree = Supervisor::one_for_one("game")
        .auto_shutdown(AutoShutdown::Any)
        .child(Supervisor::one_for_one("far").on(&far, move |s| {
            // Never ends the game: the other one waits for the ball.
            let player = Child::new("pong", move || Player {
                other: ping,
                done: Arc::default(),
            });
            let mut s = s.child(player.at(pong).temporary());
            if let Some(port) = &port {
                s = s.child(Echo::child(port.clone()));
            }
            s
        }))
        .child(
            Child::new("ping", move || Player {
                other: pong,
                done: done.clone(),
            })
            .at(ping)
            .transient()
            .significant(),
        );
    drop(far);
    ping.send(Ball(balls));
    let start = Instant::now();
    assert!(orderly(&main.run(tree).unwrap()));
    start.elapsed()
}

#[test]
fn a_game_between_spinning_loops_comes_to_its_end() {
    within_limit(|| {
        for spin in [0, 1, 20] {
            play(Duration::from_micros(spin), 5_000, Arc::default(), None);
        }
    });
}

#[test]
fn sockets_are_served_while_a_loop_spins() {
    within_limit(|| {
        let done = Arc::new(AtomicBool::new(false));
        let over = done.clone();
        let (tell, port) = mpsc::channel();
        let client = thread::spawn(move || {
            let mut stream = net::TcpStream::connect(next(&port)).unwrap();
            (0..100).for_each(|_| ping(&mut stream));
            over.store(true, Ordering::Relaxed);
        });
        // Longer than any ball takes: it never rests.
        play(Duration::from_millis(200), u32::MAX - 1, done, Some(tell));
        client.join().unwrap();
    });
}

#[test]
fn what_holds_no_socket_travels() {
    fn travels<T: Send + Sync>() {}
    travels::<Drained>();
    travels::<SourceId>();
    travels::<Step>();
    travels::<WrongLoop>();
}

#[test]
fn t04_time_passes_when_the_clock_of_a_guest_is_set() {
    within_limit(|| {
        let (mut poll, mut events) = (Poll::new().unwrap(), Events::with_capacity(8));
        let waker = Arc::new(Waker::new(poll.registry(), Token(0)).unwrap());
        let clock = Clock::manual();
        let guest = MioLoop::with_clock(poll.registry(), waker, Token(1), clock.clone()).unwrap();
        let a = guest.locality().reserve();
        nap(a);
        guest.start(only(doer(a))).unwrap();
        poll.poll(&mut events, None).unwrap();
        while !matches!(guest.turn(&events), Step::Poll(None)) {}
        let last = Duration::from_nanos(1);
        clock.advance(NAP - last);
        poll.poll(&mut events, Some(Duration::ZERO)).unwrap();
        assert!(events.is_empty());
        thread::spawn(move || clock.advance(last));
        poll.poll(&mut events, None).unwrap();
        assert!(matches!(guest.turn(&events), Step::Done(_)));
    });
}
