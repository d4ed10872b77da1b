//! A stack that runs: how it starts, is found again, and ends.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context, ensure};
use tokio::sync::OnceCell;

use crate::aws::AwsApi;
use crate::deploy::{self, Deployment, STACK_NAME};
use crate::environment::StackEnv;
use crate::keeper::Keeper;
use crate::left::Left;
use crate::package::{self, SIMULATOR};
use crate::parts::{MINISTACK, start_ministack, start_simulator, wait_until_healthy};
use crate::permissions::call_log_in;
use crate::processes::{end_group, is_ours};
use crate::workspace::Workspace;

/// How a stack is to be started.
pub struct StartOptions {
    /// Template parameters that win over the local profile.
    pub parameters: Vec<(String, String)>,
    /// Whether cargo is asked to bring the binaries up to date first.
    pub build: bool,
    /// Told in words what is going on.
    pub progress: Box<dyn Fn(&str) + Send + Sync>,
}

impl Default for StartOptions {
    fn default() -> Self {
        Self { parameters: Vec::new(), build: true, progress: Box::new(|_| {}) }
    }
}

/// A running stack.
#[derive(Debug)]
pub struct Stack {
    env: StackEnv,
    aws: AwsApi,
    /// Ends the stack; absent where another process owns it.
    keeper: Option<Keeper>,
    groups: Vec<(&'static str, u32)>,
}

impl Stack {
    /// The stack of this test process: the one whose variables are in the environment, else the one that
    /// `stack up` left running, else one that is started now and ends with this process.
    ///
    /// # Errors
    /// When none can be had.
    pub async fn shared() -> anyhow::Result<Arc<Self>> {
        static SHARED: OnceCell<Arc<Stack>> = OnceCell::const_new();
        let stack = SHARED
            .get_or_try_init(|| async {
                if std::env::var_os("ADRELAY_URL").is_some() {
                    return Self::from_env().map(Arc::new);
                }
                let left_running = Left::behind(&Workspace::locate()?);
                if left_running.is_running() {
                    return Self::attach(left_running.env()?).map(Arc::new);
                }
                Self::start(StartOptions::default()).await.map(Arc::new)
            })
            .await?;
        Ok(Arc::clone(stack))
    }

    /// The stack whose variables (those of `.local/stack.env`) are in this process's environment.
    ///
    /// # Errors
    /// When a variable is missing, naming it.
    pub fn from_env() -> anyhow::Result<Self> {
        Self::attach(StackEnv::from_process()?)
    }

    /// The stack that `stack up` left running.
    ///
    /// # Errors
    /// When there is none.
    pub fn left_running(workspace: &Workspace) -> anyhow::Result<Self> {
        let left = Left::behind(workspace);
        ensure!(left.is_running(), "no stack is running: `make up` starts one");
        Self::attach(left.env()?)
    }

    fn attach(env: StackEnv) -> anyhow::Result<Self> {
        Ok(Self { aws: AwsApi::new(&env.aws_endpoint_url)?, env, keeper: None, groups: Vec::new() })
    }

    /// Starts a stack that ends when the value is dropped or the process ends.
    ///
    /// # Errors
    /// When a part does not start or the template does not deploy, with the end of the log concerned;
    /// nothing is left running.
    pub async fn start(options: StartOptions) -> anyhow::Result<Self> {
        let workspace = Workspace::locate()?;
        let directory = workspace.local_dir().join(format!("run-{}", std::process::id()));
        Self::start_in(&workspace, &directory, options).await
    }

    async fn start_in(
        workspace: &Workspace,
        directory: &Path,
        options: StartOptions,
    ) -> anyhow::Result<Self> {
        let say = options.progress;
        if options.build {
            say("building the functions and the simulator");
            package::build(workspace)?;
        }
        package::lay_out(workspace)?;

        fs::create_dir_all(directory.join("tmp"))?;
        fs::create_dir_all(call_log_in(directory))?;
        let mut keeper = Keeper::start()?;
        keeper.remove(directory)?;
        say("starting MiniStack (a local AWS, IAM enforced) and graph-sim (a local Meta)");
        let (simulator, graph_sim_url) = start_simulator(workspace, directory, &mut keeper).await?;
        let (ministack, endpoint) = start_ministack(workspace, directory, &mut keeper).await?;

        say("deploying template.yaml with SAM");
        let mut parameters = vec![("GraphBaseUrl".to_owned(), graph_sim_url.clone())];
        parameters.extend(options.parameters);
        let deployment = Deployment { workspace, endpoint: &endpoint, directory };
        deployment.run(&parameters).await?;
        let admin_key = deployment.init_secrets().await?;
        let app = deployment.init_meta_app().await?;
        let aws = AwsApi::new(&endpoint)?;
        let outputs = deploy::outputs(&aws).await?;
        let output = |name: &str| outputs.get(name).cloned().with_context(|| format!("no output {name}"));
        let env = StackEnv {
            adrelay_url: format!("{endpoint}/_aws/execute-api/{}/$default", output("ApiId")?),
            admin_key,
            graph_sim_url,
            config_table: output("ConfigTableName")?,
            events_table: output("EventsTableName")?,
            people_table: output("PeopleTableName")?,
            queue_url: output("CapiEventsQueueUrl")?,
            dead_letters_url: output("CapiEventsDeadLettersUrl")?,
            mapping_id: output("CapiDispatchMappingId")?,
            leads_table: output("LeadsTableName")?,
            jobs_table: output("JobsTableName")?,
            leads_queue_url: output("LeadsQueueUrl")?,
            leads_dead_letters_url: output("LeadsDeadLettersUrl")?,
            jobs_queue_url: output("JobsQueueUrl")?,
            jobs_dead_letters_url: output("JobsDeadLettersUrl")?,
            exports_bucket: output("ExportsBucketName")?,
            event_bus: output("EventBusName")?,
            lead_worker_mapping_id: output("LeadWorkerMappingId")?,
            app_id: app.id,
            app_secret: app.secret,
            verify_token: app.verify_token,
            stack_name: STACK_NAME.to_owned(),
            ministack_log: ministack.log().display().to_string(),
            graph_sim_log: simulator.log().display().to_string(),
            aws_endpoint_url: endpoint,
        };
        say("waiting for the first answers");
        wait_until_healthy(&env.adrelay_url).await?;
        let groups = vec![(MINISTACK, ministack.group()), (SIMULATOR, simulator.group())];
        Ok(Self { env, aws, keeper: Some(keeper), groups })
    }

    /// Starts a stack that stays after this process, and writes `.local/stack.env`.
    ///
    /// # Errors
    /// As [`Self::start`], and when such a stack already runs.
    pub async fn start_and_leave(options: StartOptions) -> anyhow::Result<StackEnv> {
        let workspace = Workspace::locate()?;
        let left = Left::behind(&workspace);
        ensure!(!left.is_running(), "a stack is already running: `make down` ends it");
        left.forget()?;
        let mut stack = Self::start_in(&workspace, &left.directory, options).await?;
        left.remember(&stack.env, &stack.groups)?;
        if let Some(keeper) = stack.keeper.take() {
            keeper.release()?;
        }
        Ok(stack.env.clone())
    }

    /// Ends the stack that [`Self::start_and_leave`] left running; gives whether there was one.
    ///
    /// # Errors
    /// When its files cannot be removed.
    pub async fn end_left_running(workspace: &Workspace) -> anyhow::Result<bool> {
        let left = Left::behind(workspace);
        let mut found = false;
        for (marker, group) in left.groups() {
            if is_ours(group, &marker) {
                found = true;
                end_group(group).await?;
            }
        }
        left.forget()?;
        Ok(found)
    }

    /// Ends a stack that this value owns, and returns once nothing of it runs.
    ///
    /// # Errors
    /// When the keeper cannot be waited for.
    pub fn stop(mut self) -> anyhow::Result<()> {
        self.keeper.take().map_or(Ok(()), |mut keeper| keeper.finish())
    }

    /// Copies the logs to where the end of the stack leaves them, replacing those of an earlier failure.
    ///
    /// # Errors
    /// When they cannot be copied.
    pub fn keep_logs(&self) -> anyhow::Result<PathBuf> {
        let kept = Workspace::locate()?.local_dir().join("failed");
        fs::create_dir_all(&kept)?;
        for log in [&self.env.ministack_log, &self.env.graph_sim_log] {
            let log = Path::new(log);
            let name = log.file_name().context("a log has a name")?;
            fs::copy(log, kept.join(name)).with_context(|| log.display().to_string())?;
        }
        Ok(kept)
    }

    /// Addresses, names and credentials.
    #[must_use]
    pub fn env(&self) -> &StackEnv {
        &self.env
    }

    /// Signed calls of the local AWS, for what this library has no method for.
    #[must_use]
    pub fn aws(&self) -> &AwsApi {
        &self.aws
    }
}
