//! What is wrong with a tree, found before anything of it starts.

use std::borrow::Cow;
use std::collections::HashMap;
use std::time::Duration;

use crate::address::Address;
use crate::child::{LIMIT, Spec};
use crate::error::StartError;
use crate::fixed_map::FixedMap;
use crate::gate::Gate;
use crate::locality::Locality;
use crate::name::{NameError, is_control};
use crate::needs::Needs;
use crate::plan::PlanNode;
use crate::registry::Declared;
use crate::strategy::{AutoShutdown, Flags, Restart, Strategy};
use crate::supervisor::{AsChild, MOST_LEVELS, Node, NodeKind, Supervisor, said_outside};

impl Supervisor {
    /// Looks for everything that can be wrong with a tree whose root is placed on `gate`, or with a
    /// subtree below the supervisors of these names. Returns the other localities that it names.
    pub(crate) fn check(
        &self,
        above: Vec<Cow<'static, str>>,
        gate: &'static Gate,
        place: &str,
    ) -> Result<Vec<Locality>, StartError> {
        let mut seen = Seen {
            path: above,
            ..Seen::default()
        };
        self.check_in(gate, place, &mut seen)?;
        seen.needs.check()?;
        Ok(distinct(&seen.places))
    }

    /// A root is where it is started.
    pub(crate) fn check_root(&self) -> Result<(), StartError> {
        if self.place.is_some() {
            let root = self.name.clone();
            return Err(StartError::RootPlaced { root });
        }
        check_name(&self.name, || None)
    }

    pub(crate) fn check_in(
        &self,
        gate: &'static Gate,
        place: &str,
        seen: &mut Seen,
    ) -> Result<(), StartError> {
        seen.draw(|depth| self.plan_node(depth, place));
        seen.path.push(self.name.clone());
        // Those on other localities were not there to be counted.
        if self.too_deep || seen.depth >= MOST_LEVELS {
            return Err(StartError::TooDeep);
        }
        if self.flags.period.is_zero() {
            return Err(StartError::ZeroPeriod {
                supervisor: seen.path(),
            });
        }
        self.warn_of_self(seen);
        if let Some(why) = self.pool_fault() {
            let supervisor = seen.path();
            return Err(StartError::Pool { supervisor, why });
        }
        if let Some(template) = &self.template {
            let instance = template.as_child();
            instance.check(Some(AutoShutdown::Never), || {
                format!("the instances of {}", seen.path())
            })?;
            let name = |seen: &Seen| format!("an instance of {}", seen.path());
            self.warn_of(name, instance, seen);
        }
        let mut names: FixedMap<&str, ()> = FixedMap::default();
        names.reserve(self.children.len());
        let auto = self.flags.auto_shutdown;
        let scopes = seen.scopes.len();
        if self.own_names && seen.depth > 0 {
            seen.scopes_met += 1;
            seen.scopes.push(seen.scopes_met);
        }
        seen.depth += 1;
        for node in &self.children {
            let name = node.name();
            check_name(name, || Some(seen.path()))?;
            let child = node.as_child();
            if names.insert(name, ()).is_some() {
                let (supervisor, child) = (seen.path(), name.clone());
                return Err(StartError::DuplicateName { supervisor, child });
            }
            child.check(Some(auto), || seen.path_of(name))?;
            self.warn_of(|seen| seen.path_of(name), child, seen);
            match &node.0 {
                NodeKind::Actor(spec) => {
                    seen.draw(|depth| spec.plan_node(depth, place));
                    seen.declare(spec, self.counts_alone(child))?;
                    let Some(address) = spec.reserved else {
                        continue;
                    };
                    if address.gate() != gate {
                        return Err(elsewhere(seen.path_of(name), address, place));
                    }
                    if spec.extra().bound.is_some() && !address.is_bounded() {
                        let child = seen.path_of(name).into();
                        return Err(StartError::Unbounded { child });
                    }
                    let child: Cow<_> = seen.path_of(name).into();
                    if let Some(other) = seen.claimed.insert(address, child.clone()) {
                        let other = Some(other);
                        return Err(StartError::ClaimedTwice { child, other });
                    }
                    seen.slots.push((address, spec.name.clone()));
                }
                NodeKind::Supervisor(child) => {
                    if child.observer.is_some() {
                        let name = seen.path_of(name);
                        seen.warnings.push(format!(
                            "{name} has an observer, which is told nothing: that of the root is, so give \
                             it to the root"
                        ));
                    }
                    child.check_placed(gate, place, seen)?;
                }
            }
        }
        seen.depth -= 1;
        seen.path.pop();
        seen.scopes.truncate(scopes);
        Ok(())
    }

    /// Notes what a child says that is allowed, and means nothing.
    fn warn_of(&self, name: impl Fn(&Seen) -> String, child: AsChild, seen: &mut Seen) {
        let Flags {
            intensity, period, ..
        } = self.flags;
        // Paths are long to make, and most have nothing to be told.
        let mut warn = |text: &dyn Fn(&str, &str) -> String| {
            let text = text(&seen.path(), &name(seen));
            seen.warnings.push(text);
        };
        let outlasts = child.backoff.is_some_and(|b| b.outlasts(intensity, period));
        if outlasts {
            let too_many = u64::from(intensity) + 1;
            warn(&|app, name| {
                format!(
                    "{app} never gives up because of {name}, which waits too long for {too_many} \
                     restarts in {period:?}: raise the period, or lower the waits"
                )
            });
        }
        // Of the default one nothing was said, and a shorter one does no harm that this does not. Supervisors have
        // none by default.
        let said = |limit: &Duration| child.supervisor || *limit > LIMIT;
        let limit = child.start_limit.filter(said);
        let allowed = child.at_most.map_or(intensity, |most| most.min(intensity));
        if let Some(limit) = limit.filter(|limit| limit.saturating_mul(allowed) > period)
            && !outlasts
            && child.restart != Restart::Temporary
        {
            let too_many = u64::from(allowed) + 1;
            warn(&|app, name| {
                format!(
                    "{app} never gives up because of {name} if its starts hang, as its start limit of \
                     {limit:?} is too long for {too_many} restarts in {period:?}: raise the period, or lower \
                     the limit"
                )
            });
        }
        if child.start_limit == Some(Duration::ZERO) {
            warn(&|_, name| format!("{name} has no time to start, its limit is zero: raise it"));
        }
        if child.at_most.is_some_and(|most| most >= intensity) {
            warn(&|app, name| {
                format!(
                    "{app} gives up before {name} comes to its own limit of restarts: raise the \
                     intensity of {app}, or lower that limit"
                )
            });
        }
        if let Some(limit) = self.stop_limit.filter(|limit| !limit.is_zero())
            && let Some(own) = child.stop_limit.filter(|own| *own > limit)
        {
            warn(&|app, name| {
                format!(
                    "{app} has a stop limit of {limit:?}, which is over before that of {name}, {own:?}: \
                     raise the one, or lower the other"
                )
            });
        }
    }

    /// How many restarts it allows, if that of this child is one of that child alone; `None` as well if it
    /// has said that none is made.
    fn counts_alone(&self, child: AsChild) -> Option<u32> {
        let Flags {
            strategy,
            intensity,
            ..
        } = self.flags;
        let alone = strategy == Strategy::OneForOne && child.restart != Restart::Temporary;
        let otherwise = intensity == 0 || child.escalating || self.decide.is_some();
        (alone && !otherwise).then_some(intensity)
    }

    /// Notes what is said of a root that only a child can be, and of what it has not.
    fn warn_of_self(&self, seen: &mut Seen) {
        let (app, child) = (seen.path(), self.as_child());
        let mut warn = |text| seen.warnings.push(text);
        let is_child = child.significant
            || child.escalating
            || child.backoff.is_some()
            || child.start_limit.is_some()
            || child.restart != Restart::Permanent;
        if seen.depth == 0 && is_child {
            warn(format!(
                "{app} is the root: no supervisor is there to go by what it says as a child: leave that out"
            ));
        }
        let auto = self.flags.auto_shutdown != AutoShutdown::Never;
        if auto && !self.children.iter().any(Node::is_significant) {
            warn(format!(
                "{app} has an auto-shutdown, and no significant child until one is added: make one \
                 significant"
            ));
        }
    }

    /// What is wrong with it as a pool, or as none.
    fn pool_fault(&self) -> Option<Cow<'static, str>> {
        let pool = self.flags.strategy == Strategy::SimpleOneForOne;
        let fault = if let Some(call) = self.no_pool {
            return Some(Cow::Owned(format!(
                "calls `{call}`, but is no pool: make it one with `simple_one_for_one`, or leave that out"
            )));
        } else if pool && self.template.is_none() {
            "is a pool without a template: make it with `Supervisor::simple_one_for_one`"
        } else if self.template.as_ref().is_some_and(|t| t.most == 0) {
            "is a pool that may have no instances: give `instances_at_most` one at least"
        } else if pool && !self.children.is_empty() {
            "is a pool, which has no children but its instances: add others to a supervisor beside or above it"
        } else if pool && self.flags.auto_shutdown != AutoShutdown::Never {
            "is a pool, and its instances are never significant: leave `auto_shutdown` out, and stop the pool \
             when its work is done"
        } else {
            return None;
        };
        Some(fault.into())
    }

    /// What it says of a pool that is for the closure to say which places it.
    fn pool_outside(&self) -> Option<Cow<'static, str>> {
        if self.template.is_some() {
            return Some(
                "has the template of its pool outside of the closure of `on`, which returns the pool: \
                 `on(&place, |_| Supervisor::simple_one_for_one(..))`"
                    .into(),
            );
        }
        self.no_pool.map(said_outside)
    }

    fn check_placed(
        &self,
        gate: &'static Gate,
        place: &str,
        seen: &mut Seen,
    ) -> Result<(), StartError> {
        let Some(remote) = &self.place else {
            return self.check_in(gate, place, seen);
        };
        let supervisor = Cow::Owned(seen.path_of(&self.name));
        if remote.locality.has_ended() {
            let locality = remote.locality.name().clone();
            return Err(StartError::LocalityEnded {
                supervisor,
                locality,
            });
        }
        if remote.again {
            return Err(StartError::PlacedTwice { supervisor });
        }
        if let Some(why) = self.pool_outside() {
            return Err(StartError::Pool { supervisor, why });
        }
        if let Some(child) = self.children.first() {
            let child = child.name().clone();
            return Err(StartError::Outside { supervisor, child });
        }
        let built = self.built(&remote.build, || supervisor)?;
        seen.places.push(remote.locality.clone());
        let (names, slots, places) = (seen.names.len(), seen.slots.len(), seen.places.len());
        built.check_in(remote.locality.gate(), remote.locality.name(), seen)?;
        let scope = seen.scope();
        let new = seen.names[names..].iter().filter(|(of, _)| *of == scope);
        let _ = remote.declared.set(Declared {
            names: new.map(|(_, name)| name.clone()).collect(),
            slots: seen.slots[slots..].to_vec(),
            places: distinct(&seen.places[places..]),
        });
        Ok(())
    }
}

/// The child of this path is placed here, but its address is not.
pub(crate) fn elsewhere(child: String, address: Address, place: &str) -> StartError {
    StartError::WrongLocality {
        child: child.into(),
        placed: place.to_owned().into(),
        reserved: address.gate().name(),
    }
}

/// Whether paths can be made of a name: that of a child, with the path of its supervisor, or of a root.
pub(crate) fn check_name(
    name: &str,
    supervisor: impl FnOnce() -> Option<Cow<'static, str>>,
) -> Result<(), StartError> {
    let is_plain = |byte: u8| matches!(byte, b' '..=b'~') && byte != b'/';
    if !name.is_empty() && name.bytes().all(is_plain) {
        return Ok(()); // as most are
    }
    if name.is_empty() || name.contains(|c| c == '/' || is_control(c)) {
        let (supervisor, name) = (supervisor(), name.to_owned().into());
        return Err(StartError::BadName { supervisor, name });
    }
    Ok(())
}

impl AsChild {
    /// Looks at what a child of this path says of itself to a supervisor that ends by itself like this, or
    /// to an actor, which does not.
    pub(crate) fn check(
        &self,
        auto: Option<AutoShutdown>,
        path: impl FnOnce() -> String,
    ) -> Result<(), StartError> {
        let permanent = self.restart == Restart::Permanent;
        let useless = match auto {
            None => Some(
                "but the child of an actor, which ends by itself only: leave `significant` out, and have the \
                 actor `monitor` the child",
            ),
            Some(AutoShutdown::Never) if permanent => Some(
                "but permanent, and its supervisor has no auto-shutdown: make it transient or temporary, and \
                 call `auto_shutdown` on the supervisor",
            ),
            Some(AutoShutdown::Never) => Some(
                "but its supervisor has no auto-shutdown: call `auto_shutdown` on that, or leave \
                 `significant` out",
            ),
            Some(_) if permanent => {
                Some("but permanent, so it never ends for good: make it transient or temporary")
            }
            Some(_) => None,
        };
        if let Some(why) = useless.filter(|_| self.significant) {
            let child = path().into();
            return Err(StartError::Significant { child, why });
        }
        let Some(backoff) = self.backoff else {
            return Ok(());
        };
        let never = self.restart == Restart::Temporary;
        let never = never.then_some(
            "a temporary child is never restarted: leave the backoff out, or make it transient or permanent",
        );
        match backoff.fault().or(never) {
            Some(why) => Err(StartError::Backoff {
                child: path().into(),
                why,
            }),
            None => Ok(()),
        }
    }
}

/// Looks for everything that can be wrong with a child that is added to a supervisor which runs on
/// `gate`, with the names from the root down to it. Returns it with the other localities that it names.
pub(crate) fn check_added(
    node: Node,
    (mut names, flags): (Vec<Cow<'static, str>>, Flags),
    gate: &'static Gate,
    place: &str,
) -> Result<(Node, Vec<Locality>), StartError> {
    let name = names.pop().expect("its own");
    let mut around = Supervisor::new(name, flags).child(node);
    let places = around.check(names, gate, place)?;
    let node = around.children.pop().expect("put in above");
    Ok((node, places))
}

/// Each of them once.
fn distinct(places: &[Locality]) -> Vec<Locality> {
    let mut distinct = Vec::new();
    for place in places {
        if !distinct.contains(place) {
            distinct.push(place.clone());
        }
    }
    distinct
}

/// A name, and the child that declares it.
type Owned = (Cow<'static, str>, Cow<'static, str>);

/// What a check has met so far.
#[derive(Default)]
pub(crate) struct Seen {
    /// The names from the root down to the supervisor that is looked at.
    path: Vec<Cow<'static, str>>,
    /// The reserved addresses, each with the path of its child.
    claimed: HashMap<Address, Cow<'static, str>>,
    /// Names that are declared: the scope of each, and its child.
    names: Vec<(usize, Owned)>,
    /// Addresses that were reserved, with their children.
    slots: Vec<(Address, Cow<'static, str>)>,
    /// In each scope the names that are declared, with the paths of their children.
    taken: HashMap<(usize, Cow<'static, str>), Cow<'static, str>>,
    /// The subtrees with names of their own around what is looked at, by number from 1, innermost last.
    scopes: Vec<usize>,
    /// How many there were.
    scopes_met: usize,
    /// Where subtrees are placed, one after the other.
    places: Vec<Locality>,
    pub(crate) needs: Needs,
    /// How far below the root the check is.
    depth: usize,
    /// What is allowed, and probably not meant.
    pub(crate) warnings: Vec<String>,
    /// Where a picture is drawn, if it is asked for.
    pub(crate) drawn: Option<Vec<PlanNode>>,
}

impl Seen {
    /// Nothing yet, and a picture is drawn.
    pub(crate) fn drawing() -> Self {
        Seen {
            drawn: Some(Vec::new()),
            ..Seen::default()
        }
    }

    /// Notes the names that a spec declares in the registry of this tree, and what it
    /// [counts for](Supervisor::counts_alone).
    fn declare(&mut self, spec: &Spec, alone: Option<u32>) -> Result<(), StartError> {
        let extra = spec.extra();
        if extra.names.is_empty() && extra.needs.is_empty() {
            self.needs.skip();
            return Ok(());
        }
        let path: Cow<_> = self.path_of(&spec.name).into();
        for name in extra.names.iter().chain(&extra.needs) {
            let child = path.clone();
            name.check()
                .map_err(|error| StartError::Name { child, error })?;
        }
        for name in extra.names.iter().filter(|name| name.registry.is_none()) {
            let (name, child) = (name.text.clone(), path.clone());
            let place = (self.scope(), name.clone());
            if let Some(owner) = self.taken.insert(place, child.clone()) {
                // No other child has the same path: that is looked at first.
                if owner == child {
                    return Err(StartError::NamedTwice { child, name });
                }
                let error = NameError::Taken { name, owner };
                return Err(StartError::Name { child, error });
            }
            self.names.push((self.scope(), (name, spec.name.clone())));
        }
        self.needs.note(spec, path, &self.scopes, alone);
        Ok(())
    }

    /// The path of the supervisor that is looked at.
    fn path(&self) -> Cow<'static, str> {
        self.path.join("/").into()
    }

    /// That of a child of it.
    fn path_of(&self, child: &str) -> String {
        format!("{}/{child}", self.path())
    }

    /// The innermost scope; 0 is the tree.
    fn scope(&self) -> usize {
        self.scopes.last().copied().unwrap_or(0)
    }

    /// Notes that localities of a tree whose root is placed here have the same name.
    pub(crate) fn warn_of_places(&mut self, here: &Locality) {
        let places = distinct(&self.places);
        let others = places.iter().filter(|&place| place != here);
        let mut names: Vec<_> = others.chain([here]).map(|place| place.name()).collect();
        names.sort_unstable();
        let alike = names
            .chunk_by(|a, b| a == b)
            .filter(|names| names.len() > 1);
        let warnings = alike.map(|names| {
            let (count, name) = (names.len(), names[0]);
            format!(
                "{count} localities are named {name}, and no picture or error tells them apart: give all but \
                 one of them other names"
            )
        });
        self.warnings.extend(warnings.collect::<Vec<_>>());
    }

    fn draw(&mut self, node: impl FnOnce(usize) -> PlanNode) {
        if let Some(drawn) = &mut self.drawn {
            drawn.push(node(self.depth));
        }
    }
}
