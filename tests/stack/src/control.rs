//! What tests do to a running stack, and what they look at.

use anyhow::{Context, ensure};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use crate::package::Function;
use crate::processes::{commands, kill};
use crate::running::Stack;

/// Messages of a queue.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct QueueDepth {
    /// Ready to be taken.
    pub visible: u64,
    /// Taken, and neither deleted nor visible again.
    pub in_flight: u64,
    /// Sent with a delay that has not passed.
    pub delayed: u64,
}

impl QueueDepth {
    /// All messages the queue holds.
    #[must_use]
    pub const fn total(self) -> u64 {
        self.visible + self.in_flight + self.delayed
    }
}

/// A queue of the deployment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Queue {
    /// From capi-ingest to capi-dispatch.
    Events,
    /// From leadgen-webhook to lead-worker.
    Leads,
    /// What job-worker does.
    Jobs,
}

impl Queue {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Events, Self::Leads, Self::Jobs];
}

/// nextest's group of tests that run alone.
pub(crate) const DISRUPTIVE: &str = "disruptive";
/// nextest's group of tests that kill functions and bear that others do.
const KILLING: &str = "killing";

/// Refuses what would disturb other tests to a test that runs beside them.
pub(crate) fn only_in(groups: &[&str]) -> anyhow::Result<()> {
    allowed(std::env::var("NEXTEST_TEST_GROUP").ok().as_deref(), groups)
}

/// `group` is what nextest says; other callers have none and may do everything.
fn allowed(group: Option<&str>, groups: &[&str]) -> anyhow::Result<()> {
    let Some(group) = group else { return Ok(()) };
    ensure!(
        groups.contains(&group),
        "this disturbs other tests: .config/nextest.toml must put the test into {groups:?}; it is in {group}"
    );
    Ok(())
}

impl Stack {
    /// Enables or disables the event source mapping between the queue and capi-dispatch.
    ///
    /// # Errors
    /// When the local AWS refuses.
    pub async fn set_dispatch_enabled(&self, enabled: bool) -> anyhow::Result<()> {
        self.set_mapping_enabled(&self.env().mapping_id, enabled).await
    }

    /// Enables or disables the event source mapping between the queue of leads and lead-worker.
    ///
    /// # Errors
    /// When the local AWS refuses.
    pub async fn set_lead_worker_enabled(&self, enabled: bool) -> anyhow::Result<()> {
        self.set_mapping_enabled(&self.env().lead_worker_mapping_id, enabled).await
    }

    async fn set_mapping_enabled(&self, id: &str, enabled: bool) -> anyhow::Result<()> {
        only_in(&[DISRUPTIVE])?;
        let path = format!("/2015-03-31/event-source-mappings/{id}");
        self.aws().rest("lambda", "PUT", &path, Some(&json!({ "Enabled": enabled }))).await?;
        Ok(())
    }

    /// Enables or disables the schedule that starts lead-worker each minute.
    ///
    /// # Errors
    /// When the local AWS refuses or has no such rule.
    pub async fn set_lead_schedule_enabled(&self, enabled: bool) -> anyhow::Result<()> {
        only_in(&[DISRUPTIVE])?;
        let rules = self.aws().json("events", "AWSEvents.ListRules", "1.1", &json!({})).await?;
        let mut names =
            rules["Rules"].as_array().into_iter().flatten().filter_map(|rule| rule["Name"].as_str());
        let name = names.find(|name| name.contains("LeadWorkerTick")).context("no rule LeadWorkerTick")?;
        let target = if enabled { "AWSEvents.EnableRule" } else { "AWSEvents.DisableRule" };
        self.aws().json("events", target, "1.1", &json!({ "Name": name })).await?;
        Ok(())
    }

    /// Drops every message of a queue.
    ///
    /// # Errors
    /// When the local AWS refuses.
    pub async fn purge(&self, queue: Queue) -> anyhow::Result<()> {
        only_in(&[DISRUPTIVE])?;
        let body = json!({ "QueueUrl": self.queue_url(queue) });
        self.aws().json("sqs", "AmazonSQS.PurgeQueue", "1.0", &body).await?;
        Ok(())
    }

    /// Invokes a function with `event` and waits for its answer; a schedule's call, for one, without the wait for the
    /// minute.
    ///
    /// # Errors
    /// When the local AWS refuses.
    pub async fn invoke(&self, function: Function, event: &Value) -> anyhow::Result<Value> {
        let path = format!("/2015-03-31/functions/{}/invocations", self.deployed_name(function));
        self.aws().rest("lambda", "POST", &path, Some(event)).await
    }

    /// The URL of a queue.
    #[must_use]
    pub fn queue_url(&self, queue: Queue) -> &str {
        let env = self.env();
        match queue {
            Queue::Events => &env.queue_url,
            Queue::Leads => &env.leads_queue_url,
            Queue::Jobs => &env.jobs_queue_url,
        }
    }

    /// Messages in a queue.
    ///
    /// # Errors
    /// When the local AWS refuses.
    pub async fn depth(&self, queue: Queue) -> anyhow::Result<QueueDepth> {
        self.depth_of(self.queue_url(queue)).await
    }

    /// Messages in a queue's dead-letter queue.
    ///
    /// # Errors
    /// When the local AWS refuses.
    pub async fn dead_letters_of(&self, queue: Queue) -> anyhow::Result<QueueDepth> {
        let env = self.env();
        let url = match queue {
            Queue::Events => &env.dead_letters_url,
            Queue::Leads => &env.leads_dead_letters_url,
            Queue::Jobs => &env.jobs_dead_letters_url,
        };
        self.depth_of(url).await
    }

    /// Messages in the queue of events.
    ///
    /// # Errors
    /// When the local AWS refuses.
    pub async fn queue_depth(&self) -> anyhow::Result<QueueDepth> {
        self.depth(Queue::Events).await
    }

    /// Messages in the dead-letter queue of events.
    ///
    /// # Errors
    /// When the local AWS refuses.
    pub async fn dead_letters(&self) -> anyhow::Result<QueueDepth> {
        self.dead_letters_of(Queue::Events).await
    }

    async fn depth_of(&self, queue_url: &str) -> anyhow::Result<QueueDepth> {
        let body = json!({ "QueueUrl": queue_url, "AttributeNames": ["All"] });
        let answer = self.aws().json("sqs", "AmazonSQS.GetQueueAttributes", "1.0", &body).await?;
        let number = |name: &str| -> anyhow::Result<u64> {
            let text =
                answer["Attributes"][name].as_str().with_context(|| format!("no {name} in {answer}"))?;
            Ok(text.parse()?)
        };
        Ok(QueueDepth {
            visible: number("ApproximateNumberOfMessages")?,
            in_flight: number("ApproximateNumberOfMessagesNotVisible")?,
            delayed: number("ApproximateNumberOfMessagesDelayed")?,
        })
    }

    /// Every log line of a function so far, the platform's own lines included. Lines appear when the
    /// invocation that wrote them ends.
    ///
    /// # Errors
    /// When the local AWS refuses.
    pub async fn function_logs(&self, function: Function) -> anyhow::Result<Vec<String>> {
        let group = format!("/aws/lambda/{}", self.deployed_name(function));
        let mut lines = Vec::new();
        let mut body = json!({ "logGroupName": group, "limit": 10_000 });
        loop {
            let answer = self.aws().json("logs", "Logs_20140328.FilterLogEvents", "1.1", &body).await?;
            let events = answer["events"].as_array().map(Vec::as_slice).unwrap_or_default();
            lines.extend(events.iter().filter_map(|event| event["message"].as_str().map(str::to_owned)));
            match answer["nextToken"].as_str() {
                Some(token) if !events.is_empty() => body["nextToken"] = token.into(),
                _ => return Ok(lines),
            }
        }
    }

    /// Kills every running process of a function with SIGKILL, as when a sandbox is lost; gives how many
    /// there were. The next invocation starts a new one.
    ///
    /// # Errors
    /// When the local AWS refuses or the processes cannot be listed.
    pub async fn kill_function(&self, function: Function) -> anyhow::Result<usize> {
        only_in(&[DISRUPTIVE, KILLING])?;
        let code = self.code_directory(function).await?;
        let marker = format!("{code}/bootstrap");
        let running = commands()?.into_iter().filter(|(_, command)| command.contains(&marker));
        Ok(running.filter(|(pid, _)| kill(*pid)).count())
    }

    /// How many invocations of a function ended so far because its process died at its work. What MiniStack says of
    /// them stands in its own log alone.
    ///
    /// # Errors
    /// When the log cannot be read.
    pub fn lost_invocations(&self, function: Function) -> anyhow::Result<usize> {
        let log = &self.env().ministack_log;
        let text = std::fs::read(log).with_context(|| format!("reading {log}"))?;
        let lost = format!("Lambda {}: Runtime exited", self.deployed_name(function));
        Ok(String::from_utf8_lossy(&text).lines().filter(|line| line.contains(&lost)).count())
    }

    /// Changes environment variables of a function; its processes are replaced.
    ///
    /// # Errors
    /// When the local AWS refuses.
    pub async fn set_function_env(&self, function: Function, changes: &[(&str, &str)]) -> anyhow::Result<()> {
        only_in(&[DISRUPTIVE])?;
        let path = format!("/2015-03-31/functions/{}/configuration", self.deployed_name(function));
        let configuration = self.aws().rest("lambda", "GET", &path, None).await?;
        let mut variables = configuration["Environment"]["Variables"].clone();
        for (name, value) in changes {
            variables[*name] = Value::from(*value);
        }
        let body = json!({ "Environment": { "Variables": variables } });
        self.aws().rest("lambda", "PUT", &path, Some(&body)).await?;
        Ok(())
    }

    /// The directory that the emulator runs a function from is named for the SHA-256 of its package.
    async fn code_directory(&self, function: Function) -> anyhow::Result<String> {
        let path = format!("/2015-03-31/functions/{}/configuration", self.deployed_name(function));
        let configuration = self.aws().rest("lambda", "GET", &path, None).await?;
        let digest = configuration["CodeSha256"].as_str().context("no CodeSha256")?;
        let digest = STANDARD.decode(digest).context("CodeSha256 is no base64")?;
        ensure!(digest.len() == 32, "CodeSha256 has {} bytes", digest.len());
        Ok(hex::encode(digest))
    }

    /// The function's name in AWS.
    #[must_use]
    pub fn deployed_name(&self, function: Function) -> String {
        format!("{}-{}", self.env().stack_name, function.name())
    }
}

#[cfg(test)]
mod tests {
    use super::{DISRUPTIVE, KILLING, allowed};

    #[test]
    fn who_runs_beside_others_may_not_disturb_them() {
        assert!(allowed(Some("@global"), &[DISRUPTIVE]).is_err());
        assert!(allowed(Some(KILLING), &[DISRUPTIVE]).is_err());
        allowed(Some(KILLING), &[DISRUPTIVE, KILLING]).unwrap();
        allowed(Some(DISRUPTIVE), &[DISRUPTIVE]).unwrap();
        allowed(None, &[DISRUPTIVE]).unwrap();
    }
}
