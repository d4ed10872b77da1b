//! Metrics, as log lines in CloudWatch's embedded metric format. Names and counts only.

use std::sync::OnceLock;

use serde_json::{Map, Value, json};

/// The namespace of every metric.
pub const NAMESPACE: &str = "adrelay";

macro_rules! metrics {
    ($($(#[$doc:meta])* $name:ident = $unit:literal),* $(,)?) => {
        /// Every metric there is.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum Metric {
            $($(#[$doc])* $name),*
        }

        impl Metric {
            /// Every metric, in the order of this type.
            pub const ALL: &'static [Self] = &[$(Self::$name),*];

            /// Its name in CloudWatch.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self { $(Self::$name => stringify!($name)),* }
            }

            /// Its unit in CloudWatch.
            #[must_use]
            pub const fn unit(self) -> &'static str {
                match self { $(Self::$name => $unit),* }
            }
        }
    };
}

metrics! {
    /// Events accepted by ingest.
    EventsAccepted = "Count",
    /// Events refused by ingest; the refusal's code is in the line.
    EventsRefused = "Count",
    /// Events that Meta took.
    EventsSent = "Count",
    /// Events that Meta refused for good.
    EventsRejected = "Count",
    /// Events that grew too old.
    EventsExpired = "Count",
    /// Events that were not to be sent.
    EventsSkipped = "Count",
    /// Events of people who were erased.
    EventsErased = "Count",
    /// Copies of events that were sent already.
    EventsRepeated = "Count",
    /// Events put on the queue again.
    EventsResent = "Count",
    /// Events put into a waiting room.
    EventsParked = "Count",
    /// Events put on the queue from a waiting room.
    EventsReleased = "Count",
    /// Receipts that could not be written.
    ReceiptsFailed = "Count",
    /// Calls that Meta accepted.
    GraphCallsOk = "Count",
    /// Calls that Meta refused.
    GraphCallsRefused = "Count",
    /// Calls that failed on the way or on Meta's side.
    GraphCallsFailed = "Count",
    /// Calls that Meta answered with a limit.
    GraphCallsLimited = "Count",
    /// The largest request, in events.
    BatchSize = "Count",
    /// Milliseconds from queueing to Meta's yes, the longest of an invocation.
    QueuedToSentMs = "Milliseconds",
    /// Seconds until the first deadline of the events that still wait.
    SecondsToDeadline = "Seconds",
    /// Percent of sent events with an e-mail, phone or external id.
    MatchKeyCoverage = "Percent",
    /// Pixels or connections found to need attention.
    NeedsAttention = "Count",
    /// Conversions stored for the first time.
    ConversionsStored = "Count",
    /// Conversions that had been stored before.
    ConversionsRepeated = "Count",
    /// Conversions that can't be taken as they are.
    ConversionsRefused = "Count",
    /// Conversions held for an identify call or for consent.
    ConversionsHeld = "Count",
    /// Held conversions whose wait ended.
    HoldsReleased = "Count",
    /// Held conversions that could not be worked on.
    HoldsFailed = "Count",
    /// Leads that Meta announced.
    LeadsAnnounced = "Count",
    /// Lead webhooks that were refused; the code is in the line.
    LeadWebhooksRefused = "Count",
    /// Parts of lead webhooks that are not understood, and left out.
    LeadWebhookPartsIgnored = "Count",
    /// Announced leads of pages that no tenant has.
    LeadsUnowned = "Count",
    /// Leads stored for the first time.
    LeadsStored = "Count",
    /// Leads that had been stored before.
    LeadsRepeated = "Count",
    /// Leads that can't be read yet; they are tried again.
    LeadsDeferred = "Count",
    /// Leads that could not be read in time; reconciliation may still find them.
    LeadsGivenUp = "Count",
    /// Leads that reconciliation found.
    LeadsFoundByPoll = "Count",
    /// Percent of Meta's leads older than 2 hours that are stored, the lowest of the forms looked at.
    LeadCompleteness = "Percent",
    /// Percent of stored leads that came by webhook, of the forms and days looked at.
    LeadWebhookShare = "Percent",
    /// Pages that don't send us their leads.
    LeadPagesUnsubscribed = "Count",
    /// Stage events of leads that were queued for Meta.
    LeadFeedbackQueued = "Count",
    /// Stage events of leads that are not sent.
    LeadFeedbackSkipped = "Count",
    /// What a sweep found untold in the leads' outbox.
    LeadOutboxSwept = "Count",
    /// Calls of tenants' webhooks that were taken.
    WebhooksDelivered = "Count",
    /// Calls of tenants' webhooks that failed and are tried again.
    WebhooksRetried = "Count",
    /// Calls of tenants' webhooks that are given up.
    WebhooksDead = "Count",
    /// Rows of exports written.
    RowsExported = "Count",
    /// Jobs that failed.
    JobsFailed = "Count",
    /// Groups or records whose handling panicked.
    Panics = "Count",
}

/// The line that reports `values` of one function, as of `now_ms`.
#[must_use]
pub fn line(function: &str, now_ms: i64, values: &[(Metric, f64)], notes: &[(&str, Value)]) -> String {
    let definitions: Vec<Value> =
        values.iter().map(|(metric, _)| json!({"Name": metric.name(), "Unit": metric.unit()})).collect();
    let mut line = Map::new();
    line.insert(
        "_aws".to_owned(),
        json!({"Timestamp": now_ms, "CloudWatchMetrics": [
            {"Namespace": NAMESPACE, "Dimensions": [["Function"]], "Metrics": definitions}]}),
    );
    line.insert("Function".to_owned(), json!(function));
    line.extend(values.iter().map(|(metric, value)| (metric.name().to_owned(), json!(value))));
    line.extend(notes.iter().map(|(name, value)| ((*name).to_owned(), value.clone())));
    Value::Object(line).to_string()
}

static FUNCTION: OnceLock<String> = OnceLock::new();

/// Names the function whose metrics this process reports, as AWS knows it: alarms and dashboard go by that name. Only
/// the first call counts.
pub fn name_function(name: String) {
    let _ = FUNCTION.set(name);
}

/// Writes [`line()`] of this process's function to standard output; nothing where `values` is empty.
#[expect(clippy::print_stdout, reason = "the embedded metric format is a line on standard output")]
pub fn emit(now_ms: i64, values: &[(Metric, f64)], notes: &[(&str, Value)]) {
    if !values.is_empty() {
        let function = FUNCTION.get().map_or("unnamed", String::as_str);
        println!("{}", line(function, now_ms, values, notes));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn alarms_and_the_dashboard_name_metrics_that_exist() {
        let template = include_str!("../../../infra/alarms.yaml");
        let alarms = template
            .split("Namespace: adrelay\n")
            .skip(1)
            .filter_map(|rest| rest.trim_start().strip_prefix("MetricName: ")?.lines().next());
        let widgets = template.split("[\"adrelay\", \"").skip(1).filter_map(|rest| rest.split('"').next());
        let named: Vec<&str> = alarms.chain(widgets).collect();
        assert!(named.len() > 5, "{named:?}");
        for name in named {
            assert!(Metric::ALL.iter().any(|metric| metric.name() == name), "{name}");
        }
    }

    #[test]
    fn the_readme_lists_every_metric_with_its_unit() {
        let readme = include_str!("../README.md");
        for metric in Metric::ALL {
            let row = format!("| `{}` | {} |", metric.name(), metric.unit());
            assert!(readme.contains(&row), "{row}");
        }
    }

    #[test]
    fn a_line_is_in_the_embedded_metric_format() {
        let line = line("capi-dispatch", 5, &[(Metric::EventsSent, 3.0)], &[]);
        let line: Value = serde_json::from_str(&line).unwrap();
        assert_eq!(line["EventsSent"], 3.0);
        assert_eq!(line["Function"], "capi-dispatch");
        let metrics = &line["_aws"]["CloudWatchMetrics"][0];
        assert_eq!(metrics["Namespace"], "adrelay");
        assert_eq!(metrics["Metrics"][0], json!({"Name": "EventsSent", "Unit": "Count"}));
    }
}
