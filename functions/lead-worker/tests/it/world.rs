//! The function on parts in memory, and Meta.

use adrelay_core::config::Source;
use adrelay_core::ids::{FormId, LeadId, PageId, SourceId, TenantId};
use adrelay_core::leads::{Answer, LeadAds, LeadDesk, Settings, Submission};
use adrelay_core::ports::clock::Clock as _;
use adrelay_core::retry::Backoff;
use adrelay_core::time::UnixMillis;
use fakes::{KEYRING_PII, LOOKUP_KEY, LeadPorts};
use lead_worker::LeadWorker;

pub(crate) struct World {
    pub(crate) parts: LeadPorts,
    pub(crate) function: LeadWorker<LeadPorts>,
}

pub(crate) fn tenant() -> TenantId {
    TenantId::parse("ten_1").unwrap()
}

impl World {
    /// A tenant with the page that the samples speak of.
    pub(crate) fn new(enabled: bool) -> Self {
        let parts = LeadPorts::default();
        let (source, page) = (SourceId::parse("shop").unwrap(), PageId::parse("1234567890").unwrap());
        let shop = Source::new(tenant(), source.clone(), "Shop".to_owned(), UnixMillis(0));
        parts.config.add_source(shop);
        parts.config.add_page(&tenant(), &page, &source, "page-token");
        let settings = Settings {
            forward: true,
            people: true,
            keyring_pii: KEYRING_PII.to_owned(),
            lookup_key: LOOKUP_KEY.to_owned(),
            resend_s: Backoff { base_ms: 10, max_ms: 900 },
            reconcile_interval_s: 900,
            outbox_due_ms: 60_000,
        };
        let desk = LeadDesk::new(parts.clone(), settings);
        Self { parts, function: LeadWorker::new(enabled, desk) }
    }

    /// The lead that the queue's sample announces.
    pub(crate) fn submit_sample(&self) {
        let form = FormId::parse("6000000001").unwrap();
        let email = Answer { name: "email".to_owned(), values: vec!["jane@example.com".to_owned()] };
        let submission = Submission {
            id: LeadId::parse("7000000000000001").unwrap(),
            form: Some(form.clone()),
            created_at_s: self.parts.clock.now().secs(),
            ads: LeadAds::default(),
            platform: None,
            is_organic: false,
            answers: vec![email],
            disclaimers: Vec::new(),
            extra: serde_json::Map::new(),
        };
        self.parts.meta.add_lead(&form, submission, self.parts.clock.now());
    }
}
