//! How services end, and what their clients are told of that.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use crate::sim::Sim;
use crate::*;

type Lines = Arc<Mutex<Vec<String>>>;
type Deed = Box<dyn FnOnce(&mut Part, &mut Context<Part>) + Send>;

/// Does what it is sent, and notes what it is told.
struct Part {
    name: &'static str,
    lines: Lines,
    /// Which one it is.
    instance: u32,
    /// What it was asked with, which it does not drop.
    asked: Vec<Unlink>,
    begin: fn(&mut Part, &mut Context<Part>),
}

impl Part {
    fn say(&self, what: impl std::fmt::Display) {
        let line = format!("{}: {what}", self.name);
        self.lines.lock().unwrap().push(line);
    }
}

impl Actor for Part {
    fn start(&mut self, cx: &mut Context<Self>) -> Result {
        (self.begin)(self, cx);
        Ok(())
    }

    fn stop(&mut self, exit: &Exit, _: &mut Context<Self>) {
        self.say(format_args!("stops, {exit}"));
    }
}

impl Handler<Deed> for Part {
    fn handle(&mut self, deed: Deed, cx: &mut Context<Self>) {
        deed(self, cx);
    }
}

impl Handler<Unlink> for Part {
    fn handle(&mut self, asked: Unlink, _: &mut Context<Self>) {
        self.say(format_args!("asked, {}", asked.exit));
        self.asked.push(asked);
    }
}

fn act(part: Addr<Part>, deed: impl FnOnce(&mut Part, &mut Context<Part>) + Send + 'static) {
    part.send(Box::new(deed) as Deed);
}

fn part(name: &'static str, lines: &Lines, at: Addr<Part>) -> Child<Part> {
    beginning(name, lines, at, |_, _| {}).transient()
}

fn beginning(
    name: &'static str,
    lines: &Lines,
    at: Addr<Part>,
    begin: fn(&mut Part, &mut Context<Part>),
) -> Child<Part> {
    let (lines, mut instance) = (lines.clone(), 0);
    let made = move || {
        instance += 1;
        Part {
            name,
            lines: lines.clone(),
            instance,
            asked: Vec::new(),
            begin,
        }
    };
    Child::new(name, made).at(at)
}

fn link_with(client: Addr<Part>, service: Addr<Part>) {
    act(client, move |_, cx| _ = cx.link_with(service.address()));
}

fn taken(lines: &Lines) -> Vec<String> {
    std::mem::take(&mut *lines.lock().unwrap())
}

/// A message of its own may be parked meanwhile, which the order of the lanes allows for.
#[test]
fn a_service_that_waits_and_stops_itself_again_serves_on() {
    let (mut sim, lines) = (Sim::new(1), Lines::default());
    let here = sim.locality("here");
    let (service, client) = (here.reserve(), here.reserve());
    let tree = Supervisor::one_for_one("app")
        .child(part("service", &lines, service))
        .child(part("client", &lines, client));
    sim.start(tree).expect("a sound tree");
    link_with(client, service);
    sim.run_until_idle();
    service.stop();
    sim.run_until_idle();
    act(service, move |_, cx| {
        for _ in 0..64 {
            drop(cx.hold("a record of the System lane"));
        }
        act(service, |me, _| me.say("serves"));
        cx.stop();
    });
    sim.run_until_idle();
    act(service, |me, _| me.say("serves"));
    sim.run_until_idle();
    assert_eq!(
        taken(&lines),
        [
            "client: asked, shutdown",
            "service: serves",
            "service: serves"
        ]
    );
    act(client, |me, _| me.asked.clear());
    sim.run_until_idle();
    assert_eq!(taken(&lines), ["service: stops, shutdown"]);
}
