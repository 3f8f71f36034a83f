//! The lens: takes pictures of the live tree. That may take a moment where a loop is busy, so it
//! has a thread loop to itself.

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use mirror_engine::Strike;
use rotor_core::{Actor, App, Context, Handler, Recipient, Result, Tree};

/// After a picture is drawn, before the next is taken: ten in a second at most.
const PAUSE: Duration = Duration::from_millis(100);

/// Takes pictures, one at a time, so the one that is drawn is the latest.
pub struct Lens {
    app: Arc<OnceLock<App>>,
    picture: Recipient<Seen>,
    /// A picture is on its way, and not drawn yet.
    waiting: bool,
}

/// The live tree.
pub struct Seen(pub Tree);

/// From the picture: it can take the next one.
pub struct Drawn;

struct Take;

impl Lens {
    /// A lens for the tree of `app`, once it is there.
    pub fn new(app: Arc<OnceLock<App>>, picture: Recipient<Seen>) -> Self {
        Self {
            app,
            picture,
            waiting: false,
        }
    }
}

impl Actor for Lens {
    fn start(&mut self, cx: &mut Context<Self>) -> Result {
        cx.after(PAUSE, Take);
        Ok(())
    }
}

impl Handler<Take> for Lens {
    fn handle(&mut self, _: Take, cx: &mut Context<Self>) {
        match self.app.get() {
            Some(app) => {
                self.waiting = true;
                self.picture.send(Seen(app.tree()));
            }
            None => drop(cx.after(PAUSE, Take)),
        }
    }
}

impl Handler<Drawn> for Lens {
    fn handle(&mut self, _: Drawn, cx: &mut Context<Self>) {
        if std::mem::take(&mut self.waiting) {
            cx.after(PAUSE, Take);
        }
    }
}

impl Handler<Strike> for Lens {
    fn handle(&mut self, _: Strike, _: &mut Context<Self>) {
        panic!("{}", crate::ASKED);
    }
}

#[cfg(test)]
mod tests {
    use rotor_core::sim::Sim;
    use rotor_core::{Addr, Child, Supervisor};

    use super::*;

    struct Other;

    impl Actor for Other {}

    /// A lens that looks at a tree of itself and another actor, and what it sends.
    struct Scene {
        sim: Sim,
        seen: rotor_core::sim::Probe<Seen>,
        lens: Addr<Lens>,
        other: Addr<Other>,
    }

    impl Scene {
        fn new() -> Self {
            let mut sim = Sim::new(1);
            let (here, seen) = (sim.locality("here"), sim.probe());
            let (lens, other) = (here.reserve(), here.reserve());
            let (app, picture) = (Arc::new(OnceLock::new()), seen.recipient());
            let looks_at = app.clone();
            let tree = Supervisor::one_for_one("app")
                .intensity(9, Duration::from_secs(9))
                .child(Child::new("other", || Other).at(other))
                .child(Child::new("lens", move || Lens::new(looks_at.clone(), picture)).at(lens));
            let _ = app.set(sim.start(tree).expect("a good tree"));
            Self {
                sim,
                seen,
                lens,
                other,
            }
        }

        /// The instances of the other actor in each picture that came in this time.
        fn pass(&mut self, time: Duration) -> Vec<u64> {
            self.sim.run_for(time);
            let other = self.other.address();
            let instances = |Seen(tree): Seen| {
                let node = tree.nodes.into_iter().find(|node| node.address == other);
                node.expect("it is in the tree").instances
            };
            self.seen.take().into_iter().map(instances).collect()
        }
    }

    #[test]
    fn a_second_brings_at_most_ten_pictures_however_fast_they_are_drawn() {
        let mut scene = Scene::new();
        let mut pictures = 0;
        for _ in 0..3_000 {
            pictures += scene.pass(Duration::from_millis(1)).len();
            scene.lens.send(Drawn);
        }
        assert!((25..=30).contains(&pictures), "{pictures} in three seconds");
    }

    #[test]
    fn a_slow_view_gets_the_latest_picture_only() {
        let mut scene = Scene::new();
        assert_eq!(scene.pass(Duration::from_millis(150)), [1]);
        for _ in 0..2 {
            scene.other.address().kill();
            assert!(
                scene.pass(Duration::from_secs(1)).is_empty(),
                "nothing is queued"
            );
        }
        scene.lens.send(Drawn);
        assert_eq!(scene.pass(Duration::from_secs(1)), [3]);
    }
}
