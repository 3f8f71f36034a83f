//! A reader: reads the files of its lane and makes frames of them, within its window.

use blocking::unblock;
use rotor_core::{Actor, Context, Handler, Result};

use crate::chaos::{Fuse, Strike};
use crate::role::Role;
use crate::sender::Wire;
use crate::source::{News, Source, Step};
use crate::walk::Job;
use crate::wiring::{Floor, Up, Wiring};

/// Reads the files of one lane.
pub struct Reader {
    lane: u16,
    wiring: Wiring,
    /// Away while a step runs.
    source: Option<Source>,
    /// What came in meanwhile.
    inbox: Vec<(u64, Job)>,
    cancelled: Vec<u64>,
    floor: u64,
    /// Bytes that the writer has not consumed yet, and their limit.
    on_the_way: usize,
    window: usize,
    fuse: Fuse,
}

/// Asks for a file to be read.
pub struct Read {
    pub attempt: u64,
    pub job: Job,
}

/// The file need not be read on.
pub struct Cancel(pub u64);

/// From the writer: frames of these attempts were consumed, with their bytes.
pub struct Credit(pub Vec<(u64, u32)>);

impl Reader {
    /// A reader that keeps at most about `window` bytes on their way.
    pub fn new(lane: u16, source: Source, window: usize, wiring: Wiring) -> Self {
        Self {
            lane,
            wiring,
            source: Some(source),
            inbox: Vec::new(),
            cancelled: Vec::new(),
            floor: 0,
            on_the_way: 0,
            window,
            fuse: Fuse::default(),
        }
    }

    fn go_on(&mut self, cx: &mut Context<Self>) {
        if self.on_the_way >= self.window {
            return;
        }
        let Some(mut source) = self.source.take() else {
            return;
        };
        for (attempt, job) in self.inbox.drain(..) {
            source.push(attempt, job);
        }
        let (floor, cancelled) = (self.floor, std::mem::take(&mut self.cancelled));
        source.forget(|attempt| attempt < floor || cancelled.contains(&attempt));
        if source.is_idle() {
            self.source = Some(source);
            return;
        }
        let work = unblock(move || {
            let step = source.step();
            (source, step)
        });
        cx.spawn(work, move |me, (source, step), cx| {
            me.source = Some(source);
            me.fuse.burn(Role::Reader(me.lane), "before it sends");
            // All that a step made belongs to one floor.
            if me.floor == floor {
                me.send(step);
            }
            me.go_on(cx);
        });
    }

    fn send(&mut self, step: Step) {
        if !step.news.is_empty() {
            self.wiring.plan.send::<Vec<News>>(step.news);
        }
        if !step.wire.is_empty() {
            self.on_the_way += step.wire.len();
            self.wiring.sender.send(Wire(step.wire));
        }
        self.fuse.burn(Role::Reader(self.lane), "after it sent");
    }
}

impl Actor for Reader {
    fn start(&mut self, _: &mut Context<Self>) -> Result {
        self.wiring.plan.send(Up(Role::Reader(self.lane)));
        Ok(())
    }
}

impl Handler<Read> for Reader {
    fn handle(&mut self, Read { attempt, job }: Read, cx: &mut Context<Self>) {
        self.inbox.push((attempt, job));
        self.go_on(cx);
    }
}

impl Handler<Cancel> for Reader {
    fn handle(&mut self, Cancel(attempt): Cancel, cx: &mut Context<Self>) {
        self.cancelled.push(attempt);
        self.go_on(cx);
    }
}

impl Handler<Credit> for Reader {
    fn handle(&mut self, Credit(consumed): Credit, cx: &mut Context<Self>) {
        let current = consumed
            .iter()
            .filter(|(attempt, _)| *attempt >= self.floor);
        let bytes: usize = current.map(|(_, bytes)| *bytes as usize).sum();
        self.on_the_way = self.on_the_way.saturating_sub(bytes);
        self.go_on(cx);
    }
}

impl Handler<Floor> for Reader {
    fn handle(&mut self, Floor(floor): Floor, cx: &mut Context<Self>) {
        if floor > self.floor {
            self.floor = floor;
            self.on_the_way = 0;
        }
        self.go_on(cx);
    }
}

impl Handler<Strike> for Reader {
    fn handle(&mut self, strike: Strike, _: &mut Context<Self>) {
        self.fuse.light(strike, Role::Reader(self.lane));
    }
}
