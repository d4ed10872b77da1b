//! Conversions, and marks of what they fired once.

use adrelay_core::ids::{ConversionKey, EventId, EventName, PersonId, SourceId, TenantId};
use adrelay_core::money::{Currency, Money};
use adrelay_core::people::{Counted, Day, Features};
use adrelay_core::ports::StoreError;
use adrelay_core::ports::people::{ConversionStore, OnceMark, Stored, StoredConversion};
use adrelay_core::ports::receipts::Page;
use adrelay_core::time::UnixMillis;

use super::features::day_expires_at;
use super::{DynamoPeople, conversion_key, last_part, person_pk, unreadable};
use crate::item::{ITEM_VERSION, Item, key, n, number, optional_sealed, optional_text, s, sealed, text};

/// Days for which a conversion is kept after it was posted.
const CONVERSION_DAYS: i64 = 90;

const CONVERSION_ATTRIBUTES: &str =
    "pk, person, #source, event_name, event_id, at_s, stored_at, currency, minor, sealed";

/// When a conversion ends: never after its day, whose references are how it is listed and erased. That is sooner than
/// [`CONVERSION_DAYS`] after its post only where it was posted days after it happened.
fn expires_at(conversion: &StoredConversion) -> i64 {
    let kept = conversion.stored_at.secs() + CONVERSION_DAYS * 86_400;
    kept.min(day_expires_at(conversion.at_s))
}

fn conversion_item(conversion: &StoredConversion) -> Item {
    let mut item = conversion_key(&conversion.tenant, &conversion.key);
    let set = [
        ("v", n(ITEM_VERSION)),
        ("person", s(conversion.person.as_str())),
        ("source", s(conversion.source.as_str())),
        ("event_name", s(conversion.event_name.as_str())),
        ("event_id", s(conversion.event_id.as_str())),
        ("at_s", n(conversion.at_s)),
        ("stored_at", n(conversion.stored_at.0)),
        ("sealed", sealed(&conversion.sealed)),
        ("expires_at", n(expires_at(conversion))),
    ];
    item.extend(set.map(|(name, value)| (name.to_owned(), value)));
    if let Some(money) = conversion.money {
        item.insert("currency".to_owned(), s(money.currency.as_str()));
        item.insert("minor".to_owned(), n(money.minor));
    }
    item
}

fn read_conversion(tenant: &TenantId, item: &Item) -> Result<StoredConversion, StoreError> {
    let money = match optional_text(item, "currency") {
        Some(code) => {
            let currency = Currency::parse(code).ok_or_else(|| unreadable(&"currency"))?;
            Some(Money { currency, minor: number(item, "minor")? })
        }
        None => None,
    };
    Ok(StoredConversion {
        tenant: tenant.clone(),
        key: ConversionKey::parse(last_part(text(item, "pk")?)).map_err(|error| unreadable(&error))?,
        person: PersonId::parse(text(item, "person")?).map_err(|error| unreadable(&error))?,
        source: SourceId::parse(text(item, "source")?).map_err(|error| unreadable(&error))?,
        event_name: EventName::parse(text(item, "event_name")?).map_err(|error| unreadable(&error))?,
        event_id: EventId::parse(text(item, "event_id")?).map_err(|error| unreadable(&error))?,
        at_s: number(item, "at_s")?,
        stored_at: UnixMillis(number(item, "stored_at")?),
        money,
        sealed: optional_sealed(item, "sealed")?.ok_or_else(|| unreadable(&"sealed"))?,
    })
}

impl ConversionStore for DynamoPeople {
    async fn store(&self, conversion: &StoredConversion) -> Result<Stored, StoreError> {
        match self.put_absent(conversion_item(conversion)).await? {
            None => Ok(Stored::New),
            Some(before) => Ok(Stored::Before(Box::new(read_conversion(&conversion.tenant, &before)?))),
        }
    }

    async fn conversions(
        &self,
        tenant: &TenantId,
        keys: &[ConversionKey],
    ) -> Result<Vec<StoredConversion>, StoreError> {
        let keys = keys.iter().map(|key| conversion_key(tenant, key)).collect();
        let items = self.get_all(keys, CONVERSION_ATTRIBUTES).await?;
        items.iter().map(|item| read_conversion(tenant, item)).collect()
    }

    async fn count(
        &self,
        tenant: &TenantId,
        person: &PersonId,
        conversion: &Counted,
    ) -> Result<(), StoreError> {
        self.add_to_features(&person_pk(tenant, person), conversion).await
    }

    async fn features(
        &self,
        tenant: &TenantId,
        person: &PersonId,
        since: &Day,
    ) -> Result<Features, StoreError> {
        self.read_features(&person_pk(tenant, person), since).await
    }

    async fn conversion_keys(
        &self,
        tenant: &TenantId,
        person: &PersonId,
        limit: usize,
        cursor: Option<&str>,
    ) -> Result<Page<(i64, ConversionKey)>, StoreError> {
        self.page_of_keys(&person_pk(tenant, person), limit, cursor).await
    }

    async fn once(
        &self,
        tenant: &TenantId,
        person: &PersonId,
        mark: &OnceMark,
        conversion: &ConversionKey,
    ) -> Result<ConversionKey, StoreError> {
        let sk = format!("ONCE#{}#{}#{}", mark.rule, mark.nth, mark.period);
        let mut item = key(&person_pk(tenant, person), &sk);
        item.insert("v".to_owned(), n(ITEM_VERSION));
        item.insert("conversion".to_owned(), s(conversion.as_str()));
        item.extend(mark.expires_at_s.map(|at_s| ("expires_at".to_owned(), n(at_s))));
        let Some(before) = self.put_absent(item).await? else { return Ok(conversion.clone()) };
        ConversionKey::parse(text(&before, "conversion")?).map_err(|error| unreadable(&error))
    }

    async fn remove_conversions(
        &self,
        tenant: &TenantId,
        person: &PersonId,
        limit: usize,
    ) -> Result<bool, StoreError> {
        self.remove_slice(tenant, person, limit).await
    }
}
