//! What ties instances to signals and objects.

#![expect(unsafe_code)]

mod common;

use std::cell::RefCell;
use std::rc::Rc;
use std::sync::OnceLock;
use std::time::Duration;

use common::*;
use glib::subclass::Signal;
use glib::subclass::prelude::*;
use glib::{MainContext, prelude::*};
use rotor_core::*;
use rotor_glib::*;

mod imp {
    use super::*;

    #[derive(Default)]
    pub struct Button;

    #[glib::object_subclass]
    impl ObjectSubclass for Button {
        const NAME: &'static str = "RotorTestButton";
        type Type = super::Button;
    }

    impl ObjectImpl for Button {
        fn signals() -> &'static [Signal] {
            static SIGNALS: OnceLock<Vec<Signal>> = OnceLock::new();
            SIGNALS.get_or_init(|| {
                vec![
                    Signal::builder("clicked").build(),
                    Signal::builder("close").return_type::<bool>().build(),
                ]
            })
        }
    }
}

glib::wrapper! {
    /// Stands for a widget: it can be clicked, and asked whether it may close.
    pub struct Button(ObjectSubclass<imp::Button>);
}

impl Button {
    fn new() -> Self {
        glib::Object::new()
    }

    fn click(&self) {
        self.emit_by_name::<()>("clicked", &[]);
    }

    fn close(&self) -> bool {
        self.emit_by_name("close", &[])
    }
}

/// An actor with a button, which notes what happens.
struct View {
    button: Button,
    notes: Notes,
    /// What a click does.
    clicked: fn(),
}

type Notes = Rc<RefCell<Vec<String>>>;

impl Actor for View {
    fn start(&mut self, cx: &mut Context<Self>) -> Result {
        self.note("start");
        let guard = Guard::of(cx);
        guard.follow(&self.button);
        let (run, notes, clicked) = (guard.clone(), self.notes.clone(), self.clicked);
        let click = move || {
            notes.borrow_mut().push("clicked".into());
            clicked();
        };
        let id = self.button.connect_closure(
            "clicked",
            false,
            glib::RustClosure::new_local(move |_| {
                run.run((), &click);
                None
            }),
        );
        guard.keep(&self.button, id);
        let run = guard.clone();
        let id = self.button.connect_local("close", false, move |_| {
            Some(
                run.run(true, || panic!("close: this is part of the test"))
                    .to_value(),
            )
        });
        guard.keep(&self.button, id);
        Ok(())
    }
}

impl View {
    fn note(&self, text: &str) {
        self.notes.borrow_mut().push(text.to_owned());
    }
}

impl Drop for View {
    fn drop(&mut self) {
        self.note("drop");
    }
}

/// A view in a context's loop, with its button and its notes.
struct Scene {
    context: MainContext,
    app: App,
    button: Button,
    notes: Notes,
}

impl Scene {
    fn new(clicked: fn()) -> Self {
        let context = MainContext::new();
        let guest = GlibLoop::attach_to(&context).unwrap();
        let (button, notes) = (Button::new(), Notes::default());
        let (weak, noted) = (button.downgrade(), notes.clone());
        let make = move || {
            weak.upgrade().map(|button| View {
                button,
                notes: noted.clone(),
                clicked,
            })
        };
        let tree = Supervisor::one_for_one("app").child(Child::new("view", make).transient());
        let app = guest.start(tree).unwrap();
        let scene = Self {
            context,
            app,
            button,
            notes,
        };
        scene.settle();
        scene
    }

    /// Goes on until there is nothing to do.
    fn settle(&self) {
        while self.context.iteration(false) {}
    }

    /// What was noted since the last call.
    fn notes(&self) -> Vec<String> {
        self.notes.take()
    }

    fn end(self) {
        self.app.shutdown();
        self.settle();
        assert!(self.app.wait().unwrap().to_string().starts_with("shutdown"));
    }
}

fn bug() {
    panic!("a click: this is part of the test");
}

#[test]
fn a_panic_in_a_signal_closure_is_one_of_the_actor() {
    let scene = Scene::new(bug);
    assert_eq!(scene.notes(), ["start"]);
    scene.button.click();
    assert_eq!(
        scene.notes(),
        ["clicked"],
        "the signal is over before the end"
    );
    scene.settle();
    assert_eq!(scene.notes(), ["drop", "start"]);
    scene.end();
}

#[test]
fn a_signal_whose_closure_panics_gets_the_fallback() {
    let scene = Scene::new(|| {});
    assert!(scene.button.close());
    scene.settle();
    assert_eq!(scene.notes(), ["start", "drop", "start"]);
    scene.end();
}

#[test]
fn after_a_panic_the_closures_of_the_instance_run_no_more() {
    let scene = Scene::new(bug);
    scene.button.click();
    scene.button.click();
    assert_eq!(scene.notes(), ["start", "clicked"]);
    scene.settle();
    scene.notes();
    scene.button.click();
    assert_eq!(
        scene.notes(),
        ["clicked"],
        "the next instance is not affected"
    );
    scene.settle();
    scene.end();
}

/// A closure that panics because one that it calls does: there is one end, with the first panic.
#[test]
fn of_two_panics_the_first_is_the_end() {
    let context = MainContext::new();
    let (button, guest) = (Button::new(), GlibLoop::attach_to(&context).unwrap());
    let clicked = glib::thread_guard::ThreadGuard::new(button.clone());
    let a = guest.locality().reserve();
    let tree = Supervisor::one_for_one("test").intensity(0, Duration::from_secs(1));
    let app = guest.start(tree.child(doer(a))).unwrap();
    act(a, move |_, cx| {
        let (button, guard) = (clicked.into_inner(), Guard::of(cx));
        let inner = guard.clone();
        button.connect_local("close", false, move |_| {
            Some(
                inner
                    .run(true, || panic!("first: part of the test"))
                    .to_value(),
            )
        });
        button.connect_local("clicked", false, move |values| {
            let button: Button = values[0].get().unwrap();
            guard.run((), || {
                assert!(!button.close(), "second: part of the test");
            });
            None
        });
    });
    while context.iteration(false) {}
    button.click();
    while context.iteration(false) {}
    let exit = format!("{:#}", app.wait().unwrap());
    assert!(exit.contains("first: part of the test"), "{exit}");
}

/// Somebody may keep a guard for longer than its instance lives.
#[test]
fn a_guard_of_an_instance_that_has_ended_runs_and_ties_nothing() {
    let context = MainContext::new();
    let (button, guest) = (Button::new(), GlibLoop::attach_to(&context).unwrap());
    let a = guest.locality().reserve();
    let app = guest.start(only(doer(a))).unwrap();
    let kept: Rc<RefCell<Option<Guard>>> = Rc::default();
    let keeper = glib::thread_guard::ThreadGuard::new(kept.clone());
    act(a, move |_, cx| {
        keeper.into_inner().replace(Some(Guard::of(cx)));
        cx.stop();
    });
    while context.iteration(false) {}
    assert!(orderly(&app.wait().unwrap()));
    let guard = kept.take().unwrap();
    assert_eq!(guard.run("fallback", || "it runs"), "fallback");
    let id = button.connect_local("clicked", false, |_| panic!("it is connected"));
    guard.keep(&button, id);
    button.click();
}

#[test]
fn connections_end_with_the_instance() {
    let scene = Scene::new(|| {});
    scene.button.close();
    scene.settle();
    scene.notes();
    scene.button.click();
    assert_eq!(
        scene.notes(),
        ["clicked"],
        "once, by the instance that lives"
    );
    let button = scene.button.clone();
    scene.end();
    assert_eq!(button.ref_count(), 1);
    let closures = glib::subclass::SignalId::lookup("clicked", Button::static_type()).unwrap();
    assert!(!glib::signal::signal_has_handler_pending(
        &button, closures, None, true
    ));
}

#[test]
fn an_actor_ends_with_the_object_that_it_follows() {
    let scene = Scene::new(|| {});
    assert_eq!(scene.notes(), ["start"]);
    // As a container does with its widgets: others may hold it still.
    // SAFETY: nobody uses it in the middle of this.
    unsafe { scene.button.run_dispose() };
    scene.settle();
    assert_eq!(
        scene.notes(),
        ["drop"],
        "it is transient, and not started again"
    );
    scene.end();
}

#[test]
fn an_object_ends_with_its_actor() {
    let context = MainContext::new();
    let guest = GlibLoop::attach_to(&context).unwrap();
    let a = guest.locality().reserve();
    let app = guest.start(only(doer(a))).unwrap();
    let button = Button::new();
    let weak = button.downgrade();
    let button = glib::thread_guard::ThreadGuard::new(button);
    act(a, move |_, cx| {
        let button = button.into_inner();
        cx.at_end(move || drop(button));
    });
    while context.iteration(false) {}
    assert!(weak.upgrade().is_some());
    app.shutdown();
    while context.iteration(false) {}
    assert!(weak.upgrade().is_none());
}
