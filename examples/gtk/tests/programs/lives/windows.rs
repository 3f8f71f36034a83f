//! Actors that end with their windows, and a window that ends with its actor.

use std::time::Duration;

use gtk::glib;
use gtk::prelude::*;
use rotor_core::{Actor, Addr, Child, Context, Down, Error, Handler, Result, Supervisor};
use rotor_glib::{GlibLoop, Guard};

/// Ends with its window, which it owns.
struct Owner(gtk::Window);

impl Actor for Owner {
    fn start(&mut self, cx: &mut Context<Self>) -> Result {
        let me = cx.addr();
        Guard::of(cx).keep(&self.0, self.0.connect_unrealize(move |_| me.stop()));
        Ok(())
    }
}

/// Ends with a window, which it knows.
struct Friend(glib::WeakRef<gtk::Window>);

impl Actor for Friend {
    fn start(&mut self, cx: &mut Context<Self>) -> Result {
        let window = self
            .0
            .upgrade()
            .ok_or_else(|| Error::message("it is closed"))?;
        let guard = Guard::of(cx);
        guard.follow(&window);
        guard.keep(
            &window,
            window.connect_close_request(|_| glib::Propagation::Proceed),
        );
        Ok(())
    }
}

/// Takes its window with it.
struct Holder(gtk::Window);

impl Actor for Holder {
    fn start(&mut self, cx: &mut Context<Self>) -> Result {
        let window = self.0.clone();
        cx.at_end(move || window.destroy());
        Ok(())
    }
}

/// Closes windows and stops actors, one after the other.
struct Hand {
    owner: (gtk::Window, Addr<Owner>),
    friend: (glib::WeakRef<gtk::Window>, Addr<Friend>),
    holder: (gtk::Window, Addr<Holder>),
}

impl Actor for Hand {
    fn start(&mut self, cx: &mut Context<Self>) -> Result {
        cx.monitor(self.owner.1.address());
        cx.monitor(self.friend.1.address());
        cx.monitor(self.holder.1.address());
        let window = self.owner.0.clone();
        cx.defer_to_host(move || window.close());
        Ok(())
    }
}

impl Handler<Down> for Hand {
    fn handle(&mut self, down: Down, cx: &mut Context<Self>) {
        if down.who == self.owner.1.address() {
            println!("owner: {}", down.exit);
            let window = self.friend.0.upgrade().expect("it is open");
            cx.defer_to_host(move || window.close());
        } else if down.who == self.friend.1.address() {
            println!("friend: {}", down.exit);
            self.holder.1.stop();
        } else {
            println!(
                "holder: {}; its window: {}",
                down.exit,
                self.holder.0.is_realized()
            );
        }
    }
}

/// Opens three windows, with an actor for each.
pub fn open(_: &gtk::Application) {
    let ui = GlibLoop::attach().expect("this thread's loop is free");
    let here = ui.locality();
    let (owner, friend, holder) = (here.reserve(), here.reserve(), here.reserve());
    let window = || {
        let window = gtk::Window::new();
        window.present();
        window
    };
    let (owned, known, held) = (window(), window().downgrade(), window());
    let hand = {
        let (owned, known, held) = (owned.clone(), known.clone(), held.clone());
        move || Hand {
            owner: (owned.clone(), owner),
            friend: (known.clone(), friend),
            holder: (held.clone(), holder),
        }
    };
    let tree = Supervisor::one_for_one("app")
        .intensity(0, Duration::from_secs(1))
        .child(
            Child::new("owner", move || Owner(owned.clone()))
                .at(owner)
                .transient(),
        )
        .child(
            Child::new("friend", move || Friend(known.clone()))
                .at(friend)
                .transient(),
        )
        .child(
            Child::new("holder", move || Holder(held.clone()))
                .at(holder)
                .transient(),
        )
        .child(Child::new("hand", hand));
    ui.start(tree).expect("a good tree");
}
