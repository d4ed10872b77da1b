//! The function on real parts.

use std::time::Duration;

use adrelay_aws::config::DynamoConfig;
use adrelay_aws::config_admin::DynamoConfigAdmin;
use adrelay_aws::events::DynamoEvents;
use adrelay_aws::people::DynamoPeople;
use adrelay_aws::queue::SqsQueue;
use adrelay_aws::sdk::Sdk;
use adrelay_aws::secrets::SecretsManager;
use adrelay_core::ids::PixelId;
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

type RealParts = Parts<
    DynamoConfigAdmin,
    DynamoConfig,
    DynamoEvents,
    DynamoPeople,
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
    let dynamodb = sdk.dynamodb();
    let parts = Parts {
        config: DynamoConfigAdmin::new(dynamodb.clone(), settings.config_table.clone()),
        keys: DynamoConfig::new(dynamodb.clone(), settings.config_table.clone()),
        receipts: DynamoEvents::new(dynamodb.clone(), settings.events_table.clone()),
        people: DynamoPeople::new(dynamodb, settings.people_table.clone()),
        queue: SqsQueue::new(sdk.sqs(), settings.queue_url.clone()),
        secrets: SecretsManager::new(sdk.secrets_manager(), SystemClock),
        meta: Meta(graph(&settings)?),
        clock: SystemClock,
        entropy: OsEntropy,
    };
    Ok(AdminApi::new(parts, settings.secret_ids, settings.people_enabled))
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
