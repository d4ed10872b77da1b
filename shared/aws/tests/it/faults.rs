//! Each call of each operation fails once: nothing that failed counts as done, and done again it ends as if nothing had
//! been.

use std::fmt::Debug;

use adrelay_aws::config::DynamoConfig;
use adrelay_aws::config_admin::DynamoConfigAdmin;
use adrelay_aws::events::DynamoEvents;
use adrelay_aws::jobs::DynamoJobs;
use adrelay_aws::leads::DynamoLeads;
use adrelay_aws::people::DynamoPeople;
use adrelay_core::ports::StoreError;
use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::types::AttributeValue;

use crate::support::TABLE;
use crate::wire::{DENIED, Turn, Wire};

/// Every store, over one table.
#[derive(Clone)]
pub(crate) struct Stores {
    pub(crate) events: DynamoEvents,
    pub(crate) leads: DynamoLeads,
    pub(crate) people: DynamoPeople,
    pub(crate) jobs: DynamoJobs,
    pub(crate) config: DynamoConfig,
    pub(crate) admin: DynamoConfigAdmin,
}

impl Stores {
    pub(crate) fn over(client: &Client) -> Self {
        let (client, table) = (|| client.clone(), || TABLE.to_owned());
        Self {
            events: DynamoEvents::new(client(), table()),
            leads: DynamoLeads::new(client(), table()),
            people: DynamoPeople::new(client(), table()),
            jobs: DynamoJobs::new(client(), table()),
            config: DynamoConfig::new(client(), table()),
            admin: DynamoConfigAdmin::new(client(), table()),
        }
    }
}

/// What an operation gives that is done again after it was done and its last answer lost.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Again {
    /// What it gives at first: it may be repeated.
    Done,
    /// A conflict: it names the revision that it read.
    Conflict,
}

/// All items, as text, in order.
async fn everything(client: &Client) -> Vec<String> {
    let mut found = Vec::new();
    let mut start = None;
    for _ in 0..100 {
        let scan = client.scan().table_name(TABLE).consistent_read(true).set_exclusive_start_key(start);
        let page = scan.send().await.unwrap();
        for item in page.items.unwrap_or_default() {
            let mut attributes: Vec<String> = item.iter().map(|(name, value)| text(name, value)).collect();
            attributes.sort();
            found.push(attributes.join(" "));
        }
        start = page.last_evaluated_key;
        if start.is_none() {
            break;
        }
    }
    found.sort();
    found
}

fn text(name: &str, value: &AttributeValue) -> String {
    match value {
        AttributeValue::Ss(texts) => {
            let mut texts = texts.clone();
            texts.sort();
            format!("{name}={texts:?}")
        }
        other => format!("{name}={other:?}"),
    }
}

/// One operation, with what stands in the table before it.
pub(crate) async fn sweep<T: Debug, E: Debug + PartialEq + From<StoreError>>(
    name: &str,
    database: impl AsyncFn() -> Client,
    before: impl AsyncFn(&Stores),
    act: impl AsyncFn(&Stores) -> Result<T, E>,
    again: Again,
) {
    let begin = async || {
        let client = database().await;
        before(&Stores::over(&client)).await;
        client
    };
    let client = begin().await;
    let (counting, wire) = Wire::between(&client, |_| Turn::Pass);
    act(&Stores::over(&counting)).await.unwrap();
    let (calls, expected) = (wire.calls(), everything(&client).await);
    assert!(!calls.is_empty(), "{name} asks the table");
    let denied = || E::from(StoreError::Unavailable(DENIED.to_owned()));
    for nth in 0..calls.len() {
        for lost in [false, true] {
            let place = format!("{name}, call {nth}, {}, lost: {lost}", calls[nth].operation);
            let client = begin().await;
            let (failing, _) = Wire::between(&client, move |call| match (call.of_all == nth, lost) {
                (true, true) => Turn::Lost(DENIED),
                (true, false) => Turn::Refused(DENIED),
                (false, _) => Turn::Pass,
            });
            let failed = act(&Stores::over(&failing)).await;
            assert_eq!(failed.map(|_| ()), Err(denied()), "{place}");
            let repeated = act(&Stores::over(&client)).await.map(|_| ());
            if again == Again::Conflict && lost && nth + 1 == calls.len() {
                assert_eq!(repeated, Err(E::from(StoreError::Conflict)), "{place}");
            } else {
                assert_eq!(repeated, Ok(()), "{place}");
            }
            assert_eq!(everything(&client).await, expected, "{place}");
        }
    }
}

/// Makes a test of operations: each with its name, what is done before it, itself, and what it gives when it is done
/// again.
macro_rules! sweeps {
    ($test:ident, $database:path; $($name:literal: $before:expr, $act:expr, $again:ident;)+) => {
        #[tokio::test]
        async fn $test() {
            $($crate::faults::sweep($name, $database, $before, $act, $crate::faults::Again::$again).await;)+
        }
    };
}

pub(crate) use sweeps;
