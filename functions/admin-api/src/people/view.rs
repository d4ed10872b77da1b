//! A person as callers see it.

use adrelay_core::ids::PersonId;
use adrelay_core::people::{Consent, Profile, Stage, Touch, Tree};
use adrelay_core::time::UnixMillis;
use serde::Serialize;
use serde_json::{Map, Value};

/// One human in a tenant, with all who were merged into them.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(utoipa::ToSchema), schema(as = Person))]
pub(crate) struct PersonView {
    /// Its id.
    id: String,
    /// What it is made of, its own part first. Each answers to its id.
    parts: Vec<PartView>,
    /// Ids of persons that were merged into it.
    merged_ids: Vec<String>,
    /// Who it is.
    identity: IdentityView,
    /// Free properties; of a name that several parts have, its own part's.
    #[cfg_attr(test, schema(value_type = std::collections::BTreeMap<String, Value>))]
    properties: Map<String, Value>,
    /// How far it has come; null while nothing tells.
    #[cfg_attr(test, schema(pattern = "^(lead|activated|customer|churned)$"))]
    lifecycle_stage: Option<&'static str>,
    /// When something first spoke for that stage.
    #[cfg_attr(test, schema(format = DateTime))]
    lifecycle_since: Option<String>,
    /// What it allows.
    consent: ConsentView,
    /// Where it came from. Written once.
    first_touch: Option<TouchView>,
    /// Where it came from last.
    last_touch: Option<TouchView>,
    /// Meta's click ids, oldest first.
    clicks: Vec<ClickView>,
    /// The product that met it first.
    source_product: Option<String>,
    /// Persons that share an identifier with it, and were not merged.
    conflicts: Vec<ConflictView>,
    /// When it was created.
    #[cfg_attr(test, schema(format = DateTime))]
    created_at: String,
    /// When it was last changed.
    #[cfg_attr(test, schema(format = DateTime))]
    updated_at: String,
}

/// A person's own part, or one that was merged into it.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(utoipa::ToSchema), schema(as = PersonPart))]
struct PartView {
    /// Its id.
    id: String,
    /// Which part it was merged into; null for the person's own.
    merged_into: Option<String>,
    /// When it was created.
    #[cfg_attr(test, schema(format = DateTime))]
    created_at: String,
}

/// Who somebody is.
#[derive(Serialize)]
#[cfg_attr(test, derive(utoipa::ToSchema), schema(as = PersonIdentity))]
struct IdentityView {
    /// Addresses in normal form, or SHA-256 where no more is known.
    emails: Vec<String>,
    /// Phones as `+` and digits, or SHA-256.
    phones: Vec<String>,
    /// Ids in other systems.
    external_ids: Vec<ExternalIdView>,
    /// As it was given.
    first_name: Option<String>,
    /// As it was given.
    last_name: Option<String>,
    /// As it was given.
    city: Option<String>,
    /// As it was given.
    state: Option<String>,
    /// As it was given.
    zip: Option<String>,
    /// As it was given.
    country: Option<String>,
    /// As it was given.
    date_of_birth: Option<String>,
    /// As it was given.
    gender: Option<String>,
}

impl std::fmt::Debug for IdentityView {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("IdentityView(…)")
    }
}

/// An id in another system.
#[derive(Serialize)]
#[cfg_attr(test, derive(utoipa::ToSchema), schema(as = ExternalId))]
struct ExternalIdView {
    /// Whose id it is.
    provider: String,
    /// The id.
    id: String,
}

/// What somebody allows.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(utoipa::ToSchema), schema(as = Consent))]
struct ConsentView {
    /// What they said last.
    #[cfg_attr(test, schema(pattern = "^(granted|denied|unknown)$"))]
    status: &'static str,
    /// When; null where it is unknown.
    #[cfg_attr(test, schema(format = DateTime))]
    at: Option<String>,
}

/// Where somebody came from.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(utoipa::ToSchema), schema(as = Touch))]
struct TouchView {
    /// When.
    #[cfg_attr(test, schema(format = DateTime))]
    at: String,
    /// `utm_source`.
    source: Option<String>,
    /// `utm_medium`.
    medium: Option<String>,
    /// `utm_campaign`.
    campaign: Option<String>,
    /// `utm_content`.
    content: Option<String>,
    /// `utm_term`.
    term: Option<String>,
    /// Meta's browser id.
    fbp: Option<String>,
    /// Meta's click id.
    fbc: Option<String>,
    /// The lead form.
    lead_form: Option<String>,
}

/// A click on an ad.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(utoipa::ToSchema), schema(as = Click))]
struct ClickView {
    /// Meta's click id.
    fbc: String,
    /// When it was seen first.
    #[cfg_attr(test, schema(format = DateTime))]
    at: String,
}

/// Identifiers of one post pointed to two persons, and they were not merged.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(utoipa::ToSchema), schema(as = Conflict))]
struct ConflictView {
    /// The other one.
    person_id: String,
    /// What pointed there.
    #[cfg_attr(test, schema(pattern = "^(email|phone|external_id|identity)$"))]
    identifier: String,
    /// When it was noticed.
    #[cfg_attr(test, schema(format = DateTime))]
    at: String,
}

impl PersonView {
    /// What is shown of a person.
    pub(crate) fn of(tree: &Tree) -> Self {
        let whole = tree.whole();
        let stage = whole.evidence.stage();
        let since = stage.and_then(|stage| whole.evidence.since_s(stage));
        let status = whole.consent.as_ref().map(|consent| match consent.status {
            Consent::Granted => "granted",
            Consent::Denied => "denied",
        });
        let consent = ConsentView {
            status: status.unwrap_or("unknown"),
            at: whole.consent.as_ref().map(|consent| consent.at.rfc3339()),
        };
        let clicks = whole.clicks.into_iter();
        Self {
            id: whole.id.to_string(),
            parts: tree.nodes.iter().map(part).collect(),
            merged_ids: whole.parts[1..].iter().map(PersonId::to_string).collect(),
            properties: whole.profile.properties.clone(),
            identity: whole.profile.into(),
            lifecycle_stage: stage.map(Stage::as_str),
            lifecycle_since: since.map(|since_s| UnixMillis::from_secs(since_s).rfc3339()),
            consent,
            first_touch: whole.first_touch.map(TouchView::from),
            last_touch: whole.last_touch.map(TouchView::from),
            clicks: clicks.map(|click| ClickView { fbc: click.fbc, at: click.at.rfc3339() }).collect(),
            source_product: whole.source_product.map(|source| source.to_string()),
            conflicts: conflicts(tree),
            created_at: whole.created_at.rfc3339(),
            updated_at: whole.updated_at.rfc3339(),
        }
    }
}

fn part(node: &adrelay_core::people::Node) -> PartView {
    let doc = &node.person.doc;
    PartView {
        id: node.person.id.to_string(),
        merged_into: doc.merged_into.as_ref().map(PersonId::to_string),
        created_at: doc.created_at.rfc3339(),
    }
}

/// Of all parts, each other person once. One that has become a part since is no conflict any more.
fn conflicts(tree: &Tree) -> Vec<ConflictView> {
    let mut seen: Vec<&PersonId> = Vec::new();
    let mut views = Vec::new();
    for conflict in tree.nodes.iter().flat_map(|node| &node.person.doc.conflicts) {
        if tree.node(&conflict.person_id).is_none() && !seen.contains(&&conflict.person_id) {
            seen.push(&conflict.person_id);
            views.push(ConflictView {
                person_id: conflict.person_id.to_string(),
                identifier: conflict.identifier.clone(),
                at: conflict.at.rfc3339(),
            });
        }
    }
    views
}

impl From<Profile> for IdentityView {
    fn from(profile: Profile) -> Self {
        let external = profile.external_ids.into_iter();
        Self {
            emails: profile.emails,
            phones: profile.phones,
            external_ids: external
                .map(|one| ExternalIdView { provider: one.provider.as_str().to_owned(), id: one.id })
                .collect(),
            first_name: profile.first_name,
            last_name: profile.last_name,
            city: profile.city,
            state: profile.state,
            zip: profile.zip,
            country: profile.country,
            date_of_birth: profile.date_of_birth,
            gender: profile.gender,
        }
    }
}

impl From<Touch> for TouchView {
    fn from(touch: Touch) -> Self {
        Self {
            at: touch.at.rfc3339(),
            source: touch.source,
            medium: touch.medium,
            campaign: touch.campaign,
            content: touch.content,
            term: touch.term,
            fbp: touch.fbp,
            fbc: touch.fbc,
            lead_form: touch.lead_form,
        }
    }
}
