//! Looks names up and lets only public addresses through: those, and no others, are connected to.

use std::io;
use std::net::SocketAddr;
use std::pin::Pin;

use reqwest::dns::{Addrs, Name, Resolve, Resolving};

use crate::address::is_allowed;
use crate::fault::OutsideError;

type Lookup = fn(String) -> Pin<Box<dyn Future<Output = io::Result<Vec<SocketAddr>>> + Send>>;

/// A resolver that tells public addresses only.
pub(crate) struct PublicResolver {
    pub(crate) loopback_allowed: bool,
    pub(crate) lookup: Lookup,
}

impl PublicResolver {
    /// By way of the machine's own resolver.
    pub(crate) fn system(loopback_allowed: bool) -> Self {
        // The port is put in by whoever connects.
        let lookup: Lookup =
            |host| Box::pin(async move { Ok(tokio::net::lookup_host((host, 0)).await?.collect()) });
        Self { loopback_allowed, lookup }
    }
}

impl Resolve for PublicResolver {
    fn resolve(&self, name: Name) -> Resolving {
        let found = (self.lookup)(name.as_str().to_owned());
        let loopback_allowed = self.loopback_allowed;
        Box::pin(async move {
            let found = found.await.unwrap_or_default();
            if found.is_empty() {
                return Err(OutsideError::Dns.into());
            }
            let allowed: Vec<SocketAddr> =
                found.into_iter().filter(|address| is_allowed(address.ip(), loopback_allowed)).collect();
            if allowed.is_empty() {
                return Err(OutsideError::NotPublic.into());
            }
            Ok(Box::new(allowed.into_iter()) as Addrs)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn resolve(lookup: Lookup, loopback_allowed: bool) -> Result<Vec<String>, OutsideError> {
        let resolver = PublicResolver { loopback_allowed, lookup };
        match resolver.resolve("example.com".parse().unwrap()).await {
            Ok(addresses) => Ok(addresses.map(|address| address.ip().to_string()).collect()),
            Err(error) => Err(*error.downcast_ref::<OutsideError>().unwrap()),
        }
    }

    fn addresses(texts: &[&str]) -> Vec<SocketAddr> {
        texts.iter().map(|text| SocketAddr::new(text.parse().unwrap(), 0)).collect()
    }

    #[tokio::test]
    async fn a_name_that_leads_inside_is_refused_and_of_several_addresses_the_public_ones_are_told() {
        let inside = |_| -> Pin<Box<dyn Future<Output = _> + Send>> {
            Box::pin(async { Ok(addresses(&["10.0.0.1", "fd00::1", "127.0.0.1"])) })
        };
        assert_eq!(resolve(inside, false).await, Err(OutsideError::NotPublic));
        assert_eq!(resolve(inside, true).await, Ok(vec!["127.0.0.1".to_owned()]));
        let mixed = |_| -> Pin<Box<dyn Future<Output = _> + Send>> {
            Box::pin(async { Ok(addresses(&["10.0.0.1", "8.8.8.8", "::ffff:8.8.8.8"])) })
        };
        assert_eq!(resolve(mixed, false).await, Ok(vec!["8.8.8.8".to_owned()]));
    }

    #[tokio::test]
    async fn a_name_without_an_address_is_told_as_such() {
        let none = |_| -> Pin<Box<dyn Future<Output = _> + Send>> { Box::pin(async { Ok(Vec::new()) }) };
        assert_eq!(resolve(none, false).await, Err(OutsideError::Dns));
        let fails = |_| -> Pin<Box<dyn Future<Output = _> + Send>> {
            Box::pin(async { Err(io::ErrorKind::NotFound.into()) })
        };
        assert_eq!(resolve(fails, false).await, Err(OutsideError::Dns));
    }
}
