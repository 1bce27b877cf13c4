//! What kind of answer a choice is, and writing one of each kind.
//!
//! [`decide`] looks at what the request allows and the deployment's settings say;
//! [`write`] makes the pieces. Rules that know better may skip the first.

use std::borrow::Cow;

use rand::{Rng, RngExt as _};
use tokens::Encoding;

use super::calls::{Dialect, FunctionCall, Offer, ToolChoice, calls};
use super::filler::{self, Call, Completion, Finish, Lengths, Said};
use super::json::Json;
use super::schema;
use crate::answer::Given;
use crate::config::{AnswerForms, ToolCalls};

/// Tokens of a single call beside its name and arguments, and of each of several: what
/// the few recordings of gpt-4o and gpt-4o-mini bill. No rule is published.
const SINGLE_CALL_TOKENS: u64 = 8;
const PARALLEL_CALL_TOKENS: u64 = 12;

/// What a refusing model says.
const REFUSAL: &str = "I'm sorry, I can't assist with that request.";

/// The kinds of answers.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Form<'a> {
    /// Filler text.
    Text,
    /// `response_format: json_object`.
    JsonObject,
    /// `response_format: json_schema`: valid against it.
    Structured(&'a Json),
    /// Calls of the offered functions.
    Calls(&'a Offer),
    /// The model will not.
    Refusal,
    /// A text, or a refusal, given in advance.
    Given(&'a Given),
    /// A call given in advance: the function's name and its arguments.
    GivenCall(&'a Offer, &'a str, &'a str),
}

/// What a request allows.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Wish<'a> {
    pub offer: Option<&'a Offer>,
    pub format: Format<'a>,
    /// Whether the last message is a user's, not a tool's result.
    pub users_turn: bool,
    /// What is given in advance.
    pub given: Option<&'a Given>,
}

/// `response_format`.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(crate) enum Format<'a> {
    #[default]
    Text,
    JsonObject,
    Schema(&'a Json),
}

/// Which kind of answer it is.
pub(crate) fn decide<'a>(wish: Wish<'a>, settings: &AnswerForms, rng: &mut impl Rng) -> Form<'a> {
    match (wish.given, wish.offer) {
        (Some(given @ (Given::Text(_) | Given::Refusal(_))), _) => return Form::Given(given),
        // A function that is not offered cannot be called.
        (Some(Given::Call { name, arguments }), Some(offer)) if offer.has(name) => {
            return Form::GivenCall(offer, name, arguments);
        }
        (Some(Given::Call { .. }) | None, _) => {}
    }
    if let Some(offer) = wish.offer {
        let calls = match (offer.choice, settings.tool_calls) {
            (ToolChoice::None, _) => false,
            (ToolChoice::Required | ToolChoice::Named(_), _) => true,
            (ToolChoice::Auto, ToolCalls::Auto) => wish.users_turn,
            (ToolChoice::Auto, ToolCalls::Always) => true,
            (ToolChoice::Auto, ToolCalls::Never) => false,
        };
        if calls {
            return Form::Calls(offer);
        }
    }
    match wish.format {
        Format::Text => Form::Text,
        Format::JsonObject => Form::JsonObject,
        // Drawn only when asked for, so that the setting's default changes no content.
        Format::Schema(_)
            if 0.0 < settings.refusal_probability
                && rng.random_bool(settings.refusal_probability.min(1.0)) =>
        {
            Form::Refusal
        }
        Format::Schema(schema) => Form::Structured(schema),
    }
}

/// Writes a choice.
pub(crate) fn write(
    form: Form<'_>,
    lengths: Lengths<'_>,
    settings: &AnswerForms,
    rng: &mut impl Rng,
) -> Completion {
    match form {
        Form::Text => filler::completion(lengths, rng),
        Form::Refusal => {
            let written = fixed(REFUSAL, lengths, rng);
            Completion { said: Said::Refusal, ..written }
        }
        Form::Given(given) => given_text(given, lengths, rng),
        Form::GivenCall(offer, name, arguments) => {
            let call = FunctionCall { name: name.to_owned(), arguments: arguments.to_owned() };
            called(&[call], offer, lengths, rng)
        }
        Form::JsonObject => fixed(&any_object(lengths, rng), lengths, rng),
        Form::Structured(schema) => {
            let value = schema::generate(schema, rng);
            fixed(&value.compact(), lengths, rng)
        }
        Form::Calls(offer) => {
            let made = calls(offer, settings.parallel_call_probability, rng);
            called(&made, offer, lengths, rng)
        }
    }
}

/// A text, or a refusal, given in advance. A call cannot be written without an
/// offer: of one there is nothing.
pub(crate) fn given_text(given: &Given, lengths: Lengths<'_>, rng: &mut impl Rng) -> Completion {
    match given {
        Given::Text(text) => fixed(text, lengths, rng),
        Given::Refusal(text) => Completion { said: Said::Refusal, ..fixed(text, lengths, rng) },
        Given::Call { .. } => Completion::default(),
    }
}

/// A given text, cut at the maximum of tokens and at stop sequences.
pub(crate) fn fixed(text: &str, lengths: Lengths<'_>, rng: &mut impl Rng) -> Completion {
    let limit = lengths.limit();
    let reasoning_tokens = lengths.reasoning(rng);
    let mut completion = Completion { reasoning_tokens, ..Completion::default() };
    let whole = completion.append(text, lengths.encoding, limit - reasoning_tokens);
    completion.finish = if whole { Finish::Stop } else { Finish::Length };
    filler::cut_at_stop(completion, lengths.stop, lengths.encoding)
}

/// `json_object` promises JSON and no schema: an answer of a natural length, and a
/// number beside it.
fn any_object(lengths: Lengths<'_>, rng: &mut impl Rng) -> String {
    const FRAME: u64 = 12;
    let answer = filler::sentences(lengths.natural(rng).saturating_sub(FRAME), rng);
    let confidence = f64::from(rng.random_range(50..100)) / 100.0;
    let answer = serde_json::Value::String(answer);
    format!(r#"{{"answer":{answer},"confidence":{confidence}}}"#)
}

fn called(
    made: &[FunctionCall],
    offer: &Offer,
    lengths: Lengths<'_>,
    rng: &mut impl Rng,
) -> Completion {
    let reasoning_tokens = lengths.reasoning(rng);
    let mut completion = Completion { reasoning_tokens, ..Completion::default() };
    let overhead = if made.len() == 1 { SINGLE_CALL_TOKENS } else { PARALLEL_CALL_TOKENS };
    let mut list = Vec::new();
    let mut whole = true;
    for call in made {
        let named = overhead + lengths.encoding.count(&call.name) as u64;
        let left = lengths.limit().saturating_sub(completion.tokens());
        // A maximum that ends in the middle ends the list of calls too; the first
        // one is begun in any case.
        if !list.is_empty() && left <= named {
            whole = false;
            break;
        }
        let from = completion.pieces.len();
        whole = completion.append(&call.arguments, lengths.encoding, left.saturating_sub(named));
        if list.is_empty() || from < completion.pieces.len() {
            completion.extra_tokens += named.min(left);
            list.push(Call { name: call.name.clone(), from });
        }
        if !whole {
            break;
        }
    }
    completion.finish = match (whole, offer.dialect, offer.choice) {
        (false, ..) => Finish::Length,
        // A forced call ends as a text does (specification, section 2.3).
        (true, _, ToolChoice::Named(_)) => Finish::Stop,
        (true, Dialect::Tools, _) => Finish::ToolCalls,
        (true, Dialect::Functions, _) => Finish::FunctionCall,
    };
    completion.said = Said::Calls(list);
    completion
}

impl Completion {
    /// Adds a text up to a number of tokens; says whether all of it fitted.
    fn append(&mut self, text: &str, encoding: Encoding, most: u64) -> bool {
        let mut used = 0;
        for piece in encoding.split(text) {
            used += piece.tokens as u64;
            if most < used {
                return false;
            }
            self.pieces.push(Cow::Owned(piece.text.to_owned()));
            self.extra_tokens += piece.tokens as u64 - 1;
        }
        true
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use seam::rng::Seed;

    use super::super::calls::Tool;
    use super::*;
    use crate::config::CompletionLength;

    const FORMS: AnswerForms = AnswerForms {
        tool_calls: ToolCalls::Auto,
        parallel_call_probability: 0.0,
        refusal_probability: 0.0,
    };

    fn settings() -> CompletionLength {
        CompletionLength { fill_max_tokens: false, mean: 60.0, sigma: 0.5, mean_reasoning: 0.0 }
    }

    fn lengths(settings: &CompletionLength, max_tokens: Option<u64>) -> Lengths<'_> {
        let encoding = Encoding::O200kBase;
        Lengths { settings, max_tokens, cap: 4_096, stop: &[], encoding }
    }

    fn offer(choice: ToolChoice, dialect: Dialect) -> Offer {
        let parameters = r#"{"type":"object","required":["city"],"properties":{
            "city":{"const":"San Francisco"}}}"#;
        let parameters = serde_json::from_str(parameters).ok();
        let tools = vec![Tool { name: "get_current_temperature".to_owned(), parameters }];
        Offer { tools, choice, parallel: true, dialect }
    }

    /// Recorded: 17 completion tokens and these fragments (gpt-4o-mini, 2026-01).
    #[test]
    fn a_recorded_call_costs_what_was_billed() {
        let offer = offer(ToolChoice::Auto, Dialect::Tools);
        let settings = settings();
        let mut rng = Seed(1).stream("x");
        let made = write(Form::Calls(&offer), lengths(&settings, None), &FORMS, &mut rng);
        assert_eq!(made.pieces, [r#"{""#, "city", r#"":""#, "San", " Francisco", r#""}"#]);
        assert_eq!(made.tokens(), 17);
        assert_eq!(made.finish, Finish::ToolCalls);
        let calls = vec![Call { name: "get_current_temperature".to_owned(), from: 0 }];
        assert_eq!(made.said, Said::Calls(calls));
        assert_eq!(made.arguments(0), r#"{"city":"San Francisco"}"#);
    }

    #[test]
    fn the_finish_reason_tells_how_it_was_asked() {
        let settings = settings();
        let finish = |choice, dialect, max_tokens| {
            let offer = offer(choice, dialect);
            let mut rng = Seed(1).stream("x");
            write(Form::Calls(&offer), lengths(&settings, max_tokens), &FORMS, &mut rng).finish
        };
        assert_eq!(finish(ToolChoice::Required, Dialect::Tools, None), Finish::ToolCalls);
        assert_eq!(finish(ToolChoice::Named(0), Dialect::Tools, None), Finish::Stop);
        assert_eq!(finish(ToolChoice::Auto, Dialect::Functions, None), Finish::FunctionCall);
        assert_eq!(finish(ToolChoice::Auto, Dialect::Tools, Some(14)), Finish::Length);
    }

    #[test]
    fn several_calls_share_the_pieces() {
        let forms = AnswerForms { parallel_call_probability: 1.0, ..FORMS };
        let offer = offer(ToolChoice::Auto, Dialect::Tools);
        let settings = settings();
        let mut rng = Seed(1).stream("x");
        let made = write(Form::Calls(&offer), lengths(&settings, None), &forms, &mut rng);
        let Said::Calls(calls) = &made.said else { panic!("{made:?}") };
        assert_eq!(calls.len(), 8);
        for index in 0..8 {
            assert_eq!(made.arguments(index), r#"{"city": "San Francisco"}"#);
        }
        let arguments = Encoding::O200kBase.count(r#"{"city": "San Francisco"}"#) as u64;
        assert_eq!(made.tokens(), 8 * (12 + 3 + arguments));
    }

    #[test]
    fn what_is_decided_follows_the_request() {
        let auto = offer(ToolChoice::Auto, Dialect::Tools);
        let none = offer(ToolChoice::None, Dialect::Tools);
        let named = offer(ToolChoice::Named(0), Dialect::Tools);
        let schema = Json::Bool(true);
        let check = |wish: Wish<'_>, tool_calls, expected: Form<'_>| {
            let forms = AnswerForms { tool_calls, ..FORMS };
            assert_eq!(decide(wish, &forms, &mut Seed(1).stream("x")), expected);
        };
        let user = Wish { users_turn: true, ..Wish::default() };
        check(user, ToolCalls::Always, Form::Text);
        let wish = Wish { offer: Some(&auto), ..user };
        check(wish, ToolCalls::Auto, Form::Calls(&auto));
        check(wish, ToolCalls::Never, Form::Text);
        let result = Wish { users_turn: false, ..wish };
        check(result, ToolCalls::Auto, Form::Text);
        check(result, ToolCalls::Always, Form::Calls(&auto));
        check(Wish { offer: Some(&none), ..user }, ToolCalls::Always, Form::Text);
        check(Wish { offer: Some(&named), ..result }, ToolCalls::Never, Form::Calls(&named));
        let structured = Wish { format: Format::Schema(&schema), ..result };
        check(structured, ToolCalls::Auto, Form::Structured(&schema));
        check(Wish { format: Format::JsonObject, ..user }, ToolCalls::Auto, Form::JsonObject);
        let forms = AnswerForms { refusal_probability: 1.0, ..FORMS };
        assert_eq!(decide(structured, &forms, &mut Seed(1).stream("x")), Form::Refusal);
        assert_eq!(decide(user, &forms, &mut Seed(1).stream("x")), Form::Text);
    }

    #[test]
    fn a_refusal_is_said_as_one() {
        let settings = settings();
        let mut rng = Seed(1).stream("x");
        let made = write(Form::Refusal, lengths(&settings, None), &FORMS, &mut rng);
        assert_eq!((made.said.clone(), made.finish), (Said::Refusal, Finish::Stop));
        assert_eq!(made.text(), REFUSAL);
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]
        #[test]
        fn json_answers_are_json_of_an_exact_count(seed: u64) {
            let settings = settings();
            let mut rng = Seed(seed).stream("x");
            let made = write(Form::JsonObject, lengths(&settings, None), &FORMS, &mut rng);
            let text = made.text();
            let value: serde_json::Value = serde_json::from_str(&text).unwrap();
            prop_assert!(value.is_object());
            prop_assert_eq!(made.tokens(), Encoding::O200kBase.count(&text) as u64);
        }

        #[test]
        fn any_text_is_cut_at_its_maximum(text in "\\PC{0,80}", max in 1_u64..60, seed: u64) {
            let settings = settings();
            let made = fixed(&text, lengths(&settings, Some(max)), &mut Seed(seed).stream("x"));
            prop_assert!(made.tokens() <= max);
            prop_assert!(text.starts_with(&made.text()));
            let whole = Encoding::O200kBase.count(&text) as u64 <= max;
            prop_assert_eq!(made.finish, if whole { Finish::Stop } else { Finish::Length });
            prop_assert_eq!(made.text() == text, whole);
        }

        #[test]
        fn calls_keep_the_maximum(max in 1_u64..60, seed: u64) {
            let forms = AnswerForms { parallel_call_probability: 0.7, ..FORMS };
            let settings = settings();
            let offer = offer(ToolChoice::Required, Dialect::Tools);
            let mut rng = Seed(seed).stream("x");
            let made = write(Form::Calls(&offer), lengths(&settings, Some(max)), &forms, &mut rng);
            prop_assert!(made.tokens() <= max, "{} of {max}", made.tokens());
            if made.finish != Finish::Length {
                let Said::Calls(calls) = &made.said else { panic!("{made:?}") };
                for index in 0..calls.len() {
                    prop_assert!(serde_json::from_str::<serde_json::Value>(&made.arguments(index)).is_ok());
                }
            }
        }
    }
}
