//! A page of a shop with a lead form, as Meta's people run it.

use anyhow::Context as _;
use serde_json::{Value, json};
use stack::Stack;

use crate::unique::unique_digits;
use crate::{Answer, Shop, list, number, text, within};

/// Makes a page with these forms known to Meta and to adrelay, which subscribes to it.
async fn connect(stack: &Stack, shop: &Shop, page: &str, token: &str, forms: &[Value]) -> anyhow::Result<()> {
    let env = stack.env();
    let body = json!({"page_id": page, "name": "Shop", "token": token, "app_id": env.app_id,
        "app_secret": env.app_secret});
    shop.sim.send("/_sim/pages", &body).await?;
    for form in forms {
        shop.sim.send("/_sim/forms", form).await?;
    }
    let body = json!({"tenant_id": shop.tenant, "kind": "page", "access_token": token, "app_id": env.app_id});
    let connection = shop.api.post("/api/v1/connections", &shop.root, &body, 201).await?;
    let body = json!({"tenant_id": shop.tenant, "page_id": page, "connection_id": connection["id"],
        "source_id": shop.source});
    let made = shop.api.post("/api/v1/pages", &shop.root, &body, 201).await?;
    anyhow::ensure!(made["subscription"]["state"] == "subscribed", "{made}");
    Ok(())
}

/// A page that is connected to a shop, with one form.
#[derive(Debug, Clone)]
pub struct LeadPage {
    /// Whose page it is.
    pub shop: Shop,
    /// Its id.
    pub page: String,
    /// Its token.
    pub token: String,
    /// The form's id.
    pub form: String,
    /// Where its leads are announced, and how that is signed: the simulator's `webhook`.
    pub webhook: Value,
}

impl LeadPage {
    /// Makes a page with a form and connects it to a new shop; Meta announces its leads.
    ///
    /// # Errors
    /// Where something can't be created.
    pub async fn open(stack: &Stack) -> anyhow::Result<Self> {
        Self::of(stack, Shop::open(stack).await?).await
    }

    /// Makes a page with a form and connects it to `shop`; Meta announces its leads.
    ///
    /// # Errors
    /// Where something can't be created.
    pub async fn of(stack: &Stack, shop: Shop) -> anyhow::Result<Self> {
        let (env, unique) = (stack.env(), unique_digits());
        let (page, form) = (format!("71{unique}"), format!("81{unique}"));
        let token = format!("EAAB{unique}pagetoken");
        let body = json!({"form_id": form, "page_id": page, "name": "Ask us"});
        connect(stack, &shop, &page, &token, &[body]).await?;
        let webhook =
            json!({"url": format!("{}/webhooks/leadgen", env.adrelay_url), "app_secret": env.app_secret});
        Ok(Self { shop, page, token, form, webhook })
    }

    /// Posts a body to the webhook, with these headers.
    ///
    /// # Errors
    /// Where no answer comes.
    pub async fn announce(&self, body: &[u8], headers: &[(&str, &str)]) -> anyhow::Result<Answer> {
        let mut all = vec![("content-type", "application/json")];
        all.extend(headers);
        self.shop.api.post_raw("/webhooks/leadgen", &all, body.to_vec()).await
    }

    /// Makes a further form of the page; `how` are its fields beside the ids. Gives its id.
    ///
    /// # Errors
    /// Where the simulator refuses.
    pub async fn add_form(&self, how: &Value) -> anyhow::Result<String> {
        let form = format!("82{}", unique_digits());
        let mut body = json!({"form_id": form, "page_id": self.page});
        for (field, value) in how.as_object().into_iter().flatten() {
            body[field] = value.clone();
        }
        self.shop.sim.send("/_sim/forms", &body).await?;
        Ok(form)
    }

    /// Every stored lead of the tenant that is no test lead, page by page.
    ///
    /// # Errors
    /// Where adrelay does not answer.
    pub async fn leads(&self) -> anyhow::Result<Vec<Value>> {
        let mut leads = Vec::new();
        let mut cursor = String::new();
        loop {
            let page = self.shop.of_tenant(&format!("/api/v1/leads?limit=100{cursor}")).await?;
            leads.extend_from_slice(list(&page, "items")?);
            match page["next_cursor"].as_str() {
                Some(next) => cursor = format!("&cursor={next}"),
                None => return Ok(leads),
            }
        }
    }

    /// How many leads of the form are counted as stored, by whichever way they came; cheaper than to list them. The form
    /// must be known, which a reconciliation sees to.
    ///
    /// # Errors
    /// Where adrelay does not answer, or does not know the form.
    pub async fn arrived(&self) -> anyhow::Result<u64> {
        let shown = self.shop.of_tenant(&format!("/api/v1/lead-forms/{}/completeness", self.form)).await?;
        Ok(number(&shown["totals"], "by_webhook")? + number(&shown["totals"], "by_poll")?)
    }

    /// Waits until every webhook of a submission was answered with 200.
    ///
    /// # Errors
    /// Where one is given up, or it takes longer than `limit_s` seconds.
    pub async fn announced(&self, submitted: &Value, limit_s: u64) -> anyhow::Result<()> {
        let ours = list(submitted, "deliveries")?;
        within(limit_s, "every webhook was answered", || async {
            let given_up = self.webhooks("given_up", ours).await?;
            anyhow::ensure!(given_up == 0, "{given_up} webhooks are given up");
            Ok((self.webhooks("delivered", ours).await? == ours.len()).then_some(()))
        })
        .await
    }

    /// How many of these webhooks are in a state.
    async fn webhooks(&self, state: &str, ours: &[Value]) -> anyhow::Result<usize> {
        let sent = self.shop.sim.read(&format!("/_sim/webhooks?state={state}&limit=20000")).await?;
        Ok(list(&sent, "webhooks")?.iter().filter(|webhook| ours.contains(&webhook["id"])).count())
    }

    /// Looks through all forms of the tenant once, as reconciliation does by itself, and waits until that is done.
    ///
    /// # Errors
    /// Where it fails, or takes longer than `limit_s` seconds.
    pub async fn reconcile(&self, limit_s: u64) -> anyhow::Result<()> {
        let path = format!("/api/v1/leads/sync?tenant_id={}", self.shop.tenant);
        let job = self.shop.api.post(&path, &self.shop.root, &json!({}), 202).await?;
        let ended = self.job(text(&job, "id")?, limit_s).await?;
        anyhow::ensure!(ended["state"] == "done", "{ended}");
        Ok(())
    }

    /// Submits leads through the form; `how` wins over what the simulator is told otherwise. Gives its answer.
    ///
    /// # Errors
    /// Where the simulator refuses.
    pub async fn submit(&self, how: &Value) -> anyhow::Result<Value> {
        let mut body = json!({"form_id": self.form, "webhook": self.webhook});
        for (field, value) in how.as_object().into_iter().flatten() {
            body[field] = value.clone();
        }
        self.shop.sim.send("/_sim/leads", &body).await
    }

    /// Submits one lead with these answers, by question; gives its id.
    ///
    /// # Errors
    /// Where the simulator refuses.
    pub async fn submit_one(
        &self,
        answers: &[(&str, &str)],
        readable_after_ms: u64,
    ) -> anyhow::Result<String> {
        let field = |(name, value): &(&str, &str)| json!({"name": name, "values": [value]});
        let fields: Vec<Value> = answers.iter().map(field).collect();
        let how = json!({"leads": [{"field_data": fields, "readable_after_ms": readable_after_ms}]});
        let submitted = self.submit(&how).await?;
        let id = submitted["ids"][0].as_str().with_context(|| format!("no id in {submitted}"))?;
        Ok(id.to_owned())
    }

    /// A stored lead, or none.
    ///
    /// # Errors
    /// Where adrelay does not answer.
    pub async fn lead(&self, id: &str) -> anyhow::Result<Option<Value>> {
        let path = format!("/api/v1/leads/{id}?tenant_id={}", self.shop.tenant);
        let answer = self.shop.api.call("GET", &path, Some(&self.shop.root), None).await?;
        anyhow::ensure!(matches!(answer.status, 200 | 404), "lead: {answer:?}");
        Ok((answer.status == 200).then_some(answer.body))
    }

    /// Waits until a lead is as `holds` wants it, and returns it.
    ///
    /// # Errors
    /// Where it does not come to that within `limit_s` seconds.
    pub async fn lead_with(
        &self,
        id: &str,
        limit_s: u64,
        what: &str,
        holds: impl Fn(&Value) -> bool,
    ) -> anyhow::Result<Value> {
        let holds = &holds;
        within(limit_s, &format!("lead {id}: {what}"), || async move {
            Ok(self.lead(id).await?.filter(|lead| holds(lead)))
        })
        .await
    }

    /// Waits until a job of the tenant has ended, and returns it.
    ///
    /// # Errors
    /// Where it does not end within `limit_s` seconds.
    pub async fn job(&self, id: &str, limit_s: u64) -> anyhow::Result<Value> {
        within(limit_s, &format!("job {id} has ended"), || async {
            let job = self.shop.of_tenant(&format!("/api/v1/jobs/{id}")).await?;
            Ok(matches!(text(&job, "state")?, "done" | "failed").then_some(job))
        })
        .await
    }

    /// Exports leads as a job, and gets the file by its link.
    ///
    /// # Errors
    /// Where the leads come at once, the job fails or takes longer than `limit_s` seconds, or the link gives nothing.
    pub async fn export(&self, body: &Value, limit_s: u64) -> anyhow::Result<String> {
        let path = format!("/api/v1/leads/export?tenant_id={}", self.shop.tenant);
        let asked = self.shop.api.post(&path, &self.shop.root, body, 202).await?;
        let job = self.job(text(&asked, "id")?, limit_s).await?;
        anyhow::ensure!(job["state"] == "done", "{job}");
        Ok(reqwest::get(text(&job["result"], "url")?).await?.error_for_status()?.text().await?)
    }

    /// Has the tenant's webhook go to a receiver of the simulator, which answers as `answer` says.
    ///
    /// # Errors
    /// Where something refuses.
    pub async fn tell_receiver(&self, name: &str, answer: &Value) -> anyhow::Result<()> {
        self.shop.sim.send("/_sim/receivers", &json!({"name": name, "answer": answer})).await?;
        let url = format!("{}/_receivers/{name}", self.shop.sim.base());
        let path = format!("/api/v1/lead-webhook?tenant_id={}", self.shop.tenant);
        let answer =
            self.shop.api.call("PUT", &path, Some(&self.shop.root), Some(&json!({"url": url}))).await?;
        anyhow::ensure!(matches!(answer.status, 200 | 201), "webhook: {answer:?}");
        Ok(())
    }

    /// What a receiver of the simulator got so far.
    ///
    /// # Errors
    /// Where the simulator does not answer.
    pub async fn received(&self, name: &str) -> anyhow::Result<Vec<Value>> {
        let body = self.shop.sim.read(&format!("/_sim/receivers/{name}")).await?;
        Ok(list(&body, "requests")?.to_vec())
    }
}
