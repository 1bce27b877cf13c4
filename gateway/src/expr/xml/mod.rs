//! XML as `System.Xml.Linq` shows it: trees that do not change once made.

mod parse;
mod print;
#[cfg(test)]
mod tests;
mod tree;

pub(crate) use parse::{MAX_NODES, parse};
pub(crate) use tree::{Attribute, Builder, Kind, Name, Node, XMLNS};
