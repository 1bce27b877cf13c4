//! Messages: request, response, their headers, URLs and bodies.

use std::sync::LazyLock;

use bytes::Bytes;
use http::HeaderMap;

use super::context::message_of;
use super::objects::{Host, Message, UrlOf};
use super::{Call, Entry, TypeDef};
use crate::expr::collection::Collection;
use crate::expr::exception::Exception;
use crate::expr::types::Type;
use crate::expr::value::Value;
use crate::pipeline::context::{Context, MessageBody, QueryParameter, ResponseState, Url};

const NAMESPACE: &str = "Microsoft.WindowsAzure.ApiManagement.Proxy.Gateway";

pub(super) const TYPES: &[TypeDef] = &[
    TypeDef::new(NAMESPACE, "IRequest").members(&[
        Entry("string Method", |c| Ok(Value::from(c.vm.context.request.method.as_str()))),
        Entry("IUrl Url", |_| Ok(Value::Host(Host::Url(UrlOf::Rewritten)))),
        Entry("IUrl OriginalUrl", |_| Ok(Value::Host(Host::Url(UrlOf::Original)))),
        Entry("string IpAddress", |c| Ok(Value::from(c.vm.context.request.ip_address.as_str()))),
        Entry("Headers Headers", |_| Ok(Value::Host(Host::Headers(Message::Request)))),
        Entry("IMessageBody Body", |c| body(c, Message::Request)),
        // Not known here: TLS ends in front of the gateway, if anywhere.
        Entry("X509Certificate2 Certificate", |_| Ok(Value::Null)),
        Entry("IPrivateEndpointConnection PrivateEndpointConnection", |_| Ok(Value::Null)),
        Entry("IFoundry Foundry", |_| Ok(Value::Null)),
        Entry("MatchedParameters MatchedParameters", |_| Ok(Value::Host(Host::MatchedParameters))),
    ]),
    TypeDef::new(NAMESPACE, "IPrivateEndpointConnection").members(&[
        Entry("string Name", |_| Ok(Value::Null)),
        Entry("string GroupId", |_| Ok(Value::Null)),
        Entry("string MemberName", |_| Ok(Value::Null)),
    ]),
    TypeDef::new(NAMESPACE, "IFoundry").members(&[Entry("IFoundryDeployment Deployment", |_| {
        Ok(Value::Null)
    })]),
    TypeDef::new(NAMESPACE, "IFoundryDeployment")
        .members(&[Entry("string Name", |_| Ok(Value::Null))]),
    TypeDef::new("System.Security.Cryptography.X509Certificates", "X509Certificate2").members(&[
        Entry("string Subject", |_| Ok(Value::Null)),
        Entry("string Issuer", |_| Ok(Value::Null)),
        Entry("string Thumbprint", |_| Ok(Value::Null)),
        Entry("string SerialNumber", |_| Ok(Value::Null)),
        Entry("string FriendlyName", |_| Ok(Value::Null)),
        Entry("DateTime NotAfter", |_| Err(Exception::null_reference())),
        Entry("DateTime NotBefore", |_| Err(Exception::null_reference())),
        Entry("bool Verify()", |_| Err(Exception::null_reference())),
        Entry("bool VerifyNoRevocation()", |_| Err(Exception::null_reference())),
    ]),
    TypeDef::new(NAMESPACE, "IResponse").members(&[
        Entry("int StatusCode", |c| Ok(Value::Int(i32::from(response(c)?.status)))),
        Entry("string StatusReason", |c| Ok(Value::from(response(c)?.reason.as_str()))),
        Entry("Headers Headers", |c| Ok(Value::Host(Host::Headers(message_of(&c.this))))),
        Entry("IMessageBody Body", |c| {
            let message = message_of(&c.this);
            body(c, message)
        }),
    ]),
    TypeDef::new(NAMESPACE, "IMessageBody").members(&[
        Entry("T As<T>(bool preserveContent = false)", |c| {
            let message = message_of(&c.this);
            let bytes = read(c, message)?;
            if !c.bool(0) {
                let own = own_body(c.vm.context, message)?;
                if matches!(own, MessageBody::Bytes(_)) {
                    *own = MessageBody::Consumed;
                }
            }
            decode(c, bytes)
        }),
        Entry(
            "Dictionary<string, IList<string>> AsFormUrlEncodedContent(bool preserveContent = false)",
            |c| {
                let message = message_of(&c.this);
                let bytes = read(c, message)?.unwrap_or_default();
                if !c.bool(0) {
                    *own_body(c.vm.context, message)? = MessageBody::Consumed;
                }
                Ok(form(&bytes))
            },
        ),
    ]),
    TypeDef::new(NAMESPACE, "Headers")
        .bases(&["IEnumerable<KeyValuePair<string, string[]>>", "object"])
        .members(&[
            Entry("int Count", |c| {
                let count = headers(c.vm.context, message_of(&c.this)).keys_len();
                Ok(Value::Int(i32::try_from(count).unwrap_or(i32::MAX)))
            }),
            Entry("string[] this[string key]", |c| {
                let name = c.str(0, "key")?;
                let values = header(c, &name);
                if values.is_empty() {
                    return Err(Exception::key_not_found());
                }
                Ok(Collection::strings(values))
            }),
            Entry("bool ContainsKey(string key)", |c| {
                let name = c.str(0, "key")?;
                Ok(Value::Bool(!header(c, &name).is_empty()))
            }),
            Entry("bool TryGetValue(string key, out string[] value)", |c| {
                let name = c.str(0, "key")?;
                let values = header(c, &name);
                let found = (!values.is_empty()).then(|| Collection::strings(values));
                Ok(c.out(1, found, Value::Null))
            }),
            Entry("string GetValueOrDefault(string headerName, string defaultValue = null)", |c| {
                let name = c.str(0, "headerName")?;
                let values = header(c, &name);
                Ok(if values.is_empty() { c.arg(1).clone() } else { Value::from(values.join(",")) })
            }),
            Entry("string[] GetValueOrDefault(string key, string[] defaultValue)", |c| {
                let name = c.str(0, "key")?;
                let values = header(c, &name);
                Ok(if values.is_empty() { c.arg(1).clone() } else { Collection::strings(values) })
            }),
            Entry("IEnumerable<string> Keys", |c| {
                let names = headers(c.vm.context, message_of(&c.this)).keys();
                Ok(Collection::lazy(names.map(|name| Value::from(name.as_str())).collect()))
            }),
        ]),
    TypeDef::new(NAMESPACE, "IUrl").members(&[
        Entry("string Scheme", |c| Ok(Value::from(url(c)?.scheme.as_str()))),
        Entry("string Host", |c| Ok(Value::from(url(c)?.host.as_str()))),
        Entry("int Port", |c| Ok(Value::Int(i32::from(url(c)?.port)))),
        Entry("string Path", |c| Ok(Value::from(url(c)?.path.as_str()))),
        Entry("string QueryString", |c| Ok(Value::from(url(c)?.query_string()))),
        Entry("Query Query", |c| match c.this {
            Value::Host(Host::Url(of)) => Ok(Value::Host(Host::Query(of))),
            _ => Err(Exception::null_reference()),
        }),
        Entry("string ToString()", |c| {
            let text = url_text(url(c)?);
            c.give(text)
        }),
    ]),
    TypeDef::new(NAMESPACE, "Query")
        .bases(&["IEnumerable<KeyValuePair<string, string[]>>", "object"])
        .members(&[
            Entry("int Count", |c| {
                let count = c.this_items()?.len();
                Ok(Value::Int(i32::try_from(count).unwrap_or(i32::MAX)))
            }),
            Entry("string[] this[string key]", |c| {
                let name = c.str(0, "key")?;
                let values = query(c, &name)?;
                if values.is_empty() {
                    return Err(Exception::key_not_found());
                }
                Ok(Collection::strings(values))
            }),
            Entry("bool ContainsKey(string key)", |c| {
                let name = c.str(0, "key")?;
                Ok(Value::Bool(!query(c, &name)?.is_empty()))
            }),
            Entry("bool TryGetValue(string key, out string[] value)", |c| {
                let name = c.str(0, "key")?;
                let values = query(c, &name)?;
                let found = (!values.is_empty()).then(|| Collection::strings(values));
                Ok(c.out(1, found, Value::Null))
            }),
            Entry(
                "string GetValueOrDefault(string queryParameterName, string defaultValue = null)",
                |c| {
                    let name = c.str(0, "queryParameterName")?;
                    let values = query(c, &name)?;
                    let found = !values.is_empty();
                    Ok(if found { Value::from(values.join(",")) } else { c.arg(1).clone() })
                },
            ),
            Entry("string[] GetValueOrDefault(string key, string[] defaultValue)", |c| {
                let name = c.str(0, "key")?;
                let values = query(c, &name)?;
                Ok(if values.is_empty() { c.arg(1).clone() } else { Collection::strings(values) })
            }),
        ]),
    TypeDef::new(NAMESPACE, "MatchedParameters")
        .bases(&["IEnumerable<KeyValuePair<string, string>>", "object"])
        .members(&[
            Entry("int Count", |c| {
                let count = c.vm.context.request.matched_parameters.len();
                Ok(Value::Int(i32::try_from(count).unwrap_or(i32::MAX)))
            }),
            Entry("string this[string key]", |c| {
                let name = c.str(0, "key")?;
                parameter(c.vm.context, &name).ok_or_else(Exception::key_not_found)
            }),
            Entry("bool ContainsKey(string key)", |c| {
                let name = c.str(0, "key")?;
                Ok(Value::Bool(parameter(c.vm.context, &name).is_some()))
            }),
            Entry("bool TryGetValue(string key, out string value)", |c| {
                let name = c.str(0, "key")?;
                let found = parameter(c.vm.context, &name);
                Ok(c.out(1, found, Value::Null))
            }),
            Entry("string GetValueOrDefault(string parameterName, string defaultValue = null)", |c| {
                let name = c.str(0, "parameterName")?;
                Ok(parameter(c.vm.context, &name).unwrap_or_else(|| c.arg(1).clone()))
            }),
        ]),
];

/// The response a member is asked of.
fn response<'c>(c: &'c Call<'_, '_>) -> Result<&'c ResponseState, Exception> {
    match message_of(&c.this) {
        Message::Stored(at) => {
            let stored = c.vm.context.stored_responses.get_index(at);
            stored.map(|(_, response)| response).ok_or_else(Exception::null_reference)
        }
        Message::Request | Message::Response => Ok(&c.vm.context.response),
    }
}

static NO_HEADERS: LazyLock<HeaderMap> = LazyLock::new(HeaderMap::new);

fn headers(context: &Context, message: Message) -> &HeaderMap {
    match message {
        Message::Request => &context.request.headers,
        Message::Response => &context.response.headers,
        Message::Stored(at) => match context.stored_responses.get_index(at) {
            Some((_, response)) => &response.headers,
            None => &NO_HEADERS,
        },
    }
}

fn header(c: &Call<'_, '_>, name: &str) -> Vec<String> {
    headers(c.vm.context, message_of(&c.this))
        .get_all(name)
        .iter()
        .map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned())
        .collect()
}

pub(super) fn header_pairs(context: &Context, message: Message) -> Vec<Value> {
    let headers = headers(context, message);
    headers
        .keys()
        .map(|name| {
            let values = headers
                .get_all(name)
                .iter()
                .map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned());
            Collection::pair(Value::from(name.as_str()), Collection::strings(values))
        })
        .collect()
}

fn url_of(context: &Context, of: UrlOf) -> Option<&Url> {
    match of {
        UrlOf::Rewritten => Some(&context.request.url),
        UrlOf::Original => Some(&context.request.original_url),
        UrlOf::Service => context.api.as_ref().and_then(|api| api.service_url.as_ref()),
    }
}

fn url<'c>(c: &'c Call<'_, '_>) -> Result<&'c Url, Exception> {
    match c.this {
        Value::Host(Host::Url(of) | Host::Query(of)) => {
            url_of(c.vm.context, of).ok_or_else(Exception::null_reference)
        }
        _ => Err(Exception::null_reference()),
    }
}

fn url_text(url: &Url) -> String {
    let default = matches!((url.scheme.as_str(), url.port), ("http", 80) | ("https", 443));
    let port = if default { String::new() } else { format!(":{}", url.port) };
    format!("{}://{}{port}{}{}", url.scheme, url.host, url.path, url.query_string())
}

fn query(c: &Call<'_, '_>, name: &str) -> Result<Vec<String>, Exception> {
    let matching = url(c)?.query.iter().filter(|own| own.name.eq_ignore_ascii_case(name));
    Ok(matching.map(|own| own.value.clone()).collect())
}

pub(super) fn query_pairs(context: &Context, of: UrlOf) -> Vec<Value> {
    let Some(url) = url_of(context, of) else { return Vec::new() };
    let mut names: Vec<&String> = Vec::new();
    for QueryParameter { name, .. } in &url.query {
        if !names.iter().any(|known| known.eq_ignore_ascii_case(name)) {
            names.push(name);
        }
    }
    names
        .into_iter()
        .map(|name| {
            let values = url
                .query
                .iter()
                .filter(|own| own.name.eq_ignore_ascii_case(name))
                .map(|own| own.value.clone());
            Collection::pair(Value::from(name.as_str()), Collection::strings(values))
        })
        .collect()
}

fn parameter(context: &Context, name: &str) -> Option<Value> {
    let parameters = &context.request.matched_parameters;
    let found = parameters.iter().find(|(own, _)| own.eq_ignore_ascii_case(name));
    found.map(|(_, value)| Value::from(value.as_str()))
}

pub(super) fn parameter_pairs(context: &Context) -> Vec<Value> {
    let parameters = context.request.matched_parameters.iter();
    parameters
        .map(|(name, value)| {
            Collection::pair(Value::from(name.as_str()), Value::from(value.as_str()))
        })
        .collect()
}

fn own_body(context: &mut Context, message: Message) -> Result<&mut MessageBody, Exception> {
    match message {
        Message::Request => Ok(&mut context.request.body),
        Message::Response => Ok(&mut context.response.body),
        Message::Stored(at) => {
            let stored = context.stored_responses.get_index_mut(at);
            stored.map(|(_, response)| &mut response.body).ok_or_else(Exception::null_reference)
        }
    }
}

/// `Body`: null when there is none.
fn body(c: &mut Call<'_, '_>, message: Message) -> Result<Value, Exception> {
    Ok(match own_body(c.vm.context, message)? {
        // The pipeline holds a stream that is read, unless `streamed_body` says
        // that there is nothing to read.
        MessageBody::Absent | MessageBody::Stream(_) => Value::Null,
        _ => Value::Host(Host::Body(message)),
    })
}

/// The body's bytes; `None` when they were read before.
fn read(c: &mut Call<'_, '_>, message: Message) -> Result<Option<Bytes>, Exception> {
    match own_body(c.vm.context, message)? {
        MessageBody::Bytes(bytes) => Ok(Some(bytes.clone())),
        MessageBody::Consumed => Ok(None),
        MessageBody::Absent => Err(Exception::null_reference()),
        // The pipeline buffers what `Expression::reads` names.
        MessageBody::Stream(_) => Err(Exception::new(
            "Gateway.InternalException",
            "The body is still a stream: the pipeline did not buffer it.",
        )),
    }
}

fn decode(c: &mut Call<'_, '_>, bytes: Option<Bytes>) -> Result<Value, Exception> {
    let to = c.type_arg(0);
    c.vm.charge(bytes.as_ref().map_or(0, Bytes::len) / 64)?;
    if to == Type::array(Type::BYTE) {
        return Ok(Value::Bytes(bytes.unwrap_or_default()));
    }
    let bytes = bytes.unwrap_or_default();
    let text = String::from_utf8_lossy(&bytes);
    let text = text.strip_prefix('\u{feff}').unwrap_or(&text);
    match to.name() {
        "String" | "Object" => Ok(Value::from(text)),
        "JObject" | "JToken" | "JArray" => {
            // An empty body has no token.
            if text.trim().is_empty() {
                return Ok(Value::Null);
            }
            let name = to.name();
            super::json::parse_token(text, name, |node| {
                name == "JToken" || node.type_name() == name
            })
            .map(Value::Json)
        }
        "XDocument" | "XElement" | "XNode" => {
            if text.trim().is_empty() {
                return Ok(Value::Null);
            }
            let document = super::xml::read(c, text)?;
            if to.name() == "XElement" {
                return super::xml::element(document);
            }
            Ok(super::xml::made(document))
        }
        _ => Err(Exception::unsupported(format!("a body cannot be read as `{to}`"))),
    }
}

fn form(bytes: &[u8]) -> Value {
    let text = String::from_utf8_lossy(bytes).replace('+', " ");
    let ty = Type::Of("Dictionary", vec![Type::STRING, Type::Of("IList", vec![Type::STRING])]);
    let found = Collection::map(crate::expr::collection::Kind::Dictionary, ty, true);
    let decode =
        |part: &str| percent_encoding::percent_decode_str(part).decode_utf8_lossy().into_owned();
    for pair in text.split('&').filter(|pair| !pair.is_empty()) {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        let (name, value) = (Value::from(decode(name)), Value::from(decode(value)));
        let mut values = match found.get(&name) {
            Some(Value::Collection(values)) => values.items(),
            _ => Vec::new(),
        };
        values.push(value);
        found.insert(name, Collection::list(Type::STRING, values));
    }
    Value::Collection(found)
}
