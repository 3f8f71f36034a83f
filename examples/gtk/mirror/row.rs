//! One line of the picture: an actor or a supervisor.

use gtk::pango;
use gtk::prelude::*;
use rotor_core::TreeNode;

/// Points for each level of the tree.
const INDENT: i32 = 18;

/// Points for the first column, indents included.
const NAME: i32 = 270;

/// Points beside a line, for the bar that scrolls.
const BESIDE: i32 = 12;

/// Points that a list puts around each of its lines.
const AROUND: i32 = 2;

/// Titles of the columns, with their widths in characters, but for the first; numbers stand to the
/// right. All of them get the same of what a large window has left, so that no gap is wide.
const COLUMNS: [(&str, i32, f32); 6] = [
    ("Actor", 0, 0.0),
    ("Loop", 10, 0.0),
    ("State", 10, 0.0),
    ("Restarts", 8, 1.0),
    ("Handled", 9, 1.0),
    ("Queue", 7, 1.0),
];

/// A cell for each column.
type Cells = [gtk::Label; COLUMNS.len()];

/// A line and its texts.
pub struct Row {
    pub row: gtk::ListBoxRow,
    cells: Cells,
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
        let [name, place, state, restarts, handled, queue] = &self.cells;
        indent(name, node.depth as i32);
        set(name, &node.name);
        set(place, &node.locality);
        set(state, node.state);
        set(restarts, &count(node.instances.saturating_sub(1)));
        set(handled, &count(node.handled.unwrap_or_default()));
        set(queue, &count(node.queued + u64::from(node.parked)));
    }
}

/// The titles above all lines.
pub fn titles() -> gtk::Box {
    let (line, cells) = line();
    for (cell, (title, ..)) in cells.iter().zip(COLUMNS) {
        cell.set_text(title);
        cell.add_css_class("dim-label");
    }
    indent(&cells[0], 0);
    line.set_margin_start(AROUND);
    line.set_margin_end(AROUND + BESIDE);
    line
}

fn line() -> (gtk::Box, Cells) {
    let line = gtk::Box::new(gtk::Orientation::Horizontal, 6);
    line.set_margin_end(BESIDE);
    let cells = COLUMNS.map(|(_, width, align)| {
        let label = gtk::Label::new(None);
        label.set_xalign(align);
        label.set_width_chars(width);
        label.set_hexpand(true);
        line.append(&label);
        label
    });
    cells[0].set_ellipsize(pango::EllipsizeMode::End);
    cells[0].set_max_width_chars(1); // wider only as is asked for
    (line, cells)
}

/// What is further to the right is as much shorter.
fn indent(name: &gtk::Label, depth: i32) {
    let margin = 6 + INDENT * depth;
    name.set_margin_start(margin);
    name.set_width_request((NAME - margin).max(1));
}

fn count(n: u64) -> String {
    if n == 0 { String::new() } else { n.to_string() }
}

fn set(label: &gtk::Label, text: &str) {
    if label.text() != text {
        label.set_text(text);
    }
}
