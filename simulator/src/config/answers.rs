//! Given answers: as people write them → checked rules.

use std::ops::Range;
use std::path::Path;

use schemars::JsonSchema;
use seam::diagnostic::{Diagnostic, Source};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use serde_spanned::Spanned;

use super::check::unknown_model;
use super::filter::matcher;
use crate::answer::{Place, Rule, Rules, Say, Template};
use crate::catalogue::Model;

/// An answer given in advance, instead of filler: to requests for which all that
/// is stated here holds.
#[derive(Debug, Clone, Deserialize, Serialize, JsonSchema)]
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
#[derive(Debug, Clone, Deserialize, Serialize, JsonSchema)]
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
    let (say, written) = say(span, raw, directory, report)?;
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
        written,
    })
}

/// What a live change brings: the rules of a list in JSON, for these deployments. The
/// error is for the caller's eyes.
pub(crate) fn answers_from(list: &Value, deployments: &[&str]) -> Result<Rules, String> {
    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    struct File {
        answers: Vec<Spanned<GivenAnswer>>,
    }
    let all = |problems: &[Diagnostic]| {
        let words: Vec<_> = problems.iter().map(Diagnostic::words).collect();
        format!("`answers`: {}", words.join("; "))
    };
    let table = json!({ "answers": list });
    let (source, File { answers }) =
        seam::config::from_json("answers", &table).map_err(|problems| all(&problems))?;
    let mut problems = Vec::new();
    for answer in answers.iter().map(Spanned::get_ref) {
        if let Some(file) = &answer.file {
            let message = "`file` is for the configuration file";
            problems.push(Diagnostic::error(&source, file.span(), message).help("send its `text`"));
        }
        problems.extend(unknown_names(&source, answer, deployments));
    }
    if !problems.is_empty() {
        return Err(all(&problems));
    }
    let rules = check(&source, &answers, &mut problems);
    if problems.is_empty() { Ok(Rules(rules.into())) } else { Err(all(&problems)) }
}

/// An answer names deployments that are there, and models.
pub(super) fn unknown_names(
    source: &Source,
    answer: &GivenAnswer,
    deployments: &[&str],
) -> Vec<Diagnostic> {
    let mut problems = Vec::new();
    if let Some(model) = &answer.model
        && Model::find(model.get_ref()).is_none()
    {
        problems.push(unknown_model(source, model));
    }
    if let Some(wanted) = &answer.deployment
        && deployments.iter().all(|name| name != wanted.get_ref())
    {
        let error = Diagnostic::error(source, wanted.span(), "no such deployment");
        problems.push(error.did_you_mean(wanted.get_ref(), deployments.to_vec()));
    }
    problems
}

/// What is said: one of five; and the answer as it can be sent to another simulator.
fn say(
    span: Range<usize>,
    raw: &GivenAnswer,
    directory: &Path,
    report: &mut Report<'_>,
) -> Option<(Say, Value)> {
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
    let mut written = json!(raw);
    if let Some(members) = written.as_object_mut() {
        members.retain(|_, value| !value.is_null());
    }
    let said = if let Some(text) = &raw.text {
        Say::Text(template(text.span(), text.get_ref())?)
    } else if let Some(text) = &raw.refusal {
        Say::Refusal(template(text.span(), text.get_ref())?)
    } else if let Some(call) = &raw.call {
        let GivenCall { name, arguments } = call.get_ref();
        let arguments = match arguments {
            None => template(call.span(), "{}")?,
            Some(text) => template(text.span(), text.get_ref())?,
        };
        Say::Call { name: name.clone(), arguments }
    } else if let Some(file) = &raw.file {
        let path = directory.join(file.get_ref());
        let text = match std::fs::read_to_string(&path) {
            Ok(text) => text,
            Err(error) => {
                let message = format!("cannot read `{}`: {error}", path.display());
                report(file.span(), message, "the path is relative to this file");
                return None;
            }
        };
        let said = Say::Text(template(file.span(), &text)?);
        // Elsewhere there is no such file.
        if let Some(members) = written.as_object_mut() {
            members.remove("file");
            members.insert("text".to_owned(), text.into());
        }
        said
    } else {
        let echo = raw.echo.as_ref()?;
        if !echo.get_ref() {
            report(echo.span(), "`echo = false` says nothing".into(), help);
            return None;
        }
        Say::Text(template(echo.span(), "{{prompt}}")?)
    };
    Some((said, written))
}
