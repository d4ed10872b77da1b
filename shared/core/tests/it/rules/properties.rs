//! What holds for every set and event.

use std::collections::HashSet;

use adrelay_core::ids::{EventId, EventName};
use adrelay_core::people::Stage;
use adrelay_core::rules::{MAX_FIRED, Outcome, RuleSet, event_ids, parse};
use proptest::prelude::*;
use serde_json::{Value, json};

use crate::rules::world::{Somebody, decide, source};

fn condition() -> impl Strategy<Value = Value> {
    prop_oneof![
        Just(json!({"source_has_flag": "b2b"})),
        Just(json!({"source_has_not_flag": "b2b"})),
        (0_u32..20).prop_map(|least| json!({"value": {"at_least": least}})),
        (0_u32..3).prop_map(|seats| json!({"field": {"name": "seats", "equals": seats}})),
        Just(json!({"person_stage": ["lead"]})),
        (0_u32..3).prop_map(|most| json!({"person_times": {"event_name": "b", "days": 7, "at_most": most}})),
    ]
}

fn fire() -> impl Strategy<Value = Value> {
    let once = prop_oneof![3 => Just(Value::Null), 1 => Just(json!("person"))];
    ("[AB]", once, any::<bool>()).prop_map(|(name, once, valued)| {
        let value = if valued { json!({"field": "value"}) } else { Value::Null };
        json!({"event_name": name, "once": once, "value": value})
    })
}

fn rule() -> impl Strategy<Value = Value> {
    let parts = (
        "[ab]",
        prop::collection::vec(condition(), 0..3),
        prop::collection::vec(fire(), 1..5),
        any::<(bool, bool)>(),
    );
    parts.prop_map(|(event, when, fire, (enabled, pass_through))| {
        json!({"events": [event], "when": when, "fire": fire, "enabled": enabled, "pass_through": pass_through})
    })
}

fn rules() -> impl Strategy<Value = RuleSet> {
    prop::collection::vec(rule(), 0..12).prop_map(|mut rules| {
        for (nth, rule) in rules.iter_mut().enumerate() {
            rule["id"] = json!(format!("r{nth}"));
        }
        RuleSet { version: 1, rules: parse(&json!(rules)).unwrap() }
    })
}

proptest! {
    #[test]
    fn a_decision_depends_on_nothing_but_event_person_and_rules(
        rules in rules(), b2b in any::<bool>(), value in 0_u32..20, seats in 0_u32..3, known in any::<bool>(), did in 0_usize..4,
    ) {
        let source = source(if b2b { &["b2b"] } else { &[] });
        let fields = json!({"value": value, "seats": seats});
        let somebody = known.then(|| Somebody::new(&[("b", did)], Some(Stage::Lead)));
        let decision = decide(&rules, &source, "a", &fields, somebody.as_ref());
        prop_assert_eq!(&decide(&rules, &source, "a", &fields, somebody.as_ref()), &decision);

        let stored: RuleSet = serde_json::from_str(&serde_json::to_string(&rules).unwrap()).unwrap();
        prop_assert_eq!(&decide(&stored, &source, "a", &fields, somebody.as_ref()), &decision);

        prop_assert!(decision.fired.len() <= MAX_FIRED);
        prop_assert!(decision.send_trigger || !decision.fired.is_empty(), "something goes out");
        prop_assert!(known || decision.fired.iter().all(|fired| fired.once.is_none()));
        let name = EventName::parse("a").unwrap();
        prop_assert!(rules.names(&source, &name) || decision.fired.is_empty());
        let listening = rules.rules.iter().filter(|rule| rule.events.contains(&name)).count();
        prop_assert_eq!(decision.considered.len(), listening);

        let trigger = EventId::parse("e").unwrap();
        let names: Vec<&EventName> = decision.fired.iter().map(|fired| &fired.event_name).collect();
        let ids = event_ids(&trigger, &names);
        let pairs: HashSet<(&EventName, EventId)> = names.iter().copied().zip(ids).collect();
        prop_assert_eq!(pairs.len(), names.len());
    }

    #[test]
    fn a_rule_matches_by_itself_whatever_stands_beside_it(rules in rules(), value in 0_u32..20) {
        let (source, fields) = (source(&["b2b"]), json!({"value": value, "seats": 1}));
        let together = decide(&rules, &source, "a", &fields, None);
        for considered in together.considered {
            let alone = rules.rules.iter().filter(|rule| rule.id == considered.rule).cloned().collect();
            let alone = decide(&RuleSet { version: 1, rules: alone }, &source, "a", &fields, None);
            let crowded = matches!(considered.outcome, Outcome::NotMatched { because, .. }
                if because == adrelay_core::rules::Because::TooManyEvents);
            prop_assert!(crowded || alone.considered[0] == considered);
        }
    }
}
