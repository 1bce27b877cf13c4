//! The `context` tree but for messages: variables and the request's scopes.
//! An absent scope is null.

use super::objects::{Host, Message, UrlOf};
use super::{Call, Entry, TypeDef};
use crate::expr::check::default_of;
use crate::expr::collection::Collection;
use crate::expr::dates::{DateKind, DateTime, TimeSpan};
use crate::expr::exception::Exception;
use crate::expr::ir::Mode;
use crate::expr::types::Type;
use crate::expr::value::Value;
use crate::pipeline::context::Context;

const NAMESPACE: &str = "Microsoft.WindowsAzure.ApiManagement.Proxy.Gateway";

pub(super) const TYPES: &[TypeDef] = &[
    TypeDef::new(NAMESPACE, "IProxyRequestContext").members(&[
        Entry("IRequest Request", |_| Ok(Value::Host(Host::Request))),
        Entry("IResponse Response", |c| scope(Host::Response, !c.vm.context.response.null)),
        Entry("Variables Variables", |_| Ok(Value::Host(Host::Variables))),
        Entry("IApi Api", |c| scope(Host::Api, c.vm.context.api.is_some())),
        Entry("IOperation Operation", |c| scope(Host::Operation, c.vm.context.operation.is_some())),
        Entry("IProduct Product", |c| scope(Host::Product, c.vm.context.product.is_some())),
        Entry("ISubscription Subscription", |c| {
            scope(Host::Subscription, c.vm.context.subscription.is_some())
        }),
        // No users are configured: always null.
        Entry("IUser User", |_| Ok(Value::Null)),
        Entry("IDeployment Deployment", |_| Ok(Value::Host(Host::Deployment))),
        Entry("IBackend Backend", |c| scope(Host::Backend, c.vm.context.backend.is_some())),
        Entry("ILastError LastError", |c| {
            scope(Host::LastError, c.vm.context.last_error.is_some())
        }),
        Entry("Guid RequestId", |c| Ok(Value::Guid(c.vm.context.request_id))),
        Entry("DateTime Timestamp", |c| {
            let context = &c.vm.context;
            let since = context.clock.at(context.started).since_epoch();
            let ticks = super::date_time::ticks_at(since);
            Ok(Value::DateTime(DateTime { ticks, kind: DateKind::Utc }))
        }),
        Entry("TimeSpan Elapsed", |c| {
            let elapsed =
                tokio::time::Instant::now().saturating_duration_since(c.vm.context.started);
            let ticks = i64::try_from(elapsed.as_nanos() / 100).unwrap_or(i64::MAX);
            Ok(Value::TimeSpan(TimeSpan(ticks)))
        }),
        // Not configured here: always null.
        Entry("IWorkspace Workspace", null),
        Entry("IGraphQLProperties GraphQL", null),
        Entry("bool Tracing", |c| Ok(Value::Bool(c.vm.context.tracing))),
        Entry("void Trace(string message)", |c| {
            let message = c.opt_str(0).unwrap_or_default();
            c.vm.charge(1 + message.len() / 16)?;
            c.vm.context.trace.push(message.to_string());
            Ok(Value::Null)
        }),
    ]),
    TypeDef::new(NAMESPACE, "Variables")
        .bases(&["IEnumerable<KeyValuePair<string, object>>", "object"])
        .members(&[
            Entry("int Count", |c| {
                let count = c.vm.context.variables.len();
                Ok(Value::Int(i32::try_from(count).unwrap_or(i32::MAX)))
            }),
            Entry("object this[string key]", |c| {
                let name = c.str(0, "key")?;
                variable(c, &name).ok_or_else(Exception::key_not_found)
            }),
            Entry("bool ContainsKey(string key)", |c| {
                let name = c.str(0, "key")?;
                Ok(Value::Bool(c.vm.context.variables.contains_key(&*name)))
            }),
            Entry("bool TryGetValue(string key, out object value)", |c| {
                let name = c.str(0, "key")?;
                let found = variable(c, &name);
                Ok(c.out(1, found, Value::Null))
            }),
            Entry("object GetValueOrDefault(string variableName)", |c| {
                let name = c.str(0, "variableName")?;
                Ok(variable(c, &name).unwrap_or(Value::Null))
            }),
            Entry("T GetValueOrDefault<T>(string variableName)", |c| {
                let (name, to) = (c.str(0, "variableName")?, c.type_arg(0));
                match variable(c, &name) {
                    Some(value) => typed(&value, &to),
                    None => Ok(default_of(&to)),
                }
            }),
            Entry("T GetValueOrDefault<T>(string variableName, T defaultValue)", |c| {
                let (name, to) = (c.str(0, "variableName")?, c.type_arg(0));
                match variable(c, &name) {
                    Some(value) => typed(&value, &to),
                    None => Ok(c.arg(1).clone()),
                }
            }),
            Entry("IEnumerable<string> Keys", |c| {
                let names = c.vm.context.variables.keys().map(|name| Value::from(name.as_str()));
                Ok(Collection::lazy(names.collect()))
            }),
            Entry("IEnumerable<object> Values", |c| {
                Ok(Collection::lazy(c.vm.context.variables.values().cloned().collect()))
            }),
        ]),
    TypeDef::new(NAMESPACE, "IApi").members(&[
        Entry("string Id", |c| text(c.vm.context.api.as_ref().map(|api| &api.id))),
        Entry("string Name", |c| text(c.vm.context.api.as_ref().map(|api| &api.name))),
        Entry("string Path", |c| text(c.vm.context.api.as_ref().map(|api| &api.path))),
        Entry("string Revision", |c| text(c.vm.context.api.as_ref().map(|api| &api.revision))),
        Entry("string Version", |c| text(c.vm.context.api.as_ref().map(|api| &api.version))),
        Entry("bool IsCurrentRevision", |_| Ok(Value::Bool(true))),
        // The gateway's own: what TLS ends in front of it is not known here.
        Entry("IEnumerable<string> Protocols", |c| {
            let scheme = c.vm.context.request.original_url.scheme.clone();
            Ok(Collection::strings([scheme]))
        }),
        Entry("ISubscriptionKeyParameterNames SubscriptionKeyParameterNames", |c| {
            scope(Host::KeyNames, c.vm.context.api.is_some())
        }),
        Entry("IWorkspace Workspace", null),
        Entry("IUrl ServiceUrl", |c| {
            let has_url = c.vm.context.api.as_ref().is_some_and(|api| api.service_url.is_some());
            scope(Host::Url(UrlOf::Service), has_url)
        }),
    ]),
    TypeDef::new(NAMESPACE, "ISubscriptionKeyParameterNames").members(&[
        Entry("string Header", |c| text(c.vm.context.api.as_ref().map(|api| &api.key_header))),
        Entry("string Query", |c| text(c.vm.context.api.as_ref().map(|api| &api.key_query))),
    ]),
    TypeDef::new(NAMESPACE, "IWorkspace")
        .members(&[Entry("string Id", null), Entry("string Name", null)]),
    TypeDef::new(NAMESPACE, "IGraphQLProperties")
        .members(&[Entry("string RootFields", null), Entry("string RootOperation", null)]),
    TypeDef::new(NAMESPACE, "IOperation").members(&[
        Entry("string Id", |c| text(c.vm.context.operation.as_ref().map(|own| &own.id))),
        Entry("string Name", |c| text(c.vm.context.operation.as_ref().map(|own| &own.name))),
        Entry("string Method", |c| text(c.vm.context.operation.as_ref().map(|own| &own.method))),
        Entry("string UrlTemplate", |c| {
            text(c.vm.context.operation.as_ref().map(|own| &own.url_template))
        }),
    ]),
    TypeDef::new(NAMESPACE, "IProduct").members(&[
        Entry("string Id", |c| text(c.vm.context.product.as_ref().map(|own| &own.id))),
        Entry("string Name", |c| text(c.vm.context.product.as_ref().map(|own| &own.name))),
        Entry("IEnumerable<IGroup> Groups", |_| Ok(Collection::lazy(Vec::new()))),
        Entry("bool ApprovalRequired", |_| Ok(Value::Bool(false))),
        Entry("ProductState State", |_| Ok(super::enums::member("ProductState", "Published"))),
        Entry("int? SubscriptionsLimit", null),
        Entry("bool SubscriptionRequired", |c| {
            let required =
                c.vm.context.product.as_ref().is_some_and(|own| own.subscription_required);
            Ok(Value::Bool(required))
        }),
    ]),
    TypeDef::new(NAMESPACE, "ISubscription").members(&[
        Entry("DateTime CreatedDate", |c| {
            let since = c.vm.context.subscription.as_ref().map(|own| own.created);
            let ticks = super::date_time::ticks_at(since.unwrap_or_default());
            Ok(Value::DateTime(DateTime { ticks, kind: DateKind::Utc }))
        }),
        // No terms are configured.
        Entry("DateTime? StartDate", null),
        Entry("DateTime? EndDate", null),
        Entry("string Id", |c| text(c.vm.context.subscription.as_ref().map(|own| &own.id))),
        Entry("string Name", |c| text(c.vm.context.subscription.as_ref().map(|own| &own.name))),
        Entry("string Key", |c| text(c.vm.context.subscription.as_ref().map(|own| &own.key))),
        Entry("string PrimaryKey", |c| {
            text(c.vm.context.subscription.as_ref().map(|own| &own.primary_key))
        }),
        Entry("string SecondaryKey", |c| {
            text(c.vm.context.subscription.as_ref().map(|own| &own.secondary_key))
        }),
    ]),
    TypeDef::new(NAMESPACE, "IUser").members(&[
        Entry("string Id", null),
        Entry("string Email", null),
        Entry("string FirstName", null),
        Entry("string LastName", null),
        Entry("IEnumerable<IGroup> Groups", null),
        Entry("IEnumerable<IUserIdentity> Identities", null),
        Entry("string Note", null),
        Entry("DateTime RegistrationDate", null),
    ]),
    TypeDef::new(NAMESPACE, "IUserIdentity")
        .members(&[Entry("string Id", null), Entry("string Provider", null)]),
    TypeDef::new(NAMESPACE, "ProductState").values(&[("NotPublished", 0), ("Published", 1)]),
    TypeDef::new(NAMESPACE, "IGroup")
        .members(&[Entry("string Id", null), Entry("string Name", null)]),
    TypeDef::new(NAMESPACE, "IDeployment").members(&[
        Entry("string Region", |c| text(Some(&c.vm.context.deployment.region))),
        Entry("string ServiceName", |c| text(Some(&c.vm.context.deployment.service_name))),
        Entry("string ServiceId", |c| text(Some(&c.vm.context.deployment.service_name))),
        Entry("string GatewayId", |c| text(Some(&c.vm.context.deployment.gateway_id))),
        // No certificates are configured.
        Entry("Dictionary<string, X509Certificate2> Certificates", |_| {
            let certificate = Type::named("X509Certificate2");
            let ty = Type::Of("Dictionary", vec![Type::STRING, certificate]);
            let kind = crate::expr::collection::Kind::Dictionary;
            Ok(Value::Collection(Collection::map(kind, ty, false)))
        }),
        Entry("IGateway Gateway", |_| Ok(Value::Host(Host::Gateway))),
    ]),
    TypeDef::new(NAMESPACE, "IGateway").members(&[
        Entry("string Id", |c| text(Some(&c.vm.context.deployment.gateway_id))),
        Entry("string InstanceId", |c| text(Some(&c.vm.context.deployment.gateway_instance_id))),
        Entry("bool IsManaged", |c| {
            Ok(Value::Bool(c.vm.context.deployment.gateway_id == "managed"))
        }),
    ]),
    TypeDef::new(NAMESPACE, "IBackend").members(&[
        Entry("string Id", |c| text(c.vm.context.backend.as_ref().map(|own| &own.id))),
        Entry("string Type", |c| text(c.vm.context.backend.as_ref().map(|own| &own.kind))),
        Entry("string AzureRegion", |c| {
            text(c.vm.context.backend.as_ref().and_then(|own| own.azure_region.as_ref()))
        }),
    ]),
    TypeDef::new(NAMESPACE, "ILastError").members(&[
        Entry("string Source", |c| text(c.vm.context.last_error.as_ref().map(|own| &own.source))),
        Entry("string Reason", |c| text(c.vm.context.last_error.as_ref().map(|own| &own.reason))),
        Entry("string Message", |c| text(c.vm.context.last_error.as_ref().map(|own| &own.message))),
        Entry("string Scope", |c| text(c.vm.context.last_error.as_ref().map(|own| &own.scope))),
        Entry("string Section", |c| text(c.vm.context.last_error.as_ref().map(|own| &own.section))),
        Entry("string Path", |c| text(c.vm.context.last_error.as_ref().map(|own| &own.path))),
        Entry("string PolicyId", |c| {
            text(c.vm.context.last_error.as_ref().map(|own| &own.policy_id))
        }),
    ]),
];

fn scope(host: Host, present: bool) -> Result<Value, Exception> {
    Ok(if present { Value::Host(host) } else { Value::Null })
}

fn text(found: Option<&String>) -> Result<Value, Exception> {
    Ok(found.map_or(Value::Null, |text| Value::from(text.as_str())))
}

fn null(_: &mut Call<'_, '_>) -> Result<Value, Exception> {
    Ok(Value::Null)
}

fn variable(c: &Call<'_, '_>, name: &str) -> Option<Value> {
    c.vm.context.variables.get(name).cloned()
}

/// A cast from `object`: only the very type will do.
fn typed(value: &Value, to: &Type) -> Result<Value, Exception> {
    crate::expr::eval::convert(value, to, Mode::Unbox)
}

pub(super) fn variable_pairs(context: &Context) -> Vec<Value> {
    context
        .variables
        .iter()
        .map(|(name, value)| Collection::pair(Value::from(name.as_str()), value.clone()))
        .collect()
}

/// The message of a request or response.
pub(super) fn message_of(this: &Value) -> Message {
    match this {
        Value::Host(
            Host::Response | Host::Headers(Message::Response) | Host::Body(Message::Response),
        ) => Message::Response,
        Value::Host(
            Host::StoredResponse(at)
            | Host::Headers(Message::Stored(at))
            | Host::Body(Message::Stored(at)),
        ) => Message::Stored(*at),
        _ => Message::Request,
    }
}
