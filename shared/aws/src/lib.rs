//! DynamoDB, SQS and Secrets Manager behind the ports that adrelay-core declares.

pub mod config_admin;
