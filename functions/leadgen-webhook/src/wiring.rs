//! The adapters behind the function's ports.

use adrelay_aws::queue::SqsQueue;
use adrelay_aws::sdk::Sdk;
use adrelay_aws::secrets::SecretsManager;
use adrelay_lambda::clock::SystemClock;
use adrelay_lambda::env::{ConfigError, Env};

use crate::LeadgenWebhook;
use crate::settings::Settings;

/// The function, on AWS.
pub type OnAws = LeadgenWebhook<SqsQueue, SecretsManager<SystemClock>, SystemClock>;

/// Makes the function and reads the app's secret, so that it works from then on even where Secrets Manager does not.
///
/// # Errors
/// [`ConfigError`], which names the variable.
pub async fn function(env: &Env, settings: Settings) -> Result<OnAws, ConfigError> {
    let sdk =
        Sdk::from_variables(|name| env.optional(name)).map_err(|error| ConfigError::Missing(error.0))?;
    let queue = SqsQueue::new(sdk.sqs(), settings.queue_url);
    let secrets = SecretsManager::new(sdk.secrets_manager(), SystemClock);
    let function = LeadgenWebhook::new(settings.enabled, settings.meta_app, queue, secrets, SystemClock);
    function.warm().await;
    Ok(function)
}
