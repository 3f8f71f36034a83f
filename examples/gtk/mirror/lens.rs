//! The lens: takes pictures of the live tree. That may take a moment where a loop is busy, so it
//! has a thread loop to itself. What it shows of itself and of the picture is as old as what it shows of
//! the others: their counts move by each picture, and a window would never rest.

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use mirror_engine::Strike;
use rotor_core::{Actor, Address, App, Context, Handler, Recipient, Result, Tree, TreeNode};

/// After a picture is drawn, or is the same, before the next is taken: ten in a second at most.
const PAUSE: Duration = Duration::from_millis(100);

/// Takes pictures, one at a time, so the one that is drawn is the latest.
pub struct Lens {
    app: Arc<OnceLock<App>>,
    picture: Recipient<Seen>,
    /// A picture is on its way, and not drawn yet.
    waiting: bool,
    /// The last one that was sent.
    last: Option<Tree>,
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
            last: None,
        }
    }
}

/// Whether two pictures show the same, but for what these have handled.
fn same(a: &Tree, b: &Tree, unless_by: [Address; 2]) -> bool {
    let line = |node: &TreeNode| {
        let counts = (node.handled, node.queued, node.parked);
        let counts = (!unless_by.contains(&node.address)).then_some(counts);
        (node.address, node.state, node.instances, counts)
    };
    a.nodes.iter().map(line).eq(b.nodes.iter().map(line))
}

impl Actor for Lens {
    fn start(&mut self, cx: &mut Context<Self>) -> Result {
        cx.after(PAUSE, Take);
        Ok(())
    }
}

impl Handler<Take> for Lens {
    fn handle(&mut self, _: Take, cx: &mut Context<Self>) {
        let tree = self.app.get().map(App::tree);
        let who = [cx.addr().address(), self.picture.address()];
        let is_new = |tree: &Tree| {
            let last = self.last.as_ref();
            !last.is_some_and(|last| same(last, tree, who))
        };
        match tree.filter(is_new) {
            Some(tree) => {
                self.waiting = true;
                self.last = Some(tree.clone());
                self.picture.send(Seen(tree));
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
    use rotor_core::{Addr, Child, Observer, Supervisor};

    use super::*;

    struct Other;

    impl Actor for Other {}

    impl Handler<()> for Other {
        fn handle(&mut self, _: (), _: &mut Context<Self>) {}
    }

    struct Counting;

    impl Observer for Counting {
        fn wants_counts(&self) -> bool {
            true
        }
    }

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
                .observer(Arc::new(Counting))
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
            scene.other.send(());
            pictures += scene.pass(Duration::from_millis(1)).len();
            scene.lens.send(Drawn);
        }
        assert!((25..=30).contains(&pictures), "{pictures} in three seconds");
    }

    #[test]
    fn what_only_the_pictures_have_moved_is_no_new_picture() {
        let mut scene = Scene::new();
        let pictures = |scene: &mut Scene| {
            let passes = (0..9).map(|_| {
                scene.lens.send(Drawn);
                scene.pass(Duration::from_millis(200)).len()
            });
            passes.sum::<usize>()
        };
        assert_eq!(pictures(&mut scene), 1);
        scene.other.send(());
        assert_eq!(pictures(&mut scene), 1);
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
