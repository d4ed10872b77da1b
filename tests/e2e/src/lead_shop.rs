//! A shop with Facebook pages and lead forms.

use anyhow::Context as _;
use serde_json::{Value, json};
use stack::Stack;

use crate::page::connect;
use crate::{Answer, Shop, within};

/// A page with its forms, known to Meta and to adrelay.
#[derive(Debug, Clone)]
pub struct PageOfForms {
    /// Its id.
    pub id: String,
    /// Its token.
    pub token: String,
    /// Ids of its forms.
    pub forms: Vec<String>,
}

/// A shop whose pages collect leads.
#[derive(Debug, Clone)]
pub struct LeadShop {
    /// The shop.
    pub shop: Shop,
    /// Its pages.
    pub pages: Vec<PageOfForms>,
    /// The secret of the app that Meta signs webhooks with.
    pub app_secret: String,
    /// The token that Meta shows when it verifies the webhook.
    pub verify_token: String,
}

impl LeadShop {
    /// Opens a shop with one page for each number, which has so many forms. Pages are subscribed, forms are not synced yet.
    ///
    /// # Errors
    /// Where something can't be created.
    pub async fn open(stack: &Stack, forms: &[usize]) -> anyhow::Result<Self> {
        let shop = Shop::open(stack).await?;
        let env = stack.env();
        let (app_secret, verify_token) = (env.app_secret.clone(), env.verify_token.clone());
        let mut opened = Self { shop, pages: Vec::new(), app_secret, verify_token };
        for (nth, forms) in forms.iter().enumerate() {
            let page = opened.add_page(stack, nth, *forms).await?;
            opened.pages.push(page);
        }
        Ok(opened)
    }

    async fn add_page(&self, stack: &Stack, nth: usize, forms: usize) -> anyhow::Result<PageOfForms> {
        // Derived from the pixel, which no other shop has.
        let id = format!("{}{nth}", &self.shop.pixel[..self.shop.pixel.len() - 1]);
        let token = format!("EAAB{id}page");
        let mut page = PageOfForms { id: id.clone(), token: token.clone(), forms: Vec::new() };
        let mut bodies = Vec::new();
        for form in 0..forms {
            let form_id = format!("{}{form}", &id[1..]);
            bodies.push(json!({"form_id": form_id, "page_id": id, "name": format!("Form {form_id}"), "locale": "en_US",
                "status": "ACTIVE", "privacy_policy_url": "https://shop.example.com/privacy",
                "questions": [
                    {"key": "email", "label": "E-mail", "type": "EMAIL"},
                    {"key": "phone_number", "label": "Phone", "type": "PHONE"},
                    {"key": "full_name", "label": "Name", "type": "FULL_NAME"},
                    {"key": "interests", "label": "What interests you?", "type": "CUSTOM",
                        "options": [{"key": "a", "value": "A"}, {"key": "b", "value": "B"}, {"key": "c", "value": "C"}]},
                ]}));
            page.forms.push(form_id);
        }
        connect(stack, &self.shop, &id, &token, &bodies).await?;
        Ok(page)
    }

    /// The simulator's instruction to announce leads to this stack, signed; `settings` are its further fields.
    #[must_use]
    pub fn announced(&self, settings: &Value) -> Value {
        let mut webhook = json!({"url": format!("{}/webhooks/leadgen", self.shop.api.base()), "app_secret": self.app_secret});
        for (name, value) in settings.as_object().into_iter().flatten() {
            webhook[name] = value.clone();
        }
        webhook
    }

    /// Posts a body to the webhook with this signature header.
    ///
    /// # Errors
    /// Where no answer comes.
    pub async fn webhook(&self, body: &[u8], headers: &[(&str, &str)]) -> anyhow::Result<Answer> {
        let mut all = vec![("content-type", "application/json")];
        all.extend(headers);
        self.shop.api.post_raw("/webhooks/leadgen", &all, body.to_vec()).await
    }

    /// Every lead that a list shows, page by page; `filter` begins with `&`.
    ///
    /// # Errors
    /// Where adrelay does not answer.
    pub async fn leads(&self, filter: &str) -> anyhow::Result<Vec<Value>> {
        let (mut leads, mut cursor) = (Vec::new(), String::new());
        loop {
            let path = format!("/api/v1/leads?tenant_id={}&limit=100{filter}{cursor}", self.shop.tenant);
            let page = self.shop.api.get(&path, &self.shop.root).await?;
            leads.extend(page["items"].as_array().cloned().unwrap_or_default());
            match page["next_cursor"].as_str() {
                Some(next) => cursor = format!("&cursor={next}"),
                None => return Ok(leads),
            }
        }
    }

    /// One lead, whole.
    ///
    /// # Errors
    /// Where there is none.
    pub async fn lead(&self, id: &str) -> anyhow::Result<Value> {
        self.shop.of_tenant(&format!("/api/v1/leads/{id}")).await
    }

    /// Waits until a list shows `n` leads, and returns them; more than `n` fail at once.
    ///
    /// # Errors
    /// Where it does not come to that within `limit_s` seconds.
    pub async fn holds(&self, n: usize, limit_s: u64) -> anyhow::Result<Vec<Value>> {
        within(limit_s, &format!("{n} leads are stored"), || async {
            let leads = self.leads("").await?;
            anyhow::ensure!(leads.len() <= n, "{} leads instead of {n}", leads.len());
            Ok((leads.len() == n).then_some(leads))
        })
        .await
    }

    /// Asks adrelay to look through all pages' forms for the last `days` days, and waits until it has.
    ///
    /// # Errors
    /// Where that fails, or takes longer than `limit_s` seconds.
    pub async fn sync(&self, days: u16, limit_s: u64) -> anyhow::Result<Value> {
        let body = json!({"tenant_id": self.shop.tenant, "days": days});
        let asked = self.shop.api.post("/api/v1/leads/sync", &self.shop.root, &body, 202).await?;
        let job = asked["job_id"].as_str().with_context(|| format!("no job in {asked}"))?.to_owned();
        self.job(&job, limit_s).await
    }

    /// Waits until a job is done.
    ///
    /// # Errors
    /// Where it fails, or takes longer than `limit_s` seconds.
    pub async fn job(&self, id: &str, limit_s: u64) -> anyhow::Result<Value> {
        within(limit_s, &format!("job {id} is done"), || async {
            let job = self.shop.of_tenant(&format!("/api/v1/jobs/{id}")).await?;
            anyhow::ensure!(job["state"] != "failed", "{job}");
            Ok((job["state"] == "done").then_some(job))
        })
        .await
    }
}
