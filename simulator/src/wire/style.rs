//! How the same error is laid out by the two services (specification, sections
//! 1.3 to 1.5). Clients read the JSON only; the bytes are as recorded.

use serde::Serialize;
use serde_json::ser::PrettyFormatter;

/// Who answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Style {
    /// Azure: two spaces, and a final newline.
    #[default]
    Azure,
    /// OpenAI: what its edge decides by four spaces and a final newline, what a
    /// model's layer decides by two without one.
    OpenAi,
    /// OpenAI's newer endpoints: always two spaces, no newline.
    OpenAiResponses,
}

impl Style {
    pub(crate) fn is_openai(self) -> bool {
        self != Self::Azure
    }
}

/// `{"error":{"message":…,"type":…,"param":…,"code":…}}`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct ErrorObject {
    message: String,
    kind: &'static str,
    param: Option<String>,
    code: Option<String>,
    /// Decided before any model was looked at.
    edge: bool,
}

impl ErrorObject {
    pub(super) fn new(
        message: impl Into<String>,
        kind: &'static str,
        param: Option<&str>,
        code: Option<&str>,
    ) -> Self {
        Self {
            message: message.into(),
            kind,
            param: param.map(str::to_owned),
            code: code.map(str::to_owned),
            edge: false,
        }
    }

    pub(super) fn of_the_edge(self) -> Self {
        Self { edge: true, ..self }
    }

    pub(super) fn text(&self, style: Style) -> String {
        let (indent, end): (&[u8], _) = match (style, self.edge) {
            (Style::Azure, _) => (b"  ", "\n"),
            (Style::OpenAi, true) => (b"    ", "\n"),
            (Style::OpenAi, false) | (Style::OpenAiResponses, _) => (b"  ", ""),
        };
        #[derive(Serialize)]
        struct Body<'a> {
            error: Inner<'a>,
        }
        #[derive(Serialize)]
        struct Inner<'a> {
            message: &'a str,
            r#type: &'a str,
            param: Option<&'a str>,
            code: Option<&'a str>,
        }
        let Self { message, kind, param, code, .. } = self;
        let (param, code) = (param.as_deref(), code.as_deref());
        let body = Body { error: Inner { message, r#type: kind, param, code } };
        let mut bytes = Vec::new();
        let formatter = PrettyFormatter::with_indent(indent);
        let mut serializer = serde_json::Serializer::with_formatter(&mut bytes, formatter);
        // Strings into memory: neither can fail.
        let _ = body.serialize(&mut serializer);
        let mut text = String::from_utf8(bytes).unwrap_or_default();
        text.push_str(end);
        text
    }
}
