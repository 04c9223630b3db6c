//! The settings that a topic may have: one row each. A name without a row is refused, so that a typing error is
//! not a setting that silently does nothing.

/// What values a setting takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Values {
    /// `true` or `false`.
    Bool,
    /// A whole number, at least this.
    Integer(i64),
    /// A number from 0 to 1.
    Ratio,
    /// One of these.
    OneOf(&'static [&'static str]),
    /// Some of these, separated by commas.
    SomeOf(&'static [&'static str]),
    /// Any text: what it means is looked at by nobody yet.
    Text,
}

/// One setting.
#[derive(Clone, Copy, Debug)]
pub struct Setting {
    /// Its name, Kafka's or Redpanda's.
    pub name: &'static str,
    /// What it takes.
    pub values: Values,
}

const CODECS: &[&str] = &[
    "producer",
    "uncompressed",
    "none",
    "gzip",
    "snappy",
    "lz4",
    "zstd",
];

const fn row(name: &'static str, values: Values) -> Setting {
    Setting { name, values }
}

/// Every setting that is accepted, by name.
pub const SETTINGS: &[Setting] = &[
    row("cleanup.policy", Values::SomeOf(&["delete", "compact"])),
    row("compaction.strategy", Values::Text),
    row("compression.gzip.level", Values::Integer(-1)),
    row("compression.lz4.level", Values::Integer(1)),
    row("compression.type", Values::OneOf(CODECS)),
    row("compression.zstd.level", Values::Integer(-131_072)),
    row("confluent.key.schema.validation", Values::Text),
    row("confluent.key.subject.name.strategy", Values::Text),
    row("confluent.value.schema.validation", Values::Text),
    row("confluent.value.subject.name.strategy", Values::Text),
    row("delete.retention.ms", Values::Integer(0)),
    row("file.delete.delay.ms", Values::Integer(0)),
    row("flush.bytes", Values::Integer(1)),
    row("flush.messages", Values::Integer(1)),
    row("flush.ms", Values::Integer(0)),
    row("index.interval.bytes", Values::Integer(0)),
    row("initial.retention.local.target.bytes", Values::Integer(-1)),
    row("initial.retention.local.target.ms", Values::Integer(-1)),
    row("local.retention.bytes", Values::Integer(-2)),
    row("local.retention.ms", Values::Integer(-2)),
    row("max.compaction.lag.ms", Values::Integer(1)),
    row("max.message.bytes", Values::Integer(0)),
    row("message.downconversion.enable", Values::Bool),
    row("message.format.version", Values::Text),
    row("message.timestamp.after.max.ms", Values::Integer(0)),
    row("message.timestamp.before.max.ms", Values::Integer(0)),
    row("message.timestamp.difference.max.ms", Values::Integer(0)),
    row(
        "message.timestamp.type",
        Values::OneOf(&["CreateTime", "LogAppendTime"]),
    ),
    row("min.cleanable.dirty.ratio", Values::Ratio),
    row("min.compaction.lag.ms", Values::Integer(0)),
    row("min.insync.replicas", Values::Integer(1)),
    row("preallocate", Values::Bool),
    row("redpanda.cloud_topic.enabled", Values::Text),
    row("redpanda.iceberg.delete", Values::Text),
    row("redpanda.iceberg.invalid.record.action", Values::Text),
    row("redpanda.iceberg.mode", Values::Text),
    row("redpanda.iceberg.partition.spec", Values::Text),
    row("redpanda.iceberg.target.lag.ms", Values::Text),
    row("redpanda.key.schema.id.validation", Values::Text),
    row("redpanda.leaders.preference", Values::Text),
    row("redpanda.remote.allowgaps", Values::Text),
    row("redpanda.remote.delete", Values::Text),
    row("redpanda.remote.read", Values::Text),
    row("redpanda.remote.readreplica", Values::Text),
    row("redpanda.remote.recovery", Values::Text),
    row("redpanda.remote.write", Values::Text),
    row("redpanda.schema.registry.context", Values::Text),
    row("redpanda.storage.mode", Values::Text),
    row("redpanda.storage.mode.impl", Values::Text),
    row("redpanda.value.schema.id.validation", Values::Text),
    row("redpanda.virtual.cluster.id", Values::Text),
    row("remote.log.copy.disable", Values::Bool),
    row("remote.log.delete.on.disable", Values::Bool),
    row("remote.storage.enable", Values::Bool),
    row("replication.factor", Values::Integer(1)),
    row("retention.bytes", Values::Integer(i64::MIN)),
    row("retention.local.target.bytes", Values::Integer(-1)),
    row("retention.local.target.ms", Values::Integer(-1)),
    row("retention.ms", Values::Integer(-1)),
    row("segment.bytes", Values::Integer(14)),
    row("segment.index.bytes", Values::Integer(4)),
    row("segment.jitter.ms", Values::Integer(0)),
    row("segment.ms", Values::Integer(1)),
    row("unclean.leader.election.enable", Values::Bool),
    row(
        "write.caching",
        Values::OneOf(&["true", "false", "disabled"]),
    ),
];

/// Checks a setting of a topic; what is wrong, in words for whoever chose it.
pub fn check(name: &str, value: &str) -> Result<(), String> {
    let Ok(found) = SETTINGS.binary_search_by(|setting| setting.name.cmp(name)) else {
        return Err(format!("Unknown topic config name: {name}"));
    };
    let takes = SETTINGS[found].values;
    if takes.accept(value) {
        return Ok(());
    }
    Err(format!(
        "Invalid value '{value}' for '{name}': {}",
        takes.describe()
    ))
}

impl Values {
    fn accept(self, value: &str) -> bool {
        match self {
            Self::Bool => matches!(value, "true" | "false"),
            Self::Integer(least) => value.parse::<i64>().is_ok_and(|number| number >= least),
            Self::Ratio => value
                .parse::<f64>()
                .is_ok_and(|number| (0.0..=1.0).contains(&number)),
            Self::OneOf(allowed) => allowed.contains(&value),
            Self::SomeOf(allowed) => value.split(',').all(|part| allowed.contains(&part.trim())),
            Self::Text => true,
        }
    }

    fn describe(self) -> String {
        match self {
            Self::Bool => "it is true or false".to_owned(),
            Self::Integer(i64::MIN) => "it is a whole number".to_owned(),
            Self::Integer(least) => format!("it is a whole number, at least {least}"),
            Self::Ratio => "it is a number from 0 to 1".to_owned(),
            Self::OneOf(allowed) => format!("it is one of {}", allowed.join(", ")),
            Self::SomeOf(allowed) => format!("it is some of {}", allowed.join(", ")),
            Self::Text => "it is a text".to_owned(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_sorted_and_named_once() {
        assert!(SETTINGS.windows(2).all(|pair| pair[0].name < pair[1].name));
    }

    #[test]
    fn values_are_checked_and_unknown_names_refused() {
        assert_eq!(check("cleanup.policy", "compact,delete"), Ok(()));
        assert_eq!(check("retention.ms", "-1"), Ok(()));
        assert_eq!(check("min.cleanable.dirty.ratio", "0.5"), Ok(()));
        for (name, value) in [
            ("cleanup.policy", "shred"),
            ("cleanup.policy", ""),
            ("retention.ms", "-2"),
            ("retention.ms", "soon"),
            ("preallocate", "yes"),
            ("min.cleanable.dirty.ratio", "NaN"),
            ("retention.mss", "1"),
        ] {
            assert!(check(name, value).is_err(), "{name}={value}");
        }
    }
}
