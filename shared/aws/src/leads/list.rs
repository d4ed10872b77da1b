//! Lists of leads, from the index by time.
//!
//! The index shows what lists ask for, so that only leads that are shown are read whole. It is behind the leads by a
//! moment: what a lead says itself decides.

use std::collections::HashMap;

use adrelay_core::ids::{LeadId, TenantId};
use adrelay_core::leads::{Lead, LeadQuery};
use adrelay_core::ports::StoreError;
use adrelay_core::ports::receipts::Page;
use aws_sdk_dynamodb::types::AttributeValue;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};

use super::lead::{LEAD, LEAD_ATTRIBUTES, lead_key, list_pk, read_lead, sortable_s};
use super::{BY_TIME, DynamoLeads, lead_pk};
use crate::batch::batch_get;
use crate::item::{Item, corrupt, key, s, store_error, text, unreadable};

/// Index items that one query looks at, and queries of one call.
const LOOKS_PER_QUERY: usize = 1_000;
const QUERIES_PER_LIST: usize = 10;

/// Leads of one page.
const LEADS_PER_LIST: usize = 1_000;

/// Where a list goes on: after this place of this list.
#[derive(Debug, Serialize, Deserialize)]
struct Cursor {
    list: String,
    after: String,
}

/// What an index query asks for.
struct Search {
    list: String,
    from: String,
    to: String,
    filter: Vec<String>,
    names: HashMap<String, String>,
    values: HashMap<String, AttributeValue>,
}

impl Search {
    /// `None` where no time is in the query's bounds.
    fn new(query: &LeadQuery) -> Option<Self> {
        let list = list_pk(&query.tenant, query.test);
        let from = sortable_s(query.from_s.unwrap_or(0));
        // A place continues the digits of its second, so that it stands behind the second's digits alone.
        let to = query.until_s.map_or_else(|| "~".to_owned(), sortable_s);
        if from >= to {
            return None;
        }
        let values = HashMap::from([
            (":list".to_owned(), s(&list)),
            (":from".to_owned(), s(&from)),
            (":to".to_owned(), s(&to)),
        ]);
        let mut search = Self { list, from, to, filter: Vec::new(), names: HashMap::new(), values };
        let equal = [
            ("status", query.status.map(|status| status.as_str().to_owned())),
            ("page", query.page.as_ref().map(ToString::to_string)),
            ("form", query.form.as_ref().map(ToString::to_string)),
            ("campaign", query.campaign.as_ref().map(ToString::to_string)),
            ("ad", query.ad.as_ref().map(ToString::to_string)),
            ("source", query.source.as_ref().map(ToString::to_string)),
            ("assignee", query.assignee.clone()),
        ];
        for (name, wanted) in equal {
            if let Some(wanted) = wanted {
                search.require(format!("#{name} = :{name}"), name, wanted);
            }
        }
        if let Some(hash) = &query.text {
            search.require("contains(#texts, :texts)".to_owned(), "texts", hash.as_str().to_owned());
        }
        Some(search)
    }

    fn require(&mut self, condition: String, name: &str, wanted: String) {
        self.filter.push(condition);
        self.names.insert(format!("#{name}"), name.to_owned());
        self.values.insert(format!(":{name}"), s(wanted));
    }

    /// A cursor that nobody of us wrote, or that belongs to another list, is a conflict with what the caller asks for.
    fn start(&self, query: &LeadQuery, cursor: &str) -> Result<Item, StoreError> {
        let json = URL_SAFE_NO_PAD.decode(cursor).map_err(|_| StoreError::Conflict)?;
        let Cursor { list, after } = serde_json::from_slice(&json).map_err(|_| StoreError::Conflict)?;
        let id = lead_at(&after).filter(|_| list == self.list && self.from <= after && after <= self.to);
        Ok(self.place(&query.tenant, &after, &id.ok_or(StoreError::Conflict)?))
    }

    /// A lead's key in the index.
    fn place(&self, tenant: &TenantId, list_sk: &str, id: &LeadId) -> Item {
        let mut item = key(&lead_pk(tenant, id), LEAD);
        item.insert("list_pk".to_owned(), s(&self.list));
        item.insert("list_sk".to_owned(), s(list_sk));
        item
    }

    fn cursor(&self, list_sk: &str) -> Result<String, StoreError> {
        let cursor = Cursor { list: self.list.clone(), after: list_sk.to_owned() };
        serde_json::to_vec(&cursor).map(|json| URL_SAFE_NO_PAD.encode(json)).map_err(corrupt)
    }
}

/// The lead at a place of the list, `<12 digits>#<lead>`.
fn lead_at(list_sk: &str) -> Option<LeadId> {
    let (seconds, id) = list_sk.split_once('#')?;
    let seconds = seconds.len() == 12 && seconds.bytes().all(|byte| byte.is_ascii_digit());
    LeadId::parse(id).ok().filter(|_| seconds)
}

impl DynamoLeads {
    pub(super) async fn list_leads(&self, query: &LeadQuery) -> Result<Page<Lead>, StoreError> {
        let Some(search) = Search::new(query) else {
            return Ok(Page { items: Vec::new(), next_cursor: None });
        };
        let limit = query.limit.clamp(1, LEADS_PER_LIST);
        let mut start = query.cursor.as_deref().map(|cursor| search.start(query, cursor)).transpose()?;
        let mut places: Vec<String> = Vec::new();
        let mut next_cursor = None;
        for _ in 0..QUERIES_PER_LIST {
            // Without a filter every item counts.
            let looks = if search.filter.is_empty() { limit - places.len() } else { LOOKS_PER_QUERY };
            let (found, last) = self.look(&search, looks, start.take()).await?;
            places.extend(found);
            if places.len() > limit || (places.len() == limit && last.is_some()) {
                places.truncate(limit);
                next_cursor = places.last().map(|place| search.cursor(place)).transpose()?;
                break;
            }
            let after = last.as_ref().map(|last| text(last, "list_sk")).transpose()?;
            next_cursor = after.map(|after| search.cursor(after)).transpose()?;
            start = last;
            if start.is_none() {
                break;
            }
        }
        Ok(Page { items: self.whole(query, &places).await?, next_cursor })
    }

    /// Places of the next leads that the index says are wanted, and the last place looked at where there is more.
    async fn look(
        &self,
        search: &Search,
        looks: usize,
        start: Option<Item>,
    ) -> Result<(Vec<String>, Option<Item>), StoreError> {
        let filter = (!search.filter.is_empty()).then(|| search.filter.join(" AND "));
        let names = (!search.names.is_empty()).then(|| search.names.clone());
        let query = self
            .client
            .query()
            .table_name(&self.table)
            .index_name(BY_TIME)
            .scan_index_forward(false)
            .key_condition_expression("list_pk = :list AND list_sk BETWEEN :from AND :to")
            .set_filter_expression(filter)
            .projection_expression("list_sk")
            .set_expression_attribute_names(names)
            .set_expression_attribute_values(Some(search.values.clone()))
            .limit(i32::try_from(looks).unwrap_or(1))
            .set_exclusive_start_key(start);
        let answer = query.send().await.map_err(|error| store_error(&error))?;
        let places = answer.items.unwrap_or_default();
        let places = places.iter().map(|item| text(item, "list_sk").map(str::to_owned));
        Ok((places.collect::<Result<_, _>>()?, answer.last_evaluated_key))
    }

    /// The leads at these places, whole and in their order; without those that are gone or were changed since, so that
    /// the list would not show them.
    async fn whole(&self, query: &LeadQuery, places: &[String]) -> Result<Vec<Lead>, StoreError> {
        let ids: Vec<LeadId> = places.iter().filter_map(|place| lead_at(place)).collect();
        if ids.len() != places.len() {
            return Err(unreadable(&"a place of the list"));
        }
        let keys: Vec<Item> = ids.iter().map(|id| lead_key(&query.tenant, id)).collect();
        let items = batch_get(&self.client, &self.table, &keys, LEAD_ATTRIBUTES).await?;
        let mut leads: HashMap<LeadId, Lead> = HashMap::with_capacity(items.len());
        for item in &items {
            let lead = read_lead(&query.tenant, item)?;
            leads.insert(lead.id.clone(), lead);
        }
        Ok(ids.iter().filter_map(|id| leads.remove(id)).filter(|lead| query.matches(lead)).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_that_nobody_of_us_wrote_names_no_lead() {
        assert_eq!(lead_at("001790000000#42"), LeadId::parse("42").ok());
        for bad in ["", "1#42", "001790000000", "001790000000#", "001790000000#x", "00179000000x#42"] {
            assert_eq!(lead_at(bad), None, "{bad}");
        }
    }
}
