//! The Meta app whose webhooks these are: its secret and the token of the handshake.

use std::sync::{Mutex, PoisonError};

use adrelay_core::ports::StoreError;
use adrelay_core::ports::clock::Clock;
use adrelay_core::ports::secrets::Secrets;
use adrelay_core::seal::Secret;
use adrelay_core::time::UnixMillis;
use futures_util::future::{Either, select};
use serde::Deserialize;

/// The longest wait for a store that is silent, where an older copy is at hand, in milliseconds: Meta is waiting.
const MAX_WAIT_MS: u64 = 1_000;

/// For how long a store that was silent is not asked again, in milliseconds.
const SILENCE_MS: i64 = 60_000;

/// What is configured; a text that is not is empty, and matches nothing.
pub(crate) struct MetaApp {
    pub(crate) app_secret: Secret,
    pub(crate) verify_token: Secret,
}

impl MetaApp {
    fn parse(secret: &Secret) -> Self {
        #[derive(Default, Deserialize)]
        struct Document {
            #[serde(default)]
            app_secret: String,
            #[serde(default)]
            verify_token: String,
        }
        let document: Document = serde_json::from_str(secret.expose()).unwrap_or_else(|_| {
            tracing::error!("the meta-app secret is malformed");
            Document::default()
        });
        Self {
            app_secret: Secret::new(document.app_secret),
            verify_token: Secret::new(document.verify_token),
        }
    }
}

/// The app's secret, as it was last read. Reading it anew never keeps a webhook waiting for long, and never fails
/// where it could be read once: the port's cache serves it stale where the store refuses, and this where the store
/// is silent.
pub(crate) struct AppSecret<S, C> {
    secrets: S,
    clock: C,
    id: String,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    last: Option<Secret>,
    silent_until: UnixMillis,
}

impl<S: Secrets, C: Clock> AppSecret<S, C> {
    pub(crate) fn new(secrets: S, clock: C, id: String) -> Self {
        Self { secrets, clock, id, state: Mutex::default() }
    }

    /// The app, from the cache where that is fresh.
    pub(crate) async fn cached(&self) -> Result<MetaApp, StoreError> {
        self.app(self.secrets.secret(&self.id)).await
    }

    /// The app, read anew: what was cached did not match. The port does so at most once a minute.
    pub(crate) async fn fresh(&self) -> Result<MetaApp, StoreError> {
        self.app(self.secrets.refresh(&self.id)).await
    }

    async fn app(
        &self,
        read: impl Future<Output = Result<Secret, StoreError>>,
    ) -> Result<MetaApp, StoreError> {
        let (last, silent) = {
            let state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
            (state.last.clone(), self.clock.now() < state.silent_until)
        };
        let secret = match last {
            Some(last) if silent => last,
            Some(last) => self.within_limit(read, last).await,
            None => read.await?,
        };
        let app = MetaApp::parse(&secret);
        self.state.lock().unwrap_or_else(PoisonError::into_inner).last = Some(secret);
        Ok(app)
    }

    async fn within_limit(
        &self,
        read: impl Future<Output = Result<Secret, StoreError>>,
        last: Secret,
    ) -> Secret {
        match select(Box::pin(read), Box::pin(self.clock.sleep_ms(MAX_WAIT_MS))).await {
            Either::Left((result, _)) => result.unwrap_or(last),
            Either::Right(_) => {
                tracing::warn!("the meta-app secret can't be read in time; the last one is used");
                let silent_until = self.clock.now().plus_ms(SILENCE_MS);
                self.state.lock().unwrap_or_else(PoisonError::into_inner).silent_until = silent_until;
                last
            }
        }
    }
}
