//! Clients of the AWS SDK, made from what Lambda puts into the environment.
//!
//! No credential chain and no region lookup: on Lambda both stand in the environment, and what is not in the binary
//! costs neither start-up time nor memory.

use std::time::Duration;

use aws_credential_types::Credentials;
use aws_sdk_dynamodb::config::retry::RetryConfig;
use aws_sdk_dynamodb::config::timeout::TimeoutConfig;
use aws_sdk_dynamodb::config::{BehaviorVersion, Region, SharedCredentialsProvider, SharedHttpClient};
use aws_sdk_s3::config::{RequestChecksumCalculation, ResponseChecksumValidation};
use aws_smithy_http_client::Builder;
use aws_smithy_http_client::tls::Provider;
use aws_smithy_http_client::tls::rustls_provider::CryptoMode;

/// Tries of one call, the first included.
const TRIES: u32 = 3;
const CONNECT_TIMEOUT: Duration = Duration::from_secs(2);
const TRY_TIMEOUT: Duration = Duration::from_secs(5);
const CALL_TIMEOUT: Duration = Duration::from_secs(12);

/// Files take longer: their parts are megabytes.
const FILE_TRY_TIMEOUT: Duration = Duration::from_secs(20);
const FILE_CALL_TIMEOUT: Duration = Duration::from_mins(1);

/// A variable that is missing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{0} is not set")]
pub struct MissingVariable(pub &'static str);

/// Where and as whom AWS is called.
#[derive(Debug, Clone)]
pub struct Sdk {
    region: Region,
    credentials: SharedCredentialsProvider,
    endpoint_url: Option<String>,
    http_client: SharedHttpClient,
    #[cfg(debug_assertions)]
    call_log: Option<aws_sdk_dynamodb::config::SharedInterceptor>,
}

macro_rules! config_builder {
    ($sdk:expr, $service:ident, $try_timeout:expr, $call_timeout:expr) => {{
        let mut config = $service::Config::builder()
            .behavior_version(BehaviorVersion::v2026_01_12())
            .http_client($sdk.http_client.clone())
            .region($sdk.region.clone())
            .credentials_provider($sdk.credentials.clone())
            .retry_config(RetryConfig::standard().with_max_attempts(TRIES))
            .timeout_config(
                TimeoutConfig::builder()
                    .connect_timeout(CONNECT_TIMEOUT)
                    .operation_attempt_timeout($try_timeout)
                    .operation_timeout($call_timeout)
                    .build(),
            );
        config.set_endpoint_url($sdk.endpoint_url.clone());
        #[cfg(debug_assertions)]
        if let Some(call_log) = &$sdk.call_log {
            config.push_interceptor(call_log.clone());
        }
        config
    }};
}

macro_rules! client {
    ($sdk:expr, $service:ident) => {
        $service::Client::from_conf(config_builder!($sdk, $service, TRY_TIMEOUT, CALL_TIMEOUT).build())
    };
}

impl Sdk {
    /// Reads `AWS_REGION`, `AWS_ACCESS_KEY_ID`, `AWS_SECRET_ACCESS_KEY`, `AWS_SESSION_TOKEN` and, for the local stack,
    /// `AWS_ENDPOINT_URL` through `variable`.
    ///
    /// # Errors
    /// Where one of the first three is missing.
    pub fn from_variables(
        variable: impl Fn(&'static str) -> Option<String>,
    ) -> Result<Self, MissingVariable> {
        let required = |name| variable(name).ok_or(MissingVariable(name));
        let credentials = Credentials::new(
            required("AWS_ACCESS_KEY_ID")?,
            required("AWS_SECRET_ACCESS_KEY")?,
            variable("AWS_SESSION_TOKEN"),
            None,
            "environment",
        );
        Ok(Self {
            region: Region::new(required("AWS_REGION")?),
            credentials: SharedCredentialsProvider::new(credentials),
            endpoint_url: variable("AWS_ENDPOINT_URL"),
            // One for all services: each would read the system's certificates by itself.
            http_client: Builder::new().tls_provider(Provider::Rustls(CryptoMode::AwsLc)).build_https(),
            #[cfg(debug_assertions)]
            call_log: crate::call_log::interceptor(variable),
        })
    }

    /// A client of DynamoDB.
    #[must_use]
    pub fn dynamodb(&self) -> aws_sdk_dynamodb::Client {
        client!(self, aws_sdk_dynamodb)
    }

    /// A client of SQS.
    #[must_use]
    pub fn sqs(&self) -> aws_sdk_sqs::Client {
        client!(self, aws_sdk_sqs)
    }

    /// A client of Secrets Manager.
    #[must_use]
    pub fn secrets_manager(&self) -> aws_sdk_secretsmanager::Client {
        client!(self, aws_sdk_secretsmanager)
    }

    /// A client of EventBridge.
    #[must_use]
    pub fn eventbridge(&self) -> aws_sdk_eventbridge::Client {
        client!(self, aws_sdk_eventbridge)
    }

    /// A client of S3. Where there is an endpoint, buckets stand in the path: the local stack has no names for them.
    #[must_use]
    pub fn s3(&self) -> aws_sdk_s3::Client {
        let config = config_builder!(self, aws_sdk_s3, FILE_TRY_TIMEOUT, FILE_CALL_TIMEOUT)
            .force_path_style(self.endpoint_url.is_some())
            // The signature covers the body; a checksum of a part would have to be kept until the upload is finished.
            .request_checksum_calculation(RequestChecksumCalculation::WhenRequired)
            .response_checksum_validation(ResponseChecksumValidation::WhenRequired);
        aws_sdk_s3::Client::from_conf(config.build())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALL: [&str; 5] =
        ["AWS_REGION", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_ENDPOINT_URL"];

    /// The SDK where these variables alone are set.
    fn sdk(set: &[&str]) -> Result<Sdk, MissingVariable> {
        Sdk::from_variables(|name| set.contains(&name).then(|| format!("http://{name}")))
    }

    #[test]
    fn a_variable_that_is_missing_is_named() {
        for missing in &ALL[..3] {
            let set: Vec<&str> = ALL.into_iter().filter(|name| name != missing).collect();
            assert_eq!(sdk(&set).unwrap_err(), MissingVariable(missing));
        }
        assert_eq!(MissingVariable("AWS_REGION").to_string(), "AWS_REGION is not set");
        assert!(sdk(&ALL[..3]).is_ok(), "the session and the endpoint may be absent");
    }

    #[test]
    fn every_client_tries_three_times_within_limits_of_time() {
        let sdk = sdk(&ALL).unwrap();
        macro_rules! settings {
            ($client:expr) => {{
                let (client, seconds) =
                    ($client, |limit: Option<Duration>| limit.map(|limit| limit.as_secs()));
                let (retry, limits) = (client.config().retry_config(), client.config().timeout_config());
                let limits = limits.unwrap();
                let limits = [limits.operation_attempt_timeout(), limits.operation_timeout()].map(seconds);
                (retry.unwrap().max_attempts(), limits, client.config().region().map(ToString::to_string))
            }};
        }
        let region = Some("http://AWS_REGION".to_owned());
        let usual = (3, [Some(5), Some(12)], region.clone());
        assert_eq!(settings!(sdk.dynamodb()), usual);
        assert_eq!(settings!(sdk.sqs()), usual);
        assert_eq!(settings!(sdk.secrets_manager()), usual);
        assert_eq!(settings!(sdk.eventbridge()), usual);
        assert_eq!(settings!(sdk.s3()), (3, [Some(20), Some(60)], region));
    }
}
