//! Each call of the config table and of the jobs table fails once.

use adrelay_core::config::{ApiKey, Connection, Page, Pixel, Source, Subscription};
use adrelay_core::jobs::{DeliveryState, Job};
use adrelay_core::ports::StoreError;
use adrelay_core::ports::admin::{ConfigAdmin as _, HealthWrite, Records, Revised, WebhookAdmin as _};
use adrelay_core::ports::config::{Destinations as _, KeyDirectory as _, PageDirectory as _};
use adrelay_core::ports::jobs::{DeliveryStore as _, JobStore as _};
use adrelay_core::ports::rules::{RuleAdmin as _, RuleDirectory as _};

use crate::config_data::{
    HASH, a_connection, a_key, a_page, a_pixel, a_source, a_tenant, a_webhook, connection_id, page_id, sick,
};
use crate::faults::{Stores, sweeps};
use crate::jobs::{delivery, job};
use crate::support::{NOON, dynamodb, pixel, source, tenant};

async fn nothing(_: &Stores) {}

async fn everything(s: &Stores) {
    s.admin.create(&a_tenant("acme")).await.unwrap();
    s.admin.create(&a_connection()).await.unwrap();
    s.admin.create(&a_pixel()).await.unwrap();
    s.admin.create(&a_source()).await.unwrap();
    s.admin.create(&a_key()).await.unwrap();
    s.admin.create(&a_page("acme", "5")).await.unwrap();
    s.admin.put_webhook(&a_webhook("acme", "https://a.example/hook")).await.unwrap();
    s.admin.replace(&tenant(), 0, Vec::new(), "key_1", NOON).await.unwrap();
}

async fn jobs(s: &Stores) {
    s.jobs.save_job(&job("job_1")).await.unwrap();
    s.jobs.put_delivery(&delivery("dlv_1", DeliveryState::Dead)).await.unwrap();
}

async fn list<T: adrelay_core::ports::admin::Record>(s: &Stores) -> Result<usize, StoreError>
where
    adrelay_aws::config_admin::DynamoConfigAdmin: Records<T>,
{
    Ok(Records::<T>::list(&s.admin, &tenant(), None, 10).await?.items.len())
}

sweeps!(a_failed_write_of_configuration_is_an_error_and_a_repeat_completes_it, dynamodb;
    "a webhook": nothing, async |s: &Stores| s.admin.put_webhook(&a_webhook("acme", "https://a.example")).await, Done;
    "no webhook": everything, async |s: &Stores| s.admin.delete_webhook(&tenant()).await, Done;
    "a changed source": everything, async |s: &Stores| {
        let changed = Source { name: "Changed".to_owned(), ..a_source() };
        s.admin.update(&Revised { value: changed, revision: 1 }, HealthWrite::Keep).await
    }, Conflict;
    "no pixel": everything, async |s: &Stores| s.admin.delete(&a_pixel()).await, Conflict;
    "no source": everything, async |s: &Stores| s.admin.delete(&a_source()).await, Conflict;
    "first rules": nothing, async |s: &Stores| s.admin.replace(&tenant(), 0, Vec::new(), "k", NOON).await, Conflict;
    "later rules": everything, async |s: &Stores| s.admin.replace(&tenant(), 1, Vec::new(), "k", NOON).await, Conflict;
    "a pixel's health": everything,
        async |s: &Stores| s.config.set_pixel_health(&tenant(), &pixel(), &connection_id(), &sick()).await, Done;
    "a connection's health": everything,
        async |s: &Stores| s.config.set_connection_health(&tenant(), &connection_id(), 1, &sick()).await, Done;
    "a subscription": everything, async |s: &Stores| {
        let now = Subscription::Subscribed { checked_at: NOON };
        s.config.set_subscription(&tenant(), &page_id("5"), &now).await
    }, Done;
    "a job": nothing, async |s: &Stores| s.jobs.save_job(&job("job_1")).await, Conflict;
    "a job again": jobs, async |s: &Stores| s.jobs.save_job(&Job { rev: 1, ..job("job_1") }).await, Conflict;
    "an open delivery": nothing,
        async |s: &Stores| s.jobs.put_delivery(&delivery("dlv_1", DeliveryState::Retrying)).await, Done;
    "a delivery that is done": jobs,
        async |s: &Stores| s.jobs.put_delivery(&delivery("dlv_1", DeliveryState::Delivered)).await, Done;
);

sweeps!(a_failed_read_of_configuration_is_an_error, dynamodb;
    "a key": everything, async |s: &Stores| s.config.key_by_sha256(HASH).await, Done;
    "a source": everything, async |s: &Stores| s.config.source(&tenant(), &source()).await, Done;
    "a pixel": everything, async |s: &Stores| s.config.pixel(&tenant(), &pixel()).await, Done;
    "a connection": everything, async |s: &Stores| s.config.connection(&tenant(), &connection_id()).await, Done;
    "whose page": everything, async |s: &Stores| s.config.page_owner(&page_id("5")).await, Done;
    "a page": everything, async |s: &Stores| s.config.page(&tenant(), &page_id("5")).await, Done;
    "all pages": everything, async |s: &Stores| s.config.pages(None, 10).await, Done;
    "a webhook": everything, async |s: &Stores| s.config.webhook_of(&tenant()).await, Done;
    "rules": everything, async |s: &Stores| s.config.rules(&tenant()).await, Done;
    "a person's pixel": everything, async |s: &Stores| Records::<Pixel>::get(&s.admin, &tenant(), &pixel()).await, Done;
    "tenants": everything, async |s: &Stores| s.admin.tenants(None, 10).await, Done;
    "a list of sources": everything, async |s: &Stores| list::<Source>(s).await, Done;
    "a list of pixels": everything, async |s: &Stores| list::<Pixel>(s).await, Done;
    "a list of connections": everything, async |s: &Stores| list::<Connection>(s).await, Done;
    "a list of keys": everything, async |s: &Stores| list::<ApiKey>(s).await, Done;
    "a list of pages": everything, async |s: &Stores| list::<Page>(s).await, Done;
    "a person's webhook": everything, async |s: &Stores| s.admin.webhook(&tenant()).await, Done;
    "current rules": everything, async |s: &Stores| s.admin.current(&tenant()).await, Done;
    "a version of rules": everything, async |s: &Stores| s.admin.version(&tenant(), 1).await, Done;
    "a job": jobs, async |s: &Stores| s.jobs.job(&tenant(), &job("job_1").id).await, Done;
    "a delivery": jobs, async |s: &Stores| s.jobs.delivery(&tenant(), "dlv_1").await, Done;
    "open deliveries": jobs, async |s: &Stores| s.jobs.open_deliveries(&tenant(), 10, None).await, Done;
);

sweeps!(a_failed_creation_is_an_error, dynamodb;
    "a tenant": nothing, async |s: &Stores| existing(s.admin.create(&a_tenant("acme")).await), Done;
    "a pixel": nothing, async |s: &Stores| existing(s.admin.create(&a_pixel()).await), Done;
    "a source": nothing, async |s: &Stores| existing(s.admin.create(&a_source()).await), Done;
    "a key": nothing, async |s: &Stores| existing(s.admin.create(&a_key()).await), Done;
    "a page": nothing, async |s: &Stores| existing(s.admin.create(&a_page("acme", "5")).await), Done;
);

/// Who creates again what was created without an answer learns that it exists.
fn existing(
    created: Result<(), adrelay_core::ports::admin::CreateError>,
) -> Result<(), adrelay_core::ports::admin::CreateError> {
    match created {
        Err(adrelay_core::ports::admin::CreateError::Exists) => Ok(()),
        other => other,
    }
}
