//! Files: what S3 is asked for parts and links, and what its refusals mean.

use adrelay_aws::files::S3Files;
use adrelay_aws::sdk::Sdk;
use adrelay_core::ports::jobs::{FileError, FileLinks as _, FilePart, FileStore as _};

use crate::rest_stub::{Answer, Asked, RestStub};

const KEY: &str = "acme/job_1.csv";

fn files(stub: &RestStub) -> S3Files {
    S3Files::new(stub.sdk().s3(), "exports".to_owned())
}

fn refusal(status: u16, code: &str) -> Answer {
    (status, None, format!("<Error><Code>{code}</Code><Message>of {KEY}</Message></Error>"))
}

fn part(number: i32) -> FilePart {
    FilePart { number, etag: format!("\"e{number}\"") }
}

#[tokio::test]
async fn a_file_is_begun_written_in_parts_and_put_together() {
    let stub = RestStub::start(|asked| match (asked.method.as_str(), asked.query.as_str()) {
        ("POST", query) if query.starts_with("uploads") => {
            let upload = "<UploadId>up1</UploadId>";
            (200, None, format!("<InitiateMultipartUploadResult>{upload}</InitiateMultipartUploadResult>"))
        }
        ("PUT", _) => (200, Some("\"e1\""), String::new()),
        _ => (200, None, "<CompleteMultipartUploadResult/>".to_owned()),
    })
    .await;
    let files = files(&stub);
    let upload = files.begin(KEY, "text/csv; charset=utf-8").await.unwrap();
    assert_eq!(upload, "up1");
    // Beyond what a server takes by default.
    let bytes = vec![b'x'; 6 * 1024 * 1024];
    assert_eq!(files.part(KEY, &upload, 1, bytes.clone()).await.unwrap(), part(1));
    files.finish(KEY, &upload, &[part(1), part(2)]).await.unwrap();

    let asked = stub.asked();
    assert_eq!(asked.len(), 3);
    assert!(asked.iter().all(|asked| asked.path == format!("/exports/{KEY}")), "the bucket is in the path");
    assert_eq!(asked[0].headers["content-type"], "text/csv; charset=utf-8");
    assert!(asked[1].query.contains("partNumber=1") && asked[1].query.contains("uploadId=up1"));
    assert_eq!(asked[1].body, bytes, "as it is, without a trailer");
    let whole = String::from_utf8(asked[2].body.clone()).unwrap();
    for text in ["<PartNumber>1</PartNumber>", "<PartNumber>2</PartNumber>", "e1", "e2"] {
        assert!(whole.contains(text), "{text}");
    }
}

#[tokio::test]
async fn finishing_again_is_no_error_where_the_file_is_there() {
    let answer = |there: bool| {
        move |asked: &Asked| match asked.method.as_str() {
            "HEAD" => (if there { 200 } else { 404 }, None, String::new()),
            _ => refusal(404, "NoSuchUpload"),
        }
    };
    let stub = RestStub::start(answer(true)).await;
    assert_eq!(files(&stub).finish(KEY, "up1", &[part(1)]).await, Ok(()));
    let stub = RestStub::start(answer(false)).await;
    let gone = Err(FileError("NoSuchUpload".to_owned()));
    assert_eq!(files(&stub).finish(KEY, "up1", &[part(1)]).await, gone);
}

#[tokio::test]
async fn giving_up_what_is_gone_is_no_error() {
    let stub = RestStub::start(|_| refusal(404, "NoSuchUpload")).await;
    assert_eq!(files(&stub).abort(KEY, "up1").await, Ok(()));
    assert_eq!(stub.asked()[0].method, "DELETE");
    let stub = RestStub::start(|_| refusal(403, "AccessDenied")).await;
    assert_eq!(files(&stub).abort(KEY, "up1").await, Err(FileError("AccessDenied".to_owned())));
}

#[tokio::test]
async fn a_refusal_is_told_by_its_code_alone() {
    let stub = RestStub::start(|_| refusal(400, "EntityTooSmall")).await;
    let error = files(&stub).finish(KEY, "up1", &[part(1)]).await.unwrap_err();
    assert_eq!(error, FileError("EntityTooSmall".to_owned()));
    // S3 may say no under a status that says yes, once it has begun to answer.
    let stub = RestStub::start(|asked| match asked.method.as_str() {
        "POST" => refusal(200, "InvalidPart"),
        _ => refusal(404, "NotFound"),
    })
    .await;
    let error = files(&stub).finish(KEY, "up1", &[part(1)]).await.unwrap_err();
    assert_eq!(error, FileError("InvalidPart".to_owned()));
}

#[tokio::test]
async fn half_an_answer_is_an_error() {
    let begun = "<InitiateMultipartUploadResult></InitiateMultipartUploadResult>";
    let stub = RestStub::start(move |asked| match asked.method.as_str() {
        "POST" => (200, None, begun.to_owned()),
        _ => (200, None, String::new()),
    })
    .await;
    let files = files(&stub);
    assert_eq!(files.begin(KEY, "text/csv").await, Err(FileError("no upload id".to_owned())));
    let written = files.part(KEY, "up1", 1, vec![b'x']).await;
    assert_eq!(written, Err(FileError("no etag".to_owned())));
}

#[tokio::test]
async fn a_part_that_is_refused_is_an_error_and_its_neighbours_are_not() {
    let stub = RestStub::start(|asked| {
        if asked.query.contains("partNumber=2") {
            refusal(404, "NoSuchUpload")
        } else {
            (200, Some("\"e1\""), String::new())
        }
    })
    .await;
    let files = files(&stub);
    let mut written = Vec::new();
    for number in 1..=3 {
        written.push(files.part(KEY, "up1", number, vec![b'x']).await);
    }
    let etag = |number| Ok(FilePart { number, etag: "\"e1\"".to_owned() });
    assert_eq!(written, [etag(1), Err(FileError("NoSuchUpload".to_owned())), etag(3)]);
    let numbers: Vec<String> = stub.asked().into_iter().map(|asked| asked.query).collect();
    assert!(numbers.iter().all(|query| query.contains("uploadId=up1")), "{numbers:?}");
}

#[tokio::test]
async fn a_file_that_is_there_excuses_an_upload_that_is_gone_and_nothing_else() {
    for code in ["InvalidPart", "AccessDenied", "EntityTooSmall"] {
        let stub = RestStub::start(move |asked| match asked.method.as_str() {
            "HEAD" => (200, None, String::new()),
            _ => refusal(400, code),
        })
        .await;
        let finished = files(&stub).finish(KEY, "up1", &[part(1)]).await;
        assert_eq!(finished, Err(FileError(code.to_owned())));
        assert_eq!(stub.asked().len(), 1, "it is not even looked for");
    }
}

#[tokio::test]
async fn a_link_lives_a_second_at_least_and_seven_days_at_most() {
    let stub = RestStub::start(|_| refusal(500, "InternalError")).await;
    for (asked_s, given_s) in [(0, 1), (1, 1), (604_800, 604_800), (604_801, 604_800), (u64::MAX, 604_800)] {
        let link = files(&stub).link(KEY, "a.csv", asked_s).await.unwrap();
        assert!(link.contains(&format!("X-Amz-Expires={given_s}&")), "{asked_s}: {link}");
    }
}

#[tokio::test]
async fn on_aws_the_bucket_is_in_the_hosts_name_and_the_session_in_the_link() {
    let variable = |name| match name {
        "AWS_ENDPOINT_URL" => None,
        "AWS_REGION" => Some("eu-central-1".to_owned()),
        other => Some(format!("my-{other}")),
    };
    let files = S3Files::new(Sdk::from_variables(variable).unwrap().s3(), "exports".to_owned());
    let link = files.link(KEY, "a.csv", 900).await.unwrap();
    assert!(link.starts_with("https://exports.s3.eu-central-1.amazonaws.com/acme/job_1.csv?"), "{link}");
    for part in ["X-Amz-Credential=my-AWS_ACCESS_KEY_ID%2F", "X-Amz-Security-Token=my-AWS_SESSION_TOKEN"] {
        assert!(link.contains(part), "{part}: {link}");
    }
}

#[tokio::test]
async fn a_link_is_signed_without_a_call_and_saves_under_its_name() {
    let stub = RestStub::start(|_| refusal(500, "InternalError")).await;
    let link = files(&stub).link(KEY, "leads \"may\".csv", 900).await.unwrap();
    assert!(link.contains("/exports/acme/job_1.csv?"), "{link}");
    let disposition = "response-content-disposition=attachment%3B%20filename%3D%22leads__may_.csv%22";
    for text in ["X-Amz-Expires=900", "X-Amz-Signature=", disposition] {
        assert!(link.contains(text), "{text} of {link}");
    }
    assert!(stub.asked().is_empty());
}
