use serde_json::json;

use super::*;

/// Two of the roles, small.
fn policies() -> [(&'static str, Value); 2] {
    let ingest = json!({"Statement": [
        {"Sid": "LookUp", "Effect": "Allow", "Action": "dynamodb:GetItem",
            "Resource": "arn:aws:dynamodb:us-east-1:000000000000:table/adrelay-config"},
    ]});
    let admin = json!({"Statement": [
        {"Sid": "ManageSettings", "Effect": "Allow", "Action": ["dynamodb:GetItem", "dynamodb:PutItem"],
            "Resource": "arn:aws:dynamodb:us-east-1:000000000000:table/adrelay-config"},
        {"Sid": "Ask", "Effect": "Allow", "Action": "sqs:SendMessage", "Resource": [
            "arn:aws:sqs:us-east-1:000000000000:adrelay-leads", "arn:aws:sqs:us-east-1:000000000000:adrelay-jobs"]},
        {"Sid": "SignLinks", "Effect": "Allow", "Action": "s3:GetObject",
            "Resource": "arn:aws:s3:::adrelay-exports-000000000000/exports/*"},
        {"Sid": "WriteItsLog", "Effect": "Allow", "Action": "logs:PutLogEvents",
            "Resource": "arn:aws:logs:us-east-1:000000000000:log-group:/aws/lambda/adrelay-admin-api:*"},
    ]});
    [("capi-ingest", ingest), ("admin-api", admin)]
}

fn grants(policies: &[(&str, Value)]) -> Vec<Grant> {
    policies.iter().flat_map(|(function, policy)| Grant::all_of(function, policy).unwrap()).collect()
}

/// What uses all of [`policies`].
fn calls() -> Vec<Call> {
    [
        ("capi-ingest", "dynamodb:GetItem", "table/adrelay-config"),
        ("admin-api", "dynamodb:GetItem", "table/adrelay-config"),
        ("admin-api", "dynamodb:PutItem", "table/adrelay-config"),
        ("admin-api", "sqs:SendMessage", "adrelay-leads"),
        ("admin-api", "sqs:SendMessage", "adrelay-jobs"),
        ("admin-api", "s3:GetObject", "adrelay-exports-000000000000/exports/*"),
    ]
    .map(|(function, action, resource)| Call {
        right: Right::new(function, action, resource),
        refused: false,
    })
    .to_vec()
}

const LOGS: Exception = Exception { function: None, action: "logs:PutLogEvents", reason: "Lambda writes it" };

fn findings(grants: &[Grant], calls: &[Call]) -> Vec<String> {
    compare(grants, calls, &[LOGS]).iter().map(Finding::to_string).collect()
}

#[test]
fn roles_that_are_used_as_they_are_have_no_findings() {
    assert_eq!(findings(&grants(&policies()), &calls()), Vec::<String>::new());
}

#[test]
fn an_unused_action_planted_in_a_role_is_named() {
    for (at, function, sid) in [(0, "capi-ingest", "LookUp"), (1, "admin-api", "ManageSettings")] {
        let mut policies = policies();
        let statement = &mut policies[at].1["Statement"][0];
        let mut actions: Vec<Value> = texts(&statement["Action"]).into_iter().map(Value::from).collect();
        actions.push(json!("dynamodb:DeleteItem"));
        statement["Action"] = json!(actions);
        let expected = format!(
            "granted and never used: {function}: dynamodb:DeleteItem on table/adrelay-config ({sid})"
        );
        assert_eq!(findings(&grants(&policies), &calls()), [expected]);
    }
}

#[test]
fn an_unused_resource_planted_in_a_role_is_named() {
    let mut policies = policies();
    let resources = policies[1].1["Statement"][1]["Resource"].as_array_mut().unwrap();
    resources.push(json!("arn:aws:sqs:us-east-1:000000000000:adrelay-capi-events"));
    let expected = "granted and never used: admin-api: sqs:SendMessage on adrelay-capi-events (Ask)";
    assert_eq!(findings(&grants(&policies), &calls()), [expected]);
}

#[test]
fn a_used_action_taken_out_of_a_role_is_named() {
    for (function, action) in [("capi-ingest", "dynamodb:GetItem"), ("admin-api", "dynamodb:PutItem")] {
        let mut grants = grants(&policies());
        grants.retain(|grant| {
            (grant.right.function.as_str(), grant.right.action.as_str()) != (function, action)
        });
        let expected = format!("used and not granted: {function}: {action} on table/adrelay-config");
        assert_eq!(findings(&grants, &calls()), std::slice::from_ref(&expected));
        // Under an emulator that enforces IAM such a call is refused; what was asked for in vain is named, too.
        let mut calls = calls();
        for call in
            calls.iter_mut().filter(|call| call.right.function == function && call.right.action == action)
        {
            call.refused = true;
        }
        assert_eq!(findings(&grants, &calls), [expected]);
    }
}

#[test]
fn a_refused_call_is_no_use() {
    let mut calls = calls();
    calls[2].refused = true;
    let expected =
        "granted and never used: admin-api: dynamodb:PutItem on table/adrelay-config (ManageSettings)";
    assert_eq!(findings(&grants(&policies()), &calls), [expected]);
}

#[test]
fn what_one_function_does_is_no_use_of_another_ones_role() {
    let mut calls = calls();
    calls.remove(0);
    let expected = "granted and never used: capi-ingest: dynamodb:GetItem on table/adrelay-config (LookUp)";
    assert_eq!(findings(&grants(&policies()), &calls), [expected]);
}

#[test]
fn a_right_that_two_statements_grant_is_named() {
    let mut policies = policies();
    let again = policies[1].1["Statement"][2].clone();
    policies[1].1["Statement"].as_array_mut().unwrap().push(again);
    policies[1].1["Statement"][4]["Sid"] = json!("Again");
    let expected = "granted twice: admin-api: s3:GetObject on adrelay-exports-000000000000/exports/* \
        (SignLinks, Again)";
    assert_eq!(findings(&grants(&policies), &calls()), [expected]);
}

#[test]
fn an_exception_that_nothing_needs_is_named() {
    let kms = Exception { function: Some("admin-api"), action: "kms:Decrypt", reason: "by Secrets Manager" };
    let found = compare(&grants(&policies()), &calls(), &[LOGS, kms]);
    assert_eq!(found, [Finding::NeedlessException(kms)]);
    // Nor one for what is used.
    let used = Exception { function: Some("admin-api"), action: "s3:GetObject", reason: "signed" };
    assert_eq!(compare(&grants(&policies()), &calls(), &[LOGS, used]), [Finding::NeedlessException(used)]);
}

#[test]
fn an_exception_of_one_function_holds_for_no_other() {
    let one = Exception { function: Some("capi-ingest"), ..LOGS };
    let found = compare(&grants(&policies()), &calls(), &[one]);
    assert!(
        found
            .iter()
            .any(|finding| matches!(finding, Finding::NeverUsed(grant) if grant.sid == "WriteItsLog"))
    );
}

#[test]
fn actions_and_resources_with_a_star_count_as_never_used() {
    let star =
        json!({"Statement": [{"Sid": "All", "Effect": "Allow", "Action": "dynamodb:*", "Resource": "*"}]});
    let found = findings(&grants(&[("capi-ingest", star)]), &calls()[..1]);
    assert!(
        found.contains(&"granted and never used: capi-ingest: dynamodb:* on * (All)".to_owned()),
        "{found:?}"
    );
}

#[test]
fn statements_that_can_not_be_compared_are_refused() {
    for statement in [
        json!({"Sid": "No", "Effect": "Deny", "Action": "s3:GetObject", "Resource": "*"}),
        json!({"Effect": "Allow", "Action": "s3:GetObject", "Resource": "*"}),
        json!({"Sid": "Not", "Effect": "Allow", "NotAction": "s3:GetObject", "Resource": "*"}),
    ] {
        assert!(
            Grant::all_of("admin-api", &json!({"Statement": [statement.clone()]})).is_err(),
            "{statement}"
        );
    }
}
