//! Rights that no call of a function shows, each with its reason.

use super::compare::Exception;

const LOGS: &str = "Lambda itself writes the log, with the role of the function";
const CONSUMER: &str = "Lambda itself consumes the queue, with the role of the function";

pub(super) const EXCEPTIONS: [Exception; 6] = [
    Exception { function: None, action: "logs:CreateLogStream", reason: LOGS },
    Exception { function: None, action: "logs:PutLogEvents", reason: LOGS },
    Exception { function: None, action: "sqs:ReceiveMessage", reason: CONSUMER },
    Exception { function: None, action: "sqs:DeleteMessage", reason: CONSUMER },
    Exception { function: None, action: "sqs:GetQueueAttributes", reason: CONSUMER },
    Exception {
        function: None,
        action: "sqs:SendMessageBatch",
        reason: "granted in the local stack alone, whose emulator asks for it where AWS asks for sqs:SendMessage",
    },
];
