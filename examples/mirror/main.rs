//! `mirror SRC DST`: copies a folder tree, with a bar in the terminal.

mod progress;
mod terminal;

use std::cell::RefCell;
use std::env;
use std::error::Error;
use std::fmt;
use std::io::{self, Write};
use std::panic;
use std::process::{self, ExitCode};
use std::rc::Rc;
use std::sync::Arc;
use std::time::{Duration, Instant};

use glib::{MainContext, MainLoop};
use rotor_core::{Child, install_panic_hook};
use rotor_glib::GlibLoop;

use mirror_engine::{
    Args, Asked, Claim, FLAGS, Ledger, PATIENT, Parts, Phase, Report, Snapshot, View, Witness,
};

use crate::progress::{Backlog, Progress, print_lines};
use crate::terminal::Terminal;

const HEAD: &str = "\
Copies a folder tree and proves the copy.

usage: mirror SRC DST [options]

";

const PRINTED: &str = "
  --json         print one JSON object as the last line
  --quiet        neither progress bar nor report";

const CODES: &str = "

exit code: 0 all verified, 1 some files failed, 2 bad usage, 130 interrupted";

const USAGE: u8 = 2;
const INTERRUPTED: u8 = 130;

fn main() -> ExitCode {
    let args = match Args::parse(env::args_os().skip(1)) {
        Ok(Asked::Run(args)) => args,
        Ok(Asked::Help) => return say(&format!("{HEAD}{FLAGS}{PRINTED}{CODES}")),
        Ok(Asked::Version) => return say(concat!("mirror ", env!("CARGO_PKG_VERSION"))),
        Err(text) => return usage(&text),
    };
    if let Err(text) = args.check() {
        return usage(&text);
    }
    let claim = match Claim::new(&args.dst) {
        Ok(claim) => claim,
        Err(text) => return usage(&text),
    };
    hush();
    let begin = Instant::now();
    match copy(&args, &claim) {
        Ok(run) => run.end(&args, begin.elapsed()),
        Err(e) => {
            complain(format_args!("{e}"));
            ExitCode::FAILURE
        }
    }
}

/// What is left of a run.
struct Run {
    ledger: Rc<RefCell<Ledger>>,
    backlog: Backlog,
}

impl Run {
    /// Prints the report, and ends the program without waiting for a writer that a disk still
    /// holds.
    fn end(self, args: &Args, elapsed: Duration) -> ExitCode {
        let mut ledger = self.ledger.borrow_mut();
        ledger.remove_temporaries();
        self.backlog.borrow_mut().extend(ledger.take_lines());
        print_lines(&self.backlog);
        if ledger.phase() == Phase::Interrupted {
            complain(format_args!("{}", how_far(&ledger.snapshot())));
        }
        let report = ledger.report(elapsed);
        let printed = is_printed(print_report(&report, args));
        let code = match ledger.phase() {
            Phase::Interrupted => INTERRUPTED,
            Phase::Done if report.verified && printed => 0,
            _ => 1,
        };
        process::exit(code.into())
    }
}

/// How far an interrupted run came, of what it had found by then.
fn how_far(now: &Snapshot) -> String {
    let found = if now.walked { "" } else { " found so far" };
    format!(
        "interrupted: {} of {} files, {} of {} bytes{found}",
        now.totals.files(),
        now.found_files,
        now.totals.bytes,
        now.found_bytes
    )
}

fn print_report(report: &Report, args: &Args) -> io::Result<()> {
    let mut out = io::stdout();
    if !args.quiet {
        write!(out, "{}", report.text())?;
    }
    if args.json {
        writeln!(out, "{}", report.json())?;
    }
    out.flush()
}

/// Builds the tree, and runs it to its end.
fn copy(args: &Args, claim: &Claim) -> Result<Run, Box<dyn Error>> {
    let context = MainContext::new();
    let ui = GlibLoop::attach_to(&context)?;
    let main_loop = MainLoop::new(Some(&context), false);
    let host = Rc::new(Terminal::new(main_loop.clone()));
    let progress = ui.locality().reserve::<Progress>();
    let view = View {
        show: progress.to(),
        strike: progress.to(),
        files: false,
    };
    let parts = Parts::new(args, claim, ui.locality(), view, host.clone())?;
    let ledger = parts.ledger().clone();
    let backlog: Backlog = Rc::default();
    let plan = parts.wiring().plan();
    let witness = Arc::new(Witness::new(parts.wiring().clone()));
    let (quiet, begin) = (args.quiet, Instant::now());
    let lines = backlog.clone();
    let make = move || Progress::new(quiet, begin, lines.clone(), plan);
    let bar = Child::new("progress", make).at(progress).capacity(PATIENT);
    let tree = parts.tree(Some(bar.into()));
    let app = ui.start(tree.observer(witness))?;
    host.keep(app.clone());
    let quit = main_loop.clone();
    app.on_exit(move |exit| {
        if exit.is_abnormal() {
            complain(format_args!("gave up: {exit}"));
        }
        quit.quit();
    });
    context.with_thread_default(|| main_loop.run())?;
    Ok(Run { ledger, backlog })
}

/// Crashes on purpose are in the report; all others are printed as well.
fn hush() {
    let print = panic::take_hook();
    panic::set_hook(Box::new(move |info| {
        if !info
            .payload_as_str()
            .is_some_and(|text| text.starts_with("chaos: "))
        {
            print(info);
        }
    }));
    install_panic_hook();
}

fn say(text: &str) -> ExitCode {
    match is_printed(writeln!(io::stdout(), "{text}")) {
        true => ExitCode::SUCCESS,
        false => ExitCode::FAILURE,
    }
}

/// Whether all was printed; if not, why is said, unless whoever was to read it has left.
fn is_printed(result: io::Result<()>) -> bool {
    if let Err(e) = &result
        && e.kind() != io::ErrorKind::BrokenPipe
    {
        complain(format_args!("standard output: {e}"));
    }
    result.is_ok()
}

/// One line on standard error, if anybody listens.
fn complain(text: fmt::Arguments<'_>) {
    let _ = writeln!(io::stderr(), "mirror: {text}");
}

fn usage(text: &str) -> ExitCode {
    complain(format_args!("{text} (see mirror --help)"));
    ExitCode::from(USAGE)
}
