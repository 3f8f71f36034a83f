//! Random scenarios: trees of every shape, and commands that meet children in every state.

use serde_json::{Map, Value, json};

/// The scenario of a seed.
pub fn scenario(seed: u64) -> Value {
    let mut maker = Maker::new(seed);
    let root = maker.supervisor("root".to_owned(), 0, None);
    let commands = 4 + maker.below(16);
    let commands: Vec<Value> = (0..commands).map(|_| maker.command()).collect();
    json!({ "root": root, "commands": commands })
}

/// A small random generator (xorshift64*): the same numbers everywhere.
struct Maker {
    state: u64,
    /// Supervisors that exist or have existed.
    supervisors: Vec<Known>,
    names: u32,
    /// Restarts fail often, and much happens at the same time.
    rough: bool,
    /// Seconds; restarts are never as far apart unless a long sleep comes between.
    period: u64,
}

/// A supervisor, and the names that may be children of it.
#[derive(Clone)]
struct Known {
    name: String,
    strategy: &'static str,
    auto_shutdown: &'static str,
    workers: Vec<String>,
    others: Vec<String>,
    /// As it was written first.
    spec: Value,
}

const STRATEGIES: [&str; 7] = [
    "one_for_one",
    "one_for_all",
    "one_for_all",
    "rest_for_one",
    "rest_for_one",
    "one_for_one",
    "simple_one_for_one",
];

impl Maker {
    fn new(seed: u64) -> Self {
        let state = seed.wrapping_add(1).wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
        let mut maker = Maker {
            state,
            supervisors: Vec::new(),
            names: 0,
            rough: seed % 2 == 1,
            period: 3600,
        };
        if maker.one_in(16) {
            maker.period = 1;
        }
        maker
    }

    fn next(&mut self) -> u64 {
        self.state ^= self.state >> 12;
        self.state ^= self.state << 25;
        self.state ^= self.state >> 27;
        self.state.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 16
    }

    fn below(&mut self, n: usize) -> usize {
        (self.next() % n as u64) as usize
    }

    fn one_in(&mut self, n: usize) -> bool {
        self.below(n) == 0
    }

    fn pick<T: Clone>(&mut self, of: &[T]) -> T {
        of[self.below(of.len())].clone()
    }

    fn fresh(&mut self, kind: &str) -> String {
        self.names += 1;
        // Not in the order of the alphabet.
        format!(
            "{kind}{}",
            (self.names * 37) % 100 + 100 * (self.names / 100)
        )
    }

    /// Keys whose value is the default are left out at times.
    fn put(&mut self, map: &mut Map<String, Value>, key: &str, value: Value, default: Value) {
        if value != default || self.one_in(3) {
            map.insert(key.to_owned(), value);
        }
    }

    fn restart(&mut self, map: &mut Map<String, Value>, parent: Option<&'static str>) {
        let mut restart = self.pick(&["permanent", "permanent", "transient", "temporary"]);
        let auto = parent.unwrap_or("never");
        let mut significant = auto != "never" && self.one_in(2);
        if significant && restart == "permanent" {
            restart = self.pick(&["transient", "temporary"]);
        }
        significant |= self.one_in(150); // perhaps in vain: then its supervisor cannot start
        self.put(map, "restart", json!(restart), json!("permanent"));
        self.put(map, "significant", json!(significant), json!(false));
    }

    fn supervisor(&mut self, id: String, depth: usize, parent: Option<&'static str>) -> Value {
        let strategy = match depth {
            0 if !self.one_in(8) => STRATEGIES[self.below(6)],
            _ => self.pick(&STRATEGIES),
        };
        let pool = strategy == "simple_one_for_one";
        let auto_shutdown = match self.below(if depth == 0 { 12 } else { 4 }) {
            0 if !pool => "any_significant",
            1 if !pool => "all_significant",
            _ => "never",
        };
        let mut map = Map::new();
        map.insert("id".to_owned(), json!(id));
        if depth > 0 {
            map.insert("type".to_owned(), json!("supervisor"));
            self.restart(&mut map, parent);
        }
        let intensity = match depth {
            0 => self.pick(&[0, 2, 5, 9, 20, 50]),
            _ => self.pick(&[0, 1, 1, 2, 3, 5, 8, 20]),
        };
        self.put(&mut map, "strategy", json!(strategy), json!("one_for_one"));
        self.put(&mut map, "intensity", json!(intensity), json!(1));
        map.insert("period".to_owned(), json!(self.period));
        let auto = json!(auto_shutdown);
        self.put(&mut map, "auto_shutdown", auto, json!("never"));
        let known = Known {
            name: id.clone(),
            strategy,
            auto_shutdown,
            workers: Vec::new(),
            others: Vec::new(),
            spec: Value::Null,
        };
        self.supervisors.push(known);
        let at = self.supervisors.len() - 1;
        let children = self.children(at, depth, pool, auto_shutdown);
        map.insert("children".to_owned(), Value::Array(children));
        self.supervisors[at].spec = Value::Object(map);
        self.supervisors[at].spec.clone()
    }

    fn children(&mut self, at: usize, depth: usize, pool: bool, auto: &'static str) -> Vec<Value> {
        if pool {
            let name = self.fresh("template");
            return vec![self.worker(name, None, true)];
        }
        let count = self.pick(&[0, 1, 2, 3, 3, 4, 5]) + usize::from(depth == 0);
        let mut children = Vec::new();
        for _ in 0..count {
            if depth < 3 && self.one_in(4) {
                let name = self.fresh("s");
                self.supervisors[at].others.push(name.clone());
                children.push(self.supervisor(name, depth + 1, Some(auto)));
            } else {
                let name = self.fresh("w");
                self.supervisors[at].workers.push(name.clone());
                children.push(self.worker(name, Some(auto), false));
            }
        }
        children
    }

    fn worker(&mut self, id: String, parent: Option<&'static str>, template: bool) -> Value {
        let mut map = Map::new();
        map.insert("id".to_owned(), json!(id));
        self.put(&mut map, "type", json!("worker"), json!("worker"));
        self.restart(&mut map, parent);
        let init = self.init(template);
        self.put(&mut map, "init", init, json!(["ok"]));
        let (shutdown, on_shutdown) = match self.below(12) {
            0 => (json!("brutal_kill"), json!("exit")),
            1 => (json!("brutal_kill"), json!("ignore")),
            2 => (json!(20), json!("ignore")),
            3 => (json!("infinity"), json!("delay:2")),
            4 => (json!(5000), json!("delay:3")),
            5 => (json!(5000), json!("exit:normal")),
            6 => (json!(5000), json!("exit:crash:late")),
            7 => (json!("infinity"), json!("exit:shutdown:why")),
            8 => (json!(1000), json!("exit:shutdown")),
            _ => (json!(5000), json!("exit")),
        };
        self.put(&mut map, "shutdown", shutdown, json!(5000));
        self.put(&mut map, "on_shutdown", on_shutdown, json!("exit"));
        Value::Object(map)
    }

    fn init(&mut self, template: bool) -> Value {
        // OTP keeps a broken entry for an instance whose restart is ignored.
        let later: &[&str] = match template {
            true => &["ok", "ok", "fail"],
            false => &["ok", "ok", "ok", "fail", "fail", "ignore"],
        };
        match self.below(24) {
            0 => return json!(["fail"]),
            1 => return json!(["ignore"]),
            2 if !template => return json!(["ignore", "ok"]),
            3..12 => {}
            _ => return json!(["ok"]),
        }
        let mut init = vec!["ok"];
        for _ in 0..1 + self.below(4) {
            let often = self.rough && self.one_in(2);
            init.push(if often { "fail" } else { self.pick(later) });
        }
        if self.rough {
            init.push("ok");
        }
        json!(init)
    }

    fn command(&mut self) -> Value {
        let often = if self.rough { 2 } else { 6 };
        if self.one_in(often) {
            let at = self.below(self.supervisors.len());
            let count = 1 + self.below(if self.rough { 10 } else { 5 });
            let items: Vec<Value> = (0..count).map(|_| self.item(at)).collect();
            return json!({ "cmd": "burst", "sup": self.supervisors[at].name, "items": items });
        }
        if self.one_in(16) {
            let long = self.period == 1 && self.one_in(2);
            let ms = if long { 2200 } else { self.pick(&[1, 5, 20]) };
            return json!({ "cmd": "sleep", "ms": ms });
        }
        let at = self.below(self.supervisors.len());
        let mut command = self.item(at);
        if command.get("target").is_none()
            && let Some(map) = command.as_object_mut()
        {
            map.insert("sup".to_owned(), json!(self.supervisors[at].name));
        }
        command
    }

    /// An exit or a request, for a supervisor and its children.
    fn item(&mut self, at: usize) -> Value {
        let known = self.supervisors[at].clone();
        let workers = &known.workers;
        let target = match workers.is_empty() {
            true => "nobody".to_owned(),
            false => self.pick(workers),
        };
        let all: Vec<String> = workers.iter().chain(&known.others).cloned().collect();
        let child = match all.is_empty() || self.one_in(20) {
            true => "nobody".to_owned(),
            false => self.pick(&all),
        };
        match self.below(20) {
            0..6 => json!({ "cmd": "crash", "target": target, "reason": "boom" }),
            6 | 7 => {
                let reason = self.pick(&["normal", "shutdown", "shutdown:done"]);
                json!({ "cmd": "stop", "target": target, "reason": reason })
            }
            8 => json!({ "cmd": "kill", "target": target }),
            9..12 => json!({ "cmd": "terminate_child", "child": child }),
            12 | 13 => json!({ "cmd": "restart_child", "child": child }),
            14 => json!({ "cmd": "delete_child", "child": child }),
            15 => json!({ "cmd": "which_children" }),
            16 => json!({ "cmd": "count_children" }),
            _ => self.start_child(at, &known),
        }
    }

    fn start_child(&mut self, at: usize, known: &Known) -> Value {
        if known.strategy == "simple_one_for_one" {
            let name = self.fresh("i");
            self.supervisors[at].workers.push(name.clone());
            return json!({ "cmd": "start_child", "name": name });
        }
        let auto = known.auto_shutdown;
        let again = self.one_in(2) && !known.workers.is_empty();
        let spec = if again {
            let name = self.pick(&known.workers);
            self.worker(name, Some(auto), false)
        } else if self.one_in(5) && self.supervisors.len() < 8 {
            match known.others.is_empty() || self.one_in(2) {
                true => {
                    let name = self.fresh("s");
                    self.supervisors[at].others.push(name.clone());
                    self.supervisor(name, 2, Some(auto))
                }
                false => {
                    let name = self.pick(&known.others);
                    let again = self.supervisors.iter().find(|s| s.name == name);
                    again.expect("it was written").spec.clone()
                }
            }
        } else {
            let name = self.fresh("w");
            self.supervisors[at].workers.push(name.clone());
            self.worker(name, Some(auto), false)
        };
        let mut spec = spec;
        if self.one_in(12)
            && let Some(map) = spec.as_object_mut()
        {
            map.insert("significant".to_owned(), json!(true)); // perhaps in vain
        }
        json!({ "cmd": "start_child", "spec": spec })
    }
}
