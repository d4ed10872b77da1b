//! A tenant made for one test: a connection, a pixel, a source, a key.

use serde_json::{Value, json};
use stack::{Stack, StackEnv};

use crate::sim::token_for;
use crate::unique::unique_digits;
use crate::{Api, Sim, list, text, within};

/// A shop with its own tenant, pixel and keys, so that tests don't see one another's events.
#[derive(Debug, Clone)]
pub struct Shop {
    /// adrelay.
    pub api: Api,
    /// The simulator.
    pub sim: Sim,
    /// The root key.
    pub root: String,
    /// Its tenant.
    pub tenant: String,
    /// Its connection.
    pub connection: String,
    /// The connection's token.
    pub token: String,
    /// Its pixel.
    pub pixel: String,
    /// Its source.
    pub source: String,
    /// An ingest key of the source.
    pub key: String,
}

impl Shop {
    /// Opens a shop whose token Meta knows.
    ///
    /// # Errors
    /// Where something can't be created.
    pub async fn open(stack: &Stack) -> anyhow::Result<Self> {
        let shop = Self::unknown_to_meta(stack).await?;
        shop.sim.token(&token_for(&shop.token, &shop.pixel)).await?;
        Ok(shop)
    }

    /// Opens a shop whose token Meta knows, but not for its pixel.
    ///
    /// # Errors
    /// Where something can't be created.
    pub async fn unknown_to_meta(stack: &Stack) -> anyhow::Result<Self> {
        let shop = Self::create(stack.env()).await?;
        shop.sim.token(&token_for(&shop.token, "1")).await?;
        Ok(shop)
    }

    async fn create(env: &StackEnv) -> anyhow::Result<Self> {
        let name = unique_digits();
        let (api, root) = (Api::new(&env.adrelay_url)?, env.admin_key.clone());
        let tenant =
            id(&api.post("/api/v1/tenants", &root, &json!({"name": format!("Shop {name}")}), 201).await?)?;
        let token = format!("EAAB{name}token");
        let body = json!({"tenant_id": tenant, "kind": "system_user", "access_token": token});
        let connection = id(&api.post("/api/v1/connections", &root, &body, 201).await?)?;
        let pixel = format!("9{name}");
        let body =
            json!({"tenant_id": tenant, "pixel_id": pixel, "connection_id": connection, "enabled": true});
        api.post("/api/v1/pixels", &root, &body, 201).await?;
        let body = json!({"tenant_id": tenant, "id": "shop", "name": "The shop", "pixel_ids": [pixel],
            "default_country": "US"});
        let source = id(&api.post("/api/v1/sources", &root, &body, 201).await?)?;
        let sim = Sim::new(&env.graph_sim_url)?;
        let mut shop = Self { api, sim, root, tenant, connection, token, pixel, source, key: String::new() };
        shop.key = shop.new_key("ingest").await?;
        Ok(shop)
    }

    /// Makes a key of this shop's source.
    ///
    /// # Errors
    /// Where it can't be created.
    pub async fn new_key(&self, scope: &str) -> anyhow::Result<String> {
        let mut body = json!({"tenant_id": self.tenant, "scope": scope, "name": "test"});
        if matches!(scope, "ingest" | "public") {
            body["source_id"] = json!(self.source);
        }
        let created = self.api.post("/api/v1/keys", &self.root, &body, 201).await?;
        Ok(text(&created, "key")?.to_owned())
    }

    /// Adds a source with the shop's pixel; `settings` are its further fields. Returns an ingest key of it.
    ///
    /// # Errors
    /// Where it can't be created.
    pub async fn add_source(&self, id: &str, settings: &Value) -> anyhow::Result<String> {
        let mut body = json!({"tenant_id": self.tenant, "id": id, "name": id, "pixel_ids": [self.pixel],
            "default_country": "US"});
        for (field, value) in settings.as_object().into_iter().flatten() {
            body[field] = value.clone();
        }
        self.api.post("/api/v1/sources", &self.root, &body, 201).await?;
        Self { source: id.to_owned(), ..self.clone() }.new_key("ingest").await
    }

    /// Posts a conversion with `key`; returns the answer, whatever 2xx it has.
    ///
    /// # Errors
    /// Where it is no 2xx.
    pub async fn convert(&self, key: &str, conversion: &Value) -> anyhow::Result<Value> {
        let answer = self.api.call("POST", "/api/v1/conversions", Some(key), Some(conversion)).await?;
        anyhow::ensure!(matches!(answer.status, 200 | 202), "conversion: {answer:?}");
        Ok(answer.body)
    }

    /// Gets something of this tenant with the root key.
    ///
    /// # Errors
    /// Where the status is not 200.
    pub async fn of_tenant(&self, path: &str) -> anyhow::Result<Value> {
        let with = if path.contains('?') { '&' } else { '?' };
        self.api.get(&format!("{path}{with}tenant_id={}", self.tenant), &self.root).await
    }

    /// Posts events in one batch; returns the answer of status 202.
    ///
    /// # Errors
    /// Where the answer is another one.
    pub async fn post(&self, events: &[Value]) -> anyhow::Result<Value> {
        self.api.post("/api/v1/meta/events", &self.key, &json!({"events": events}), 202).await
    }

    /// The receipts of an event; none while it has none.
    ///
    /// # Errors
    /// Where adrelay does not answer.
    pub async fn receipts(&self, event_id: &str) -> anyhow::Result<Vec<Value>> {
        let path = format!("/api/v1/events/{event_id}?tenant_id={}", self.tenant);
        let answer = self.api.call("GET", &path, Some(&self.root), None).await?;
        match answer.status {
            404 => Ok(Vec::new()),
            200 => Ok(list(&answer.body, "items")?.to_vec()),
            _ => anyhow::bail!("receipts: {answer:?}"),
        }
    }

    /// Waits until the event's one receipt has `status`, and returns it.
    ///
    /// # Errors
    /// Where it does not come to that within two minutes.
    pub async fn receipt(&self, event_id: &str, status: &str) -> anyhow::Result<Value> {
        within(120, &format!("receipt of {event_id} is {status}"), || async {
            let receipts = self.receipts(event_id).await?;
            Ok(receipts.into_iter().find(|receipt| receipt["status"] == status))
        })
        .await
    }

    /// Waits until Meta holds `n` events of the shop's pixel.
    ///
    /// # Errors
    /// Where it does not come to that within `limit_s` seconds.
    pub async fn meta_holds(&self, n: u64, limit_s: u64) -> anyhow::Result<()> {
        within(limit_s, &format!("Meta holds {n} events"), || async {
            let total = self.sim.total(&self.pixel).await?;
            anyhow::ensure!(total <= n, "Meta holds {total} events instead of {n}");
            Ok((total == n).then_some(()))
        })
        .await
    }

    /// Every receipt of the shop's source today and yesterday, page by page.
    ///
    /// # Errors
    /// Where adrelay does not answer.
    pub async fn all_receipts(&self) -> anyhow::Result<Vec<Value>> {
        let mut receipts = Vec::new();
        let mut cursor = String::new();
        loop {
            let path = format!(
                "/api/v1/events?tenant_id={}&source_id={}&limit=100{cursor}",
                self.tenant, self.source
            );
            let page = self.api.get(&path, &self.root).await?;
            receipts.extend_from_slice(list(&page, "items")?);
            match page["next_cursor"].as_str() {
                Some(next) => cursor = format!("&cursor={next}"),
                None => return Ok(receipts),
            }
        }
    }
}

fn id(created: &Value) -> anyhow::Result<String> {
    Ok(text(created, "id")?.to_owned())
}
