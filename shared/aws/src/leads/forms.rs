//! Lead forms and their days.

use std::collections::BTreeMap;

use adrelay_core::ids::{FormId, PageId, TenantId};
use adrelay_core::leads::{Arrival, DayCheck, FormDay, FormSettings, Lead, LeadForm, MetaForm};
use adrelay_core::ports::StoreError;
use adrelay_core::ports::leads::FormStore;
use adrelay_core::ports::receipts::Page;
use adrelay_core::time::UnixMillis;
use aws_sdk_dynamodb::operation::update_item::builders::UpdateItemFluentBuilder;
use aws_sdk_dynamodb::types::{TransactWriteItem, Update};

use super::{DAY_S, DynamoLeads, PAGE_MAX, form_pk, page_pk, shard};
use crate::item::{
    ITEM_VERSION, Item, corrupt, key, n, number, optional_number, optional_text, s, store_error, text,
    unreadable,
};
use crate::range::{Range, page};
use crate::transaction;

/// Items of a day's count: one item takes 1,000 writes a second, and transactions on one item get in each other's way.
const SHARDS: u8 = 8;

/// Days that one call reads; each has [`SHARDS`] counts and a check at most.
const DAYS: usize = 100;

/// Days for which a day's counts are kept.
const DAY_DAYS: i64 = 400;

const PAGE: &str = "PAGE";
const CHECK: &str = "CHECK";

fn form_key(tenant: &TenantId, page: &PageId, form: &FormId) -> Item {
    key(&page_pk(tenant, page), &format!("FORM#{form}"))
}

fn read_form(tenant: &TenantId, page: &PageId, item: &Item) -> Result<LeadForm, StoreError> {
    let settings = optional_text(item, "settings");
    let settings = settings.map_or(Ok(FormSettings::default()), serde_json::from_str);
    Ok(LeadForm {
        tenant: tenant.clone(),
        page: page.clone(),
        meta: serde_json::from_str(text(item, "meta")?).map_err(corrupt)?,
        settings: settings.map_err(corrupt)?,
        synced_at: UnixMillis(number(item, "synced_at")?),
    })
}

impl DynamoLeads {
    /// The write that counts a new lead for its form and day.
    pub(super) fn count_of(&self, lead: &Lead) -> Result<TransactWriteItem, StoreError> {
        let doc = &lead.doc;
        let day = UnixMillis::from_secs(doc.created_at_s).utc_day();
        let way = match doc.arrival {
            Arrival::Webhook => "by_webhook",
            Arrival::Poll => "by_poll",
        };
        let sk = format!("DAY#{day}#{}", shard(&lead.id, SHARDS));
        let update = Update::builder()
            .table_name(&self.table)
            .set_key(Some(key(&form_pk(&lead.tenant, &doc.form), &sk)))
            .update_expression("SET v = :v, expires_at = :expires ADD #way :one")
            .expression_attribute_names("#way", way)
            .expression_attribute_values(":v", n(ITEM_VERSION))
            .expression_attribute_values(":expires", n(doc.created_at_s.saturating_add(DAY_DAYS * DAY_S)))
            .expression_attribute_values(":one", n(1));
        update.build().map(transaction::update).map_err(|error| unreadable(&error))
    }

    fn update_form(
        &self,
        tenant: &TenantId,
        page: &PageId,
        form: &MetaForm,
        at: UnixMillis,
    ) -> Result<UpdateItemFluentBuilder, StoreError> {
        let update = self
            .client
            .update_item()
            .table_name(&self.table)
            .set_key(Some(form_key(tenant, page, &form.id)))
            .update_expression("SET meta = :meta, synced_at = :at, v = :v")
            .expression_attribute_values(":meta", s(serde_json::to_string(form).map_err(corrupt)?))
            .expression_attribute_values(":at", n(at.0))
            .expression_attribute_values(":v", n(ITEM_VERSION));
        Ok(update)
    }
}

impl FormStore for DynamoLeads {
    async fn forms(
        &self,
        tenant: &TenantId,
        of_page: &PageId,
        limit: usize,
        cursor: Option<&str>,
    ) -> Result<Page<LeadForm>, StoreError> {
        let after = cursor.map(FormId::parse).transpose().map_err(|_| StoreError::Conflict)?;
        // What follows a text at once is the text with the lowest character after it.
        let from = after.map_or_else(|| "FORM#".to_owned(), |after| format!("FORM#{after}!"));
        let (pk, limit) = (page_pk(tenant, of_page), limit.clamp(1, PAGE_MAX));
        let items = self.read(Range::new(&pk, &from, "FORM#~"), limit + 1).await?;
        let forms = items.iter().map(|item| read_form(tenant, of_page, item));
        Ok(page(forms.collect::<Result<_, _>>()?, limit, |form: &LeadForm| form.meta.id.to_string()))
    }

    async fn form(
        &self,
        tenant: &TenantId,
        page: &PageId,
        id: &FormId,
    ) -> Result<Option<LeadForm>, StoreError> {
        let item = self.item(form_key(tenant, page, id)).await?;
        item.map(|item| read_form(tenant, page, &item)).transpose()
    }

    async fn page_of(&self, tenant: &TenantId, id: &FormId) -> Result<Option<PageId>, StoreError> {
        let Some(item) = self.item(key(&form_pk(tenant, id), PAGE)).await? else { return Ok(None) };
        PageId::parse(text(&item, "page")?).map(Some).map_err(|error| unreadable(&error))
    }

    /// The look-up comes first: a form without one would never get it.
    async fn put_form(
        &self,
        tenant: &TenantId,
        page: &PageId,
        form: &MetaForm,
        at: UnixMillis,
    ) -> Result<(), StoreError> {
        let known = self.update_form(tenant, page, form, at)?.condition_expression("attribute_exists(pk)");
        match known.send().await.map_err(|error| store_error(&error)) {
            Err(StoreError::Conflict) => {}
            other => return other.map(|_| ()),
        }
        let mut lookup = key(&form_pk(tenant, &form.id), PAGE);
        lookup.insert("v".to_owned(), n(ITEM_VERSION));
        lookup.insert("page".to_owned(), s(page.as_str()));
        self.put(lookup).await?;
        let update = self.update_form(tenant, page, form, at)?.send().await;
        update.map(|_| ()).map_err(|error| store_error(&error))
    }

    async fn set_form(
        &self,
        tenant: &TenantId,
        page: &PageId,
        id: &FormId,
        settings: &FormSettings,
    ) -> Result<(), StoreError> {
        let update = self
            .client
            .update_item()
            .table_name(&self.table)
            .set_key(Some(form_key(tenant, page, id)))
            .update_expression("SET settings = :settings")
            .condition_expression("attribute_exists(pk)")
            .expression_attribute_values(":settings", s(serde_json::to_string(settings).map_err(corrupt)?));
        update.send().await.map(|_| ()).map_err(|error| store_error(&error))
    }

    async fn days(
        &self,
        tenant: &TenantId,
        form: &FormId,
        from: &str,
        to: &str,
    ) -> Result<Vec<FormDay>, StoreError> {
        if from > to {
            return Ok(Vec::new());
        }
        let (pk, from, to) = (form_pk(tenant, form), format!("DAY#{from}#"), format!("DAY#{to}#~"));
        let items = self.read(Range::new(&pk, &from, &to), DAYS * (usize::from(SHARDS) + 1)).await?;
        let mut days: BTreeMap<&str, FormDay> = BTreeMap::new();
        for item in &items {
            let mut parts = text(item, "sk")?.split('#').skip(1);
            let (Some(day), Some(part)) = (parts.next(), parts.next()) else {
                return Err(unreadable(&"a form's day"));
            };
            let told = days.entry(day).or_insert_with(|| FormDay {
                day: day.to_owned(),
                by_webhook: 0,
                by_poll: 0,
                check: None,
            });
            if part == CHECK {
                told.check = Some(serde_json::from_str(text(item, "doc")?).map_err(corrupt)?);
                continue;
            }
            let count = |name| optional_number(item, name).and_then(|count| u64::try_from(count).ok());
            told.by_webhook += count("by_webhook").unwrap_or(0);
            told.by_poll += count("by_poll").unwrap_or(0);
        }
        Ok(days.into_values().take(DAYS).collect())
    }

    async fn check_day(
        &self,
        tenant: &TenantId,
        form: &FormId,
        day: &str,
        check: &DayCheck,
    ) -> Result<(), StoreError> {
        let mut item = key(&form_pk(tenant, form), &format!("DAY#{day}#{CHECK}"));
        let set = [
            ("v", n(ITEM_VERSION)),
            ("doc", s(serde_json::to_string(check).map_err(corrupt)?)),
            ("expires_at", n(check.checked_at.secs() + DAY_DAYS * DAY_S)),
        ];
        item.extend(set.map(|(name, value)| (name.to_owned(), value)));
        self.put(item).await
    }
}
