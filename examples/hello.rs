//! The smallest program: one actor, one message, one supervisor, on a thread loop.

use rotor_core::*;

struct Greeter;

impl Actor for Greeter {}

impl Handler<&'static str> for Greeter {
    fn handle(&mut self, name: &'static str, cx: &mut Context<Self>) {
        println!("hello, {name}");
        cx.stop();
    }
}

fn main() -> Result<Exit, StartError> {
    let main = ThreadLoop::new();
    let greeter = main.locality().reserve();
    greeter.send("world"); // before the start: parked, then delivered

    // A significant child whose end ends the program: the greeter stops, then the tree, then `run`.
    let tree = Supervisor::one_for_one("app")
        .auto_shutdown(AutoShutdown::Any)
        .child(
            Child::new("greeter", || Greeter)
                .at(greeter)
                .transient()
                .significant(),
        );
    let exit = main.run(tree)?;
    println!("the tree has ended: {exit}");
    Ok(exit)
}
