//! Tool calls: whether an answer is one, of which functions, with which arguments.

use rand::{Rng, RngExt as _};

use super::json::Json;
use super::schema;

/// No answer calls more functions at once.
const MOST_CALLS: usize = 8;

/// A function that a request offers.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Tool {
    pub name: String,
    /// JSON schema of the arguments; without one there are none.
    pub parameters: Option<Json>,
}

/// What `tool_choice` or `function_call` says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ToolChoice {
    /// The model decides.
    Auto,
    /// No call.
    None,
    /// A call of any function.
    Required,
    /// A call of this one, by its place.
    Named(usize),
}

/// How calls are spoken of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Dialect {
    /// `tools` and `tool_calls`.
    Tools,
    /// `functions` and `function_call`, with one call at most.
    Functions,
}

/// The functions of a request.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Offer {
    /// At least one.
    pub tools: Vec<Tool>,
    pub choice: ToolChoice,
    /// Whether several calls in one answer are allowed.
    pub parallel: bool,
    pub dialect: Dialect,
}

impl Offer {
    /// Whether a function of this name may be called.
    pub(crate) fn has(&self, name: &str) -> bool {
        self.choice != ToolChoice::None && self.tools.iter().any(|tool| tool.name == name)
    }
}

/// A call that an answer makes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct FunctionCall {
    pub name: String,
    /// JSON, compact in a single call and spaced in parallel ones, as recorded.
    pub arguments: String,
}

/// The calls of one answer. `more` is the probability that a call is followed by
/// another, where several are allowed.
pub(crate) fn calls(offer: &Offer, more: f64, rng: &mut impl Rng) -> Vec<FunctionCall> {
    let mut count = 1;
    if offer.parallel && !matches!(offer.choice, ToolChoice::Named(_)) {
        while count < MOST_CALLS && rng.random_bool(more.clamp(0.0, 1.0)) {
            count += 1;
        }
    }
    (0..count)
        .filter_map(|_| {
            let tool = match offer.choice {
                ToolChoice::Named(place) => offer.tools.get(place),
                _ => offer.tools.get(rng.random_range(0..offer.tools.len().max(1))),
            }?;
            let arguments = match &tool.parameters {
                None => "{}".to_owned(),
                Some(parameters) => {
                    let value = schema::generate(parameters, rng);
                    if count == 1 { value.compact() } else { value.spaced() }
                }
            };
            Some(FunctionCall { name: tool.name.clone(), arguments })
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use seam::rng::Seed;

    use super::*;

    fn offer(choice: ToolChoice, parallel: bool) -> Offer {
        let parameters = r#"{"type":"object","required":["b","a"],"properties":{
            "b":{"type":"integer"},"a":{"enum":["x"]}}}"#;
        let tool = |name: &str, parameters| Tool { name: name.to_owned(), parameters };
        Offer {
            tools: vec![tool("one", None), tool("two", serde_json::from_str(parameters).ok())],
            choice,
            parallel,
            dialect: Dialect::Tools,
        }
    }

    #[test]
    fn a_forced_function_is_called_once() {
        for seed in 0..20 {
            let mut rng = Seed(seed).stream("x");
            let made = calls(&offer(ToolChoice::Named(1), true), 1.0, &mut rng);
            assert_eq!(made.len(), 1);
            assert_eq!(made[0].name, "two");
            assert!(made[0].arguments.starts_with(r#"{"b":"#), "{made:?}");
        }
    }

    #[test]
    fn several_calls_are_drawn_where_allowed() {
        let counts = |parallel, more| -> Vec<usize> {
            (0..200)
                .map(|seed| {
                    let mut rng = Seed(seed).stream("x");
                    calls(&offer(ToolChoice::Auto, parallel), more, &mut rng).len()
                })
                .collect()
        };
        assert!(counts(false, 0.9).iter().all(|count| *count == 1));
        assert!(counts(true, 0.0).iter().all(|count| *count == 1));
        assert!(counts(true, 1.0).iter().all(|count| *count == MOST_CALLS));
        let some = counts(true, 0.3);
        // Of 200 with probability 0.3: 60, and five standard deviations of 6.5.
        let several = some.iter().filter(|count| 1 < **count).count();
        assert!((28..=92).contains(&several), "{several}");
        let parallel = calls(&offer(ToolChoice::Required, true), 1.0, &mut Seed(1).stream("x"));
        let two = parallel.iter().find(|call| call.name == "two").unwrap();
        assert!(two.arguments.starts_with(r#"{"b": "#), "{two:?}");
    }
}
