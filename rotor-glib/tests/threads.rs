//! Loops that the library runs, threads of their own, and localities that serve other trees.

mod common;

use std::cell::RefCell;
use std::sync::mpsc::{self, Sender};
use std::thread::{self, ThreadId};

use common::*;
use glib::MainContext;
use rotor_core::*;
use rotor_glib::*;

thread_local! {
    static MOURNER: RefCell<Option<Dropped>> = const { RefCell::new(None) };
}

/// Ends at once; the end of its thread is told.
struct Guest;

impl Actor for Guest {
    fn start(&mut self, cx: &mut Context<Self>) -> Result {
        Io::of(cx)?;
        cx.stop();
        Ok(())
    }
}

/// A tree whose actor is on `far`.
fn guest_on(far: &Locality, ended: Sender<ThreadId>) -> Supervisor {
    let build = move |s: Supervisor| {
        let ended = ended.clone();
        let make = move || {
            MOURNER.set(Some(Dropped(ended.clone())));
            Guest
        };
        s.child(Child::new("guest", make).transient().significant())
    };
    let remote = Supervisor::one_for_one("far").auto_shutdown(AutoShutdown::Any);
    Supervisor::one_for_one("app")
        .auto_shutdown(AutoShutdown::Any)
        .child(remote.on(far, build).transient().significant())
}

#[test]
fn a_loop_runs_a_tree_to_its_end() {
    within_limit(|| {
        let main = GlibLoop::new();
        let a = main.locality().reserve();
        act(a, |_, cx| {
            assert!(MainContext::ref_thread_default().is_owner());
            cx.stop();
        });
        let exit = main.run(only(doer(a))).unwrap();
        assert_eq!(exit.to_string(), "shutdown, because doer ended: normal");
    });
}

#[test]
fn m11_a_loop_that_runs_is_lost_when_its_source_is_destroyed() {
    within_limit(|| {
        let main = GlibLoop::new();
        let a = main.locality().reserve();
        act(a, |_, _| glib::main_current_source().unwrap().destroy());
        let exit = main.run(only(doer(a))).unwrap();
        assert!(matches!(exit.reason(), ExitReason::Lost(_)), "{exit}");
    });
}

#[test]
fn m11_a_loop_that_serves_ends_when_its_source_is_destroyed() {
    within_limit(|| {
        let main = GlibLoop::new();
        let (far, a) = (main.locality().clone(), main.locality().reserve());
        act(a, |_, _| glib::main_current_source().unwrap().destroy());
        let root = thread::spawn(move || {
            let part = Supervisor::one_for_one("far").on(&far, move |s| s.child(doer(a)));
            let tree = Supervisor::one_for_one("app").intensity(0, LIMIT);
            ThreadLoop::new().run(tree.child(part)).unwrap()
        });
        assert!(main.serve().unwrap().is_failure());
        let exit = root.join().unwrap();
        let cause = exit.root_cause().reason();
        assert!(matches!(cause, ExitReason::Lost(_)), "{exit}");
    });
}

#[test]
fn one_loop_after_the_other_runs_on_the_same_context() {
    within_limit(|| {
        let context = MainContext::new();
        for _ in 0..3 {
            let main = GlibLoop::attach_to(&context).unwrap();
            let a = main.locality().reserve();
            act(a, |_, cx| cx.stop());
            assert!(orderly(&main.run(only(doer(a))).unwrap()));
        }
        let free = thread::spawn(move || context.acquire().is_ok());
        assert!(free.join().unwrap());
    });
}

#[test]
fn a_spawned_loop_ends_with_the_tree_that_used_it() {
    within_limit(|| {
        let far = GlibLoop::spawn("far").unwrap();
        let (tell, told) = mpsc::channel();
        let tree = guest_on(&far, tell);
        drop(far);
        let exit = ThreadLoop::new().run(tree).unwrap();
        assert!(orderly(&exit), "{exit}");
        assert_ne!(told.try_recv().unwrap(), thread::current().id());
    });
}

#[test]
fn m11_a_new_loop_takes_the_locality_of_a_lost_one() {
    within_limit(|| {
        let (known, far) = mpsc::channel();
        let first = thread::spawn(move || {
            let context = MainContext::new();
            let first = GlibLoop::attach_to(&context).unwrap();
            let a = first.locality().reserve();
            let lives = call(a);
            known.send((first.host(), a)).unwrap();
            while lives.try_recv().is_err() {
                context.iteration(true);
            }
        });
        let (far, a) = next(&far);
        let early = GlibLoop::new();
        assert_eq!(early.open(&far), Err(BindError::AlreadyOpen));
        let root = patient(&far, a);
        first.join().unwrap(); // its thread has ended before its tree has
        assert_eq!(a.address().state(), Lifecycle::Gone);

        let place = far.clone();
        let next = thread::spawn(move || {
            let next = GlibLoop::new();
            next.open(&place).unwrap();
            act(a, |me, cx| {
                assert_eq!(me.count, 0, "it is a fresh instance");
                assert!(Io::of(cx).is_ok());
                assert!(MainContext::ref_thread_default().is_owner());
                cx.stop();
            });
            next.serve().unwrap()
        });
        assert!(orderly(&root.join().unwrap()));
        assert!(orderly(&next.join().unwrap()));
        assert_eq!(early.open(&far), Err(BindError::Ended));
    });
}

/// Serves a tree of another thread; the locality must then be detached, with a handle of it or not.
fn host_a_tree(keep: bool) {
    within_limit(move || {
        let context = MainContext::new();
        let guest = GlibLoop::attach_to(&context).unwrap();
        let far = guest.host();
        let kept = keep.then(|| far.clone()); // a handle places nothing
        let (tell, _ended) = mpsc::channel();
        let outer = main_loop(&context);
        let quit = outer.clone();
        let root = thread::spawn(move || {
            let tree = guest_on(&far, tell);
            drop(far);
            let exit = ThreadLoop::new().run(tree).unwrap();
            assert!(orderly(&exit), "{exit}");
            quit.quit();
        });
        outer.run();
        root.join().unwrap();
        // The end of the placement may be on its way when the root has ended.
        while context.iteration(false) {}
        let free = thread::spawn(move || context.acquire().is_ok());
        assert!(free.join().unwrap(), "it has detached");
        drop(kept);
    });
}

#[test]
fn a_hosted_locality_serves_a_tree_of_another_loop_and_detaches_after() {
    host_a_tree(false);
}

#[test]
fn a_handle_does_not_keep_a_hosted_locality_attached() {
    host_a_tree(true);
}

#[test]
fn watching_descriptors_on_another_backend_is_refused() {
    struct Elsewhere;
    impl Actor for Elsewhere {
        fn start(&mut self, cx: &mut Context<Self>) -> Result {
            assert_eq!(Io::of(cx).unwrap_err(), WrongLoop);
            cx.stop();
            Ok(())
        }
    }
    let child = Child::new("elsewhere", || Elsewhere);
    assert!(orderly(&ThreadLoop::new().run(only(child)).unwrap()));
}
