//! Tenants' own systems are told of leads, and some of them fail.

use anyhow::ensure;
use e2e::{LeadShop, within};
use serde_json::{Value, json};
use stack::{Queue, Stack};

/// A shop whose webhook is `url`, with one submitted lead.
async fn shop_telling(stack: &Stack, url: &str, seed: u64) -> anyhow::Result<(LeadShop, String)> {
    let shop = LeadShop::open(stack, &[1]).await?;
    let body = json!({"tenant_id": shop.shop.tenant, "url": url});
    shop.shop.api.expect("PUT", "/api/v1/lead-webhook", &shop.shop.root, Some(&body), 200).await?;
    let form = &shop.pages[0].forms[0];
    let submitted = json!({"form_id": form, "count": 1, "seed": seed, "webhook": shop.announced(&json!({}))});
    shop.shop.sim.send("/_sim/leads", &submitted).await?;
    let lead = shop.holds(1, 120).await?.remove(0);
    Ok((shop, lead["id"].as_str().unwrap_or_default().to_owned()))
}

/// The tenant's deliveries that are not done.
async fn open_deliveries(shop: &LeadShop) -> anyhow::Result<Vec<Value>> {
    let list = shop.shop.of_tenant("/api/v1/lead-webhook/deliveries").await?;
    Ok(list["items"].as_array().cloned().unwrap_or_default())
}

#[tokio::test]
async fn three_receivers_fail_in_their_ways_and_a_fourth_is_unharmed() -> anyhow::Result<()> {
    let stack = Stack::shared().await?;
    let sim = e2e::Sim::new(&stack.env().graph_sim_url)?;
    let named = |name: &str| format!("{}/_receivers/{name}", sim.base());
    let nth = e2e::now_s();
    let (slow, broken, well) = (format!("slow{nth}"), format!("broken{nth}"), format!("well{nth}"));
    sim.send("/_sim/receivers", &json!({"name": slow, "answer": {"hang_ms": 60_000}})).await?;
    sim.send("/_sim/receivers", &json!({"name": broken, "answer": {"status": 500}})).await?;
    sim.send("/_sim/receivers", &json!({"name": well, "answer": {"status": 200}})).await?;
    // A port that was free a moment ago, and that nobody listens at.
    let refused = {
        let listener = std::net::TcpListener::bind("127.0.0.1:0")?;
        format!("http://{}/leads", listener.local_addr()?)
    };
    let mut failing = Vec::new();
    for (url, errors, seed) in [
        (named(&slow), &["timeout"][..], 1),
        (named(&broken), &["http_status"][..], 2),
        (refused, &["refused"][..], 3),
    ] {
        let (shop, lead) = shop_telling(&stack, &url, seed).await?;
        failing.push((shop, lead, errors));
    }
    let (fine, lead) = shop_telling(&stack, &named(&well), 4).await?;
    let got = within(60, "the receiver that is well is told at once", || async {
        let got = sim.read(&format!("/_sim/receivers/{well}")).await?;
        let calls = got["requests"].as_array().cloned().unwrap_or_default();
        Ok((!calls.is_empty()).then_some(calls))
    })
    .await?;
    ensure!(got.len() == 1 && got[0].to_string().contains(&lead), "{got:?}");
    ensure!(
        got[0]["headers"]["webhook-signature"].as_str().is_some_and(|text| text.starts_with("v1,")),
        "{got:?}"
    );
    ensure!(open_deliveries(&fine).await?.is_empty());

    // The local stack tries a few times only, with short pauses.
    for (shop, lead, errors) in &failing {
        let dead = within(300, "a delivery is a dead letter", || async {
            let open = open_deliveries(shop).await?;
            Ok(open.into_iter().find(|delivery| delivery["state"] == "dead"))
        })
        .await?;
        ensure!(dead["lead_id"] == json!(lead), "{dead}");
        ensure!(errors.contains(&dead["error"].as_str().unwrap_or_default()), "{dead}");
        ensure!(dead["attempts"].as_u64().is_some_and(|tries| tries > 1), "{dead}");
    }
    let tries = sim.read(&format!("/_sim/receivers/{broken}")).await?;
    let tries = tries["requests"].as_array().map_or(0, Vec::len);
    ensure!(tries > 1, "it was tried {tries} times");

    // Once it is well again, somebody asks for what it missed.
    sim.send("/_sim/receivers", &json!({"name": broken, "answer": {"status": 200}})).await?;
    let (shop, ..) = &failing[1];
    let id = open_deliveries(shop).await?[0]["id"].as_str().unwrap_or_default().to_owned();
    let body = json!({"tenant_id": shop.shop.tenant});
    let path = format!("/api/v1/lead-webhook/deliveries/{id}/redeliver");
    shop.shop.api.post(&path, &shop.shop.root, &body, 202).await?;
    within(60, "nothing is left open", || async {
        Ok(open_deliveries(shop).await?.is_empty().then_some(()))
    })
    .await?;
    ensure!(stack.dead_letters_of(Queue::Jobs).await?.total() == 0, "no bug reached the dead letters");
    Ok(())
}
