//! A client of the simulator's inspection and control calls.

use serde_json::{Value, json};

use crate::Api;

/// Looks into the simulator, and makes it misbehave.
#[derive(Debug, Clone)]
pub struct Sim(Api);

impl Sim {
    /// A client of the simulator at `base`.
    ///
    /// # Errors
    /// Where no HTTP client can be made.
    pub fn new(base: &str) -> anyhow::Result<Self> {
        Ok(Self(Api::new(base)?))
    }

    /// Makes a token known, or changes it.
    ///
    /// # Errors
    /// Where the simulator refuses.
    pub async fn token(&self, token: &Value) -> anyhow::Result<()> {
        let answer = self.0.call("POST", "/_sim/tokens", None, Some(token)).await?;
        anyhow::ensure!(answer.status < 300, "tokens: {answer:?}");
        Ok(())
    }

    /// Revokes a token.
    ///
    /// # Errors
    /// Where the simulator refuses.
    pub async fn revoke(&self, token: &str) -> anyhow::Result<()> {
        let answer = self.0.call("DELETE", &format!("/_sim/tokens/{token}"), None, None).await?;
        anyhow::ensure!(answer.status < 300, "revoke: {answer:?}");
        Ok(())
    }

    /// Adds a fault; returns its id.
    ///
    /// # Errors
    /// Where the simulator refuses.
    pub async fn fault(&self, fault: &Value) -> anyhow::Result<String> {
        let answer = self.0.call("POST", "/_sim/faults", None, Some(fault)).await?;
        anyhow::ensure!(answer.status < 300, "faults: {answer:?}");
        Ok(answer.body["id"].to_string().trim_matches('"').to_owned())
    }

    /// Ends all faults.
    ///
    /// # Errors
    /// Where the simulator refuses.
    pub async fn no_faults(&self) -> anyhow::Result<()> {
        let answer = self.0.call("DELETE", "/_sim/faults", None, None).await?;
        anyhow::ensure!(answer.status < 300, "faults: {answer:?}");
        Ok(())
    }

    /// How many events Meta holds of a pixel after deduplication.
    ///
    /// # Errors
    /// Where the simulator does not answer.
    pub async fn total(&self, pixel: &str) -> anyhow::Result<u64> {
        let body = self.json(&format!("/_sim/events?pixel_id={pixel}&limit=1")).await?;
        Ok(body["total"].as_u64().unwrap_or(0))
    }

    /// The events that Meta holds of a pixel after deduplication.
    ///
    /// # Errors
    /// Where the simulator does not answer.
    pub async fn events(&self, pixel: &str) -> anyhow::Result<Vec<Value>> {
        let body = self.json(&format!("/_sim/events?pixel_id={pixel}&limit=20000")).await?;
        Ok(body["events"].as_array().cloned().unwrap_or_default())
    }

    /// The calls for a pixel's events so far, oldest first.
    ///
    /// # Errors
    /// Where the simulator does not answer.
    pub async fn calls(&self, pixel: &str) -> anyhow::Result<Vec<Value>> {
        let body = self.json(&format!("/_sim/requests?path_contains=/{pixel}/events&limit=20000")).await?;
        let mut calls = body["requests"].as_array().cloned().unwrap_or_default();
        calls.sort_by_key(|call| call["at_ms"].as_i64());
        Ok(calls)
    }

    /// Every request so far.
    ///
    /// # Errors
    /// Where the simulator does not answer.
    pub async fn requests(&self) -> anyhow::Result<Value> {
        self.json("/_sim/requests?limit=20000").await
    }

    /// The simulator's base URL.
    #[must_use]
    pub fn base(&self) -> &str {
        self.0.base()
    }

    /// Posts to any of its control calls; gives its answer.
    ///
    /// # Errors
    /// Where the simulator refuses.
    pub async fn send(&self, path: &str, body: &Value) -> anyhow::Result<Value> {
        let answer = self.0.call("POST", path, None, Some(body)).await?;
        anyhow::ensure!(answer.status < 300, "{path}: {answer:?}");
        Ok(answer.body)
    }

    /// Gets any of its inspection calls.
    ///
    /// # Errors
    /// Where the simulator does not answer.
    pub async fn read(&self, path: &str) -> anyhow::Result<Value> {
        self.json(path).await
    }

    async fn json(&self, path: &str) -> anyhow::Result<Value> {
        let answer = self.0.call("GET", path, None, None).await?;
        anyhow::ensure!(answer.status == 200, "{path}: {answer:?}");
        Ok(answer.body)
    }
}

/// A token that may post to one pixel, as the simulator takes it.
#[must_use]
pub(crate) fn token_for(token: &str, pixel: &str) -> Value {
    json!({"token": token, "pixels": [pixel], "scopes": ["ads_management"]})
}
