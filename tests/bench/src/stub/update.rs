//! Update expressions, as far as the functions write them: `SET name = :value`, `ADD name :value`, `REMOVE name`.

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};

#[derive(Clone, Copy)]
enum Clause {
    Set,
    Add,
    Remove,
}

/// Applies the expression of an `UpdateItem` request to its item; `None` for what the stub can't do.
pub(super) fn apply(item: &mut Map<String, Value>, request: &Value) -> Option<()> {
    let expression = request.get("UpdateExpression")?.as_str()?;
    let mut clause = None;
    let mut tokens = expression.split([' ', ',', '=']).filter(|token| !token.is_empty());
    while let Some(token) = tokens.next() {
        match token {
            "SET" => clause = Some(Clause::Set),
            "ADD" => clause = Some(Clause::Add),
            "REMOVE" => clause = Some(Clause::Remove),
            token => {
                let name = name(request, token)?;
                match clause? {
                    Clause::Set => {
                        item.insert(name.to_owned(), value(request, tokens.next()?)?.clone());
                    }
                    Clause::Add => {
                        let sum = sum(item.get(name), value(request, tokens.next()?)?)?;
                        item.insert(name.to_owned(), sum);
                    }
                    Clause::Remove => {
                        item.remove(name);
                    }
                }
            }
        }
    }
    Some(())
}

fn name<'a>(request: &'a Value, token: &'a str) -> Option<&'a str> {
    if token.starts_with('#') {
        request.get("ExpressionAttributeNames")?.get(token)?.as_str()
    } else {
        Some(token)
    }
}

fn value<'a>(request: &'a Value, token: &str) -> Option<&'a Value> {
    request.get("ExpressionAttributeValues")?.get(token)
}

/// A number plus a number, or a set with further members.
fn sum(before: Option<&Value>, more: &Value) -> Option<Value> {
    if let Some(more) = more.get("N") {
        let whole = |number: &Value| number.as_str()?.parse::<i64>().ok();
        let before = before.map_or(Some(0), |before| whole(before.get("N")?))?;
        return Some(json!({"N": before.checked_add(whole(more)?)?.to_string()}));
    }
    let members = |set: &Value| -> Option<BTreeSet<String>> {
        set.get("SS")?.as_array()?.iter().map(|member| member.as_str().map(str::to_owned)).collect()
    };
    let mut all = before.map_or(Some(BTreeSet::new()), members)?;
    all.extend(members(more)?);
    Some(json!({"SS": all}))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn applied(item: &Value, expression: &str) -> Option<Value> {
        let mut item = item.as_object().cloned()?;
        let request = json!({
            "UpdateExpression": expression,
            "ExpressionAttributeNames": {"#what": "c#Purchase"},
            "ExpressionAttributeValues": {":v": {"N": "1"}, ":more": {"N": "2"}, ":refs": {"SS": ["b"]}},
        });
        apply(&mut item, &request)?;
        Some(Value::Object(item))
    }

    #[test]
    fn what_is_set_added_and_removed_stands_in_the_item() {
        let first = applied(&json!({"old": {"S": "x"}}), "SET v = :v REMOVE old ADD #what :more, refs :refs");
        assert_eq!(first, Some(json!({"v": {"N": "1"}, "c#Purchase": {"N": "2"}, "refs": {"SS": ["b"]}})));
        let before = json!({"c#Purchase": {"N": "2"}, "refs": {"SS": ["a", "b"]}});
        let second = applied(&before, "ADD #what :more, refs :refs");
        assert_eq!(second, Some(json!({"c#Purchase": {"N": "4"}, "refs": {"SS": ["a", "b"]}})));
    }

    #[test]
    fn other_expressions_are_not_half_understood() {
        for expression in
            ["SET v = if_not_exists(v, :v)", "DELETE refs :refs", "SET #unknown = :v", "ADD v :gone"]
        {
            assert_eq!(applied(&json!({}), expression), None, "{expression}");
        }
    }
}
