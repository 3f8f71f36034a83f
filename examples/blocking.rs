//! Work that blocks has a thread loop of its own; the main loop goes on meanwhile.

use std::thread::sleep;
use std::time::Duration;

use rotor_core::*;

struct Squeeze(&'static str);

impl Request for Squeeze {
    type Reply = usize;
}

/// Lives on a loop where nobody minds being blocked.
struct Press {
    log: Addr<Clerk>,
}

impl Actor for Press {}

impl Handler<Ask<Squeeze>> for Press {
    fn handle(&mut self, ask: Ask<Squeeze>, cx: &mut Context<Self>) {
        let text = ask.request.0;
        self.log.send(Note("the press is busy"));
        // What was sent so far goes out before the thread blocks, not after.
        let length = cx.blocking(|| {
            sleep(Duration::from_millis(60)); // stands for a file, a database, a long computation
            text.len()
        });
        ask.reply(length);
    }
}

#[derive(Clone)]
struct Note(&'static str);

struct Clerk {
    press: Addr<Press>,
}

impl Actor for Clerk {
    fn start(&mut self, cx: &mut Context<Self>) -> Result {
        cx.every(
            Duration::from_millis(10),
            Note("tick: the main loop is free"),
        );
        let limit = Duration::from_secs(5);
        cx.request(self.press, Squeeze("apples"), limit, |_, length, cx| {
            println!("answer: {length:?}");
            cx.stop();
        });
        Ok(())
    }
}

impl Handler<Note> for Clerk {
    fn handle(&mut self, Note(text): Note, _: &mut Context<Self>) {
        println!("{text}");
    }
}

fn main() -> Result<Exit, Box<dyn std::error::Error>> {
    let main = ThreadLoop::new();
    let cellar = ThreadLoop::spawn("cellar")?;
    let (clerk, press) = (main.locality().reserve(), cellar.reserve());
    let tree = Supervisor::rest_for_one("mill")
        .auto_shutdown(AutoShutdown::Any)
        .child(Supervisor::one_for_one("cellar").on(&cellar, move |s| {
            s.child(Child::new("press", move || Press { log: clerk }).at(press))
        }))
        .child(
            Child::new("clerk", move || Clerk { press })
                .at(clerk)
                .transient()
                .significant(),
        );
    Ok(main.run(tree)?)
}
