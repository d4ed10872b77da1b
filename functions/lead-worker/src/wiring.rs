//! The adapters behind the desk's ports.

use adrelay_aws::bus::EventBridgeBus;
use adrelay_aws::config::DynamoConfig;
use adrelay_aws::jobs::DynamoJobs;
use adrelay_aws::leads::DynamoLeads;
use adrelay_aws::people::DynamoPeople;
use adrelay_aws::queue::SqsQueue;
use adrelay_aws::sdk::Sdk;
use adrelay_aws::secrets::SecretsManager;
use adrelay_core::leads::{LeadDesk, Ports};
use adrelay_core::vault::Vault;
use adrelay_graph::{Graph, GraphConfig};
use adrelay_lambda::clock::SystemClock;
use adrelay_lambda::entropy::OsEntropy;
use adrelay_lambda::env::{ConfigError, Env};

use crate::LeadWorker;
use crate::settings::Settings;

/// AWS and Meta as they are.
pub struct AwsPorts {
    config: DynamoConfig,
    leads: DynamoLeads,
    jobs: DynamoJobs,
    people: DynamoPeople,
    meta: Graph,
    vault: Vault<SecretsManager<SystemClock>>,
    bus: EventBridgeBus,
    events: SqsQueue,
    leads_queue: SqsQueue,
    jobs_queue: SqsQueue,
    secrets: SecretsManager<SystemClock>,
}

impl Ports for AwsPorts {
    type Config = DynamoConfig;
    type Leads = DynamoLeads;
    type Jobs = DynamoJobs;
    type People = DynamoPeople;
    type Meta = Graph;
    type Vault = Vault<SecretsManager<SystemClock>>;
    type Bus = EventBridgeBus;
    type Events = SqsQueue;
    type LeadsQueue = SqsQueue;
    type JobsQueue = SqsQueue;
    type Secrets = SecretsManager<SystemClock>;
    type Clock = SystemClock;
    type Entropy = OsEntropy;

    fn config(&self) -> &DynamoConfig {
        &self.config
    }
    fn leads(&self) -> &DynamoLeads {
        &self.leads
    }
    fn jobs(&self) -> &DynamoJobs {
        &self.jobs
    }
    fn people(&self) -> &DynamoPeople {
        &self.people
    }
    fn meta(&self) -> &Graph {
        &self.meta
    }
    fn vault(&self) -> &Self::Vault {
        &self.vault
    }
    fn bus(&self) -> &EventBridgeBus {
        &self.bus
    }
    fn events(&self) -> &SqsQueue {
        &self.events
    }
    fn leads_queue(&self) -> &SqsQueue {
        &self.leads_queue
    }
    fn jobs_queue(&self) -> &SqsQueue {
        &self.jobs_queue
    }
    fn secrets(&self) -> &Self::Secrets {
        &self.secrets
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
pub fn function(env: &Env, settings: &Settings) -> Result<LeadWorker<AwsPorts>, ConfigError> {
    let sdk =
        Sdk::from_variables(|name| env.optional(name)).map_err(|error| ConfigError::Missing(error.0))?;
    let graph = GraphConfig {
        base_url: settings.graph_base_url.clone(),
        version: settings.graph_version.clone(),
        connect_timeout: settings.graph_connect_timeout,
        total_timeout: settings.graph_total_timeout,
        ..GraphConfig::default()
    };
    let dynamodb = sdk.dynamodb();
    let secrets = SecretsManager::new(sdk.secrets_manager(), SystemClock);
    let ports = AwsPorts {
        config: DynamoConfig::new(dynamodb.clone(), settings.config_table.clone()),
        leads: DynamoLeads::new(dynamodb.clone(), settings.leads_table.clone()),
        jobs: DynamoJobs::new(dynamodb.clone(), settings.jobs_table.clone()),
        people: DynamoPeople::new(dynamodb, settings.people_table.clone()),
        meta: Graph::new(&graph)
            .map_err(|error| ConfigError::malformed("GRAPH_BASE_URL", error.to_string()))?,
        vault: Vault::new(secrets.clone(), settings.keyring_tokens.clone(), settings.meta_app_secret.clone()),
        bus: EventBridgeBus::new(sdk.eventbridge(), settings.event_bus.clone()),
        events: SqsQueue::new(sdk.sqs(), settings.events_queue_url.clone()),
        leads_queue: SqsQueue::new(sdk.sqs(), settings.leads_queue_url.clone()),
        jobs_queue: SqsQueue::new(sdk.sqs(), settings.jobs_queue_url.clone()),
        secrets,
    };
    Ok(LeadWorker::new(settings.enabled, LeadDesk::new(ports, settings.leads.clone())))
}
