//! Runs the program `mirror` over generated trees and looks at what it leaves.

mod changes;
mod chaos;
mod compare;
mod copies;
mod ends;
mod memory;
mod place;
mod rights;
mod run;
mod source;
mod surplus;
mod trees;
mod usage;
