#![doc = include_str!("../README.md")]

mod aws;
mod control;
mod deploy;
mod environment;
mod keeper;
mod left;
mod package;
mod parts;
mod permissions;
mod processes;
mod roles;
mod running;
mod workspace;

pub use aws::AwsApi;
pub use control::{Queue, QueueDepth};
pub use environment::StackEnv;
pub use package::Function;
pub use permissions::{Call, PermissionsReport, Right};
pub use running::{Stack, StartOptions};
pub use workspace::Workspace;
