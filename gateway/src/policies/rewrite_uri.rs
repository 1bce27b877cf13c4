//! `<rewrite-uri>`: another path and query below the API's, in place of the
//! client's.
//!
//! `{name}` stands for a parameter of the operation's template. The client's
//! query parameters follow, but for those the operation's template names.

use futures_util::future::BoxFuture;
use percent_encoding::{AsciiSet, CONTROLS, utf8_percent_encode};

use crate::backend::Route;
use crate::config::settings::RewriteUnknown;
use crate::pipeline::context::{Context, QueryParameter};
use crate::pipeline::exchange::{Exchange, Flow, Outcome, Policy, Target};
use crate::pipeline::url;
use crate::policy::compile::{Compiler, Node};
use crate::policy::document::PolicyValue;
use crate::policy::spec::{
    ContentSpec, ElementSpec, Form, PolicySpec, Section, optional, required,
};

pub(super) static SPEC: PolicySpec = PolicySpec {
    element: ElementSpec {
        name: "rewrite-uri",
        attributes: &[
            required("template", Form::Name),
            optional("copy-unmatched-params", Form::Boolean),
        ],
        content: ContentSpec::Empty,
    },
    sections: &[Section::Inbound],
    compile,
};

/// What may not stand in a path as it is: the rest the author wrote so.
const PATH: &AsciiSet = &CONTROLS.add(b' ').add(b'"').add(b'<').add(b'>').add(b'`').add(b'#');

/// What a parameter's value may not bring into a path: no separators.
const SEGMENT: &AsciiSet = &PATH.add(b'?').add(b'%').add(b'{').add(b'}');

struct RewriteUri {
    template: PolicyValue,
    copy_unmatched: Option<PolicyValue>,
}

fn compile(node: &Node<'_>, compiler: &mut Compiler<'_>) -> Option<Box<dyn Policy>> {
    node.complete()?;
    let template = node.value("template")?;
    if let Some(literal) = template.literal()
        && literal.contains("://")
    {
        let problem = compiler
            .error(node.span("template"), "`template` is a path, not a whole URL")
            .help("`set-backend-service base-url` changes the host");
        compiler.report(problem);
        return None;
    }
    Some(Box::new(RewriteUri { template, copy_unmatched: node.value("copy-unmatched-params") }))
}

impl RewriteUri {
    async fn run(&self, exchange: &mut Exchange) -> Outcome {
        let template = exchange.text(&self.template).await?;
        let copy = match &self.copy_unmatched {
            Some(copy) => exchange.condition(copy).await?,
            None => true,
        };
        // An expression's result is taken as it is: its braces are its own.
        let fill = self.template.literal().is_some();
        let unknown = exchange.shared.model.settings.rewrite_unknown_parameter;
        let (path, query) = match rewritten(template.trim(), fill, unknown, &exchange.context) {
            Ok(rewritten) => rewritten,
            Err(name) => {
                let message = format!(
                    "The template parameter '{name}' is no parameter of the operation's URL template."
                );
                return Err(exchange.fail(500, "TemplateParameterNotFound", message));
            }
        };
        let used = query_of_operation(&exchange.context);
        let request = &mut exchange.context.request;
        let before = std::mem::take(&mut request.url.query);
        let unmatched = before.into_iter().filter(|own| {
            copy && !used.iter().any(|name| name.eq_ignore_ascii_case(&own.name))
                && !query.iter().any(|new| new.name.eq_ignore_ascii_case(&own.name))
        });
        let query: Vec<QueryParameter> = query.iter().cloned().chain(unmatched).collect();
        let base = match &exchange.target {
            Some(Target::Backend(Route::Single(single))) => Some(&single.backend.url),
            // Each forward-request joins a member's URL and this path.
            Some(Target::Backend(Route::Pool(_))) => None,
            Some(Target::Url(base) | Target::ComputedUrl(base)) => Some(base),
            None => None,
        };
        request.url = match base {
            Some(base) => url::join(base, &path, &query),
            None => {
                let mut api = request.url.clone();
                let prefix = exchange.context.api.as_ref().map_or("", |api| api.path.as_str());
                api.path = format!("/{prefix}");
                url::join(&api, &path, &query)
            }
        };
        exchange.rest_path = path;
        Ok(Flow::Next)
    }
}

/// The path and query a template gives; the error is an unknown parameter.
fn rewritten(
    template: &str,
    fill: bool,
    unknown: RewriteUnknown,
    context: &Context,
) -> Result<(String, Vec<QueryParameter>), String> {
    let (path, query) = template.split_once('?').unwrap_or((template, ""));
    let path = if fill {
        let encode = |value: &str| utf8_percent_encode(value, SEGMENT).to_string();
        filled(path, unknown, context, encode)?
    } else {
        path.to_owned()
    };
    let mut parameters = Vec::new();
    for part in query.split('&').filter(|part| !part.is_empty()) {
        let own = QueryParameter::parse(part);
        parameters.push(if fill && own.value.contains('{') {
            let value = filled(&own.value, unknown, context, str::to_owned)?;
            QueryParameter::new(&own.name, &value)
        } else {
            own
        });
    }
    let path = utf8_percent_encode(&path, PATH).to_string();
    Ok((if path.starts_with('/') { path } else { format!("/{path}") }, parameters))
}

/// Replaces `{name}` and `{*name}`.
fn filled(
    text: &str,
    unknown: RewriteUnknown,
    context: &Context,
    encode: impl Fn(&str) -> String,
) -> Result<String, String> {
    let mut out = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('{') {
        out += before;
        let Some((braced, after)) = after.split_once('}') else {
            out.push('{');
            rest = after;
            continue;
        };
        let name = braced.trim_start_matches('*');
        let request = &context.request;
        let mut parameters = request.matched_parameters.iter();
        let matched = parameters.find(|(own, _)| own.eq_ignore_ascii_case(name));
        let in_query = || {
            let named =
                query_of_operation(context).iter().any(|own| own.eq_ignore_ascii_case(name));
            let mut query = request.original_url.query.iter();
            let found = query.find(|own| own.name.eq_ignore_ascii_case(name));
            found.map(|own| own.value.as_str()).or_else(|| named.then_some(""))
        };
        match matched.map(|(_, value)| value.as_str()).or_else(in_query) {
            Some(value) => out += &encode(value),
            None if unknown == RewriteUnknown::Kept => out += &format!("{{{braced}}}"),
            None => return Err(name.to_owned()),
        }
        rest = after;
    }
    Ok(out + rest)
}

/// Names of query parameters in the operation's template.
fn query_of_operation(context: &Context) -> Vec<String> {
    let template = context.operation.as_ref().map_or("", |own| own.url_template.as_str());
    let query = template.split_once('?').map_or("", |(_, query)| query);
    let parts = query.split('&').filter(|part| !part.is_empty());
    parts.map(|part| QueryParameter::parse(part).name).collect()
}

impl Policy for RewriteUri {
    fn execute<'a>(&'a self, exchange: &'a mut Exchange) -> BoxFuture<'a, Outcome> {
        Box::pin(self.run(exchange))
    }
}
