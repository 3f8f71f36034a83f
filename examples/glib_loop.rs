//! A guest of a GLib main loop: no widgets, but what holds for them. A panic in the view becomes a
//! restart while the loop goes on; the work is done on another loop of the same tree.

use std::time::Duration;

use rotor_core::*;
use rotor_glib::GlibLoop;
use rotor_smol::{Sleep, SmolLoop};

struct Count(String);

impl Request for Count {
    type Reply = usize;
}

/// On smol: a future for each request.
struct Counter;

impl Actor for Counter {}

impl Handler<Ask<Count>> for Counter {
    fn handle(&mut self, ask: Ask<Count>, cx: &mut Context<Self>) {
        let (Count(text), reply) = ask.split();
        let work = async move {
            Sleep::after(Duration::from_millis(5)).await;
            text.len()
        };
        cx.spawn(work, |_, n, _| reply.send(n));
    }
}

/// On GLib: would own the widgets, which never leave their thread.
struct View {
    counter: Addr<Counter>,
}

struct Clicked(u32);

impl Actor for View {
    fn start(&mut self, _: &mut Context<Self>) -> Result {
        println!("view: ready");
        Ok(())
    }
}

impl Handler<Clicked> for View {
    const LANE: Lane = Lane::Urgent; // input goes ahead of everything queued

    fn handle(&mut self, Clicked(n): Clicked, cx: &mut Context<Self>) {
        if n == 2 {
            panic!("a bug in the view");
        }
        let limit = Duration::from_secs(1);
        cx.request(
            self.counter,
            Count("x".repeat(n as usize)),
            limit,
            |_, count, _| {
                println!("view: counted {count:?}");
            },
        );
    }
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let main_loop = glib::MainLoop::new(None, false); // the application's own
    let (ui, work) = (GlibLoop::attach()?, SmolLoop::spawn("work")?);
    let (view, counter) = (ui.locality().reserve::<View>(), work.reserve());
    let app = ui.start(
        Supervisor::rest_for_one("app")
            .child(Supervisor::one_for_one("work").on(&work, move |s| {
                s.child(Child::new("counter", || Counter).at(counter))
            }))
            .child(Child::new("view", move || View { counter }).at(view)),
    )?;

    // A signal handler only sends: addresses are `Copy`, nothing to clone, nothing weak.
    let (mut clicks, handle) = (0, app.clone());
    glib::timeout_add_local(Duration::from_millis(20), move || {
        clicks += 1;
        if clicks > 4 {
            print!("{}", handle.tree());
            handle.shutdown();
            return glib::ControlFlow::Break;
        }
        println!("loop: click {clicks}");
        view.send(Clicked(clicks));
        glib::ControlFlow::Continue
    });
    let quit = main_loop.clone();
    app.on_exit(move |_| quit.quit()); // the library never quits a loop that is not its own
    main_loop.run();
    Ok(())
}
