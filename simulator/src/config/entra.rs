//! Which Entra access tokens a resource accepts.

use std::ops::Range;

use seam::diagnostic::{Diagnostic, Source};
use seam::token::Signature;
use serde_spanned::Spanned;

use super::model::EntraConfig;
use super::raw::{AcceptTokens, Entra};

/// The audience of Azure OpenAI (specification, section 1.3).
pub(crate) const DEFAULT_AUDIENCE: &str = "https://cognitiveservices.azure.com";

/// And that of the v1 surface in Foundry's guides.
const DEFAULT_AUDIENCES: [&str; 2] = [DEFAULT_AUDIENCE, "https://ai.azure.com"];

/// What is accepted; `None` when nothing is.
pub(super) fn check(
    source: &Source,
    raw: Option<Spanned<Entra>>,
    problems: &mut Vec<Diagnostic>,
) -> Option<EntraConfig> {
    let raw = raw.map(Spanned::into_inner).unwrap_or_default();
    let Entra { accept, audiences, tenant_id, principals } = raw;
    let mut report = |span: Range<usize>, message: String, help: &str| {
        problems.push(Diagnostic::error(source, span, message).help(help));
    };
    let signature = match accept.unwrap_or_default() {
        AcceptTokens::Local => Signature::Local,
        AcceptTokens::Unverified => Signature::Any,
        AcceptTokens::None => {
            let settings = [
                ("audiences", audiences.map(|own| own.span())),
                ("tenant_id", tenant_id.map(|own| own.span())),
                ("principals", principals.map(|own| own.span())),
            ];
            for (key, span) in settings {
                if let Some(span) = span {
                    let message = format!("`{key}` is of no use where no token is accepted");
                    report(span, message, "remove it, or write `accept = \"local\"`");
                }
            }
            return None;
        }
    };
    let example = "an example: \"https://cognitiveservices.azure.com\"";
    if let Some(list) = &audiences {
        if list.get_ref().is_empty() {
            let help = "remove the line for the default, or write `accept = \"none\"`";
            report(list.span(), "no audience: no token could be for this resource".into(), help);
        }
        for audience in list.get_ref() {
            let text = audience.get_ref();
            if text.trim().is_empty() {
                report(audience.span(), "an empty audience".into(), example);
            } else if let Some(root) = text.strip_suffix("/.default") {
                let message = format!("`{text}` is a scope: a token's audience has no `/.default`");
                report(audience.span(), message, &format!("write \"{root}\""));
            }
        }
    }
    if let Some(tenant) = tenant_id.as_ref().filter(|own| own.get_ref().trim().is_empty()) {
        report(tenant.span(), "an empty tenant".into(), "remove the line to accept any");
    }
    if let Some(list) = principals.as_ref().filter(|own| own.get_ref().is_empty()) {
        let help = "remove the line to give everybody the role";
        report(list.span(), "no principals: every token would be refused".into(), help);
    }
    let audiences = audiences.map_or_else(
        || DEFAULT_AUDIENCES.map(str::to_owned).to_vec(),
        |own| own.into_inner().into_iter().map(Spanned::into_inner).collect(),
    );
    Some(EntraConfig {
        signature,
        audiences,
        tenant_id: tenant_id.map(Spanned::into_inner),
        principals: principals.map(Spanned::into_inner),
    })
}
