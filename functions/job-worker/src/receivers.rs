//! Tenants' receivers, behind core's port.

use adrelay_core::ports::outside::{OutsideCall, OutsideCaller, OutsideFault};
use adrelay_outside::Outside;
use http::{HeaderMap, HeaderName, HeaderValue};

/// Calls receivers: https, public addresses, no redirects, 10 seconds.
#[derive(Debug, Clone)]
pub struct Receivers(pub Outside);

/// A header that can't be sent: an id or signature that is no visible ASCII, which ours always are.
const INVALID_HEADER: OutsideFault = OutsideFault { code: "invalid_header" };

impl OutsideCaller for Receivers {
    async fn post(&self, call: OutsideCall) -> Result<u16, OutsideFault> {
        let mut headers = HeaderMap::new();
        for (name, value) in call.headers {
            let value = HeaderValue::from_str(&value).map_err(|_| INVALID_HEADER)?;
            headers.insert(HeaderName::from_static(name), value);
        }
        match self.0.post_json(&call.url, headers, call.body).await {
            Ok(reply) => Ok(reply.http_status),
            // What was answered is the domain's to judge.
            Err(error) => match error.http_status() {
                Some(status) => Ok(status),
                None => Err(OutsideFault { code: error.code() }),
            },
        }
    }
}
