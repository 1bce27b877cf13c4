//! The children `api` and `operation` of the limits for subscriptions: each has
//! numbers of its own, applied independently of the others.

use crate::pipeline::exchange::Exchange;
use crate::policy::compile::{Compiler, Node};
use crate::policy::document::Scope;
use crate::policy::spec::ElementSpec;
use crate::policy::tree::Element;

/// A limit with the calls it is for.
pub(super) struct Level<T> {
    of: Of,
    /// The limit's numbers.
    pub(super) limit: T,
}

enum Of {
    Everything,
    Api(Selector),
    Operation(Selector, Selector),
}

/// By id, else by name.
#[derive(Clone)]
enum Selector {
    Id(String),
    Name(String),
}

impl Selector {
    fn of(node: &Node<'_>, compiler: &mut Compiler<'_>) -> Option<Self> {
        let found = node.literal("id").map(Self::Id).or(node.literal("name").map(Self::Name));
        if found.is_none() && node.complete().is_some() {
            let message = format!("`{}` needs the attribute `id` or `name`", node.element.name);
            let problem = compiler.error(node.element.name_span.clone(), message);
            compiler.report(problem);
        }
        found
    }

    fn selects(&self, id: &str, name: &str) -> bool {
        match self {
            Self::Id(wanted) => wanted.trim() == id,
            Self::Name(wanted) => wanted.trim() == name,
        }
    }
}

/// All levels of a policy. `read` takes an element's numbers.
pub(super) fn compile<T>(
    node: &Node<'_>,
    compiler: &mut Compiler<'_>,
    [api_spec, operation_spec]: [&ElementSpec; 2],
    mut read: impl FnMut(&Node<'_>, &mut Compiler<'_>) -> Option<T>,
) -> Option<Vec<Level<T>>> {
    let mut levels = vec![read(node, compiler).map(|limit| Level { of: Of::Everything, limit })];
    let named = |element: &Element, spec: &ElementSpec| element.name == spec.name;
    for api in node.element.elements().filter(|element| named(element, api_spec)) {
        let api_node = compiler.node(api, api_spec, false);
        let selector = Selector::of(&api_node, compiler);
        let limit = read(&api_node, compiler);
        for operation in api.elements().filter(|element| named(element, operation_spec)) {
            let node = compiler.node(operation, operation_spec, false);
            let own = Selector::of(&node, compiler);
            let limit = read(&node, compiler);
            levels.push(
                selector
                    .clone()
                    .zip(own)
                    .zip(limit)
                    .map(|((api, own), limit)| Level { of: Of::Operation(api, own), limit }),
            );
        }
        levels.push(selector.zip(limit).map(|(api, limit)| Level { of: Of::Api(api), limit }));
    }
    levels.into_iter().collect()
}

impl<T> Level<T> {
    /// The counter's key, if this level is for the present call: the
    /// subscription, the place of the policy, and what the level is for.
    pub(super) fn key(&self, exchange: &Exchange, subscription: &str) -> Option<String> {
        let context = &exchange.context;
        let api = context.api.as_ref().map(|api| (api.id.as_str(), api.name.as_str()));
        let operation =
            context.operation.as_ref().map(|found| (found.id.as_str(), found.name.as_str()));
        let selects = |selector: &Selector, info: Option<(&str, &str)>| {
            info.is_some_and(|(id, name)| selector.selects(id, name))
        };
        let api_id = api.map_or("", |(id, _)| id);
        let operation_id = operation.map_or("", |(id, _)| id);
        let mut parts = vec![subscription];
        match exchange.scope() {
            None | Some(Scope::Global) => parts.push("global"),
            Some(Scope::Product) => {
                parts.push("product");
                parts.push(context.product.as_ref().map_or("", |product| &product.id));
            }
            Some(Scope::Api) => parts.extend(["api", api_id]),
            Some(Scope::Operation) => parts.extend(["operation", api_id, operation_id]),
        }
        match &self.of {
            Of::Everything => {}
            Of::Api(of) if selects(of, api) => parts.extend(["for", api_id]),
            Of::Operation(of, own) if selects(of, api) && selects(own, operation) => {
                parts.extend(["for", api_id, operation_id]);
            }
            Of::Api(_) | Of::Operation(..) => return None,
        }
        Some(parts.join("\n"))
    }
}
