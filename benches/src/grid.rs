//! A table that reads well in a terminal and in Markdown.

use std::fmt;

/// Rows of text; the columns from the second on are aligned to the right, but for the last.
pub struct Grid {
    rows: Vec<Vec<String>>,
}

impl Grid {
    /// A table with these headings.
    pub fn new(head: &[&str]) -> Self {
        Grid {
            rows: vec![head.iter().map(|&text| text.to_owned()).collect()],
        }
    }

    /// Adds a row, of as many cells as there are headings.
    pub fn row(&mut self, cells: Vec<String>) {
        assert_eq!(cells.len(), self.rows[0].len());
        self.rows.push(cells);
    }

    fn width(&self, column: usize) -> usize {
        let width = |row: &Vec<String>| row[column].chars().count();
        self.rows.iter().map(width).max().unwrap_or(0)
    }
}

impl fmt::Display for Grid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let last = self.rows[0].len() - 1;
        for (i, row) in self.rows.iter().enumerate() {
            for (column, cell) in row.iter().enumerate() {
                let width = self.width(column);
                if column == 0 || column == last {
                    write!(f, "| {cell:<width$} ")?;
                } else {
                    write!(f, "| {cell:>width$} ")?;
                }
            }
            writeln!(f, "|")?;
            if i == 0 {
                for column in 0..=last {
                    let dashes = "-".repeat(self.width(column));
                    let right = if column == 0 || column == last {
                        "-"
                    } else {
                        ":"
                    };
                    write!(f, "|-{dashes}{right}")?;
                }
                writeln!(f, "|")?;
            }
        }
        Ok(())
    }
}

/// A figure with as many digits as it deserves.
pub fn figure(value: f64) -> String {
    match value {
        v if !v.is_finite() => "-".into(),
        v if v < 10.0 => format!("{v:.2}"),
        v if v < 1000.0 => format!("{v:.1}"),
        v => format!("{v:.0}"),
    }
}
