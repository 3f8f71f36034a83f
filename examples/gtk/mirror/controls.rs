//! The controls: start, pause and end a copy.

use std::rc::Rc;
use std::time::{Duration, Instant};

use gtk::glib;
use gtk::glib::thread_guard::ThreadGuard;
use gtk::prelude::*;
use mirror_engine::{Claim, Interrupt, Parts, Pause, Phase, Strike, View};
use rotor_core::{
    Actor, Address, Context, Down, Exit, Handler, Lane, Result, StartChild, WhichChildren,
};

use crate::guest::Guest;
use crate::log::Line;
use crate::session::{Folder, Run, Session, Stage};

/// The name of a copy's supervisor.
const COPY: &str = "mirror";

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
    /// Cancel, then start.
    Again,
}

impl Controls {
    /// Controls of a copy that may be under way.
    pub fn new(session: Rc<Session>) -> Self {
        Self { session }
    }

    /// Sets what can be pressed.
    fn set(&self, stage: Stage) {
        self.session.enter(stage);
        let widgets = &self.session.widgets;
        widgets.enable("start", !stage.is_running());
        widgets.enable("pause", stage.is_running());
        widgets.enable("cancel", stage.is_running());
        let label = match stage {
            Stage::Paused => "Resu_me",
            _ => "_Pause",
        };
        widgets.pause.set_label(label);
    }

    fn with_run(&self, f: impl FnOnce(&mut Run)) {
        self.session.run.borrow_mut().as_mut().map(f);
    }

    /// Others may have the target.
    fn let_go(&self) {
        self.with_run(|run| run.claim = None);
    }

    /// Starts a copy, or says why that cannot be.
    fn begin(&self, cx: &mut Context<Self>) {
        let mut folders = [Folder::Source, Folder::Target].into_iter();
        if let Some(folder) = folders.find(|folder| self.session.entry(*folder).text().is_empty()) {
            self.session.entry(folder).grab_focus();
            self.set(Stage::Failed);
            return self.session.say(&format!("choose a {folder} folder"));
        }
        if let Err(why) = self.try_begin(cx) {
            self.failed(&why);
        }
    }

    fn try_begin(&self, cx: &mut Context<Self>) -> Result<(), String> {
        let args = self.session.args();
        args.check()?;
        let claim = Claim::new(&args.dst)?;
        let progress = self.session.wiring.progress;
        let view = View {
            show: progress.to(),
            strike: progress.to(),
            files: true,
        };
        let host = Rc::new(Guest::new(self.session.clone()));
        let parts =
            Parts::new(&args, &claim, cx.locality(), view, host).map_err(|e| e.to_string())?;
        self.session.run.replace(Some(Run {
            wiring: parts.wiring().clone(),
            ledger: parts.ledger().clone(),
            claim: Some(Rc::new(claim)),
            begin: Instant::now(),
            address: None,
            again: false,
        }));
        self.session.snapshot.set(None);
        // The tree is built on this thread, but requests are for other ones, too.
        let parts = ThreadGuard::new(parts);
        let start = StartChild::new(move || parts.into_inner().tree(None).temporary());
        let root = self.session.app.get().expect("the tree runs").root();
        let ever = Duration::MAX; // else it might be told to have failed, and run all the same
        cx.request_from(root.admin(), start, ever, |me, answer, cx| match answer {
            Ok(Ok(Some(copy))) => me.watch(copy.address, cx),
            Ok(Ok(None)) => me.failed("nothing was started"),
            Ok(Err(e)) => me.failed(&e.to_string()),
            Err(e) => me.failed(&e.to_string()),
        });
        self.set(Stage::Copying);
        self.session.say(&Stage::Copying.to_string());
        Ok(())
    }

    /// Waits for the end of a copy.
    fn watch(&self, copy: Address, cx: &mut Context<Self>) {
        self.with_run(|run| run.address = Some(copy));
        cx.monitor(copy);
    }

    /// Looks for the copy that the last instance has started, or had not yet: the root serves one
    /// request after the other.
    fn find(&self, cx: &mut Context<Self>) {
        let root = self.session.app.get().expect("the tree runs").root();
        cx.request_from(
            root.admin(),
            WhichChildren,
            Duration::MAX,
            |me, answer, cx| {
                let children = answer.unwrap_or_default();
                match children.iter().find(|child| child.name == COPY) {
                    Some(copy) => me.watch(copy.address, cx),
                    None => me.ended(None, cx),
                }
            },
        );
    }

    /// Has the plan end the copy. One that was stopped has to be ended from above.
    fn cancel(&self, run: &Run) {
        if run.wiring.plan().try_send(Interrupt).is_err() {
            run.ledger.borrow_mut().interrupt();
            if let Some(copy) = run.address {
                copy.stop();
            }
        }
    }

    /// Says what the copy came to.
    fn ended(&self, exit: Option<Exit>, cx: &mut Context<Self>) {
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
        let totals = &report.totals;
        let first = format!(
            "{} files, {}: {} copied, {} skipped, {} failed in {:.1} s",
            totals.files(),
            glib::format_size(totals.bytes),
            totals.copied,
            totals.skipped,
            totals.failed,
            report.elapsed.as_secs_f64(),
        );
        self.session.say(&match (stage, exit) {
            (Stage::Done, _) => format!("verified: {first}"),
            (Stage::Cancelled, _) => format!("cancelled: {first}"),
            (_, Some(exit)) => format!("not all was copied ({exit}): {first}"),
            (_, None) => format!("not all was copied: {first}"),
        });
        println!("report: {}", report.json());
        drop(ledger);
        let again = run.again;
        drop(run); // it has the claim, too
        self.let_go();
        self.set(stage);
        if again {
            self.begin(cx);
        }
    }

    fn failed(&self, why: &str) {
        self.let_go();
        self.set(Stage::Failed);
        self.session.say(&format!("cannot start: {why}"));
    }
}

impl Actor for Controls {
    fn start(&mut self, cx: &mut Context<Self>) -> Result {
        let stage = self.session.stage.get();
        if stage.is_running() {
            self.find(cx);
        }
        self.set(stage);
        Ok(())
    }
}

impl Handler<Go> for Controls {
    const LANE: Lane = Lane::Urgent;

    fn handle(&mut self, go: Go, cx: &mut Context<Self>) {
        let stage = self.session.stage.get();
        if !stage.is_running() {
            if matches!(go, Go::Start | Go::Again) {
                self.begin(cx);
            }
            return;
        }
        let Some(run) = self.session.run.borrow().clone() else {
            return;
        };
        match go {
            Go::Start => {}
            Go::Pause => {
                let pause = stage == Stage::Copying;
                run.wiring.plan().send(Pause(pause));
                let stage = if pause { Stage::Paused } else { Stage::Copying };
                self.set(stage);
                self.session.say(&stage.to_string());
            }
            Go::Cancel | Go::Again => {
                self.with_run(|run| run.again = go == Go::Again);
                self.cancel(&run);
            }
        }
    }
}

impl Handler<Down> for Controls {
    fn handle(&mut self, down: Down, cx: &mut Context<Self>) {
        self.ended(Some(down.exit), cx);
    }
}

impl Handler<Strike> for Controls {
    fn handle(&mut self, _: Strike, _: &mut Context<Self>) {
        panic!("{}", crate::ASKED);
    }
}
