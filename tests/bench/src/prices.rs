//! What AWS asks for in us-east-1, in US dollars, without free tiers, as generally known in November 2026. Not read off the
//! pages named, which say what holds today: check them before you rely on a sum.

/// A million invocations (aws.amazon.com/lambda/pricing).
pub(crate) const LAMBDA_MILLION_REQUESTS: f64 = 0.20;

/// A gigabyte for a second on arm64 (aws.amazon.com/lambda/pricing).
pub(crate) const LAMBDA_GB_SECOND: f64 = 0.000_013_333_4;

/// A million requests of an HTTP API, each of 512 KB (aws.amazon.com/api-gateway/pricing).
pub(crate) const HTTP_API_MILLION_REQUESTS: f64 = 1.00;

/// A million requests to a standard queue, each of 64 KB (aws.amazon.com/sqs/pricing).
pub(crate) const SQS_MILLION_REQUESTS: f64 = 0.40;

/// A million write request units on demand (aws.amazon.com/dynamodb/pricing/on-demand).
pub(crate) const DYNAMODB_MILLION_WRITES: f64 = 0.625;

/// A million read request units on demand (aws.amazon.com/dynamodb/pricing/on-demand).
pub(crate) const DYNAMODB_MILLION_READS: f64 = 0.125;

/// A gigabyte in a table for a month (aws.amazon.com/dynamodb/pricing/on-demand).
pub(crate) const DYNAMODB_GB_MONTH: f64 = 0.25;

/// A gigabyte of log lines taken in (aws.amazon.com/cloudwatch/pricing).
pub(crate) const LOGS_GB: f64 = 0.50;
