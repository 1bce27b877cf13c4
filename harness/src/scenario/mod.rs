//! Scenario files: their format, their checks, the plan they become.

pub mod assertion;
