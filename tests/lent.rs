//! What a loop lends to an actor ends with its instance: the scene that the tests of the backends share,
//! each with what its own loop lends. They count the descriptors of their process, so they are alone in
//! it.

use std::cell::RefCell;
use std::io::{ErrorKind, Read};
use std::os::unix::net::UnixStream;
use std::rc::Rc;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use rotor_core::*;

/// Whether something that a loop has lent is still there.
pub type Probe = Box<dyn Fn() -> bool>;

/// Opens what an instance is to have.
pub type Open = dyn FnMut(&mut Context<Holder>) -> Result<Vec<Probe>>;

/// A stream for a loop to lend, and whether it is open.
pub fn stream() -> Result<(UnixStream, Probe)> {
    let (peer, stream) = UnixStream::pair()?;
    peer.set_nonblocking(true)?;
    let is_open = move || {
        let read = (&peer).read(&mut [0; 1]);
        read.is_err_and(|error| error.kind() == ErrorKind::WouldBlock)
    };
    Ok((stream, Box::new(is_open)))
}

/// What the instances have opened, in order.
type Opened = Rc<RefCell<Vec<Vec<Probe>>>>;

/// How an instance ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum End {
    Fail,
    Panic,
    Kill,
    Stop,
    /// Its stop does not end, so that it is removed by force.
    Late,
}

/// Has what its loop lends, and ends as it is told.
pub struct Holder {
    opened: Opened,
    never: Option<Hold>,
    is_late: bool,
}

impl Actor for Holder {
    fn stop(&mut self, _: &Exit, cx: &mut Context<Self>) {
        if self.is_late {
            self.never = Some(cx.hold("the last bytes"));
        }
    }
}

impl Handler<End> for Holder {
    fn handle(&mut self, end: End, cx: &mut Context<Self>) {
        assert!(self.opened.borrow().last().unwrap().iter().all(|is| is()));
        match end {
            End::Fail => cx.fail(Error::message("part of the test")),
            End::Panic => panic!("an actor panics: this is part of the test"),
            End::Kill => cx.addr().address().kill(),
            End::Stop => cx.stop(),
            End::Late => {
                self.is_late = true;
                cx.stop();
            }
        }
    }
}

/// Has a holder end, again and again, and makes sure each time that it has nothing left when that is
/// told.
struct Witness {
    holder: Addr<Holder>,
    opened: Opened,
    ends: std::vec::IntoIter<End>,
    seen: usize,
}

impl Witness {
    fn go_on(&mut self, cx: &mut Context<Self>) {
        match self.ends.next() {
            Some(end) => {
                cx.monitor(self.holder.address());
                self.holder.send(end);
            }
            None => cx.stop(),
        }
    }
}

impl Actor for Witness {
    fn start(&mut self, cx: &mut Context<Self>) -> Result {
        self.go_on(cx);
        Ok(())
    }
}

impl Handler<Down> for Witness {
    fn handle(&mut self, down: Down, cx: &mut Context<Self>) {
        let left = self.opened.borrow()[self.seen].iter().any(|is| is());
        assert!(!left, "something is left at its end: {}", down.exit);
        self.seen += 1;
        self.go_on(cx);
    }
}

/// Hears who is late, and what for.
#[derive(Default)]
struct Ear(Mutex<Vec<String>>);

impl Observer for Ear {
    fn late(&self, late: &Late) {
        self.0.lock().unwrap().push(late.holds.join(", "));
    }
}

/// A holder at an address, whose next instance must not meet what the last one had.
fn child(at: Addr<Holder>, opened: Opened, mut open: Box<Open>) -> Child<Holder> {
    let make = move |cx: &mut Context<Holder>| {
        let left = opened.borrow().iter().flatten().any(|is| is());
        assert!(!left, "the next instance meets what the last one had");
        let probes = open(cx)?;
        opened.borrow_mut().push(probes);
        Ok(Holder {
            opened: opened.clone(),
            never: None,
            is_late: false,
        })
    };
    Child::with("holder", make).at(at).transient()
}

/// A tree of a holder that ends in many ways, and of who looks at it.
fn tree(at: &Locality, last: End, open: Box<Open>, ear: Arc<Ear>) -> Supervisor {
    let (holder, opened) = (at.reserve(), Opened::default());
    let witness = Witness {
        holder,
        opened: opened.clone(),
        ends: vec![End::Fail, End::Panic, End::Kill, last].into_iter(),
        seen: 0,
    };
    Supervisor::one_for_one("app")
        .auto_shutdown(AutoShutdown::Any)
        .intensity(10, Duration::from_secs(1))
        .observer(ear)
        .child(child(holder, opened, open).stop_limit(Duration::from_millis(10)))
        .child(Child::once("witness", |_| Ok(witness)).significant())
}

/// Starts the tree that it is given, which is for the locality of a loop that it makes.
pub type Plant<'a> = &'a dyn Fn(&Locality) -> Supervisor;

/// Whatever way an instance ends: all that it has opened is there before, and gone when anybody is told.
/// `run` runs a tree to its end on a loop; `lose` drops a loop on which one runs.
pub fn ends_with_its_instance(
    open: impl Fn() -> Box<Open>,
    run: impl Fn(Plant<'_>) -> Exit,
    lose: impl Fn(Plant<'_>),
) {
    let round = || {
        for (last, held) in [(End::Stop, ""), (End::Late, "the last bytes")] {
            let ear = Arc::new(Ear::default());
            let exit = run(&|at| tree(at, last, open(), ear.clone()));
            let root = exit.root_cause();
            assert!(!exit.is_abnormal() && !root.is_abnormal(), "{exit}");
            assert_eq!(ear.0.lock().unwrap().concat(), held);
        }
        let opened = Opened::default();
        lose(&|at| {
            let child = child(at.reserve(), opened.clone(), open());
            Supervisor::one_for_one("app").child(child)
        });
        let opened = opened.take();
        assert!(
            !opened[0].iter().any(|is| is()),
            "a loop has left something"
        );
    };
    round(); // opens what a process opens once
    let before = descriptors();
    round();
    assert_eq!(descriptors(), before);
}

/// How many descriptors this process has open.
fn descriptors() -> usize {
    let all = std::fs::read_dir("/proc/self/fd");
    all.expect("a process has descriptors").count()
}
