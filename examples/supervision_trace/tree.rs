//! The scenario's tree, built with the library's own supervisors.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use rotor_core::{AutoShutdown, Child, Context, Error, Locality, Node, Restart, Supervisor};

use crate::scenario::{AutoShutdownMode, RestartKind, Shutdown, ShutdownWord, Spec, Strategy};
use crate::worker::Worker;
use crate::world::Shared;

/// Where supervisors live, and who watches.
pub struct Plan {
    pub world: Shared,
    pub places: HashMap<String, Locality>,
}

impl Plan {
    /// A supervisor with its children.
    pub fn supervisor(self: &Arc<Self>, spec: &Spec) -> Supervisor {
        match template(spec) {
            Some(template) => self.pool(spec, template),
            None => self.filled(bare(spec), spec),
        }
    }

    fn filled(self: &Arc<Self>, supervisor: Supervisor, spec: &Spec) -> Supervisor {
        spec.children.iter().fold(supervisor, |supervisor, child| {
            supervisor.child(self.child(child))
        })
    }

    fn pool(self: &Arc<Self>, pool: &Spec, template: &Spec) -> Supervisor {
        let (plan, spec, name) = (self.clone(), template.clone(), pool.id.clone());
        let make = move |instance: String, cx: &mut Context<Worker>| {
            let address = cx.addr().address();
            plan.world.instance(address, &instance, &name);
            Worker::attempt(&spec, &instance, &plan.world)
        };
        let bare = Supervisor::simple_one_for_one(pool.id.clone(), make)
            .instances(restart(template.restart))
            .instance_limits(Duration::MAX, stop_limit(template.shutdown));
        with_flags(bare, pool)
    }

    /// A worker, or a supervisor on its locality.
    pub fn child(self: &Arc<Self>, spec: &Spec) -> Node {
        match spec.is_supervisor() {
            false => self.worker(spec),
            true if is_sound(spec) => self.placed(spec),
            true => refused(spec),
        }
    }

    fn worker(self: &Arc<Self>, spec: &Spec) -> Node {
        let (world, own) = (self.world.clone(), spec.clone());
        let child = Child::new(spec.id.clone(), move || {
            Worker::attempt(&own, &own.id, &world)
        });
        kept(child.stop_limit(stop_limit(spec.shutdown)), spec)
    }

    fn placed(self: &Arc<Self>, spec: &Spec) -> Node {
        let (plan, own) = (self.clone(), spec.clone());
        let place = &self.places[&spec.id];
        let child = match template(spec) {
            // A pool is made over there, with all that is said of it.
            Some(_) => {
                Supervisor::one_for_one(spec.id.clone()).on(place, move |_| plan.supervisor(&own))
            }
            None => bare(spec).on(place, move |s| plan.filled(s, &own)),
        };
        let child = match restart(spec.restart) {
            Restart::Permanent => child,
            Restart::Transient => child.transient(),
            Restart::Temporary => child.temporary(),
        };
        if spec.significant {
            child.significant().into()
        } else {
            child.into()
        }
    }
}

/// What a pool makes its instances from; nothing else has one.
fn template(spec: &Spec) -> Option<&Spec> {
    let pool = matches!(spec.strategy, Strategy::SimpleOneForOne) && is_sound(spec);
    spec.children.first().filter(|_| pool)
}

/// Whether no child of its own, or template, is significant in vain.
fn is_sound(spec: &Spec) -> bool {
    let never = matches!(spec.auto_shutdown, AutoShutdownMode::Never);
    let in_vain = |child: &Spec| {
        child.significant && (never || matches!(child.restart, RestartKind::Permanent))
    };
    !spec.children.iter().any(in_vain)
}

/// In Erlang such a supervisor cannot start; here the tree that it is in would be refused as a whole. So
/// something that cannot start takes its place.
fn refused(spec: &Spec) -> Node {
    let cannot = |_: &mut Context<Worker>| Err(Error::message("a bad spec"));
    kept(Child::with(spec.id.clone(), cannot), spec)
}

/// With its restart kind, and whether it is significant.
fn kept(child: Child<Worker>, spec: &Spec) -> Node {
    let child = match restart(spec.restart) {
        Restart::Permanent => child,
        Restart::Transient => child.transient(),
        Restart::Temporary => child.temporary(),
    };
    if spec.significant {
        child.significant().into()
    } else {
        child.into()
    }
}

/// A supervisor that is no pool, without its children.
fn bare(spec: &Spec) -> Supervisor {
    let make = match spec.strategy {
        Strategy::OneForOne | Strategy::SimpleOneForOne => Supervisor::one_for_one,
        Strategy::OneForAll => Supervisor::one_for_all,
        Strategy::RestForOne => Supervisor::rest_for_one,
    };
    with_flags(make(spec.id.clone()), spec)
}

fn with_flags(supervisor: Supervisor, spec: &Spec) -> Supervisor {
    let period = Duration::from_secs(spec.period);
    let supervisor = supervisor.intensity(spec.intensity, period);
    supervisor.auto_shutdown(match spec.auto_shutdown {
        AutoShutdownMode::Never => AutoShutdown::Never,
        AutoShutdownMode::AnySignificant => AutoShutdown::Any,
        AutoShutdownMode::AllSignificant => AutoShutdown::All,
    })
}

fn restart(kind: RestartKind) -> Restart {
    match kind {
        RestartKind::Permanent => Restart::Permanent,
        RestartKind::Transient => Restart::Transient,
        RestartKind::Temporary => Restart::Temporary,
    }
}

fn stop_limit(shutdown: Option<Shutdown>) -> Duration {
    match shutdown {
        None => Duration::from_secs(5),
        Some(Shutdown::Milliseconds(ms)) => Duration::from_millis(ms),
        Some(Shutdown::Word(ShutdownWord::BrutalKill)) => Duration::ZERO,
        Some(Shutdown::Word(ShutdownWord::Infinity)) => Duration::MAX,
    }
}
