//! `<set-variable name="…" value="…" />`: a literal is a string, always; an
//! expression keeps its type.

use futures_util::future::BoxFuture;

use crate::config::settings::VariableTypes;
use crate::pipeline::exchange::{Exchange, Flow, Outcome, Policy};
use crate::policy::compile::{Compiler, Node};
use crate::policy::document::PolicyValue;
use crate::policy::spec::{ANY_SECTION, ContentSpec, ElementSpec, Form, PolicySpec, required};

pub(super) static SPEC: PolicySpec = PolicySpec {
    element: ElementSpec {
        name: "set-variable",
        attributes: &[required("name", Form::Name).literal(), required("value", Form::Text)],
        content: ContentSpec::Empty,
    },
    sections: ANY_SECTION,
    compile,
};

struct SetVariable {
    name: String,
    value: PolicyValue,
}

fn compile(node: &Node<'_>, compiler: &mut Compiler<'_>) -> Option<Box<dyn Policy>> {
    let name = node.literal("name")?;
    let value = node.value("value")?;
    match value.literal() {
        Some(literal) => {
            let document = compiler.document();
            compiler.facts().literal_variable(&name, literal, document, node.span("value"));
        }
        None => compiler.facts().computed_variable(&name),
    }
    node.complete()?;
    Some(Box::new(SetVariable { name, value }))
}

impl SetVariable {
    async fn run(&self, exchange: &mut Exchange) -> Outcome {
        let value = exchange.value(&self.value).await?;
        let taken = match exchange.shared.model.settings.variable_types {
            VariableTypes::Listed => value.is_storable(),
            VariableTypes::Any => value.may_leave(),
        };
        if !taken {
            let message = format!(
                "Expression evaluation failed. A variable cannot hold a value of type '{}'.",
                value.type_name()
            );
            return Err(exchange.fail(500, "ExpressionValueEvaluationFailure", message));
        }
        exchange.context.variables.insert(self.name.clone(), value);
        Ok(Flow::Next)
    }
}

impl Policy for SetVariable {
    fn execute<'a>(&'a self, exchange: &'a mut Exchange) -> BoxFuture<'a, Outcome> {
        Box::pin(self.run(exchange))
    }
}
