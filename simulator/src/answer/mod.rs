//! Given answers: what a deployment says to requests that match, instead of filler.
//!
//! `rule` is who gets which answer, `template` the text with holes. Pure; the
//! configuration makes rules, the operations ask for them.

mod rule;
mod template;

pub(crate) use rule::{Asked, Given, Place, Rule, Rules, Say};
pub(crate) use template::Template;
