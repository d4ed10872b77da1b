//! What IAM decides on when a call is made, for the operations that are called here (AWS: Service Authorization Reference).

use aws_sdk_dynamodb::operation::batch_get_item::BatchGetItemInput;
use aws_sdk_dynamodb::operation::delete_item::DeleteItemInput;
use aws_sdk_dynamodb::operation::get_item::GetItemInput;
use aws_sdk_dynamodb::operation::put_item::PutItemInput;
use aws_sdk_dynamodb::operation::query::QueryInput;
use aws_sdk_dynamodb::operation::transact_write_items::TransactWriteItemsInput;
use aws_sdk_dynamodb::operation::update_item::UpdateItemInput;
use aws_sdk_dynamodb::types::TransactWriteItem;
use aws_sdk_eventbridge::operation::put_events::PutEventsInput;
use aws_sdk_s3::operation::abort_multipart_upload::AbortMultipartUploadInput;
use aws_sdk_s3::operation::complete_multipart_upload::CompleteMultipartUploadInput;
use aws_sdk_s3::operation::create_multipart_upload::CreateMultipartUploadInput;
use aws_sdk_s3::operation::get_object::GetObjectInput;
use aws_sdk_s3::operation::head_object::HeadObjectInput;
use aws_sdk_s3::operation::upload_part::UploadPartInput;
use aws_sdk_secretsmanager::operation::get_secret_value::GetSecretValueInput;
use aws_sdk_sqs::operation::send_message::SendMessageInput;
use aws_sdk_sqs::operation::send_message_batch::SendMessageBatchInput;
use aws_smithy_runtime_api::client::interceptors::context::Input;

/// Stands for a name that a call does not give.
const UNNAMED: &str = "?";

/// One right of a role.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct Right {
    /// As in a policy, e.g. `dynamodb:GetItem`.
    pub(super) action: String,
    /// The last part of the resource's ARN, e.g. `table/adrelay-config`; of an object in a bucket its folder.
    pub(super) resource: String,
}

impl Right {
    fn new(action: &str, resource: String) -> Self {
        Self { action: action.to_owned(), resource }
    }
}

/// The rights that a call needs. One that is not known here needs a right that no policy grants, so that it is noticed.
pub(super) fn of_call(service: &str, operation: &str, input: &Input) -> Vec<Right> {
    of_one_resource(input).map(|right| vec![right]).or_else(|| of_many(input)).unwrap_or_else(|| {
        let service = service.to_lowercase().replace(' ', "");
        vec![Right::new(&format!("{service}:{operation}"), UNNAMED.to_owned())]
    })
}

macro_rules! right {
    ($input:expr, $($call:ty => $action:literal of $resource:expr;)+) => {
        $(if let Some(call) = $input.downcast_ref::<$call>() {
            let resource: fn(&$call) -> String = $resource;
            return Some(Right::new($action, resource(call)));
        })+
    };
}

fn of_one_resource(input: &Input) -> Option<Right> {
    right! { input,
        GetItemInput => "dynamodb:GetItem" of |call| table(call.table_name());
        PutItemInput => "dynamodb:PutItem" of |call| table(call.table_name());
        UpdateItemInput => "dynamodb:UpdateItem" of |call| table(call.table_name());
        DeleteItemInput => "dynamodb:DeleteItem" of |call| table(call.table_name());
        QueryInput => "dynamodb:Query" of |call| index(call.table_name(), call.index_name());
        SendMessageInput => "sqs:SendMessage" of |call| queue(call.queue_url());
        // On AWS no action of its own.
        SendMessageBatchInput => "sqs:SendMessage" of |call| queue(call.queue_url());
        GetSecretValueInput => "secretsmanager:GetSecretValue" of |call| secret(call.secret_id());
        CreateMultipartUploadInput => "s3:PutObject" of |call| folder(call.bucket(), call.key());
        UploadPartInput => "s3:PutObject" of |call| folder(call.bucket(), call.key());
        CompleteMultipartUploadInput => "s3:PutObject" of |call| folder(call.bucket(), call.key());
        AbortMultipartUploadInput => "s3:AbortMultipartUpload" of |call| folder(call.bucket(), call.key());
        GetObjectInput => "s3:GetObject" of |call| folder(call.bucket(), call.key());
        HeadObjectInput => "s3:GetObject" of |call| folder(call.bucket(), call.key());
    }
    None
}

fn of_many(input: &Input) -> Option<Vec<Right>> {
    if let Some(call) = input.downcast_ref::<BatchGetItemInput>() {
        let tables = call.request_items().into_iter().flat_map(|items| items.keys());
        return Some(tables.map(|name| Right::new("dynamodb:BatchGetItem", table(Some(name)))).collect());
    }
    if let Some(call) = input.downcast_ref::<TransactWriteItemsInput>() {
        return Some(call.transact_items().iter().map(of_item).collect());
    }
    let call = input.downcast_ref::<PutEventsInput>()?;
    let buses = call.entries().iter().map(|entry| entry.event_bus_name().unwrap_or("default"));
    Some(buses.map(|name| Right::new("events:PutEvents", format!("event-bus/{name}"))).collect())
}

/// A transaction needs the right to what each of its items does.
fn of_item(item: &TransactWriteItem) -> Right {
    let (action, name) = if let Some(put) = item.put() {
        ("dynamodb:PutItem", put.table_name())
    } else if let Some(update) = item.update() {
        ("dynamodb:UpdateItem", update.table_name())
    } else if let Some(delete) = item.delete() {
        ("dynamodb:DeleteItem", delete.table_name())
    } else if let Some(check) = item.condition_check() {
        ("dynamodb:ConditionCheckItem", check.table_name())
    } else {
        ("dynamodb:TransactWriteItems", UNNAMED)
    };
    Right::new(action, table(Some(name)))
}

fn table(name: Option<&str>) -> String {
    format!("table/{}", name.unwrap_or(UNNAMED))
}

fn index(name: Option<&str>, index: Option<&str>) -> String {
    let table = table(name);
    index.map_or_else(|| table.clone(), |index| format!("{table}/index/{index}"))
}

fn queue(url: Option<&str>) -> String {
    url.and_then(|url| url.rsplit('/').next()).unwrap_or(UNNAMED).to_owned()
}

/// Secrets are named by their ARN, whose end Secrets Manager makes up.
fn secret(id: Option<&str>) -> String {
    let id = id.unwrap_or(UNNAMED);
    id.splitn(6, ':').nth(5).map_or_else(|| format!("secret:{id}"), str::to_owned)
}

/// What follows the folder says whose file it is.
fn folder(bucket: Option<&str>, key: Option<&str>) -> String {
    let bucket = bucket.unwrap_or(UNNAMED);
    match key.and_then(|key| key.split_once('/')) {
        Some((folder, _)) => format!("{bucket}/{folder}/*"),
        None => format!("{bucket}/*"),
    }
}

#[cfg(test)]
mod tests;
