//! The kinds of memory that the door gives out, and what somebody holds of each.

use runtime::{Budget, Runtime};

use crate::config::{QUESTIONS_SHARE, SHORT_QUESTION_BYTES_MAX, WRITE_ENTRIES_SHARE};

/// The kinds of memory, each with a budget of its own: who waits for one is not helped by the end of those who hold
/// another.
///
/// Nobody waits for a kind while it holds something that its holders wait for:
/// ```text
///   a connection's reader waits for    Writes, ShortQuestions, LongQuestions; then, for a write, Entries
///   a connection's writer waits for    Lists or Answers, one of them at a time
/// ```
/// What the reader holds is given back by the writer, and what the writer holds by the client, who is cut.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Memory {
    /// Requests that carry records, until those are written.
    Writes,
    /// What is kept of a write until it is answered.
    Entries,
    /// Requests that ask something in few words, until they are answered.
    ShortQuestions,
    /// Requests that ask something in many.
    LongQuestions,
    /// Lists of topics: whoever only wants to know where to write does not stand in line behind those who read.
    Lists,
    /// Answers that hold records.
    Answers,
}

const KINDS: usize = 6;

/// Bytes of each kind.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Held([usize; KINDS]);

impl Held {
    /// `bytes` of one kind.
    pub(crate) fn of(memory: Memory, bytes: usize) -> Self {
        let mut held = Self::default();
        held.0[memory as usize] = bytes;
        held
    }

    pub(crate) fn get(self, memory: Memory) -> usize {
        self.0[memory as usize]
    }

    /// This and `other` together.
    pub(crate) fn plus(mut self, other: Self) -> Self {
        for (bytes, more) in self.0.iter_mut().zip(other.0) {
            *bytes += more;
        }
        self
    }

    /// This without `other`, which is part of it.
    pub(crate) fn minus(mut self, other: Self) -> Self {
        for (bytes, less) in self.0.iter_mut().zip(other.0) {
            *bytes -= less;
        }
        self
    }
}

/// The budgets of one core's door.
#[derive(Debug)]
pub(crate) struct Budgets([Budget; KINDS]);

impl Budgets {
    /// Those of writes and answers are given; the others are parts of what writes have, besides it.
    pub(crate) fn new(runtime: &Runtime, writes: Budget, answers: Budget) -> Self {
        let bytes = writes.limit();
        let questions = (bytes / QUESTIONS_SHARE).max(SHORT_QUESTION_BYTES_MAX);
        let entries = bytes / WRITE_ENTRIES_SHARE;
        Self([
            writes,
            runtime.budget("kafka write entries", entries),
            runtime.budget("kafka short questions", questions),
            runtime.budget("kafka long questions", questions),
            runtime.budget("kafka lists", bytes / QUESTIONS_SHARE),
            answers,
        ])
    }

    pub(crate) fn of(&self, memory: Memory) -> &Budget {
        &self.0[memory as usize]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds_are_counted_apart() {
        let held = Held::of(Memory::Writes, 3).plus(Held::of(Memory::Answers, 5));
        let more = held.plus(Held::of(Memory::Writes, 4));
        assert_eq!(more.get(Memory::Writes), 7);
        assert_eq!(more.get(Memory::Answers), 5);
        assert_eq!(more.get(Memory::Lists), 0);
        assert_eq!(more.minus(Held::of(Memory::Writes, 4)), held);
    }
}
