//! Given answers: as people write them → checked rules.

use std::ops::Range;
use std::path::Path;

use schemars::JsonSchema;
use seam::diagnostic::{Diagnostic, Source};
use serde::Deserialize;
use serde_spanned::Spanned;

use super::filter::matcher;
use crate::answer::{Place, Rule, Say, Template};
use crate::catalogue::Model;

/// An answer given in advance, instead of filler: to requests for which all that
/// is stated here holds.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct GivenAnswer {
    /// Name of the deployment. Default: any.
    #[schemars(with = "Option<String>")]
    pub deployment: Option<Spanned<String>>,
    /// The deployment's model. Default: any.
    #[schemars(with = "Option<String>")]
    pub model: Option<Spanned<String>>,
    /// Text in the last message, or the prompt, upper or lower case.
    #[schemars(with = "Option<String>")]
    pub contains: Option<Spanned<String>>,
    /// Pattern in the last message, or the prompt; a text can use what it matched.
    #[schemars(with = "Option<String>")]
    pub regex: Option<Spanned<String>>,
    /// JSON pointer to a value that the request's body must have: "/metadata/case".
    #[schemars(with = "Option<String>")]
    pub pointer: Option<Spanned<String>>,
    /// What the value at `pointer` must be. Default: anything but null.
    #[schemars(with = "Option<serde_json::Value>")]
    pub equals: Option<Spanned<serde_json::Value>>,
    /// Probability that the answer is given where it matches, by the seed. Default 1.
    #[schemars(with = "Option<f64>")]
    pub probability: Option<Spanned<f64>>,
    /// The answer's text. `{{prompt}}`, `{{deployment}}`, `{{model}}`, `{{choice}}`,
    /// `{{match.1}}` and JSON pointers such as `{{/user}}` are filled in.
    #[schemars(with = "Option<String>")]
    pub text: Option<Spanned<String>>,
    /// File with the answer's text, relative to this file.
    #[schemars(with = "Option<String>")]
    pub file: Option<Spanned<String>>,
    /// Answers with the last message, or the prompt.
    #[schemars(with = "Option<bool>")]
    pub echo: Option<Spanned<bool>>,
    /// The text of a refusal.
    #[schemars(with = "Option<String>")]
    pub refusal: Option<Spanned<String>>,
    /// A call of a function, if the request offers it.
    #[schemars(with = "Option<GivenCall>")]
    pub call: Option<Spanned<GivenCall>>,
}

/// A call of a function.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct GivenCall {
    /// The function's name.
    pub name: String,
    /// Its arguments as JSON; holes are filled in as in `text`. Default "{}".
    #[schemars(with = "Option<String>")]
    pub arguments: Option<Spanned<String>>,
}

type Report<'a> = dyn FnMut(Range<usize>, String, &str) + 'a;

/// The rules of a list.
pub(super) fn check(
    source: &Source,
    list: &[Spanned<GivenAnswer>],
    problems: &mut Vec<Diagnostic>,
) -> Vec<Rule> {
    let mut report = |span, message: String, help: &str| {
        problems.push(Diagnostic::error(source, span, message).help(help));
    };
    let directory = Path::new(source.name()).parent().unwrap_or(Path::new(""));
    list.iter().filter_map(|raw| rule(raw, directory, &mut report)).collect()
}

fn rule(
    raw: &Spanned<GivenAnswer>,
    directory: &Path,
    report: &mut impl FnMut(Range<usize>, String, &str),
) -> Option<Rule> {
    let (span, raw) = (raw.span(), raw.get_ref());
    let matcher = matcher(raw.contains.as_ref(), raw.regex.as_ref(), report);
    if let Some(pointer) = raw.pointer.as_ref().filter(|own| !own.get_ref().starts_with('/')) {
        let help = "a JSON pointer begins with a slash: \"/metadata/case\"";
        report(pointer.span(), "not a JSON pointer".into(), help);
    }
    if let (None, Some(equals)) = (&raw.pointer, &raw.equals) {
        report(equals.span(), "`equals` of what?".into(), "add `pointer = \"/metadata/case\"`");
    }
    let probability = raw.probability.as_ref().map_or(1.0, |own| *own.get_ref());
    if let Some(own) = raw.probability.as_ref().filter(|own| !(0.0..=1.0).contains(own.get_ref())) {
        report(own.span(), "`probability` must be from 0 to 1".into(), "an example: 0.1");
    }
    let say = say(span, raw, directory, report)?;
    let text = |own: &Option<Spanned<String>>| own.as_ref().map(|own| own.get_ref().clone());
    Some(Rule {
        deployment: text(&raw.deployment),
        // By the name that the model has here, whichever of its names was written.
        model: text(&raw.model)
            .map(|name| Model::find(&name).map_or(name, |model| model.facts.name.to_owned())),
        matcher: matcher?,
        place: raw.pointer.as_ref().map(|pointer| Place {
            pointer: pointer.get_ref().clone(),
            equals: raw.equals.as_ref().map(|own| own.get_ref().clone()),
        }),
        probability,
        say,
    })
}

/// What is said: one of five.
fn say(
    span: Range<usize>,
    raw: &GivenAnswer,
    directory: &Path,
    report: &mut Report<'_>,
) -> Option<Say> {
    let said: Vec<Range<usize>> = [
        raw.text.as_ref().map(Spanned::span),
        raw.file.as_ref().map(Spanned::span),
        raw.echo.as_ref().map(Spanned::span),
        raw.refusal.as_ref().map(Spanned::span),
        raw.call.as_ref().map(Spanned::span),
    ]
    .into_iter()
    .flatten()
    .collect();
    let help = "write one of `text`, `file`, `echo`, `refusal` and `call`";
    match said.as_slice() {
        [_] => {}
        [] => {
            report(span, "an answer that says nothing".into(), help);
            return None;
        }
        [_, second, ..] => {
            report(second.clone(), "an answer that says two things".into(), help);
            return None;
        }
    }
    let mut template = |span: Range<usize>, text: &str| match Template::parse(text) {
        Ok(template) => Some(template),
        Err(error) => {
            report(span, error.to_string(), "write `{{{{` for two braces");
            None
        }
    };
    if let Some(text) = &raw.text {
        return template(text.span(), text.get_ref()).map(Say::Text);
    }
    if let Some(text) = &raw.refusal {
        return template(text.span(), text.get_ref()).map(Say::Refusal);
    }
    if let Some(file) = &raw.file {
        let path = directory.join(file.get_ref());
        return match std::fs::read_to_string(&path) {
            Ok(text) => template(file.span(), &text).map(Say::Text),
            Err(error) => {
                let message = format!("cannot read `{}`: {error}", path.display());
                report(file.span(), message, "the path is relative to this file");
                None
            }
        };
    }
    if let Some(call) = &raw.call {
        let GivenCall { name, arguments } = call.get_ref();
        let arguments = match arguments {
            None => template(call.span(), "{}")?,
            Some(text) => template(text.span(), text.get_ref())?,
        };
        return Some(Say::Call { name: name.clone(), arguments });
    }
    let echo = raw.echo.as_ref()?;
    if !echo.get_ref() {
        report(echo.span(), "`echo = false` says nothing".into(), help);
        return None;
    }
    template(echo.span(), "{{prompt}}").map(Say::Text)
}
