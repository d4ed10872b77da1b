//! Files: what S3 is asked for parts and links, and what its refusals mean.

use adrelay_aws::files::S3Files;
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
