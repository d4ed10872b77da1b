//! Writing what is said of a person.

use adrelay_core::ids::{PersonId, SourceId, TenantId};
use adrelay_core::people::{
    Consent, ConsentRecord, Identity, Node, PersonDoc, Profile, Provider, Stage, Tree,
};
use adrelay_core::ports::people::HoldStore as _;
use adrelay_lambda::problem::Problem;
use serde_json::{Map, Value};

use super::{UNKNOWN, read, refused};
use crate::answer::{Answer, ok, store};
use crate::api::{AdminApi, Call};
use crate::fields::{Wrong, invalid_field};
use crate::ports::Ports;
use crate::rules;

/// Held conversions of a part that a change of consent makes due at once; the others are looked at in their time.
const MAX_HOLDS: usize = 500;

/// What a call says of a person.
pub(super) struct Said {
    pub(super) identity: Identity,
    pub(super) properties: Map<String, Value>,
    pub(super) product: Option<SourceId>,
    pub(super) consent: Option<Consent>,
    pub(super) stage: Option<Stage>,
}

impl<P: Ports> AdminApi<P> {
    pub(crate) async fn change_person(&self, mut call: Call<'_>) -> Answer {
        let tenant = call.tenant()?;
        let mut fields = call.fields()?;
        let object = fields.replace("identity", read::object);
        let properties = fields.replace("properties", read::properties).unwrap_or_default();
        let consent = fields.replace("consent", rules::word(read::CONSENTS));
        let stage = fields.replace("lifecycle_stage", rules::word(read::STAGES));
        fields.finish()?;
        call.query.finish()?;
        let id: PersonId = call.id(UNKNOWN)?;
        let mut tree = self.person(&tenant, &id).await?;
        let mut identity = Identity::default();
        if let Some(object) = object {
            let product = tree.whole().source_product;
            let mut home = self.home_of(&tenant, product.as_ref()).await?;
            if let Some(source) = &call.who.source {
                home.provider = Provider::parse(source.as_str());
            }
            identity = read::identity(&object, &home)?;
            if identity.suffices() {
                let given = self.registry().give(&tenant, &id, &identity).await.map_err(refused)?;
                (tree, identity) = (given.tree, given.own);
            }
        }
        let root = tree.root().clone();
        let said = Said { identity, properties, product: None, consent, stage };
        let tree = self.write(&tenant, tree, root, &said).await?;
        ok(&super::PersonView::of(&tree))
    }

    /// What completes an identity of a person: its first product's country, where that product still exists.
    async fn home_of(&self, tenant: &TenantId, product: Option<&SourceId>) -> Result<read::Home, Problem> {
        match self.home(tenant, product, false).await {
            Err(problem) if problem.status == 404 => Ok(read::Home::default()),
            other => other.map(|home| read::Home { provider: None, ..home }),
        }
    }

    /// Writes what is said: into `part`, which the identifiers point to, but for properties. Those are the whole person's:
    /// they are set on its root, and one that is to go goes from every part.
    pub(super) async fn write(
        &self,
        tenant: &TenantId,
        mut tree: Tree,
        part: Node,
        said: &Said,
    ) -> Result<Tree, Problem> {
        let now = self.now();
        let learn = |doc: &mut PersonDoc, profile: &mut Profile| {
            let mut changed = profile.learn(&said.identity);
            if let Some(product) = &said.product {
                changed |= doc.met_by(product);
            }
            if let Some(status) = said.consent {
                doc.consent = Some(ConsentRecord { status, at: now });
                changed = true;
            }
            if let Some(stage) = said.stage {
                changed |= doc.evidence.note(stage, now.secs());
            }
            changed
        };
        tree.put(self.registry().amend(tenant, part, learn).await.map_err(refused)?);
        self.patch_properties(tenant, &mut tree, &said.properties).await?;
        if said.consent.is_some() {
            self.make_holds_due(tenant, &tree).await?;
        }
        Ok(tree)
    }

    async fn patch_properties(
        &self,
        tenant: &TenantId,
        tree: &mut Tree,
        patch: &Map<String, Value>,
    ) -> Result<(), Problem> {
        if patch.is_empty() {
            return Ok(());
        }
        let mut wrong: Option<Wrong> = None;
        let set = |_: &mut PersonDoc, profile: &mut Profile| match read::patched(&profile.properties, patch) {
            Ok(properties) => {
                let changed = properties != profile.properties;
                profile.properties = properties;
                changed
            }
            Err(too_much) => {
                wrong = Some(too_much);
                false
            }
        };
        let root = self.registry().amend(tenant, tree.root().clone(), set).await.map_err(refused)?;
        if let Some(Wrong { code, message }) = wrong {
            return Err(invalid_field("properties", code, message));
        }
        tree.put(root);
        self.remove_properties(tenant, tree, patch).await
    }

    /// Otherwise a property that was removed would show again, as some other part has it.
    async fn remove_properties(
        &self,
        tenant: &TenantId,
        tree: &mut Tree,
        patch: &Map<String, Value>,
    ) -> Result<(), Problem> {
        let gone: Vec<&String> =
            patch.iter().filter(|(_, value)| value.is_null()).map(|(name, _)| name).collect();
        let has = |node: &Node| gone.iter().any(|name| node.profile.properties.contains_key(*name));
        let others: Vec<Node> = tree.nodes.iter().filter(|node| has(node)).cloned().collect();
        for node in others {
            let remove = |_: &mut PersonDoc, profile: &mut Profile| {
                let before = profile.properties.len();
                profile.properties.retain(|name, _| !gone.contains(&name));
                profile.properties.len() < before
            };
            tree.put(self.registry().amend(tenant, node, remove).await.map_err(refused)?);
        }
        Ok(())
    }

    /// The next sweep then looks at what is held for the person's consent. Also where the same was said before: the call
    /// that said so may have ended before this.
    async fn make_holds_due(&self, tenant: &TenantId, tree: &Tree) -> Result<(), Problem> {
        let (people, now) = (self.ports.people(), self.now());
        for node in &tree.nodes {
            for hold in people.holds_of(tenant, &node.person.id, MAX_HOLDS).await.map_err(store)? {
                if hold.until > now {
                    people.make_due(&hold, now).await.map_err(store)?;
                }
            }
        }
        Ok(())
    }
}
