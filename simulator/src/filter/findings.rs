//! What filters found in one text.

use std::borrow::Cow;
use std::fmt::Write as _;

use super::category::{Category, Severity};

/// What filters found in one text; nothing, mostly.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Findings(Vec<Finding>);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Finding {
    category: Category,
    severity: Severity,
    filtered: bool,
}

impl Findings {
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether the text may not be shown.
    pub(crate) fn blocked(&self) -> bool {
        self.0.iter().any(|finding| finding.filtered)
    }

    /// Adds a finding; of two of one category the worse stays.
    pub(super) fn add(&mut self, category: Category, severity: Severity, filtered: bool) {
        match self.0.iter_mut().find(|finding| finding.category == category) {
            Some(finding) => {
                finding.severity = finding.severity.max(severity);
                finding.filtered |= filtered;
            }
            None => self.0.push(Finding { category, severity, filtered }),
        }
    }

    /// The results of these categories and of all that were found, in alphabetical
    /// order. `clean` is how the former are written when nothing was found.
    pub(crate) fn results<'a>(&self, categories: &[Category], clean: &'a str) -> Cow<'a, str> {
        if self.is_empty() {
            return Cow::Borrowed(clean);
        }
        let mut all: Vec<Category> = categories.to_vec();
        all.extend(self.0.iter().map(|finding| finding.category));
        all.sort_unstable();
        all.dedup();
        let mut out = String::from("{");
        for (index, category) in all.into_iter().enumerate() {
            let found = self.0.iter().find(|finding| finding.category == category);
            let filtered = found.is_some_and(|finding| finding.filtered);
            let comma = if index == 0 { "" } else { "," };
            let _ = write!(out, r#"{comma}"{}":{{"filtered":{filtered},"#, category.name());
            let _ = if category.is_detector() {
                write!(out, r#""detected":{}}}"#, found.is_some())
            } else {
                let severity = found.map_or(Severity::Safe, |finding| finding.severity);
                write!(out, r#""severity":"{}"}}"#, severity.name())
            };
        }
        out.push('}');
        Cow::Owned(out)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_worse_of_two_findings_stays_and_the_rest_is_safe() {
        let mut findings = Findings::default();
        findings.add(Category::Violence, Severity::High, false);
        findings.add(Category::Violence, Severity::Low, true);
        findings.add(Category::Jailbreak, Severity::Safe, false);
        assert!(findings.blocked());
        assert_eq!(
            findings.results(&[Category::Hate, Category::Violence], "{}"),
            r#"{"hate":{"filtered":false,"severity":"safe"},"jailbreak":{"filtered":false,"detected":true},"violence":{"filtered":true,"severity":"high"}}"#
        );
        assert_eq!(Findings::default().results(&[Category::Hate], "{}"), "{}");
    }
}
