//! What every function starts with: configuration, telemetry, HTTP problems, authentication, SQS batches.
