//! The adapters behind the tracker's ports.
use adrelay_aws::people::DynamoPeople;

use adrelay_aws::config::DynamoConfig;

use adrelay_aws::queue::SqsQueue;
use adrelay_aws::sdk::Sdk;
use adrelay_aws::secrets::SecretsManager;
use adrelay_core::conversion::{Ports, Tracker};
use adrelay_lambda::clock::SystemClock;
use adrelay_lambda::entropy::OsEntropy;
use adrelay_lambda::env::{ConfigError, Env};

use crate::TrackConversion;
use crate::settings::Settings;

/// AWS as it is.
pub struct AwsPorts {
    config: DynamoConfig,
    people: DynamoPeople,
    queue: SqsQueue,
    secrets: SecretsManager<SystemClock>,
}

impl Ports for AwsPorts {
    type Config = DynamoConfig;
    type People = DynamoPeople;
    type Queue = SqsQueue;
    type Secrets = SecretsManager<SystemClock>;
    type Clock = SystemClock;
    type Entropy = OsEntropy;

    fn config(&self) -> &DynamoConfig {
        &self.config
    }
    fn people(&self) -> &DynamoPeople {
        &self.people
    }
    fn queue(&self) -> &SqsQueue {
        &self.queue
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

/// The function, on AWS.
///
/// # Errors
/// [`ConfigError`], which names the variable.
pub fn function(
    env: &Env,
    settings: &Settings,
) -> Result<TrackConversion<AwsPorts, DynamoConfig, SystemClock>, ConfigError> {
    let sdk =
        Sdk::from_variables(|name| env.optional(name)).map_err(|error| ConfigError::Missing(error.0))?;
    let dynamodb = sdk.dynamodb();
    let config = DynamoConfig::new(dynamodb.clone(), settings.config_table.clone());
    let ports = AwsPorts {
        config: config.clone(),
        people: DynamoPeople::new(dynamodb, settings.people_table.clone()),
        queue: SqsQueue::new(sdk.sqs(), settings.queue_url.clone()),
        secrets: SecretsManager::new(sdk.secrets_manager(), SystemClock),
    };
    let tracker = Tracker::new(ports, settings.tracking.clone());
    Ok(TrackConversion::new(settings.enabled, tracker, config, SystemClock))
}
