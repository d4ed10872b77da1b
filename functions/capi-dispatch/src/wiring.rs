//! The adapters behind the dispatcher's ports.

use adrelay_aws::config::DynamoConfig;
use adrelay_aws::events::DynamoEvents;
use adrelay_aws::queue::SqsQueue;
use adrelay_aws::sdk::Sdk;
use adrelay_aws::secrets::SecretsManager;
use adrelay_core::dispatch::{Dispatcher, Ports};
use adrelay_core::ids::random_text_id;
use adrelay_core::ports::clock::Entropy as _;
use adrelay_core::vault::Vault;
use adrelay_graph::{Graph, GraphConfig};
use adrelay_lambda::auth::Authenticator;
use adrelay_lambda::clock::SystemClock;
use adrelay_lambda::entropy::OsEntropy;
use adrelay_lambda::env::{ConfigError, Env};

use crate::CapiDispatch;
use crate::settings::Settings;

/// Largest answer of Meta that is read, in bytes.
const MAX_RESPONSE_BYTES: usize = 1024 * 1024;

/// AWS and Meta as they are.
pub struct AwsPorts {
    config: DynamoConfig,
    events: DynamoEvents,
    queue: SqsQueue,
    meta: Graph,
    vault: Vault<SecretsManager<SystemClock>>,
}

impl Ports for AwsPorts {
    type Config = DynamoConfig;
    type Events = DynamoEvents;
    type Queue = SqsQueue;
    type Meta = Graph;
    type Vault = Vault<SecretsManager<SystemClock>>;
    type Clock = SystemClock;
    type Entropy = OsEntropy;

    fn config(&self) -> &DynamoConfig {
        &self.config
    }
    fn events(&self) -> &DynamoEvents {
        &self.events
    }
    fn queue(&self) -> &SqsQueue {
        &self.queue
    }
    fn meta(&self) -> &Graph {
        &self.meta
    }
    fn vault(&self) -> &Self::Vault {
        &self.vault
    }
    fn clock(&self) -> &SystemClock {
        &SystemClock
    }
    fn entropy(&self) -> &OsEntropy {
        &OsEntropy
    }
}

/// The function, on AWS and Meta.
///
/// # Errors
/// [`ConfigError`], which names the variable.
pub fn function(
    env: &Env,
    settings: &Settings,
) -> Result<CapiDispatch<AwsPorts, DynamoConfig, SystemClock>, ConfigError> {
    let sdk =
        Sdk::from_variables(|name| env.optional(name)).map_err(|error| ConfigError::Missing(error.0))?;
    let graph = GraphConfig {
        base_url: settings.graph_base_url.clone(),
        version: settings.graph_version.clone(),
        connect_timeout: settings.graph_connect_timeout,
        total_timeout: settings.graph_total_timeout,
        max_response_bytes: MAX_RESPONSE_BYTES,
        // It reads no lists.
        max_list_bytes: MAX_RESPONSE_BYTES,
    };
    let dynamodb = sdk.dynamodb();
    let secrets = SecretsManager::new(sdk.secrets_manager(), SystemClock);
    let config = DynamoConfig::new(dynamodb.clone(), settings.config_table.clone());
    let ports = AwsPorts {
        config: config.clone(),
        events: DynamoEvents::new(dynamodb, settings.events_table.clone()),
        queue: SqsQueue::new(sdk.sqs(), settings.queue_url.clone()),
        meta: Graph::new(&graph)
            .map_err(|error| ConfigError::malformed("GRAPH_BASE_URL", error.to_string()))?,
        vault: Vault::new(secrets, settings.keyring_secret.clone(), settings.meta_app_secret.clone()),
    };
    let owner = random_text_id("d", OsEntropy.array());
    let dispatcher = Dispatcher::new(ports, settings.dispatch, owner);
    Ok(CapiDispatch::new(dispatcher, Authenticator::new(config, SystemClock), settings))
}
