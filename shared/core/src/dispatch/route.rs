//! Where a pixel's events go, and with which token.

use std::sync::Arc;

use super::{Dispatcher, Ports};
use crate::cache::{CONFIG_TTL_MS, TtlCache};
use crate::config::{Connection, Health, Pixel};
use crate::ids::{PixelId, TenantId};
use crate::ports::StoreError;
use crate::ports::config::Destinations as _;
use crate::ports::meta::Credentials;
use crate::ports::vault::{CredentialError, CredentialSource as _};

/// Pixels whose routes one process remembers.
const CACHED_ROUTES: usize = 1_000;

/// A pixel that events can be sent to.
#[derive(Debug)]
pub(super) struct Route {
    pub(super) pixel: Pixel,
    pub(super) connection: Connection,
    pub(super) credentials: Credentials,
}

/// What is to be done with a pixel's events.
#[derive(Debug)]
pub(super) enum Destination {
    /// Send them.
    Ready(Arc<Route>),
    /// They are not to be sent: `pixel_unknown` or `pixel_disabled`.
    Skip(&'static str),
    /// They wait for a person, for this reason.
    Wait(String),
}

/// Routes found lately.
pub(super) struct Routes(TtlCache<(TenantId, PixelId), Route>);

impl Routes {
    pub(super) fn new() -> Self {
        Self(TtlCache::new(CONFIG_TTL_MS, CACHED_ROUTES))
    }
}

impl<P: Ports> Dispatcher<P> {
    /// The pixel's destination; at most a minute old where it is ready, fresh where it is not.
    pub(super) async fn destination(
        &self,
        tenant: &TenantId,
        pixel: &PixelId,
    ) -> Result<Destination, StoreError> {
        let key = (tenant.clone(), pixel.clone());
        match self.routes.0.get(&key, self.now()) {
            Some(route) => Ok(Destination::Ready(route)),
            None => self.fresh_destination(tenant, pixel).await,
        }
    }

    /// The pixel's destination as the store has it now.
    pub(super) async fn fresh_destination(
        &self,
        tenant: &TenantId,
        id: &PixelId,
    ) -> Result<Destination, StoreError> {
        let key = (tenant.clone(), id.clone());
        self.routes.0.forget(&key);
        let config = self.ports.config();
        let Some(pixel) = config.pixel(tenant, id).await? else {
            return Ok(Destination::Skip("pixel_unknown"));
        };
        if !pixel.enabled {
            return Ok(Destination::Skip("pixel_disabled"));
        }
        let Some(connection) = config.connection(tenant, &pixel.connection_id).await? else {
            return Ok(Destination::Wait("connection_unknown".to_owned()));
        };
        if let Health::NeedsAttention { reason, .. } = [&pixel.health, &connection.health]
            .into_iter()
            .find(|health| !health.is_ok())
            .unwrap_or(&Health::Ok)
        {
            return Ok(Destination::Wait(reason.clone()));
        }
        match self.ports.vault().credentials(&connection).await {
            Ok(credentials) => {
                let route = Route { pixel, connection, credentials };
                Ok(Destination::Ready(self.routes.0.put(key, route, self.now())))
            }
            Err(CredentialError::Unreadable(_)) => Ok(Destination::Wait("token_unreadable".to_owned())),
            Err(CredentialError::Unavailable(why)) => Err(StoreError::Unavailable(why)),
        }
    }

    pub(super) fn forget_route(&self, tenant: &TenantId, pixel: &PixelId) {
        self.routes.0.forget(&(tenant.clone(), pixel.clone()));
    }
}
