//! The function on real parts.

use std::time::Duration;

use adrelay_aws::config::DynamoConfig;
use adrelay_aws::config_admin::DynamoConfigAdmin;
use adrelay_aws::events::DynamoEvents;
use adrelay_aws::files::S3Files;
use adrelay_aws::jobs::DynamoJobs;
use adrelay_aws::leads::DynamoLeads;
use adrelay_aws::people::DynamoPeople;
use adrelay_aws::queue::SqsQueue;
use adrelay_aws::sdk::Sdk;
use adrelay_aws::secrets::SecretsManager;
use adrelay_core::ids::{FormId, LeadId, PageId, PixelId};
use adrelay_core::leads::{MetaForm, Submission};
use adrelay_core::ports::leads_api::{Answered, LeadsApi, ManagedPage, Rows};
use adrelay_core::ports::meta::{CapiAnswer, CapiRequest, ConversionsApi, Credentials, Failure};
use adrelay_graph::{Graph, GraphConfig, GraphConfigError, Named};
use adrelay_lambda::clock::SystemClock;
use adrelay_lambda::entropy::OsEntropy;
use adrelay_lambda::env::{ConfigError, Env};

use crate::api::AdminApi;
use crate::ports::{MetaObject, MetaProbe, Parts};
use crate::settings::Settings;

/// Meta itself.
pub struct Meta(Graph);

impl From<Named> for MetaObject {
    fn from(named: Named) -> Self {
        Self { id: named.id, name: named.name }
    }
}

impl MetaProbe for Meta {
    async fn whose(&self, credentials: &Credentials) -> Result<MetaObject, Failure> {
        self.0.verify_token(credentials).await.map(MetaObject::from)
    }

    async fn pixel(&self, credentials: &Credentials, pixel: &PixelId) -> Result<MetaObject, Failure> {
        self.0.pixel(credentials, pixel).await.map(MetaObject::from)
    }
}

impl ConversionsApi for Meta {
    async fn send(&self, request: CapiRequest<'_>) -> CapiAnswer {
        self.0.send(request).await
    }
}

impl LeadsApi for Meta {
    async fn lead(&self, credentials: &Credentials, id: &LeadId) -> Answered<Submission> {
        self.0.lead(credentials, id).await
    }

    async fn form_leads(
        &self,
        credentials: &Credentials,
        form: &FormId,
        since_s: i64,
        after: Option<&str>,
    ) -> Answered<Rows<Submission>> {
        self.0.form_leads(credentials, form, since_s, after).await
    }

    async fn test_leads(&self, credentials: &Credentials, form: &FormId) -> Answered<Vec<LeadId>> {
        self.0.test_leads(credentials, form).await
    }

    async fn forms(
        &self,
        credentials: &Credentials,
        page: &PageId,
        after: Option<&str>,
    ) -> Answered<Rows<MetaForm>> {
        self.0.forms(credentials, page, after).await
    }

    async fn managed_pages(
        &self,
        credentials: &Credentials,
        after: Option<&str>,
    ) -> Answered<Rows<ManagedPage>> {
        self.0.managed_pages(credentials, after).await
    }

    async fn is_subscribed(
        &self,
        credentials: &Credentials,
        page: &PageId,
        app_id: Option<&str>,
    ) -> Answered<bool> {
        self.0.is_subscribed(credentials, page, app_id).await
    }

    async fn subscribe(&self, credentials: &Credentials, page: &PageId) -> Answered<()> {
        self.0.subscribe(credentials, page).await
    }

    async fn unsubscribe(&self, credentials: &Credentials, page: &PageId) -> Answered<()> {
        self.0.unsubscribe(credentials, page).await
    }
}

type RealParts = Parts<
    DynamoConfigAdmin,
    DynamoConfig,
    DynamoEvents,
    DynamoPeople,
    DynamoLeads,
    DynamoJobs,
    S3Files,
    SqsQueue,
    SecretsManager<SystemClock>,
    Meta,
    SystemClock,
    OsEntropy,
>;

/// The function as `env` describes it.
///
/// # Errors
/// [`ConfigError`], which names the variable.
pub fn function(env: &Env) -> Result<AdminApi<RealParts>, ConfigError> {
    let settings = Settings::read(env)?;
    let sdk =
        Sdk::from_variables(|name| env.optional(name)).map_err(|missing| ConfigError::Missing(missing.0))?;
    let (dynamodb, sqs) = (sdk.dynamodb(), sdk.sqs());
    let parts = Parts {
        config: DynamoConfigAdmin::new(dynamodb.clone(), settings.config_table.clone()),
        keys: DynamoConfig::new(dynamodb.clone(), settings.config_table.clone()),
        receipts: DynamoEvents::new(dynamodb.clone(), settings.events_table.clone()),
        people: DynamoPeople::new(dynamodb.clone(), settings.people_table.clone()),
        leads: DynamoLeads::new(dynamodb.clone(), settings.leads_table.clone()),
        jobs: DynamoJobs::new(dynamodb, settings.jobs_table.clone()),
        files: S3Files::new(sdk.s3(), settings.exports_bucket.clone()),
        queue: SqsQueue::new(sqs.clone(), settings.queue_url.clone()),
        leads_queue: SqsQueue::new(sqs.clone(), settings.leads_queue_url.clone()),
        jobs_queue: SqsQueue::new(sqs, settings.jobs_queue_url.clone()),
        secrets: SecretsManager::new(sdk.secrets_manager(), SystemClock),
        meta: Meta(graph(&settings)?),
        clock: SystemClock,
        entropy: OsEntropy,
    };
    Ok(AdminApi::new(parts, settings.secret_ids, settings.switches))
}

fn graph(settings: &Settings) -> Result<Graph, ConfigError> {
    let config = GraphConfig {
        base_url: settings.graph_base_url.clone(),
        version: settings.graph_version.clone(),
        connect_timeout: Duration::from_millis(settings.graph_connect_timeout_ms),
        total_timeout: Duration::from_millis(settings.graph_total_timeout_ms),
        ..GraphConfig::default()
    };
    Graph::new(&config).map_err(|error| {
        let name = match &error {
            GraphConfigError::Version => "GRAPH_VERSION",
            _ => "GRAPH_BASE_URL",
        };
        ConfigError::malformed(name, error.to_string())
    })
}
