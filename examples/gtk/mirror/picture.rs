//! The picture of the live tree, in which an actor is chosen.

use std::rc::Rc;

use gtk::gdk;
use gtk::prelude::*;
use mirror_engine::Strike;
use rotor_core::{Actor, Context, Handler, Lane, Result};
use rotor_glib::Guard;

use crate::lens::{Drawn, Seen};
use crate::row::Row;
use crate::session::Session;

/// Draws the tree, a line for each actor.
pub struct Picture {
    session: Rc<Session>,
    rows: Vec<Row>,
}

/// The line at this place was chosen.
struct Choose(usize);

impl Picture {
    /// The picture as it was seen last.
    pub fn new(session: Rc<Session>) -> Self {
        Self {
            session,
            rows: Vec::new(),
        }
    }

    /// Shows the last tree in lines that are there, and as few new ones as needed.
    fn draw(&mut self) {
        let tree = self.session.tree.borrow();
        let Some(tree) = &*tree else { return };
        let list = &self.session.widgets.tree;
        while self.rows.len() > tree.nodes.len() {
            let row = self.rows.pop().expect("there is one too many");
            list.remove(&row.row);
        }
        while self.rows.len() < tree.nodes.len() {
            let row = Row::new();
            list.append(&row.row);
            self.rows.push(row);
        }
        for (row, node) in self.rows.iter().zip(&tree.nodes) {
            row.show(node);
            if Some(node.address) == self.session.chosen.get() && !row.row.is_selected() {
                list.select_row(Some(&row.row));
            }
        }
    }
}

/// What can be done to the actor of this line.
fn open_menu(session: &Session, row: &gtk::ListBoxRow) {
    let menu = &session.widgets.menu;
    let bounds = menu.parent().and_then(|place| row.compute_bounds(&place));
    if let Some(bounds) = bounds {
        let (x, y) = (bounds.x() + 40.0, bounds.y() + bounds.height());
        menu.set_pointing_to(Some(&gdk::Rectangle::new(x as i32, y as i32, 1, 1)));
    }
    menu.popup();
    println!("menu");
}

impl Actor for Picture {
    fn start(&mut self, cx: &mut Context<Self>) -> Result {
        let (list, me) = (self.session.widgets.tree.clone(), cx.addr());
        while let Some(row) = list.row_at_index(0) {
            list.remove(&row); // the last instance's
        }
        self.draw();
        // These ask widgets before they send. A bug in them is one of this actor.
        let guard = Guard::of(cx);
        let run = guard.clone();
        let chosen = list.connect_row_selected(move |_, row| {
            run.run((), || {
                if let Some(row) = row {
                    me.send(Choose(row.index() as usize));
                }
            })
        });
        guard.keep(&list, chosen);
        let (run, session) = (guard.clone(), self.session.clone());
        let activated = list.connect_row_activated(move |_, row| {
            run.run((), || open_menu(&session, row));
        });
        guard.keep(&list, activated);
        let (session, clicks) = (self.session.clone(), gtk::GestureClick::new());
        clicks.set_button(gdk::BUTTON_SECONDARY);
        clicks.connect_pressed(move |_, _, _, y| {
            guard.run((), || {
                let list = &session.widgets.tree;
                if let Some(row) = list.row_at_y(y as i32) {
                    list.select_row(Some(&row));
                    open_menu(&session, &row);
                }
            })
        });
        list.add_controller(clicks.clone());
        cx.at_end(move || list.remove_controller(&clicks));
        self.session.wiring.lens.send(Drawn); // the last instance may not have said so
        Ok(())
    }
}

impl Handler<Seen> for Picture {
    fn handle(&mut self, Seen(tree): Seen, _: &mut Context<Self>) {
        self.session.tree.replace(Some(tree));
        self.draw();
        self.session.wiring.lens.send(Drawn);
        self.session.changed();
    }
}

impl Handler<Choose> for Picture {
    const LANE: Lane = Lane::Urgent; // as what is done then

    fn handle(&mut self, Choose(at): Choose, _: &mut Context<Self>) {
        let tree = self.session.tree.borrow();
        let Some(node) = tree.as_ref().and_then(|tree| tree.nodes.get(at)) else {
            return;
        };
        println!("chosen: {}", node.name);
        self.session.chosen.set(Some(node.address));
    }
}

impl Handler<Strike> for Picture {
    fn handle(&mut self, _: Strike, _: &mut Context<Self>) {
        panic!("{}", crate::ASKED);
    }
}
