//! What tools, tool calls and a response schema cost in a prompt
//! (specification, section 6.2).
//!
//! The service shows a model its functions as TypeScript. The text is not
//! published; the rendering here is the best fit to recorded usage: exact or one
//! less for one flat function, within a tenth for several, tens off for nested
//! definitions. Treat all of it as approximate.

use std::fmt::Write as _;

use serde_json::{Map, Value};

use crate::Encoding;

/// Rendering stops here: no schema of a sane size reaches it, and one whose
/// references multiply must not fill the memory.
const MOST_CHARS: usize = 256 << 10;
/// Schemas nested deeper are `any`.
const MOST_DEPTH: usize = 24;
/// Property descriptions are shown above this depth.
const DESCRIBED_DEPTH: usize = 1;

/// Tokens that a prompt with functions has beside their rendering.
const TOOLS: usize = 9;
/// As many of them as a system message already has.
const SYSTEM: usize = 4;
/// Tokens of a call in an assistant's history beside its name and arguments (about).
const CALL: usize = 7;
/// Tokens of a response schema beside its texts, without those of a system
/// message: fitted to one recording (gpt-4o-mini, 2026-02).
const SCHEMA: usize = 2;

/// A function that a request offers.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ToolFunction<'a> {
    /// The function's name.
    pub name: &'a str,
    /// What it says it does.
    pub description: Option<&'a str>,
    /// The JSON schema of its parameters.
    pub parameters: Option<&'a Value>,
}

/// What `tool_choice` adds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ToolChoice<'a> {
    /// Nothing: `auto`, `required`, or none stated.
    #[default]
    Free,
    /// `none`.
    None,
    /// One function is forced.
    Named(&'a str),
}

/// The constant of a model family.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ToolOverhead {
    /// Tokens on top, once a prompt that has tools.
    pub constant: usize,
}

impl ToolOverhead {
    /// The constant of a model, by its name: gpt-5 adds 77 to 93 in recordings.
    #[must_use]
    pub fn for_model(model: &str) -> Self {
        let newer = model.to_ascii_lowercase().starts_with("gpt-5");
        Self { constant: if newer { 80 } else { 0 } }
    }
}

/// The tools of a chat prompt.
#[derive(Clone, Copy, Debug)]
pub struct ToolPrompt<'a> {
    /// In the request's order.
    pub functions: &'a [ToolFunction<'a>],
    /// `tool_choice` or `function_call`.
    pub choice: ToolChoice<'a>,
    /// The text of the first system or developer message, if there is one.
    pub system: Option<&'a str>,
}

/// A `response_format` of type `json_schema`.
#[derive(Clone, Copy, Debug)]
pub struct ResponseSchema<'a> {
    /// Its name.
    pub name: &'a str,
    /// The schema itself.
    pub schema: &'a Value,
    /// Whether the prompt has a system message.
    pub has_system: bool,
}

/// Tokens that tools add to a chat prompt; 0 without functions.
#[must_use]
pub fn tools_prompt_tokens(
    encoding: Encoding,
    overhead: ToolOverhead,
    prompt: ToolPrompt<'_>,
) -> usize {
    if prompt.functions.is_empty() {
        return 0;
    }
    let system = match prompt.system {
        None => TOOLS,
        Some(text) => {
            // With tools a system message ends in a line break.
            let longer = encoding.count(&format!("{text}\n"));
            (TOOLS - SYSTEM + longer).saturating_sub(encoding.count(text))
        }
    };
    let choice = match prompt.choice {
        ToolChoice::Free => 0,
        ToolChoice::None => 1,
        ToolChoice::Named(name) => 4 + encoding.count(name),
    };
    encoding.count(&render(prompt.functions)) + system + overhead.constant + choice
}

/// Tokens of one call in an assistant's history.
#[must_use]
pub fn tool_call_tokens(encoding: Encoding, name: &str, arguments: &str) -> usize {
    CALL + encoding.count(name) + encoding.count(arguments)
}

/// Tokens that a response schema adds to a chat prompt (approximate: one
/// recording is all that is known).
#[must_use]
pub fn response_schema_tokens(encoding: Encoding, schema: ResponseSchema<'_>) -> usize {
    let ResponseSchema { name, schema, has_system } = schema;
    let system = if has_system { 0 } else { SYSTEM };
    SCHEMA + system + encoding.count(name) + encoding.count(&schema.to_string())
}

/// The functions as TypeScript.
fn render(functions: &[ToolFunction<'_>]) -> String {
    let mut out = "namespace functions {\n\n".to_owned();
    for function in functions {
        describe(function.description, 0, &mut out);
        let root = function.parameters.unwrap_or(&Value::Null);
        match root.get("properties").and_then(Value::as_object).filter(|map| !map.is_empty()) {
            None => {
                let _ = write!(out, "type {} = () => any;\n\n", function.name);
            }
            Some(properties) => {
                let _ = writeln!(out, "type {} = (_: {{", function.name);
                let required = root.get("required");
                Render { root, out: &mut out }.properties(properties, required, 0);
                out.push_str("}) => any;\n\n");
            }
        }
    }
    out.push_str("} // namespace functions");
    out
}

fn describe(description: Option<&str>, indent: usize, out: &mut String) {
    for line in description.into_iter().flat_map(str::lines) {
        let _ = writeln!(out, "{:indent$}// {line}", "");
    }
}

struct Render<'a, 'o> {
    /// Where references start.
    root: &'a Value,
    out: &'o mut String,
}

impl<'a> Render<'a, '_> {
    fn properties(
        &mut self,
        properties: &'a Map<String, Value>,
        required: Option<&'a Value>,
        depth: usize,
    ) {
        // A set: requests may list thousands of names.
        let required: std::collections::BTreeSet<&str> = required
            .and_then(Value::as_array)
            .into_iter()
            .flatten()
            .filter_map(Value::as_str)
            .collect();
        let indent = depth * 2;
        for (name, schema) in properties {
            if MOST_CHARS < self.out.len() {
                return;
            }
            if depth < DESCRIBED_DEPTH {
                let description = schema.get("description").and_then(Value::as_str);
                describe(description, indent, self.out);
            }
            let mark = if required.contains(name.as_str()) { "" } else { "?" };
            let _ = write!(self.out, "{:indent$}{name}{mark}: ", "");
            self.schema(schema, depth);
            self.out.push_str(",\n");
        }
    }

    /// The type of a value.
    fn schema(&mut self, schema: &'a Value, depth: usize) {
        if MOST_DEPTH < depth || MOST_CHARS < self.out.len() {
            self.out.push_str("any");
            return;
        }
        let list =
            |key: &str| schema.get(key).and_then(Value::as_array).filter(|list| !list.is_empty());
        if let Some(target) = schema.get("$ref").and_then(Value::as_str) {
            let pointed = target.strip_prefix('#').and_then(|pointer| self.root.pointer(pointer));
            match pointed {
                Some(pointed) => self.schema(pointed, depth + 1),
                None => self.out.push_str("any"),
            }
        } else if let Some(values) = list("enum") {
            self.union(values, |render, value| {
                let _ = write!(render.out, "{value}");
            });
        } else if let Some(value) = schema.get("const") {
            let _ = write!(self.out, "{value}");
        } else if let Some(schemas) = list("anyOf").or_else(|| list("oneOf")) {
            self.union(schemas, |render, schema| render.schema(schema, depth + 1));
        } else if let Some([only]) = list("allOf").map(Vec::as_slice) {
            self.schema(only, depth + 1);
        } else {
            match schema.get("type") {
                Some(Value::Array(types)) => {
                    self.union(types, |render, name| render.named(name.as_str(), schema, depth));
                }
                name => self.named(name.and_then(Value::as_str), schema, depth),
            }
        }
    }

    fn union(&mut self, items: &'a [Value], mut item: impl FnMut(&mut Self, &'a Value)) {
        for (index, value) in items.iter().enumerate() {
            if MOST_CHARS < self.out.len() {
                return;
            }
            if 0 < index {
                self.out.push_str(" | ");
            }
            item(self, value);
        }
    }

    fn named(&mut self, name: Option<&str>, schema: &'a Value, depth: usize) {
        match name {
            Some("string") => self.out.push_str("string"),
            Some("number" | "integer") => self.out.push_str("number"),
            Some("boolean") => self.out.push_str("boolean"),
            Some("null") => self.out.push_str("null"),
            Some("array") => {
                match schema.get("items") {
                    Some(items) => self.schema(items, depth + 1),
                    None => self.out.push_str("any"),
                }
                self.out.push_str("[]");
            }
            Some("object") => {
                self.out.push_str("{\n");
                if let Some(properties) = schema.get("properties").and_then(Value::as_object) {
                    self.properties(properties, schema.get("required"), depth + 1);
                }
                let indent = depth * 2;
                let _ = write!(self.out, "{:indent$}}}", "");
            }
            _ => self.out.push_str("any"),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;
    use crate::{ChatMessage, ChatOverhead, chat_prompt_tokens};

    fn temperature() -> Value {
        json!({"type": "object", "required": ["city"], "properties": {"city": {
            "type": "string", "description": "The name of the city to get the temperature for."
        }}})
    }

    fn prompt<'a>(functions: &'a [ToolFunction<'a>], system: Option<&'a str>) -> ToolPrompt<'a> {
        ToolPrompt { functions, choice: ToolChoice::Free, system }
    }

    const NONE: ToolOverhead = ToolOverhead { constant: 0 };

    /// Recorded: gpt-4o-mini, 2026-01, 66 prompt tokens.
    #[test]
    fn a_recorded_prompt_with_a_function_costs_what_was_billed() {
        let parameters = temperature();
        let functions = [ToolFunction {
            name: "get_current_temperature",
            description: Some("Get the current temperature in a city."),
            parameters: Some(&parameters),
        }];
        let encoding = Encoding::O200kBase;
        let content = ["What is the temperature in San Francisco?"];
        let message = ChatMessage { role: "user", name: None, content: &content };
        let texts = chat_prompt_tokens(encoding, ChatOverhead::for_model("gpt-4o-mini"), [message]);
        let tools = tools_prompt_tokens(encoding, NONE, prompt(&functions, None));
        assert_eq!(texts + tools, 66);
        // A system message has four of them already, and gets a line break.
        let beside = tools_prompt_tokens(encoding, NONE, prompt(&functions, Some("You help")));
        assert_eq!(beside, tools - 4 + 1);
        for (choice, more) in
            [(ToolChoice::None, 1), (ToolChoice::Named("get_current_temperature"), 4 + 3)]
        {
            let forced = ToolPrompt { choice, ..prompt(&functions, None) };
            assert_eq!(tools_prompt_tokens(encoding, NONE, forced), tools + more);
        }
        let newer = ToolOverhead::for_model("gpt-5-mini");
        assert_eq!(tools_prompt_tokens(encoding, newer, prompt(&functions, None)), tools + 80);
        assert_eq!(tools_prompt_tokens(encoding, newer, prompt(&[], None)), 0);
    }

    #[test]
    fn functions_look_like_typescript() {
        let parameters = json!({
            "type": "object", "required": ["place", "unit"],
            "$defs": {"Place": {"type": "object", "required": ["city"], "properties": {
                "city": {"type": "string", "description": "not shown: too deep"},
                "near": {"type": "array", "items": {"$ref": "#/$defs/Place"}, "maxItems": 2},
            }}},
            "properties": {
                "place": {"type": "object", "properties": {"city": {"type": "string"}}},
                "unit": {"enum": ["c", "f", 3], "description": "Which\nunit"},
                "days": {"type": ["integer", "null"]},
                "tags": {"type": "array", "items": {"type": "string"}},
                "wind": {"anyOf": [{"type": "boolean"}, {"const": "strong"}]},
            },
        });
        let functions = [
            ToolFunction { name: "ping", description: None, parameters: None },
            ToolFunction {
                name: "forecast",
                description: Some("Weather"),
                parameters: Some(&parameters),
            },
        ];
        let mut lines: Vec<String> = render(&functions).lines().map(str::to_owned).collect();
        lines.sort_unstable();
        let mut expected: Vec<&str> = "namespace functions {\n\ntype ping = () => any;\n\n// Weather\ntype forecast = (_: {\nplace: {\n  city?: string,\n},\n// Which\n// unit\nunit: \"c\" | \"f\" | 3,\ndays?: number | null,\ntags?: string[],\nwind?: boolean | \"strong\",\n}) => any;\n\n} // namespace functions"
            .lines()
            .collect();
        expected.sort_unstable();
        assert_eq!(lines, expected);
    }

    #[test]
    fn references_that_multiply_end() {
        let branch = json!({"type": "object", "properties": {
            "a": {"$ref": "#"}, "b": {"$ref": "#"}, "c": {"$ref": "#"},
        }});
        let function = ToolFunction { name: "f", description: None, parameters: Some(&branch) };
        assert!(render(&[function]).len() < MOST_CHARS * 2);
        let circle = json!({"properties": {"a": {"$ref": "#/properties/a"}}});
        let function = ToolFunction { name: "f", description: None, parameters: Some(&circle) };
        assert!(render(&[function]).contains("a?: any"));
    }

    #[test]
    fn calls_and_schemas_cost_their_texts_and_a_little() {
        let encoding = Encoding::O200kBase;
        assert_eq!(tool_call_tokens(encoding, "multiply", r#"{"a":3,"b":12}"#), 7 + 1 + 9);
        let schema = json!({"type": "object"});
        let tokens = |has_system| {
            response_schema_tokens(
                encoding,
                ResponseSchema { name: "Point", schema: &schema, has_system },
            )
        };
        assert_eq!(tokens(true), 2 + 1 + encoding.count(r#"{"type":"object"}"#));
        assert_eq!(tokens(false), tokens(true) + 4);
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]
        #[test]
        fn any_json_can_be_rendered(text in r#"[\[{"a$ref#/properties:enum,type}\]0-9 ]{0,80}"#) {
            let parameters = serde_json::from_str(&text).unwrap_or(Value::String(text));
            let function = ToolFunction { name: "f", description: None, parameters: Some(&parameters) };
            prop_assert!(render(&[function]).starts_with("namespace"));
        }
    }
}
