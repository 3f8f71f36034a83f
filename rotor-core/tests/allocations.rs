//! What futures in a locality allocate while they are woken and polled: nothing.

#![cfg(not(any(miri, rotor_loom)))]

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::{Cell, RefCell};
use std::future::poll_fn;
use std::rc::Rc;
use std::sync::Arc;
use std::task::{Poll, Waker};

use rotor_core::*;

/// The system's allocator; it counts what each thread asks for.
struct Counting;

thread_local! {
    static COUNT: Cell<u64> = const { Cell::new(0) };
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

// SAFETY: every call is passed on; counting allocates nothing.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        COUNT.set(COUNT.get() + 1);
        // SAFETY: as the caller says.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, at: *mut u8, layout: Layout) {
        // SAFETY: as the caller says.
        unsafe { System.dealloc(at, layout) }
    }

    unsafe fn realloc(&self, at: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        COUNT.set(COUNT.get() + 1);
        // SAFETY: as the caller says.
        unsafe { System.realloc(at, layout, size) }
    }
}

struct Nobody;

impl Wake for Nobody {
    fn wake(&self) {}
}

/// Has a future that is never ready, and wakes it.
#[derive(Default)]
struct Sleeper {
    waker: Rc<RefCell<Option<Waker>>>,
    polls: Rc<Cell<u32>>,
}

struct Rouse;

impl Actor for Sleeper {
    fn start(&mut self, cx: &mut Context<Self>) -> Result {
        let (waker, polls) = (self.waker.clone(), self.polls.clone());
        let asleep = poll_fn(move |task| {
            polls.set(polls.get() + 1);
            *waker.borrow_mut() = Some(task.waker().clone());
            Poll::<()>::Pending
        });
        cx.spawn(asleep, |_, (), _| ());
        Ok(())
    }
}

impl Handler<Rouse> for Sleeper {
    fn handle(&mut self, _: Rouse, _: &mut Context<Self>) {
        if let Some(waker) = &*self.waker.borrow() {
            waker.wake_by_ref();
        }
    }
}

#[test]
fn row_m06_a_future_allocates_nothing_after_warm_up() {
    const ACTORS: usize = 100;
    let driver = Driver::new(Arc::new(Nobody), Clock::manual());
    let here = Locality::new("here");
    driver.open(&here).unwrap();
    let all: Vec<Addr<Sleeper>> = (0..ACTORS).map(|_| here.reserve()).collect();
    let polls = Rc::new(Cell::new(0));
    let tree = all
        .iter()
        .fold(Supervisor::one_for_one("root"), |tree, &at| {
            let polls = polls.clone();
            let make = move || Sleeper {
                polls: polls.clone(),
                ..Sleeper::default()
            };
            tree.child(Child::new(format!("{at:?}"), make).at(at))
        });
    driver.start(tree).unwrap();
    let round = || {
        all.iter().for_each(|sleeper| sleeper.send(Rouse));
        driver.run_until_idle();
    };
    (0..10).for_each(|_| round());
    let (allocated, polled) = (COUNT.get(), polls.get());
    (0..100).for_each(|_| round());
    assert_eq!(polls.get() - polled, 100 * ACTORS as u32);
    assert_eq!(COUNT.get() - allocated, 0);
}
