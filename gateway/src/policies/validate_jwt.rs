//! `<validate-jwt>` and `<validate-azure-ad-token>`: a request must carry a good
//! token (specification 4.4).
//!
//! Keys come from the document, from `[[token_issuers]]`, or, for Entra's URLs
//! that are not configured, from this bench: its local tokens pass.

use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use futures_util::future::BoxFuture;

use crate::config::settings::TokenSignatures;
use crate::expr::Value;
use crate::jwt::{Issuer, IssuerNames, Key, Refused, Token};
use crate::pipeline::exchange::{Exchange, Failure, Flow, Outcome, Policy};
use crate::policy::compile::{Compiler, Node};
use crate::policy::document::PolicyValue;
use crate::policy::spec::{
    AttributeSpec, ContentSpec, ElementSpec, Form, PolicySpec, Section, optional, required,
};
use crate::policy::tree::Element;

const CODES: (i64, i64) = (200, 599);
const CODE: AttributeSpec = optional("failed-validation-httpcode", Form::Integer(CODES.0, CODES.1));

pub(super) static JWT: PolicySpec = PolicySpec {
    element: ElementSpec {
        name: "validate-jwt",
        attributes: &[
            optional("header-name", Form::Name),
            optional("query-parameter-name", Form::Name),
            optional("token-value", Form::Text),
            CODE,
            optional("failed-validation-error-message", Form::Text),
            optional("require-expiration-time", Form::Boolean),
            optional("require-scheme", Form::Name),
            optional("require-signed-tokens", Form::Boolean),
            optional("clock-skew", Form::Integer(0, 86_400)),
            optional("output-token-variable-name", Form::Name).literal(),
        ],
        content: ContentSpec::Parts(&[
            &OPENID_CONFIG,
            &SIGNING_KEYS,
            &AUDIENCES,
            &ISSUERS,
            &REQUIRED_CLAIMS,
        ]),
    },
    sections: &[Section::Inbound],
    compile,
};

pub(super) static AZURE_AD: PolicySpec = PolicySpec {
    element: ElementSpec {
        name: "validate-azure-ad-token",
        attributes: &[
            required("tenant-id", Form::Name),
            optional("header-name", Form::Name),
            optional("query-parameter-name", Form::Name),
            optional("token-value", Form::Text),
            optional("authentication-endpoint", Form::Text),
            CODE,
            optional("failed-validation-error-message", Form::Text),
            optional("output-token-variable-name", Form::Name).literal(),
        ],
        content: ContentSpec::Parts(&[
            &BACKEND_APPLICATIONS,
            &CLIENT_APPLICATIONS,
            &AUDIENCES,
            &REQUIRED_CLAIMS,
        ]),
    },
    sections: &[Section::Inbound],
    compile,
};

static OPENID_CONFIG: ElementSpec = ElementSpec {
    name: "openid-config",
    attributes: &[required("url", Form::Name).literal()],
    content: ContentSpec::Empty,
};

const fn list(name: &'static str, parts: &'static [&'static ElementSpec]) -> ElementSpec {
    ElementSpec { name, attributes: &[], content: ContentSpec::Parts(parts) }
}

const fn item(name: &'static str, attributes: &'static [AttributeSpec]) -> ElementSpec {
    ElementSpec { name, attributes, content: ContentSpec::Value }
}

static SIGNING_KEYS: ElementSpec = list("issuer-signing-keys", &[&KEY]);
static KEY: ElementSpec = item(
    "key",
    &[
        optional("id", Form::Name).literal(),
        optional("n", Form::Name).literal(),
        optional("e", Form::Name).literal(),
    ],
);
static AUDIENCES: ElementSpec = list("audiences", &[&AUDIENCE]);
static AUDIENCE: ElementSpec = item("audience", &[]);
static ISSUERS: ElementSpec = list("issuers", &[&ISSUER]);
static ISSUER: ElementSpec = item("issuer", &[]);
static CLIENT_APPLICATIONS: ElementSpec = list("client-application-ids", &[&APPLICATION]);
static BACKEND_APPLICATIONS: ElementSpec = list("backend-application-ids", &[&APPLICATION]);
static APPLICATION: ElementSpec = item("application-id", &[]);
static REQUIRED_CLAIMS: ElementSpec = list("required-claims", &[&CLAIM]);
static CLAIM: ElementSpec = ElementSpec {
    name: "claim",
    attributes: &[
        required("name", Form::Name),
        optional("match", Form::OneOf(&["all", "any"])),
        optional("separator", Form::Text),
    ],
    content: ContentSpec::Parts(&[&VALUE]),
};
static VALUE: ElementSpec = item("value", &[]);

/// Where the token is looked for.
enum Source {
    Header(PolicyValue),
    Query(PolicyValue),
    Value(PolicyValue),
}

struct Claim {
    name: PolicyValue,
    any: Option<PolicyValue>,
    separator: Option<PolicyValue>,
    values: Vec<PolicyValue>,
}

struct ValidateToken {
    /// Of `validate-azure-ad-token`.
    tenant: Option<PolicyValue>,
    source: Source,
    code: Option<PolicyValue>,
    message: Option<PolicyValue>,
    require_expiration: Option<PolicyValue>,
    require_scheme: Option<PolicyValue>,
    require_signed: Option<PolicyValue>,
    clock_skew: Option<PolicyValue>,
    variable: Option<String>,
    configured: Vec<Arc<Issuer>>,
    keys: Vec<Key>,
    secrets: Vec<(Option<String>, PolicyValue)>,
    audiences: Vec<PolicyValue>,
    issuers: Vec<PolicyValue>,
    applications: Vec<PolicyValue>,
    claims: Vec<Claim>,
}

fn compile(node: &Node<'_>, compiler: &mut Compiler<'_>) -> Option<Box<dyn Policy>> {
    let azure = node.element.name == AZURE_AD.element.name;
    let given =
        [node.value("header-name"), node.value("query-parameter-name"), node.value("token-value")];
    let source = match given {
        [None, None, None] if azure => Source::Header(PolicyValue::Literal("Authorization".into())),
        [Some(name), None, None] => Source::Header(name),
        [None, Some(name), None] => Source::Query(name),
        [None, None, Some(value)] => Source::Value(value),
        _ => {
            let message = format!(
                "`{}` takes the token from one of `header-name`, `query-parameter-name` and `token-value`",
                node.element.name
            );
            let problem = compiler.error(node.element.name_span.clone(), message);
            compiler.report(problem);
            return None;
        }
    };
    let mut policy = ValidateToken {
        tenant: node.value("tenant-id"),
        source,
        code: node.value("failed-validation-httpcode"),
        message: node.value("failed-validation-error-message"),
        require_expiration: node.value("require-expiration-time"),
        require_scheme: node.value("require-scheme"),
        require_signed: node.value("require-signed-tokens"),
        clock_skew: node.value("clock-skew"),
        variable: node.literal("output-token-variable-name"),
        configured: Vec::new(),
        keys: Vec::new(),
        secrets: Vec::new(),
        audiences: Vec::new(),
        issuers: Vec::new(),
        applications: Vec::new(),
        claims: Vec::new(),
    };
    if let Some(variable) = &policy.variable {
        compiler.facts().computed_variable(variable);
    }
    let mut sound = node.complete();
    for part in node.element.elements() {
        let fine = match part.name.as_str() {
            "openid-config" => policy.openid(part, compiler),
            "issuer-signing-keys" => policy.signing_keys(part, compiler),
            "audiences" => texts(part, &AUDIENCES, &AUDIENCE, &mut policy.audiences, compiler),
            "backend-application-ids" => {
                texts(part, &BACKEND_APPLICATIONS, &APPLICATION, &mut policy.audiences, compiler)
            }
            "client-application-ids" => {
                texts(part, &CLIENT_APPLICATIONS, &APPLICATION, &mut policy.applications, compiler)
            }
            "issuers" => texts(part, &ISSUERS, &ISSUER, &mut policy.issuers, compiler),
            "required-claims" => policy.claims(part, compiler),
            // `node` has reported it.
            _ => None,
        };
        sound = sound.and(fine);
    }
    sound?;
    Some(Box::new(policy))
}

/// The values of a list's items.
fn texts(
    part: &Element,
    list: &'static ElementSpec,
    item: &'static ElementSpec,
    values: &mut Vec<PolicyValue>,
    compiler: &mut Compiler<'_>,
) -> Option<()> {
    let mut sound = compiler.node(part, list, false).complete();
    for own in part.elements().filter(|own| own.name == item.name) {
        sound = sound.and(compiler.node(own, item, false).complete());
        match compiler.element_value(own) {
            Some(value) => values.push(value),
            None => sound = None,
        }
    }
    sound
}

impl ValidateToken {
    fn openid(&mut self, part: &Element, compiler: &mut Compiler<'_>) -> Option<()> {
        let node = compiler.node(part, &OPENID_CONFIG, false);
        node.complete()?;
        let url = node.literal("url")?;
        let known = compiler.library().issuers.get(url.trim()).cloned();
        match known.or_else(|| Issuer::of_url(url.trim()).map(Arc::new)) {
            Some(issuer) => self.configured.push(issuer),
            None => {
                let names: Vec<String> = compiler.library().issuers.keys().cloned().collect();
                let problem = compiler
                    .error(node.span("url"), format!("unknown OpenID configuration `{url}`"))
                    .did_you_mean(&url, names.iter().map(String::as_str))
                    .help("nothing is fetched here: define it in the gateway's configuration, `[[token_issuers]]` with `openid_config`, `issuer` and `keys`");
                compiler.report(problem);
                return None;
            }
        }
        Some(())
    }

    fn signing_keys(&mut self, part: &Element, compiler: &mut Compiler<'_>) -> Option<()> {
        let mut sound = compiler.node(part, &SIGNING_KEYS, false).complete();
        for own in part.elements().filter(|own| own.name == KEY.name) {
            let node = compiler.node(own, &KEY, false);
            sound = sound.and(node.complete());
            let id = node.literal("id");
            if let (Some(n), Some(e)) = (node.literal("n"), node.literal("e")) {
                match Key::rsa(id, &n, &e) {
                    Some(key) => self.keys.push(key),
                    None => {
                        let message = "`n` and `e` are a key's modulus and exponent in base64url";
                        let problem = compiler.error(own.name_span.clone(), message);
                        compiler.report(problem);
                        sound = None;
                    }
                }
                continue;
            }
            let Some(value) = compiler.element_value(own) else {
                sound = None;
                continue;
            };
            if let Some(literal) = value.literal()
                && STANDARD.decode(literal.trim()).map_or(true, |key| key.is_empty())
            {
                let problem = compiler
                    .error(own.name_span.clone(), "the key is not base64")
                    .help("give the secret in base64, or an RSA key by `n` and `e`");
                compiler.report(problem);
                sound = None;
            }
            self.secrets.push((id, value));
        }
        sound
    }

    fn claims(&mut self, part: &Element, compiler: &mut Compiler<'_>) -> Option<()> {
        let mut sound = compiler.node(part, &REQUIRED_CLAIMS, false).complete();
        for own in part.elements().filter(|own| own.name == CLAIM.name) {
            let node = compiler.node(own, &CLAIM, false);
            sound = sound.and(node.complete());
            let mut values = Vec::new();
            for value in own.elements().filter(|value| value.name == VALUE.name) {
                sound = sound.and(compiler.node(value, &VALUE, false).complete());
                match compiler.element_value(value) {
                    Some(value) => values.push(value),
                    None => sound = None,
                }
            }
            let Some(name) = node.value("name") else { continue };
            let (any, separator) = (node.value("match"), node.value("separator"));
            self.claims.push(Claim { name, any, separator, values });
        }
        sound
    }

    async fn run(&self, exchange: &mut Exchange) -> Outcome {
        let text = match self.find(exchange).await? {
            Some(text) => text,
            None => return Err(self.refuse(exchange, "TokenNotPresent", "JWT not present.").await),
        };
        if let Some(tracer) = &mut exchange.recorder.tracer {
            tracer.hide(&text);
        }
        let Some(token) = Token::read(&text) else {
            return Err(self.refuse(exchange, "JwtInvalid", "Invalid JWT.").await);
        };
        if let Err((reason, message)) = self.judge(exchange, &token).await? {
            return Err(self.refuse(exchange, reason, &message).await);
        }
        if let Some(variable) = &self.variable
            && let Some(value) = Value::jwt(&text)
        {
            exchange.context.variables.insert(variable.clone(), value);
        }
        Ok(Flow::Next)
    }

    /// The token's text, without a scheme before it.
    async fn find(&self, exchange: &mut Exchange) -> Result<Option<String>, Failure> {
        let found = match &self.source {
            Source::Header(name) => {
                let name = exchange.text(name).await?;
                let headers = &exchange.context.request.headers;
                let value = headers.get(name.trim());
                value.map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned())
            }
            Source::Query(name) => {
                let name = exchange.text(name).await?;
                let query = &exchange.context.request.original_url.query;
                query.iter().find(|own| own.name == name.trim()).map(|own| own.value.clone())
            }
            Source::Value(value) => Some(exchange.text(value).await?),
        };
        let Some(found) = found.map(|found| found.trim().to_owned()) else { return Ok(None) };
        let scheme = match &self.require_scheme {
            Some(scheme) => Some(exchange.text(scheme).await?),
            None => None,
        };
        let (own, token) = match found.split_once(' ') {
            Some((own, token)) => (Some(own), token.trim()),
            None => (None, found.as_str()),
        };
        let fits = match (scheme.as_deref().map(str::trim), own) {
            (Some(wanted), Some(own)) => wanted.eq_ignore_ascii_case(own),
            (Some(_), None) => false,
            (None, own) => own.is_none_or(|own| own.eq_ignore_ascii_case("Bearer")),
        };
        Ok((fits && !token.is_empty()).then(|| token.to_owned()))
    }

    /// What is wrong with a token, in the order signature, issuer, audience,
    /// lifetime, claims.
    async fn judge(
        &self,
        exchange: &mut Exchange,
        token: &Token,
    ) -> Result<Result<(), (&'static str, String)>, Failure> {
        let denied = |reason, message: &str| Ok(Err((reason, format!("{message} Access denied."))));
        let tenant = match &self.tenant {
            Some(tenant) => Some(Issuer::entra(exchange.text(tenant).await?.trim())),
            None => None,
        };
        let mut keys = self.keys.clone();
        for (id, secret) in &self.secrets {
            let secret = exchange.text(secret).await?;
            match STANDARD.decode(secret.trim()) {
                Ok(secret) => keys.push(Key::secret(id.clone(), secret)),
                Err(_) => {
                    let message = "Expression evaluation failed. A signing key is not base64.";
                    return Err(exchange.fail(500, "ExpressionValueEvaluationFailure", message));
                }
            }
        }
        let configured: Vec<&Issuer> =
            self.configured.iter().map(AsRef::as_ref).chain(&tenant).collect();
        let all = configured.iter().flat_map(|issuer| &issuer.keys).chain(&keys);
        let signed = self.flag(exchange, &self.require_signed, true).await?;
        let ignored = exchange.shared.model.settings.token_signatures == TokenSignatures::Ignore;
        match token.verify(all) {
            Ok(()) => {}
            Err(_) if ignored => {}
            Err(Refused::Unsigned) if !signed => {}
            Err(Refused::KeyNotFound) => {
                return denied("TokenSignatureKeyNotFound", "No key fits the token's signature.");
            }
            Err(Refused::Unsigned | Refused::Invalid) => {
                return denied("TokenSignatureInvalid", "The token's signature is not valid.");
            }
        }
        let listed = all_texts(exchange, &self.issuers).await?;
        let names: Vec<IssuerNames> = listed
            .into_iter()
            .map(IssuerNames::Exactly)
            .chain(configured.iter().map(|issuer| issuer.names.clone()))
            .collect();
        if !names.is_empty() && !names.iter().any(|names| names.has(token)) {
            return denied("TokenIssuerNotAllowed", "The token's issuer is not allowed.");
        }
        let audiences = all_texts(exchange, &self.audiences).await?;
        let found = token.claim("aud");
        if !audiences.is_empty() && !audiences.iter().any(|own| found.contains(own)) {
            return denied("TokenAudienceNotAllowed", "The token's audience is not allowed.");
        }
        if let Some(problem) = self.lifetime(exchange, token).await? {
            return denied("TokenExpired", problem);
        }
        let applications = all_texts(exchange, &self.applications).await?;
        let client = [token.claim("appid"), token.claim("azp")].concat();
        if !applications.is_empty() && !applications.iter().any(|own| client.contains(own)) {
            let client = client.join(", ");
            let message = format!("Claim appid value of {client} is not allowed.");
            return denied("TokenClaimValueNotAllowed", &message);
        }
        self.judge_claims(exchange, token).await
    }

    async fn lifetime(
        &self,
        exchange: &mut Exchange,
        token: &Token,
    ) -> Result<Option<&'static str>, Failure> {
        let skew = match &self.clock_skew {
            Some(skew) => exchange.integer(skew, 0, 86_400).await?,
            None => 0,
        };
        let required = self.flag(exchange, &self.require_expiration, true).await?;
        #[expect(clippy::cast_precision_loss, reason = "a day's seconds, and those since 1970")]
        let (now, skew) = (exchange.context.clock.now().unix_seconds() as f64, skew as f64);
        Ok(match (token.moment("exp"), token.moment("nbf")) {
            (None, _) if required => Some("The token has no expiration time."),
            (Some(expires), _) if expires + skew <= now => Some("The token has expired."),
            (_, Some(starts)) if now + skew < starts => Some("The token is not valid yet."),
            _ => None,
        })
    }

    async fn judge_claims(
        &self,
        exchange: &mut Exchange,
        token: &Token,
    ) -> Result<Result<(), (&'static str, String)>, Failure> {
        let mut missing = Vec::new();
        for claim in &self.claims {
            let name = exchange.text(&claim.name).await?.trim().to_owned();
            let mut found = token.claim(&name);
            if found.is_empty() {
                missing.push(name);
                continue;
            }
            if let Some(separator) = &claim.separator {
                let separator = exchange.text(separator).await?;
                if !separator.is_empty() {
                    let split = |text: &String| -> Vec<String> {
                        text.split(separator.as_str()).map(str::to_owned).collect()
                    };
                    found = found.iter().flat_map(split).collect();
                }
            }
            let wanted = all_texts(exchange, &claim.values).await?;
            let any = match &claim.any {
                Some(word) => exchange.text(word).await?.trim() == "any",
                None => false,
            };
            let fits = if any {
                wanted.is_empty() || wanted.iter().any(|own| found.contains(own))
            } else {
                wanted.iter().all(|own| found.contains(own))
            };
            if !fits {
                let value = found.join(",");
                let message =
                    format!("Claim {name} value of {value} is not allowed. Access denied.");
                return Ok(Err(("TokenClaimValueNotAllowed", message)));
            }
        }
        if missing.is_empty() {
            return Ok(Ok(()));
        }
        let message = format!(
            "JWT token is missing the following claims: {}. Access denied.",
            missing.join(", ")
        );
        Ok(Err(("TokenClaimNotFound", message)))
    }

    async fn flag(
        &self,
        exchange: &mut Exchange,
        value: &Option<PolicyValue>,
        default: bool,
    ) -> Result<bool, Failure> {
        match value {
            Some(value) => exchange.condition(value).await,
            None => Ok(default),
        }
    }

    async fn refuse(&self, exchange: &mut Exchange, reason: &str, message: &str) -> Failure {
        let code = match &self.code {
            Some(code) => match exchange.integer(code, CODES.0, CODES.1).await {
                Ok(code) => u16::try_from(code).unwrap_or(401),
                Err(failure) => return failure,
            },
            None => 401,
        };
        let body = match &self.message {
            Some(body) => match exchange.text(body).await {
                Ok(body) => body,
                Err(failure) => return failure,
            },
            None => message.to_owned(),
        };
        let mut failure = exchange.fail(code, reason, body);
        failure.0.message = message.to_owned();
        failure
    }
}

async fn all_texts(
    exchange: &mut Exchange,
    values: &[PolicyValue],
) -> Result<Vec<String>, Failure> {
    let mut texts = Vec::new();
    for value in values {
        texts.push(exchange.text(value).await?.trim().to_owned());
    }
    Ok(texts)
}

impl Policy for ValidateToken {
    fn execute<'a>(&'a self, exchange: &'a mut Exchange) -> BoxFuture<'a, Outcome> {
        Box::pin(self.run(exchange))
    }
}
