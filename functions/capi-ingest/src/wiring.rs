//! The adapters behind the function's ports.

use adrelay_aws::config::DynamoConfig;
use adrelay_aws::queue::SqsQueue;
use adrelay_aws::sdk::Sdk;
use adrelay_lambda::clock::SystemClock;
use adrelay_lambda::entropy::OsEntropy;
use adrelay_lambda::env::{ConfigError, Env};

use crate::Ingest;
use crate::settings::Settings;

/// The function, on AWS.
///
/// # Errors
/// [`ConfigError`], which names the variable.
pub fn function(
    env: &Env,
    settings: &Settings,
) -> Result<Ingest<DynamoConfig, SqsQueue, SystemClock, OsEntropy>, ConfigError> {
    let sdk =
        Sdk::from_variables(|name| env.optional(name)).map_err(|error| ConfigError::Missing(error.0))?;
    let directory = DynamoConfig::new(sdk.dynamodb(), settings.config_table.clone());
    let queue = SqsQueue::new(sdk.sqs(), settings.queue_url.clone());
    Ok(Ingest::new(settings, directory, queue, SystemClock, OsEntropy))
}
