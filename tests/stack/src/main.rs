//! `stack up`, `stack down`, `stack status`, `stack env`, `stack permissions`, `stack run -- <command>`.

use std::io::{self, Write};
use std::process::{Command, ExitCode};

use clap::{Parser, Subcommand};
use stack::{Stack, StackEnv, StartOptions, Workspace};
use tokio::signal::unix::{SignalKind, signal};

/// The local stack: adrelay on this machine, with a local AWS and a local Meta.
#[derive(Parser)]
#[command(version)]
struct Arguments {
    #[command(subcommand)]
    order: Order,
}

#[derive(Subcommand)]
enum Order {
    /// Start a stack, write .local/stack.env, leave it running
    Up {
        /// Take the binaries as they are
        #[arg(long)]
        no_build: bool,
    },
    /// End the stack that `up` left running
    Down,
    /// Say whether a stack runs; exit status 1 if not
    Status,
    /// Print the running stack's variables
    Env,
    /// Compare the rights that the running stack's functions have used with their roles; exit status 1 if they differ
    Permissions,
    /// Start a stack for one command, give it the stack's variables, end the stack afterwards
    Run {
        /// Take the binaries as they are
        #[arg(long)]
        no_build: bool,
        /// The command and its arguments
        #[arg(trailing_var_arg = true, required = true)]
        command: Vec<String>,
    },
}

#[tokio::main]
async fn main() -> ExitCode {
    let order = Arguments::parse().order;
    let interrupted = async {
        let terminated = async {
            match signal(SignalKind::terminate()) {
                Ok(mut signals) => signals.recv().await,
                Err(_) => std::future::pending().await,
            }
        };
        tokio::select! {
            _ = tokio::signal::ctrl_c() => {}
            _ = terminated => {}
        }
    };
    // Whatever was started belongs to a keeper, which ends it when this process does.
    let result = tokio::select! {
        result = carry_out(order) => result,
        () = interrupted => Err(anyhow::anyhow!("interrupted")),
    };
    match result {
        Ok(code) => code,
        Err(error) => {
            say(&mut io::stderr(), &format!("stack: {error:#}"));
            ExitCode::FAILURE
        }
    }
}

async fn carry_out(order: Order) -> anyhow::Result<ExitCode> {
    let workspace = Workspace::locate()?;
    let mut out = io::stdout();
    match order {
        Order::Up { no_build } => {
            let env = Stack::start_and_leave(options(no_build)).await?;
            say(&mut out, &how_to_use(&env));
        }
        Order::Down => {
            let ended = Stack::end_left_running(&workspace).await?;
            say(&mut out, if ended { "the stack has ended" } else { "no stack was running" });
        }
        Order::Status => match Stack::left_running(&workspace) {
            Ok(stack) => say(&mut out, &format!("running: {}", stack.env().adrelay_url)),
            Err(error) => {
                say(&mut out, &error.to_string());
                return Ok(ExitCode::FAILURE);
            }
        },
        Order::Env => {
            let stack = Stack::left_running(&workspace)?;
            say(&mut out, stack.env().to_file_text().trim_end());
        }
        Order::Permissions => {
            let within_run = std::env::var_os("ADRELAY_URL").is_some();
            let stack = if within_run { Stack::from_env()? } else { Stack::left_running(&workspace)? };
            let report = stack.permissions().await?;
            say(&mut out, &report.to_string());
            return Ok(if report.is_clean() { ExitCode::SUCCESS } else { ExitCode::FAILURE });
        }
        Order::Run { no_build, command } => return run(options(no_build), &command).await,
    }
    Ok(ExitCode::SUCCESS)
}

async fn run(options: StartOptions, command: &[String]) -> anyhow::Result<ExitCode> {
    let stack = Stack::start(options).await?;
    let (program, arguments) = command.split_first().ok_or_else(|| anyhow::anyhow!("no command"))?;
    let mut child = tokio::process::Command::from(Command::new(program));
    let status = child.args(arguments).envs(stack.env().variables()).kill_on_drop(true).status().await;
    let status = status?;
    if !status.success() {
        let kept = stack.keep_logs()?;
        say(&mut io::stderr(), &format!("stack: its logs are kept in {}", kept.display()));
    }
    stack.stop()?;
    let code = status.code().and_then(|code| u8::try_from(code).ok());
    Ok(code.map_or(ExitCode::FAILURE, ExitCode::from))
}

fn options(no_build: bool) -> StartOptions {
    StartOptions {
        build: !no_build,
        progress: Box::new(|step| say(&mut io::stderr(), &format!("· {step}"))),
        ..StartOptions::default()
    }
}

/// Writes a line; who listens may be gone, which is no reason to fail.
fn say(out: &mut impl Write, line: &str) {
    let _ = writeln!(out, "{line}");
}

fn how_to_use(env: &StackEnv) -> String {
    format!(
        r#"
adrelay runs at  {adrelay}
Meta (graph-sim) {sim}
AWS (MiniStack)  {aws}

Its variables are in .local/stack.env; values are quoted for any shell:

    set -a; . .local/stack.env; set +a

Create a tenant, with the admin key:

    curl -sS "$ADRELAY_URL/api/v1/tenants" -H "Authorization: Bearer $ADRELAY_ADMIN_KEY" \
         -H 'Content-Type: application/json' -d '{{"name":"Acme"}}'

Every other endpoint:

    curl -sS "$ADRELAY_URL/api/v1/openapi.json"

What Meta would have received:

    curl -sS "$GRAPH_SIM_URL/_sim/events"

Logs: {log}
End it with `make down`."#,
        adrelay = env.adrelay_url,
        sim = env.graph_sim_url,
        aws = env.aws_endpoint_url,
        log = env.ministack_log,
    )
}
