//! What is still to be told.

use adrelay_core::leads::{FeedbackState, OutboxEntry, OutboxTopic};
use adrelay_core::ports::StoreError;
use adrelay_core::ports::leads::LeadOutbox;
use adrelay_core::time::UnixMillis;

use super::MemoryLeads;

impl LeadOutbox for MemoryLeads {
    async fn due(&self, now: UnixMillis, limit: usize) -> Result<Vec<OutboxEntry>, StoreError> {
        self.0
            .call("due", |state| {
                let due = state.outbox.iter().take_while(|entry| entry.due <= now);
                Ok(due.take(limit).cloned().collect())
            })
            .await
    }

    async fn done(&self, entry: &OutboxEntry) -> Result<(), StoreError> {
        self.0
            .call("done", |state| {
                state.outbox.remove(entry);
                Ok(())
            })
            .await
    }

    /// Two calls, as on the table: a crash may come between them.
    async fn settle(&self, entry: &OutboxEntry, to: &FeedbackState) -> Result<(), StoreError> {
        let whose = (entry.tenant.clone(), entry.lead.clone());
        if let OutboxTopic::Feedback(nth) = entry.topic {
            self.0
                .call("settle", |state| {
                    let stage = state.feedback.get_mut(&whose).and_then(|stages| stages.get_mut(&nth));
                    if let Some(stage) = stage.filter(|stage| stage.state == FeedbackState::Pending) {
                        stage.state = to.clone();
                    }
                    Ok(())
                })
                .await?;
        }
        self.done(entry).await
    }

    async fn turn(&self, name: &str, now: UnixMillis, interval_ms: i64) -> Result<bool, StoreError> {
        self.0
            .call("turn", |state| {
                let ours = state.turns.get(name).is_none_or(|last| now.ms_since(*last) >= interval_ms);
                if ours {
                    state.turns.insert(name.to_owned(), now);
                }
                Ok(ours)
            })
            .await
    }
}
