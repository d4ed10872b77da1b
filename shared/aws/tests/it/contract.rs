//! One set of tests for all who implement the same ports.

/// Makes a test of each function, against a store in the table, which a future makes, and against one in memory.
macro_rules! contract {
    ($in_table:path, $in_memory:path; $($name:ident),+ $(,)?) => {
        mod in_the_table {
            $(
                #[tokio::test]
                async fn $name() {
                    super::$name(&$in_table().await).await;
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
