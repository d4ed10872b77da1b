//! The body of a request to the Conversions API (Meta: using the API).

use adrelay_core::ports::meta::CapiRequest;
use serde_json::Value;

/// `{"data":[…],"test_event_code":…,"upload_tag":…,"appsecret_proof":…}`, with the events' texts as they are:
/// what was hashed and checked at ingest goes out byte by byte.
pub(crate) fn capi_body(request: &CapiRequest<'_>, proof: Option<&str>) -> Vec<u8> {
    const ROOM_FOR_THE_REST: usize = 512;
    let events_bytes: usize = request.events.iter().map(|event| event.len() + 1).sum();
    let mut body = Vec::with_capacity(events_bytes + ROOM_FOR_THE_REST);
    body.extend_from_slice(b"{\"data\":[");
    for (index, event) in request.events.iter().enumerate() {
        if index > 0 {
            body.push(b',');
        }
        body.extend_from_slice(event.as_bytes());
    }
    body.push(b']');
    let texts = [
        ("test_event_code", request.test_event_code),
        ("upload_tag", request.upload_tag),
        ("appsecret_proof", proof),
    ];
    for (name, text) in texts {
        if let Some(text) = text {
            body.extend_from_slice(format!(",\"{name}\":{}", Value::from(text)).as_bytes());
        }
    }
    body.push(b'}');
    body
}

#[cfg(test)]
mod tests {
    use adrelay_core::ids::PixelId;
    use adrelay_core::ports::meta::Credentials;
    use adrelay_core::seal::Secret;

    use super::*;

    #[test]
    fn events_go_out_byte_by_byte_and_texts_are_escaped() {
        let pixel_id = PixelId::parse("1").unwrap();
        let credentials = Credentials { token: Secret::new("t".to_owned()), app_secret: None };
        let request = CapiRequest {
            pixel_id: &pixel_id,
            credentials: &credentials,
            test_event_code: Some("TEST\"1"),
            upload_tag: None,
            events: &[r#"{"value": 1.50}"#, r#"{"a":"\u00e9"}"#],
        };
        let body = String::from_utf8(capi_body(&request, Some("beef"))).unwrap();
        let expected = r#"{"data":[{"value": 1.50},{"a":"\u00e9"}],"test_event_code":"TEST\"1","appsecret_proof":"beef"}"#;
        assert_eq!(body, expected);
    }
}
