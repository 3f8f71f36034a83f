//! Pictures of trees in the language of Graphviz.

use std::borrow::Cow;
use std::fmt::Write;

/// A node of a picture; nodes come depth first.
pub(crate) struct DotNode<'a> {
    pub(crate) depth: usize,
    pub(crate) locality: &'a str,
    pub(crate) name: &'a str,
    /// Whether it is nothing but a supervisor, with or without children.
    pub(crate) is_supervisor: bool,
    /// What is written below the name.
    pub(crate) notes: Vec<Cow<'a, str>>,
}

/// Draws a tree: a frame for each name of a locality, a box for supervisors and whoever else has
/// children, an arrow to each child in start order. The same tree gives the same text.
pub(crate) fn draw(nodes: &[DotNode<'_>]) -> String {
    let mut text = String::from("digraph tree {\n    rankdir=LR;\n    ordering=out;\n");
    let mut places: Vec<&str> = Vec::new();
    for node in nodes {
        if !places.contains(&node.locality) {
            places.push(node.locality);
        }
    }
    for (i, place) in places.iter().enumerate() {
        line(&mut text, format_args!("    subgraph cluster_{i} {{"));
        line(
            &mut text,
            format_args!("        label={};", quoted(&[place])),
        );
        let inside = |(_, node): &(usize, &DotNode<'_>)| node.locality == *place;
        for (n, node) in nodes.iter().enumerate().filter(inside) {
            let next = nodes.get(n + 1);
            let has_children = next.is_some_and(|next| next.depth > node.depth);
            let shape = if node.is_supervisor || has_children {
                "box"
            } else {
                "ellipse"
            };
            let mut lines = vec![node.name];
            lines.extend(node.notes.iter().map(|note| &**note));
            let label = quoted(&lines);
            line(
                &mut text,
                format_args!("        n{n} [label={label}, shape={shape}];"),
            );
        }
        text.push_str("    }\n");
    }
    let mut above = Vec::new();
    for (n, node) in nodes.iter().enumerate() {
        above.truncate(node.depth);
        if let Some(parent) = above.last() {
            line(&mut text, format_args!("    n{parent} -> n{n};"));
        }
        above.push(n);
    }
    text.push_str("}\n");
    text
}

fn line(text: &mut String, arguments: std::fmt::Arguments<'_>) {
    writeln!(text, "{arguments}").expect("a String takes everything");
}

/// A string of the language, from the lines of a label.
fn quoted(lines: &[&str]) -> String {
    let escape = |line: &&str| line.replace('\\', "\\\\").replace('"', "\\\"");
    let lines: Vec<_> = lines.iter().map(escape).collect();
    format!("\"{}\"", lines.join("\\n"))
}
