//! The binary: one line on stdout, JSON on stderr, a clean end on a signal.

use std::io::{BufRead, BufReader, Read};
use std::process::{Child, Command, Stdio};

use serde_json::{Value, json};

use crate::bench::{Reply, client};

/// Ends the program also when a test fails half-way.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _already_ended = self.0.kill();
        let _reaped = self.0.wait();
    }
}

async fn ends_cleanly_on(signal: &str) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_graph-sim"));
    let child = command.args(["--port", "0"]).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut running = Running(child);
    let mut stdout = BufReader::new(running.0.stdout.take().unwrap());
    let mut line = String::new();
    stdout.read_line(&mut line).unwrap();
    let base_url = line.trim_end();
    assert!(base_url.starts_with("http://127.0.0.1:"), "{line:?}");
    let http = client();
    let health = http.get(format!("{base_url}/_sim/health")).send().await.unwrap();
    assert_eq!(Reply::of(health).await.body, json!({"ok": true}));
    let refused = http.get(format!("{base_url}/v26.0/me?access_token=secret-token")).send().await.unwrap();
    assert_eq!(refused.status(), 401);
    let kill = Command::new("kill").args([signal, &running.0.id().to_string()]).status().unwrap();
    assert!(kill.success());
    assert_eq!(running.0.wait().unwrap().code(), Some(0));
    let mut rest = String::new();
    stdout.read_to_string(&mut rest).unwrap();
    assert_eq!(rest, "");
    let mut logs = String::new();
    running.0.stderr.take().unwrap().read_to_string(&mut logs).unwrap();
    let logs: Vec<Value> = logs.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(logs.last().unwrap()["fields"]["message"], "stopped");
    assert!(logs.iter().any(|line| line["fields"]["path"] == "/v26.0/me"));
    assert!(!json!(logs).to_string().contains("secret-token"));
}

#[tokio::test]
async fn it_prints_its_url_and_ends_on_sigterm() {
    ends_cleanly_on("-TERM").await;
}

#[tokio::test]
async fn it_prints_its_url_and_ends_on_ctrl_c() {
    ends_cleanly_on("-INT").await;
}

#[test]
fn it_explains_itself() {
    let output = Command::new(env!("CARGO_BIN_EXE_graph-sim")).arg("--help").output().unwrap();
    let help = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success() && help.contains("--port") && help.contains("--host"), "{help}");
}
