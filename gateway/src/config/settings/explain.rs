//! What `gateway explain` prints.

use std::fmt::Write as _;

use super::Settings;
use super::inferences::{By, INFERENCES};

/// The inferred behaviours with their defaults and effective values, as text.
#[must_use]
pub(crate) fn explain(settings: &Settings) -> String {
    let effective = serde_json::to_value(settings).unwrap_or_default();
    let default = serde_json::to_value(Settings::default()).unwrap_or_default();
    let mut text = String::from(
        "Inferred behaviours: no public source settles them. Each names the section of the\nspecification that argues for it.\n\nSwitches, under [settings] in gateway.toml:\n\n",
    );
    let mut fixed = String::new();
    let mut switches = Vec::new();
    // Writing to a string cannot fail.
    for inference in INFERENCES {
        let (section, what) = (inference.section, inference.text);
        match inference.by {
            By::Setting(name) => {
                switches.push(name);
                let (effective, default) = (&effective[name], &default[name]);
                let _ = writeln!(
                    text,
                    "  {name} = {effective}  (default {default}) [{section}]\n      {what}"
                );
            }
            By::Reason(why) => {
                let _ = writeln!(fixed, "  [{section}] {what}\n      fixed: {why}");
            }
        }
    }
    let _ = write!(text, "\nWithout a switch:\n\n{fixed}");
    text.push_str("\nBounds, under [settings]:\n\n");
    if let Some(all) = effective.as_object() {
        for (name, value) in all.iter().filter(|(name, _)| !switches.contains(&name.as_str())) {
            let _ = writeln!(text, "  {name} = {value}  (default {})", default[name]);
        }
    }
    text
}
