//! The ways there are, for each switch that is more than on and off. The first
//! way of each is the default, which the specification gives.

mod backends;
mod limits;
mod pipeline;
mod policies;

pub use backends::*;
pub use limits::*;
pub use pipeline::*;
pub use policies::*;

/// Enumerations as settings need them: read and written in snake case.
macro_rules! choices {
    ($($(#[$about:meta])* pub enum $name:ident {
        $(#[$first_about:meta])* $first:ident,
        $($(#[$way_about:meta])* $way:ident,)*
    })*) => {$(
        $(#[$about])*
        #[derive(
            Debug,
            Clone,
            Copy,
            Default,
            PartialEq,
            Eq,
            serde::Serialize,
            serde::Deserialize,
            schemars::JsonSchema,
        )]
        #[serde(rename_all = "snake_case")]
        pub enum $name {
            $(#[$first_about])*
            #[default]
            $first,
            $($(#[$way_about])* $way,)*
        }
    )*};
}
use choices;
