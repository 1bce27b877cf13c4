//! Service tiers: which offer a request asks for, and which serves it
//! (specification, section 4.5).

use serde_json::{Map, Value};

use crate::api::Parsed;
use crate::config::TierSettings;
use crate::limit::Tier;
use crate::wire::ApiError;

/// What a request says about its tier.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct AskedTier {
    /// As written; `default` where nothing is.
    pub name: &'static str,
    /// Whether it is in the body at all.
    pub stated: bool,
    /// What it comes to at this deployment.
    pub tier: Tier,
}

impl AskedTier {
    /// For replies to requests that were not read so far.
    pub(super) const NONE: Self = Self { name: "default", stated: false, tier: Tier::Default };
}

/// Reads `service_tier`. `auto`, or none, is the deployment's own; any other goes
/// before it.
pub(super) fn asked_tier(settings: &TierSettings, body: &Map<String, Value>) -> Parsed<AskedTier> {
    let param = Some("service_tier");
    let asked = |name, tier| Ok(AskedTier { name, stated: true, tier });
    match body.get("service_tier") {
        None | Some(Value::Null) => {
            Ok(AskedTier { name: "default", stated: false, tier: settings.own })
        }
        Some(Value::String(text)) => match text.as_str() {
            "auto" => asked("auto", settings.own),
            "default" => asked("default", Tier::Default),
            "priority" => asked("priority", Tier::Priority),
            "flex" if settings.flex => asked("flex", Tier::Flex),
            "flex" => {
                let message =
                    "Unsupported value: 'service_tier' does not support 'flex' with this model.";
                Err(ApiError::invalid_request(message, param, Some("unsupported_value")))
            }
            other => {
                let message = format!(
                    "Invalid value: '{other}'. Supported values are: 'auto', 'default', 'flex', and 'priority'."
                );
                Err(ApiError::invalid_request(message, param, Some("invalid_value")))
            }
        },
        Some(_) => {
            let message = "Invalid type for 'service_tier': expected one of 'auto', 'default', 'flex', or 'priority'.";
            Err(ApiError::invalid_request(message, param, Some("invalid_type")))
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn tier(own: Tier, flex: bool, body: Value) -> Result<(Tier, bool), u16> {
        let settings = TierSettings { own, flex, flex_unavailable: 0.0 };
        asked_tier(&settings, body.as_object().unwrap())
            .map(|asked| (asked.tier, asked.stated))
            .map_err(|error| error.status.as_u16())
    }

    /// The table of results: a deployment's attribute against the request's.
    #[test]
    fn the_request_goes_before_the_deployment() {
        let body = |tier: &str| json!({"service_tier": tier});
        for (own, asked, expected) in [
            (Tier::Default, "auto", Tier::Default),
            (Tier::Default, "default", Tier::Default),
            (Tier::Default, "priority", Tier::Priority),
            (Tier::Priority, "auto", Tier::Priority),
            (Tier::Priority, "default", Tier::Default),
            (Tier::Priority, "priority", Tier::Priority),
            (Tier::Priority, "flex", Tier::Flex),
        ] {
            assert_eq!(tier(own, true, body(asked)), Ok((expected, true)), "{own:?} {asked}");
        }
        assert_eq!(tier(Tier::Priority, true, json!({})), Ok((Tier::Priority, false)));
        assert_eq!(
            tier(Tier::Default, true, json!({"service_tier": null})),
            Ok((Tier::Default, false))
        );
        assert_eq!(tier(Tier::Default, false, body("flex")), Err(400));
        assert_eq!(tier(Tier::Default, true, body("fast")), Err(400));
        assert_eq!(tier(Tier::Default, true, json!({"service_tier": 1})), Err(400));
    }
}
