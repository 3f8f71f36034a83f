//! The picture of the live tree, in which an actor is chosen.

use std::rc::Rc;

use gtk::gdk;
use gtk::prelude::*;
use mirror_engine::Strike;
use rotor_core::{Actor, Context, Down, Handler, Result, TreeNode};
use rotor_glib::Guard;

use crate::lens::{Drawn, Seen};
use crate::row::Row;
use crate::session::Session;

/// Draws the tree, a line for each actor.
pub struct Picture {
    session: Rc<Session>,
    rows: Vec<Row>,
    /// The lens has not ended since.
    watches: bool,
}

impl Picture {
    /// The picture as it was seen last.
    pub fn new(session: Rc<Session>) -> Self {
        Self {
            session,
            rows: Vec::new(),
            watches: false,
        }
    }

    /// To be told if no more pictures are taken.
    fn watch(&mut self, cx: &mut Context<Self>) {
        self.watches = true;
        cx.monitor(self.session.wiring.lens.address());
    }

    /// Shows the last tree in lines that are there, and as few new ones as needed.
    fn draw(&mut self) {
        let tree = self.session.tree.borrow();
        let Some(tree) = &*tree else { return };
        let list = &self.session.widgets.tree;
        let focused = focused(list);
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
        }
        keep_focus(list, focused);
        self.mark(&tree.nodes);
        self.show_copy(&tree.nodes);
    }

    /// Scrolls to the copy when it has begun, once its lines have a place, and unless people are busy
    /// elsewhere.
    fn show_copy(&self, nodes: &[TreeNode]) {
        let copy = self
            .session
            .run
            .borrow()
            .as_ref()
            .and_then(|run| run.address);
        if copy == self.session.shown.get() || self.session.chosen.get().is_some() {
            return;
        }
        let at = nodes.iter().position(|node| Some(node.address) == copy);
        let (list, row) = (
            &self.session.widgets.tree,
            at.and_then(|at| self.rows.get(at)),
        );
        let row = row.map(|row| &row.row).filter(|row| row.height() > 0);
        let bounds = row.and_then(|row| row.compute_bounds(list));
        if let (Some(bounds), Some(place)) = (bounds, list.adjustment()) {
            place.set_value(bounds.y().into());
            self.session.shown.set(copy);
        }
    }

    /// Marks the line of the chosen actor, wherever it is now. If it is gone, nobody is chosen.
    fn mark(&self, nodes: &[TreeNode]) {
        let list = &self.session.widgets.tree;
        let chosen = self.session.chosen.get();
        let at = nodes.iter().position(|node| Some(node.address) == chosen);
        match at.and_then(|at| self.rows.get(at)) {
            Some(row) if row.row.is_selected() => {}
            Some(row) => list.select_row(Some(&row.row)),
            None => {
                self.session.choose_nobody();
                list.unselect_all();
            }
        }
    }
}

/// The line that has the focus, if one has.
fn focused(list: &gtk::ListBox) -> Option<i32> {
    let row = list.focus_child().and_downcast::<gtk::ListBoxRow>();
    row.map(|row| row.index())
}

/// Gives the focus back to the line at this place, or to the last one. GTK would give it to some
/// other line, and choose that, too.
fn keep_focus(list: &gtk::ListBox, at: Option<i32>) {
    let Some(at) = at else { return };
    let row = (0..=at).rev().find_map(|at| list.row_at_index(at));
    if let Some(row) = row
        && !row.has_focus()
    {
        row.grab_focus();
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
        let list = self.session.widgets.tree.clone();
        let focused = focused(&list);
        while let Some(row) = list.row_at_index(0) {
            list.remove(&row); // the last instance's
        }
        self.draw();
        keep_focus(&list, focused);
        self.session.widgets.set_old(None);
        self.watch(cx);
        let widgets = self.session.widgets.clone();
        cx.at_end(move || {
            widgets.set_old(Some("the picture is stopped: this is what it showed last"))
        });
        // These do more than send. A bug in them is one of this actor.
        let guard = Guard::of(cx);
        let (run, session) = (guard.clone(), self.session.clone());
        let chosen = list.connect_row_selected(move |_, row| {
            run.run((), || {
                if let Some(row) = row {
                    session.choose(row.index() as usize);
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
    fn handle(&mut self, Seen(tree): Seen, cx: &mut Context<Self>) {
        if !self.watches {
            self.session.widgets.set_old(None);
            self.watch(cx);
        }
        self.session.tree.replace(Some(tree));
        self.draw();
        self.session.wiring.lens.send(Drawn);
        self.session.changed();
    }
}

impl Handler<Down> for Picture {
    fn handle(&mut self, _: Down, _: &mut Context<Self>) {
        self.watches = false;
        let widgets = &self.session.widgets;
        widgets.set_old(Some("the lens is stopped: this is what it saw last"));
    }
}

impl Handler<Strike> for Picture {
    fn handle(&mut self, _: Strike, _: &mut Context<Self>) {
        panic!("{}", crate::ASKED);
    }
}
