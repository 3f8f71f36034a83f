//! What supervision costs does not depend on how many others there are.
//!
//! Each test has the same thing happen to one child of ten and to one of many, and counts the
//! instructions that are executed for it. `make scale` prints the counts of optimized code.

#![cfg(all(
    target_os = "linux",
    target_arch = "x86_64",
    not(miri),
    not(rotor_loom)
))]

mod steps;

use std::cell::Cell;
use std::future::Future;
use std::pin::pin;
use std::rc::Rc;
use std::sync::Arc;
use std::task::{self, Poll, Waker};
use std::time::Duration;

use rotor_core::*;

const FEW: usize = 10;
const MANY: usize = 100_000;
const LONG: Duration = Duration::from_secs(3600);

struct Nobody;

impl Wake for Nobody {
    fn wake(&self) {}
}

#[derive(Default)]
struct Worker {
    news: Option<Topic<News>>,
    links: Vec<Key>,
    holds: Vec<Hold>,
}

/// Ends a worker, as if it had failed.
struct Fail;
/// Ends a worker in order.
struct End;
/// Has a worker add a child, which ends by itself.
struct Add;
/// Has a worker add so many that end when they have started.
struct Spawn(usize);
/// Ends when it has started.
struct Brief;
/// Has a worker subscribe to itself, and end that, so many times.
struct Waver(usize);
/// Has a worker link to another one.
struct Link(Addr<Worker>);
/// Has a worker end the link that it made first of all.
struct Unlink;
/// Has a worker take a hold.
struct Take;
/// Has a worker drop the hold that it took first of all.
struct Let;
/// Has a worker watch another one.
struct Watch(Address);
/// Has a worker add a child that waits for a name.
struct Stall(Name<Worker>);
struct Register(Name<Worker>);
struct Unregister(Name<Worker>);

#[derive(Clone)]
struct News;

impl Actor for Worker {
    fn start(&mut self, cx: &mut Context<Self>) -> Result {
        if let Some(news) = self.news {
            cx.subscribe(news);
        }
        Ok(())
    }
}

impl TryHandler<Fail> for Worker {
    fn try_handle(&mut self, _: Fail, _: &mut Context<Self>) -> Result {
        Err(Error::message("told to"))
    }
}

impl Handler<End> for Worker {
    fn handle(&mut self, _: End, cx: &mut Context<Self>) {
        cx.stop();
    }
}

impl Handler<Add> for Worker {
    fn handle(&mut self, _: Add, cx: &mut Context<Self>) {
        let child = cx.child(Child::new("added", Worker::new).temporary());
        child.send(End);
    }
}

impl Actor for Brief {
    fn start(&mut self, cx: &mut Context<Self>) -> Result {
        cx.stop();
        Ok(())
    }
}

impl Handler<Spawn> for Worker {
    fn handle(&mut self, Spawn(many): Spawn, cx: &mut Context<Self>) {
        for _ in 0..many {
            cx.child(Child::new("brief", || Brief).temporary());
        }
    }
}

impl Handler<Waver> for Worker {
    fn handle(&mut self, Waver(times): Waver, cx: &mut Context<Self>) {
        let topic = cx.addr().address().topic::<News>();
        for _ in 0..times {
            cx.subscribe(topic);
            cx.unsubscribe(topic);
        }
    }
}

impl Handler<Link> for Worker {
    fn handle(&mut self, Link(to): Link, cx: &mut Context<Self>) {
        self.links.push(cx.link(to.address()));
    }
}

impl Handler<Unlink> for Worker {
    fn handle(&mut self, _: Unlink, cx: &mut Context<Self>) {
        assert!(cx.cancel(self.links.swap_remove(0)));
    }
}

impl Handler<Take> for Worker {
    fn handle(&mut self, _: Take, cx: &mut Context<Self>) {
        self.holds.push(cx.hold("something"));
    }
}

impl Handler<Let> for Worker {
    fn handle(&mut self, _: Let, _: &mut Context<Self>) {
        drop(self.holds.swap_remove(0));
    }
}

impl Handler<Watch> for Worker {
    fn handle(&mut self, Watch(who): Watch, cx: &mut Context<Self>) {
        cx.monitor(who);
    }
}

impl Handler<Down> for Worker {
    fn handle(&mut self, _: Down, _: &mut Context<Self>) {}
}

impl Handler<Stall> for Worker {
    fn handle(&mut self, Stall(name): Stall, cx: &mut Context<Self>) {
        let find = move |cx: &mut Context<Worker>| {
            cx.find(name.clone(), |_, _, _| ());
            Ok(Worker::new())
        };
        cx.child(Child::with("stalled", find).start_limit(LONG));
    }
}

impl Handler<Register> for Worker {
    fn handle(&mut self, Register(name): Register, cx: &mut Context<Self>) {
        cx.register(name).unwrap();
    }
}

impl Handler<Unregister> for Worker {
    fn handle(&mut self, Unregister(name): Unregister, cx: &mut Context<Self>) {
        assert!(cx.unregister(name));
    }
}

impl Handler<News> for Worker {
    fn handle(&mut self, _: News, _: &mut Context<Self>) {}
}

impl Worker {
    fn new() -> Self {
        Worker::default()
    }

    fn hears(news: Topic<News>) -> Self {
        Worker {
            news: Some(news),
            ..Worker::default()
        }
    }
}

/// Workers under one supervisor, on a driver whose time stands still.
struct Crew {
    driver: Rc<Driver>,
    app: App,
    workers: Vec<Addr<Worker>>,
}

impl Crew {
    /// Workers of which none has started yet.
    fn waiting(
        root: Supervisor,
        n: usize,
        child: impl Fn(usize, &[Addr<Worker>]) -> Child<Worker>,
    ) -> Self {
        let driver = Rc::new(Driver::new(Arc::new(Nobody), Clock::manual()));
        let here = Locality::new("here");
        driver.open(&here).unwrap();
        let workers: Vec<_> = (0..n).map(|_| here.reserve()).collect();
        let root = root.intensity(u32::MAX, LONG);
        let tree = (0..n).fold(root, |tree, i| tree.child(child(i, &workers)));
        let app = driver.start(tree).unwrap();
        Crew {
            driver,
            app,
            workers,
        }
    }

    fn new(
        root: Supervisor,
        n: usize,
        child: impl Fn(usize, &[Addr<Worker>]) -> Child<Worker>,
    ) -> Self {
        let crew = Self::waiting(root, n, child);
        crew.driver.run_until_idle();
        let runs = |at: &Addr<Worker>| at.address().state() == Lifecycle::Running;
        assert!(crew.workers.iter().all(runs));
        crew
    }

    fn plain(root: Supervisor, n: usize) -> Self {
        Self::new(root, n, worker)
    }

    /// Instructions of something that happens again and again, until all is quiet. Those before the
    /// last are not counted: now and then a table grows.
    fn cost(&self, happens: impl Fn(usize)) -> u64 {
        self.cost_after(|_| (), happens)
    }

    /// The same of what needs something else before it each time.
    fn cost_after(&self, before: impl Fn(usize), happens: impl Fn(usize)) -> u64 {
        let quiet = |happens: &dyn Fn(usize), time| {
            happens(time);
            self.driver.run_until_idle();
        };
        for time in 0..4 {
            quiet(&before, time);
            quiet(&happens, time);
        }
        quiet(&before, 4);
        steps::begin();
        quiet(&happens, 4);
        steps::stop().all
    }

    /// Instructions of six turns, of a message each, after others: in the midst of something that all
    /// children take part in.
    fn pace(&self, after: usize) -> u64 {
        let one = Budget {
            messages: 1,
            time: Duration::MAX,
        };
        for _ in 0..after {
            assert!(matches!(self.driver.turn(one), Turn::Again));
        }
        steps::begin();
        for _ in 0..6 {
            self.driver.turn(one);
        }
        steps::stop().all
    }
}

fn worker(i: usize, all: &[Addr<Worker>]) -> Child<Worker> {
    Child::new(format!("worker {i}"), Worker::new).at(all[i])
}

/// Counts something among few and among many.
fn compare(what: &str, cost: impl Fn(usize) -> u64) {
    compare_within(what, 11, cost);
}

/// The same, where many may cost so many tenths of what few do.
fn compare_within(what: &str, tenths: u64, cost: impl Fn(usize) -> u64) {
    compare_to(what, MANY, tenths, cost);
}

/// The same, with so many.
fn compare_to(what: &str, crowd: usize, tenths: u64, cost: impl Fn(usize) -> u64) {
    compare_between(what, [FEW, crowd], tenths, cost);
}

/// The same, with so few and so many.
fn compare_between(what: &str, [a, b]: [usize; 2], tenths: u64, cost: impl Fn(usize) -> u64) {
    let (few, many) = (cost(a), cost(b));
    println!("{what}: {few} instructions among {a}, {many} among {b}");
    assert!(many < steps::MOST, "{what}: does not end");
    assert!(
        many * 10 <= few * tenths,
        "{what}: {few} among {a}, {many} among {b}"
    );
}

/// What each of so many has cost.
fn each(n: usize, all: u64) -> u64 {
    assert!(all < steps::MOST, "{n}: too many to be counted");
    all / n as u64
}

/// What a request was answered with.
fn answer<T>(asked: impl Future<Output = T>) -> T {
    match pin!(asked).poll(&mut task::Context::from_waker(Waker::noop())) {
        Poll::Ready(answer) => answer,
        Poll::Pending => panic!("all is quiet, and there is no answer"),
    }
}

#[test]
fn one_childs_restart_costs_the_same_in_any_crowd() {
    compare("restart", |n| {
        let crew = Crew::plain(Supervisor::one_for_one("root"), n);
        crew.cost(|_| crew.workers[n / 2].send(Fail))
    });
}

#[test]
fn the_restart_of_the_rest_costs_what_the_rest_does() {
    compare("restart of the last", |n| {
        let crew = Crew::plain(Supervisor::rest_for_one("root"), n);
        crew.cost(|_| crew.workers[n - 1].send(Fail))
    });
}

#[test]
fn the_end_of_a_significant_child_costs_the_same_in_any_crowd() {
    compare("end of a significant child", |n| {
        let root = Supervisor::one_for_one("root").auto_shutdown(AutoShutdown::All);
        let crew = Crew::new(root, n, |i, all| {
            let child = worker(i, all).transient();
            if i >= n - 6 {
                child.significant()
            } else {
                child
            }
        });
        crew.cost(|time| crew.workers[n - 6 + time].send(End))
    });
}

#[test]
fn a_dynamic_childs_life_costs_the_same_in_any_crowd() {
    compare("life of a dynamic child", |n| {
        // Each of the others is published to, and has children of its own.
        let crew = Crew::new(Supervisor::one_for_one("root"), n, |i, all| {
            let news = all[i].address().topic();
            Child::new(format!("worker {i}"), move || Worker::hears(news)).at(all[i])
        });
        crew.cost(|_| crew.workers[n / 2].send(Add))
    });
}

/// Their ends are waiting when all have started.
#[test]
#[cfg_attr(
    debug_assertions,
    ignore = "so many steps of code that is not optimized take long: see `make scale`"
)]
fn children_that_end_at_once_cost_the_same_in_any_crowd() {
    let cost = |n: usize| {
        let crew = Crew::plain(Supervisor::one_for_one("root"), 1);
        each(n, crew.cost(|_| crew.workers[0].send(Spawn(n))))
    };
    compare_between("a child that ends at once", [30, 300], 11, cost);
}

/// A pool with so many instances, and what starts one more.
fn pool(n: usize) -> (Crew, impl Fn()) {
    let make = |(): (), _: &mut Context<Worker>| -> Result<Worker> { Ok(Worker::new()) };
    let pool = Supervisor::simple_one_for_one("pool", make);
    let mut crew = Crew::plain(pool, 0);
    let (pool, driver) = (crew.app.root(), crew.driver.clone());
    let start = move || {
        let started = pool.admin().ask(StartInstance::<Worker, _>::new(()), LONG);
        driver.run_until_idle();
        match answer(started) {
            Ok(Ok(Some(started))) => started.address,
            other => panic!("{other:?}"),
        }
    };
    crew.workers = (0..n).map(|_| start()).collect();
    let start = move || {
        start();
    };
    (crew, start)
}

#[test]
fn an_instance_of_a_pool_starts_at_the_same_cost_in_any_crowd() {
    compare("start of an instance", |n| {
        let (crew, start) = pool(n);
        crew.cost(|_| start())
    });
}

#[test]
fn an_instance_of_a_pool_ends_and_comes_back_at_the_same_cost_in_any_crowd() {
    compare("restart of an instance", |n| {
        let (crew, _) = pool(n);
        crew.cost(|_| crew.workers[n / 2].send(Fail))
    });
    compare("end of an instance on request", |n| {
        let (crew, _) = pool(n);
        let cost = crew.cost(|time| {
            let instance = crew.workers[n / 2 + time].address();
            let ended = crew
                .app
                .root()
                .admin()
                .ask(TerminateChild::at(instance), LONG);
            crew.driver.run_until_idle();
            drop(ended);
        });
        assert_eq!(crew.app.tree().nodes.len(), 1 + n - 5);
        cost
    });
}

#[test]
fn a_temporary_child_ends_at_the_same_cost_in_any_crowd() {
    compare("end of a temporary child", |n| {
        let temporary = |i, all: &[Addr<Worker>]| worker(i, all).temporary();
        let crew = Crew::new(Supervisor::one_for_one("root"), n, temporary);
        let cost = crew.cost(|time| crew.workers[n / 2 + time].send(Fail));
        assert_eq!(crew.app.tree().nodes.len(), 1 + n - 5);
        cost
    });
}

/// Each child of a list costs the same, however long it is.
#[test]
#[cfg_attr(
    debug_assertions,
    ignore = "so many steps of code that is not optimized take long: see `make scale`"
)]
fn a_list_of_children_costs_what_it_lists() {
    let cost = |n: usize| {
        let crew = Crew::plain(Supervisor::one_for_one("root"), n);
        let all = crew.cost(|_| {
            let listed = crew.app.root().admin().ask(WhichChildren, LONG);
            crew.driver.run_until_idle();
            drop(listed);
        });
        each(n, all)
    };
    compare_between("a child of a list", [30, 300], 11, cost);
}

/// Those of one actor: their end costs each of them the same.
#[test]
#[cfg_attr(
    debug_assertions,
    ignore = "so many steps of code that is not optimized take long: see `make scale`"
)]
fn the_monitors_of_one_actor_cost_what_each_costs() {
    let cost = |n: usize| {
        let crew = Crew::plain(Supervisor::one_for_one("root"), 2);
        let [watched, watcher] = [crew.workers[0], crew.workers[1]];
        (0..n).for_each(|_| watcher.send(Watch(watched.address())));
        crew.driver.run_until_idle();
        steps::begin();
        watched.send(Fail);
        crew.driver.run_until_idle();
        each(n, steps::stop().all)
    };
    compare_between("a monitor", [30, 300], 11, cost);
}

#[test]
fn a_request_costs_the_same_in_any_crowd() {
    compare("restart on request", |n| {
        let crew = Crew::plain(Supervisor::one_for_one("root"), n);
        let (root, name) = (crew.app.root(), format!("worker {}", n / 2));
        crew.cost(|_| {
            let limit = LONG;
            let ended = root.admin().ask(TerminateChild::named(name.clone()), limit);
            let began = root.admin().ask(RestartChild::named(name.clone()), limit);
            crew.driver.run_until_idle();
            drop((ended, began));
        })
    });
}

/// There is no such child: nobody looks through all of them to say so.
#[test]
fn a_request_that_finds_no_child_costs_the_same_in_any_crowd() {
    compare("request about nobody", |n| {
        let crew = Crew::plain(Supervisor::one_for_one("root"), n);
        let root = crew.app.root();
        crew.cost(|_| {
            let ended = root.admin().ask(TerminateChild::named("nobody"), LONG);
            crew.driver.run_until_idle();
            let told = answer(ended).unwrap();
            assert!(matches!(told, Err(AdminError::NotFound { .. })));
        })
    });
}

/// While a child starts: each of those that wait might want it to end.
#[test]
fn l04_a_request_costs_the_same_among_any_number_that_wait() {
    const CROWD: usize = 10_000; // a look at each of these would be seen
    compare_to("request while others wait", CROWD, 11, |n| {
        let crew = Crew::plain(Supervisor::one_for_one("root"), 1);
        let root = crew.app.root();
        let hold = |cx: &mut Context<Worker>| {
            let holds = vec![cx.hold("something")];
            Ok(Worker {
                holds,
                ..Worker::default()
            })
        };
        let held = move || Child::with("held", hold).start_limit(LONG);
        let starting = root.admin().ask(StartChild::new(held), LONG);
        let end = |name: String| root.admin().ask(TerminateChild::named(name), LONG);
        let waiting: Vec<_> = (0..n).map(|i| end(i.to_string())).collect();
        crew.driver.run_until_idle();
        let cost = crew.cost(|_| drop(end("nobody".to_owned())));
        drop((starting, waiting));
        cost
    });
}

/// So many children on another locality, each by its address there.
fn far_crowd(n: usize) -> (Crew, Vec<Address>) {
    let far = Locality::new("far");
    let root = (0..n).fold(Supervisor::one_for_one("root"), |root, i| {
        root.child(Supervisor::one_for_one(format!("far {i}")).on(&far, |s| s))
    });
    let crew = Crew::waiting(root, 0, worker);
    crew.driver.open(&far).unwrap();
    crew.driver.run_until_idle();
    let all: Vec<_> = crew.app.tree().nodes[1..]
        .iter()
        .map(|node| node.address)
        .collect();
    let runs = |at: &Address| at.state() == Lifecycle::Running;
    assert!(all.len() == n && all.iter().all(runs));
    (crew, all)
}

/// By the address of a child that lives elsewhere.
#[test]
#[cfg_attr(
    debug_assertions,
    ignore = "so many steps of code that is not optimized take long: see `make scale`"
)]
fn l04_requests_about_a_far_child_cost_the_same_in_any_crowd() {
    let crowds = [FEW, MANY].map(far_crowd);
    let crowd = |n| &crowds[usize::from(n == MANY)];
    let terminate = |crew: &Crew, child: Address| {
        let ended = crew.app.root().admin().ask(TerminateChild::at(child), LONG);
        crew.driver.run_until_idle();
        assert_eq!(child.state(), Lifecycle::Down);
        drop(ended);
    };
    compare("restart of a far child on request", |n| {
        let (crew, all) = crowd(n);
        let child = all[n / 2];
        let cost = crew.cost_after(
            |_| terminate(crew, child),
            |_| {
                let began = crew.app.root().admin().ask(RestartChild::at(child), LONG);
                crew.driver.run_until_idle();
                drop(began);
            },
        );
        assert_eq!(child.state(), Lifecycle::Running);
        cost
    });
    compare("deletion of a far child on request", |n| {
        let (crew, all) = crowd(n);
        let root = crew.app.root();
        let cost = crew.cost_after(
            |time| terminate(crew, all[n / 2 + time]),
            |time| {
                let child = all[n / 2 + time];
                let deleted = root.admin().ask(DeleteChild::at(child), LONG);
                crew.driver.run_until_idle();
                drop(deleted);
            },
        );
        let counted = root.admin().ask(CountChildren, LONG);
        crew.driver.run_until_idle();
        assert_eq!(answer(counted).expect("it is asked").specs, n - 5);
        cost
    });
}

/// A declared crowd, or one of a pool.
#[test]
fn l04_children_are_counted_at_the_same_cost_in_any_crowd() {
    let count = |crew: &Crew| {
        crew.cost(|_| {
            let counted = crew.app.root().admin().ask(CountChildren, LONG);
            crew.driver.run_until_idle();
            drop(counted);
        })
    };
    compare("count of children", |n| {
        count(&Crew::plain(Supervisor::one_for_one("root"), n))
    });
    compare("count of instances", |n| count(&pool(n).0));
}

#[test]
fn the_end_of_a_subscriber_costs_the_same_in_any_crowd() {
    compare("restart of a subscriber", |n| {
        let crew = Crew::new(Supervisor::one_for_one("root"), n, |i, all| {
            let news = all[0].address().topic();
            Child::new(format!("worker {i}"), move || Worker::hears(news)).at(all[i])
        });
        crew.cost(|_| crew.workers[n / 2].send(Fail))
    });
}

#[test]
#[cfg_attr(
    debug_assertions,
    ignore = "so many steps of code that is not optimized take long: see `make scale`"
)]
fn the_end_of_a_client_does_not_touch_the_others() {
    const SERVICE: Name<Worker> = Name::new("service");
    compare("restart of a client", |n| {
        let crew = Crew::new(Supervisor::one_for_one("root"), n, |i, all| match i {
            0 => worker(i, all).named(SERVICE),
            _ => worker(i, all).needs(SERVICE),
        });
        crew.cost(|_| crew.workers[n / 2].send(Fail))
    });
}

/// Has workers link to others, in this order, and counts the last.
fn last_link(n: usize, order: impl Iterator<Item = (usize, usize)>) -> u64 {
    let crew = Crew::plain(Supervisor::one_for_one("root"), n);
    let mut order: Vec<_> = order.collect();
    let link = |(client, service): (usize, usize)| {
        crew.workers[client].send(Link(crew.workers[service]));
        crew.driver.run_until_idle();
    };
    let last = order.pop().unwrap();
    order.into_iter().for_each(link);
    steps::begin();
    link(last);
    let cost = steps::stop().all;
    let up = |at: &Addr<Worker>| at.address().state() == Lifecycle::Running;
    assert!(crew.workers.iter().all(up), "a link was refused");
    cost
}

#[test]
fn a_link_costs_the_same_in_a_chain_of_any_length() {
    const LONGEST: usize = 5_000; // a look at each of these would be seen
    compare("link of the last to a chain", |n| {
        let n = n.min(LONGEST);
        last_link(n, (1..n).map(|i| (i, i - 1)))
    });
    compare("link of a chain to one more", |n| {
        let n = n.min(LONGEST);
        last_link(n, (1..n).rev().map(|i| (i, i - 1)))
    });
    compare("link of a pair to a chain", |n| {
        let n = n.min(LONGEST);
        let pairs = (1..n).step_by(2).map(|i| (i, i - 1));
        let between = (2..n).step_by(2).map(|i| (i, i - 1));
        last_link(n, pairs.chain(between))
    });
}

#[test]
#[cfg_attr(
    debug_assertions,
    ignore = "so many steps of code that is not optimized take long: see `make scale`"
)]
fn a_clients_restart_costs_the_same_at_the_end_of_any_chain() {
    let name = |i: usize| Name::new(format!("link {i}").leak());
    compare("restart of the last of a chain", |n| {
        let crew = Crew::new(Supervisor::one_for_one("root"), n, |i, all| {
            let child = worker(i, all).named(name(i));
            if i == 0 {
                child
            } else {
                child.needs(name(i - 1))
            }
        });
        crew.cost(|_| crew.workers[n - 1].send(Fail))
    });
}

#[test]
fn a_link_costs_the_same_beside_any_number_of_the_same_client() {
    compare("link and its end", |n| {
        let crew = Crew::plain(Supervisor::one_for_one("root"), n + 20);
        let client = crew.workers[0];
        crew.workers[6..]
            .iter()
            .for_each(|&to| client.send(Link(to)));
        crew.driver.run_until_idle();
        crew.cost(|time| {
            client.send(Link(crew.workers[1 + time]));
            client.send(Unlink);
        })
    });
}

#[test]
fn a_hold_costs_the_same_beside_any_number_of_the_same_actor() {
    // They are kept in order, in a tree that is some levels deeper.
    compare_within("hold and its end", 15, |n| {
        let crew = Crew::plain(Supervisor::one_for_one("root"), 1);
        let worker = crew.workers[0];
        (0..n).for_each(|_| worker.send(Take));
        crew.driver.run_until_idle();
        crew.cost(|_| {
            worker.send(Take);
            worker.send(Let);
        })
    });
}

#[test]
fn a_name_costs_the_same_beside_any_number_of_the_same_actor() {
    compare("name and its end", |n| {
        let crew = Crew::plain(Supervisor::one_for_one("root"), 1);
        let worker = crew.workers[0];
        let name = |i: usize| Name::new(format!("name {i}").leak());
        (0..n + 20).for_each(|i| worker.send(Register(name(i))));
        crew.driver.run_until_idle();
        crew.cost(|time| {
            worker.send(Unregister(name(time)));
            worker.send(Register(name(n + 20 + time)));
        })
    });
}

#[test]
fn the_restart_of_a_named_child_costs_the_same_in_any_crowd() {
    compare("restart of a named child", |n| {
        let crew = Crew::new(Supervisor::one_for_one("root"), n, |i, all| {
            worker(i, all).named(Name::new(format!("name {i}").leak()))
        });
        crew.cost(|_| crew.workers[n / 2].send(Fail))
    });
}

/// Each of a crowd has a child whose start waits for a name, and then one more has.
#[test]
fn a_start_that_stalls_costs_the_same_beside_any_number_of_others() {
    const NOBODY: Name<Worker> = Name::new("nobody");
    compare("a start that stalls", |n| {
        let crew = Crew::plain(Supervisor::one_for_one("root"), n + 5);
        for worker in &crew.workers[5..] {
            worker.send(Stall(NOBODY));
        }
        crew.driver.run_until_idle();
        crew.cost(|time| crew.workers[time].send(Stall(NOBODY)))
    });
}

#[test]
fn a_subscription_that_has_ended_leaves_nothing_behind() {
    compare("restart after subscriptions", |n| {
        let crew = Crew::plain(Supervisor::one_for_one("root"), 1);
        let worker = crew.workers[0];
        worker.send(Waver(n));
        crew.driver.run_until_idle();
        steps::begin();
        worker.send(Fail);
        crew.driver.run_until_idle();
        steps::stop().all
    });
}

/// A child of the root, a monitor, a link, a subscription, a name and a wait are there; all else is here.
#[test]
#[cfg_attr(
    debug_assertions,
    ignore = "so many steps of code that is not optimized take long: see `make scale`"
)]
fn the_loss_of_a_loop_costs_what_was_there_in_any_crowd() {
    const NOBODY: Name<Worker> = Name::new("nobody");
    let cost = |n: usize| {
        let crew = Crew::new(Supervisor::one_for_one("root"), n, |i, all| {
            let news = all[i].address().topic();
            Child::new(format!("worker {i}"), move || Worker::hears(news)).at(all[i])
        });
        // Each of them is a client, watches, is watched, has a name, and a child that waits for one.
        for pair in crew.workers.windows(2) {
            pair[1].send(Link(pair[0]));
            pair[1].send(Watch(pair[0].address()));
        }
        for (i, worker) in crew.workers.iter().enumerate() {
            worker.send(Register(Name::new(format!("name {i}").leak())));
            worker.send(Stall(NOBODY));
        }
        crew.driver.run_until_idle();
        cost_of_a_loss(&crew.driver, |lost, there| {
            let (at, place) = (lost.place.clone(), there);
            let start = StartChild::new(move || {
                let far = Supervisor::one_for_one("far").temporary();
                far.on(&at, move |s| {
                    s.child(Child::new("there", Worker::new).at(place))
                })
            });
            let started = crew.app.root().admin().ask(start, LONG);
            lost.settle(&crew.driver);
            drop(started);
            assert_eq!(there.address().state(), Lifecycle::Running);
            crew.workers[n / 2].send(Watch(there.address()));
            there.send(Link(crew.workers[0]));
            there.send(Register(Name::new("there")));
            there.send(Stall(NOBODY));
        })
    };
    compare_to("loss of a loop", 10_000, 11, cost);
}

/// A loop that is going to be lost.
struct Doomed {
    driver: Driver,
    place: Locality,
}

impl Doomed {
    fn settle(&self, other: &Driver) {
        for _ in 0..4 {
            other.run_until_idle();
            self.driver.run_until_idle();
        }
    }
}

/// Instructions of the loss of a loop after another one, when memory comes from where it is from then on:
/// now and then its allocator tidies up, so the cheaper of two is taken.
fn cost_of_a_loss(driver: &Driver, prepare: impl Fn(&Doomed, Addr<Worker>)) -> u64 {
    let lose = |counted: bool| {
        let (lost, place) = (
            Driver::new(Arc::new(Nobody), Clock::manual()),
            Locality::new("lost"),
        );
        lost.open(&place).unwrap();
        let there = place.reserve();
        let lost = Doomed {
            driver: lost,
            place,
        };
        prepare(&lost, there);
        lost.settle(driver);
        if counted {
            steps::begin();
        }
        drop(lost.driver);
        driver.run_until_idle();
        let cost = steps::stop().all;
        assert_eq!(there.address().state(), Lifecycle::Gone);
        cost
    };
    lose(false);
    lose(true).min(lose(true))
}

/// They are stopped, and the start of the first one goes on; each of them is looked at.
#[test]
#[cfg_attr(
    debug_assertions,
    ignore = "so many steps of code that is not optimized take long: see `make scale`"
)]
fn the_loss_of_children_that_are_about_to_start_costs_what_each_costs() {
    let cost = |n: usize| {
        let far = Locality::new("far");
        let starts = Cell::new(0);
        let first = Child::with("first", move |cx| {
            let again = starts.replace(starts.get() + 1) > 0;
            let holds = again.then(|| cx.hold("something")).into_iter().collect();
            Ok(Worker {
                holds,
                ..Worker::default()
            })
        });
        let root = Supervisor::one_for_all("root").child(first.start_limit(LONG));
        let root = (0..n).fold(root, |root, i| {
            let part = Supervisor::one_for_one(format!("far {i}"));
            root.child(part.on(&far, |s| s))
        });
        let crew = Crew::waiting(root, 0, worker);
        let there = Driver::new(Arc::new(Nobody), Clock::manual());
        there.open(&far).unwrap();
        let root = crew.app.root();
        let until = |is_there: &dyn Fn() -> bool| {
            while !is_there() {
                crew.driver.run_until_idle();
                there.run_until_idle();
            }
        };
        until(&|| root.state() == Lifecycle::Running);
        let all: Vec<_> = crew.app.tree().nodes[1..]
            .iter()
            .map(|node| node.address)
            .collect();
        all[0].stop();
        until(&|| all[0].state() == Lifecycle::Starting);
        assert!(all[1..].iter().all(|at| at.state() == Lifecycle::Waiting));
        drop(there);
        steps::begin();
        crew.driver.run_until_idle();
        each(n, steps::stop().all)
    };
    compare_between("loss while others start", [50, 500], 11, cost);
}

/// Beside a loop where each of a crowd has a spec that is put aside, with the name that it declares.
#[test]
#[cfg_attr(
    debug_assertions,
    ignore = "so many steps of code that is not optimized take long: see `make scale`"
)]
fn the_loss_of_a_loop_costs_the_same_beside_any_number_of_names_put_aside() {
    let cost = |n: usize| {
        let crew = Crew::plain(Supervisor::one_for_one("root"), 1);
        let beside = Locality::new("beside");
        crew.driver.open(&beside).unwrap();
        let put_aside = |place: &Locality, workers: Vec<Addr<Worker>>, settle: &dyn Fn()| {
            let (at, all) = (place.clone(), workers.clone());
            let start = StartChild::new(move || {
                let name = at.name().clone();
                let part = Supervisor::one_for_one(name.clone()).temporary();
                part.on(&at, move |s| {
                    all.iter().enumerate().fold(s, |s, (i, at)| {
                        let name = Name::new(format!("{name} {i}").leak());
                        s.child(
                            Child::new(format!("worker {i}"), Worker::new)
                                .at(*at)
                                .named(name),
                        )
                    })
                })
            });
            let started = crew.app.root().admin().ask(start, LONG);
            settle();
            drop(started);
            let nodes = crew.app.tree().nodes;
            let part = nodes
                .iter()
                .find(|node| node.name == *place.name())
                .unwrap();
            for at in &workers {
                let end = TerminateChild::at(at.address());
                drop(part.address.admin().ask(end, LONG));
            }
            settle();
            let is_down = |at: &Addr<Worker>| at.address().state() == Lifecycle::Down;
            assert!(workers.iter().all(is_down));
        };
        let workers = (0..n).map(|_| beside.reserve()).collect();
        put_aside(&beside, workers, &|| {
            crew.driver.run_until_idle();
        });
        cost_of_a_loss(&crew.driver, |lost, there| {
            put_aside(&lost.place, vec![there], &|| lost.settle(&crew.driver));
        })
    };
    compare_to("loss of a loop beside names put aside", 10_000, 11, cost);
}

/// Each on a loop that was lost and has come again, where none was built again; one is deleted.
#[test]
fn m11_what_a_loss_has_ended_is_laid_down_at_the_same_cost_in_any_crowd() {
    let cost = |n: usize| {
        let far = Locality::new("far");
        let root = Supervisor::one_for_one("root").decide(|_| Decision::Stop);
        let root = (0..n).fold(root, |root, i| {
            let there = far.reserve();
            let part = Supervisor::one_for_one(format!("far {i}"));
            root.child(part.on(&far, move |s| {
                s.child(Child::new("there", Worker::new).at(there))
            }))
        });
        let crew = Crew::waiting(root, 0, worker);
        let first = Driver::new(Arc::new(Nobody), Clock::manual());
        first.open(&far).unwrap();
        let all: Vec<_> = loop {
            crew.driver.run_until_idle();
            first.run_until_idle();
            if crew.app.root().state() == Lifecycle::Running {
                let nodes = crew.app.tree().nodes;
                break nodes[1..].iter().map(|node| node.address).collect();
            }
        };
        drop(first);
        crew.driver.run_until_idle();
        let second = Driver::new(Arc::new(Nobody), Clock::manual());
        second.open(&far).unwrap();
        second.run_until_idle();
        assert!(all.iter().all(|at: &Address| at.state() == Lifecycle::Down));
        let delete = |child| {
            let deleted = crew.app.root().admin().ask(DeleteChild::at(child), LONG);
            crew.driver.run_until_idle();
            drop(deleted);
        };
        for &child in &all[..4] {
            delete(child);
            second.run_until_idle();
        }
        delete(all[n / 2]);
        steps::begin();
        second.run_until_idle();
        steps::stop().all
    };
    // Each start crosses to the other loop and back: fewer than elsewhere.
    compare_between("deletion after a loss", [500, 4_000], 11, cost);
}

#[test]
fn all_children_start_and_stop_at_the_same_pace_in_any_crowd() {
    compare("start of three", |n| {
        Crew::waiting(Supervisor::one_for_one("root"), n, worker).pace(12)
    });
    compare("stop of three", |n| {
        let crew = Crew::plain(Supervisor::one_for_one("root"), n);
        crew.app.shutdown();
        crew.pace(12)
    });
}

/// They are told to stop all at once, and then end.
#[test]
fn all_instances_of_a_pool_stop_at_the_same_pace_in_any_crowd() {
    for after in [|_| 3, |n| n + 3] {
        compare("stop of some instances", |n| {
            let (crew, _) = pool(n);
            crew.app.shutdown();
            crew.pace(after(n))
        });
    }
}

#[test]
fn all_children_crash_and_come_back_at_the_same_pace_in_any_crowd() {
    compare("crash of some of all", |n| {
        let crew = Crew::plain(Supervisor::one_for_one("root"), n);
        crew.workers.iter().for_each(|worker| worker.send(Fail));
        crew.pace(12)
    });
    compare("stop of three for one", |n| {
        let crew = Crew::plain(Supervisor::one_for_all("root"), n);
        crew.workers[n / 2].send(Fail);
        crew.pace(12)
    });
}
