//! What a running stack tells others about itself: `.local/stack.env`.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use anyhow::{Context, ensure};

/// Addresses, names and credentials of a running stack. Each field is one variable of `.local/stack.env`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StackEnv {
    /// `ADRELAY_URL`: base URL of adrelay's API, without a slash at the end.
    pub adrelay_url: String,
    /// `ADRELAY_ADMIN_KEY`: the first admin key.
    pub admin_key: String,
    /// `GRAPH_SIM_URL`: base URL of the simulator of Meta's Graph API.
    pub graph_sim_url: String,
    /// `AWS_ENDPOINT_URL`: where the local AWS listens.
    pub aws_endpoint_url: String,
    /// `CONFIG_TABLE`: name of the table of settings.
    pub config_table: String,
    /// `EVENTS_TABLE`: name of the table of receipts.
    pub events_table: String,
    /// `PEOPLE_TABLE`: name of the table of people.
    pub people_table: String,
    /// `CAPI_EVENTS_QUEUE_URL`: the queue between capi-ingest and capi-dispatch.
    pub queue_url: String,
    /// `CAPI_EVENTS_DLQ_URL`: its dead-letter queue.
    pub dead_letters_url: String,
    /// `CAPI_DISPATCH_MAPPING_ID`: the event source mapping that starts capi-dispatch.
    pub mapping_id: String,
    /// `LEADS_TABLE`: name of the table of leads.
    pub leads_table: String,
    /// `JOBS_TABLE`: name of the table of jobs and webhook calls.
    pub jobs_table: String,
    /// `LEADS_QUEUE_URL`: the queue between leadgen-webhook and lead-worker.
    pub leads_queue_url: String,
    /// `LEADS_DLQ_URL`: its dead-letter queue.
    pub leads_dead_letters_url: String,
    /// `JOBS_QUEUE_URL`: the queue of job-worker.
    pub jobs_queue_url: String,
    /// `JOBS_DLQ_URL`: its dead-letter queue.
    pub jobs_dead_letters_url: String,
    /// `EXPORTS_BUCKET`: name of the bucket of exports.
    pub exports_bucket: String,
    /// `EVENT_BUS_NAME`: name of the bus that new leads are announced on.
    pub event_bus: String,
    /// `LEAD_WORKER_MAPPING_ID`: the event source mapping that starts lead-worker.
    pub lead_worker_mapping_id: String,
    /// `LOCAL_APP_ID`: id of the Meta app that the deployment is told it has.
    pub app_id: String,
    /// `LOCAL_APP_SECRET`: that app's secret, which signs webhooks.
    pub app_secret: String,
    /// `LOCAL_VERIFY_TOKEN`: the token that Meta verifies webhooks with.
    pub verify_token: String,
    /// `STACK_NAME`: name of the CloudFormation stack and prefix of the functions' names.
    pub stack_name: String,
    /// `MINISTACK_LOG`: path of the local AWS's log, which holds the functions' output, too.
    pub ministack_log: String,
    /// `GRAPH_SIM_LOG`: path of the simulator's log.
    pub graph_sim_log: String,
}

/// Credentials of the local AWS's root, known to everyone.
pub(crate) const AWS_KEY: &str = "test";
/// Where the local AWS pretends to be.
pub(crate) const AWS_REGION: &str = "us-east-1";

impl StackEnv {
    /// Names and values of all variables, the AWS credentials included.
    #[must_use]
    pub fn variables(&self) -> [(&'static str, &str); 29] {
        [
            ("ADRELAY_URL", &self.adrelay_url),
            ("ADRELAY_ADMIN_KEY", &self.admin_key),
            ("GRAPH_SIM_URL", &self.graph_sim_url),
            ("AWS_ENDPOINT_URL", &self.aws_endpoint_url),
            ("AWS_ACCESS_KEY_ID", AWS_KEY),
            ("AWS_SECRET_ACCESS_KEY", AWS_KEY),
            ("AWS_REGION", AWS_REGION),
            ("AWS_DEFAULT_REGION", AWS_REGION),
            ("CONFIG_TABLE", &self.config_table),
            ("EVENTS_TABLE", &self.events_table),
            ("PEOPLE_TABLE", &self.people_table),
            ("CAPI_EVENTS_QUEUE_URL", &self.queue_url),
            ("CAPI_EVENTS_DLQ_URL", &self.dead_letters_url),
            ("CAPI_DISPATCH_MAPPING_ID", &self.mapping_id),
            ("LEADS_TABLE", &self.leads_table),
            ("JOBS_TABLE", &self.jobs_table),
            ("LEADS_QUEUE_URL", &self.leads_queue_url),
            ("LEADS_DLQ_URL", &self.leads_dead_letters_url),
            ("JOBS_QUEUE_URL", &self.jobs_queue_url),
            ("JOBS_DLQ_URL", &self.jobs_dead_letters_url),
            ("EXPORTS_BUCKET", &self.exports_bucket),
            ("EVENT_BUS_NAME", &self.event_bus),
            ("LEAD_WORKER_MAPPING_ID", &self.lead_worker_mapping_id),
            ("LOCAL_APP_ID", &self.app_id),
            ("LOCAL_APP_SECRET", &self.app_secret),
            ("LOCAL_VERIFY_TOKEN", &self.verify_token),
            ("STACK_NAME", &self.stack_name),
            ("MINISTACK_LOG", &self.ministack_log),
            ("GRAPH_SIM_LOG", &self.graph_sim_log),
        ]
    }

    /// The lines of `stack.env`: `NAME='value'`, for `set -a; . .local/stack.env`.
    #[must_use]
    pub fn to_file_text(&self) -> String {
        let lines: Vec<String> =
            self.variables().iter().map(|(name, value)| format!("{name}='{value}'\n")).collect();
        lines.concat()
    }

    /// Reads what [`Self::to_file_text`] wrote.
    ///
    /// # Errors
    /// When a line or a variable is not as it was written.
    pub fn from_file_text(text: &str) -> anyhow::Result<Self> {
        let mut found = BTreeMap::new();
        for line in text.lines().filter(|line| !line.is_empty()) {
            let (name, value) = line.split_once('=').with_context(|| format!("no NAME='value': {line}"))?;
            let value = value.strip_prefix('\'').and_then(|value| value.strip_suffix('\''));
            found.insert(
                name.to_owned(),
                value.with_context(|| format!("{name} is not in single quotes"))?.to_owned(),
            );
        }
        Self::from_lookup(|name| found.get(name).cloned())
    }

    /// Reads the same variables from the environment of this process.
    ///
    /// # Errors
    /// When one is missing, naming it.
    pub fn from_process() -> anyhow::Result<Self> {
        Self::from_lookup(|name| std::env::var(name).ok())
    }

    fn from_lookup(look_up: impl Fn(&str) -> Option<String>) -> anyhow::Result<Self> {
        let get = |name: &str| look_up(name).with_context(|| format!("{name} is missing"));
        Ok(Self {
            adrelay_url: get("ADRELAY_URL")?,
            admin_key: get("ADRELAY_ADMIN_KEY")?,
            graph_sim_url: get("GRAPH_SIM_URL")?,
            aws_endpoint_url: get("AWS_ENDPOINT_URL")?,
            config_table: get("CONFIG_TABLE")?,
            events_table: get("EVENTS_TABLE")?,
            people_table: get("PEOPLE_TABLE")?,
            queue_url: get("CAPI_EVENTS_QUEUE_URL")?,
            dead_letters_url: get("CAPI_EVENTS_DLQ_URL")?,
            mapping_id: get("CAPI_DISPATCH_MAPPING_ID")?,
            leads_table: get("LEADS_TABLE")?,
            jobs_table: get("JOBS_TABLE")?,
            leads_queue_url: get("LEADS_QUEUE_URL")?,
            leads_dead_letters_url: get("LEADS_DLQ_URL")?,
            jobs_queue_url: get("JOBS_QUEUE_URL")?,
            jobs_dead_letters_url: get("JOBS_DLQ_URL")?,
            exports_bucket: get("EXPORTS_BUCKET")?,
            event_bus: get("EVENT_BUS_NAME")?,
            lead_worker_mapping_id: get("LEAD_WORKER_MAPPING_ID")?,
            app_id: get("LOCAL_APP_ID")?,
            app_secret: get("LOCAL_APP_SECRET")?,
            verify_token: get("LOCAL_VERIFY_TOKEN")?,
            stack_name: get("STACK_NAME")?,
            ministack_log: get("MINISTACK_LOG")?,
            graph_sim_log: get("GRAPH_SIM_LOG")?,
        })
    }

    /// Writes the file for its owner alone: it holds the admin key.
    pub(crate) fn write(&self, path: &Path) -> anyhow::Result<()> {
        for (name, value) in self.variables() {
            ensure!(!value.contains(['\'', '\n']), "{name} holds a quote or a line break");
        }
        fs::write(path, self.to_file_text()).with_context(|| format!("writing {}", path.display()))?;
        fs::set_permissions(path, fs::Permissions::from_mode(0o600))?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample() -> StackEnv {
        StackEnv {
            adrelay_url: "http://127.0.0.1:4000/_aws/execute-api/abc/$default".into(),
            admin_key: "adr_admin_x".into(),
            graph_sim_url: "http://127.0.0.1:4001".into(),
            aws_endpoint_url: "http://127.0.0.1:4000".into(),
            config_table: "adrelay-config".into(),
            events_table: "adrelay-events".into(),
            people_table: "adrelay-people".into(),
            queue_url: "http://127.0.0.1:4000/000000000000/adrelay-capi-events".into(),
            dead_letters_url: "http://127.0.0.1:4000/000000000000/adrelay-capi-events-dead".into(),
            mapping_id: "81e9de03".into(),
            leads_table: "adrelay-leads".into(),
            jobs_table: "adrelay-jobs".into(),
            leads_queue_url: "http://127.0.0.1:4000/000000000000/adrelay-leads".into(),
            leads_dead_letters_url: "http://127.0.0.1:4000/000000000000/adrelay-leads-dead".into(),
            jobs_queue_url: "http://127.0.0.1:4000/000000000000/adrelay-jobs".into(),
            jobs_dead_letters_url: "http://127.0.0.1:4000/000000000000/adrelay-jobs-dead".into(),
            exports_bucket: "adrelay-exports-000000000000".into(),
            event_bus: "adrelay-events".into(),
            lead_worker_mapping_id: "82e9de03".into(),
            app_id: "1500000000000042".into(),
            app_secret: "not-a-secret".into(),
            verify_token: "verify-me".into(),
            stack_name: "adrelay".into(),
            ministack_log: "/a b/ministack.log".into(),
            graph_sim_log: "/a b/graph-sim.log".into(),
        }
    }

    #[test]
    fn what_is_written_is_read_back() {
        assert_eq!(StackEnv::from_file_text(&sample().to_file_text()).unwrap(), sample());
    }

    #[test]
    fn a_shell_takes_values_as_they_are() {
        let script = format!("{}printf %s \"$ADRELAY_URL\"", sample().to_file_text());
        let output = std::process::Command::new("sh").args(["-c", &script]).output().unwrap();
        assert_eq!(String::from_utf8(output.stdout).unwrap(), sample().adrelay_url);
    }

    #[test]
    fn a_missing_variable_is_named() {
        let text = sample().to_file_text().replace("EVENTS_TABLE", "EVENT_TABLE");
        let error = StackEnv::from_file_text(&text).unwrap_err();
        assert!(error.to_string().contains("EVENTS_TABLE"), "{error}");
    }

    #[test]
    fn a_value_that_a_shell_would_misread_is_not_written() {
        let directory = tempfile::tempdir().unwrap();
        let bad = StackEnv { stack_name: "a'b".into(), ..sample() };
        assert!(bad.write(&directory.path().join("stack.env")).is_err());
    }
}
