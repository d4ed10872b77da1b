//! Files in S3, written in parts.

use std::time::Duration;

use adrelay_core::ports::jobs::{FileError, FileLinks, FilePart, FileStore};
use aws_sdk_s3::Client;
use aws_sdk_s3::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_s3::presigning::PresigningConfig;
use aws_sdk_s3::primitives::ByteStream;
use aws_sdk_s3::types::{CompletedMultipartUpload, CompletedPart};

/// The longest life of a link in seconds: 7 days (AWS: Signature Version 4, presigned URLs).
const LINK_MAX_S: u64 = 7 * 86_400;

/// The most characters of the name under which a browser saves a file.
const NAME_MAX: usize = 120;

/// A bucket of S3.
#[derive(Debug, Clone)]
pub struct S3Files {
    client: Client,
    bucket: String,
}

/// Its code alone: texts may quote the request.
fn refused<E: ProvideErrorMetadata, R>(error: &SdkError<E, R>) -> FileError {
    FileError(code(error).unwrap_or("no answer").to_owned())
}

fn code<E: ProvideErrorMetadata, R>(error: &SdkError<E, R>) -> Option<&str> {
    error.as_service_error().and_then(ProvideErrorMetadata::code)
}

/// What a header may say: quotes and all that is not plain would end the name, or mean something.
fn header_name(name: &str) -> String {
    let plain = |c: char| if c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.') { c } else { '_' };
    name.chars().take(NAME_MAX).map(plain).collect()
}

impl S3Files {
    /// The files in `bucket`.
    #[must_use]
    pub fn new(client: Client, bucket: String) -> Self {
        Self { client, bucket }
    }

    async fn is_there(&self, key: &str) -> bool {
        self.client.head_object().bucket(&self.bucket).key(key).send().await.is_ok()
    }
}

impl FileStore for S3Files {
    async fn begin(&self, key: &str, content_type: &str) -> Result<String, FileError> {
        let begin = self.client.create_multipart_upload().bucket(&self.bucket).key(key);
        let upload = begin.content_type(content_type).send().await.map_err(|error| refused(&error))?;
        upload.upload_id.ok_or_else(|| FileError("no upload id".to_owned()))
    }

    async fn part(
        &self,
        key: &str,
        upload: &str,
        number: i32,
        bytes: Vec<u8>,
    ) -> Result<FilePart, FileError> {
        let write = self
            .client
            .upload_part()
            .bucket(&self.bucket)
            .key(key)
            .upload_id(upload)
            .part_number(number)
            .body(ByteStream::from(bytes));
        let written = write.send().await.map_err(|error| refused(&error))?;
        let etag = written.e_tag.ok_or_else(|| FileError("no etag".to_owned()))?;
        Ok(FilePart { number, etag })
    }

    /// An upload that is gone was finished before if its file is there: keys are used once.
    async fn finish(&self, key: &str, upload: &str, parts: &[FilePart]) -> Result<(), FileError> {
        let part =
            |part: &FilePart| CompletedPart::builder().part_number(part.number).e_tag(&part.etag).build();
        let parts = CompletedMultipartUpload::builder().set_parts(Some(parts.iter().map(part).collect()));
        let finish = self
            .client
            .complete_multipart_upload()
            .bucket(&self.bucket)
            .key(key)
            .upload_id(upload)
            .multipart_upload(parts.build());
        match finish.send().await {
            Ok(_) => Ok(()),
            Err(error) if code(&error) == Some("NoSuchUpload") && self.is_there(key).await => Ok(()),
            Err(error) => Err(refused(&error)),
        }
    }

    async fn abort(&self, key: &str, upload: &str) -> Result<(), FileError> {
        let abort = self.client.abort_multipart_upload().bucket(&self.bucket).key(key).upload_id(upload);
        match abort.send().await {
            Ok(_) => Ok(()),
            Err(error) if code(&error) == Some("NoSuchUpload") => Ok(()),
            Err(error) => Err(refused(&error)),
        }
    }
}

impl FileLinks for S3Files {
    /// The link ends with the credentials that signed it, if those end first.
    async fn link(&self, key: &str, name: &str, seconds: u64) -> Result<String, FileError> {
        let life = Duration::from_secs(seconds.clamp(1, LINK_MAX_S));
        let life = PresigningConfig::expires_in(life).map_err(|_| FileError("expiry".to_owned()))?;
        let disposition = format!("attachment; filename=\"{}\"", header_name(name));
        let get = self.client.get_object().bucket(&self.bucket).key(key);
        let link = get.response_content_disposition(disposition).presigned(life).await;
        link.map(|link| link.uri().to_owned()).map_err(|error| refused(&error))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_can_not_end_its_header() {
        assert_eq!(header_name("leads 2026-11-21.csv"), "leads_2026-11-21.csv");
        assert_eq!(header_name("a\"; x=\r\nb/é"), "a___x___b__");
        assert_eq!(header_name(&"x".repeat(500)).len(), NAME_MAX);
    }
}
