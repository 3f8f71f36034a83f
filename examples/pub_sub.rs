//! One publisher, three subscribers on three loops: the publisher knows the topic, not them.

use rotor_core::*;

#[derive(Clone)]
struct Price(u32);

struct Seen;

const WATCHERS: u32 = 3;

struct Feed {
    prices: Topic<Price>,
    price: u32,
    seen: u32,
}

impl Actor for Feed {
    fn start(&mut self, _: &mut Context<Self>) -> Result {
        self.prices.publish(Price(self.price)); // all watchers are subscribed: they started before
        Ok(())
    }
}

impl Handler<Seen> for Feed {
    fn handle(&mut self, _: Seen, cx: &mut Context<Self>) {
        self.seen += 1;
        match self.seen % WATCHERS {
            0 if self.price == 12 => cx.stop(),
            0 => {
                self.price += 1;
                self.prices.publish(Price(self.price));
            }
            _ => {}
        }
    }
}

struct Watcher {
    prices: Topic<Price>,
    feed: Addr<Feed>,
}

impl Actor for Watcher {
    fn start(&mut self, cx: &mut Context<Self>) -> Result {
        cx.subscribe(self.prices); // the start is complete when the topic's loop has confirmed
        Ok(())
    }
}

impl Handler<Price> for Watcher {
    fn handle(&mut self, Price(price): Price, cx: &mut Context<Self>) {
        println!("{:<5} sees {price}", cx.locality().name());
        self.feed.send(Seen);
    }
}

fn main() -> Result<Exit, Box<dyn std::error::Error>> {
    let main = ThreadLoop::new();
    let (prices, feed) = (main.locality().topic(), main.locality().reserve());
    let watcher = move || Child::new("watcher", move || Watcher { prices, feed });
    let first = move || Feed {
        prices,
        price: 10,
        seen: 0,
    };
    let (east, west) = (ThreadLoop::spawn("east")?, ThreadLoop::spawn("west")?);
    let tree = Supervisor::rest_for_one("market")
        .auto_shutdown(AutoShutdown::Any)
        .child(Supervisor::one_for_one("east").on(&east, move |s| s.child(watcher())))
        .child(Supervisor::one_for_one("west").on(&west, move |s| s.child(watcher())))
        .child(watcher())
        .child(Child::new("feed", first).at(feed).transient().significant());
    Ok(main.run(tree)?)
}
