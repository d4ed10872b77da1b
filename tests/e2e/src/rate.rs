//! How many events reached Meta within a span of time, whenever it began.

use serde_json::Value;

use crate::number;

/// The most events that any `span_ms` milliseconds hold, over calls as the simulator lists them.
///
/// # Errors
/// Where a call has no time or no count.
pub fn most_events_within(span_ms: u64, calls: &[Value]) -> anyhow::Result<u64> {
    let mut arrivals = Vec::new();
    for call in calls {
        arrivals.push((number(call, "at_ms")?, number(call, "events")?));
    }
    // The fullest span begins with an arrival: one that begins later holds no more.
    let within = |start: u64| {
        let span = arrivals.iter().filter(|(at, _)| (start..start + span_ms).contains(at));
        span.map(|(_, events)| events).sum()
    };
    Ok(arrivals.iter().map(|(at, _)| within(*at)).max().unwrap_or(0))
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::most_events_within;

    fn calls(arrivals: &[(u64, u64)]) -> Vec<Value> {
        arrivals.iter().map(|(at, events)| json!({"at_ms": at, "events": events})).collect()
    }

    #[test]
    fn a_second_may_begin_at_any_moment() {
        assert_eq!(most_events_within(1_000, &calls(&[(1_950, 1_000), (2_050, 1_000)])).unwrap(), 2_000);
        assert_eq!(most_events_within(1_000, &calls(&[(2_950, 600), (1_950, 1_000)])).unwrap(), 1_000);
        assert_eq!(most_events_within(1_000, &calls(&[(1, 400), (900, 400), (1_100, 400)])).unwrap(), 800);
        assert_eq!(most_events_within(1_000, &[]).unwrap(), 0);
    }

    #[test]
    fn a_call_without_a_time_or_a_count_is_an_error() {
        assert!(most_events_within(1_000, &[json!({"events": 1})]).is_err());
        assert!(most_events_within(1_000, &[json!({"at_ms": 1})]).is_err());
    }
}
