//! Random asynchrony: what must hold whenever children answer.

use super::*;

/// A supervisor whose children take their time, end when they like and tell things twice.
struct Storm {
    play: Play,
    random: Dice,
    /// Everything that was ever told, to be told again.
    told: Vec<Event>,
    attempts: Vec<u64>,
    added: u32,
    gave_up: bool,
}

impl Storm {
    fn new(mut random: Dice) -> Storm {
        let mut flags = random_flags(&mut random);
        flags.intensity *= 3;
        flags.synchronized = random.one_in(3);
        let mut play = Play::with(flags).late();
        for n in 0..1 + random.below(5) {
            let restart = random.pick(&KINDS);
            let significant = restart != Restart::Permanent && random.one_in(8);
            let waits = restart != Restart::Temporary && random.one_in(3);
            play.new_row(NewRow {
                name: format!("c{n}").into(),
                restart,
                significant,
                escalating: false,
                supervisor: n % 2 == 0,
                dynamic: false,
                named: true,
                backoff: waits.then_some(Backoff::fixed(Duration::from_nanos(7))),
                at_most: None,
            });
        }
        Storm {
            play,
            random,
            told: Vec::new(),
            attempts: Vec::new(),
            added: 0,
            gave_up: false,
        }
    }

    fn deliver(&mut self) {
        let Some(event) = self.play.queue.pop_front() else {
            return;
        };
        if self.told.len() < 64 && !matches!(event, Event::Start | Event::Stop { .. }) {
            self.told.push(event.clone());
        }
        self.play.handle(event);
        let family = &self.play.family;
        let flags = &family.flags;
        let log = std::mem::take(&mut self.play.log);
        for did in log {
            assert!(
                !self.gave_up || !did.starts_with("start "),
                "{did} after giving up"
            );
            self.gave_up |= did == "gave up";
            // Alone, a child is started again in the same turn in which the attempt counts, or
            // waits from then on.
            let pass = family.pass.as_ref().map(|pass| &pass.then);
            let again = matches!(pass, Some(Then::Restarted)) && did.starts_with("start ");
            let waited = |name: &str| self.play.family.is_put_off(self.play.id(name));
            let again = again && !waited(&did["start ".len()..]);
            if flags.strategy == Strategy::OneForOne && again || did.contains(" waits ") {
                self.attempts.push(self.play.now);
            }
        }
        let since = self.play.now.saturating_sub(nanos(flags.period));
        let recent = self.attempts.iter().filter(|&&then| then >= since);
        assert!(recent.count() <= flags.intensity as usize, "too many");
        assert!(family.restarts.len() <= flags.intensity as usize || self.gave_up);
        assert_eq!(
            family.pass.is_some(),
            self.play.steps() > 0
                || self.is_awaited_dead()
                || matches!(family.on_go(), OnGo::Told(Event::Go)),
            "a pass waits for somebody"
        );
        assert!(family.pass.is_some() || family.deferred.is_empty());
        let mut counted = Tally::default();
        for row in family.visible().map(|id| family.row(id)) {
            counted.all += 1;
            counted.supervisors += usize::from(row.supervisor);
            counted.up += usize::from(row.state == RowState::Up);
            counted.ended += usize::from(row.state == RowState::Ended);
        }
        assert_eq!(family.tally(), counted);
    }

    /// Whether the step under way is answered by a notice that is queued.
    fn is_awaited_dead(&self) -> bool {
        let family = &self.play.family;
        self.play.queue.iter().any(|event| match event {
            Event::Initialized(id, incarnation)
            | Event::Started(id, incarnation)
            | Event::Failed(id, incarnation, ..)
            | Event::Exited(id, incarnation, ..) => {
                family.is_awaited(*id, *incarnation, Step::Start)
                    || family.is_awaited(*id, *incarnation, Step::Stop)
            }
            _ => false,
        })
    }

    /// A child does something: answers, or ends by itself.
    fn child_acts(&mut self) {
        let ids: Vec<ChildId> = self.play.puppets.keys().copied().collect();
        if ids.is_empty() {
            return;
        }
        let id = self.random.pick(&ids);
        let puppet = self.play.puppets.get_mut(&id).expect("picked");
        let incarnation = puppet.incarnation;
        let exit = if self.random.one_in(3) {
            Exit::normal()
        } else {
            Exit::killed()
        };
        let event = match puppet.life {
            Life::Dead => return,
            Life::Ready if !self.random.one_in(8) => return,
            Life::Ready | Life::Preparing | Life::Starting | Life::Told(false) => {
                match self.random.below(6) {
                    0 => {
                        puppet.life = Life::Dead;
                        let said = self.random.pick(&[Decision::Usual, Decision::Stop]);
                        Event::Failed(id, incarnation, exit, said)
                    }
                    1 => {
                        puppet.life = Life::Dead;
                        Event::Exited(id, incarnation, exit, Decision::Usual)
                    }
                    _ => {
                        let (life, event) = match puppet.life {
                            Life::Ready => return,
                            Life::Preparing => (Life::Ready, Event::Initialized(id, incarnation)),
                            Life::Starting => (Life::Up, Event::Started(id, incarnation)),
                            _ => (Life::Told(true), Event::Started(id, incarnation)),
                        };
                        puppet.life = life;
                        event
                    }
                }
            }
            Life::Up if !self.random.one_in(4) => return,
            Life::Up | Life::Told(true) => {
                puppet.life = Life::Dead;
                Event::Exited(id, incarnation, exit, Decision::Usual)
            }
        };
        self.play.queue.push_back(event);
    }

    fn step(&mut self) {
        self.play.now += self.random.below(3);
        match self.random.below(25) {
            0..10 => self.deliver(),
            10..20 => self.child_acts(),
            20 => {
                self.added += 1;
                let restart = self.random.pick(&KINDS);
                let name = format!("d{}", self.added);
                if self.play.ended.is_none() && self.play.family.is_busy() {
                    self.play.row_later(&name, restart);
                }
            }
            21 => {
                // What is told again is stale, or told twice.
                let at = self.random.place(self.told.len().max(1));
                self.play.queue.extend(self.told.get(at).cloned());
            }
            22 => self.limit_passes(),
            23 => {
                if let Some((id, incarnation)) = self.play.waits.pop_first() {
                    self.play.queue.push_back(Event::Due(id, incarnation));
                }
            }
            _ => {}
        }
    }

    fn limit_passes(&mut self) {
        let pass = self.play.family.pass.as_ref();
        if let Some(Waiting::One(id, _)) = pass.map(|pass| pass.waiting) {
            let incarnation = self.play.family.row(id).incarnation;
            let limit = Event::Limit(id, incarnation, Exit::killed(), Decision::Usual);
            self.play.queue.push_back(limit);
        }
    }

    /// Stops it, lets everybody answer, and looks whether it ended.
    fn finish(&mut self) {
        let before = self.play.ended.is_some();
        if !before {
            let (exit, keep) = (Exit::shutdown(), self.random.one_in(2));
            self.play.queue.push_back(Event::Stop { exit, keep });
        }
        for _ in 0..10_000 {
            if self.play.queue.is_empty() && self.play.ended.is_some() {
                break;
            }
            if self.random.one_in(2) {
                self.child_acts();
            } else {
                self.deliver();
            }
        }
        assert!(self.play.ended.is_some(), "everybody answered, and no end");
        assert!(!self.play.family.is_busy());
        let down = |id| self.play.family.row(id).state == RowState::Down;
        let new = |id| self.play.family.row(id).incarnation == 0;
        assert!(self.play.family.ids().all(|id| down(id) || new(id)));
    }
}

/// Two lives of a supervisor, in which the dice say who acts when.
pub(crate) fn tell(dice: Dice) {
    let mut storm = Storm::new(dice);
    for _ in 0..2 {
        storm.play.ended = None;
        storm.gave_up = false;
        storm.attempts.clear();
        storm.play.queue.push_back(Event::Start);
        while !storm.play.family.is_busy() && storm.play.ended.is_none() {
            storm.deliver();
        }
        for _ in 0..storm.random.below(200) {
            if storm.random.is_used_up() {
                break;
            }
            storm.step();
        }
        storm.finish();
    }
}

#[test]
fn nothing_is_lost_or_doubled_when_children_take_their_time() {
    let storms = if cfg!(miri) { 6 } else { 5_000 };
    for seed in 0..storms {
        let told = OnPanic(seed);
        tell(Dice::of_seed(seed ^ 0x5eed));
        std::mem::forget(told);
    }
}
