//! The controller's partition, as a sequence of commands.

use model::{Offset, PartitionKey, Term};
use partition::{Ack, Open, Opened, Propose, ProposeError, Read as ReadRequest, Router};
use records::{BatchBuilder, Batches, NewRecord};
use runtime::{Frozen, Runtime};

use crate::command::{COMMAND_BYTES_MAX, Command};
use crate::error::StartError;
use crate::revision::Revision;

/// Bytes read in one go while the log is replayed.
const READ_BYTES_MAX: usize = 1 << 20;

const _: () = assert!(COMMAND_BYTES_MAX < READ_BYTES_MAX);

/// The commands in the controller's partition: append at its end, read from where one stopped.
///
/// Owned by the one task that proposes, so that what it read is what was decided.
#[derive(Debug)]
pub(super) struct CommandLog {
    runtime: Runtime,
    router: Router,
    term: Term,
    /// The offset after the last command that was read.
    end: Offset,
}

/// What a read brought.
#[derive(Debug)]
pub(super) struct Read {
    /// Commands behind the last read, in order.
    pub(super) commands: Vec<(Offset, Command)>,
    /// Whether there may be more.
    pub(super) more: bool,
}

impl CommandLog {
    /// Opens the partition. Also what its recovery found.
    pub(super) async fn open(
        runtime: &Runtime,
        router: Router,
        segment_bytes: u64,
    ) -> Result<(Self, Opened), StartError> {
        let key = PartitionKey::CONTROLLER;
        let opened = router.open(Open { key, segment_bytes }).await;
        let opened = opened.map_err(StartError::Open)?;
        let log = Self {
            runtime: runtime.clone(),
            router,
            term: opened.watermarks.term,
            end: Offset::ZERO,
        };
        Ok((log, opened))
    }

    /// How far it was read.
    pub(super) fn revision(&self) -> Revision {
        Revision(u64::try_from(self.end.0).expect("an offset is not negative"))
    }

    /// Another reign began.
    pub(super) fn reign(&mut self, term: Term) {
        self.term = term;
    }

    /// Appends `command` in this reign and says where, once it is committed. It is read like any other afterwards.
    pub(super) async fn propose(&self, command: &Command) -> Result<Offset, ProposeError> {
        let value = command.encode();
        let mut batch = BatchBuilder::new();
        batch.push(&NewRecord::value(self.runtime.wall().as_millis(), &value));
        let propose = Propose {
            key: PartitionKey::CONTROLLER,
            expected_term: Some(self.term),
            batches: Frozen::from(batch.finish()),
            ack: Ack::Quorum,
            stamp_append_time: false,
        };
        let committed = self.router.propose(propose).await.outcome().await?;
        Ok(committed.base_offset)
    }

    /// Reads the committed commands behind the last one that was read, as many as fit one read.
    pub(super) async fn read(&mut self) -> Result<Read, StartError> {
        let read = ReadRequest {
            key: PartitionKey::CONTROLLER,
            offset: self.end,
            bytes_max: READ_BYTES_MAX,
            at_least_one: true,
            patient: true,
            current_epoch: None,
        };
        let answer = self.router.read(read).await.outcome().await;
        let answer = answer.map_err(|error| StartError::Read(format!("{error:?}")))?;
        let mut commands = Vec::new();
        let before = self.end;
        for batches in &answer.batches {
            self.end = take_commands(batches, self.end, &mut commands)?;
        }
        let more = self.end < answer.watermarks.high_watermark;
        if more && self.end == before {
            return Err(damaged(
                self.end.0,
                "nothing is there, but the log does not end",
            ));
        }
        Ok(Read { commands, more })
    }
}

/// Decodes the commands in `batches` from offset `end` on, and says where they end.
fn take_commands(
    batches: &[u8],
    mut end: Offset,
    commands: &mut Vec<(Offset, Command)>,
) -> Result<Offset, StartError> {
    for batch in Batches::new(batches) {
        let batch = batch.map_err(|error| damaged(end.0, &error))?;
        batch
            .check_stored()
            .map_err(|error| damaged(end.0, &error))?;
        let records = batch.records().map_err(|error| damaged(end.0, &error))?;
        for record in records {
            let record = record.map_err(|error| damaged(end.0, &error))?;
            if record.offset < end.0 {
                // A batch comes whole, also when the read began within it.
                continue;
            }
            let value = record
                .value
                .ok_or_else(|| damaged(record.offset, "a record without a value"))?;
            let command = Command::decode(value).map_err(|error| damaged(record.offset, &error))?;
            commands.push((Offset(record.offset), command));
        }
        end = end.max(Offset(batch.end_offset()));
    }
    Ok(end)
}

fn damaged(offset: i64, reason: &(impl ToString + ?Sized)) -> StartError {
    StartError::Damaged {
        offset,
        reason: reason.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use model::TopicId;

    fn forget(number: u8) -> Command {
        Command::ForgetTopic {
            id: TopicId([number; 16]),
        }
    }

    fn batch(base_offset: i64, values: &[&[u8]]) -> Vec<u8> {
        let mut builder = BatchBuilder::new().base_offset(base_offset);
        for value in values {
            builder.push(&NewRecord::value(0, value));
        }
        builder.finish()
    }

    #[test]
    fn commands_come_in_order_and_none_twice() {
        let (one, two, three) = (forget(1).encode(), forget(2).encode(), forget(3).encode());
        let batches = [batch(0, &[&one, &two]), batch(2, &[&three])].concat();
        let mut commands = Vec::new();
        assert_eq!(
            take_commands(&batches, Offset(1), &mut commands),
            Ok(Offset(3))
        );
        assert_eq!(commands, [(Offset(1), forget(2)), (Offset(2), forget(3))]);
    }

    #[test]
    fn a_record_that_is_no_command_is_damage_and_says_where() {
        let bad = batch(7, &[&forget(1).encode(), b"\x00\x63"]);
        let error = take_commands(&bad, Offset(7), &mut Vec::new()).unwrap_err();
        assert_eq!(error, damaged(8, "a command of unknown kind 99"));
        let mut flipped = batch(0, &[&forget(1).encode()]);
        let last = flipped.len() - 1;
        flipped[last] ^= 1;
        let error = take_commands(&flipped, Offset(0), &mut Vec::new()).unwrap_err();
        assert!(error.to_string().contains("checksum"), "{error}");
    }
}
