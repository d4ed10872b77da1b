//! `event_time`: whole unix seconds within the window that Meta accepts (Meta: server-event, offline-events).

use serde_json::value::RawValue;

use super::action_source::ActionSource;
use super::limits::MAX_AHEAD_S;
use super::path::Path;
use super::raw::View;
use super::refusal::{NoteCode, Notes, RefusalCode};
use super::typed;
use crate::dispatch::DEADLINE_MARGIN_S;

const DAY_S: i64 = 86_400;

/// From here on seconds would be in the year 5138: what is meant are milliseconds.
const FIRST_MILLISECONDS: i64 = 100_000_000_000;

const FIELD: &str = "event_time";

/// Greatest age in seconds at which an event is still taken.
#[must_use]
pub const fn max_age_s(physical_store: bool) -> i64 {
    let days = if physical_store { 62 } else { 7 };
    days * DAY_S - DEADLINE_MARGIN_S
}

/// The event's time in unix seconds, clamped to now where it is a little ahead. Absent is now.
pub(crate) fn read(
    raw: Option<&RawValue>,
    source: Option<ActionSource>,
    now_s: i64,
    notes: &mut Notes,
) -> Option<i64> {
    let Some(raw) = raw else { return Some(now_s) };
    let seconds = match parse(&typed::look(raw, Path::root(FIELD), notes)?) {
        Ok(seconds) => seconds,
        Err(code) => {
            notes.refuse(code, FIELD);
            return None;
        }
    };
    let age = now_s.saturating_sub(seconds);
    // An unknown action_source is refused on its own account; here it gets the longer window.
    let physical_store = source.is_none_or(|source| source == ActionSource::PhysicalStore);
    if age > max_age_s(physical_store) {
        notes.refuse(RefusalCode::EventTimeTooOld, FIELD);
    } else if age < -MAX_AHEAD_S {
        notes.refuse(RefusalCode::EventTimeInFuture, FIELD);
    } else if age < 0 {
        notes.warn(NoteCode::EventTimeClamped, FIELD);
    }
    Some(seconds.min(now_s))
}

fn parse(view: &View<'_>) -> Result<i64, RefusalCode> {
    let number = match view {
        View::Number(number) => number,
        View::Text(_) => return Err(RefusalCode::EventTimeText),
        _ => return Err(RefusalCode::EventTimeInvalid),
    };
    if number.contains(['.', 'e', 'E']) {
        return Err(RefusalCode::EventTimeFraction);
    }
    let seconds: i64 = number.parse().map_err(|_| RefusalCode::EventTimeInvalid)?;
    if seconds >= FIRST_MILLISECONDS { Err(RefusalCode::EventTimeMillis) } else { Ok(seconds) }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: i64 = 1_800_000_000;

    fn read_at(json: &str, source: ActionSource) -> Result<i64, &'static str> {
        let raw: &RawValue = serde_json::from_str(json).unwrap();
        let mut notes = Notes::default();
        let time = read(Some(raw), Some(source), NOW, &mut notes);
        notes.refusals.first().map_or(time.ok_or("nothing"), |refusal| Err(refusal.code.code()))
    }

    #[test]
    fn the_window_is_closed_on_both_sides() {
        let week = 7 * DAY_S - 3_600;
        let store = 62 * DAY_S - 3_600;
        let website = |at: i64| read_at(&at.to_string(), ActionSource::Website);
        assert_eq!(website(NOW - week), Ok(NOW - week));
        assert_eq!(website(NOW - week - 1), Err("event_time_too_old"));
        assert_eq!(website(NOW + 60), Ok(NOW), "clamped");
        assert_eq!(website(NOW + 61), Err("event_time_in_future"));
        let in_store = |at: i64| read_at(&at.to_string(), ActionSource::PhysicalStore);
        assert_eq!(in_store(NOW - store), Ok(NOW - store));
        assert_eq!(in_store(NOW - store - 1), Err("event_time_too_old"));
    }

    #[test]
    fn other_writings_of_time_have_codes_of_their_own() {
        for (json, code) in [
            ("\"2027-01-15T08:00:00Z\"", "event_time_is_text"),
            ("\"1800000000\"", "event_time_is_text"),
            ("1800000000.5", "event_time_not_whole"),
            ("1.8e9", "event_time_not_whole"),
            ("1800000000000", "event_time_in_milliseconds"),
            ("99999999999999999999", "event_time_invalid"),
            ("true", "event_time_invalid"),
            ("-5", "event_time_too_old"),
        ] {
            assert_eq!(read_at(json, ActionSource::Website), Err(code), "{json}");
        }
    }
}
