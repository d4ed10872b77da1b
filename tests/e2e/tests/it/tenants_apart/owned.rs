//! What the owner has, and all that the owner can read of it.

use anyhow::Context as _;
use e2e::{LeadPage, Shop, lead};
use serde_json::{Value, json};

/// What Meta holds of the owner: an event, a conversion, and of a lead what the shipped rules make of it and its first stage.
pub(crate) const EVENTS: u64 = 4;

/// What the owner has, by the name of the path's parameter.
pub(crate) struct Owned(Vec<(&'static str, String)>);

impl Owned {
    pub(crate) async fn make(page: &LeadPage) -> anyhow::Result<Self> {
        let shop = &page.shop;
        shop.post(&[lead("owned-event", "owner@example.com")]).await?;
        shop.receipt("owned-event", "sent").await?;
        let body = json!({"event_name": "visited", "event_id": "owned-conversion",
            "identity": {"email": "owner@example.com", "external_id": "owner-1"}});
        let person =
            shop.convert(&shop.key, &body).await?["person_id"].as_str().context("a person")?.to_owned();
        let defaults = format!("/api/v1/rules/defaults?tenant_id={}", shop.tenant);
        shop.api.post(&defaults, &shop.root, &json!({}), 200).await?;
        // Every shop has a source called shop.
        shop.add_source("owners", &json!({})).await?;
        let keys = shop.of_tenant("/api/v1/keys").await?;
        let key = keys["items"][0]["id"].as_str().context("a key")?.to_owned();
        let (lead, job, delivery) = Self::make_lead(page).await?;
        Ok(Self(vec![
            ("tenant_id", shop.tenant.clone()),
            ("connection_id", shop.connection.clone()),
            ("pixel_id", shop.pixel.clone()),
            ("source_id", "owners".to_owned()),
            ("key_id", key),
            ("event_id", "owned-event".to_owned()),
            ("person_id", person),
            ("page_id", page.page.clone()),
            ("form_id", page.form.clone()),
            ("lead_id", lead),
            ("job_id", job),
            ("delivery_id", delivery),
            ("version", "v26.0".to_owned()),
        ]))
    }

    /// A lead that a receiver outside does not take, and a job.
    async fn make_lead(page: &LeadPage) -> anyhow::Result<(String, String, String)> {
        // So that the form is known.
        page.reconcile(120).await?;
        page.tell_receiver(&format!("owner-{}", page.page), &json!({"status": 500})).await?;
        let lead =
            page.submit_one(&[("full_name", "Olive Owner"), ("email", "owner@example.com")], 0).await?;
        let sent = |lead: &Value| lead["feedback"][0]["receipts"][0]["status"] == "sent";
        page.lead_with(&lead, 120, "Meta has heard of it", sent).await?;
        let export = format!("/api/v1/leads/export?tenant_id={}", page.shop.tenant);
        let job = page.shop.api.post(&export, &page.shop.root, &json!({"inline": false}), 202).await?;
        let job = job["id"].as_str().context("a job")?.to_owned();
        page.job(&job, 120).await?;
        let delivery = e2e::within(120, "the receiver's refusal is known", || async {
            let open = page.shop.of_tenant("/api/v1/lead-webhook/deliveries").await?;
            Ok(open["items"][0]["id"].as_str().map(str::to_owned))
        });
        let delivery = delivery.await?;
        page.shop.meta_holds(EVENTS, 120).await?;
        Ok((lead, job, delivery))
    }

    pub(crate) fn get(&self, name: &str) -> anyhow::Result<&str> {
        let found = self.0.iter().find(|(known, _)| *known == name);
        found.map(|(_, value)| value.as_str()).with_context(|| format!("the test has no {name}"))
    }

    /// A path with the owner's ids in it.
    pub(crate) fn fill(&self, template: &str) -> anyhow::Result<String> {
        let mut path = Vec::new();
        for part in template.split('/') {
            let name = part.strip_prefix('{').and_then(|part| part.strip_suffix('}'));
            path.push(name.map_or(Ok(part), |name| self.get(name))?);
        }
        Ok(path.join("/"))
    }

    /// Ids that nobody else has and nobody else may be told.
    pub(crate) fn secrets(&self) -> anyhow::Result<Vec<&str>> {
        let names =
            ["connection_id", "pixel_id", "key_id", "person_id", "page_id", "form_id", "lead_id", "job_id"];
        names.into_iter().chain(["delivery_id"]).map(|name| self.get(name)).collect()
    }

    /// All that the owner can read.
    pub(crate) async fn everything(&self, shop: &Shop) -> anyhow::Result<Vec<Value>> {
        let (person, lead) = (self.get("person_id")?, self.get("lead_id")?);
        let mut all = vec![shop.api.get(&format!("/api/v1/tenants/{}", shop.tenant), &shop.root).await?];
        for path in [
            format!("/api/v1/connections/{}", shop.connection),
            format!("/api/v1/pixels/{}", shop.pixel),
            "/api/v1/sources".to_owned(),
            "/api/v1/keys".to_owned(),
            "/api/v1/rules".to_owned(),
            format!("/api/v1/people/{person}"),
            format!("/api/v1/people/{person}/events"),
            format!("/api/v1/people/{person}/features"),
            format!("/api/v1/people/{person}/merges"),
            "/api/v1/events/owned-event".to_owned(),
            format!("/api/v1/pages/{}", self.get("page_id")?),
            format!("/api/v1/lead-forms/{}", self.get("form_id")?),
            format!("/api/v1/leads/{lead}"),
            format!("/api/v1/leads/{lead}/activity"),
            "/api/v1/leads".to_owned(),
            "/api/v1/lead-webhook".to_owned(),
        ] {
            all.push(still(shop.of_tenant(&path).await?));
        }
        Ok(all)
    }
}

/// Without what a scheduled look at the page changes: what Meta counts, and when it was asked.
fn still(mut value: Value) -> Value {
    const MOVING: [&str; 5] =
        ["leads_count", "organic_leads_count", "expired_leads_count", "synced_at", "checked_at"];
    if let Value::Object(fields) = &mut value {
        fields.retain(|field, _| !MOVING.contains(&field.as_str()));
        let inner = std::mem::take(fields);
        *fields = inner.into_iter().map(|(field, value)| (field, still(value))).collect();
    }
    value
}
