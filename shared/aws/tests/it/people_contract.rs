//! One set of tests for all who implement the people ports.

/// Makes a test of each function, against the table and against `MemoryPeople`.
macro_rules! contract {
    ($($name:ident),+ $(,)?) => {
        mod in_the_table {
            $(
                #[tokio::test]
                async fn $name() {
                    let table = crate::support::TABLE.to_owned();
                    let people = adrelay_aws::people::DynamoPeople::new(crate::support::dynamodb().await, table);
                    super::$name(&people).await;
                }
            )+
        }

        mod in_memory {
            $(
                #[tokio::test]
                async fn $name() {
                    super::$name(&fakes::MemoryPeople::default()).await;
                }
            )+
        }
    };
}

pub(crate) use contract;
