//! The response object and its items, on one line, keys in the recorded order
//! (specification, section 2.6).

use std::fmt::Write as _;

use super::answer::{Answer, Item, Output, Piece};
use super::era::{Era, Vendor};
use crate::api::object::json_string;
use crate::api::usage::Usage;
use crate::config::Layout;
use crate::filter::{completion_categories, prompt_categories};

/// How far a response is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Stage {
    Queued,
    InProgress,
    /// It ended by itself, at this second.
    Over(u64),
    Cancelled,
    Failed {
        code: String,
        message: String,
    },
}

/// How an item is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Shown {
    /// When it begins: without what it will say.
    Begun,
    Done,
}

const SAFE: &str = r#"{"filtered":false,"severity":"safe"}"#;
const CLEAN: &str = r#"{"detected":false,"filtered":false}"#;
/// What 2026 reports of tools that the service runs itself.
const TOOL_USAGE: &str = r#"{"image_gen":{"input_tokens":0,"input_tokens_details":{"image_tokens":0,"text_tokens":0},"output_tokens":0,"output_tokens_details":{"image_tokens":0,"text_tokens":0},"total_tokens":0},"web_search":{"num_requests":0}}"#;

impl Answer {
    /// The response object at a stage. `whole` is a body of its own, not a part of
    /// an event.
    pub(super) fn object(&self, stage: &Stage, whole: bool) -> String {
        let mut out = String::with_capacity(1_024);
        self.write_object(stage, whole, &mut out);
        out
    }

    pub(super) fn write_object(&self, stage: &Stage, whole: bool, out: &mut String) {
        let settings = &self.settings;
        let newer = self.era == Era::Y2026;
        let over = matches!(stage, Stage::Over(_));
        let _ = write!(
            out,
            r#"{{"id":"{}","object":"response","created_at":{},"status":"{}","background":{}"#,
            self.id,
            self.created,
            self.status(stage),
            settings.background,
        );
        if whole && over && self.vendor == Vendor::OpenAi {
            out.push_str(r#","billing":{"payer":"developer"}"#);
        }
        if newer {
            match stage {
                Stage::Over(second) if self.incomplete.is_none() => {
                    let _ = write!(out, r#","completed_at":{second}"#);
                }
                _ => out.push_str(r#","completed_at":null"#),
            }
        }
        if self.vendor == Vendor::Azure {
            out.push_str(r#","content_filters":"#);
            if newer && over { self.write_filters(out) } else { out.push_str("null") }
        }
        match stage {
            Stage::Failed { code, message } => {
                let (code, message) = (json_string(code), json_string(message));
                let _ = write!(out, r#","error":{{"code":{code},"message":{message}}}"#);
            }
            _ => out.push_str(r#","error":null"#),
        }
        if newer {
            let _ = write!(out, r#","frequency_penalty":{:?}"#, settings.frequency_penalty);
        }
        match self.incomplete {
            Some(reason) if over => {
                let _ = write!(out, r#","incomplete_details":{{"reason":"{reason}"}}"#);
            }
            _ => out.push_str(r#","incomplete_details":null"#),
        }
        let _ = write!(
            out,
            r#","instructions":{},"max_output_tokens":{},"max_tool_calls":{},"model":{}"#,
            settings.instructions,
            number_or_null(settings.max_output_tokens),
            number_or_null(settings.max_tool_calls),
            json_string(&self.model),
        );
        if newer {
            out.push_str(r#","moderation":null"#);
        }
        out.push_str(r#","output":["#);
        if over {
            for (at, item) in self.items.iter().enumerate() {
                if 0 < at {
                    out.push(',');
                }
                self.write_item(item, Shown::Done, out);
            }
        }
        let _ = write!(out, r#"],"parallel_tool_calls":{}"#, settings.parallel_tool_calls);
        if newer {
            let _ = write!(out, r#","presence_penalty":{:?}"#, settings.presence_penalty);
        }
        let _ = write!(
            out,
            r#","previous_response_id":{},"prompt_cache_key":{}"#,
            settings.previous_response_id, settings.prompt_cache_key,
        );
        if newer {
            let _ =
                write!(out, r#","prompt_cache_retention":"{}""#, settings.prompt_cache_retention);
        }
        let tier = if over { settings.tier.served() } else { settings.tier.asked() };
        let _ = write!(
            out,
            r#","reasoning":{},"safety_identifier":{},"service_tier":"{tier}","store":{},"temperature":{:?},"text":{},"tool_choice":{}"#,
            settings.reasoning.json(self.era),
            settings.safety_identifier,
            settings.store,
            settings.temperature,
            settings.text,
            settings.tool_choice,
        );
        if newer {
            let _ = write!(out, r#","tool_usage":{TOOL_USAGE}"#);
        }
        let _ = write!(
            out,
            r#","tools":{},"top_logprobs":{},"top_p":{:?},"truncation":"{}","usage":"#,
            settings.tools, settings.top_logprobs, settings.top_p, settings.truncation,
        );
        if over {
            usage(self.usage, self.era, out)
        } else {
            out.push_str("null")
        }
        let _ = write!(out, r#","user":{},"metadata":{}}}"#, settings.user, settings.metadata);
    }

    fn status(&self, stage: &Stage) -> &'static str {
        match stage {
            Stage::Queued => "queued",
            Stage::InProgress => "in_progress",
            Stage::Over(_) if self.incomplete.is_some() => "incomplete",
            Stage::Over(_) => "completed",
            Stage::Cancelled => "cancelled",
            Stage::Failed { .. } => "failed",
        }
    }

    /// Offsets are characters: what the service counts in them is not known.
    fn write_filters(&self, out: &mut String) {
        let completion: usize = self
            .items
            .iter()
            .map(|item| match &item.content {
                Output::Text(pieces) | Output::Refusal(pieces) => chars(pieces),
                Output::Call { arguments, .. } => chars(arguments),
                Output::Reasoning { .. } => 0,
            })
            .sum();
        let clean_prompt = format!(
            r#"{{"hate":{SAFE},"sexual":{SAFE},"violence":{SAFE},"self_harm":{SAFE},"jailbreak":{CLEAN}}}"#
        );
        let clean_completion = format!(
            r#"{{"protected_material_code":{CLEAN},"protected_material_text":{CLEAN},"hate":{SAFE},"sexual":{SAFE},"violence":{SAFE},"self_harm":{SAFE}}}"#
        );
        let (prompt_categories, _) = prompt_categories(Layout::Azure);
        let (completion_categories, _) = completion_categories(Layout::Azure);
        let [prompt, said] = &self.findings;
        let filters = [
            ("prompt", prompt, prompt.results(prompt_categories, &clean_prompt), self.prompt_chars),
            (
                "completion",
                said,
                said.results(completion_categories, &clean_completion),
                completion as u64,
            ),
        ];
        for (index, (source, findings, results, end)) in filters.into_iter().enumerate() {
            out.push(if index == 0 { '[' } else { ',' });
            let blocked = findings.blocked();
            let _ = write!(
                out,
                r#"{{"blocked":{blocked},"source_type":"{source}","content_filter_raw":[],"content_filter_results":{results},"content_filter_offsets":{{"start_offset":0,"end_offset":{end},"check_offset":0}}}}"#
            );
        }
        out.push(']');
    }

    /// An item, when it begins or when it is done.
    pub(super) fn write_item(&self, item: &Item, shown: Shown, out: &mut String) {
        let done = shown == Shown::Done;
        let status = match shown {
            Shown::Begun => "in_progress",
            // The last item is what the maximum, or a filter, cut off.
            Shown::Done if self.incomplete.is_some() && self.items.last() == Some(item) => {
                "incomplete"
            }
            Shown::Done => "completed",
        };
        let _ = write!(out, r#"{{"id":"{}","#, item.id);
        match &item.content {
            Output::Reasoning { summary, sealed } => {
                let sealed = sealed.as_ref().map(|[begun, end]| if done { end } else { begun });
                let summary = if done { summary.as_slice() } else { &[] };
                out.push_str(&reasoning(summary, sealed.map(String::as_str), self.era));
            }
            Output::Text(pieces) => {
                message(status, done.then(|| text_part(&pieces.concat())), out);
            }
            Output::Refusal(pieces) => {
                message(status, done.then(|| refusal_part(&pieces.concat())), out);
            }
            Output::Call { call_id, name, arguments } => {
                let arguments = if done { arguments.concat() } else { String::new() };
                let _ = write!(
                    out,
                    r#""type":"function_call","status":"{status}","arguments":{},"call_id":"{call_id}","name":{}}}"#,
                    json_string(&arguments),
                    json_string(name),
                );
            }
        }
    }
}

/// A reasoning item behind its id.
pub(super) fn reasoning(summary: &[Vec<Piece>], sealed: Option<&str>, era: Era) -> String {
    let parts: Vec<String> = summary.iter().map(|part| summary_part(&part.concat())).collect();
    let sealed = match (sealed, era) {
        (None, _) => String::new(),
        (Some(sealed), Era::Y2026) => format!(r#""content":[],"encrypted_content":"{sealed}","#),
        (Some(sealed), Era::Y2025) => format!(r#""encrypted_content":"{sealed}","#),
    };
    format!(r#""type":"reasoning",{sealed}"summary":[{}]}}"#, parts.join(","))
}

fn message(status: &str, part: Option<String>, out: &mut String) {
    let _ = write!(
        out,
        r#""type":"message","status":"{status}","content":[{}],"role":"assistant"}}"#,
        part.unwrap_or_default()
    );
}

pub(super) fn text_part(text: &str) -> String {
    format!(
        r#"{{"type":"output_text","annotations":[],"logprobs":[],"text":{}}}"#,
        json_string(text)
    )
}

pub(super) fn refusal_part(text: &str) -> String {
    format!(r#"{{"type":"refusal","refusal":{}}}"#, json_string(text))
}

pub(super) fn summary_part(text: &str) -> String {
    format!(r#"{{"type":"summary_text","text":{}}}"#, json_string(text))
}

fn usage(usage: Usage, era: Era, out: &mut String) {
    let Usage { prompt_tokens, cached_tokens, completion_tokens, reasoning_tokens } = usage;
    let written = match era {
        Era::Y2025 => "",
        Era::Y2026 => r#""cache_write_tokens":0,"#,
    };
    let _ = write!(
        out,
        r#"{{"input_tokens":{prompt_tokens},"input_tokens_details":{{{written}"cached_tokens":{cached_tokens}}},"output_tokens":{completion_tokens},"output_tokens_details":{{"reasoning_tokens":{reasoning_tokens}}},"total_tokens":{}}}"#,
        prompt_tokens.saturating_add(completion_tokens),
    );
}

fn number_or_null(number: Option<u64>) -> String {
    number.map_or_else(|| "null".to_owned(), |number| number.to_string())
}

fn chars(pieces: &[Piece]) -> usize {
    pieces.iter().map(|piece| piece.chars().count()).sum()
}
