//! Calls outside, on a tenant's word: to addresses that a tenant names.

use std::future::Future;

/// A call did not get an answer. Holds no address: that is the tenant's own, and may carry a secret.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the call failed: {code}")]
pub struct OutsideFault {
    /// Why: a stable code, `timeout`, `refused`, `dns`, `tls`, `not_public`, `redirect`, `too_large`, `invalid_url`.
    pub code: &'static str,
}

/// A POST of JSON.
#[derive(Clone, PartialEq, Eq)]
pub struct OutsideCall {
    /// Where to.
    pub url: String,
    /// Headers beside those that every POST of JSON has.
    pub headers: Vec<(&'static str, String)>,
    /// The body.
    pub body: Vec<u8>,
}

/// Address, signature and body are nobody's business.
impl std::fmt::Debug for OutsideCall {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "OutsideCall({} bytes)", self.body.len())
    }
}

/// Calls addresses that tenants name. Adapters take https only, connect to public addresses only, follow no redirect,
/// and give up after 10 seconds.
pub trait OutsideCaller: Send + Sync {
    /// Makes one call, without a retry: the answer's HTTP status.
    fn post(&self, call: OutsideCall) -> impl Future<Output = Result<u16, OutsideFault>> + Send;
}
