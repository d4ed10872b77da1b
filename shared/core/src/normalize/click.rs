//! Meta's browser and click ids, `fbp` and `fbc`. They travel in clear and are never lowercased nor cut.

use super::Refusal;
use super::sha256::is_appendix;

/// Longest click id, fbp or fbc in bytes; click ids of today have some 200.
const MAX_ID_BYTES: usize = 1024;

/// A checked `_fbp` value: `fb.<subdomain index>.<ms of creation>.<random number>`, and perhaps an appendix.
///
/// # Errors
/// [`Refusal::Empty`], [`Refusal::TooLong`] or [`Refusal::Fbp`].
pub fn fbp(text: &str) -> Result<&str, Refusal> {
    cookie(text, Refusal::Fbp)
}

/// The `fbc` of an event: `fb.<subdomain index>.<ms when the click id was first seen>.<fbclid>`.
///
/// A cookie that carries the click id is kept, with its time and appendix; one of another click is replaced;
/// without a click id the cookie is kept; without either there is none. Where it is made here, the subdomain
/// index is 1, as Meta asks of servers, and the time is `observed_ms`.
/// (Meta: fbp-and-fbc; `capi-param-builder` 1.3.2.)
///
/// The caller checks each by [`fbc`] and [`fbclid`] first, so that a malformed one does not spoil the other.
#[must_use]
pub fn click(cookie: Option<&str>, click_id: Option<&str>, observed_ms: i64) -> Option<String> {
    match (cookie, click_id) {
        (Some(cookie), None) => Some(cookie.to_owned()),
        (Some(cookie), Some(id)) if cookie.split('.').nth(3) == Some(id) => Some(cookie.to_owned()),
        (_, Some(id)) => Some(format!("fb.1.{}.{id}", observed_ms.max(0))),
        (None, None) => None,
    }
}

/// A checked `_fbc` value.
///
/// # Errors
/// [`Refusal::Empty`], [`Refusal::TooLong`] or [`Refusal::Fbc`].
pub fn fbc(text: &str) -> Result<&str, Refusal> {
    cookie(text, Refusal::Fbc)
}

/// A checked click id, as it stood in the landing page's URL.
///
/// # Errors
/// [`Refusal::Empty`], [`Refusal::TooLong`] or [`Refusal::Fbclid`].
pub fn fbclid(text: &str) -> Result<&str, Refusal> {
    let text = measured(text)?;
    if is_payload(text) { Ok(text) } else { Err(Refusal::Fbclid) }
}

/// The click id in a URL's query, unchecked. Click ids need no percent-encoding.
#[must_use]
pub fn fbclid_in_url(url: &str) -> Option<&str> {
    let query = url.split_once('?')?.1.split('#').next()?;
    query.split('&').filter_map(|pair| pair.strip_prefix("fbclid=")).find(|id| !id.is_empty())
}

fn cookie(text: &str, refusal: Refusal) -> Result<&str, Refusal> {
    let text = measured(text)?;
    let mut parts = text.split('.');
    let (Some("fb"), Some(index), Some(created), Some(payload)) =
        (parts.next(), parts.next(), parts.next(), parts.next())
    else {
        return Err(refusal);
    };
    let appendix_ok = parts.next().is_none_or(is_appendix) && parts.next().is_none();
    if is_number(index) && is_number(created) && is_payload(payload) && appendix_ok {
        Ok(text)
    } else {
        Err(refusal)
    }
}

fn measured(text: &str) -> Result<&str, Refusal> {
    let text = text.trim();
    match text.len() {
        0 => Err(Refusal::Empty),
        1..=MAX_ID_BYTES => Ok(text),
        _ => Err(Refusal::TooLong),
    }
}

fn is_number(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit())
}

fn is_payload(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|b| b.is_ascii_graphic() && b != b'.')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cookies_have_four_parts_or_five() {
        for good in [
            "fb.1.1596403881668.1098115397",
            "fb.2.1.AbC_d-E",
            "fb.1.1.x.AQICAQMC",
            "fb.1.1.x.BA",
            " fb.0.1.x\n",
        ] {
            assert_eq!(fbc(good), Ok(good.trim()), "{good}");
            assert_eq!(fbp(good), Ok(good.trim()), "{good}");
        }
        for bad in [
            "x",
            "fb.1.2",
            "fb.1.2.",
            "FB.1.2.x",
            "fb..2.x",
            "fb.1..x",
            "fb.a.2.x",
            "fb.1.2x.x",
            "fb.1.2.x.y.z",
            "fb.1.2.x.AQICAQM",
            "fb.1.2.x.",
            "fb.1.2.x.AQICAQMC.BA",
            "fb.1.2.a b",
            "fb.1.2.é",
            "IwAR2F4-dbP0l7Mn",
            "fb.١.2.x",
        ] {
            assert_eq!(fbc(bad), Err(Refusal::Fbc), "{bad}");
            assert_eq!(fbp(bad), Err(Refusal::Fbp), "{bad}");
        }
        assert_eq!(fbp(" "), Err(Refusal::Empty));
        assert_eq!(fbc(&format!("fb.1.1.{}", "x".repeat(MAX_ID_BYTES))), Err(Refusal::TooLong));
    }

    #[test]
    fn a_click_id_is_opaque_and_keeps_its_case() {
        assert_eq!(fbclid(" IwAR2F4-dbP0l7Mn_aem_X "), Ok("IwAR2F4-dbP0l7Mn_aem_X"));
        for bad in ["a.b", "a b", "https://e.com/?fbclid=x.y", "é", "a\u{0}"] {
            assert_eq!(fbclid(bad), Err(Refusal::Fbclid), "{bad}");
        }
    }

    #[test]
    fn a_click_id_is_found_in_a_url() {
        assert_eq!(fbclid_in_url("https://e.com/a?x=1&fbclid=IwAR2&y#fbclid=z"), Some("IwAR2"));
        for none in [
            "https://e.com/fbclid=1",
            "https://e.com/?fbclid=",
            "https://e.com/?xfbclid=1",
            "https://e.com/#?fbclid",
        ] {
            assert_eq!(fbclid_in_url(none), None, "{none}");
        }
    }

    #[test]
    fn a_cookie_of_another_click_is_replaced() {
        let old = "fb.2.1554763741205.AbCdEf.AQIAAQMC";
        assert_eq!(click(Some(old), None, 5).as_deref(), Some(old));
        assert_eq!(click(Some(old), Some("AbCdEf"), 5).as_deref(), Some(old));
        assert_eq!(click(Some(old), Some("abcdef"), 5).as_deref(), Some("fb.1.5.abcdef"));
        assert_eq!(click(None, Some("New"), -5).as_deref(), Some("fb.1.0.New"));
        assert_eq!(click(None, None, 5), None);
    }
}
