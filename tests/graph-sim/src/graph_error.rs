//! Meta's error envelope and the errors that the simulator gives of its own.
//!
//! Shapes: `{"error":{"message","type","code","error_subcode"?,"is_transient"?,"error_user_title"?,
//! "error_user_msg"?,"error_data"?,"fbtrace_id"}}`.

use serde_json::{Value, json};

use crate::switches::{ErrorData, Locale};

/// One error as Meta would answer it.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct GraphError {
    pub(crate) status: u16,
    pub(crate) code: i64,
    pub(crate) subcode: Option<i64>,
    pub(crate) kind: String,
    pub(crate) message: String,
    pub(crate) is_transient: bool,
    pub(crate) user_text: Option<UserText>,
    /// The field at fault. Never the event: Meta does not say which one of a batch it was.
    pub(crate) blame: Option<String>,
}

/// Texts for people, which Meta sends in the language of the token's owner.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum UserText {
    TooOld { days: i64 },
    InsufficientUserData,
}

impl GraphError {
    /// An error with the status, type and text that usually go with its code.
    pub(crate) fn new(code: i64, subcode: Option<i64>) -> Self {
        let (status, message) = defaults(code);
        Self {
            status,
            code,
            subcode,
            kind: "OAuthException".to_owned(),
            message: message.to_owned(),
            is_transient: matches!(code, 1 | 2),
            user_text: None,
            blame: None,
        }
    }

    pub(crate) fn with_message(mut self, message: impl Into<String>) -> Self {
        self.message = message.into();
        self
    }

    fn with_kind(mut self, kind: &str) -> Self {
        kind.clone_into(&mut self.kind);
        self
    }

    fn blaming(mut self, field: &str) -> Self {
        self.blame = Some(field.to_owned());
        self
    }

    /// 100 without a subcode: a required parameter is absent.
    pub(crate) fn missing(field: &str) -> Self {
        Self::new(100, None).with_message(format!("(#100) The parameter {field} is required")).blaming(field)
    }

    /// 100 without a subcode: a parameter has the wrong type or an unknown value.
    pub(crate) fn wrong(field: &str, wanted: &str) -> Self {
        Self::new(100, None).with_message(format!("(#100) Param {field} must be {wanted}")).blaming(field)
    }

    /// 100/2804003: one event's time lies too far back.
    pub(crate) fn too_old(days: i64) -> Self {
        let mut error =
            Self::new(100, Some(2_804_003)).with_message("Invalid parameter").blaming("event_time");
        error.user_text = Some(UserText::TooOld { days });
        error
    }

    /// 100/2804050: one event's `user_data` is too thin to match anybody.
    pub(crate) fn insufficient_user_data() -> Self {
        let mut error =
            Self::new(100, Some(2_804_050)).with_message("Invalid parameter").blaming("user_data");
        error.user_text = Some(UserText::InsufficientUserData);
        error
    }

    /// 100/33: the object is not there, or not for this token.
    pub(crate) fn unknown_object(method: &str, id: &str) -> Self {
        Self::new(100, Some(33)).with_kind("GraphMethodException").with_message(format!(
            "Unsupported {} request. Object with ID '{id}' does not exist, cannot be loaded due to missing \
             permissions, or does not support this operation",
            method.to_ascii_lowercase()
        ))
    }

    /// 100: a field or edge that the node does not have.
    pub(crate) fn nonexisting_field(field: &str, kind: &str) -> Self {
        Self::new(100, None)
            .with_message(format!("(#100) Tried accessing nonexisting field ({field}) on node type ({kind})"))
    }

    /// 2500: no such path, which covers versions that never were.
    pub(crate) fn unknown_path(path: &str) -> Self {
        Self::new(2500, None).with_message(format!("Unknown path components: {path}"))
    }

    /// 2635: the version has ended.
    pub(crate) fn dead_version(newest: &str) -> Self {
        Self::new(2635, None).with_message(format!(
            "(#2635) You are calling a deprecated version of the Ads API. Please update to the latest version: {newest}."
        ))
    }

    /// 100 of type `GraphMethodException`, as the errors about `appsecret_proof` are.
    pub(crate) fn proof(message: &str) -> Self {
        Self::new(100, None).with_kind("GraphMethodException").with_message(message)
    }

    /// The response body, `fbtrace_id` included.
    pub(crate) fn envelope(&self, fbtrace_id: &str, locale: Locale, error_data: ErrorData) -> Value {
        let german = locale == Locale::De;
        let message =
            if german && self.user_text.is_some() { "Ungültiger Parameter" } else { &self.message };
        let mut error = json!({"message": message, "type": self.kind, "code": self.code});
        if let Some(subcode) = self.subcode {
            error["error_subcode"] = json!(subcode);
        }
        if self.is_transient || self.user_text.is_some() {
            error["is_transient"] = json!(self.is_transient);
        }
        if let Some(text) = self.user_text {
            let (title, body) = text.in_language(locale);
            error["error_user_title"] = json!(title);
            error["error_user_msg"] = json!(body);
        }
        if let Some(field) = &self.blame {
            let blame = json!({"blame_field_specs": [[field]]});
            match error_data {
                ErrorData::None => {}
                ErrorData::String => error["error_data"] = json!(blame.to_string()),
                ErrorData::Object => error["error_data"] = blame,
            }
        }
        error["fbtrace_id"] = json!(fbtrace_id);
        json!({ "error": error })
    }
}

impl UserText {
    fn in_language(self, locale: Locale) -> (&'static str, String) {
        match (self, locale) {
            (Self::TooOld { days }, Locale::En) => (
                "Event Timestamp Too Old",
                format!(
                    "An event happened too long ago. Send events within {days} days of when they happen."
                ),
            ),
            (Self::TooOld { days }, Locale::De) => (
                "Zeitstempel des Events zu alt",
                format!("Ein Event liegt zu weit zurück. Sende Events innerhalb von {days} Tagen."),
            ),
            (Self::InsufficientUserData, Locale::En) => (
                "Insufficient Customer Information",
                "An event has too few customer information parameters to be matched.".to_owned(),
            ),
            (Self::InsufficientUserData, Locale::De) => (
                "Zu wenig Kundeninformationen",
                "Ein Event enthält zu wenige Kundeninformationsparameter.".to_owned(),
            ),
        }
    }
}

/// HTTP status and text that usually come with a code.
fn defaults(code: i64) -> (u16, &'static str) {
    match code {
        1 => (500, "An unknown error occurred"),
        2 => (503, "Service temporarily unavailable"),
        4 => (400, "(#4) Application request limit reached"),
        10 => (403, "(#10) Application does not have permission for this action"),
        17 => (400, "(#17) User request limit reached"),
        32 => (400, "(#32) Page request limit reached"),
        100 => (400, "(#100) Invalid parameter"),
        190 => (400, "Error validating access token"),
        200..=299 => (403, "(#200) Permissions error"),
        368 => (400, "The action attempted has been deemed abusive or is otherwise disallowed"),
        613 => (400, "(#613) Calls to this api have exceeded the rate limit."),
        80000..=80014 => (400, "There have been too many calls to this account. Wait a bit and try again."),
        _ => (400, "An error occurred"),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::GraphError;
    use crate::switches::{ErrorData, Locale};

    #[test]
    fn the_envelope_carries_what_meta_sends_and_nothing_empty() {
        let plain = GraphError::missing("event_name").envelope("A1", Locale::En, ErrorData::None);
        assert_eq!(
            plain,
            json!({"error": {"message": "(#100) The parameter event_name is required", "type": "OAuthException",
                             "code": 100, "fbtrace_id": "A1"}})
        );
        let rich = GraphError::too_old(7).envelope("A2", Locale::En, ErrorData::None);
        assert_eq!(rich["error"]["error_subcode"], 2_804_003);
        assert_eq!(rich["error"]["is_transient"], false);
        assert_eq!(rich["error"]["error_user_title"], "Event Timestamp Too Old");
    }

    #[test]
    fn texts_are_localised_and_codes_are_not() {
        let german = GraphError::insufficient_user_data().envelope("A", Locale::De, ErrorData::None);
        assert_eq!(german["error"]["message"], "Ungültiger Parameter");
        assert_eq!(german["error"]["error_user_title"], "Zu wenig Kundeninformationen");
        assert_eq!(german["error"]["error_subcode"], 2_804_050);
    }

    #[test]
    fn error_data_comes_as_text_or_as_object() {
        let error = GraphError::wrong("event_time", "an integer");
        let text = error.envelope("A", Locale::En, ErrorData::String);
        assert_eq!(text["error"]["error_data"], "{\"blame_field_specs\":[[\"event_time\"]]}");
        let object = error.envelope("A", Locale::En, ErrorData::Object);
        assert_eq!(object["error"]["error_data"]["blame_field_specs"][0][0], "event_time");
    }
}
