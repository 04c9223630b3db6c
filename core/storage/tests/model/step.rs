//! What a life does with its log, in words: `append 300 9000; settle; cut 1; close`.

use core::str::FromStr;

/// One step.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    /// Appends frames with so many bytes of value, and waits for nothing.
    Append(Vec<usize>),
    /// Appends a frame that holds nothing, the smallest there is.
    Mark,
    /// Waits until all is durable.
    Settle,
    /// Waits so many microseconds.
    Sleep(u64),
    /// All that is durable is committed.
    Commit,
    /// Cuts so many frames off, as far as they are not committed.
    Cut(usize),
    /// Reads all that is durable.
    Read,
    /// Reads the last so many records of that.
    Tail(usize),
    /// Takes no more appends, and stops in good order.
    Close,
}

impl FromStr for Step {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let mut words = text.split_whitespace();
        let verb = words.next().unwrap_or_default();
        let numbers: Result<Vec<usize>, _> = words.map(str::parse).collect();
        let numbers = numbers.map_err(|error| format!("{text}: {error}"))?;
        let first = numbers.first().copied().unwrap_or_default();
        match verb {
            "append" => Ok(Self::Append(numbers)),
            "mark" => Ok(Self::Mark),
            "settle" => Ok(Self::Settle),
            "sleep" => Ok(Self::Sleep(first as u64)),
            "commit" => Ok(Self::Commit),
            "cut" => Ok(Self::Cut(first)),
            "read" => Ok(Self::Read),
            "tail" => Ok(Self::Tail(first)),
            "close" => Ok(Self::Close),
            _ => Err(format!("what is {text}?")),
        }
    }
}

/// The steps of a life.
pub(crate) fn parse(text: &str) -> Vec<Step> {
    let steps = text.split(';').map(str::trim);
    steps.map(|step| step.parse().unwrap()).collect()
}
