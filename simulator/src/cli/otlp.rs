//! Metrics to the OpenTelemetry collector that the environment names.
//!
//! The variables are those of OpenTelemetry itself, which the seed system reads too:
//! `OTEL_EXPORTER_OTLP_ENDPOINT` (plain HTTP, protobuf), `OTEL_METRIC_EXPORT_INTERVAL`
//! (milliseconds), `OTEL_SERVICE_NAME`.

#[cfg(feature = "otlp")]
pub(super) use with::start;
#[cfg(not(feature = "otlp"))]
pub(super) use without::start;

const ENDPOINTS: [&str; 2] = ["OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_METRICS_ENDPOINT"];

fn endpoint() -> Option<&'static str> {
    let set = |name: &&str| std::env::var_os(name).is_some_and(|value| !value.is_empty());
    ENDPOINTS.into_iter().find(set)
}

#[cfg(feature = "otlp")]
mod with {
    use anyhow::Context as _;
    use opentelemetry::metrics::MeterProvider as _;
    use opentelemetry_otlp::{MetricExporter, Protocol, WithExportConfig as _};
    use opentelemetry_sdk::Resource;
    use opentelemetry_sdk::metrics::SdkMeterProvider;

    use crate::service::Simulator;

    /// The name of the service where none is given: the seed system's.
    const SERVICE: &str = "aoai-api-simulator";

    /// Exporting, until it is stopped.
    pub(in crate::cli) struct Export(Option<SdkMeterProvider>);

    /// Begins to export, if there is somewhere to.
    pub(in crate::cli) fn start(simulator: &Simulator) -> anyhow::Result<Export> {
        let Some(variable) = super::endpoint() else { return Ok(Export(None)) };
        let exporter = MetricExporter::builder()
            .with_http()
            .with_protocol(Protocol::HttpBinary)
            .build()
            .with_context(|| format!("cannot export metrics to where {variable} says"))?;
        let resource = Resource::builder();
        let resource = match std::env::var_os("OTEL_SERVICE_NAME") {
            Some(name) if !name.is_empty() => resource,
            Some(_) | None => resource.with_service_name(SERVICE),
        };
        let provider = SdkMeterProvider::builder()
            .with_resource(resource.build())
            .with_periodic_exporter(exporter)
            .build();
        simulator.export_metrics(&provider.meter("simulator"));
        tracing::info!("metrics go where {variable} says");
        Ok(Export(Some(provider)))
    }

    impl Export {
        /// Sends what has not left yet.
        pub(in crate::cli) async fn stop(self) {
            let Some(provider) = self.0 else { return };
            let stopped = tokio::task::spawn_blocking(move || provider.shutdown()).await;
            if !matches!(stopped, Ok(Ok(()))) {
                tracing::warn!("the last metrics did not reach their collector");
            }
        }
    }
}

#[cfg(not(feature = "otlp"))]
mod without {
    use crate::service::Simulator;

    /// Nothing is exported.
    pub(in crate::cli) struct Export;

    /// Says so, if there is somewhere to.
    #[expect(clippy::unnecessary_wraps, reason = "as with the feature")]
    pub(in crate::cli) fn start(_: &Simulator) -> anyhow::Result<Export> {
        if let Some(variable) = super::endpoint() {
            tracing::warn!(
                "{variable} is set, but this binary was built without `--features otlp`: \
                 metrics are at /metrics only"
            );
        }
        Ok(Export)
    }

    impl Export {
        #[expect(clippy::unused_async, reason = "as with the feature")]
        pub(in crate::cli) async fn stop(self) {}
    }
}
