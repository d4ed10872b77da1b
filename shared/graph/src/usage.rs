//! What Meta's usage headers say (Meta: rate-limiting). They are advice, so whatever is malformed counts as absent.

use std::time::Duration;

use adrelay_core::ports::meta::Usage;
use reqwest::header::HeaderMap;
use serde_json::Value;

use crate::classify::MAX_WAIT_MS;

/// `{"call_count":28,"total_time":25,"total_cputime":25}`
const APP: &str = "x-app-usage";
/// `{"<business or ad account id>":[{"type":"ads_management","call_count":95,…,"estimated_time_to_regain_access":0}]}`
const BUSINESS: &str = "x-business-use-case-usage";
/// `{"acc_id_util_pct":9.67,"reset_time_duration":100}`
const AD_ACCOUNT: &str = "x-ad-account-usage";
/// `{"app_id_util_pct":100,"acc_id_util_pct":10}`
const INSIGHTS: &str = "x-fb-ads-insights-throttle";

/// The keys that hold percentages, in any of the headers.
const PERCENT_KEYS: &[&str] =
    &["call_count", "total_time", "total_cputime", "acc_id_util_pct", "app_id_util_pct"];

/// Objects of a header that are looked at: Meta sends ≤ 32.
const MAX_OBJECTS: usize = 64;

/// What an answer's headers say.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub(crate) struct Reported {
    /// For the caller. Its wait is one that Meta asks for: `estimated_time_to_regain_access` is 0 as long as
    /// nothing is throttled.
    pub(crate) usage: Usage,
    /// When the ad account's window ends, in milliseconds; 0 for unknown. Meta tells it all the time, so it is a
    /// wait only for a caller that has been refused, or has used the window up.
    reset_ms: u64,
}

impl Reported {
    /// Reads the headers.
    pub(crate) fn read(headers: &HeaderMap) -> Self {
        let mut reported = Self::default();
        for name in [APP, BUSINESS, AD_ACCOUNT, INSIGHTS] {
            for value in headers.get_all(name) {
                if let Ok(json) = serde_json::from_slice::<Value>(value.as_bytes()) {
                    reported.add(&json);
                }
            }
        }
        reported
    }

    /// How long a call that was refused for a limit has to wait, in milliseconds; 0 where no header tells.
    pub(crate) fn wait_at_limit_ms(&self) -> u64 {
        self.usage.wait_ms.max(self.reset_ms)
    }

    fn add(&mut self, header: &Value) {
        let Some(header) = header.as_object() else { return };
        // Only the business header nests its objects, in lists by id.
        let nested = header.values().filter_map(Value::as_array).flatten().filter_map(Value::as_object);
        for object in std::iter::once(header).chain(nested).take(MAX_OBJECTS) {
            let percent = |key: &&str| object.get(*key).and_then(Value::as_f64);
            let highest = PERCENT_KEYS.iter().filter_map(percent).fold(0.0, f64::max);
            self.usage.percent = self.usage.percent.max(highest);
            let regain_ms = object.get("estimated_time_to_regain_access").map_or(0, |value| ms(value, 60.0));
            let reset_ms = object.get("reset_time_duration").map_or(0, |value| ms(value, 1.0));
            self.reset_ms = self.reset_ms.max(reset_ms);
            let asked_ms = if highest >= 100.0 { regain_ms.max(reset_ms) } else { regain_ms };
            self.usage.wait_ms = self.usage.wait_ms.max(asked_ms);
        }
    }
}

/// Milliseconds of a number of units of `unit_s` seconds; 0 for what is none or negative, a day at most.
fn ms(value: &Value, unit_s: f64) -> u64 {
    let seconds = value.as_f64().unwrap_or(0.0) * unit_s;
    let longest = Duration::from_millis(MAX_WAIT_MS);
    let duration = match Duration::try_from_secs_f64(seconds) {
        Ok(duration) => duration.min(longest),
        Err(_) if seconds > 0.0 => longest,
        Err(_) => Duration::ZERO,
    };
    u64::try_from(duration.as_millis()).unwrap_or(MAX_WAIT_MS)
}

#[cfg(test)]
mod tests {
    use reqwest::header::{HeaderName, HeaderValue};

    use super::*;

    fn read(headers: &[(&str, &str)]) -> Reported {
        let pair = |(name, value): &(&str, &str)| {
            (
                HeaderName::from_bytes(name.as_bytes()).unwrap(),
                HeaderValue::from_bytes(value.as_bytes()).unwrap(),
            )
        };
        Reported::read(&headers.iter().map(pair).collect())
    }

    #[test]
    fn the_highest_percentage_of_all_headers_counts() {
        let reported = read(&[
            ("X-App-Usage", r#"{"call_count":28,"total_time":25.5,"total_cputime":25}"#),
            ("x-fb-ads-insights-throttle", r#"{"app_id_util_pct":10,"acc_id_util_pct":61.25}"#),
        ]);
        assert_eq!(reported.usage, Usage { percent: 61.25, wait_ms: 0 });
    }

    #[test]
    fn time_to_regain_access_is_in_minutes_over_all_ids_and_types() {
        let reported = read(&[(
            "X-Business-Use-Case-Usage",
            r#"{"1":[{"type":"ads_management","call_count":95,"estimated_time_to_regain_access":0}],"2":[{"type":"leadgen","call_count":3},{"type":"ads_insights","call_count":100.5,"estimated_time_to_regain_access":3}]}"#,
        )]);
        assert_eq!(reported.usage, Usage { percent: 100.5, wait_ms: 180_000 });
    }

    #[test]
    fn the_reset_of_a_window_is_in_seconds_and_a_wait_only_at_the_limit() {
        let roomy = read(&[("x-ad-account-usage", r#"{"acc_id_util_pct":9.67,"reset_time_duration":100}"#)]);
        assert_eq!(roomy.usage, Usage { percent: 9.67, wait_ms: 0 });
        assert_eq!(roomy.wait_at_limit_ms(), 100_000);
        let full = read(&[("x-ad-account-usage", r#"{"acc_id_util_pct":100,"reset_time_duration":100}"#)]);
        assert_eq!(full.usage, Usage { percent: 100.0, wait_ms: 100_000 });
    }

    #[test]
    fn what_is_malformed_counts_as_absent() {
        for value in
            ["", "{", "[]", "null", "\"x\"", r#"{"call_count":"many"}"#, r#"{"a":[1,null,[]]}"#, "\u{e9}"]
        {
            let reported = read(&[("x-app-usage", value), ("x-business-use-case-usage", value)]);
            assert_eq!(reported, Reported::default(), "{value}");
        }
    }

    #[test]
    fn absurd_waits_are_bounded() {
        let wait_of = |time: &str| {
            let value = format!(r#"{{"1":[{{"estimated_time_to_regain_access":{time}}}]}}"#);
            read(&[("x-business-use-case-usage", &value)]).usage.wait_ms
        };
        assert_eq!(wait_of("1e300"), MAX_WAIT_MS);
        assert_eq!(wait_of("-5"), 0);
        assert_eq!(wait_of("0.5"), 30_000);
    }
}
