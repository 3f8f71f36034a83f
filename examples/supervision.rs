//! A crash, a restart, and an escalation, with a picture of the tree after each.
//!
//! Virtual time and hand-made turns, so that the output is the same in every run; the actors would
//! behave alike on any loop.

use std::sync::Arc;
use std::time::Duration;

use rotor_core::sim::Sim;
use rotor_core::*;

struct Order(u32);

/// Panics on an order of 0 pieces. Its count is lost with it: the next instance starts afresh.
#[derive(Default)]
struct Till {
    sold: u32,
}

impl Actor for Till {}

impl Handler<Order> for Till {
    fn handle(&mut self, Order(pieces): Order, _: &mut Context<Self>) {
        if pieces == 0 {
            panic!("an order of nothing");
        }
        self.sold += pieces;
        println!("  till: {} sold", self.sold);
    }
}

struct Stock;

impl Actor for Stock {
    fn start(&mut self, _: &mut Context<Self>) -> Result {
        println!("  stock: counted");
        Ok(())
    }
}

struct Log;

impl Observer for Log {
    fn exited(&self, _: Address, name: &str, exit: &Exit) {
        println!("  {name} ended: {exit:#}"); // with the message, and how often such a one did it
    }
}

fn main() -> Result<(), StartError> {
    std::panic::set_hook(Box::new(|_| {})); // the observer tells
    let mut sim = Sim::new(1);
    let till = sim.locality("main").reserve::<Till>();
    // The shop gives up in place of a third restart within 10 s; then it is for the app to decide.
    let shop = Supervisor::one_for_one("shop")
        .intensity(2, Duration::from_secs(10))
        .child(Child::new("stock", || Stock))
        .child(Child::new("till", Till::default).at(till));
    let app = sim.start(
        Supervisor::one_for_one("app")
            .observer(Arc::new(Log))
            .child(shop),
    )?;

    let mut act = |what: &str, orders: &[u32]| {
        println!("{what}");
        orders.iter().for_each(|&pieces| till.send(Order(pieces)));
        sim.run_until_idle();
    };
    act("a start, and two orders", &[2, 3]);
    print!("{}", app.tree());
    act("a crash: the order behind it is kept", &[0, 4]);
    print!("{}", app.tree());
    act(
        "two more: the shop gives up, the app rebuilds it",
        &[0, 0, 5],
    );
    print!("{}", app.tree());
    app.shutdown();
    act("shutdown, in reverse order", &[]);
    Ok(())
}
