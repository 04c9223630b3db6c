//! The marks of all rooms, so that one that was never reached is listed too.

/// Room, mark, hits since the process started.
pub fn marks() -> Vec<(&'static str, &'static str, u64)> {
    let rooms = [
        ("storage", storage::MARKS),
        ("partition", partition::MARKS),
        ("kafka", kafka::MARKS),
    ];
    rooms
        .into_iter()
        .flat_map(|(room, marks)| {
            marks
                .iter()
                .map(move |mark| (room, mark.name(), mark.hits()))
        })
        .collect()
}
