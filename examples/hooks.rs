//! A printer, and a hook around it: pages that are too long are refused, the others come at a pace, and
//! none comes before it is warm. The printer itself knows nothing of that.

use std::any::Any;
use std::time::Duration;

use rotor_core::*;

struct Page {
    number: u32,
    lines: u32,
}

struct Printer;

impl Actor for Printer {
    fn start(&mut self, _: &mut Context<Self>) -> Result {
        println!("the printer is there");
        Ok(())
    }
}

impl Handler<Page> for Printer {
    fn handle(&mut self, page: Page, _: &mut Context<Self>) {
        println!("page {}", page.number);
    }
}

/// A hold that ends when its time has come.
struct Over(Hold);

impl Handler<Over> for Printer {
    fn handle(&mut self, Over(hold): Over, _: &mut Context<Self>) {
        drop(hold);
    }
}

struct Pace {
    between: Duration,
    lines_at_most: u32,
}

impl Pace {
    fn wait(&self, cx: &mut Context<Printer>) {
        let hold = cx.hold("the printer's pace");
        cx.after(self.between, Over(hold));
    }
}

impl Hook<Printer> for Pace {
    fn start(&mut self, cx: &mut Context<Printer>) -> Result {
        println!("warming up");
        self.wait(cx);
        Ok(())
    }

    fn message(&mut self, _: &'static str, message: &dyn Any, cx: &mut Context<Printer>) -> bool {
        let Some(page) = message.downcast_ref::<Page>() else {
            return true;
        };
        self.wait(cx);
        page.lines <= self.lines_at_most
    }

    fn stop(&mut self, _: &Exit, _: &mut Context<Printer>) -> Result {
        println!("switched off");
        Ok(())
    }
}

/// Prints what is on its way, and is done.
struct Job {
    printer: Addr<Printer>,
}

impl Actor for Job {
    fn start(&mut self, cx: &mut Context<Self>) -> Result {
        for (number, lines) in [(1, 40), (2, 4000), (3, 50)] {
            self.printer.send(Page { number, lines });
        }
        cx.after(Duration::from_millis(100), ());
        Ok(())
    }
}

impl Handler<()> for Job {
    fn handle(&mut self, (): (), cx: &mut Context<Self>) {
        cx.stop();
    }
}

struct Refusals;

impl Observer for Refusals {
    fn undelivered(&self, what: &Undeliverable) {
        println!("a page is not printed: {}", what.reason);
    }
}

fn main() -> Result<Exit, StartError> {
    let main = ThreadLoop::new();
    let printer = main.locality().reserve();
    let pace = Pace {
        between: Duration::from_millis(10),
        lines_at_most: 100,
    };
    main.run(
        Supervisor::rest_for_one("office")
            .auto_shutdown(AutoShutdown::Any)
            .observer(std::sync::Arc::new(Refusals))
            .child(Child::new("printer", || Printer).at(printer).hook(pace))
            .child(
                Child::new("job", move || Job { printer })
                    .transient()
                    .significant(),
            ),
    )
}
