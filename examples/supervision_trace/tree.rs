//! The scenario's tree, built with the library's own supervisors.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use rotor_core::{AutoShutdown, Child, Context, Locality, Node, Restart, Supervisor};

use crate::scenario::{
    AutoShutdownMode, Kind, RestartKind, Shutdown, ShutdownWord, Spec, Strategy,
};
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
        let period = Duration::from_secs(spec.period);
        let mut children = spec.children.iter();
        let bare = match spec.strategy {
            Strategy::OneForOne => Supervisor::one_for_one(spec.id.clone()),
            Strategy::OneForAll => Supervisor::one_for_all(spec.id.clone()),
            Strategy::RestForOne => Supervisor::rest_for_one(spec.id.clone()),
            Strategy::SimpleOneForOne => match children.next() {
                Some(template) => self.pool(&spec.id, template),
                None => Supervisor::one_for_one(spec.id.clone()),
            },
        };
        let supervisor =
            bare.intensity(spec.intensity, period)
                .auto_shutdown(match spec.auto_shutdown {
                    AutoShutdownMode::Never => AutoShutdown::Never,
                    AutoShutdownMode::AnySignificant => AutoShutdown::Any,
                    AutoShutdownMode::AllSignificant => AutoShutdown::All,
                });
        children.fold(supervisor, |supervisor, child| {
            supervisor.child(self.child(child))
        })
    }

    fn pool(self: &Arc<Self>, pool: &str, template: &Spec) -> Supervisor {
        let (plan, spec, name) = (self.clone(), template.clone(), pool.to_owned());
        let make = move |instance: String, cx: &mut Context<Worker>| {
            let address = cx.addr().address();
            plan.world.instance(address, &instance, &name);
            Worker::attempt(&spec, &instance, &plan.world)
        };
        Supervisor::simple_one_for_one(pool.to_owned(), make)
            .instances(restart(template.restart))
            .instance_limits(Duration::MAX, stop_limit(template.shutdown))
    }

    /// A worker, or a supervisor on its locality.
    pub fn child(self: &Arc<Self>, spec: &Spec) -> Node {
        match spec.kind {
            Kind::Worker => self.worker(spec),
            Kind::Supervisor => self.placed(spec),
        }
    }

    fn worker(self: &Arc<Self>, spec: &Spec) -> Node {
        let (world, own) = (self.world.clone(), spec.clone());
        let child = Child::new(spec.id.clone(), move || {
            Worker::attempt(&own, &own.id, &world)
        });
        let child = child.stop_limit(stop_limit(spec.shutdown));
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

    fn placed(self: &Arc<Self>, spec: &Spec) -> Node {
        let (plan, own) = (self.clone(), spec.clone());
        let place = &self.places[&spec.id];
        let child =
            Supervisor::one_for_one(spec.id.clone()).on(place, move |_| plan.supervisor(&own));
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
