//! People: found or created, looked up, changed, merged and separated, erased.
//!
//! Nothing that identifies a person stands in a URL, where logs and proxies would keep it: searches are POSTs, and paths
//! hold ids that we made from randomness.

mod change;
mod erase;
mod history;
mod merge;
mod read;
mod view;

use adrelay_core::config::Source;
use adrelay_core::ids::{PersonId, SourceId, TenantId};
use adrelay_core::normalize::Country;
use adrelay_core::people::{Identity, Provider, Registry, RegistryError, Tree};
use adrelay_lambda::problem::{FieldError, Problem};

use self::read::Home;
use crate::answer::{Answer, List, created, ok, store};
use crate::api::{AdminApi, Call, not_found};
use crate::fields::{Wrong, invalid_field, vouched};
use crate::ports::Ports;
use crate::{rules, sources};

pub(crate) use self::history::MoneyView;
pub(crate) use self::view::PersonView;
#[cfg(test)]
pub(crate) use self::{
    erase::ErasureView,
    history::{ConversionView, FeaturesView, MergeView},
};

/// Persons that a search answers.
const MAX_FOUND: usize = 20;

const UNKNOWN: &str = "person_unknown";

/// What the registry's refusal is to the caller.
fn refused(error: RegistryError) -> Problem {
    match error {
        RegistryError::Store(error) => store(error),
        RegistryError::Unknown => not_found(UNKNOWN),
        RegistryError::Insufficient => insufficient(),
        RegistryError::Same => Problem::new(409, "same_person", "Both are one person already."),
        RegistryError::NotMerged => Problem::new(409, "not_merged", "The one is not merged into the other."),
        RegistryError::Full => Problem::new(409, "too_many_parts", "A person can't have more parts."),
        RegistryError::Taken { person, kind } => {
            let error = FieldError {
                field: format!("identity.{kind}"),
                code: "identifier_taken".to_owned(),
                message: format!("belongs to {person}"),
            };
            let detail = format!("An identifier belongs to {person}. Merge the two where they are one.");
            Problem::new(409, "identifier_taken", detail).with_errors(vec![error])
        }
        RegistryError::Crowded => {
            invalid_field("identity", "too_many_values", "the person has as many as are kept")
        }
    }
}

fn insufficient() -> Problem {
    invalid_field("identity", "identity_insufficient", "an e-mail, a phone or an external id is needed")
}

impl<P: Ports> AdminApi<P> {
    fn registry(&self) -> Registry<'_, P::People, P::Secrets, P::Clock, P::Entropy> {
        Registry::new(self.ports.people(), &self.pii, self.ports.clock(), self.ports.entropy())
    }

    pub(crate) async fn create_person(&self, call: Call<'_>) -> Answer {
        let mut fields = call.fields()?;
        let tenant = fields.optional("tenant_id", rules::id::<TenantId>);
        let identity = fields.required("identity", read::object);
        let properties = fields.optional("properties", read::properties).unwrap_or_default();
        let product = fields.optional("source_product", rules::id::<SourceId>);
        let consent = fields.optional("consent", rules::word(read::CONSENTS));
        fields.finish()?;
        call.query.finish()?;
        let tenant = call.tenant_named(tenant)?;
        self.existing(&call, &tenant).await?;
        let named = product.is_some();
        let product = product.or_else(|| call.who.source.clone());
        let home = self.home(&tenant, product.as_ref(), named).await?;
        let identity = read::identity(&vouched(identity)?, &home)?;
        let resolved = self.registry().resolve(&tenant, &identity).await.map_err(refused)?;
        let leaf = resolved.tree.node(&resolved.leaf).ok_or_else(Problem::internal)?.clone();
        let new = leaf.person.rev == 0;
        let said = change::Said { identity: resolved.own, properties, product, consent, stage: None };
        let tree = self.write(&tenant, resolved.tree, leaf, &said).await?;
        let view = PersonView::of(&tree);
        if new { created(&view) } else { ok(&view) }
    }

    /// What completes an identity of this product.
    async fn home(
        &self,
        tenant: &TenantId,
        product: Option<&SourceId>,
        named: bool,
    ) -> Result<Home, Problem> {
        let Some(product) = product else { return Ok(Home::default()) };
        let source: Source = if named {
            self.referred(tenant, product, "source_product", sources::UNKNOWN).await?
        } else {
            // The key's own.
            self.get(tenant, product, sources::UNKNOWN).await?.value
        };
        let country = source.default_country.as_deref().and_then(|code| Country::parse(code).ok());
        Ok(Home { provider: Provider::parse(product.as_str()), country })
    }

    pub(crate) async fn search_people(&self, mut call: Call<'_>) -> Answer {
        let tenant = call.tenant()?;
        let mut fields = call.fields()?;
        let identity = fields.optional("identity", read::object);
        let person = fields.optional("person_id", rules::id::<PersonId>);
        if identity.is_some() && person.is_some() {
            fields.wrong("person_id", Wrong::new("not_allowed", "name one of identity and person_id"));
        }
        fields.finish()?;
        call.query.finish()?;
        let found = match (identity, person) {
            (Some(object), _) => {
                let home = self.home(&tenant, call.who.source.as_ref(), false).await?;
                let identity = read::identity(&object, &home)?;
                self.pointed_to(&tenant, &identity).await?
            }
            (None, Some(id)) => match self.registry().person(&tenant, &id).await {
                Ok(tree) => vec![tree],
                Err(RegistryError::Unknown) => Vec::new(),
                Err(error) => return Err(refused(error)),
            },
            (None, None) => {
                return Err(invalid_field("identity", "missing", "name an identity or a person_id"));
            }
        };
        if found.is_empty() {
            self.known_tenant(&tenant).await?;
        }
        ok(&List { items: found.iter().map(PersonView::of).collect::<Vec<_>>(), next_cursor: None })
    }

    async fn pointed_to(&self, tenant: &TenantId, identity: &Identity) -> Result<Vec<Tree>, Problem> {
        if !identity.suffices() {
            return Err(insufficient());
        }
        self.registry().find_all(tenant, identity, MAX_FOUND).await.map_err(refused)
    }

    pub(crate) async fn get_person(&self, mut call: Call<'_>) -> Answer {
        let tenant = call.tenant()?;
        call.query.finish()?;
        let tree = self.person(&tenant, &call.id(UNKNOWN)?).await?;
        ok(&PersonView::of(&tree))
    }

    /// A person, or 404.
    async fn person(&self, tenant: &TenantId, id: &PersonId) -> Result<Tree, Problem> {
        self.registry().person(tenant, id).await.map_err(refused)
    }
}
