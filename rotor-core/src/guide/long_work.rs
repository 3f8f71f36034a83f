//! Work that takes long, its progress, and an end before its end, by who has asked for it or without.
//!
//! A handler is not interrupted: while it runs, nothing else of its loop does, and on the loop of a
//! window nothing is drawn. What takes longer than a frame goes one of three ways.
//!
//! # Calls that block
//!
//! They belong on a thread of their own, which a [`ThreadLoop`](crate::ThreadLoop) is. Progress is a
//! message like any other. What a handler sends to another loop is collected, and handed over when the
//! handler ends, or before [`Context::blocking`](crate::Context::blocking) blocks: so the work is cut
//! into parts, and each of them is a call of that.
//! ```
//! use rotor_core::*;
//! enum Told { Part(usize, usize), Done(u64) }
//! struct Sum(Vec<Vec<u64>>); // stands for files
//!
//! struct Worker { view: Recipient<Told> }
//! impl Actor for Worker {}
//! impl Handler<Sum> for Worker {
//!     fn handle(&mut self, Sum(parts): Sum, cx: &mut Context<Self>) {
//!         let mut sum = 0;
//!         for (done, part) in parts.iter().enumerate() {
//!             self.view.send(Told::Part(done, parts.len()));
//!             sum += cx.blocking(|| part.iter().sum::<u64>()); // the view knows of this part
//!         }
//!         self.view.send(Told::Done(sum));
//!     }
//! }
//!
//! struct View { worker: Addr<Worker>, shown: Vec<String> }
//! impl Actor for View {
//!     fn start(&mut self, _: &mut Context<Self>) -> Result {
//!         self.worker.send(Sum(vec![vec![1, 2], vec![3, 4]]));
//!         Ok(())
//!     }
//! }
//! impl Handler<Told> for View {
//!     fn handle(&mut self, told: Told, cx: &mut Context<Self>) {
//!         match told {
//!             Told::Part(done, of) => self.shown.push(format!("{} %", 100 * done / of)),
//!             Told::Done(sum) => {
//!                 assert_eq!((sum, self.shown.join(", ")), (10, "0 %, 50 %".to_owned()));
//!                 cx.stop();
//!             }
//!         }
//!     }
//! }
//!
//! fn main() -> Result<(), Box<dyn std::error::Error>> {
//!     let (main, thread) = (ThreadLoop::new(), ThreadLoop::spawn("work")?);
//!     let (view, worker) = (main.locality().reserve::<View>(), thread.reserve());
//!     let exit = main.run(Supervisor::rest_for_one("app").auto_shutdown(AutoShutdown::Any)
//!         .child(Supervisor::one_for_one("work").on(&thread, move |s|
//!             s.child(Child::new("worker", move || Worker { view: view.to() }).at(worker))))
//!         .child(Child::new("view", move || View { worker, shown: Vec::new() }).at(view)
//!             .transient().significant()))?;
//!     assert!(!exit.is_failure());
//!     Ok(())
//! }
//! ```
//! A worker that panics is restarted, and the job is gone with it: who has sent it hears of that by a
//! [request](crate::Context::request) in place of the message, or by a
//! [monitor](crate::Context::monitor).
//!
//! Work that needs no state of its own needs no actor: a [job](crate::Locality::job) is a closure for
//! such a thread, whose result comes back as a future. Of a list of them so many run at a time as
//! [`Context::spawn_each`](crate::Context::spawn_each) is told.
//! ```
//! use rotor_core::*;
//! struct Report { threads: [Locality; 2], sum: u64 }
//! impl Actor for Report {
//!     fn start(&mut self, cx: &mut Context<Self>) -> Result {
//!         let mut threads = self.threads.clone().into_iter().cycle();
//!         let jobs = (0..10).map(move |n: u64| {
//!             let thread = threads.next().expect("a circle has no end");
//!             thread.job(move || (0..=n).sum::<u64>()) // stands for something that takes long
//!         });
//!         cx.spawn_each(4, jobs, |me, sum, cx| match sum {
//!             Some(Ok(sum)) => me.sum += sum,
//!             Some(Err(error)) => cx.fail(error), // a panic of the job, or its thread is gone
//!             None => {
//!                 assert_eq!(me.sum, 165);
//!                 cx.stop();
//!             }
//!         });
//!         Ok(())
//!     }
//! }
//! fn main() -> Result<(), Box<dyn std::error::Error>> {
//!     let threads = [ThreadLoop::spawn("one")?, ThreadLoop::spawn("two")?];
//!     let report = Child::new("report", move || Report { threads: threads.clone(), sum: 0 });
//!     let exit = ThreadLoop::new().run(Supervisor::one_for_one("app").auto_shutdown(AutoShutdown::Any)
//!         .child(report.transient().significant()))?;
//!     assert!(!exit.is_failure());
//!     Ok(())
//! }
//! ```
//! The jobs of an actor that ends are not run any more, but for the one that runs. A thread that runs jobs
//! only belongs to no tree, and `run` does not wait for it: where a job must be finished before the program
//! ends, have a supervisor of the tree placed there.
//!
//! # Slices
//!
//! Work that can stop anywhere is done a slice at a time: the actor sends itself a message for the
//! next one. What came meanwhile is handled in between, so it can be asked, and cancelled. On the loop
//! of a window this is the way for small work, on a thread loop for work that must be cancelled.
//! ```
//! use rotor_core::{sim::Sim, *};
//! struct Slice;
//! struct Cancel;
//! struct Search { left: Vec<u64>, found: Vec<u64>, progress: Recipient<usize> }
//! impl Actor for Search {
//!     fn start(&mut self, cx: &mut Context<Self>) -> Result {
//!         cx.addr().send(Slice);
//!         Ok(())
//!     }
//! }
//! impl Handler<Slice> for Search {
//!     fn handle(&mut self, _: Slice, cx: &mut Context<Self>) {
//!         let at = self.left.len().saturating_sub(100); // as many as take a millisecond or two
//!         self.found.extend(self.left.drain(at..).filter(|n| n % 7 == 0));
//!         self.progress.send(self.left.len());
//!         if self.left.is_empty() { cx.stop() } else { cx.addr().send(Slice) }
//!     }
//! }
//! impl Handler<Cancel> for Search {
//!     const LANE: Lane = Lane::Urgent; // ahead of the next slice
//!     fn handle(&mut self, _: Cancel, cx: &mut Context<Self>) { cx.stop() }
//! }
//! fn main() -> Result<(), StartError> {
//!     let mut sim = Sim::new(1);
//!     let search = sim.locality("here").reserve();
//!     let probe = sim.probe();
//!     let progress = probe.recipient();
//!     let make = move || Search { left: (0..1000).collect(), found: Vec::new(), progress };
//!     sim.start(Supervisor::one_for_one("app")
//!         .child(Child::new("search", make).at(search).transient()))?;
//!     while probe.take().last() != Some(&700) { // three slices
//!         assert!(sim.step());
//!     }
//!     search.send(Cancel);
//!     sim.run_until_idle();
//!     assert_eq!(search.address().state(), Lifecycle::Down);
//!     Ok(())
//! }
//! ```
//!
//! # Futures
//!
//! What waits for others (a download, a timer, a dialog) is a future that the actor
//! [spawns](crate::Context::spawn) and, with the [`Task`](crate::Task) that names it, cancels. It is
//! dropped then, with all that it holds, and its closure is not called.
//! ```
//! use rotor_core::{sim::Sim, *};
//! struct Fetch;
//! struct Cancel;
//! #[derive(Default)] struct Page { fetching: Option<Task>, text: String }
//! impl Actor for Page {}
//! impl Handler<Fetch> for Page {
//!     fn handle(&mut self, _: Fetch, cx: &mut Context<Self>) {
//!         let fetch = std::future::pending::<String>(); // stands for one that takes long
//!         self.fetching = Some(cx.spawn(fetch, |me, text, _| me.text = text));
//!     }
//! }
//! impl Handler<Cancel> for Page {
//!     fn handle(&mut self, _: Cancel, cx: &mut Context<Self>) {
//!         if let Some(task) = self.fetching.take() {
//!             let was_open = cx.cancel(task); // it was not done
//!             assert!(was_open);
//!         }
//!     }
//! }
//! let mut sim = Sim::new(1);
//! let page = sim.locality("here").reserve();
//! sim.start(Supervisor::one_for_one("app").child(Child::new("page", Page::default).at(page)))?;
//! page.send(Fetch);
//! sim.run_until_idle();
//! page.send(Cancel);
//! sim.run_until_idle();
//! # assert_eq!(page.address().state(), Lifecycle::Running);
//! # assert_eq!(sim.with(page, |page| (page.fetching.is_none(), page.text.len())), Some((true, 0)));
//! # Ok::<_, StartError>(())
//! ```
//!
//! # If the one who has asked crashes
//!
//! Its address stays valid. So the work goes on, and its progress comes to the next instance, which has not
//! asked for it. Where that is wrong, progress goes to an address that ends with the instance: a
//! [topic](crate::Context::topic) of its own. What is published to it later reaches nobody, and the worker can
//! see, on whatever loop, that nobody waits. (An answer to a [request](crate::Context::request) never comes to
//! another instance.)
//! ```
//! use rotor_core::{sim::Sim, *};
//! use std::time::Duration;
//! #[derive(Clone, Copy)] struct Part(u32);
//! struct Job { parts: u32, done: u32, told: Topic<Part> }
//!
//! struct Worker { given_up: u32 }
//! impl Actor for Worker {}
//! impl Handler<Job> for Worker {
//!     fn handle(&mut self, mut job: Job, cx: &mut Context<Self>) {
//!         if job.told.address().state() == Lifecycle::Gone {
//!             self.given_up += 1; // nobody waits any more
//!         } else if job.done < job.parts {
//!             job.done += 1;
//!             job.told.publish(Part(job.done));
//!             cx.after(Duration::from_secs(1), job); // stands for the next part
//!         }
//!     }
//! }
//!
//! struct View { worker: Addr<Worker>, shown: Vec<u32> }
//! impl Actor for View {
//!     fn start(&mut self, cx: &mut Context<Self>) -> Result {
//!         let told = cx.topic(); // of this instance
//!         cx.subscribe(told);
//!         self.worker.send(Job { parts: 4, done: 0, told });
//!         Ok(())
//!     }
//! }
//! impl Handler<Part> for View {
//!     fn handle(&mut self, Part(n): Part, _: &mut Context<Self>) { self.shown.push(n) }
//! }
//! fn main() -> Result<(), StartError> {
//!     let mut sim = Sim::new(1);
//!     sim.strict();
//!     let (view, work) = (sim.locality("ui").reserve(), sim.locality("work"));
//!     let worker = work.reserve();
//!     sim.start(Supervisor::rest_for_one("app")
//!         .child(Supervisor::one_for_one("work").on(&work, move |s|
//!             s.child(Child::new("worker", || Worker { given_up: 0 }).at(worker))))
//!         .child(Child::new("view", move || View { worker, shown: Vec::new() }).at(view)))?;
//!     sim.run_for(Duration::from_millis(1_500));
//!     assert_eq!(sim.with(view, |view| view.shown.clone()), Some(vec![1, 2]));
//!     view.address().kill(); // a crash
//!     sim.run_for(Duration::from_secs(9));
//!     assert_eq!(sim.with(view, |view| view.shown.clone()), Some(vec![1, 2, 3, 4])); // of its own job
//!     assert_eq!(sim.with(worker, |worker| worker.given_up), Some(1));
//!     Ok(())
//! }
//! ```
//! Work in [`Context::blocking`](crate::Context::blocking) looks between its parts. A task that waits for
//! long is cancelled by an actor that [monitors](crate::Context::monitor) who has asked.
//!
//! # Progress
//!
//! Who is told of progress more often than it can be shown has a [`Throttle`](crate::Throttle) before it,
//! which passes on the latest word, at most once in a period. Placed beside the work, it spares the other loop
//! the rest; but it needs a loop that turns meanwhile, as it does with slices and futures. While a worker
//! blocks, a throttle on its loop waits as well: then place it on the loop of the view, or reserve the view with
//! [`Bound::latest`](crate::Bound::latest), by which a newer word takes the place of the one that waits. Where
//! nothing may be left out, as rows of a table, a [`Collect`](crate::Collect) makes lists of them.
//!
//! # The end
//!
//! Nothing can stop a call that blocks. A supervisor has no stop limit by default, so the end of the
//! tree waits for what is below it, and with that for the call. With
//! [`Supervisor::stop_limit`](crate::Supervisor::stop_limit) on the supervisor that is placed on the
//! thread, it is given up after that time: the tree ends, and the window closes. The thread ends with the
//! call or with the process. [`ThreadLoop::run`](crate::ThreadLoop::run) and [`App::wait`](crate::App::wait)
//! wait for one that was [spawned](crate::ThreadLoop::spawn), also if its part was given up long before,
//! unless what has passed is the stop limit of the root. They do not wait for a thread that the program has
//! made itself, which [serves](crate::ThreadLoop::serve): where a call may never return, make it so.
//!
//! Nor can anything be started on that thread before. A supervisor that is to restart such a part waits for
//! it; with a [`Supervisor::start_limit`](crate::Supervisor::start_limit) on what is placed there, a restart
//! that comes to nothing is one that has failed, and too many of them are a reason to give up.
