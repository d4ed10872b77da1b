//! A request in, an answer out.

use adrelay_core::auth::Principal;
use adrelay_core::ids::TenantId;
use adrelay_core::people::Pii;
use adrelay_core::ports::admin::{HealthWrite, Record, Records, Revised};
use adrelay_core::ports::clock::{Clock as _, Entropy as _};
use adrelay_core::ports::receipts::Page;
use adrelay_core::ports::{StoreError, admin::CreateError};
use adrelay_core::time::UnixMillis;
use adrelay_core::vault::Vault;
use adrelay_lambda::problem::Problem;
use adrelay_lambda::start::Function;
use adrelay_lambda::{request, respond, telemetry};
use http::Method;
use lambda_http::{Body, Request, Response};

use crate::answer::{Answer, ok, store};
use crate::caller;
use crate::fields::{Fields, invalid_field};
use crate::ports::Ports;
use crate::query::Query;
use crate::route::{self, Access, Found, LeadOp, Op};
use crate::settings::{SecretIds, Switches};

/// The most bytes of a body.
const MAX_BODY_BYTES: usize = 256 * 1024;

/// How often an update is tried that others' updates get in the way of.
const UPDATE_TRIES: usize = 3;

/// The document that describes this API, generated and checked in.
const OPENAPI: &str = include_str!("../openapi.json");

/// The function.
pub struct AdminApi<P: Ports> {
    pub(crate) ports: P,
    pub(crate) vault: Vault<P::Secrets>,
    pub(crate) pii: Pii<P::Secrets>,
    pub(crate) switches: Switches,
    admin_key_secret: String,
}

/// An authenticated request.
pub(crate) struct Call<'a> {
    /// Who makes it.
    pub(crate) who: Principal,
    /// The id in its path.
    pub(crate) id: String,
    /// Its query.
    pub(crate) query: Query,
    /// Its body; empty where there is none.
    body: &'a [u8],
}

impl Call<'_> {
    /// The body's fields.
    pub(crate) fn fields(&self) -> Result<Fields, Problem> {
        Fields::parse(self.body)
    }

    /// The tenant that the call is about, where the query may name it.
    pub(crate) fn tenant(&mut self) -> Result<TenantId, Problem> {
        let named = self.query.id("tenant_id")?;
        self.tenant_named(named)
    }

    /// The tenant that the call is about, where the body may name it.
    pub(crate) fn tenant_named(&self, named: Option<TenantId>) -> Result<TenantId, Problem> {
        let tenant = caller::tenant(&self.who, named)?;
        telemetry::tenant(&tenant);
        Ok(tenant)
    }

    /// The id in the path; a text that can't be one names nothing.
    pub(crate) fn id<T: std::str::FromStr>(&self, unknown: &'static str) -> Result<T, Problem> {
        self.id.parse().map_err(|_| not_found(unknown))
    }
}

/// 404 for something that the tenant does not have.
pub(crate) fn not_found(code: &'static str) -> Problem {
    Problem::new(404, code, "The tenant has no such thing.")
}

impl<P: Ports> AdminApi<P> {
    /// The function on these ports. What is switched off answers that it is disabled.
    pub fn new(ports: P, secret_ids: SecretIds, switches: Switches) -> Self {
        let SecretIds { admin_key, keyring_tokens, meta_app, keyring_pii, lookup_key } = secret_ids;
        let vault = Vault::new(ports.secrets().clone(), keyring_tokens, meta_app);
        let pii = Pii::new(ports.secrets().clone(), keyring_pii, lookup_key);
        Self { ports, vault, pii, switches, admin_key_secret: admin_key }
    }

    async fn answer(&self, request: &Request) -> Answer {
        let Found { op, access, id } = route::find(request.method(), &request::segments(request))?;
        if access == Access::Open {
            return open(op);
        }
        let Switches { people, leads, .. } = self.switches;
        if (op.is_about_people() && !people) || (matches!(op, Op::Leads(_)) && !leads) {
            return Ok(respond::disabled());
        }
        let key = request::bearer(request);
        let secrets = self.ports.secrets();
        let who = caller::authenticate(key, self.ports.keys(), secrets, &self.admin_key_secret).await?;
        caller::allow(&who, access)?;
        let query = Query::parse(request.uri().query().unwrap_or_default())?;
        let body = match request::body(request, MAX_BODY_BYTES)? {
            [] => &[],
            _ => request::json_body(request, MAX_BODY_BYTES)?,
        };
        let by = who.key_id.as_ref().map_or("root", |id| id.as_str()).to_owned();
        let answer = self.dispatch(op, Call { who, id: id.clone(), query, body }).await?;
        // These are POSTs for their bodies alone.
        let asks = matches!(op, Op::SearchPeople | Op::ExplainRules | Op::Leads(LeadOp::SearchLeads));
        if *request.method() != Method::GET && !asks {
            tracing::info!(op = ?op, id, by, "changed");
        }
        Ok(answer)
    }

    async fn dispatch(&self, op: Op, call: Call<'_>) -> Answer {
        match op {
            Op::Health | Op::OpenApi => open(op),
            Op::CreateTenant => self.create_tenant(call).await,
            Op::ListTenants => self.list_tenants(call).await,
            Op::GetTenant => self.get_tenant(call).await,
            Op::ChangeTenant => self.change_tenant(call).await,
            Op::CreateConnection => self.create_connection(call).await,
            Op::ListConnections => self.list_connections(call).await,
            Op::GetConnection => self.get_connection(call).await,
            Op::ChangeConnection => self.change_connection(call).await,
            Op::DeleteConnection => self.delete_connection(call).await,
            Op::VerifyConnection => self.verify_connection(call).await,
            Op::CreatePixel => self.create_pixel(call).await,
            Op::ListPixels => self.list_pixels(call).await,
            Op::GetPixel => self.get_pixel(call).await,
            Op::ChangePixel => self.change_pixel(call).await,
            Op::DeletePixel => self.delete_pixel(call).await,
            Op::TestPixel => self.test_pixel(call).await,
            Op::ReleasePixel => self.release_pixel(call).await,
            Op::CreateSource => self.create_source(call).await,
            Op::ListSources => self.list_sources(call).await,
            Op::GetSource => self.get_source(call).await,
            Op::ChangeSource => self.change_source(call).await,
            Op::CreateKey => self.create_key(call).await,
            Op::ListKeys => self.list_keys(call).await,
            Op::GetKey => self.get_key(call).await,
            Op::DeleteKey => self.delete_key(call).await,
            Op::RevokeKey => self.revoke_key(call).await,
            Op::ListEvents => self.list_events(call).await,
            Op::GetEvent => self.get_event(call).await,
            Op::CreatePerson => self.create_person(call).await,
            Op::SearchPeople => self.search_people(call).await,
            Op::GetPerson => self.get_person(call).await,
            Op::ChangePerson => self.change_person(call).await,
            Op::ErasePerson => self.erase_person(call).await,
            Op::GetErasure => self.get_erasure(call).await,
            Op::GetFeatures => self.get_features(call).await,
            Op::ListPersonEvents => self.list_person_events(call).await,
            Op::MergePerson => self.merge_person(call).await,
            Op::UnmergePerson => self.unmerge_person(call).await,
            Op::ListMerges => self.list_merges(call).await,
            Op::GetRules => self.get_rules(call).await,
            Op::ReplaceRules => self.replace_rules(call).await,
            Op::LoadDefaultRules => self.load_default_rules(call).await,
            Op::ExplainRules => self.explain_rules(call).await,
            Op::SummarizeProducts => self.summarize_products(call).await,
            Op::GetJob => self.get_job(call).await,
            Op::Leads(op) => self.dispatch_leads(op, call).await,
        }
    }

    async fn dispatch_leads(&self, op: LeadOp, call: Call<'_>) -> Answer {
        match op {
            LeadOp::CreatePage => self.create_page(call).await,
            LeadOp::ListPages => self.list_pages(call).await,
            LeadOp::GetPage => self.get_page(call).await,
            LeadOp::ChangePage => self.change_page(call).await,
            LeadOp::DeletePage => self.delete_page(call).await,
            LeadOp::SubscribePage => self.subscribe_page(call).await,
            LeadOp::SyncForms => self.sync_forms(call).await,
            LeadOp::ListForms => self.list_forms(call).await,
            LeadOp::GetForm => self.get_form(call).await,
            LeadOp::ChangeForm => self.change_form(call).await,
            LeadOp::GetCompleteness => self.get_completeness(call).await,
            LeadOp::ListLeads => self.list_leads(call).await,
            LeadOp::SearchLeads => self.search_leads(call).await,
            LeadOp::GetLead => self.get_lead(call).await,
            LeadOp::ChangeLead => self.change_lead(call).await,
            LeadOp::ConvertLead => self.convert_lead(call).await,
            LeadOp::NoteLead => self.note_lead(call).await,
            LeadOp::ListActivity => self.list_activity(call).await,
            LeadOp::ListMissingLeads => self.list_missing_leads(call).await,
            LeadOp::SyncLeads => self.sync_leads(call).await,
            LeadOp::ExportLeads => self.export_leads(call).await,
            LeadOp::PutWebhook => self.put_webhook(call).await,
            LeadOp::GetWebhook => self.get_webhook(call).await,
            LeadOp::DeleteWebhook => self.delete_webhook(call).await,
            LeadOp::ListDeliveries => self.list_deliveries(call).await,
            LeadOp::Redeliver => self.redeliver(call).await,
        }
    }

    pub(crate) fn now(&self) -> UnixMillis {
        self.ports.clock().now()
    }

    /// A new id: the prefix and 96 random bits.
    pub(crate) fn new_id<T: std::str::FromStr>(&self, prefix: &str) -> Result<T, Problem> {
        let text = adrelay_core::ids::random_text_id(prefix, self.ports.entropy().array());
        text.parse().map_err(|_| Problem::internal())
    }

    /// Stores a new record; 409 with `taken` where it belongs to another tenant.
    pub(crate) async fn create<T: Record>(&self, record: &T, taken: &'static str) -> Result<(), Problem>
    where
        P::Config: Records<T>,
    {
        self.ports.config().create(record).await.map_err(|error| match error {
            CreateError::Exists => Problem::new(409, "already_exists", "The tenant has one with this id."),
            CreateError::Taken => Problem::new(409, taken, "It belongs to another tenant."),
            CreateError::Store(error) => store(error),
        })
    }

    /// A record, or 404 with `unknown`.
    pub(crate) async fn get<T: Record>(
        &self,
        tenant: &TenantId,
        id: &T::Id,
        unknown: &'static str,
    ) -> Result<Revised<T>, Problem>
    where
        P::Config: Records<T>,
    {
        let found = self.ports.config().get(tenant, id).await.map_err(store)?;
        found.ok_or_else(|| not_found(unknown))
    }

    /// A page of records; 404 instead of an empty one where the tenant does not exist.
    pub(crate) async fn list<T: Record>(
        &self,
        tenant: &TenantId,
        after: Option<&T::Id>,
        limit: usize,
    ) -> Result<Page<T>, Problem>
    where
        P::Config: Records<T>,
    {
        let page = self.ports.config().list(tenant, after, limit).await.map_err(store)?;
        if page.items.is_empty() && after.is_none() {
            self.known_tenant(tenant).await?;
        }
        Ok(page)
    }

    /// A record that another one refers to in `field`, or 422 with `unknown`.
    pub(crate) async fn referred<T: Record>(
        &self,
        tenant: &TenantId,
        id: &T::Id,
        field: &str,
        unknown: &'static str,
    ) -> Result<T, Problem>
    where
        P::Config: Records<T>,
    {
        let found: Option<Revised<T>> = self.ports.config().get(tenant, id).await.map_err(store)?;
        let message = || format!("{} does not exist in this tenant", T::id_text(id));
        found.map(|revised| revised.value).ok_or_else(|| invalid_field(field, unknown, message()))
    }

    /// Reads a record, changes it and writes it, anew where others write it meanwhile.
    pub(crate) async fn modify<T: Record>(
        &self,
        tenant: &TenantId,
        id: &T::Id,
        unknown: &'static str,
        mut change: impl FnMut(&mut T) -> Result<HealthWrite, Problem> + Send,
    ) -> Result<T, Problem>
    where
        P::Config: Records<T>,
    {
        for _ in 0..UPDATE_TRIES {
            let mut record = self.get::<T>(tenant, id, unknown).await?;
            let health = change(&mut record.value)?;
            match self.ports.config().update(&record, health).await {
                Ok(()) => return Ok(record.value),
                Err(StoreError::Conflict) => {}
                Err(error) => return Err(store(error)),
            }
        }
        Err(store(StoreError::Conflict))
    }
}

impl<P: Ports> Function for AdminApi<P> {
    async fn http(&self, request: Request, _: UnixMillis) -> Response<Body> {
        self.answer(&request).await.unwrap_or_else(Problem::into_response)
    }
}

fn open(op: Op) -> Answer {
    match op {
        Op::OpenApi => Ok(respond::text(200, "application/json", OPENAPI.to_owned())),
        _ => ok(&serde_json::json!({"status": "ok"})),
    }
}
