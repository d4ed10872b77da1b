//! `context`: browser and campaign, and what the page's own address tells of them.

use super::MAX_LABEL_BYTES;
use super::reader::Reader;
use crate::conversion::note::Code;
use crate::event::limits::MAX_URL_BYTES;
use crate::normalize;
use crate::people::{Touch, Visit};

/// Parameters of a URL that are looked at.
const MAX_PARAMETERS: usize = 64;

impl Reader<'_> {
    pub(super) fn visit(&mut self, observed_ms: i64) -> Visit {
        let Some(value) = self.get("context") else { return Visit::default() };
        let Some(context) = value.as_object() else {
            self.refuse("context", Code::NotAnObject);
            return Visit::default();
        };
        let mut visit = Visit::default();
        let mut clicked = None;
        for (key, value) in context {
            let Some(text) = value.as_str().map(str::trim) else {
                if !value.is_null() {
                    self.warn(&context_field(key), Code::LeftOut);
                }
                continue;
            };
            if text.is_empty() {
                continue;
            }
            let read = match key.as_str() {
                "ip" | "client_ip_address" => {
                    keep(&mut visit.ip, normalize::ip_address(text).ok().map(|ip| ip.to_string()))
                }
                "agent" | "user_agent" | "client_user_agent" => {
                    keep(&mut visit.agent, normalize::user_agent(text).ok())
                }
                "fbp" => keep(&mut visit.fbp, normalize::fbp(text).ok()),
                "fbc" => keep(&mut visit.fbc, normalize::fbc(text).ok()),
                "fbclid" => keep(&mut clicked, normalize::fbclid(text).ok()),
                "url" | "event_source_url" => keep(&mut visit.url, Some(text).filter(|url| is_url(url))),
                _ => campaign_label(&mut visit.touch, key, text),
            };
            if !read {
                self.warn(&context_field(key), Code::LeftOut);
            }
        }
        visit.follow_url(clicked.as_deref(), observed_ms);
        visit
    }
}

fn context_field(key: &str) -> String {
    let plain = key.len() <= 40 && key.bytes().all(|b| b.is_ascii_lowercase() || b == b'_');
    if plain { format!("context.{key}") } else { "context".to_owned() }
}

fn keep<T: Into<String>>(place: &mut Option<String>, value: Option<T>) -> bool {
    let good = value.is_some();
    if let Some(value) = value {
        *place = Some(value.into());
    }
    good
}

impl Visit {
    /// Takes in what the page's own address tells where nothing else did: the click id, and the campaign.
    fn follow_url(&mut self, clicked: Option<&str>, observed_ms: i64) {
        let url = self.url.clone().unwrap_or_default();
        let in_url = normalize::fbclid_in_url(&url).and_then(|id| normalize::fbclid(id).ok());
        self.fbc = normalize::click(self.fbc.as_deref(), clicked.or(in_url), observed_ms);
        let query = url.split_once('?').map_or("", |(_, query)| query.split('#').next().unwrap_or_default());
        for (key, text) in form_urlencoded::parse(query.as_bytes()).take(MAX_PARAMETERS) {
            let good = (1..=MAX_LABEL_BYTES).contains(&text.len()) && !text.chars().any(char::is_control);
            if let Some(place) = campaign(&mut self.touch, &key)
                && place.is_none()
                && good
            {
                *place = Some(text.into_owned());
            }
        }
    }
}

fn campaign<'t>(touch: &'t mut Touch, key: &str) -> Option<&'t mut Option<String>> {
    Some(match key {
        "utm_source" => &mut touch.source,
        "utm_medium" => &mut touch.medium,
        "utm_campaign" => &mut touch.campaign,
        "utm_content" => &mut touch.content,
        "utm_term" => &mut touch.term,
        "lead_form" => &mut touch.lead_form,
        _ => return None,
    })
}

fn campaign_label(touch: &mut Touch, key: &str, text: &str) -> bool {
    let good = text.len() <= MAX_LABEL_BYTES && !text.chars().any(char::is_control);
    campaign(touch, key).is_some_and(|place| keep(place, Some(text).filter(|_| good)))
}

fn is_url(text: &str) -> bool {
    text.len() <= MAX_URL_BYTES && (text.starts_with("https://") || text.starts_with("http://"))
}
