//! Two actors on two loops play with one ball. They know each other by address alone.

use rotor_core::*;

struct Ball(u32);

struct Player {
    name: &'static str,
    other: Addr<Player>,
}

impl Actor for Player {}

impl Handler<Ball> for Player {
    fn handle(&mut self, Ball(left): Ball, cx: &mut Context<Self>) {
        let locality = cx.locality().name();
        println!("{} on loop `{locality}`, {left} to go", self.name);
        match left {
            0 => cx.stop(),
            _ => self.other.send(Ball(left - 1)),
        }
    }
}

fn main() -> Result<Exit, Box<dyn std::error::Error>> {
    let main = ThreadLoop::new();
    let far = ThreadLoop::spawn("far")?; // a second thread with a loop of its own

    // Reserved addresses close the circle: each player is made with the other's address.
    let (ping, pong) = (main.locality().reserve(), far.reserve());
    ping.send(Ball(6));

    // One tree: the supervisor `away` is a child like any other, but lives on the other loop.
    let tree = Supervisor::one_for_all("game")
        .auto_shutdown(AutoShutdown::Any)
        .child(Supervisor::one_for_one("away").on(&far, move |away| {
            let make = move || Player {
                name: "pong",
                other: ping,
            };
            away.child(Child::new("pong", make).at(pong))
        }))
        .child(
            Child::new("ping", move || Player {
                name: "ping",
                other: pong,
            })
            .at(ping)
            .transient()
            .significant(),
        );
    Ok(main.run(tree)?) // both loops have ended when this returns
}
