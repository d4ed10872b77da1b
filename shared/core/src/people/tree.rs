//! A person with all who were merged into them.

use std::collections::HashMap;

use super::identity::{Identifier, Identity};
use super::person::{
    Click, ConsentRecord, FRESH_DAYS, MAX_PERSON_EXTERNAL_IDS, MAX_VALUES, Person, Profile, Seen, Touch,
};
use super::stage::Evidence;
use crate::ids::{PersonId, SourceId};
use crate::normalize::Sha256Hex;
use crate::time::UnixMillis;

/// A person's document with its profile opened.
#[derive(Debug, Clone, PartialEq)]
pub struct Node {
    /// As it is stored.
    pub person: Person,
    /// Opened.
    pub profile: Profile,
}

impl Node {
    /// Whether the profile has room for one more identifier of this kind. What has no room is not linked: every link
    /// must be found again when the person is erased.
    pub(super) fn has_room(&self, identifier: &Identifier) -> bool {
        match identifier {
            Identifier::Email(_) => self.profile.emails.len() < MAX_VALUES,
            Identifier::Phone(_) => self.profile.phones.len() < MAX_VALUES,
            Identifier::External(_) => self.profile.external_ids.len() < MAX_PERSON_EXTERNAL_IDS,
        }
    }
}

impl Profile {
    /// Takes in what an identity says. Says whether that changed anything.
    pub fn learn(&mut self, identity: &Identity) -> bool {
        let said = &identity.profile;
        let mut changed = learn_all(&mut self.emails, &said.emails, MAX_VALUES);
        changed |= learn_all(&mut self.phones, &said.phones, MAX_VALUES);
        changed |= learn_all(&mut self.external_ids, &said.external_ids, MAX_PERSON_EXTERNAL_IDS);
        for (mine, said) in [
            (&mut self.first_name, &said.first_name),
            (&mut self.last_name, &said.last_name),
            (&mut self.city, &said.city),
            (&mut self.state, &said.state),
            (&mut self.zip, &said.zip),
            (&mut self.country, &said.country),
            (&mut self.date_of_birth, &said.date_of_birth),
            (&mut self.gender, &said.gender),
        ] {
            if said.is_some() && mine != said {
                mine.clone_from(said);
                changed = true;
            }
        }
        changed
    }

    /// Everything in it that points to a person.
    #[must_use]
    pub fn identifiers(&self) -> Vec<Identifier> {
        let emails = self.emails.iter().filter_map(|email| hash(email)).map(Identifier::Email);
        let phones = self.phones.iter().filter_map(|phone| hash(phone.trim_start_matches('+')));
        let external = self.external_ids.iter().cloned().map(Identifier::External);
        emails.chain(phones.map(Identifier::Phone)).chain(external).collect()
    }

    pub(super) fn retain(&mut self, keep: impl Fn(&Identifier) -> bool) {
        self.emails.retain(|email| hash(email).is_some_and(|hash| keep(&Identifier::Email(hash))));
        self.phones.retain(|phone| {
            hash(phone.trim_start_matches('+')).is_some_and(|hash| keep(&Identifier::Phone(hash)))
        });
        self.external_ids.retain(|external| keep(&Identifier::External(external.clone())));
    }

    fn add(&mut self, other: &Self) {
        learn_all(&mut self.emails, &other.emails, usize::MAX);
        learn_all(&mut self.phones, &other.phones, usize::MAX);
        learn_all(&mut self.external_ids, &other.external_ids, usize::MAX);
        for (mine, other) in [
            (&mut self.first_name, &other.first_name),
            (&mut self.last_name, &other.last_name),
            (&mut self.city, &other.city),
            (&mut self.state, &other.state),
            (&mut self.zip, &other.zip),
            (&mut self.country, &other.country),
            (&mut self.date_of_birth, &other.date_of_birth),
            (&mut self.gender, &other.gender),
        ] {
            if mine.is_none() {
                mine.clone_from(other);
            }
        }
        later(&mut self.ip, other.ip.as_ref());
        later(&mut self.agent, other.agent.as_ref());
        for (name, value) in &other.properties {
            if !self.properties.contains_key(name) {
                self.properties.insert(name.clone(), value.clone());
            }
        }
    }
}

/// A value's SHA-256: values are normalised already, or hashed.
fn hash(value: &str) -> Option<Sha256Hex> {
    Sha256Hex::already(value).ok().flatten().or_else(|| Sha256Hex::of(value).ok())
}

fn learn_all<T: PartialEq + Clone>(mine: &mut Vec<T>, said: &[T], max: usize) -> bool {
    let before = mine.len();
    for value in said {
        if mine.len() < max && !mine.contains(value) {
            mine.push(value.clone());
        }
    }
    mine.len() > before
}

fn later(mine: &mut Option<Seen>, other: Option<&Seen>) {
    if let Some(other) = other
        && mine.as_ref().is_none_or(|mine| other.at > mine.at)
    {
        *mine = Some(other.clone());
    }
}

/// A person with all who were merged into them, directly or by way of others.
#[derive(Debug, Clone, PartialEq)]
pub struct Tree {
    /// The root first; ≥ 1.
    pub nodes: Vec<Node>,
}

/// What the parts of a tree are together.
#[derive(Debug, Clone, PartialEq)]
pub struct Whole {
    /// The root's id: the person's id.
    pub id: PersonId,
    /// Ids of all parts, the root's first.
    pub parts: Vec<PersonId>,
    /// The earliest creation.
    pub created_at: UnixMillis,
    /// The latest change.
    pub updated_at: UnixMillis,
    /// The product that met them first.
    pub source_product: Option<SourceId>,
    /// What they said last, whichever part heard it.
    pub consent: Option<ConsentRecord>,
    /// What speaks for which stage.
    pub evidence: Evidence,
    /// The earliest first touch.
    pub first_touch: Option<Touch>,
    /// The latest touch.
    pub last_touch: Option<Touch>,
    /// Every click id, oldest first.
    pub clicks: Vec<Click>,
    /// The latest browser id.
    pub fbp: Option<Seen>,
    /// Unix seconds.
    pub first_seen: Option<i64>,
    /// Unix seconds, to the day.
    pub last_seen: Option<i64>,
    /// The root's values, completed by the others'.
    pub profile: Profile,
}

impl Tree {
    /// The tree of `root` among `nodes`, which it is taken out of.
    pub(super) fn take(root: &PersonId, nodes: &mut HashMap<PersonId, Node>) -> Option<Self> {
        let mut taken = vec![nodes.remove(root)?];
        let mut at = 0;
        while let Some(node) = taken.get(at) {
            let members: Vec<Node> =
                node.person.doc.members.iter().filter_map(|member| nodes.remove(member)).collect();
            taken.extend(members);
            at += 1;
        }
        Some(Self { nodes: taken })
    }

    /// The root.
    #[must_use]
    pub fn root(&self) -> &Node {
        &self.nodes[0]
    }

    /// A part of the tree.
    #[must_use]
    pub fn node(&self, id: &PersonId) -> Option<&Node> {
        self.nodes.iter().find(|node| node.person.id == *id)
    }

    /// Puts a node that was changed in its place.
    pub fn put(&mut self, node: Node) {
        if let Some(place) = self.nodes.iter_mut().find(|old| old.person.id == node.person.id) {
            *place = node;
        }
    }

    /// SHA-256 of every e-mail of every part.
    pub(super) fn emails(&self) -> Vec<Sha256Hex> {
        self.nodes.iter().flat_map(|node| &node.profile.emails).filter_map(|email| hash(email)).collect()
    }

    /// What the parts are together.
    #[must_use]
    pub fn whole(&self) -> Whole {
        let root = self.root();
        let doc = &root.person.doc;
        let mut whole = Whole {
            id: root.person.id.clone(),
            parts: self.nodes.iter().map(|node| node.person.id.clone()).collect(),
            created_at: doc.created_at,
            updated_at: doc.updated_at,
            source_product: doc.source_product.clone(),
            consent: doc.consent.clone(),
            evidence: doc.evidence.clone(),
            first_touch: doc.first_touch.clone(),
            last_touch: doc.last().cloned(),
            clicks: doc.clicks.clone(),
            fbp: doc.fbp.clone(),
            first_seen: doc.first_seen,
            last_seen: doc.last_seen,
            profile: root.profile.clone(),
        };
        for node in &self.nodes[1..] {
            whole.add(node);
        }
        whole.clicks.sort_by(|a, b| (a.at, &a.fbc).cmp(&(b.at, &b.fbc)));
        whole
    }
}

impl Whole {
    fn add(&mut self, node: &Node) {
        let doc = &node.person.doc;
        if doc.created_at < self.created_at {
            self.source_product.clone_from(&doc.source_product);
        }
        self.created_at = self.created_at.min(doc.created_at);
        self.updated_at = self.updated_at.max(doc.updated_at);
        if doc.consent.as_ref().map(|consent| consent.at) > self.consent.as_ref().map(|consent| consent.at) {
            self.consent.clone_from(&doc.consent);
        }
        self.evidence.add(&doc.evidence);
        let first = |touch: &Option<Touch>| touch.as_ref().map_or(UnixMillis(i64::MAX), |touch| touch.at);
        if first(&doc.first_touch) < first(&self.first_touch) {
            self.first_touch.clone_from(&doc.first_touch);
        }
        if doc.last().map(|touch| touch.at) > self.last_touch.as_ref().map(|touch| touch.at) {
            self.last_touch = doc.last().cloned();
        }
        for click in &doc.clicks {
            match self.clicks.iter_mut().find(|known| known.fbc == click.fbc) {
                Some(known) => known.at = known.at.min(click.at),
                None => self.clicks.push(click.clone()),
            }
        }
        later(&mut self.fbp, doc.fbp.as_ref());
        self.first_seen = self.first_seen.into_iter().chain(doc.first_seen).min();
        self.last_seen = self.last_seen.max(doc.last_seen);
        self.profile.add(&node.profile);
    }

    /// The latest click id that is not older than [`FRESH_DAYS`] days.
    #[must_use]
    pub fn fbc(&self, now: UnixMillis) -> Option<&str> {
        let click = self.clicks.last().filter(|click| is_fresh(click.at, now))?;
        Some(&click.fbc)
    }

    /// The latest browser id, likewise.
    #[must_use]
    pub fn fbp(&self, now: UnixMillis) -> Option<&str> {
        fresh(self.fbp.as_ref(), now)
    }

    /// The latest address, likewise.
    #[must_use]
    pub fn ip(&self, now: UnixMillis) -> Option<&str> {
        fresh(self.profile.ip.as_ref(), now)
    }

    /// The latest user agent, likewise.
    #[must_use]
    pub fn agent(&self, now: UnixMillis) -> Option<&str> {
        fresh(self.profile.agent.as_ref(), now)
    }
}

fn is_fresh(at: UnixMillis, now: UnixMillis) -> bool {
    now.ms_since(at) <= FRESH_DAYS * 86_400_000
}

fn fresh(seen: Option<&Seen>, now: UnixMillis) -> Option<&str> {
    seen.filter(|seen| is_fresh(seen.at, now)).map(|seen| seen.value.as_str())
}
