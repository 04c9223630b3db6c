//! Commands survive their bytes; bytes that are no command are refused.

use proptest::prelude::*;

use super::*;

fn commands() -> impl Strategy<Value = Command> {
    let id = any::<[u8; 16]>().prop_map(TopicId).boxed();
    let name = "[a-zA-Z0-9_-]{1,60}".prop_map(|text| TopicName::parse(&text).unwrap());
    let configs = prop::collection::vec(("[a-z.]{0,20}", ".{0,40}"), 0..8);
    let create = (name, id.clone(), any::<i32>(), any::<i16>(), configs);
    prop_oneof![
        any::<(u64, u64)>().prop_map(|(high, low)| Command::ClusterNamed {
            cluster_id: ClusterId::from_random(high, low)
        }),
        create.prop_map(|(name, id, partitions, replication_factor, configs)| {
            Command::CreateTopic {
                name,
                id,
                partitions,
                replication_factor,
                configs,
            }
        }),
        id.clone().prop_map(|id| Command::DeleteTopic { id }),
        id.prop_map(|id| Command::ForgetTopic { id }),
    ]
}

proptest! {
    #[test]
    fn a_command_survives_its_bytes(command in commands()) {
        let bytes = command.encode();
        prop_assert_eq!(bytes.len(), command.encoded_bytes());
        prop_assert!(command.is_encodable());
        prop_assert_eq!(Command::decode(&bytes), Ok(command));
    }

    #[test]
    fn a_prefix_of_a_command_is_none(command in commands(), cut in any::<prop::sample::Index>()) {
        let bytes = command.encode();
        let cut = cut.index(bytes.len());
        prop_assert_eq!(Command::decode(&bytes[..cut]), Err(CommandError::Truncated));
    }

    #[test]
    fn any_bytes_are_answered(bytes in prop::collection::vec(any::<u8>(), 0..200), kind in 0_u8..6) {
        drop(Command::decode(&bytes));
        let framed = [&[VERSION, kind], bytes.as_slice()].concat();
        if let Ok(command) = Command::decode(&framed) {
            prop_assert_eq!(command.encode(), framed);
        }
    }

    #[test]
    fn one_wrong_byte_never_panics(command in commands(), at in any::<prop::sample::Index>(), byte in any::<u8>()) {
        let mut bytes = command.encode();
        let at = at.index(bytes.len());
        bytes[at] = byte;
        if let Ok(other) = Command::decode(&bytes) {
            prop_assert_eq!(other.encode(), bytes);
        }
    }
}

/// The bytes of `papers/format/controller-records.md`: they must not change without its version.
#[test]
fn the_layout_is_the_written_one() {
    let create = Command::CreateTopic {
        name: TopicName::parse("logs").unwrap(),
        id: TopicId([7; 16]),
        partitions: 3,
        replication_factor: 1,
        configs: vec![("a".to_owned(), "bc".to_owned())],
    };
    let mut expected = vec![0, 2];
    expected.extend([7; 16]);
    expected.extend(b"\0\x04logs\0\0\0\x03\0\x01\0\x01\0\x01a\0\x02bc");
    assert_eq!(create.encode(), expected);
    let mut delete = vec![0, 3];
    delete.extend([9; 16]);
    assert_eq!(
        Command::DeleteTopic {
            id: TopicId([9; 16])
        }
        .encode(),
        delete
    );
}

#[test]
fn what_is_not_a_command_is_named() {
    let cases: [(&[u8], CommandError); 5] = [
        (b"", CommandError::Truncated),
        (b"\x01\x03", CommandError::Version(1)),
        (b"\x00\xff", CommandError::Kind(255)),
        (
            b"\x00\x020123456789abcdef\x00\x02\xff\xff",
            CommandError::Text,
        ),
        (
            b"\x00\x020123456789abcdef\x00\x02..",
            CommandError::Name(TopicNameError::Dots),
        ),
    ];
    for (bytes, error) in cases {
        assert_eq!(Command::decode(bytes), Err(error), "{bytes:?}");
    }
    let mut long = Command::DeleteTopic { id: TopicId::NONE }.encode();
    long.push(0);
    assert_eq!(
        Command::decode(&long),
        Err(CommandError::Trailing { bytes: 1 })
    );
    let huge = vec![0; COMMAND_BYTES_MAX + 1];
    assert_eq!(
        Command::decode(&huge),
        Err(CommandError::TooLarge { bytes: huge.len() })
    );
}

#[test]
fn a_field_that_does_not_fit_is_known_before_it_is_encoded() {
    let create = |configs| Command::CreateTopic {
        name: TopicName::parse("logs").unwrap(),
        id: TopicId([7; 16]),
        partitions: 1,
        replication_factor: 1,
        configs,
    };
    assert!(!create(vec![("k".to_owned(), "v".repeat(70_000))]).is_encodable());
    let many = (0..9).map(|i| (i.to_string(), "v".repeat(60_000)));
    assert!(!create(many.collect()).is_encodable());
}
