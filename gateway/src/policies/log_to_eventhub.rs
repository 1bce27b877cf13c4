//! `<log-to-eventhub>`: a text to a logger's sink, and into the journal.

use futures_util::future::BoxFuture;

use crate::pipeline::exchange::{Exchange, Flow, Outcome, Policy};
use crate::policy::compile::{Compiler, Node};
use crate::policy::document::PolicyValue;
use crate::policy::spec::{
    ANY_SECTION, ContentSpec, ElementSpec, Form, PolicySpec, optional, required,
};
use crate::telemetry::records::{EventRecord, MAX_EVENT_BYTES, cut};

pub(super) static SPEC: PolicySpec = PolicySpec {
    element: ElementSpec {
        name: "log-to-eventhub",
        attributes: &[
            required("logger-id", Form::Name),
            optional("partition-id", Form::Text),
            optional("partition-key", Form::Text),
        ],
        content: ContentSpec::Value,
    },
    sections: ANY_SECTION,
    compile,
};

struct LogToEventHub {
    logger: PolicyValue,
    partition_id: Option<PolicyValue>,
    partition_key: Option<PolicyValue>,
    body: PolicyValue,
}

fn compile(node: &Node<'_>, compiler: &mut Compiler<'_>) -> Option<Box<dyn Policy>> {
    let logger = node.value("logger-id")?;
    let mut sound = node.complete();
    if let Some(literal) = logger.literal()
        && !compiler.library().loggers.contains(literal)
    {
        let known: Vec<String> = compiler.library().loggers.iter().cloned().collect();
        let problem = compiler
            .error(node.span("logger-id"), format!("unknown logger `{literal}`"))
            .did_you_mean(literal, known.iter().map(String::as_str))
            .help("define it in the gateway's configuration: `[[loggers]]` with `id`, and `file` or `url`");
        compiler.report(problem);
        sound = None;
    }
    if node.value("partition-id").is_some() && node.value("partition-key").is_some() {
        let problem = compiler
            .error(
                node.span("partition-key"),
                "`log-to-eventhub` has both `partition-id` and `partition-key`",
            )
            .help("give one of them");
        compiler.report(problem);
        sound = None;
    }
    let body = compiler.element_text(node.element)?;
    sound?;
    Some(Box::new(LogToEventHub {
        logger,
        partition_id: node.value("partition-id"),
        partition_key: node.value("partition-key"),
        body,
    }))
}

impl LogToEventHub {
    async fn run(&self, exchange: &mut Exchange) -> Outcome {
        let logger = exchange.text(&self.logger).await?;
        if !exchange.shared.model.loggers.contains_key(&logger) {
            let message = format!("Logger with id '{logger}' could not be found.");
            return Err(exchange.fail(500, "LoggerNotFound", message));
        }
        let partition_id = match &self.partition_id {
            Some(value) => Some(exchange.text(value).await?),
            None => None,
        };
        let partition_key = match &self.partition_key {
            Some(value) => Some(exchange.text(value).await?),
            None => None,
        };
        let body = cut(exchange.text(&self.body).await?, MAX_EVENT_BYTES);
        let event = EventRecord { logger, partition_id, partition_key, body };
        exchange.shared.sinks.send(&event);
        exchange.recorder.event(event);
        Ok(Flow::Next)
    }
}

impl Policy for LogToEventHub {
    fn execute<'a>(&'a self, exchange: &'a mut Exchange) -> BoxFuture<'a, Outcome> {
        Box::pin(self.run(exchange))
    }
}
