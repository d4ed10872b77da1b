//! How each kind of record is stored.

use adrelay_core::config::{ApiKey, Connection, Health, Page, Pixel, Source, Tenant};
use adrelay_core::ids::TenantId;
use adrelay_core::ports::StoreError;
use adrelay_core::ports::admin::{Record, Revised};
use aws_sdk_dynamodb::types::AttributeValue;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use crate::item::{Item, corrupt, n, s, text};

/// The attribute that dispatch writes too: JSON of [`Health`].
pub(super) const HEALTH: &str = "health";

/// The attribute that lead-worker writes too: JSON of a page's subscription.
pub(super) const SUBSCRIPTION: &str = "subscription";

/// Partition of the look-up items that name all pages.
pub(crate) const PAGES: &str = "PAGES";

/// Attributes beside the document, by name.
pub(super) type Columns = Vec<(&'static str, AttributeValue)>;

/// An item that finds a record by something that is not its tenant and id.
pub(super) struct Lookup {
    pub(super) pk: String,
    pub(super) sk: String,
    pub(super) tenant: TenantId,
    pub(super) id: Option<String>,
}

/// A record with its place in the table.
pub(super) trait Stored: Record + Serialize + DeserializeOwned {
    /// What the sort keys of its kind begin with.
    const PREFIX: &'static str;

    fn sort_key(id: &Self::Id) -> String {
        format!("{}{}", Self::PREFIX, Self::id_text(id))
    }

    fn lookups(&self) -> Vec<Lookup> {
        Vec::new()
    }

    fn columns(&self) -> Result<Columns, StoreError> {
        Ok(Vec::new())
    }
}

impl Stored for Tenant {
    const PREFIX: &'static str = "TENANT";

    fn sort_key(_: &TenantId) -> String {
        Self::PREFIX.to_owned()
    }

    fn lookups(&self) -> Vec<Lookup> {
        let tenant = self.id.clone();
        vec![Lookup { pk: super::TENANTS.to_owned(), sk: tenant.to_string(), tenant, id: None }]
    }
}

impl Stored for Connection {
    const PREFIX: &'static str = "CONN#";

    fn columns(&self) -> Result<Columns, StoreError> {
        let version = n(self.token_version);
        Ok(vec![(HEALTH, health(&self.health)?), ("token_version", version)])
    }
}

impl Stored for Pixel {
    const PREFIX: &'static str = "PIXEL#";

    fn lookups(&self) -> Vec<Lookup> {
        let (pk, sk) = (format!("PIXELID#{}", self.id), "OWNER".to_owned());
        vec![Lookup { pk, sk, tenant: self.tenant_id.clone(), id: None }]
    }

    fn columns(&self) -> Result<Columns, StoreError> {
        let connection = s(self.connection_id.as_str());
        Ok(vec![(HEALTH, health(&self.health)?), ("connection_id", connection)])
    }
}

impl Stored for Source {
    const PREFIX: &'static str = "SOURCE#";
}

impl Stored for ApiKey {
    const PREFIX: &'static str = "KEY#";

    fn lookups(&self) -> Vec<Lookup> {
        let (pk, sk) = (format!("KEYHASH#{}", self.sha256), "KEY".to_owned());
        vec![Lookup { pk, sk, tenant: self.tenant_id.clone(), id: Some(self.id.to_string()) }]
    }
}

impl Stored for Page {
    const PREFIX: &'static str = "PAGE#";

    fn lookups(&self) -> Vec<Lookup> {
        let tenant = self.tenant_id.clone();
        let (pk, sk) = (format!("PAGEID#{}", self.id), "OWNER".to_owned());
        let owner = Lookup { pk, sk, tenant: tenant.clone(), id: None };
        let (pk, sk) = (PAGES.to_owned(), format!("{tenant}#{}", self.id));
        vec![owner, Lookup { pk, sk, tenant, id: Some(self.id.to_string()) }]
    }

    fn columns(&self) -> Result<Columns, StoreError> {
        let subscription = serde_json::to_string(&self.subscription).map(s).map_err(corrupt)?;
        Ok(vec![(SUBSCRIPTION, subscription)])
    }
}

fn health(health: &Health) -> Result<AttributeValue, StoreError> {
    serde_json::to_string(health).map(s).map_err(corrupt)
}

/// The record's JSON.
pub(super) fn document<T: Serialize>(record: &T) -> Result<AttributeValue, StoreError> {
    serde_json::to_string(record).map(s).map_err(corrupt)
}

/// Reads a record: its document, with the attributes that are newer than it.
pub(super) fn read<T: Stored>(item: &Item) -> Result<Revised<T>, StoreError> {
    let mut document: Map<String, Value> = serde_json::from_str(text(item, "doc")?).map_err(corrupt)?;
    for (name, column) in item {
        let value = match (name.as_str(), column) {
            (HEALTH | SUBSCRIPTION, AttributeValue::S(json)) => {
                serde_json::from_str(json).map_err(corrupt)?
            }
            ("connection_id", AttributeValue::S(text)) => Value::from(text.as_str()),
            ("token_version", AttributeValue::N(digits)) => serde_json::from_str(digits).map_err(corrupt)?,
            _ => continue,
        };
        document.insert(name.clone(), value);
    }
    let revision = match item.get("rev") {
        Some(AttributeValue::N(digits)) => {
            digits.parse().map_err(|_| StoreError::Corrupt("rev".to_owned()))?
        }
        _ => return Err(StoreError::Corrupt("no rev".to_owned())),
    };
    Ok(Revised { value: serde_json::from_value(Value::Object(document)).map_err(corrupt)?, revision })
}
