//! One line of the picture: an actor or a supervisor.

use gtk::prelude::*;
use rotor_core::TreeNode;

/// Points for each level of the tree.
const INDENT: i32 = 18;

/// Titles of the columns, with their widths in characters; the first takes what is left.
const COLUMNS: [(&str, i32); 5] = [
    ("actor", 0),
    ("loop", 10),
    ("state", 10),
    ("restarts", 9),
    ("parked", 8),
];

/// A line and its texts.
pub struct Row {
    pub row: gtk::ListBoxRow,
    cells: [gtk::Label; 5],
}

impl Row {
    /// An empty line.
    pub fn new() -> Self {
        let (line, cells) = line();
        let row = gtk::ListBoxRow::new();
        row.set_child(Some(&line));
        Self { row, cells }
    }

    /// Shows a node. What is the same is not drawn again.
    pub fn show(&self, node: &TreeNode) {
        let [name, place, state, restarts, parked] = &self.cells;
        name.set_margin_start(6 + INDENT * node.depth as i32);
        set(name, &node.name);
        set(place, &node.locality);
        set(state, node.state);
        set(restarts, &count(node.instances.saturating_sub(1)));
        set(parked, &count(u64::from(node.parked)));
    }
}

/// The titles above all lines.
pub fn titles() -> gtk::Box {
    let (line, cells) = line();
    for (cell, (title, _)) in cells.iter().zip(COLUMNS) {
        cell.set_text(title);
        cell.add_css_class("dim-label");
    }
    cells[0].set_margin_start(6);
    line
}

fn line() -> (gtk::Box, [gtk::Label; 5]) {
    let line = gtk::Box::new(gtk::Orientation::Horizontal, 6);
    let cells = COLUMNS.map(|(_, width)| {
        let label = gtk::Label::new(None);
        label.set_xalign(0.0);
        label.set_width_chars(width);
        label.set_hexpand(width == 0);
        line.append(&label);
        label
    });
    (line, cells)
}

fn count(n: u64) -> String {
    if n == 0 { String::new() } else { n.to_string() }
}

fn set(label: &gtk::Label, text: &str) {
    if label.text() != text {
        label.set_text(text);
    }
}
