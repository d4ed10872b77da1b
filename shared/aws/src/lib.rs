//! DynamoDB, SQS and Secrets Manager behind the ports that adrelay-core declares.
