//! The payloads in `events/`, which `cargo lambda invoke` takes, are what this function takes.

use adrelay_core::jobs::JobWork;
use adrelay_lambda::payload::Payload;
use serde_json::value::RawValue;

#[test]
fn the_queues_sample_holds_an_export_and_a_call_of_a_webhook() {
    let text = include_str!("../../../../events/job-worker-queue.json");
    let Ok(Payload::Sqs(batch)) = Payload::parse(&RawValue::from_string(text.to_owned()).expect("JSON"))
    else {
        panic!("not a batch");
    };
    let works: Vec<JobWork> =
        batch.records.iter().map(|record| JobWork::parse(&record.body).expect("readable")).collect();
    assert!(matches!(&works[0], JobWork::Export { attempt: 0, .. }));
    assert!(matches!(&works[1], JobWork::Webhook { attempt: 0, .. }));
}
