//! TLS to the outside: rustls with aws-lc-rs, the stack that the AWS SDK brings already.

use std::sync::Arc;

use rustls::{ClientConfig, RootCertStore};

/// Why TLS could not be set up.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// The provider has no usable protocol version.
    #[error("TLS: {0}")]
    Provider(#[from] rustls::Error),
    /// The machine has no certificates of authorities to trust.
    #[error("no root certificates found on this machine")]
    NoRoots,
}

/// A client's configuration that trusts the machine's own authorities.
///
/// Built here and handed over whole, for three reasons. The provider is named, so no process-wide one has to be
/// installed and none can be picked by accident. Certificates are checked by webpki over one parsed store, without
/// the platform verifier that reqwest would put in front of it. And the machine's authorities, which AWS renews
/// with the runtime, do not go stale as a list compiled into the binary would. Reading and parsing them costs
/// about 2 ms of start-up, well within the budget for functions that call out.
///
/// Without `https` a machine that has no authorities at all will do.
///
/// # Errors
/// [`TlsError`]
pub fn client_config(https: bool) -> Result<ClientConfig, TlsError> {
    let mut roots = RootCertStore::empty();
    // What can't be read or parsed is skipped: one odd certificate must not take down the rest.
    roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    if https && roots.is_empty() {
        return Err(TlsError::NoRoots);
    }
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let mut config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(config)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_machines_authorities_are_trusted() {
        assert!(client_config(true).is_ok());
    }

    /// Set in `.cargo/config.toml`; without it the first TLS call gathers jitter entropy for 740 ms on a small function.
    #[test]
    fn aws_lc_is_built_without_jitter_entropy() {
        assert_eq!(option_env!("AWS_LC_SYS_NO_JITTER_ENTROPY"), Some("1"));
    }
}
