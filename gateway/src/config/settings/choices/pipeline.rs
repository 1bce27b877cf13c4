//! How requests are matched, admitted and failed.

use super::choices;
#[cfg(doc)]
use crate::Settings;

choices! {
    /// See [`Settings::response_before_backend`].
    pub enum ResponseBefore {
        /// 200 OK without headers and body.
        #[serde(rename = "200")]
        Ok,
        /// null.
        Null,
    }

    /// See [`Settings::response_on_transport_error`].
    pub enum ResponseOnError {
        /// The 500 that the client would get.
        #[serde(rename = "500")]
        InternalServerError,
        /// null.
        Null,
    }

    /// See [`Settings::wide_key_product`].
    pub enum WideKeyProduct {
        /// None: `context.Product` is null.
        None,
        /// The first product of the configuration that has the API.
        First,
    }

    /// See [`Settings::fragment_nesting`].
    pub enum FragmentNesting {
        /// It may.
        Allowed,
        /// It is an error at load.
        Refused,
    }

    /// See [`Settings::unknown_named_value`].
    pub enum UnknownNamedValue {
        /// It is an error at load.
        Error,
        /// It stays as it is.
        Kept,
    }

    /// See [`Settings::literal_values`].
    pub enum LiteralValues {
        /// It is not part of it.
        Trimmed,
        /// It is part of it.
        Kept,
    }

    /// See [`Settings::undocumented_sections`].
    pub enum UndocumentedSections {
        /// They run, and `check` warns.
        Warned,
        /// They are errors at load.
        Refused,
    }

    /// See [`Settings::operation_match`].
    pub enum OperationMatch {
        /// The one with a literal where the others have a parameter.
        MostSpecific,
        /// The first of the configuration.
        FirstDeclared,
    }

    /// See [`Settings::not_found_message`].
    pub enum NotFoundMessage {
        /// `Resource not found`.
        ResourceNotFound,
        /// What `context.LastError.Message` says.
        LastError,
    }

    /// See [`Settings::key_lookup`].
    pub enum KeyLookup {
        /// In the header; then in the query.
        HeaderFirst,
        /// In the query; then in the header.
        QueryFirst,
    }

    /// See [`Settings::key_check`].
    pub enum KeyCheck {
        /// When the operation is known.
        AfterOperation,
        /// When the API is known.
        BeforeOperation,
    }

    /// See [`Settings::preflight`].
    pub enum Preflight {
        /// It does not.
        BeforeKey,
        /// It does, where the API needs one.
        AfterKey,
    }

    /// See [`Settings::key_missing_message`].
    pub enum KeyMissingMessage {
        /// `… when making requests to this API.`, as documented.
        ThisApi,
        /// `… when making requests to an API.`, as older gateways say.
        AnApi,
    }

    /// See [`Settings::key_challenge`].
    pub enum KeyChallenge {
        /// In `WWW-Authenticate: AzureApiManagementKey`.
        Sent,
        /// It does not.
        None,
    }

    /// See [`Settings::last_error_outside_on_error`].
    pub enum LastErrorOutside {
        /// null.
        Null,
        /// An error whose parts are all empty.
        Empty,
    }

    /// See [`Settings::error_in_on_error`].
    pub enum SecondError {
        /// The response as it was when on-error began.
        Original,
        /// 500 Internal Server Error.
        #[serde(rename = "500")]
        InternalServerError,
    }

    /// See [`Settings::timeout_status`].
    pub enum TimeoutStatus {
        /// 500 Internal Server Error.
        #[serde(rename = "500")]
        InternalServerError,
        /// 504 Gateway Timeout.
        #[serde(rename = "504")]
        GatewayTimeout,
    }

    /// See [`Settings::connection_failure_status`].
    pub enum ConnectionFailureStatus {
        /// 500 Internal Server Error.
        #[serde(rename = "500")]
        InternalServerError,
        /// 502 Bad Gateway.
        #[serde(rename = "502")]
        BadGateway,
    }
}

impl TimeoutStatus {
    pub(crate) fn code(self) -> u16 {
        match self {
            Self::InternalServerError => 500,
            Self::GatewayTimeout => 504,
        }
    }
}

impl ConnectionFailureStatus {
    pub(crate) fn code(self) -> u16 {
        match self {
            Self::InternalServerError => 500,
            Self::BadGateway => 502,
        }
    }
}
