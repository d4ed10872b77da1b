//! Which rights a function uses: every call of AWS as the action and the resource that IAM decides on.
//!
//! Only in the dev profile, and only where [`DIRECTORY_VARIABLE`] names a directory, as the local stack does. Each process
//! appends one line per new right to a file of its own: function, action, resource and outcome, separated by tabs. Names
//! of tables, queues, buckets, buses and secrets are all that a line holds; nothing of what the calls carry.

use std::collections::HashSet;
use std::fs::OpenOptions;
use std::io::{self, Write as _};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use aws_sdk_dynamodb::config::interceptors::{
    BeforeSerializationInterceptorContextRef, FinalizerInterceptorContextRef,
};
use aws_sdk_dynamodb::config::{ConfigBag, Intercept, RuntimeComponents, SharedInterceptor};
use aws_sdk_dynamodb::error::BoxError;
use aws_smithy_runtime_api::client::orchestrator::Metadata;
use aws_smithy_types::config_bag::{Storable, StoreReplace};

use self::rights::Right;

mod rights;

/// Names the directory that the files are written to.
const DIRECTORY_VARIABLE: &str = "AWS_CALL_LOG_DIR";

/// Refused by IAM, in any service's words.
const ACCESS_DENIED: &str = "AccessDenied";

/// Errors that come after IAM has agreed. Others, such as a malformed request, may come before it was asked.
const AFTER_IAM: [&str; 3] = ["ConditionalCheckFailed", "NoSuchUpload", "TransactionCanceled"];

/// What IAM made of a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Outcome {
    Allowed,
    Refused,
}

impl Outcome {
    const fn name(self) -> &'static str {
        match self {
            Self::Allowed => "allowed",
            Self::Refused => "refused",
        }
    }

    /// The outcome that an error tells of, if it tells.
    fn of_error(error: &str, status: Option<u16>) -> Option<Self> {
        // An answer to HEAD has no body that could say more.
        if error.contains(ACCESS_DENIED) || status == Some(403) {
            return Some(Self::Refused);
        }
        AFTER_IAM.iter().any(|code| error.contains(code)).then_some(Self::Allowed)
    }
}

/// What a call needs, kept from its start, when its input can be read, to its end, when its outcome is known.
#[derive(Debug)]
struct Needed(Vec<Right>);

impl Storable for Needed {
    type Storer = StoreReplace<Self>;
}

/// Notes the rights that clients use.
#[derive(Debug)]
struct CallLog {
    function: String,
    file: PathBuf,
    noted: Mutex<HashSet<(Right, Outcome)>>,
}

/// What every client of this process is to be given; none where nobody asked for it.
pub(crate) fn interceptor(variable: impl Fn(&'static str) -> Option<String>) -> Option<SharedInterceptor> {
    let directory = PathBuf::from(variable(DIRECTORY_VARIABLE)?);
    let function = variable("AWS_LAMBDA_FUNCTION_NAME")?;
    let file = directory.join(format!("{function}-{}.tsv", std::process::id()));
    Some(SharedInterceptor::new(Shared(Arc::new(CallLog { function, file, noted: Mutex::default() }))))
}

impl CallLog {
    /// Appends what is new, each line in one write: the process may be killed at any moment.
    fn note(&self, rights: &[Right], outcome: Outcome) -> io::Result<()> {
        let mut noted = self.noted.lock().unwrap_or_else(PoisonError::into_inner);
        for right in rights {
            if noted.contains(&(right.clone(), outcome)) {
                continue;
            }
            let Right { action, resource } = right;
            let line = format!("{}\t{action}\t{resource}\t{}\n", self.function, outcome.name());
            OpenOptions::new().create(true).append(true).open(&self.file)?.write_all(line.as_bytes())?;
            noted.insert((right.clone(), outcome));
        }
        Ok(())
    }
}

/// One log for the clients of all services.
#[derive(Debug)]
struct Shared(Arc<CallLog>);

impl Intercept for Shared {
    fn name(&self) -> &'static str {
        "CallLog"
    }

    fn read_before_serialization(
        &self,
        context: &BeforeSerializationInterceptorContextRef<'_>,
        _components: &RuntimeComponents,
        cfg: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let (service, operation) =
            cfg.load::<Metadata>().map_or(("?", "?"), |metadata| (metadata.service(), metadata.name()));
        let needed = rights::of_call(service, operation, context.input());
        cfg.interceptor_state().store_put(Needed(needed));
        Ok(())
    }

    fn read_after_execution(
        &self,
        context: &FinalizerInterceptorContextRef<'_>,
        _components: &RuntimeComponents,
        cfg: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let outcome = match context.output_or_error() {
            // A link is only signed here; whoever follows it acts with the right of who signed.
            None | Some(Ok(_)) => Some(Outcome::Allowed),
            Some(Err(error)) => {
                let status = context.response().map(|response| response.status().as_u16());
                Outcome::of_error(&format!("{error:?}"), status)
            }
        };
        if let (Some(outcome), Some(Needed(needed))) = (outcome, cfg.load::<Needed>())
            && let Err(error) = self.0.note(needed, outcome)
        {
            tracing::warn!(%error, "a call of AWS can't be noted");
        }
        Ok(())
    }
}
