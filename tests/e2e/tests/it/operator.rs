//! An operator does everything once: every route of the OpenAPI document answers with success, on the rights of its role.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Context as _, ensure};
use e2e::{Api, LeadPage, lead, list, now_s, text};
use serde_json::{Value, json};
use stack::Stack;

/// How long each wait may take, in seconds.
const PATIENCE_S: u64 = 120;

struct Operator {
    page: LeadPage,
    document: Value,
    /// What the parameters of paths stand for.
    ids: BTreeMap<&'static str, String>,
    /// Routes that answered with success.
    done: BTreeSet<String>,
}

impl Operator {
    async fn new(stack: &Stack) -> anyhow::Result<Self> {
        let page = LeadPage::open(stack).await?;
        let shop = &page.shop;
        let document = shop.api.get("/api/v1/openapi.json", &shop.root).await?;
        let ids = BTreeMap::from([
            ("tenant_id", shop.tenant.clone()),
            ("connection_id", shop.connection.clone()),
            ("pixel_id", shop.pixel.clone()),
            ("source_id", shop.source.clone()),
            ("page_id", page.page.clone()),
            ("form_id", page.form.clone()),
            ("version", "v26.0".to_owned()),
        ]);
        Ok(Self { page, document, ids, done: BTreeSet::new() })
    }

    /// Calls a route with the root key, e.g. `PATCH pixels/{pixel_id}`, and expects `status`.
    async fn call(&mut self, route: &str, body: &Value, status: u16) -> anyhow::Result<Value> {
        let root = self.page.shop.root.clone();
        self.call_with(&root, route, body, status).await
    }

    /// Names the tenant wherever the document says that it can be named.
    async fn call_with(
        &mut self,
        key: &str,
        route: &str,
        body: &Value,
        status: u16,
    ) -> anyhow::Result<Value> {
        let (method, path) = route.split_once(' ').context("a method and a path")?;
        let (path, query) = path.split_once('?').unwrap_or((path, ""));
        let path = if path.starts_with('/') { path.to_owned() } else { format!("/api/v1/{path}") };
        let operation = self.document["paths"][&path][method.to_lowercase()].clone();
        ensure!(
            operation["responses"][status.to_string()].is_object(),
            "{route}: {status} is not documented"
        );
        let mut url = format!("{}?{query}", self.fill(&path)?);
        let tenant = self.page.shop.tenant.as_str();
        let mut parameters = operation["parameters"].as_array().into_iter().flatten();
        if parameters.any(|parameter| parameter["name"] == "tenant_id" && parameter["in"] == "query") {
            url = format!("{url}&tenant_id={tenant}");
        }
        let mut body = body.clone();
        let schema = &operation["requestBody"]["content"]["application/json"]["schema"]["$ref"];
        let schema = schema.as_str().and_then(|path| path.rsplit('/').next()).unwrap_or_default();
        if self.document["components"]["schemas"][schema]["properties"]["tenant_id"].is_object() {
            body["tenant_id"] = json!(tenant);
        }
        let body = Some(&body).filter(|_| !matches!(method, "GET" | "DELETE"));
        let answer = self.page.shop.api.expect(method, url.trim_end_matches('?'), key, body, status).await?;
        self.done.insert(format!("{method} {path}"));
        Ok(answer)
    }

    fn fill(&self, path: &str) -> anyhow::Result<String> {
        let filled = path.split('/').map(|part| {
            let Some(name) = part.strip_prefix('{').and_then(|part| part.strip_suffix('}')) else {
                return Ok(part);
            };
            self.ids.get(name).map(String::as_str).with_context(|| format!("{path}: no {name} yet"))
        });
        Ok(filled.collect::<anyhow::Result<Vec<_>>>()?.join("/"))
    }

    /// Routes of the document that were not called with success.
    fn left_out(&self) -> anyhow::Result<Vec<String>> {
        let mut left_out = Vec::new();
        for (path, methods) in self.document["paths"].as_object().context("paths")? {
            for method in methods.as_object().context("methods")?.keys() {
                left_out.push(format!("{} {path}", method.to_uppercase()));
            }
        }
        left_out.retain(|route| !self.done.contains(route));
        Ok(left_out)
    }

    async fn tenants_sources_and_keys(&mut self) -> anyhow::Result<()> {
        let none = json!({});
        self.call("GET health", &none, 200).await?;
        self.call("GET openapi.json", &none, 200).await?;
        self.call("POST tenants", &json!({"name": "Another"}), 201).await?;
        self.call("GET tenants", &none, 200).await?;
        self.call("PATCH tenants/{tenant_id}", &json!({"name": "Renamed"}), 200).await?;
        let tenant = self.call("GET tenants/{tenant_id}", &none, 200).await?;
        ensure!(tenant["name"] == "Renamed", "{tenant}");

        let pixels = json!([self.page.shop.pixel]);
        let source = json!({"id": "second", "name": "Second", "pixel_ids": pixels});
        self.call("POST sources", &source, 201).await?;
        let origins = json!({"allowed_origins": ["https://shop.example.com"]});
        self.call("PATCH sources/{source_id}", &origins, 200).await?;
        let source = self.call("GET sources/{source_id}?include=counts", &none, 200).await?;
        ensure!(source["allowed_origins"] == origins["allowed_origins"], "{source}");
        let sources = self.call("GET sources?q=second", &none, 200).await?;
        ensure!(list(&sources, "items")?.len() == 1, "{sources}");

        for (route, status) in [("POST keys/{key_id}/revoke", 200), ("DELETE keys/{key_id}", 204)] {
            let key = self.call("POST keys", &json!({"scope": "people", "name": "helper"}), 201).await?;
            self.ids.insert("key_id", text(&key, "id")?.to_owned());
            self.call("GET keys/{key_id}", &none, 200).await?;
            self.call(route, &none, status).await?;
            let refused = self.page.shop.api.call("GET", "/api/v1/jobs/x", key["key"].as_str(), None).await?;
            ensure!(refused.status == 401, "{refused:?}");
        }
        self.call("GET keys", &none, 200).await?;
        Ok(())
    }

    async fn connections_and_pixels(&mut self) -> anyhow::Result<()> {
        let none = json!({});
        let token = json!({"access_token": self.page.shop.token});
        self.call("PATCH connections/{connection_id}", &token, 200).await?;
        self.call("GET connections/{connection_id}", &none, 200).await?;
        self.call("POST connections/{connection_id}/verify", &none, 200).await?;
        self.call("GET connections", &none, 200).await?;
        self.call("PATCH pixels/{pixel_id}", &json!({"enabled": true}), 200).await?;
        self.call("GET pixels/{pixel_id}", &none, 200).await?;
        self.call("GET pixels", &none, 200).await?;
        self.call("POST pixels/{pixel_id}/test-event", &json!({"test_event_code": "TEST1"}), 200).await?;
        self.call("POST pixels/{pixel_id}/release", &none, 202).await?;

        let first = self.ids.clone();
        let body = json!({"kind": "system_user", "access_token": "EAABsecond"});
        let connection = self.call("POST connections", &body, 201).await?;
        self.ids.insert("connection_id", text(&connection, "id")?.to_owned());
        let pixel = format!("8{}", &self.page.shop.pixel[1..]);
        let body = json!({"pixel_id": pixel, "connection_id": connection["id"], "enabled": false});
        self.call("POST pixels", &body, 201).await?;
        self.ids.insert("pixel_id", pixel);
        self.call("DELETE pixels/{pixel_id}", &none, 204).await?;
        self.call("DELETE connections/{connection_id}", &none, 204).await?;
        self.ids = first;
        Ok(())
    }

    async fn rules(&mut self) -> anyhow::Result<()> {
        let none = json!({});
        let set = self.call("POST rules/defaults", &none, 200).await?;
        let body = json!({"version": set["version"], "rules": set["rules"]});
        self.call("PUT rules", &body, 200).await?;
        let now = self.call("GET rules", &none, 200).await?;
        ensure!(now["version"].as_u64() > set["version"].as_u64(), "{now}");
        let sample = json!({"source_id": self.page.shop.source, "event": {"event_name": "WidgetView"}});
        self.call("POST rules/explain", &sample, 200).await?;
        Ok(())
    }

    async fn people(&mut self) -> anyhow::Result<()> {
        let none = json!({});
        let person = json!({"identity": {"email": "kay@example.com"}, "properties": {"plan": "pro"}});
        let person = self.call("POST people", &person, 201).await?;
        self.ids.insert("person_id", text(&person, "id")?.to_owned());
        let other = self.call("POST people", &json!({"identity": {"phone": "+16505550100"}}), 201).await?;
        let change = json!({"identity": {"provider": "stripe", "external_id": "cus_kay"}, "consent": "granted", "lifecycle_stage": "lead"});
        self.call("PATCH people/{person_id}", &change, 200).await?;
        let found = self
            .call(
                "POST people/search",
                &json!({"identity": {"provider": "stripe", "external_id": "cus_kay"}}),
                200,
            )
            .await?;
        ensure!(found["items"][0]["id"] == person["id"], "{found}");
        let other = json!({"person_id": other["id"]});
        self.call("POST people/{person_id}/merge", &other, 200).await?;
        let merges = self.call("GET people/{person_id}/merges", &none, 200).await?;
        ensure!(list(&merges, "items")?.len() == 1, "{merges}");
        self.call("POST people/{person_id}/unmerge", &other, 200).await?;
        self.call("GET people/{person_id}", &none, 200).await?;
        self.call("GET people/{person_id}/events", &none, 200).await?;
        self.call("GET people/{person_id}/features", &none, 200).await?;
        Ok(())
    }

    /// Whose lead that was is erased: the lead with them, and a receipt stays.
    async fn erasure(&mut self) -> anyhow::Result<()> {
        let shop = self.page.shop.clone();
        let path = format!("{}?tenant_id={}", self.fill("/api/v1/people/{person_id}")?, shop.tenant);
        e2e::within(PATIENCE_S, "the person is erased", || async {
            let answer = shop.api.call("DELETE", &path, Some(&shop.root), None).await?;
            ensure!(matches!(answer.status, 200 | 202), "{answer:?}");
            Ok((answer.body["state"] == "done").then_some(()))
        })
        .await?;
        self.call("DELETE people/{person_id}", &json!({}), 200).await?;
        self.call("GET people/{person_id}/erasure", &json!({}), 200).await?;
        Ok(())
    }

    async fn pages_and_forms(&mut self) -> anyhow::Result<()> {
        let none = json!({});
        self.call("PATCH pages/{page_id}", &json!({"enabled": true}), 200).await?;
        self.call("POST pages/{page_id}/subscribe", &none, 200).await?;
        self.call("POST pages/{page_id}/forms/sync", &none, 202).await?;
        self.call("GET pages", &none, 200).await?;
        let shop = self.page.shop.clone();
        let path = format!("/api/v1/lead-forms/{}", self.page.form);
        e2e::within(PATIENCE_S, "the form is read", || async {
            let path = format!("{path}?tenant_id={}", shop.tenant);
            let answer = shop.api.call("GET", &path, Some(&shop.root), None).await?;
            Ok((answer.status == 200).then_some(()))
        })
        .await?;
        self.call(&format!("GET lead-forms?page_id={}", self.page.page), &none, 200).await?;
        self.call("GET lead-forms/{form_id}", &none, 200).await?;
        self.call("PATCH lead-forms/{form_id}", &json!({"source_id": shop.source}), 200).await?;
        self.call("GET lead-forms/{form_id}/completeness", &none, 200).await?;
        Ok(())
    }

    async fn leads(&mut self) -> anyhow::Result<()> {
        let none = json!({});
        // A receiver that takes nothing, so that there is a delivery to try again.
        let url = format!("{}/_receivers/operator-{}", self.page.shop.sim.base(), self.page.page);
        let receiver = format!("operator-{}", self.page.page);
        let refusing = json!({"name": receiver, "answer": {"status": 500}});
        self.page.shop.sim.send("/_sim/receivers", &refusing).await?;
        self.call("PUT lead-webhook", &json!({"url": url}), 201).await?;
        self.call("GET lead-webhook", &none, 200).await?;
        let answers = [("full_name", "Kay Lead"), ("email", "kay.lead@example.com")];
        let id = self.page.submit_one(&answers, 0).await?;
        self.ids.insert("lead_id", id.clone());
        self.page.lead_with(&id, PATIENCE_S, "it is stored", |_| true).await?;
        let listed = self.call("GET leads", &none, 200).await?;
        ensure!(listed["items"][0]["id"] == id.as_str(), "{listed}");
        let found = self.call("POST leads/search", &json!({"q": "kay.lead@example.com"}), 200).await?;
        ensure!(found["items"][0]["id"] == id.as_str(), "{found}");
        self.call("GET leads/missing", &none, 200).await?;
        self.call("POST leads/{lead_id}/notes", &json!({"note": "Call on Monday"}), 201).await?;
        for status in ["contacted", "qualified"] {
            self.call("PATCH leads/{lead_id}", &json!({"status": status}), 200).await?;
        }
        let worth = json!({"worth": {"minor": 100, "currency": "EUR"}});
        self.call("POST leads/{lead_id}/convert", &worth, 200).await?;
        let lead = self.call("GET leads/{lead_id}", &none, 200).await?;
        ensure!(lead["status"] == "converted", "{lead}");
        self.ids.insert("person_id", text(&lead, "person_id")?.to_owned());
        let activity = self.call("GET leads/{lead_id}/activity", &none, 200).await?;
        ensure!(list(&activity, "items")?.len() > 3, "{activity}");
        Ok(())
    }

    async fn jobs_and_deliveries(&mut self) -> anyhow::Result<()> {
        let none = json!({});
        self.call("POST leads/export", &json!({"inline": true}), 200).await?;
        let export = self.call("POST leads/export", &json!({"inline": false}), 202).await?;
        let sync = self.call("POST leads/sync", &json!({"days": 1}), 202).await?;
        for job in [sync, export] {
            let id = text(&job, "id")?.to_owned();
            let ended = self.page.job(&id, PATIENCE_S).await?;
            ensure!(ended["state"] == "done", "{ended}");
            self.ids.insert("job_id", id);
        }
        let job = self.call("GET jobs/{job_id}", &none, 200).await?;
        let file = Api::new("")?.call("GET", text(&job["result"], "url")?, None, None).await?;
        let rows = file.body.as_str().with_context(|| format!("a file: {file:?}"))?;
        ensure!(rows.contains("kay.lead@example.com"), "{rows}");

        let shop = self.page.shop.clone();
        let dead = e2e::within(PATIENCE_S, "the delivery is given up", || async {
            let open = shop.of_tenant("/api/v1/lead-webhook/deliveries").await?;
            Ok(list(&open, "items")?.iter().find(|call| call["state"] == "dead").cloned())
        });
        let dead = dead.await?;
        self.ids.insert("delivery_id", text(&dead, "id")?.to_owned());
        self.call("GET lead-webhook/deliveries", &none, 200).await?;
        self.call("POST lead-webhook/deliveries/{delivery_id}/redeliver", &none, 202).await?;
        self.call("DELETE lead-webhook", &none, 204).await?;
        Ok(())
    }

    /// A page that was removed can be connected again.
    async fn page_again(&mut self) -> anyhow::Result<()> {
        let page = self.call("GET pages/{page_id}", &json!({}), 200).await?;
        self.call("DELETE pages/{page_id}", &json!({}), 200).await?;
        let body = json!({"page_id": self.page.page, "connection_id": page["connection_id"],
            "source_id": page["source_id"]});
        self.call("POST pages", &body, 201).await?;
        Ok(())
    }

    /// What products and browsers post, which other functions take.
    async fn events(&mut self) -> anyhow::Result<()> {
        let (shop, none) = (self.page.shop.clone(), json!({}));
        let key = shop.key.as_str();
        let event = |id: &str| lead(id, "kay@example.com");
        self.call_with(key, "POST meta/event", &event("one"), 202).await?;
        self.call_with(key, "POST meta/events", &json!({"events": [event("two")]}), 202).await?;
        self.call_with(key, "POST meta/event/sync", &event("three"), 200).await?;
        let like_meta = json!({"access_token": key, "data": [{"event_name": "Lead", "event_id": "four",
            "event_time": now_s(), "action_source": "system_generated", "user_data": {"em": ["kay@example.com"]}}]});
        self.call_with(key, "POST /{version}/{pixel_id}/events", &like_meta, 200).await?;
        let visited =
            json!({"event_name": "visited", "event_id": "five", "identity": {"external_id": "kay-2"}});
        self.call_with(key, "POST conversions", &visited, 202).await?;
        let identity = json!({"external_id": "kay-2", "email": "kay@example.com"});
        self.call_with(key, "POST identify", &json!({"identity": identity}), 200).await?;
        let consent = json!({"identity": {"external_id": "kay-2"}, "consent": "granted"});
        self.call_with(key, "POST consent", &consent, 200).await?;
        self.browser_event().await?;
        for id in ["one", "two", "three", "four", "five", "six"] {
            self.ids.insert("event_id", id.to_owned());
            shop.receipt(id, "sent").await?;
        }
        self.call("GET events/{event_id}", &none, 200).await?;
        let route = format!("GET events?source_id={}", shop.source);
        let listed = self.call(&route, &none, 200).await?;
        ensure!(list(&listed, "items")?.len() >= 6, "{listed}");
        self.call("GET products/summary", &none, 200).await?;
        Ok(())
    }

    async fn browser_event(&mut self) -> anyhow::Result<()> {
        let shop = &self.page.shop;
        let body = json!({"key": shop.new_key("public").await?, "events": [{"event_name": "Lead",
            "event_id": "six", "event_time": now_s(), "action_source": "website",
            "event_source_url": "https://shop.example.com/",
            "user_data": {"fbp": "fb.1.1596403881668.1098115397", "client_user_agent": "Mozilla/5.0"}}]});
        let headers = [("content-type", "text/plain"), ("origin", "https://shop.example.com")];
        let answer = shop.api.post_raw("/b/events", &headers, body.to_string().into_bytes()).await?;
        ensure!(answer.status == 202, "{answer:?}");
        self.done.insert("POST /b/events".to_owned());
        Ok(())
    }
}

#[tokio::test]
async fn an_operator_calls_each_route_once_with_success() -> anyhow::Result<()> {
    let stack = Stack::shared().await?;
    let mut operator = Operator::new(&stack).await?;
    operator.tenants_sources_and_keys().await?;
    operator.connections_and_pixels().await?;
    operator.rules().await?;
    operator.people().await?;
    operator.events().await?;
    operator.pages_and_forms().await?;
    operator.leads().await?;
    operator.jobs_and_deliveries().await?;
    operator.page_again().await?;
    operator.erasure().await?;
    let left_out = operator.left_out()?;
    ensure!(left_out.is_empty(), "routes that nobody calls: {left_out:?}");
    Ok(())
}
