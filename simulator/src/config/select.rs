//! Serving a part of a configuration.

use seam::diagnostic::Diagnostic;

use super::load::SimulatorConfig;

impl SimulatorConfig {
    /// Keeps only the resources of these names, in the file's order. A name
    /// that no resource has is a problem; all such names are reported.
    pub fn only(mut self, names: &[&str]) -> Result<Self, Vec<Diagnostic>> {
        let known: Vec<&str> = self.resources.iter().map(|known| known.name.as_str()).collect();
        let problems: Vec<Diagnostic> = names
            .iter()
            .filter(|name| !known.contains(name))
            .map(|name| {
                Diagnostic::without_source(format!("there is no resource `{name}`"))
                    .did_you_mean(name, known.iter().copied())
                    .help(format!("the configuration has {}", known.join(", ")))
            })
            .collect();
        if !problems.is_empty() {
            return Err(problems);
        }
        self.resources.retain(|resource| names.contains(&resource.name.as_str()));
        Ok(self)
    }
}
