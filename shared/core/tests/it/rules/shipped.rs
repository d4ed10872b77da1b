//! The shipped set, row by row.

use adrelay_core::people::Stage;
use adrelay_core::rules::{Condition, RuleSet, default_rules};
use serde_json::{Value, json};

use crate::rules::world::{decide, sent, source};

fn shipped() -> RuleSet {
    RuleSet { version: 1, rules: default_rules().unwrap() }
}

/// An event, what it fires with which custom_data, and the stage that it speaks for.
type Row = (&'static str, Vec<(&'static str, Value)>, Option<Stage>);

#[test]
fn each_event_of_a_product_fires_its_row() {
    let price = |price: f64| json!({"value": price, "currency": "EUR"});
    let called = |name: &str| json!({"content_name": name});
    let (lead, activated, customer) = (Some(Stage::Lead), Some(Stage::Activated), Some(Stage::Customer));
    let rows: Vec<Row> = vec![
        ("account_created", vec![("Lead", json!({}))], lead),
        ("signup", vec![("Lead", json!({}))], lead),
        ("lead_captured", vec![("Lead", json!({}))], lead),
        ("trial_started", vec![("StartTrial", json!({}))], activated),
        ("subscription_purchased", vec![("Purchase", price(29.0))], customer),
        ("first_feature_used", vec![("CompleteRegistration", json!({}))], activated),
        ("upgraded", vec![("Purchase", price(9.5))], customer),
        ("snap_created", vec![("SnapCreated", json!({}))], activated),
        ("book_published", vec![("BookPublished", json!({}))], activated),
        ("post_published", vec![("PostPublished", json!({}))], activated),
        ("report_generated", vec![("ReportGenerated", json!({}))], activated),
        ("pro_upgrade", vec![("Purchase", price(7.0))], customer),
        ("course_enrolled", vec![("Subscribe", price(7.0))], customer),
        ("date_reserved", vec![("Schedule", json!({}))], activated),
        ("letter_sent", vec![("Purchase", price(1.5))], customer),
        ("WidgetView", vec![("GreetNow_WidgetView", called("Widget view"))], None),
        (
            "CallStarted",
            vec![("GreetNow_CallStarted", called("Call started")), ("Lead", called("Call started"))],
            lead,
        ),
    ];
    let fields =
        json!({"plan_price": 29.0, "upgrade_price": 9.5, "letter_cost": 1.5, "value": 7.0, "secret": "x"});
    for (trigger, fired, stage) in rows {
        let decision = decide(&shipped(), &source(&[]), trigger, &fields, None);
        let told: Vec<(&str, Value)> = decision
            .fired
            .iter()
            .map(|fired| (fired.event_name.as_str(), Value::Object(fired.custom_data.clone())))
            .collect();
        assert_eq!((told, decision.stage), (fired, stage), "{trigger}");
        assert!(!decision.send_trigger, "{trigger}");
    }
}

#[test]
fn a_b2b_source_fires_more() {
    for (trigger, names) in [
        ("WidgetView", vec!["GreetNow_WidgetView", "GreetNow_WidgetView_B2B"]),
        ("CallStarted", vec!["GreetNow_CallStarted", "Lead", "GreetNow_CallStarted_B2B"]),
        ("signup", vec!["Lead"]),
    ] {
        let decision = decide(&shipped(), &source(&["b2b"]), trigger, &json!({}), None);
        assert_eq!(sent(&decision, trigger), names);
    }
}

#[test]
fn who_leaves_is_churned_and_the_event_goes_out_as_it_is() {
    for trigger in ["subscription_cancelled", "account_deleted"] {
        let decision = decide(&shipped(), &source(&[]), trigger, &json!({}), None);
        assert_eq!(
            (sent(&decision, trigger), decision.stage),
            (vec![trigger.to_owned()], Some(Stage::Churned))
        );
    }
}

#[test]
fn no_shipped_rule_needs_the_person() {
    for rule in shipped().rules {
        assert!(rule.enabled && rule.sources.is_empty(), "{}", rule.id);
        assert!(rule.fire.iter().all(|fire| fire.once.is_none()), "{}", rule.id);
        assert!(!rule.when.iter().any(Condition::needs_person), "{}", rule.id);
    }
}

#[test]
fn the_documented_table_names_every_shipped_rule() {
    let docs = include_str!("../../../../../docs/rules.md");
    for rule in shipped().rules {
        let rows = docs.lines().filter(|line| line.starts_with(&format!("| `{}` |", rule.id)));
        let row: Vec<&str> = rows.collect();
        let [row] = row.as_slice() else { panic!("{} has {} rows", rule.id, row.len()) };
        for name in rule.events.iter().chain(rule.fire.iter().map(|fire| &fire.event_name)) {
            assert!(row.contains(&format!("`{name}`")), "{}: {name}", rule.id);
        }
        let stage = rule.stage.map_or("–", Stage::as_str);
        assert!(row.ends_with(&format!("| {stage} |")), "{}: {stage}", rule.id);
    }
}
