//! A client of the simulator's inspection and control calls.

use anyhow::Context as _;
use serde_json::{Value, json};

use crate::{Api, list, number, text};

/// The most events, and the most requests, that the simulator lists at once.
const EVENTS_MAX: u64 = 20_000;
const REQUESTS_MAX: u64 = 100_000;

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
        Ok(text(&answer.body, "id")?.to_owned())
    }

    /// Ends a fault; those of other tests go on.
    ///
    /// # Errors
    /// Where the simulator knows no such fault.
    pub async fn end_fault(&self, id: &str) -> anyhow::Result<()> {
        let answer = self.0.call("DELETE", &format!("/_sim/faults/{id}"), None, None).await?;
        anyhow::ensure!(answer.status < 300, "fault {id}: {answer:?}");
        Ok(())
    }

    /// How many calls a fault has hit so far.
    ///
    /// # Errors
    /// Where the simulator knows no such fault.
    pub async fn hits(&self, fault: &str) -> anyhow::Result<u64> {
        let faults = self.json("/_sim/faults").await?;
        let mut all = list(&faults, "faults")?.iter();
        let found = all.find(|known| known["id"] == fault).with_context(|| format!("no fault {fault}"))?;
        number(found, "hits")
    }

    /// How many events Meta holds of a pixel after deduplication.
    ///
    /// # Errors
    /// Where the simulator does not answer.
    pub async fn total(&self, pixel: &str) -> anyhow::Result<u64> {
        number(&self.json(&format!("/_sim/events?pixel_id={pixel}&limit=1")).await?, "total")
    }

    /// The events that Meta holds of a pixel after deduplication.
    ///
    /// # Errors
    /// Where the simulator does not answer.
    pub async fn events(&self, pixel: &str) -> anyhow::Result<Vec<Value>> {
        self.all(&format!("/_sim/events?pixel_id={pixel}"), "events", EVENTS_MAX).await
    }

    /// The calls for a pixel's events so far, oldest first.
    ///
    /// # Errors
    /// Where the simulator does not answer.
    pub async fn calls(&self, pixel: &str) -> anyhow::Result<Vec<Value>> {
        let path = format!("/_sim/requests?path_contains=/{pixel}/events");
        let mut calls = self.all(&path, "requests", REQUESTS_MAX).await?;
        calls.sort_by_key(|call| call["at_ms"].as_i64());
        Ok(calls)
    }

    /// Every Graph call so far, of whichever test.
    ///
    /// # Errors
    /// Where the simulator does not answer.
    pub async fn requests(&self) -> anyhow::Result<Vec<Value>> {
        self.all("/_sim/requests?path_contains=", "requests", REQUESTS_MAX).await
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

    /// A whole listing: one that is cut off would make "none of them" true of what was not seen.
    async fn all(&self, path: &str, field: &str, max: u64) -> anyhow::Result<Vec<Value>> {
        let body = self.json(&format!("{path}&limit={max}")).await?;
        let (total, items) = (number(&body, "total")?, list(&body, field)?);
        anyhow::ensure!(total == items.len() as u64, "{path}: {} of {total} are listed", items.len());
        Ok(items.to_vec())
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
