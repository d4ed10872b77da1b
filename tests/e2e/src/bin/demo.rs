//! `make demo`: a product's events on their way to Meta, told for people.

#![expect(clippy::print_stdout, reason = "it is a show")]

use e2e::{Shop, lead, now_s, purchase, within};
use serde_json::{Value, json};
use stack::{Stack, StartOptions};

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    heading("A stack of its own");
    let options = StartOptions {
        build: false,
        progress: Box::new(|line| println!("  … {line}")),
        ..StartOptions::default()
    };
    let stack = Stack::start(options).await?;
    let shown = show(&stack).await;
    stack.stop()?;
    if shown.is_ok() {
        println!("\nThe stack is down again. `make up` leaves one running for you to play with.");
    }
    shown
}

async fn show(stack: &Stack) -> anyhow::Result<()> {
    heading("1. A tenant connects Meta");
    let shop = Shop::open(stack).await?;
    println!("  tenant      {}", shop.tenant);
    println!("  connection  {}  (system-user token, sealed; nobody gets it back)", shop.connection);
    println!("  pixel       {}", shop.pixel);
    println!("  source      {}  with an ingest key {}…", shop.source, &shop.key[..16]);

    heading("2. The product posts events");
    let mut ids = vec!["order-1001".to_owned()];
    post_one(&shop, "a good Purchase", &purchase("order-1001")).await?;
    post_one(&shop, "the same again (a repeat)", &purchase("order-1001")).await?;
    let mut bad = purchase("order-1002");
    bad["custom_data"]["currency"] = json!("bitcoins");
    bad["user_data"]["phone"] = json!("call me");
    post_one(&shop, "one with a bad currency", &bad).await?;
    let batch = batch();
    let answer = shop.post(&batch).await?;
    println!(
        "  ▸ a batch of {}: {} accepted, {} rejected",
        batch.len(),
        answer["accepted"],
        answer["rejected"]
    );
    for (event, result) in batch.iter().zip(answer["results"].as_array().into_iter().flatten()) {
        println!("      {:<21} {:<14} {}", name(event), text(&result["event_id"]), verdict(result));
        if result["status"] == "queued" {
            ids.push(text(&result["event_id"]));
        }
    }

    heading("3. What Meta received (the simulator, after deduplication)");
    shop.meta_holds(ids.len() as u64, 120).await?;
    for held in shop.sim.events(&shop.pixel).await? {
        let user = &held["event"]["user_data"];
        println!("  {:<21} {:<14} {}", text(&held["event_name"]), text(&held["event_id"]), hashes(user));
    }
    let calls = shop.sim.calls(&shop.pixel).await?;
    println!("  in {} call(s) to the Graph API; no token in any URL", calls.len());

    heading("4. A receipt for each event");
    for id in &ids {
        let receipt = within(60, "a receipt", || async {
            Ok(shop.receipts(id).await?.into_iter().find(|receipt| receipt["status"] == "sent"))
        })
        .await?;
        let repeats = receipt["repeats"].as_u64().unwrap_or(0);
        let repeats = if repeats > 0 { format!("  + {repeats} repeat") } else { String::new() };
        let trace = text(&receipt["fbtrace_id"]);
        println!(
            "  {:<14} {:<6} fbtrace {trace:<22}{repeats}",
            text(&receipt["event_id"]),
            text(&receipt["status"])
        );
    }
    Ok(())
}

async fn post_one(shop: &Shop, what: &str, event: &Value) -> anyhow::Result<()> {
    let answer = shop.api.call("POST", "/api/v1/meta/event", Some(&shop.key), Some(event)).await?;
    println!("  ▸ {what}: HTTP {}", answer.status);
    if answer.status == 202 {
        println!(
            "      {:<18} {:<14} {}",
            name(event),
            text(&answer.body["event_id"]),
            verdict(&answer.body)
        );
    }
    for error in answer.body["errors"].as_array().into_iter().flatten() {
        println!("      {}: {} ({})", text(&error["field"]), text(&error["message"]), text(&error["code"]));
    }
    Ok(())
}

fn batch() -> Vec<Value> {
    let mut signup = lead("signup-77", "maria.rossi@example.com");
    signup["event_name"] = json!("CompleteRegistration");
    signup["user_data"]["phone"] = json!("030 123456");
    let mut view = purchase("view-5");
    view["event_name"] = json!("ViewContent");
    let mut old = lead("lead-old", "old@example.com");
    old["event_time"] = json!(now_s() - 8 * 86_400);
    let mut nameless = lead("lead-nobody", "nobody");
    nameless["user_data"] = json!({"email": "not an address"});
    vec![signup, view, lead("lead-9", "Jürgen.Groß@example.de"), old, nameless]
}

fn heading(text: &str) {
    println!("\n\x1b[1m{text}\x1b[0m");
}

fn name(event: &Value) -> String {
    text(&event["event_name"])
}

fn text(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

fn verdict(result: &Value) -> String {
    let status = text(&result["status"]);
    let notes: Vec<String> = ["errors", "warnings"]
        .iter()
        .flat_map(|kind| result[*kind].as_array().into_iter().flatten())
        .map(|note| match note {
            Value::String(note) => note.clone(),
            note => format!("{}: {}", text(&note["field"]), text(&note["code"])),
        })
        .collect();
    if notes.is_empty() { status } else { format!("{status}  ({})", notes.join(", ")) }
}

fn hashes(user: &Value) -> String {
    let Some(keys) = user.as_object() else { return String::new() };
    let shown = keys.iter().map(|(key, value)| {
        let first = value.as_array().and_then(|values| values.first()).unwrap_or(value);
        let value = text(first);
        if value.len() == 64 { format!("{key}={}…", &value[..6]) } else { key.clone() }
    });
    shown.collect::<Vec<_>>().join(" ")
}
