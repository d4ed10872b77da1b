//! `POST /{pixel}/events`: reads `data`, checks every event, stores all or none.

use std::borrow::Cow;

use serde_json::value::RawValue;
use serde_json::{Map, Value, json};

use crate::event_check::{self, Checked};
use crate::event_store::StoredEvent;
use crate::faults::Target;
use crate::graph_error::GraphError;
use crate::params::Params;
use crate::request_log::RequestEntry;
use crate::state::State;

/// Events that one request may hold.
const MAX_EVENTS: usize = 1_000;

struct Incoming {
    raw: Box<RawValue>,
    fields: Map<String, Value>,
}

/// Takes one request of a caller who may send to the pixel; counts in `entry`, answers Meta's body.
pub(crate) fn receive(
    state: &mut State,
    entry: &mut RequestEntry,
    pixel_id: &str,
    params: &Params,
    fbtrace_id: &str,
) -> Result<Value, GraphError> {
    let data = params.text("data").ok_or_else(|| GraphError::missing("data"))?;
    let raw_events = split(&data)?;
    entry.events = raw_events.len();
    if raw_events.is_empty() {
        return Err(GraphError::missing("data"));
    }
    if raw_events.len() > MAX_EVENTS {
        return Err(GraphError::wrong("data", "a list of at most 1000 events"));
    }
    let now_ms = state.clock.now_ms();
    let mut taken = Vec::with_capacity(raw_events.len());
    for raw in raw_events {
        let event = parse(raw)?;
        let checked = event_check::check(&event.fields, now_ms.div_euclid(1000), &state.switches)?;
        taken.push((checked, event.raw));
    }
    reject_by_fault(state, entry, pixel_id, &taken)?;
    if state.events.lacks_room_for(taken.len()) {
        return Err(GraphError::new(2, None).with_message("The simulator is full; POST /_sim/reset"));
    }
    let test_event_code = params.text("test_event_code").map(Cow::into_owned);
    let upload_tag = params.text("upload_tag").map(Cow::into_owned);
    for (checked, raw) in taken {
        let new = state.events.take(StoredEvent {
            pixel_id: pixel_id.to_owned(),
            event_name: checked.name,
            event_id: checked.id,
            event_time: checked.time,
            test_event_code: test_event_code.clone(),
            upload_tag: upload_tag.clone(),
            received_at: now_ms,
            fbtrace_id: fbtrace_id.to_owned(),
            fbtrace_ids: vec![fbtrace_id.to_owned()],
            copies: 1,
            flags: checked.flags,
            event: raw,
        });
        entry.stored += usize::from(new);
    }
    let received = if state.switches.count_duplicates { entry.events } else { entry.stored };
    Ok(json!({"events_received": received, "messages": [], "fbtrace_id": fbtrace_id}))
}

/// The elements of `data`, unparsed. A form may hold the array once more as a JSON text.
fn split(data: &str) -> Result<Vec<Box<RawValue>>, GraphError> {
    let wanted = |_| GraphError::wrong("data", "an array of events");
    if data.trim_start().starts_with('"') {
        let array: String = serde_json::from_str(data).map_err(wanted)?;
        return serde_json::from_str(&array).map_err(wanted);
    }
    serde_json::from_str(data).map_err(wanted)
}

/// One element: an object, or a JSON text that holds one.
fn parse(raw: Box<RawValue>) -> Result<Incoming, GraphError> {
    let wanted = || GraphError::wrong("data", "an array of objects");
    let raw = if raw.get().starts_with('"') {
        let text: String = serde_json::from_str(raw.get()).map_err(|_| wanted())?;
        serde_json::from_str(&text).map_err(|_| wanted())?
    } else {
        raw
    };
    let fields = serde_json::from_str(raw.get()).map_err(|_| wanted())?;
    Ok(Incoming { raw, fields })
}

fn reject_by_fault(
    state: &mut State,
    entry: &mut RequestEntry,
    pixel_id: &str,
    events: &[(Checked, Box<RawValue>)],
) -> Result<(), GraphError> {
    let target = Target {
        method: &entry.method,
        path: &entry.path,
        pixel_id: Some(pixel_id),
        page_id: None,
        object: None,
    };
    let names: Vec<_> = events.iter().map(|(event, _)| (event.name.as_str(), event.id.as_deref())).collect();
    let Some((id, fault)) = state.faults.reject(target, &names) else { return Ok(()) };
    entry.fault = Some(id);
    fault.error().map_or(Ok(()), Err)
}

#[cfg(test)]
mod tests {
    use super::{parse, split};

    #[test]
    fn data_is_a_list_of_objects_or_of_texts_of_objects() {
        for data in [r#"[{"a": 1e2}]"#, r#"["{\"a\": 1e2}"]"#, r#""[{\"a\": 1e2}]""#] {
            let events = split(data).unwrap();
            let event = parse(events.into_iter().next().unwrap()).unwrap();
            assert_eq!(event.raw.get(), r#"{"a": 1e2}"#, "kept as it was written");
            assert_eq!(event.fields.len(), 1);
        }
    }

    #[test]
    fn anything_else_is_refused() {
        for data in ["", "{}", "[", "\"x\"", "7", "null"] {
            assert!(split(data).is_err(), "{data}");
        }
        let deep = format!("[{{\"a\":{}1{}}}]", "[".repeat(200), "]".repeat(200));
        for data in ["[7]", "[null]", "[[]]", "[\"x\"]", "[\"[]\"]", "[\"\"]", &deep] {
            let refused = split(data).map(|events| events.into_iter().all(|raw| parse(raw).is_err()));
            assert!(refused.unwrap_or(true), "{data}");
        }
    }
}
