//! The adapters behind the worker's ports.

use adrelay_aws::config::DynamoConfig;
use adrelay_aws::files::S3Files;
use adrelay_aws::jobs::DynamoJobs;
use adrelay_aws::leads::DynamoLeads;
use adrelay_aws::queue::SqsQueue;
use adrelay_aws::sdk::Sdk;
use adrelay_aws::secrets::SecretsManager;
use adrelay_core::jobs::{JobWorker, Ports};
use adrelay_lambda::clock::SystemClock;
use adrelay_lambda::entropy::OsEntropy;
use adrelay_lambda::env::{ConfigError, Env};
use adrelay_outside::{Outside, OutsideConfig};

use crate::JobWorkerFunction;
use crate::receivers::Receivers;
use crate::settings::Settings;

/// AWS as it is, and what tenants name.
pub struct AwsPorts {
    config: DynamoConfig,
    leads: DynamoLeads,
    jobs: DynamoJobs,
    files: S3Files,
    outside: Receivers,
    queue: SqsQueue,
    secrets: SecretsManager<SystemClock>,
}

impl Ports for AwsPorts {
    type Config = DynamoConfig;
    type Leads = DynamoLeads;
    type Jobs = DynamoJobs;
    type Files = S3Files;
    type Outside = Receivers;
    type Queue = SqsQueue;
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
    fn files(&self) -> &S3Files {
        &self.files
    }
    fn outside(&self) -> &Receivers {
        &self.outside
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
pub fn function(env: &Env, settings: &Settings) -> Result<JobWorkerFunction<AwsPorts>, ConfigError> {
    let sdk =
        Sdk::from_variables(|name| env.optional(name)).map_err(|error| ConfigError::Missing(error.0))?;
    let outside = OutsideConfig { loopback_allowed: settings.loopback_allowed, ..OutsideConfig::default() };
    let outside = Outside::new(&outside)
        .map_err(|error| ConfigError::malformed("OUTSIDE_LOOPBACK_ALLOWED", error.to_string()))?;
    let dynamodb = sdk.dynamodb();
    let ports = AwsPorts {
        config: DynamoConfig::new(dynamodb.clone(), settings.config_table.clone()),
        leads: DynamoLeads::new(dynamodb.clone(), settings.leads_table.clone()),
        jobs: DynamoJobs::new(dynamodb, settings.jobs_table.clone()),
        files: S3Files::new(sdk.s3(), settings.exports_bucket.clone()),
        outside: Receivers(outside),
        queue: SqsQueue::new(sdk.sqs(), settings.jobs_queue_url.clone()),
        secrets: SecretsManager::new(sdk.secrets_manager(), SystemClock),
    };
    Ok(JobWorkerFunction::new(JobWorker::new(ports, settings.jobs.clone())))
}
