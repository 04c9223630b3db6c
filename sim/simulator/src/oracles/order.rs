//! Answers of a connection leave in the order of its requests.

use super::Violation;

/// Client `number` expected the answer to one request and got another's.
pub fn violation(number: usize, expected: Option<i32>, received: i32) -> Violation {
    Violation {
        oracle: "ANSWERS_IN_ORDER",
        promise: "the answers of a connection come in the order of its requests",
        witness: format!(
            "client {number} waited for the answer to request {expected:?} and got that to {received}"
        ),
    }
}
