//! Deploys the template with the real SAM CLI and fills the secrets.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::path::Path;
use std::process::Stdio;

use anyhow::{Context, ensure};
use serde::Deserialize;
use tokio::io::AsyncWriteExt as _;
use tokio::process::Command;

use crate::environment::{AWS_KEY, AWS_REGION};
use crate::processes::log_tail;
use crate::workspace::Workspace;

pub(crate) const STACK_NAME: &str = "adrelay";

/// A Meta app as the deployment knows it.
pub(crate) struct MetaApp {
    pub(crate) id: String,
    pub(crate) secret: String,
    pub(crate) verify_token: String,
}

/// One deployment into a running local AWS.
pub(crate) struct Deployment<'a> {
    pub(crate) workspace: &'a Workspace,
    pub(crate) endpoint: &'a str,
    /// Where SAM keeps its log and its own files.
    pub(crate) directory: &'a Path,
}

impl Deployment<'_> {
    /// Runs `sam deploy` with the local profile of `samconfig.toml`, `overrides` winning over it.
    pub(crate) async fn run(&self, overrides: &[(String, String)]) -> anyhow::Result<()> {
        let log = self.directory.join("deploy.log");
        let output = File::create(&log)?;
        let mut command = self.aws_command(&self.workspace.python_tool("sam", "sam")?);
        command.args(["deploy", "--config-env", "local", "--template-file", "template.yaml"]);
        // SAM takes parameters from its configuration or from the command line, never from both.
        command.arg("--parameter-overrides");
        for (name, value) in self.parameters(overrides)? {
            command.arg(format!("{name}={value}"));
        }
        let status = command.stdin(Stdio::null()).stdout(output.try_clone()?).stderr(output).status().await?;
        ensure!(status.success(), "sam deploy failed:\n{}", log_tail(&log));
        Ok(())
    }

    /// Fills the empty secrets; gives the first admin key.
    pub(crate) async fn init_secrets(&self) -> anyhow::Result<String> {
        let mut command = self.aws_command(&self.workspace.python_tool("sam", "python")?);
        command.args(["infra/init_secrets.py", "--stack-name", STACK_NAME]);
        let output = command.stdin(Stdio::null()).output().await?;
        ensure!(
            output.status.success(),
            "init_secrets.py failed:\n{}",
            String::from_utf8_lossy(&output.stderr)
        );
        let key = String::from_utf8(output.stdout)?.trim().to_owned();
        ensure!(key.starts_with("adr_admin_"), "init_secrets.py printed no admin key");
        Ok(key)
    }

    /// Tells the deployment that it has a Meta app; made up, as there is nothing to keep secret here.
    pub(crate) async fn init_meta_app(&self) -> anyhow::Result<MetaApp> {
        let (id, secret) =
            ("1500000000000042".to_owned(), format!("local-app-secret-{}", std::process::id()));
        let mut command = self.aws_command(&self.workspace.python_tool("sam", "python")?);
        command.args(["infra/init_secrets.py", "--stack-name", STACK_NAME, "--meta-app", &id]);
        let mut child =
            command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn()?;
        let mut input = child.stdin.take().context("init_secrets.py takes the app secret")?;
        input.write_all(secret.as_bytes()).await?;
        drop(input);
        let output = child.wait_with_output().await?;
        ensure!(
            output.status.success(),
            "init_secrets.py --meta-app failed:\n{}",
            String::from_utf8_lossy(&output.stderr)
        );
        let verify_token = String::from_utf8(output.stdout)?.trim().to_owned();
        ensure!(!verify_token.is_empty(), "init_secrets.py printed no verify token");
        Ok(MetaApp { id, secret, verify_token })
    }

    fn parameters(&self, overrides: &[(String, String)]) -> anyhow::Result<BTreeMap<String, String>> {
        let profile =
            fs::read_to_string(self.workspace.root().join("samconfig.toml")).context("samconfig.toml")?;
        let mut parameters = local_profile(&profile)?;
        parameters.insert("Architecture".into(), architecture().into());
        parameters.extend(overrides.iter().cloned());
        Ok(parameters)
    }

    fn aws_command(&self, program: &Path) -> Command {
        let mut command = Command::new(program);
        command
            .current_dir(self.workspace.root())
            .kill_on_drop(true)
            .env("AWS_ENDPOINT_URL", self.endpoint)
            .env("AWS_ACCESS_KEY_ID", AWS_KEY)
            .env("AWS_SECRET_ACCESS_KEY", AWS_KEY)
            .env("AWS_DEFAULT_REGION", AWS_REGION)
            .env("AWS_REGION", AWS_REGION)
            .env("SAM_CLI_TELEMETRY", "0")
            .env("__SAM_CLI_APP_DIR", self.directory.join("sam"))
            // A developer's own profile must never decide where this goes.
            .env("AWS_CONFIG_FILE", "/dev/null")
            .env("AWS_SHARED_CREDENTIALS_FILE", "/dev/null")
            .env_remove("AWS_PROFILE")
            .env_remove("AWS_SESSION_TOKEN");
        command
    }
}

/// What the template says of itself once it is deployed.
pub(crate) async fn outputs(aws: &crate::AwsApi) -> anyhow::Result<BTreeMap<String, String>> {
    let xml = aws
        .query("cloudformation", format!("Action=DescribeStacks&Version=2010-05-15&StackName={STACK_NAME}"))
        .await?;
    let outputs = xml.split("<OutputKey>").skip(1).filter_map(|part| {
        let (key, rest) = part.split_once("</OutputKey>")?;
        let value = rest.split_once("<OutputValue>")?.1.split_once("</OutputValue>")?.0;
        Some((key.to_owned(), value.replace("&amp;", "&")))
    });
    Ok(outputs.collect())
}

fn local_profile(samconfig: &str) -> anyhow::Result<BTreeMap<String, String>> {
    #[derive(Deserialize)]
    struct File {
        local: Profile,
    }
    #[derive(Deserialize)]
    struct Profile {
        deploy: Deploy,
    }
    #[derive(Deserialize)]
    struct Deploy {
        parameters: Parameters,
    }
    #[derive(Deserialize)]
    struct Parameters {
        parameter_overrides: Vec<String>,
    }
    let file: File = toml::from_str(samconfig).context("samconfig.toml")?;
    file.local
        .deploy
        .parameters
        .parameter_overrides
        .iter()
        .map(|pair| {
            let (name, value) = pair.split_once('=').with_context(|| format!("no NAME=value: {pair}"))?;
            Ok((name.to_owned(), value.to_owned()))
        })
        .collect()
}

/// AWS's word for this machine.
fn architecture() -> &'static str {
    if std::env::consts::ARCH == "aarch64" { "arm64" } else { "x86_64" }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_local_profile_turns_every_gate_of_the_template_on() {
        let workspace = Workspace::locate().unwrap();
        let profile =
            local_profile(&fs::read_to_string(workspace.root().join("samconfig.toml")).unwrap()).unwrap();
        let template = fs::read_to_string(workspace.root().join("template.yaml")).unwrap();
        let parameters = template.split("\nConditions:").next().unwrap();
        let gates: Vec<&str> = parameters
            .lines()
            .filter_map(|line| {
                line.strip_prefix("  ")?.strip_suffix("Enabled:").filter(|gate| !gate.starts_with(' '))
            })
            .collect();
        assert!(!gates.is_empty());
        for gate in gates {
            assert_eq!(
                profile.get(&format!("{gate}Enabled")).map(String::as_str),
                Some("true"),
                "{gate}Enabled"
            );
        }
    }

    #[test]
    fn overrides_win_over_the_profile() {
        let workspace = Workspace::locate().unwrap();
        let deployment = Deployment { workspace: &workspace, endpoint: "", directory: Path::new("") };
        let parameters = deployment.parameters(&[("Stage".into(), "elsewhere".into())]).unwrap();
        assert_eq!(parameters["Stage"], "elsewhere");
        assert_eq!(parameters["QueueVisibilitySeconds"], "120");
    }
}
