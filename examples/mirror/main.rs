//! Copies a folder tree through a tree of actors on three kinds of event loops, and proves the
//! copy.
//!
//! ```text
//! mirror (GLib)        progress  plan
//! ├─ files (smol)      signals  scan  reader-0 reader-1 ...
//! ├─ link (mio)        receiver  sender
//! └─ disk-0 (thread)   writer-0       disk-1 (thread) writer-1 ...
//!
//! plan ──> scan ──> plan ──> reader ──> sender ══TCP══> receiver ──> writer ──> plan
//! ```
//!
//! Whatever crashes is restarted by its supervisor; the plan then gives the files that were on
//! their way to the next instances. All talk by address.

mod args;
mod chaos;
mod digest;
mod entry;
mod finish;
mod frame;
mod host;
mod ledger;
mod meta_fix;
mod plan;
mod progress;
mod reader;
mod receiver;
mod report;
mod role;
mod scan;
mod sender;
mod signals;
mod source;
mod target;
mod temp_name;
mod tree;
mod walk;
mod wiring;
mod writer;

#[cfg(test)]
mod scratch;

use std::cell::RefCell;
use std::env;
use std::error::Error;
use std::fmt;
use std::fs;
use std::io::{self, Write};
use std::panic::{self, PanicHookInfo};
use std::process::{self, ExitCode};
use std::rc::Rc;
use std::time::{Duration, Instant};

use glib::{MainContext, MainLoop};
use rotor_core::{Locality, ThreadLoop};
use rotor_glib::GlibLoop;
use rotor_mio::MioLoop;
use rotor_smol::SmolLoop;

use crate::args::{Args, Asked, HELP};
use crate::host::Host;
use crate::ledger::{Ledger, Phase};
use crate::plan::Crash;
use crate::progress::{Backlog, print_lines};
use crate::report::Report;
use crate::tree::Parts;
use crate::walk::Task;
use crate::wiring::Wiring;

const USAGE: u8 = 2;
const INTERRUPTED: u8 = 130;

fn main() -> ExitCode {
    let args = match Args::parse(env::args_os().skip(1)) {
        Ok(Asked::Run(args)) => args,
        Ok(Asked::Help) => return say(HELP),
        Ok(Asked::Version) => return say(concat!("mirror ", env!("CARGO_PKG_VERSION"))),
        Err(text) => return usage(&text),
    };
    if let Err(text) = args.check() {
        return usage(&text);
    }
    if let Err(e) = fs::create_dir_all(&args.dst) {
        return usage(&format!("DST {}: {e}", args.dst.display()));
    }
    let begin = Instant::now();
    match copy(&args) {
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
        let report = ledger.report(elapsed);
        let printed = print_report(&report, args);
        let code = match ledger.phase() {
            Phase::Interrupted => INTERRUPTED,
            Phase::Done if report.verified && printed.is_ok() => 0,
            _ => 1,
        };
        process::exit(code.into())
    }
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
fn copy(args: &Args) -> Result<Run, Box<dyn Error>> {
    let task = Task {
        src: fs::canonicalize(&args.src)?,
        dst: fs::canonicalize(&args.dst)?,
        run: fastrand::u64(..),
        checksum: args.checksum,
        delete: args.delete,
    };
    let mut token = [0; 16];
    rustix::rand::getrandom(&mut token, rustix::rand::GetRandomFlags::empty())?;

    let context = MainContext::new();
    let ui = GlibLoop::attach_to(&context)?;
    let files = SmolLoop::spawn("files")?;
    let net = MioLoop::spawn("net")?;
    let disks = (0..args.jobs)
        .map(|n| ThreadLoop::spawn(format!("disk-{n}")))
        .collect::<io::Result<Vec<Locality>>>()?;
    let wiring = Wiring::new(ui.locality(), &files, &net, &disks);
    let ledger = Rc::new(RefCell::new(Ledger::new(task.clone(), args.jobs)));
    let backlog: Backlog = Rc::default();
    let plan = wiring.plan;
    panic::set_hook(Box::new(move |info| plan.send(Crash(text_of(info)))));

    let main_loop = MainLoop::new(Some(&context), false);
    let host = Rc::new(Host::new(main_loop.clone()));
    let parts = Parts {
        args: args.clone(),
        task,
        token,
        wiring,
        ledger: ledger.clone(),
        backlog: backlog.clone(),
        host: host.clone(),
    };
    let app = ui.start(parts.tree(&files, &net, &disks))?;
    host.keep(app.clone());
    let quit = main_loop.clone();
    app.on_exit(move |exit| {
        if exit.is_abnormal() {
            complain(format_args!("gave up: {exit}"));
        }
        quit.quit();
    });
    context.with_thread_default(|| main_loop.run())?;
    drop(panic::take_hook());
    Ok(Run { ledger, backlog })
}

/// What a panic said, and where, unless it was meant to.
fn text_of(info: &PanicHookInfo<'_>) -> String {
    match (info.payload_as_str(), info.location()) {
        (Some(text), _) if text.starts_with("chaos: ") => text.to_owned(),
        (text, Some(at)) => format!("{} at {at}", text.unwrap_or("a panic")),
        (text, None) => text.unwrap_or("a panic").to_owned(),
    }
}

fn say(text: &str) -> ExitCode {
    match writeln!(io::stdout(), "{text}") {
        Ok(()) => ExitCode::SUCCESS,
        Err(_) => ExitCode::FAILURE,
    }
}

/// One line on standard error, if anybody listens.
fn complain(text: fmt::Arguments<'_>) {
    let _ = writeln!(io::stderr(), "mirror: {text}");
}

fn usage(text: &str) -> ExitCode {
    complain(format_args!("{text} (see mirror --help)"));
    ExitCode::from(USAGE)
}
