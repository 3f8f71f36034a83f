//! Programs that must not compile, with the code of the error, by which none fails for another reason:
//! a nightly compiler looks at it (`scripts/miri.sh`). Those of single items are in their docs; here are
//! the ones between items. Mistakes whose error has no code are in `diagnostics.rs`, with its text.
//!
//! All begin like this:
//! ```
//! use rotor_core::*;
//! use std::rc::Rc;
//! use std::time::Duration;
//! struct Mine;
//! impl Actor for Mine {}
//! impl Handler<u32> for Mine {
//!     fn handle(&mut self, _: u32, _: &mut Context<Self>) {}
//! }
//! struct Count;
//! impl Request for Count {
//!     type Reply = u32;
//! }
//! impl Handler<Ask<Count>> for Mine {
//!     fn handle(&mut self, ask: Ask<Count>, _: &mut Context<Self>) {
//!         ask.reply(1);
//!     }
//! }
//! ```
//!
//! `a01`: a message that the actor does not handle, through every kind of send:
//! ```compile_fail,E0277
//! # use rotor_core::*;
//! # use std::rc::Rc;
//! # use std::time::Duration;
//! # struct Mine;
//! # impl Actor for Mine {}
//! # impl Handler<u32> for Mine { fn handle(&mut self, _: u32, _: &mut Context<Self>) {} }
//! # struct Count;
//! # impl Request for Count { type Reply = u32; }
//! # impl Handler<Ask<Count>> for Mine { fn handle(&mut self, ask: Ask<Count>, _: &mut Context<Self>) { ask.reply(1); } }
//! fn f(to: Addr<Mine>) {
//!     to.send("text");
//! }
//! ```
//! ```compile_fail,E0277
//! # use rotor_core::*;
//! # use std::rc::Rc;
//! # use std::time::Duration;
//! # struct Mine;
//! # impl Actor for Mine {}
//! # impl Handler<u32> for Mine { fn handle(&mut self, _: u32, _: &mut Context<Self>) {} }
//! # struct Count;
//! # impl Request for Count { type Reply = u32; }
//! # impl Handler<Ask<Count>> for Mine { fn handle(&mut self, ask: Ask<Count>, _: &mut Context<Self>) { ask.reply(1); } }
//! fn f(to: Addr<Mine>) {
//!     let _ = to.try_send(1_u64);
//! }
//! ```
//! ```compile_fail,E0277
//! # use rotor_core::*;
//! # use std::rc::Rc;
//! # use std::time::Duration;
//! # struct Mine;
//! # impl Actor for Mine {}
//! # impl Handler<u32> for Mine { fn handle(&mut self, _: u32, _: &mut Context<Self>) {} }
//! # struct Count;
//! # impl Request for Count { type Reply = u32; }
//! # impl Handler<Ask<Count>> for Mine { fn handle(&mut self, ask: Ask<Count>, _: &mut Context<Self>) { ask.reply(1); } }
//! fn f(to: Addr<Mine>) {
//!     let _ = to.send_local(Rc::new(1));
//! }
//! ```
//!
//! `a03`: a recipient of a type that the actor does not handle, and a message of another type to one:
//! ```compile_fail,E0277
//! # use rotor_core::*;
//! # use std::rc::Rc;
//! # use std::time::Duration;
//! # struct Mine;
//! # impl Actor for Mine {}
//! # impl Handler<u32> for Mine { fn handle(&mut self, _: u32, _: &mut Context<Self>) {} }
//! # struct Count;
//! # impl Request for Count { type Reply = u32; }
//! # impl Handler<Ask<Count>> for Mine { fn handle(&mut self, ask: Ask<Count>, _: &mut Context<Self>) { ask.reply(1); } }
//! fn f(to: Addr<Mine>) -> Recipient<String> {
//!     to.to()
//! }
//! ```
//! ```compile_fail,E0308
//! # use rotor_core::*;
//! # use std::rc::Rc;
//! # use std::time::Duration;
//! # struct Mine;
//! # impl Actor for Mine {}
//! # impl Handler<u32> for Mine { fn handle(&mut self, _: u32, _: &mut Context<Self>) {} }
//! # struct Count;
//! # impl Request for Count { type Reply = u32; }
//! # impl Handler<Ask<Count>> for Mine { fn handle(&mut self, ask: Ask<Count>, _: &mut Context<Self>) { ask.reply(1); } }
//! fn f(to: Recipient<u32>) {
//!     to.send(1_u64);
//! }
//! ```
//!
//! `a02`: an address takes no messages: it is published to:
//! ```compile_fail,E0599
//! # use rotor_core::*;
//! # use std::rc::Rc;
//! # use std::time::Duration;
//! # struct Mine;
//! # impl Actor for Mine {}
//! # impl Handler<u32> for Mine { fn handle(&mut self, _: u32, _: &mut Context<Self>) {} }
//! # struct Count;
//! # impl Request for Count { type Reply = u32; }
//! # impl Handler<Ask<Count>> for Mine { fn handle(&mut self, ask: Ask<Count>, _: &mut Context<Self>) { ask.reply(1); } }
//! fn f(to: Address) {
//!     to.send(1_u32);
//! }
//! ```
//!
//! `m07`: what is published is cloned and may cross threads:
//! ```compile_fail,E0277
//! # use rotor_core::*;
//! # use std::rc::Rc;
//! # use std::time::Duration;
//! # struct Mine;
//! # impl Actor for Mine {}
//! # impl Handler<u32> for Mine { fn handle(&mut self, _: u32, _: &mut Context<Self>) {} }
//! # struct Count;
//! # impl Request for Count { type Reply = u32; }
//! # impl Handler<Ask<Count>> for Mine { fn handle(&mut self, ask: Ask<Count>, _: &mut Context<Self>) { ask.reply(1); } }
//! fn f(at: Address) {
//!     at.topic::<Rc<u32>>();
//! }
//! ```
//!
//! `a22`: a subscription to what one does not handle:
//! ```compile_fail,E0277
//! # use rotor_core::*;
//! # use std::rc::Rc;
//! # use std::time::Duration;
//! # struct Mine;
//! # impl Actor for Mine {}
//! # impl Handler<u32> for Mine { fn handle(&mut self, _: u32, _: &mut Context<Self>) {} }
//! # struct Count;
//! # impl Request for Count { type Reply = u32; }
//! # impl Handler<Ask<Count>> for Mine { fn handle(&mut self, ask: Ask<Count>, _: &mut Context<Self>) { ask.reply(1); } }
//! fn f(cx: &mut Context<Mine>, topic: Topic<String>) {
//!     cx.subscribe(topic);
//! }
//! ```
//!
//! `a30`: what is not `Send` does not leave by `send`, by a recipient or by an outbox:
//! ```compile_fail,E0277
//! # use rotor_core::*;
//! # use std::rc::Rc;
//! # use std::time::Duration;
//! # struct Mine;
//! # impl Actor for Mine {}
//! # impl Handler<u32> for Mine { fn handle(&mut self, _: u32, _: &mut Context<Self>) {} }
//! # struct Count;
//! # impl Request for Count { type Reply = u32; }
//! # impl Handler<Ask<Count>> for Mine { fn handle(&mut self, ask: Ask<Count>, _: &mut Context<Self>) { ask.reply(1); } }
//! struct View;
//! impl Actor for View {}
//! impl Handler<Rc<u32>> for View { fn handle(&mut self, _: Rc<u32>, _: &mut Context<Self>) {} }
//! fn f(to: Addr<View>) {
//!     let _ = to.try_send(Rc::new(1));
//! }
//! ```
//! ```compile_fail,E0277
//! # use rotor_core::*;
//! # use std::rc::Rc;
//! # use std::time::Duration;
//! # struct Mine;
//! # impl Actor for Mine {}
//! # impl Handler<u32> for Mine { fn handle(&mut self, _: u32, _: &mut Context<Self>) {} }
//! # struct Count;
//! # impl Request for Count { type Reply = u32; }
//! # impl Handler<Ask<Count>> for Mine { fn handle(&mut self, ask: Ask<Count>, _: &mut Context<Self>) { ask.reply(1); } }
//! fn f(to: Recipient<Rc<u32>>) {
//!     to.send(Rc::new(1));
//! }
//! ```
//! ```compile_fail,E0277
//! # use rotor_core::*;
//! # use std::rc::Rc;
//! # use std::time::Duration;
//! # struct Mine;
//! # impl Actor for Mine {}
//! # impl Handler<u32> for Mine { fn handle(&mut self, _: u32, _: &mut Context<Self>) {} }
//! # struct Count;
//! # impl Request for Count { type Reply = u32; }
//! # impl Handler<Ask<Count>> for Mine { fn handle(&mut self, ask: Ask<Count>, _: &mut Context<Self>) { ask.reply(1); } }
//! struct View;
//! impl Actor for View {}
//! impl Handler<Rc<u32>> for View { fn handle(&mut self, _: Rc<u32>, _: &mut Context<Self>) {} }
//! fn f(out: &mut Outbox, to: Addr<View>) {
//!     out.send(to, Rc::new(1));
//! }
//! ```
//!
//! `s14`: requests and replies cross threads, so both are `Send`:
//! ```compile_fail,E0277
//! # use rotor_core::*;
//! # use std::rc::Rc;
//! # use std::time::Duration;
//! # struct Mine;
//! # impl Actor for Mine {}
//! # impl Handler<u32> for Mine { fn handle(&mut self, _: u32, _: &mut Context<Self>) {} }
//! # struct Count;
//! # impl Request for Count { type Reply = u32; }
//! # impl Handler<Ask<Count>> for Mine { fn handle(&mut self, ask: Ask<Count>, _: &mut Context<Self>) { ask.reply(1); } }
//! struct Bad(Rc<u32>);
//! impl Request for Bad { type Reply = (); }
//! ```
//! ```compile_fail,E0277
//! # use rotor_core::*;
//! # use std::rc::Rc;
//! # use std::time::Duration;
//! # struct Mine;
//! # impl Actor for Mine {}
//! # impl Handler<u32> for Mine { fn handle(&mut self, _: u32, _: &mut Context<Self>) {} }
//! # struct Count;
//! # impl Request for Count { type Reply = u32; }
//! # impl Handler<Ask<Count>> for Mine { fn handle(&mut self, ask: Ask<Count>, _: &mut Context<Self>) { ask.reply(1); } }
//! fn f(token: ReplyTo<Rc<u32>>) {}
//! ```
//!
//! `a07`: a reply of another type; a request that the actor does not answer:
//! ```compile_fail,E0308
//! # use rotor_core::*;
//! # use std::rc::Rc;
//! # use std::time::Duration;
//! # struct Mine;
//! # impl Actor for Mine {}
//! # impl Handler<u32> for Mine { fn handle(&mut self, _: u32, _: &mut Context<Self>) {} }
//! # struct Count;
//! # impl Request for Count { type Reply = u32; }
//! # impl Handler<Ask<Count>> for Mine { fn handle(&mut self, ask: Ask<Count>, _: &mut Context<Self>) { ask.reply(1); } }
//! fn f(ask: Ask<Count>) {
//!     ask.reply("many");
//! }
//! ```
//! ```compile_fail,E0277
//! # use rotor_core::*;
//! # use std::rc::Rc;
//! # use std::time::Duration;
//! # struct Mine;
//! # impl Actor for Mine {}
//! # impl Handler<u32> for Mine { fn handle(&mut self, _: u32, _: &mut Context<Self>) {} }
//! # struct Count;
//! # impl Request for Count { type Reply = u32; }
//! # impl Handler<Ask<Count>> for Mine { fn handle(&mut self, ask: Ask<Count>, _: &mut Context<Self>) { ask.reply(1); } }
//! struct Mute;
//! impl Actor for Mute {}
//! fn f(cx: &mut Context<Mine>, to: Addr<Mute>) {
//!     cx.request(to, Count, Duration::ZERO, |_, _, _| ());
//! }
//! ```
//!
//! `a07`: every request has a time limit:
//! ```compile_fail,E0061
//! # use rotor_core::*;
//! # use std::rc::Rc;
//! # use std::time::Duration;
//! # struct Mine;
//! # impl Actor for Mine {}
//! # impl Handler<u32> for Mine { fn handle(&mut self, _: u32, _: &mut Context<Self>) {} }
//! # struct Count;
//! # impl Request for Count { type Reply = u32; }
//! # impl Handler<Ask<Count>> for Mine { fn handle(&mut self, ask: Ask<Count>, _: &mut Context<Self>) { ask.reply(1); } }
//! fn f(cx: &mut Context<Mine>, to: Addr<Mine>) {
//!     cx.request(to, Count, |_: &mut Mine, _, _| ());
//! }
//! ```
//!
//! `r42`: a second answer, whole or split:
//! ```compile_fail,E0382
//! # use rotor_core::*;
//! # use std::rc::Rc;
//! # use std::time::Duration;
//! # struct Mine;
//! # impl Actor for Mine {}
//! # impl Handler<u32> for Mine { fn handle(&mut self, _: u32, _: &mut Context<Self>) {} }
//! # struct Count;
//! # impl Request for Count { type Reply = u32; }
//! # impl Handler<Ask<Count>> for Mine { fn handle(&mut self, ask: Ask<Count>, _: &mut Context<Self>) { ask.reply(1); } }
//! fn f(ask: Ask<Count>) {
//!     let (_, token) = ask.split();
//!     ask.reply(1);
//!     token.send(2);
//! }
//! ```
//! ```compile_fail,E0382
//! # use rotor_core::*;
//! # use std::rc::Rc;
//! # use std::time::Duration;
//! # struct Mine;
//! # impl Actor for Mine {}
//! # impl Handler<u32> for Mine { fn handle(&mut self, _: u32, _: &mut Context<Self>) {} }
//! # struct Count;
//! # impl Request for Count { type Reply = u32; }
//! # impl Handler<Ask<Count>> for Mine { fn handle(&mut self, ask: Ask<Count>, _: &mut Context<Self>) { ask.reply(1); } }
//! fn f(token: ReplyTo<u32>) {
//!     token.send(1);
//!     token.send(2);
//! }
//! ```
//!
//! `s17`: a context is not kept and not shared:
//! ```compile_fail,E0521
//! # use rotor_core::*;
//! # use std::rc::Rc;
//! # use std::time::Duration;
//! # struct Mine;
//! # impl Actor for Mine {}
//! # impl Handler<u32> for Mine { fn handle(&mut self, _: u32, _: &mut Context<Self>) {} }
//! # struct Count;
//! # impl Request for Count { type Reply = u32; }
//! # impl Handler<Ask<Count>> for Mine { fn handle(&mut self, ask: Ask<Count>, _: &mut Context<Self>) { ask.reply(1); } }
//! struct Thief(Option<&'static mut Context<Mine>>);
//! impl Thief { fn keep(&mut self, cx: &'static mut Context<Mine>) { self.0 = Some(cx) } }
//! fn f(cx: &mut Context<Mine>, thief: &mut Thief) {
//!     thief.keep(cx);
//! }
//! ```
//! ```compile_fail,E0277
//! # use rotor_core::*;
//! # use std::rc::Rc;
//! # use std::time::Duration;
//! # struct Mine;
//! # impl Actor for Mine {}
//! # impl Handler<u32> for Mine { fn handle(&mut self, _: u32, _: &mut Context<Self>) {} }
//! # struct Count;
//! # impl Request for Count { type Reply = u32; }
//! # impl Handler<Ask<Count>> for Mine { fn handle(&mut self, ask: Ask<Count>, _: &mut Context<Self>) { ask.reply(1); } }
//! fn sync<T: Sync>() {}
//! fn f() {
//!     sync::<Context<Mine>>();
//! }
//! ```
//!
//! `s11`: what a remote subtree captures is `Send`; its factories may be anything:
//! ```compile_fail,E0277
//! # use rotor_core::*;
//! # use std::rc::Rc;
//! # use std::time::Duration;
//! # struct Mine;
//! # impl Actor for Mine {}
//! # impl Handler<u32> for Mine { fn handle(&mut self, _: u32, _: &mut Context<Self>) {} }
//! # struct Count;
//! # impl Request for Count { type Reply = u32; }
//! # impl Handler<Ask<Count>> for Mine { fn handle(&mut self, ask: Ask<Count>, _: &mut Context<Self>) { ask.reply(1); } }
//! fn f(far: &Locality) -> Supervisor {
//!     let shared = Rc::new(1);
//!     Supervisor::one_for_one("far").on(far, move |s| {
//!         let _ = &shared;
//!         s
//!     })
//! }
//! ```
//!
//! `s10`: a driver stays on its thread, and what an inbox receives may come from another one:
//! ```compile_fail,E0277
//! # use rotor_core::*;
//! # use std::rc::Rc;
//! # use std::time::Duration;
//! # struct Mine;
//! # impl Actor for Mine {}
//! # impl Handler<u32> for Mine { fn handle(&mut self, _: u32, _: &mut Context<Self>) {} }
//! # struct Count;
//! # impl Request for Count { type Reply = u32; }
//! # impl Handler<Ask<Count>> for Mine { fn handle(&mut self, ask: Ask<Count>, _: &mut Context<Self>) { ask.reply(1); } }
//! fn f(driver: Driver) {
//!     std::thread::spawn(move || driver.run_until_idle());
//! }
//! ```
//! ```compile_fail,E0277
//! # use rotor_core::*;
//! # use std::rc::Rc;
//! # use std::time::Duration;
//! # struct Mine;
//! # impl Actor for Mine {}
//! # impl Handler<u32> for Mine { fn handle(&mut self, _: u32, _: &mut Context<Self>) {} }
//! # struct Count;
//! # impl Request for Count { type Reply = u32; }
//! # impl Handler<Ask<Count>> for Mine { fn handle(&mut self, ask: Ask<Count>, _: &mut Context<Self>) { ask.reply(1); } }
//! fn f() -> Inbox<Rc<u32>> {
//!     Inbox::new(1) // what it receives comes from other threads
//! }
//! ```
//!
//! `a28`: a further address is for what the actor handles:
//! ```compile_fail,E0277
//! # use rotor_core::*;
//! # use std::rc::Rc;
//! # use std::time::Duration;
//! # struct Mine;
//! # impl Actor for Mine {}
//! # impl Handler<u32> for Mine { fn handle(&mut self, _: u32, _: &mut Context<Self>) {} }
//! # struct Count;
//! # impl Request for Count { type Reply = u32; }
//! # impl Handler<Ask<Count>> for Mine { fn handle(&mut self, ask: Ask<Count>, _: &mut Context<Self>) { ask.reply(1); } }
//! fn f(cx: &mut Context<Mine>) {
//!     let topic = cx.topic::<String>();
//!     cx.subscribe(topic);
//! }
//! ```
//!
//! `t01`: a timer carries what the actor handles, a periodic one what can be cloned:
//! ```compile_fail,E0277
//! # use rotor_core::*;
//! # use std::rc::Rc;
//! # use std::time::Duration;
//! # struct Mine;
//! # impl Actor for Mine {}
//! # impl Handler<u32> for Mine { fn handle(&mut self, _: u32, _: &mut Context<Self>) {} }
//! # struct Count;
//! # impl Request for Count { type Reply = u32; }
//! # impl Handler<Ask<Count>> for Mine { fn handle(&mut self, ask: Ask<Count>, _: &mut Context<Self>) { ask.reply(1); } }
//! fn f(cx: &mut Context<Mine>) {
//!     cx.after(Duration::ZERO, "text");
//! }
//! ```
//! ```compile_fail,E0277
//! # use rotor_core::*;
//! # use std::rc::Rc;
//! # use std::time::Duration;
//! # struct Mine;
//! # impl Actor for Mine {}
//! # impl Handler<u32> for Mine { fn handle(&mut self, _: u32, _: &mut Context<Self>) {} }
//! # struct Count;
//! # impl Request for Count { type Reply = u32; }
//! # impl Handler<Ask<Count>> for Mine { fn handle(&mut self, ask: Ask<Count>, _: &mut Context<Self>) { ask.reply(1); } }
//! struct Once;
//! impl Handler<Once> for Mine { fn handle(&mut self, _: Once, _: &mut Context<Self>) {} }
//! fn f(cx: &mut Context<Mine>) {
//!     cx.every(Duration::ZERO, Once);
//! }
//! ```
//!
//! `l12`: a monitor needs a handler for its notice:
//! ```compile_fail,E0277
//! # use rotor_core::*;
//! # use std::rc::Rc;
//! # use std::time::Duration;
//! # struct Mine;
//! # impl Actor for Mine {}
//! # impl Handler<u32> for Mine { fn handle(&mut self, _: u32, _: &mut Context<Self>) {} }
//! # struct Count;
//! # impl Request for Count { type Reply = u32; }
//! # impl Handler<Ask<Count>> for Mine { fn handle(&mut self, ask: Ask<Count>, _: &mut Context<Self>) { ask.reply(1); } }
//! fn f(cx: &mut Context<Mine>, who: Address) {
//!     cx.monitor(who);
//! }
//! ```
//!
//! `a04`: a child of one type at the address of another:
//! ```compile_fail,E0308
//! # use rotor_core::*;
//! # use std::rc::Rc;
//! # use std::time::Duration;
//! # struct Mine;
//! # impl Actor for Mine {}
//! # impl Handler<u32> for Mine { fn handle(&mut self, _: u32, _: &mut Context<Self>) {} }
//! # struct Count;
//! # impl Request for Count { type Reply = u32; }
//! # impl Handler<Ask<Count>> for Mine { fn handle(&mut self, ask: Ask<Count>, _: &mut Context<Self>) { ask.reply(1); } }
//! struct Other;
//! impl Actor for Other {}
//! fn f(at: Addr<Other>) -> Child<Mine> {
//!     Child::new("mine", || Mine).at(at)
//! }
//! ```
//!
//! `row_m03`: one handler for a message, not two ways to handle it:
//! ```compile_fail,E0119
//! # use rotor_core::*;
//! # use std::rc::Rc;
//! # use std::time::Duration;
//! # struct Mine;
//! # impl Actor for Mine {}
//! # impl Handler<u32> for Mine { fn handle(&mut self, _: u32, _: &mut Context<Self>) {} }
//! # struct Count;
//! # impl Request for Count { type Reply = u32; }
//! # impl Handler<Ask<Count>> for Mine { fn handle(&mut self, ask: Ask<Count>, _: &mut Context<Self>) { ask.reply(1); } }
//! impl TryHandler<u32> for Mine { fn try_handle(&mut self, _: u32, _: &mut Context<Self>) -> Result { Ok(()) } }
//! ```
//!
//! `s23`: a child of one type with a name of another:
//! ```compile_fail,E0308
//! # use rotor_core::*;
//! # struct Mine;
//! # impl Actor for Mine {}
//! struct Other;
//! impl Actor for Other {}
//! const OTHER: Name<Other> = Name::new("other");
//! fn f() -> Child<Mine> {
//!     Child::new("mine", || Mine).named(OTHER)
//! }
//! ```
//!
//! `s12`: a future of an actor does not borrow from it:
//! ```compile_fail,E0521
//! # use rotor_core::*;
//! # use std::rc::Rc;
//! # use std::time::Duration;
//! # struct Mine;
//! # impl Actor for Mine {}
//! # impl Handler<u32> for Mine { fn handle(&mut self, _: u32, _: &mut Context<Self>) {} }
//! # struct Count;
//! # impl Request for Count { type Reply = u32; }
//! # impl Handler<Ask<Count>> for Mine { fn handle(&mut self, ask: Ask<Count>, _: &mut Context<Self>) { ask.reply(1); } }
//! fn f(me: &mut Vec<u32>, cx: &mut Context<Mine>) {
//!     cx.spawn(async { me.push(1) }, |_, _, _| ());
//! }
//! ```
//!
//! `row_m04`: an actor that is none: the message says what to write:
//! ```compile_fail,E0277
//! # use rotor_core::*;
//! # use std::rc::Rc;
//! # use std::time::Duration;
//! # struct Mine;
//! # impl Actor for Mine {}
//! # impl Handler<u32> for Mine { fn handle(&mut self, _: u32, _: &mut Context<Self>) {} }
//! # struct Count;
//! # impl Request for Count { type Reply = u32; }
//! # impl Handler<Ask<Count>> for Mine { fn handle(&mut self, ask: Ask<Count>, _: &mut Context<Self>) { ask.reply(1); } }
//! struct Nobody;
//! fn f() {
//!     Child::new("nobody", || Nobody);
//! }
//! ```
