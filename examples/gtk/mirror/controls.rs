//! The controls: start, pause and end a copy.

use std::rc::Rc;
use std::time::{Duration, Instant};

use gtk::gio;
use gtk::glib::thread_guard::ThreadGuard;
use gtk::prelude::*;
use mirror_engine::{Args, Claim, Host, Interrupt, Parts, Pause, Phase, Strike, View};
use rotor_core::{Actor, Context, Down, Handler, Lane, Result, StartChild};

use crate::log::Line;
use crate::session::{Run, Session, Stage};

/// How long the tree of a copy may take to start.
const LIMIT: Duration = Duration::from_secs(10);

/// Starts copies, and says what the last one came to.
pub struct Controls {
    session: Rc<Session>,
}

/// From the buttons.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Go {
    Start,
    /// Rest, or go on.
    Pause,
    Cancel,
}

impl Controls {
    /// Controls of a copy that may be under way.
    pub fn new(session: Rc<Session>) -> Self {
        Self { session }
    }

    /// Sets what can be pressed.
    fn set(&self, stage: Stage) {
        self.session.enter(stage);
        let window = &self.session.widgets.window;
        for (name, enabled) in [
            ("start", !stage.is_running()),
            ("pause", stage.is_running()),
            ("cancel", stage.is_running()),
        ] {
            if let Some(action) = window.lookup_action(name)
                && let Ok(action) = action.downcast::<gio::SimpleAction>()
            {
                action.set_enabled(enabled);
            }
        }
        let label = match stage {
            Stage::Paused => "_Resume",
            _ => "_Pause",
        };
        self.session.widgets.pause.set_label(label);
    }

    /// Others may have the target.
    fn let_go(&self) {
        if let Some(run) = &mut *self.session.run.borrow_mut() {
            run.claim = None;
        }
    }

    fn say(&self, text: &str) {
        println!("status: {text}");
        self.session.widgets.status.set_text(text);
    }

    /// What is to be copied, if that is possible.
    fn args(&self) -> Result<Args, String> {
        let widgets = &self.session.widgets;
        let args = Args {
            src: widgets.source.text().as_str().into(),
            dst: widgets.target.text().as_str().into(),
            ..self.session.args.clone()
        };
        args.check()?;
        Ok(args)
    }

    fn start(&mut self, cx: &mut Context<Self>) -> Result<(), String> {
        let args = self.args()?;
        let claim = Claim::new(&args.dst)?;
        let progress = self.session.wiring.progress;
        let view = View {
            show: progress.to(),
            strike: progress.to(),
            files: true,
        };
        let host = Rc::new(Guest(self.session.clone()));
        let parts = Parts::new(&args, &claim, cx.locality(), view, host)
            .map_err(|e| format!("cannot start: {e}"))?;
        self.session.run.replace(Some(Run {
            wiring: parts.wiring().clone(),
            ledger: parts.ledger().clone(),
            claim: Some(Rc::new(claim)),
            begin: Instant::now(),
            address: None,
        }));
        // The tree is built on this thread, but requests are for other ones, too.
        let parts = ThreadGuard::new(parts);
        let start = StartChild::new(move || parts.into_inner().tree(None).temporary());
        let root = self.session.app.get().expect("the tree runs").root();
        cx.request_from(root.admin(), start, LIMIT, |me, answer, cx| match answer {
            Ok(Ok(Some(copy))) => {
                if let Some(run) = &mut *me.session.run.borrow_mut() {
                    run.address = Some(copy.address);
                }
                cx.monitor(copy.address);
            }
            Ok(Ok(None)) => me.failed("nothing was started"),
            Ok(Err(e)) => me.failed(&e.to_string()),
            Err(e) => me.failed(&e.to_string()),
        });
        self.set(Stage::Copying);
        self.say(&Stage::Copying.to_string());
        Ok(())
    }

    fn failed(&self, why: &str) {
        self.let_go();
        self.set(Stage::Failed);
        self.say(&format!("cannot start: {why}"));
    }
}

impl Actor for Controls {
    fn start(&mut self, cx: &mut Context<Self>) -> Result {
        let run = self.session.run.borrow();
        if let Some(address) = run.as_ref().and_then(|run| run.address)
            && self.session.stage.get().is_running()
        {
            cx.monitor(address);
        }
        self.set(self.session.stage.get());
        Ok(())
    }
}

impl Handler<Go> for Controls {
    const LANE: Lane = Lane::Urgent;

    fn handle(&mut self, go: Go, cx: &mut Context<Self>) {
        let stage = self.session.stage.get();
        let plan = self
            .session
            .run
            .borrow()
            .as_ref()
            .map(|run| run.wiring.plan());
        match (go, plan) {
            (Go::Start, _) if !stage.is_running() => {
                if let Err(why) = self.start(cx) {
                    self.say(&why);
                }
            }
            (Go::Pause, Some(plan)) if stage.is_running() => {
                let pause = stage == Stage::Copying;
                plan.send(Pause(pause));
                let stage = if pause { Stage::Paused } else { Stage::Copying };
                self.set(stage);
                self.say(&stage.to_string());
            }
            (Go::Cancel, Some(plan)) if stage.is_running() => plan.send(Interrupt),
            _ => {}
        }
    }
}

impl Handler<Down> for Controls {
    fn handle(&mut self, down: Down, _: &mut Context<Self>) {
        let Some(run) = self.session.run.borrow().clone() else {
            return;
        };
        let mut ledger = run.ledger.borrow_mut();
        ledger.remove_temporaries();
        for line in ledger.take_lines() {
            self.session.wiring.log.send(Line(line));
        }
        let report = ledger.report(run.begin.elapsed());
        let stage = match ledger.phase() {
            Phase::Done if report.verified => Stage::Done,
            Phase::Interrupted => Stage::Cancelled,
            _ => Stage::Failed,
        };
        let text = report.text();
        let first = text.lines().next().unwrap_or_default();
        self.say(&match stage {
            Stage::Done => format!("verified: {first}"),
            Stage::Cancelled => format!("cancelled: {first}"),
            _ => format!("not all was copied ({}): {first}", down.exit),
        });
        println!("report: {}", report.json());
        drop(ledger);
        drop(run);
        self.let_go();
        self.set(stage);
    }
}

impl Handler<Strike> for Controls {
    fn handle(&mut self, _: Strike, _: &mut Context<Self>) {
        panic!("{}", crate::ASKED);
    }
}

/// The window goes on when a copy ends, and shows the tree all the time.
struct Guest(Rc<Session>);

impl Host for Guest {
    fn tree(&self) -> String {
        let tree = self.0.tree.borrow();
        tree.as_ref().map_or_else(String::new, ToString::to_string)
    }

    /// Nobody waits: a writer that a disk holds is disowned by its supervisor.
    fn quit_within(&self, _: Duration) {}
}
