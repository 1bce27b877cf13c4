//! A request's body: a JSON object, or a form with files.

use bytes::Bytes;
use futures_util::stream;
use serde_json::{Map, Value};

use super::fields::{Parsed, parse_json};
use crate::wire::ApiError;

/// The fields of a body, and the files a form has beside them.
#[derive(Debug, Clone, Default)]
pub(crate) struct Payload {
    /// A form's fields are texts; those whose name ends in `[]` are arrays of them,
    /// under the name without it.
    pub fields: Map<String, Value>,
    pub files: Vec<File>,
    /// The body as it was sent.
    pub bytes: Bytes,
}

/// A file of a form.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct File {
    pub field: String,
    pub name: String,
    pub bytes: Bytes,
}

impl Payload {
    /// A body that is a JSON object.
    pub(crate) fn json(bytes: Bytes) -> Parsed<Self> {
        Ok(Self { fields: parse_json(&bytes)?, files: Vec::new(), bytes })
    }

    /// A body that is a form (`multipart/form-data`).
    pub(crate) async fn form(content_type: Option<&str>, bytes: Bytes) -> Parsed<Self> {
        let Some(boundary) = content_type.and_then(|text| multer::parse_boundary(text).ok()) else {
            return Err(ApiError::not_a_form(content_type.unwrap_or_default()));
        };
        let body = stream::iter([Ok::<_, std::convert::Infallible>(bytes.clone())]);
        let mut parts = multer::Multipart::new(body, boundary);
        let mut payload = Self { bytes, ..Self::default() };
        let broken = |_| ApiError::broken_form();
        while let Some(part) = parts.next_field().await.map_err(broken)? {
            let field = part.name().unwrap_or_default().to_owned();
            match part.file_name().map(str::to_owned) {
                Some(name) => {
                    let bytes = part.bytes().await.map_err(broken)?;
                    payload.files.push(File { field, name, bytes });
                }
                None => {
                    let text = part.text().await.map_err(broken)?;
                    payload.add(field, text);
                }
            }
        }
        Ok(payload)
    }

    fn add(&mut self, field: String, text: String) {
        match field.strip_suffix("[]") {
            Some(name) => {
                let list = self.fields.entry(name).or_insert_with(|| Value::Array(Vec::new()));
                if let Value::Array(items) = list {
                    items.push(Value::String(text));
                }
            }
            None => {
                self.fields.insert(field, Value::String(text));
            }
        }
    }

    /// The first file of a field; `image[]` is `image` too.
    pub(crate) fn file(&self, field: &str) -> Option<&File> {
        self.files_of(field).next()
    }

    pub(crate) fn files_of(&self, field: &str) -> impl Iterator<Item = &File> {
        self.files.iter().filter(move |file| file.field.trim_end_matches("[]") == field)
    }
}

/// Reads what a form can only write as text.
pub(super) mod text {
    use serde_json::Value;

    use super::super::fields::{self, Fields, Parsed};
    use crate::wire::ApiError;

    /// A text; an empty one is the same as none.
    pub(in crate::api) fn string<'a>(fields: Fields<'a>, key: &str) -> Option<&'a str> {
        fields.get(key).and_then(Value::as_str).filter(|text| !text.is_empty())
    }

    /// A number within bounds, as JSON or as text.
    pub(in crate::api) fn decimal(
        fields: Fields<'_>,
        key: &str,
        least: f64,
        most: f64,
    ) -> Parsed<Option<f64>> {
        match string(fields, key) {
            None => fields.decimal(key, least, most),
            Some(text) => {
                let number = text.parse::<f64>().ok().filter(|number| number.is_finite());
                let Some(value) = number.and_then(serde_json::Number::from_f64) else {
                    return Err(fields::wrong_type(key, "a decimal", &Value::from(text)));
                };
                let one = [(key.to_owned(), Value::Number(value))].into_iter().collect();
                Fields(&one).decimal(key, least, most)
            }
        }
    }

    /// A whole number within bounds, as JSON or as text.
    pub(in crate::api) fn whole(
        fields: Fields<'_>,
        key: &str,
        least: u64,
        most: u64,
    ) -> Parsed<Option<u64>> {
        match string(fields, key) {
            None => fields.whole(key, least, most),
            Some(text) => {
                let Ok(number) = text.parse::<i64>() else {
                    return Err(fields::wrong_type(key, "an integer", &Value::from(text)));
                };
                let one = [(key.to_owned(), Value::from(number))].into_iter().collect();
                Fields(&one).whole(key, least, most)
            }
        }
    }

    /// A flag, as JSON or as text.
    pub(in crate::api) fn boolean(fields: Fields<'_>, key: &str) -> Parsed<bool> {
        match string(fields, key) {
            None => fields.boolean(key),
            Some("true" | "True" | "1") => Ok(true),
            Some("false" | "False" | "0") => Ok(false),
            Some(text) => Err(fields::wrong_type(key, "a boolean", &Value::from(text))),
        }
    }

    /// One of some values; the first is the default.
    pub(in crate::api) fn choice<T: Copy>(
        fields: Fields<'_>,
        key: &str,
        choices: &[(&str, T)],
    ) -> Parsed<Option<T>> {
        let found = match fields.get(key) {
            None => return Ok(None),
            Some(Value::String(text)) => text,
            Some(other) => return Err(fields::wrong_type(key, "a string", other)),
        };
        if let Some((_, value)) = choices.iter().find(|(name, _)| name == found) {
            return Ok(Some(*value));
        }
        let names: Vec<String> = choices.iter().map(|(name, _)| format!("'{name}'")).collect();
        let supported = match names.split_last() {
            None => String::new(),
            Some((only, [])) => only.clone(),
            Some((last, [one])) => format!("{one} and {last}"),
            Some((last, rest)) => format!("{}, and {last}", rest.join(", ")),
        };
        let message = format!("Invalid value: '{found}'. Supported values are: {supported}.");
        Err(ApiError::invalid_request(message, Some(key), Some("invalid_value")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FORM: &str = "--x\r\ncontent-disposition: form-data; name=\"model\"\r\n\r\nwhisper\r\n--x\r\ncontent-disposition: form-data; name=\"timestamp_granularities[]\"\r\n\r\nword\r\n--x\r\ncontent-disposition: form-data; name=\"file\"; filename=\"a.wav\"\r\ncontent-type: audio/wav\r\n\r\nRIFF\r\n--x--\r\n";

    #[tokio::test]
    async fn a_form_has_fields_lists_and_files() {
        let form =
            Payload::form(Some("multipart/form-data; boundary=x"), FORM.into()).await.unwrap();
        assert_eq!(form.fields["model"], "whisper");
        assert_eq!(form.fields["timestamp_granularities"][0], "word");
        let file = form.file("file").unwrap();
        assert_eq!((file.name.as_str(), &file.bytes[..]), ("a.wav", &b"RIFF"[..]));
    }

    #[tokio::test]
    async fn what_is_no_form_is_a_complaint() {
        for (content_type, body) in [
            (None, FORM),
            (Some("application/json"), "{}"),
            (Some("multipart/form-data"), FORM),
            (Some("multipart/form-data; boundary=x"), "--x\r\ncut"),
            (Some("multipart/form-data; boundary=y"), FORM),
        ] {
            let found = Payload::form(content_type, body.into()).await;
            assert_eq!(
                found.err().map(|error| error.status.as_u16()),
                Some(400),
                "{content_type:?}"
            );
        }
    }
}
