//! Requests: each has a time limit; the answer may come later, or from another actor.

use std::time::Duration;

use rotor_core::*;

struct Price(&'static str);

impl Request for Price {
    type Reply = u32;
}

/// Answers nothing itself: it sends the request on, with the token that answers it.
struct Desk {
    shop: Addr<Shop>,
}

impl Actor for Desk {}

impl Handler<Ask<Price>> for Desk {
    fn handle(&mut self, ask: Ask<Price>, _: &mut Context<Self>) {
        self.shop.send(ask);
    }
}

/// Answers later: after a look at the shelf, which takes 5 ms, or 5 s in the cellar.
struct Shop;

struct Found(ReplyTo<u32>, u32);

impl Actor for Shop {}

impl Handler<Ask<Price>> for Shop {
    fn handle(&mut self, ask: Ask<Price>, cx: &mut Context<Self>) {
        let (Price(what), reply) = ask.split();
        match what {
            "tea" => cx.after(Duration::from_millis(5), Found(reply, 4)),
            "wine" => cx.after(Duration::from_secs(5), Found(reply, 20)),
            _ => return, // the token is dropped: the customer learns it at once
        };
    }
}

impl Handler<Found> for Shop {
    fn handle(&mut self, Found(reply, price): Found, _: &mut Context<Self>) {
        reply.send(price);
    }
}

struct Customer {
    desk: Addr<Desk>,
    open: u32,
}

impl Actor for Customer {
    fn start(&mut self, cx: &mut Context<Self>) -> Result {
        for what in ["tea", "wine", "cake"] {
            self.open += 1;
            let limit = Duration::from_millis(100);
            cx.request(self.desk, Price(what), limit, move |me, price, cx| {
                match price {
                    Ok(price) => println!("{what}: {price}"),
                    Err(error) => println!("{what}: {error}"),
                }
                me.open -= 1;
                if me.open == 0 {
                    cx.stop();
                }
            });
        }
        Ok(())
    }
}

fn main() -> Result<Exit, StartError> {
    let main = ThreadLoop::new();
    let (shop, desk) = (main.locality().reserve(), main.locality().reserve());
    let customer = move || Customer { desk, open: 0 };
    let tree = Supervisor::rest_for_one("market")
        .auto_shutdown(AutoShutdown::Any)
        .child(Child::new("shop", || Shop).at(shop))
        .child(Child::new("desk", move || Desk { shop }).at(desk))
        .child(Child::new("customer", customer).transient().significant());
    main.run(tree)
}
