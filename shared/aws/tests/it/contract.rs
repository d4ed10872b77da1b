//! One set of tests for all who implement the same ports.

/// Makes a test of each function, against a store in memory and against one in the table: where a query and a batch
/// are answered at once, and where they never are. The table's store is made by a function of a client.
macro_rules! contract {
    ($store:path, $database:path, $in_memory:path; $($name:ident),+ $(,)?) => {
        mod in_the_table {
            $(
                #[tokio::test]
                async fn $name() {
                    let client = $database().await;
                    super::$name(&$store(client, $crate::support::TABLE.to_owned())).await;
                }
            )+
        }

        mod in_short_pages {
            $(
                #[tokio::test]
                async fn $name() {
                    let client = $crate::wire::Wire::stingy(&$database().await);
                    super::$name(&$store(client, $crate::support::TABLE.to_owned())).await;
                }
            )+
        }

        mod in_memory {
            $(
                #[tokio::test]
                async fn $name() {
                    super::$name(&$in_memory()).await;
                }
            )+
        }
    };
}

pub(crate) use contract;
