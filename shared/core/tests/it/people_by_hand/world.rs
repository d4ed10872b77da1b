//! A tenant's people in memory.

use std::collections::BTreeSet;

use adrelay_core::ids::{ConversionKey, EventId, EventName, PersonId, SourceId, TenantId};
use adrelay_core::leads::{Activity, ActivityKind, Arrival, Lead, LeadAds, LeadDoc, Status};
use adrelay_core::money::{Currency, Money};
use adrelay_core::people::{Counted, Eraser, Identity, Pii, Provider, Registry, Tree};
use adrelay_core::ports::leads::{LeadStore as _, LeadWrite};
use adrelay_core::ports::people::{ConversionStore as _, Hold, HoldReason, HoldStore as _, StoredConversion};
use fakes::{FixedSecrets, MemoryEvents, MemoryLeads, MemoryPeople, NOON, SeededEntropy, VirtualClock};
use serde_json::Value;

pub(crate) struct World {
    pub(crate) tenant: TenantId,
    pub(crate) people: MemoryPeople,
    pub(crate) graves: MemoryEvents,
    pub(crate) leads: MemoryLeads,
    pub(crate) pii: Pii<FixedSecrets>,
    pub(crate) clock: VirtualClock,
    pub(crate) entropy: SeededEntropy,
}

type TestRegistry<'a> = Registry<'a, MemoryPeople, FixedSecrets, VirtualClock, SeededEntropy>;
type TestEraser<'a> =
    Eraser<'a, MemoryPeople, MemoryEvents, FixedSecrets, VirtualClock, SeededEntropy, MemoryLeads>;

pub(crate) fn identity(json: &Value) -> Identity {
    let home = Provider::parse("shop").unwrap();
    let (identity, errors) = Identity::read(json.as_object().unwrap(), &home, None);
    assert!(errors.is_empty(), "{errors:?}");
    identity
}

impl World {
    pub(crate) fn new() -> Self {
        Self {
            tenant: TenantId::parse("acme").unwrap(),
            people: MemoryPeople::default(),
            graves: MemoryEvents::default(),
            leads: MemoryLeads::default(),
            pii: FixedSecrets::pii(),
            clock: VirtualClock::at(NOON),
            entropy: SeededEntropy::new(7),
        }
    }

    pub(crate) fn registry(&self) -> TestRegistry<'_> {
        Registry::new(&self.people, &self.pii, &self.clock, &self.entropy)
    }

    pub(crate) fn eraser(&self, budget_ms: i64) -> TestEraser<'_> {
        Eraser::new(&self.people, &self.graves, &self.pii, &self.clock, &self.entropy, budget_ms)
            .with_leads(&self.leads)
    }

    /// Posts an identity: the part of the person that it belongs to.
    pub(crate) async fn post(&self, json: &Value) -> PersonId {
        let identity = identity(json);
        let resolved = self.registry().resolve(&self.tenant, &identity).await.unwrap();
        let node = resolved.tree.node(&resolved.leaf).unwrap().clone();
        let learn =
            self.registry().amend(&self.tenant, node, |_, profile| profile.learn(&resolved.own)).await;
        learn.unwrap();
        resolved.leaf
    }

    pub(crate) async fn tree(&self, id: &PersonId) -> Tree {
        self.registry().person(&self.tenant, id).await.unwrap()
    }

    /// A lead of a part.
    pub(crate) async fn lead(&self, person: &PersonId, id: usize) {
        let doc = LeadDoc {
            page: "1".parse().unwrap(),
            form: "2".parse().unwrap(),
            source: "shop".parse().unwrap(),
            created_at_s: NOON.secs(),
            stored_at: NOON,
            arrival: Arrival::Poll,
            test: false,
            ads: LeadAds::default(),
            platform: None,
            is_organic: true,
            person: Some(person.clone()),
            status: Status::New,
            assignee: None,
            contacted_at: None,
            converted_at: None,
            worth: None,
            last_event_s: None,
            updated_at: NOON,
            erased_at: None,
        };
        let (tenant, id) = (self.tenant.clone(), id.to_string().parse().unwrap());
        let lead = Lead { tenant, id, rev: 0, doc, texts: BTreeSet::new(), sealed: Some("s".to_owned()) };
        let what = ActivityKind::Created { arrival: Arrival::Poll };
        let activity = Activity { nth: 1, at: NOON, by: "adrelay".to_owned(), what, sealed_note: None };
        let write = LeadWrite { lead: &lead, activity: &activity, feedback: None, outbox: &[] };
        self.leads.create(write).await.unwrap();
    }

    /// Persons whose leads still hold something personal.
    pub(crate) fn with_leads(&self) -> BTreeSet<PersonId> {
        let leads = self.leads.all().into_iter().filter(|lead| lead.sealed.is_some());
        leads.filter_map(|lead| lead.doc.person).collect()
    }

    /// A conversion of a part, stored, counted and held.
    pub(crate) async fn convert(&self, person: &PersonId, nth: usize) {
        let source = SourceId::parse("shop").unwrap();
        let event_name = EventName::parse("Purchase").unwrap();
        let event_id = EventId::parse(&format!("{person}-{nth}")).unwrap();
        let key = ConversionKey::of(&source, &event_name, &event_id);
        let money = Some(Money { currency: Currency::parse("USD").unwrap(), minor: 100 });
        let at_s = NOON.secs() - i64::try_from(nth).unwrap() * 60;
        let stored = StoredConversion {
            tenant: self.tenant.clone(),
            key: key.clone(),
            person: person.clone(),
            source,
            event_name: event_name.clone(),
            event_id,
            at_s,
            stored_at: NOON,
            money,
            sealed: String::new(),
        };
        self.people.store(&stored).await.unwrap();
        let counted = Counted { key, event_name, at_s, money };
        self.people.count(&self.tenant, person, &counted).await.unwrap();
        self.hold(person, nth).await;
    }

    /// Holds a conversion of a part.
    pub(crate) async fn hold(&self, person: &PersonId, nth: usize) {
        let event_id = EventId::parse(&format!("{person}-{nth}")).unwrap();
        let (source, event_name) = (SourceId::parse("shop").unwrap(), EventName::parse("Purchase").unwrap());
        let hold = Hold {
            tenant: self.tenant.clone(),
            person: person.clone(),
            conversion: ConversionKey::of(&source, &event_name, &event_id),
            reason: HoldReason::Consent,
            since: NOON,
            until: NOON.plus_ms(60_000),
            keys_before: Vec::new(),
        };
        self.people.hold(&hold).await.unwrap();
    }
}
