//! The client: one call, one outcome, no retry of its own.

use std::sync::Arc;
use std::time::Duration;

use adrelay_tls::TlsError;
use reqwest::header::{CONTENT_TYPE, HeaderMap, HeaderValue};
use reqwest::{Client, Response, redirect, retry};

use crate::fault::OutsideError;
use crate::resolver::PublicResolver;
use crate::target::target;

/// Limits of an [`Outside`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OutsideConfig {
    /// Whether loopback addresses may be called, also by plain `http`: in the local stack.
    pub loopback_allowed: bool,
    /// The longest that connecting may take, with name look-up and TLS handshake.
    pub connect_timeout: Duration,
    /// The longest that a call may take, from connecting to the last byte of the answer.
    pub total_timeout: Duration,
    /// The most bytes of an answer that are read.
    pub max_response_bytes: usize,
}

impl Default for OutsideConfig {
    fn default() -> Self {
        Self {
            loopback_allowed: false,
            connect_timeout: Duration::from_secs(3),
            total_timeout: Duration::from_secs(10),
            max_response_bytes: 64 * 1024,
        }
    }
}

/// Why an [`Outside`] could not be made.
#[derive(Debug, thiserror::Error)]
pub enum OutsideConfigError {
    /// TLS could not be set up.
    #[error(transparent)]
    Tls(#[from] TlsError),
    /// The HTTP client could not be set up.
    #[error("HTTP client: {0}")]
    Client(reqwest::Error),
}

/// A 2xx.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Reply {
    /// 200 to 299.
    pub http_status: u16,
}

/// Calls what a tenant names. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Outside {
    client: Client,
    loopback_allowed: bool,
    max_response_bytes: usize,
}

impl Outside {
    /// Makes a client. Reads the machine's root certificates.
    ///
    /// # Errors
    /// [`OutsideConfigError`]
    pub fn new(config: &OutsideConfig) -> Result<Self, OutsideConfigError> {
        Self::with(config, PublicResolver::system(config.loopback_allowed))
    }

    fn with(config: &OutsideConfig, resolver: PublicResolver) -> Result<Self, OutsideConfigError> {
        let client = Client::builder()
            .tls_backend_preconfigured(adrelay_tls::client_config(!config.loopback_allowed)?)
            .https_only(!config.loopback_allowed)
            .dns_resolver(Arc::new(resolver))
            .redirect(redirect::Policy::none())
            .referer(false)
            .retry(retry::never())
            // A proxy would look names up itself, where nobody checks the addresses.
            .no_proxy()
            .connect_timeout(config.connect_timeout)
            .timeout(config.total_timeout)
            .pool_max_idle_per_host(0)
            .user_agent(concat!("adrelay/", env!("CARGO_PKG_VERSION")))
            .build()
            .map_err(|error| OutsideConfigError::Client(error.without_url()))?;
        let (loopback_allowed, max_response_bytes) = (config.loopback_allowed, config.max_response_bytes);
        Ok(Self { client, loopback_allowed, max_response_bytes })
    }

    /// Posts a JSON text. `headers` go out in addition to `Content-Type: application/json`.
    ///
    /// # Errors
    /// [`OutsideError`]; for a status other than 2xx too.
    pub async fn post_json(
        &self,
        url: &str,
        headers: HeaderMap,
        body: Vec<u8>,
    ) -> Result<Reply, OutsideError> {
        let url = target(url, self.loopback_allowed)?;
        let json = HeaderValue::from_static("application/json");
        let call = self.client.post(url).headers(headers).header(CONTENT_TYPE, json).body(body);
        let response = call.send().await.map_err(|error| OutsideError::of_transport(&error))?;
        let status = response.status();
        if status.is_redirection() {
            return Err(OutsideError::Redirect);
        }
        if !status.is_success() {
            return Err(OutsideError::HttpStatus(status.as_u16()));
        }
        read_to_end(response, self.max_response_bytes).await?;
        Ok(Reply { http_status: status.as_u16() })
    }
}

/// Reads an answer's body and forgets it: only a whole answer says that it was meant.
async fn read_to_end(mut response: Response, max_bytes: usize) -> Result<(), OutsideError> {
    let mut read_bytes = 0_usize;
    while let Some(chunk) = response.chunk().await.map_err(|error| OutsideError::of_transport(&error))? {
        read_bytes += chunk.len();
        if read_bytes > max_bytes {
            return Err(OutsideError::TooLarge);
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The address is checked where it is connected to: whatever the resolver finds, nobody inside is called.
    #[tokio::test]
    async fn a_name_that_resolves_to_an_inner_address_is_not_connected_to() {
        let lookup = |_| -> std::pin::Pin<Box<dyn Future<Output = _> + Send>> {
            Box::pin(async { Ok(vec![([127, 0, 0, 1], 0).into(), ([10, 0, 0, 1], 0).into()]) })
        };
        let resolver = PublicResolver { loopback_allowed: false, lookup };
        let outside = Outside::with(&OutsideConfig::default(), resolver).unwrap();
        let called = outside.post_json("https://example.com/", HeaderMap::new(), Vec::new()).await;
        assert_eq!(called, Err(OutsideError::NotPublic));
    }
}
