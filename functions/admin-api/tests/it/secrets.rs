//! Secrets in memory, with a cache that only `refresh` renews.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use adrelay_core::ports::StoreError;
use adrelay_core::ports::secrets::Secrets;
use adrelay_core::seal::Secret;

#[derive(Debug, Default)]
struct State {
    stored: HashMap<String, String>,
    cached: HashMap<String, String>,
}

/// Clones share them.
#[derive(Debug, Clone, Default)]
pub(crate) struct MemorySecrets(Arc<Mutex<State>>);

impl MemorySecrets {
    pub(crate) fn set(&self, id: &str, text: &str) {
        self.0.lock().unwrap().stored.insert(id.to_owned(), text.to_owned());
    }
}

fn found(text: Option<&String>) -> Result<Secret, StoreError> {
    text.map(|text| Secret::new(text.clone())).ok_or_else(|| StoreError::Unavailable("no such secret".into()))
}

impl Secrets for MemorySecrets {
    async fn secret(&self, id: &str) -> Result<Secret, StoreError> {
        let mut state = self.0.lock().unwrap();
        if !state.cached.contains_key(id)
            && let Some(text) = state.stored.get(id).cloned()
        {
            state.cached.insert(id.to_owned(), text);
        }
        found(state.cached.get(id))
    }

    async fn refresh(&self, id: &str) -> Result<Secret, StoreError> {
        let mut state = self.0.lock().unwrap();
        state.cached.remove(id);
        if let Some(text) = state.stored.get(id).cloned() {
            state.cached.insert(id.to_owned(), text);
        }
        found(state.cached.get(id))
    }
}
