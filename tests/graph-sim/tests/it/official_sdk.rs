//! Meta's official Python SDK, unchanged, against the simulator.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use graph_sim::{EventFilter, Form, FormIds, Page, Sim, SimConfig, Submission, Token};
use serde_json::Value;

use crate::bench::PIXEL;

const TOKEN: &str = "EAAB|token/with+signs";

/// The interpreter of the environment that holds the SDK.
fn python() -> PathBuf {
    let by_default = || Path::new(env!("CARGO_MANIFEST_DIR")).join("../../.venv/sdk/bin/python");
    let python = std::env::var_os("ADRELAY_PYTHON_SDK").map_or_else(by_default, PathBuf::from);
    assert!(
        python.exists(),
        "no Python with Meta's SDK at {}: run `make tools`, or name one in ADRELAY_PYTHON_SDK \
         (its packages: tests/graph-sim/requirements-sdk.txt)",
        python.display()
    );
    python
}

fn run(base_url: &str, more: &[&str]) -> Output {
    Command::new(python())
        .arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/official_sdk.py"))
        .args(["--base-url", base_url, "--pixel", PIXEL, "--token", TOKEN])
        .args(more)
        .env("NO_PROXY", "127.0.0.1")
        .output()
        .unwrap()
}

fn printed(output: &Output) -> Value {
    let text = String::from_utf8_lossy(&output.stdout);
    serde_json::from_str(&text)
        .unwrap_or_else(|_| panic!("{text}\n{}", String::from_utf8_lossy(&output.stderr)))
}

fn sim() -> Sim {
    let sim = Sim::start(SimConfig::default()).unwrap();
    let token = Token {
        token: TOKEN.to_owned(),
        pixels: [PIXEL.to_owned()].into(),
        app_secret: Some("the secret".to_owned()),
        require_proof: true,
        ..Token::default()
    };
    sim.add_token(token).unwrap();
    sim
}

#[test]
fn its_events_are_taken_stored_and_free_of_flags() {
    let sim = sim();
    let output =
        run(sim.base_url(), &["--count", "100", "--app-secret", "the secret", "--id-prefix", "order"]);
    let result = printed(&output);
    assert!(output.status.success(), "{result}");
    assert_eq!(
        (&result["sent"], &result["events_received"], &result["requests"]),
        (&100.into(), &100.into(), &2.into())
    );
    let stored = sim.events(&EventFilter::default());
    assert_eq!(stored.len(), 100);
    for (number, stored) in stored.iter().enumerate() {
        assert_eq!(stored.event_id, Some(format!("order-{number}")));
        assert!(stored.flags.is_empty(), "{:?}", stored.flags);
        assert!(result["fbtrace_ids"].as_array().unwrap().contains(&Value::from(stored.fbtrace_id.as_str())));
    }
    let log = sim.requests();
    assert_eq!(log[0].token_in.as_deref(), Some("query"), "the SDK puts its token into the URL");
    assert_eq!(log[0].headers["content-type"], "application/x-www-form-urlencoded");
}

#[test]
fn it_reads_the_simulators_errors() {
    let sim = sim();
    let output = run(sim.base_url(), &["--app-secret", "another secret"]);
    let result = printed(&output);
    assert_eq!(output.status.code(), Some(1));
    assert_eq!((&result["status"], &result["error"]["error"]["code"]), (&400.into(), &100.into()));
    let output = run(sim.base_url(), &["--app-secret", "the secret", "--version", "v19.0"]);
    assert_eq!(printed(&output)["error"]["error"]["code"], 2635);
    assert!(sim.events(&EventFilter::default()).is_empty());
}

#[test]
fn it_subscribes_to_a_page_and_reads_its_leads() {
    let sim = Sim::start(SimConfig::default()).unwrap();
    let page = Page {
        page_id: "800000000000001".to_owned(),
        token: TOKEN.to_owned(),
        app_id: Some("77".to_owned()),
        app_secret: Some("the secret".to_owned()),
        ..Page::default()
    };
    sim.add_page(page).unwrap();
    let form_id = "810000000000001".to_owned();
    let form = Form { form_id: form_id.clone(), page_id: "800000000000001".to_owned(), ..Form::default() };
    sim.add_form(form).unwrap();
    let submission =
        Submission { form_id: FormIds::One(form_id.clone()), count: Some(8), ..Submission::default() };
    let made = sim.submit(&submission).unwrap();
    let output = Command::new(python())
        .arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/official_sdk_leads.py"))
        .args(["--base-url", sim.base_url(), "--page", "800000000000001", "--token", TOKEN])
        .args(["--app-secret", "the secret"])
        .env("NO_PROXY", "127.0.0.1")
        .output()
        .unwrap();
    let result = printed(&output);
    assert!(output.status.success(), "{result}");
    assert_eq!(result["subscribed_fields"], serde_json::json!(["leadgen"]));
    assert_eq!(
        (&result["forms"][0]["id"], &result["after_deletion"]),
        (&Value::from(form_id.as_str()), &0.into())
    );
    let mut listed: Vec<String> = serde_json::from_value(result["listed"].clone()).unwrap();
    listed.sort_unstable();
    assert_eq!(listed, made.ids, "its cursors reach every lead");
    for (read, submitted) in result["leads"].as_array().unwrap().iter().rev().zip(sim.leads(&form_id)) {
        assert_eq!(read["id"], submitted.id.as_str());
        assert_eq!(read["field_data"], serde_json::to_value(&submitted.field_data).unwrap());
        assert_eq!(read.get("ad_id").and_then(Value::as_str), submitted.ad_id.as_deref());
        assert_eq!(read["is_organic"], submitted.is_organic);
    }
}

#[test]
fn its_base_url_may_hold_a_path() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let prefix = "/_aws/execute-api/abc123/$default";
    let base_url = format!("http://{}{prefix}/", listener.local_addr().unwrap());
    let server = std::thread::spawn(move || answer_one(&listener));
    let output = run(&base_url, &[]);
    let target = server.join().unwrap();
    let path = target.split('?').next().unwrap();
    assert_eq!(path, format!("{prefix}/v26.0/{PIXEL}/events"));
    assert_eq!(printed(&output)["events_received"], 1);
}

/// Answers one request as Meta would and returns its target.
fn answer_one(listener: &TcpListener) -> String {
    let (mut stream, _) = listener.accept().unwrap();
    let mut reader = BufReader::new(stream.try_clone().unwrap());
    let mut lines = Vec::new();
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).unwrap();
        if line.trim().is_empty() {
            break;
        }
        lines.push(line);
    }
    let length = lines.iter().find_map(|line| {
        let (name, value) = line.split_once(':')?;
        name.eq_ignore_ascii_case("content-length").then(|| value.trim().parse::<usize>().unwrap())
    });
    let mut body = vec![0; length.unwrap()];
    reader.read_exact(&mut body).unwrap();
    let answer = r#"{"events_received":1,"messages":[],"fbtrace_id":"A1"}"#;
    write!(
        stream,
        "HTTP/1.1 200 OK\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{answer}",
        answer.len()
    )
    .unwrap();
    lines[0].split(' ').nth(1).unwrap().to_owned()
}
