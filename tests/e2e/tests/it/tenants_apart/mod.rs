//! Nothing crosses a tenant: every route of the OpenAPI document is tried with another tenant's keys.

mod owned;
mod routes;

use std::collections::BTreeSet;

use anyhow::{Context as _, ensure};
use e2e::{Answer, LeadPage, Shop};
use futures_util::stream::{self, StreamExt as _};
use serde_json::Value;
use stack::Stack;

use self::owned::{EVENTS, Owned};
use self::routes::{Right, Route, references};

const SCOPES: [&str; 4] = ["admin", "people", "ingest", "public"];
/// Calls at the same time.
const CONCURRENT: usize = 4;

/// Routes that can't be asked for anything of another tenant, and why.
const NEVER_ASKED: [&str; 5] = [
    // Open to everybody.
    "GET /api/v1/health",
    "GET /api/v1/openapi.json",
    // The root key makes tenants; others see their own alone.
    "GET /api/v1/tenants",
    "POST /api/v1/tenants",
    // The key alone says whose it is, and an event names no pixel.
    "POST /b/events",
];

/// Codes that say whose a thing is, or is not.
const WHOSE: [&str; 3] = ["tenant_forbidden", "pixel_not_allowed", "pixel_taken"];

/// An answer's code; that of the field or the event that it is about, where it names one.
fn code(answer: &Answer) -> &str {
    let body = &answer.body;
    [
        &body["errors"][0]["code"],
        &body["results"][0]["errors"][0]["code"],
        &body["error"]["error_data"]["code"],
    ]
    .into_iter()
    .find_map(Value::as_str)
    .unwrap_or_else(|| answer.code())
}

/// Who tries, and with what.
struct Trial<'a> {
    api: &'a e2e::Api,
    owner: &'a Shop,
    theirs: &'a Owned,
    keys: &'a [(&'static str, String)],
}

impl Trial<'_> {
    /// Calls, and checks that the answer tells nothing of the owner's that the request did not hold.
    async fn call(
        &self,
        what: &str,
        verb: &str,
        path: &str,
        key: &str,
        body: Option<&Value>,
    ) -> anyhow::Result<Answer> {
        let answer = self.api.call(verb, path, Some(key), body).await?;
        let sent = format!("{path} {}", body.map(Value::to_string).unwrap_or_default());
        let text = answer.body.to_string();
        for secret in self.theirs.secrets()? {
            ensure!(sent.contains(secret) || !text.contains(secret), "{what} tells {secret}: {answer:?}");
        }
        Ok(answer)
    }

    /// Tries a route with each of the stranger's keys; gives its name where it was seen to ask whose things are.
    async fn route(&self, route: &Route<'_>) -> anyhow::Result<Option<String>> {
        let (path, query) = (self.theirs.fill(route.template)?, route.query(self.theirs)?);
        let with = |more: &str| {
            let query: Vec<&str> =
                [query.as_str(), more].into_iter().filter(|part| !part.is_empty()).collect();
            if query.is_empty() { path.clone() } else { format!("{path}?{}", query.join("&")) }
        };
        let (verb, mut asked) = (route.method.to_uppercase(), false);
        for (scope, key) in self.keys {
            let what = format!("{} with a stranger's {scope} key", route.name());
            let body = if route.is_open() { None } else { route.body(self.theirs, key)? };
            let answer = self.call(&what, &verb, &with(""), key, body.as_ref()).await?;
            let got = (answer.status, code(&answer));
            if route.is_open() {
                ensure!(answer.status == 200, "{what}: {answer:?}");
            } else if !route.scopes()?.contains(scope) {
                let right = if (route.name().as_str(), *scope) == ("POST /api/v1/tenants", "admin") {
                    "root_required"
                } else {
                    "scope_insufficient"
                };
                ensure!(got == (403, right), "{what}: {answer:?}");
            } else {
                match route.right()? {
                    Right::Refused(status, code) => {
                        ensure!(got == (status, code), "{what}: not {status} {code}, but {answer:?}");
                        asked |= code.ends_with("_unknown") || WHOSE.contains(&code);
                    }
                    Right::OwnThings => ensure!(own(&answer), "{what}: {answer:?}"),
                }
                if route.takes_tenant() {
                    let path = with(&format!("tenant_id={}", self.owner.tenant));
                    let answer = self.call(&what, &verb, &path, key, body.as_ref()).await?;
                    let got = (answer.status, code(&answer));
                    ensure!(got == (403, "tenant_forbidden"), "{what} and the owner's tenant: {answer:?}");
                    asked = true;
                }
            }
        }
        Ok(asked.then(|| route.name()))
    }
}

/// What a route may say of the caller's own things, where it names nothing of the owner's.
fn own(answer: &Answer) -> bool {
    match answer.status {
        200..=204 => true,
        // There is no webhook, or no page or source of that name; the stranger's rules are none, or changed meanwhile.
        404 => matches!(code(answer), "webhook_unknown" | "page_unknown" | "source_unknown"),
        409 => matches!(code(answer), "version_conflict" | "rules_exist"),
        // The page of a browser that the stranger's source does not name.
        403 => code(answer) == "origin_not_allowed",
        _ => false,
    }
}

#[tokio::test]
async fn another_tenants_keys_read_and_change_nothing_at_any_route() -> anyhow::Result<()> {
    let stack = Stack::shared().await?;
    let (page, stranger) = (LeadPage::open(&stack).await?, Shop::open(&stack).await?);
    let theirs = Owned::make(&page).await?;
    let owner = &page.shop;
    let before = theirs.everything(owner).await?;
    let mut keys = Vec::new();
    for scope in SCOPES {
        keys.push((scope, stranger.new_key(scope).await?));
    }
    let trial = Trial { api: &owner.api, owner, theirs: &theirs, keys: &keys };

    let document = owner.api.get("/api/v1/openapi.json", &owner.root).await?;
    let mut routes = Vec::new();
    for (template, methods) in document["paths"].as_object().context("paths")? {
        for (method, operation) in methods.as_object().context("methods")? {
            routes.push(Route { method, template, operation });
        }
    }
    ensure!(routes.len() > 80, "{} routes", routes.len());
    let tried: Vec<anyhow::Result<Option<String>>> =
        stream::iter(&routes).map(|route| trial.route(route)).buffer_unordered(CONCURRENT).collect().await;
    let wrong: Vec<String> =
        tried.iter().filter_map(|tried| Some(format!("{:#}", tried.as_ref().err()?))).collect();
    ensure!(wrong.is_empty(), "{} routes answer otherwise:\n{}", wrong.len(), wrong.join("\n"));
    let asked: BTreeSet<String> = tried.into_iter().filter_map(Result::ok).flatten().collect();
    let all: BTreeSet<String> = routes.iter().map(Route::name).collect();
    let never: BTreeSet<&str> = all.difference(&asked).map(String::as_str).collect();
    ensure!(never == BTreeSet::from(NEVER_ASKED), "never asked whose it is: {never:?}");

    for (verb, path, body, status, right) in references(&theirs, &stranger)? {
        let what = format!("{verb} {path} with {body}");
        let answer = trial.call(&what, verb, &path, &keys[0].1, Some(&body)).await?;
        ensure!((answer.status, code(&answer)) == (status, right), "{what}: {answer:?}");
    }

    let after = theirs.everything(owner).await?;
    ensure!(before == after, "something of the owner's changed: {before:?} became {after:?}");
    ensure!(
        owner.sim.total(&owner.pixel).await? == EVENTS,
        "no event of a stranger reached the owner's pixel"
    );
    Ok(())
}
