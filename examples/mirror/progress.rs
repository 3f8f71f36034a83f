//! The progress: a bar, and lines for people, on standard error.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::io::{self, Write};
use std::rc::Rc;
use std::time::Instant;

use indicatif::{HumanBytes, ProgressBar, ProgressDrawTarget, ProgressStyle};
use rotor_core::{Actor, Addr, Context, Exit, Handler, Result};

use mirror_engine::{Fuse, Plan, Role, Show, Snapshot, Strike, Up};

/// Lines that are still to be printed. It outlives the actor's restarts, so that none is lost.
pub type Backlog = Rc<RefCell<VecDeque<String>>>;

/// Draws the bar and prints the lines.
pub struct Progress {
    plan: Addr<Plan>,
    backlog: Backlog,
    bar: ProgressBar,
    /// When the run began: the rate is that of the whole run, over all restarts.
    begin: Instant,
    fuse: Fuse,
}

impl Progress {
    /// A bar, unless `quiet` or standard error is no terminal.
    pub fn new(quiet: bool, begin: Instant, backlog: Backlog, plan: Addr<Plan>) -> Self {
        let target = if quiet {
            ProgressDrawTarget::hidden()
        } else {
            ProgressDrawTarget::stderr_with_hz(10)
        };
        let style = ProgressStyle::with_template("{spinner} [{bar:30}] {msg}");
        let style = style.unwrap_or_else(|_| ProgressStyle::default_bar());
        let bar = ProgressBar::with_draw_target(None, target).with_style(style);
        Self {
            plan,
            backlog,
            bar,
            begin,
            fuse: Fuse::default(),
        }
    }

    fn print(&self) {
        self.bar.suspend(|| print_lines(&self.backlog));
    }
}

/// Prints what is left to print.
pub fn print_lines(backlog: &Backlog) {
    while let Some(line) = backlog.borrow_mut().pop_front() {
        // Where nobody listens, the exit code still tells.
        let _ = writeln!(io::stderr(), "{line}");
    }
}

impl Actor for Progress {
    fn start(&mut self, _: &mut Context<Self>) -> Result {
        self.plan.send(Up(Role::Progress));
        Ok(())
    }

    fn stop(&mut self, _: &Exit, _: &mut Context<Self>) {
        self.print();
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.bar.finish_and_clear();
    }
}

impl Handler<Show> for Progress {
    fn handle(&mut self, Show { now, lines, .. }: Show, cx: &mut Context<Self>) {
        self.backlog.borrow_mut().extend(lines);
        self.fuse.burn(Role::Progress, "before it draws");
        if !self.backlog.borrow().is_empty() {
            self.print();
        }
        let elapsed = cx.now().saturating_duration_since(self.begin).as_secs_f64();
        self.bar.update(|bar| {
            bar.set_len(now.found_bytes);
            bar.set_pos(now.totals.bytes);
        });
        self.bar.set_message(text(&now, elapsed));
    }
}

/// Files, bytes, rate, failures and restarts.
fn text(now: &Snapshot, elapsed: f64) -> String {
    let totals = &now.totals;
    let more = if now.walked { "" } else { "+" };
    let mut text = format!(
        "{} files, {} of {}{more}, {}/s",
        totals.files(),
        HumanBytes(totals.bytes),
        HumanBytes(now.found_bytes),
        HumanBytes((totals.copied_bytes as f64 / elapsed.max(0.001)) as u64),
    );
    for (count, what) in [(totals.failed, "failed"), (now.restarts, "restarts")] {
        if count > 0 {
            text += &format!(", {count} {what}");
        }
    }
    text
}

impl Handler<Strike> for Progress {
    fn handle(&mut self, strike: Strike, _: &mut Context<Self>) {
        self.fuse.light(strike, Role::Progress);
    }
}
