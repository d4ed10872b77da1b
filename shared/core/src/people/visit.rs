//! What a conversion tells of the browser it came from and the campaign that brought it.

use serde::{Deserialize, Serialize};

use super::person::{Click, FRESH_DAYS, MAX_CLICKS, PersonDoc, Profile, Seen, Touch};
use crate::time::UnixMillis;

/// An unchanged value is written anew after this long, in milliseconds: 7 days, so that it stays fresh for 90.
const RENEW_MS: i64 = 7 * 86_400_000;

/// Browser and campaign of one conversion.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Visit {
    /// The visitor's address.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ip: Option<String>,
    /// The visitor's user agent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub agent: Option<String>,
    /// Meta's browser id.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fbp: Option<String>,
    /// Meta's click id.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fbc: Option<String>,
    /// The page.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    /// The campaign; its time, `fbp` and `fbc` are those of the visit.
    pub touch: Touch,
}

impl Visit {
    /// Writes the visit, which happened at `at`, into a person. Says whether that changed anything.
    pub fn note(&self, at: UnixMillis, doc: &mut PersonDoc, profile: &mut Profile) -> bool {
        let mut changed = see(&mut profile.ip, self.ip.as_ref(), at);
        changed |= see(&mut profile.agent, self.agent.as_ref(), at);
        changed |= see(&mut doc.fbp, self.fbp.as_ref(), at);
        changed |= self.click(at, doc);
        changed |= self.touch(at, doc);
        let at_s = at.secs();
        if doc.first_seen.is_none_or(|first| at_s < first) {
            doc.first_seen = Some(at_s);
            changed = true;
        }
        let later = |last: i64| at_s > last && at_s.div_euclid(86_400) != last.div_euclid(86_400);
        if doc.last_seen.is_none_or(later) {
            doc.last_seen = Some(at_s);
            changed = true;
        }
        changed
    }

    fn click(&self, at: UnixMillis, doc: &mut PersonDoc) -> bool {
        let Some(fbc) = &self.fbc else { return false };
        match doc.clicks.iter_mut().find(|click| click.fbc == *fbc) {
            Some(known) if known.at <= at => return false,
            Some(known) => known.at = at,
            None => doc.clicks.push(Click { fbc: fbc.clone(), at }),
        }
        doc.clicks.sort_by(|a, b| (a.at, &a.fbc).cmp(&(b.at, &b.fbc)));
        let newest = doc.clicks.last().map_or(at, |click| click.at);
        doc.clicks.retain(|click| newest.ms_since(click.at) <= FRESH_DAYS * 86_400_000);
        let surplus = doc.clicks.len().saturating_sub(MAX_CLICKS);
        doc.clicks.drain(..surplus);
        true
    }

    fn touch(&self, at: UnixMillis, doc: &mut PersonDoc) -> bool {
        let touch = Touch { at, fbp: self.fbp.clone(), fbc: self.fbc.clone(), ..self.touch.clone() };
        if touch.is_empty() {
            return false;
        }
        let Some(last) = doc.last() else {
            doc.first_touch = Some(touch);
            return true;
        };
        let same = Touch { at: last.at, ..touch.clone() } == *last;
        let newer = at > last.at && (!same || at.ms_since(last.at) > RENEW_MS);
        if newer {
            doc.last_touch = Some(touch);
        }
        newer
    }
}

fn see(place: &mut Option<Seen>, value: Option<&String>, at: UnixMillis) -> bool {
    let Some(value) = value else { return false };
    let newer = place
        .as_ref()
        .is_none_or(|seen| at > seen.at && (seen.value != *value || at.ms_since(seen.at) > RENEW_MS));
    if newer {
        *place = Some(Seen { value: value.clone(), at });
    }
    newer
}

#[cfg(test)]
mod tests {
    use super::*;

    const DAY_MS: i64 = 86_400_000;

    fn visit(fbc: &str, campaign: &str) -> Visit {
        let touch = Touch { campaign: Some(campaign.to_owned()), ..Touch::default() };
        Visit { fbc: Some(fbc.to_owned()), ip: Some("203.0.113.7".to_owned()), touch, ..Visit::default() }
    }

    #[test]
    fn the_first_touch_is_written_once_and_the_last_always() {
        let (mut doc, mut profile) = (PersonDoc::new(UnixMillis(0), None), Profile::default());
        for (at, campaign) in [(10, "spring"), (20, "summer"), (15, "late news")] {
            visit("fb.1.1.a", campaign).note(UnixMillis(at), &mut doc, &mut profile);
        }
        let campaign = |touch: &Option<Touch>| touch.as_ref().and_then(|touch| touch.campaign.clone());
        assert_eq!(campaign(&doc.first_touch).as_deref(), Some("spring"));
        assert_eq!(campaign(&doc.last().cloned()).as_deref(), Some("summer"));
    }

    #[test]
    fn the_same_visit_again_costs_no_write_until_a_week_later() {
        let (mut doc, mut profile) = (PersonDoc::new(UnixMillis(0), None), Profile::default());
        let visit = visit("fb.1.1.a", "spring");
        assert!(visit.note(UnixMillis(10), &mut doc, &mut profile));
        assert!(!visit.note(UnixMillis(10), &mut doc, &mut profile));
        assert!(!visit.note(UnixMillis(DAY_MS - 1), &mut doc, &mut profile));
        assert!(visit.note(UnixMillis(8 * DAY_MS), &mut doc, &mut profile));
    }

    #[test]
    fn a_click_is_kept_for_90_days() {
        let (mut doc, mut profile) = (PersonDoc::new(UnixMillis(0), None), Profile::default());
        for (fbc, day) in [("fb.1.1.old", 0), ("fb.1.1.edge", 10), ("fb.1.1.new", 100)] {
            visit(fbc, "x").note(UnixMillis(day * DAY_MS), &mut doc, &mut profile);
        }
        let kept: Vec<&str> = doc.clicks.iter().map(|click| click.fbc.as_str()).collect();
        assert_eq!(kept, ["fb.1.1.edge", "fb.1.1.new"]);
    }

    #[test]
    fn the_newest_clicks_are_kept() {
        let (mut doc, mut profile) = (PersonDoc::new(UnixMillis(0), None), Profile::default());
        for nth in (0..12).rev() {
            visit(&format!("fb.1.1.{nth:02}"), "x").note(UnixMillis(nth), &mut doc, &mut profile);
        }
        let kept: Vec<i64> = doc.clicks.iter().map(|click| click.at.0).collect();
        assert_eq!(kept, [4, 5, 6, 7, 8, 9, 10, 11]);
    }
}
