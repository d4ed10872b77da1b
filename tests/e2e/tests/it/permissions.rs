//! Roles are enforced: without one statement its call is refused, and some secrets no stranger's function can read.
//!
//! That each right is needed, `stack permissions` shows after all tests.

use anyhow::{Context as _, ensure};
use e2e::{LeadPage, Shop, lead, restoring, text, tick};
use serde_json::{Value, json};
use stack::{Function, Stack};

/// How long a refusal, and the success after it, may take, in seconds.
const PATIENCE_S: u64 = 60;

/// A statement that is taken away, and the right whose refusal that shows.
struct Removal {
    function: Function,
    sid: &'static str,
    action: &'static str,
    resource: String,
}

impl Removal {
    fn new(function: Function, sid: &'static str, action: &'static str, resource: &str) -> Self {
        Self { function, sid, action, resource: resource.to_owned() }
    }

    /// How often the function was refused the right so far: once a process, as the log of its calls says.
    fn refusals(&self, stack: &Stack) -> anyhow::Result<usize> {
        let calls = stack.calls()?;
        let refused = calls.iter().filter(|call| {
            let right = &call.right;
            let same = right.function == self.function.name() && right.action == self.action;
            call.refused && same && right.resource.contains(&self.resource)
        });
        Ok(refused.count())
    }

    /// Takes the statement away, calls until IAM has refused the right, puts it back, calls until it works.
    async fn shown<F>(&self, stack: &Stack, works: impl Fn() -> F) -> anyhow::Result<()>
    where
        F: Future<Output = anyhow::Result<bool>>,
    {
        let (function, what) = (self.function, format!("{} without {}", self.function.name(), self.sid));
        let before = self.refusals(stack)?;
        let policy = stack.without_statement(function, self.sid).await?;
        let refused = async {
            // A fresh process remembers nothing from when the statement was there.
            stack.kill_function(function).await?;
            e2e::within(PATIENCE_S, &format!("{what} is refused"), || async {
                ensure!(!works().await?, "{what} works");
                Ok((self.refusals(stack)? > before).then_some(()))
            })
            .await
        };
        let restore = async {
            stack.restore_role(function, &policy).await?;
            stack.kill_function(function).await.map(drop)
        };
        restoring(refused, restore).await?;
        let what = format!("{} works again with {}", function.name(), self.sid);
        e2e::within(PATIENCE_S, &what, || async { Ok(works().await?.then_some(())) }).await
    }
}

/// Whether a call is answered with success.
async fn succeeds(shop: &Shop, method: &str, path: &str, key: &str, body: &Value) -> anyhow::Result<bool> {
    let body = Some(body).filter(|_| method != "GET");
    let answer = shop.api.call(method, path, Some(key), body).await?;
    Ok(matches!(answer.status, 200..300))
}

#[tokio::test]
async fn functions_that_take_requests_are_refused_what_their_role_lacks() -> anyhow::Result<()> {
    let stack = Stack::shared().await?;
    let shop = Shop::open(&stack).await?;
    let (config, people) = ("table/adrelay-config", "table/adrelay-people");
    let post = async |path: &str, body: Value| succeeds(&shop, "POST", path, &shop.key, &body).await;

    let ingest = Removal::new(Function::CapiIngest, "QueueEvents", "sqs:SendMessage", "adrelay-capi-events");
    let event = || post("/api/v1/meta/event", lead("ingest", "a@example.com"));
    ingest.shown(&stack, event).await?;

    let sid = "ReadSettingsAndMarkWhatNeedsAttention";
    let dispatch = Removal::new(Function::CapiDispatch, sid, "dynamodb:GetItem", config);
    dispatch.shown(&stack, || post("/api/v1/meta/event/sync", lead("dispatch", "a@example.com"))).await?;

    let track =
        Removal::new(Function::TrackConversion, "KeepPeopleAndConversions", "dynamodb:BatchGetItem", people);
    let identify = json!({"identity": {"email": "a@example.com"}});
    track.shown(&stack, || post("/api/v1/identify", identify.clone())).await
}

#[tokio::test]
async fn functions_that_work_on_leads_are_refused_what_their_role_lacks() -> anyhow::Result<()> {
    let stack = Stack::shared().await?;
    let page = LeadPage::open(&stack).await?;
    let shop = &page.shop;

    let challenge = format!(
        "/webhooks/leadgen?hub.mode=subscribe&hub.challenge=42&hub.verify_token={}",
        stack.env().verify_token
    );
    let secret = "secretsmanager:GetSecretValue";
    let webhook =
        Removal::new(Function::LeadgenWebhook, "CheckSignatures", secret, "secret:adrelay/meta-app");
    webhook.shown(&stack, || succeeds(shop, "GET", &challenge, "", &Value::Null)).await?;

    let worker = Removal::new(Function::LeadWorker, "KeepLeads", "dynamodb:Query", "table/adrelay-leads");
    worker.shown(&stack, || async { Ok(tick(&stack, Function::LeadWorker).await.is_ok()) }).await?;

    let lists = "table/adrelay-leads/index/by-time";
    let jobs = Removal::new(Function::JobWorker, "ListLeads", "dynamodb:Query", lists);
    let path = format!("/api/v1/leads/export?tenant_id={}", shop.tenant);
    jobs.shown(&stack, || async {
        // A job of its own each time: one whose worker was killed comes again much later.
        let job = shop.api.post(&path, &shop.root, &json!({"inline": false}), 202).await?;
        Ok(page.job(text(&job, "id")?, 2).await.is_ok_and(|job| job["state"] == "done"))
    })
    .await
}

#[tokio::test]
async fn a_redelivery_that_admin_api_may_not_queue_leaves_the_delivery_as_it_was() -> anyhow::Result<()> {
    let stack = Stack::shared().await?;
    let page = LeadPage::open(&stack).await?;
    let shop = &page.shop;
    let receiver = format!("again-{}", page.page);
    page.tell_receiver(&receiver, &json!({"status": 200})).await?;
    page.submit_one(&[("email", "again@example.com")], 0).await?;
    let delivered = e2e::within(PATIENCE_S, "the webhook is called", || async {
        Ok(page.received(&receiver).await?.into_iter().next())
    });
    let delivered = delivered.await?;
    let id = text(&delivered["headers"], "webhook-id")?;
    let open_pk = format!("\"T#{}#OPEN\"", shop.tenant);
    let is_open = async || -> anyhow::Result<bool> {
        let items = e2e::table_items(&stack, &stack.env().jobs_table).await?;
        Ok(items.iter().any(|item| item.contains(&open_pk)))
    };
    e2e::eventually("the delivery is done", || async { Ok(!is_open().await?) }).await?;

    let path = format!("/api/v1/lead-webhook/deliveries/{id}/redeliver?tenant_id={}", shop.tenant);
    let admin = Removal::new(Function::AdminApi, "AskForLeadsAndJobs", "sqs:SendMessage", "adrelay-jobs");
    admin
        .shown(&stack, || async {
            let queued = succeeds(shop, "POST", &path, &shop.root, &json!({})).await?;
            ensure!(queued || !is_open().await?, "what was not queued counts as open");
            Ok(queued)
        })
        .await
}

/// What a function gets when it asks for a secret, by its ARN or by its name: whether it was given the value.
async fn reads_secret(stack: &Stack, function: Function, secret_id: &str) -> anyhow::Result<bool> {
    let body = json!({"SecretId": secret_id});
    let answer = stack
        .as_function(function)
        .await?
        .json("secretsmanager", "secretsmanager.GetSecretValue", "1.1", &body)
        .await;
    match answer {
        Ok(answer) => Ok(answer["SecretString"].is_string()),
        Err(error) if format!("{error:#}").contains("AccessDenied") => Ok(false),
        Err(error) => Err(error),
    }
}

async fn secret_arn(stack: &Stack, name: &str) -> anyhow::Result<String> {
    let body = json!({"SecretId": name});
    let answer: Value =
        stack.aws().json("secretsmanager", "secretsmanager.DescribeSecret", "1.1", &body).await?;
    answer["ARN"].as_str().map(str::to_owned).with_context(|| format!("no ARN in {answer}"))
}

#[tokio::test]
async fn functions_that_strangers_reach_can_not_read_the_keyring_of_tokens() -> anyhow::Result<()> {
    let stack = Stack::shared().await?;
    let prefix = &stack.env().stack_name;
    let tokens = format!("{prefix}/keyring-tokens");
    let arn = secret_arn(&stack, &tokens).await?;
    for function in [Function::CapiIngest, Function::TrackConversion, Function::LeadgenWebhook] {
        for id in [&arn, &tokens] {
            ensure!(!reads_secret(&stack, function, id).await?, "{function:?} reads {id}");
        }
    }
    // Whoever needs it reads it, in the same way.
    for function in [Function::CapiDispatch, Function::LeadWorker, Function::JobWorker, Function::AdminApi] {
        ensure!(reads_secret(&stack, function, &arn).await?, "{function:?} can't read {arn}");
    }
    // And the others are refused this secret, not every one.
    for (function, name) in
        [(Function::TrackConversion, "keyring-pii"), (Function::LeadgenWebhook, "meta-app")]
    {
        let arn = secret_arn(&stack, &format!("{prefix}/{name}")).await?;
        ensure!(reads_secret(&stack, function, &arn).await?, "{function:?} can't read {arn}");
    }
    Ok(())
}
