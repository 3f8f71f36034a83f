//! Loops inside loops: modal dialogs of an application.

mod common;

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use common::*;
use glib::MainContext;
use rotor_core::*;
use rotor_glib::*;

/// How long a dialog is open, where it must be shown that nothing happens.
const DIALOG: Duration = Duration::from_millis(200);

#[test]
fn a_loop_opened_outside_any_handler_goes_on_handling_messages() {
    within_limit(|| {
        let context = MainContext::new();
        let (app, a, outer) = guest(&context);
        when_idle(&context.clone(), move || {
            let inner = main_loop(&context);
            for n in [250, 500] {
                let quit = inner.clone();
                let count = move || {
                    (0..249).for_each(|_| act(a, |me, _| me.count += 1));
                    act(a, move |me, _| {
                        me.count += 1;
                        assert_eq!(me.count, n);
                        quit.quit();
                    });
                };
                match n {
                    250 => count(), // from the loop's thread
                    _ => drop(thread::spawn(count)),
                }
                inner.run();
            }
            act(a, |_, cx| cx.stop());
        });
        outer.run();
        assert!(orderly(&app.wait().unwrap()));
    });
}

#[test]
fn a_loop_opened_inside_a_handler_handles_nothing_and_loses_nothing() {
    within_limit(|| {
        let context = MainContext::new();
        let (app, a, outer) = guest(&context);
        act(a, move |me, _| {
            let count = move || {
                for _ in 0..250 {
                    act(a, move |me, cx| {
                        me.count += 1;
                        if me.count == 500 {
                            cx.stop();
                        }
                    });
                }
            };
            count();
            let elsewhere = count;
            thread::spawn(elsewhere).join().unwrap();
            let rounds = rounds(&context, DIALOG);
            assert_eq!(me.count, 0);
            assert!(rounds < 100, "{rounds} rounds: it does not wait");
        });
        outer.run();
        assert_eq!(
            app.wait().unwrap().to_string(),
            "shutdown, because doer ended: normal"
        );
    });
}

#[test]
fn a_loop_inside_a_handler_leaves_the_localities_beside_it_alone() {
    within_limit(|| {
        let context = MainContext::new();
        let (one, two) = (
            GlibLoop::attach_to(&context).unwrap(),
            GlibLoop::attach_to(&context).unwrap(),
        );
        let (a, b) = (one.locality().reserve(), two.locality().reserve());
        let first = one.start(only(doer(a))).unwrap();
        let second = two.start(only(doer(b))).unwrap();
        let outer = main_loop(&context);
        let handled = Arc::new(AtomicU32::new(0));
        act(a, {
            let (handled, context) = (handled.clone(), context.clone());
            move |_, cx| {
                for _ in 0..100 {
                    let handled = handled.clone();
                    act(b, move |_, _| {
                        handled.fetch_add(1, Ordering::Relaxed);
                    });
                }
                cx.flush();
                let rounds = rounds(&context, DIALOG);
                assert_eq!(handled.load(Ordering::Relaxed), 0, "turns do not nest");
                assert!(rounds < 100, "{rounds} rounds: it does not wait");
                act(b, |_, cx| cx.stop());
                cx.stop();
            }
        });
        let quit = outer.clone();
        let waited = first.clone();
        second.on_exit(move |_| waited.on_exit(move |_| quit.quit()));
        outer.run();
        assert_eq!(handled.load(Ordering::Relaxed), 100);
        assert!(orderly(&first.wait().unwrap()));
        assert!(orderly(&second.wait().unwrap()));
    });
}

#[test]
fn what_is_deferred_to_the_host_may_open_a_loop_that_turns() {
    within_limit(|| {
        let context = MainContext::new();
        let (app, a, outer) = guest(&context);
        let (tell, told) = mpsc::channel();
        act(a, move |_, cx| {
            cx.defer_to_host(move || {
                let inner = main_loop(&context);
                let quit = inner.clone();
                act(a, |me, _| me.count += 1); // from the loop's thread
                let elsewhere = move || {
                    act(a, move |me, cx| {
                        me.count += 1;
                        assert_eq!(me.count, 2);
                        cx.after(Duration::from_millis(1), Do::new(move |_, _| quit.quit()));
                    });
                };
                let elsewhere = thread::spawn(elsewhere);
                inner.run();
                elsewhere.join().unwrap();
                tell.send("closed").unwrap();
                act(a, |_, cx| cx.stop());
            });
        });
        outer.run();
        assert_eq!(told.try_recv(), Ok("closed"));
        assert!(orderly(&app.wait().unwrap()));
    });
}

#[test]
fn a_tree_may_end_in_a_loop_that_was_deferred_to_the_host() {
    within_limit(|| {
        let context = MainContext::new();
        let guest = GlibLoop::attach_to(&context).unwrap();
        let a = guest.locality().reserve();
        let app = guest.start(only(doer(a))).unwrap();
        let outer = main_loop(&context);
        act(a, {
            let (outer, context, app) = (outer.clone(), context.clone(), app.clone());
            move |_, cx| {
                cx.defer_to_host(move || {
                    let inner = main_loop(&context);
                    quit_at_end(&app, &inner);
                    act(a, |_, cx| cx.stop());
                    inner.run();
                    outer.quit();
                });
            }
        });
        outer.run();
        while context.iteration(false) {}
        assert!(orderly(&app.wait().unwrap()));
        assert!(is_free(context), "the source is gone");
    });
}

#[test]
fn a_panic_in_what_is_deferred_to_the_host_is_one_of_the_actor() {
    within_limit(|| {
        let context = MainContext::new();
        let (app, a, outer) = guest(&context);
        act(a, move |me, cx| {
            me.count = 7;
            cx.defer_to_host(move || {
                // Behind the crash, which is reported after this.
                when_idle(&context, move || {
                    act(a, |me, cx| {
                        assert_eq!(me.count, 0, "it is a fresh instance");
                        cx.stop();
                    });
                });
                panic!("a deferred job panics: this is part of the test");
            });
        });
        outer.run();
        assert!(orderly(&app.wait().unwrap()));
    });
}

#[test]
fn a_timer_that_is_due_inside_a_nested_loop_comes_after_the_handler() {
    within_limit(|| {
        let context = MainContext::new();
        let (app, a, outer) = guest(&context);
        act(a, move |me, cx| {
            let begun = Instant::now();
            let due = move |me: &mut Doer, cx: &mut Context<Doer>| {
                assert!(begun.elapsed() >= DIALOG);
                assert_eq!(me.count, 1);
                cx.stop();
            };
            cx.after(Duration::from_millis(10), Do::new(due));
            let rounds = rounds(&context, DIALOG);
            assert!(rounds < 100, "{rounds} rounds: it does not wait");
            me.count += 1;
        });
        outer.run();
        assert!(orderly(&app.wait().unwrap()));
    });
}
