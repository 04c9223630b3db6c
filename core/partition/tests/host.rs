//! What a partition promises, on simulated nodes of several cores.

#![expect(clippy::unwrap_used, reason = "a test ends where it is surprised")]

#[path = "support/node.rs"]
mod node;

use std::sync::{Arc, Mutex};

use model::{LeaderEpoch, Offset, Term};
use node::{Bench, Machine, PLANTED, batch, key, values_of};
use partition::{Ack, Propose, ProposeError, Read, ReadError, Seek, SeekTarget, Watch};
use runtime::{Class, Frozen};
use stdx::{Duration, Prng};
use world::Crash;

#[test]
fn a_committed_proposal_is_read_back_from_any_core() {
    for cores in 1..=3 {
        Machine::new(1).live(cores, |bench| async move {
            for number in 0..4 {
                let opened = bench.open(key(number)).await;
                assert_eq!((opened.watermarks.term, opened.report.len()), (Term(1), 0));
                let committed = bench
                    .propose(key(number), batch(&[1, 2, 3]), Ack::Quorum)
                    .await
                    .unwrap();
                assert_eq!(
                    (committed.base_offset, committed.term),
                    (Offset(0), Term(1))
                );
                let committed = bench
                    .propose(key(number), batch(&[4]), Ack::Quorum)
                    .await
                    .unwrap();
                assert_eq!(committed.base_offset, Offset(3));
                assert_eq!(bench.values(key(number)).await, [1, 2, 3, 4]);
            }
        });
    }
}

#[test]
fn a_read_within_a_batch_returns_it_whole_and_never_passes_the_high_watermark() {
    Machine::new(2).live(2, |bench| async move {
        bench.open(key(0)).await;
        bench
            .propose(key(0), batch(&[1, 2, 3]), Ack::Quorum)
            .await
            .unwrap();
        let answer = bench
            .router
            .read(Bench::read_from(key(0), 2))
            .await
            .outcome()
            .await
            .unwrap();
        assert_eq!(values_of(&answer), [1, 2, 3]);
        // Appended and not durable yet: known to exist, not served.
        bench
            .propose(key(0), batch(&[4]), Ack::Leader)
            .await
            .unwrap();
        let answer = bench
            .router
            .read(Bench::read_from(key(0), 3))
            .await
            .outcome()
            .await
            .unwrap();
        let high_watermark = answer.watermarks.high_watermark;
        let served = i64::try_from(values_of(&answer).len()).unwrap();
        assert!(served <= high_watermark.0 - 3);
        let beyond = bench
            .router
            .read(Bench::read_from(key(0), 5))
            .await
            .outcome()
            .await;
        assert!(matches!(beyond, Err(ReadError::OutOfRange(_))));
    });
}

#[test]
fn acks_that_do_not_wait_become_visible_by_themselves() {
    Machine::new(3).live(1, |bench| async move {
        bench.open(key(0)).await;
        for (ack, value) in [(Ack::None, 1), (Ack::Leader, 2)] {
            bench.propose(key(0), batch(&[value]), ack).await.unwrap();
        }
        bench.runtime.sleep(Duration::from_millis(100)).await;
        assert_eq!(bench.values(key(0)).await, [1, 2]);
    });
}

#[test]
fn a_proposal_is_refused_for_its_term_its_bytes_and_its_partition() {
    Machine::new(4).live(2, |bench| async move {
        bench.open(key(0)).await;
        let propose = |key, expected_term, batches| {
            let ack = Ack::Quorum;
            Propose { key, expected_term, batches, ack, stamp_append_time: true }
        };
        let ask = async |propose| bench.router.propose(propose).await.outcome().await;
        let wrong = ask(propose(key(0), Some(Term(9)), batch(&[1]))).await;
        assert_eq!(wrong, Err(ProposeError::WrongTerm { current: Term(1) }));
        for bytes in [&b""[..], b"no batch", &batch(&[1])[..70]] {
            let refused = ask(propose(key(0), None, Frozen::from(bytes.to_vec()))).await;
            assert!(matches!(refused, Err(ProposeError::Fenced(why)) if why.contains("not whole record batches")));
        }
        assert_eq!(ask(propose(key(7), None, batch(&[1]))).await, Err(ProposeError::UnknownPartition));
        let committed = ask(propose(key(0), Some(Term(1)), batch(&[1]))).await.unwrap();
        assert_eq!(committed.base_offset, Offset(0), "nothing of what was refused was appended");
        let stamped = committed.append_time.unwrap();
        let answer = bench.router.read(Bench::read_from(key(0), 0)).await.outcome().await.unwrap();
        let stored = records::BatchView::split(&answer.batches[0]).unwrap().0;
        stored.check_stored().unwrap();
        assert_eq!(stored.max_timestamp(), stamped.as_millis());
        assert_eq!(stored.partition_leader_epoch(), 1);
    });
}

#[test]
fn a_reader_is_fenced_by_its_epoch_both_ways() {
    Machine::new(5).live(1, |bench| async move {
        bench.open(key(0)).await;
        bench
            .propose(key(0), batch(&[1]), Ack::Quorum)
            .await
            .unwrap();
        for (epoch, expected) in [
            (0, Err(ReadError::FencedEpoch)),
            (1, Ok(1)),
            (2, Err(ReadError::UnknownEpoch)),
        ] {
            let read = Read {
                current_epoch: Some(LeaderEpoch(epoch)),
                ..Bench::read_from(key(0), 0)
            };
            let answer = bench.router.read(read).await.outcome().await;
            assert_eq!(answer.map(|answer| values_of(&answer).len()), expected);
        }
    });
}

#[test]
fn proposals_of_one_proposer_keep_their_order_and_offsets_are_contiguous() {
    for seed in 0..10 {
        Machine::new(seed).live(3, |bench| async move {
            bench.open(key(0)).await;
            let scope = bench.runtime.scope("proposers");
            let done = Arc::new(Mutex::new(0_u64));
            for proposer in 0..2_u64 {
                let (bench, done) = (bench.clone(), Arc::clone(&done));
                scope.spawn(Class::Produce, "proposer", async move {
                    let mut answers = Vec::new();
                    for number in 0..50 {
                        let propose = Propose {
                            key: key(0),
                            expected_term: None,
                            batches: batch(&[proposer << 32 | number]),
                            ack: Ack::Quorum,
                            stamp_append_time: false,
                        };
                        answers.push(bench.router.propose(propose).await);
                    }
                    let mut last = Offset(-1);
                    for answer in answers {
                        let offset = answer.outcome().await.unwrap().base_offset;
                        assert!(offset > last);
                        last = offset;
                    }
                    *done.lock().unwrap() += 1;
                });
            }
            scope.join().await.unwrap();
            assert_eq!(*done.lock().unwrap(), 2);
            let values = bench.values(key(0)).await;
            assert_eq!(values.len(), 100);
            for proposer in 0..2 {
                let own = values
                    .iter()
                    .filter(|&&value| value >> 32 == proposer)
                    .map(|value| value & 0xffff_ffff);
                assert_eq!(own.collect::<Vec<_>>(), (0..50).collect::<Vec<_>>());
            }
        });
    }
}

#[test]
fn a_watch_ends_when_more_is_visible_or_at_its_deadline() {
    Machine::new(6).live(2, |bench| async move {
        bench.open(key(0)).await;
        let start = bench.runtime.now();
        let watch = |offset, millis| Watch {
            key: key(0),
            offset: Offset(offset),
            deadline: start + Duration::from_millis(millis),
        };
        let early = bench.router.watch(watch(0, 500)).await;
        let late = bench.router.watch(watch(1, 50)).await;
        bench
            .propose(key(0), batch(&[1]), Ack::Quorum)
            .await
            .unwrap();
        assert_eq!(early.outcome().await.unwrap().high_watermark, Offset(1));
        assert!(bench.runtime.now() < start + Duration::from_millis(50));
        assert_eq!(late.outcome().await.unwrap().high_watermark, Offset(1));
        assert!(bench.runtime.now() >= start + Duration::from_millis(50));
        // What is news already, and what is late already, is answered at once.
        let now = bench.runtime.now();
        bench
            .router
            .watch(watch(0, 10_000))
            .await
            .outcome()
            .await
            .unwrap();
        bench
            .router
            .watch(watch(1, 1))
            .await
            .outcome()
            .await
            .unwrap();
        assert!(bench.runtime.now() < now + Duration::from_millis(5));
    });
}

#[test]
fn look_ups_answer_with_offset_time_and_epoch() {
    Machine::new(7).live(1, |bench| async move {
        bench.open(key(0)).await;
        let seek = async |target| {
            let seek = Seek {
                key: key(0),
                target,
                current_epoch: None,
            };
            let found = bench.router.seek(seek).await.outcome().await.unwrap();
            (
                found.position.map(|(offset, time)| (offset.0, time)),
                found.epoch.0,
            )
        };
        assert_eq!(seek(SeekTarget::Earliest).await, (Some((0, -1)), 1));
        assert_eq!(seek(SeekTarget::Timestamp(0)).await, (None, 1));
        bench
            .propose(key(0), batch(&[1, 2]), Ack::Quorum)
            .await
            .unwrap();
        assert_eq!(seek(SeekTarget::Earliest).await, (Some((0, -1)), 1));
        assert_eq!(seek(SeekTarget::Latest).await, (Some((2, -1)), 1));
        assert_eq!(seek(SeekTarget::Timestamp(7)).await, (Some((0, 7)), 1));
        assert_eq!(seek(SeekTarget::Timestamp(8)).await, (None, 1));
        assert_eq!(seek(SeekTarget::MaxTimestamp).await, (Some((0, 7)), 1));
    });
}

#[test]
fn a_removed_partition_is_gone_and_may_come_again() {
    Machine::new(8).live(2, |bench| async move {
        bench.open(key(0)).await;
        bench
            .propose(key(0), batch(&[1]), Ack::Quorum)
            .await
            .unwrap();
        let watch = Watch {
            key: key(0),
            offset: Offset(1),
            deadline: bench.runtime.now() + Duration::from_secs(9),
        };
        let watch = bench.router.watch(watch).await;
        bench.router.remove(key(0)).await.unwrap();
        assert_eq!(watch.outcome().await, Err(ReadError::UnknownPartition));
        bench.router.remove(key(0)).await.unwrap();
        let refused = bench.propose(key(0), batch(&[1]), Ack::Quorum).await;
        assert_eq!(refused, Err(ProposeError::UnknownPartition));
        bench.open(key(0)).await;
        assert!(bench.values(key(0)).await.is_empty());
    });
}

#[test]
fn what_was_acknowledged_survives_lives_on_any_number_of_cores() {
    for seed in 0..30 {
        let mut machine = Machine::new(seed);
        let mut prng = Prng::labelled(seed, "host");
        let acknowledged = Arc::new(Mutex::new(Vec::new()));
        for life in 1..=5_u64 {
            if prng.chance(2, 3) {
                let crash = if prng.chance(1, 2) {
                    Crash::PowerCut
                } else {
                    Crash::Kill
                };
                machine
                    .world
                    .crash_after_events(machine.node, prng.between(100, 3_000), crash);
            }
            let acknowledged = Arc::clone(&acknowledged);
            let cores = u16::try_from(prng.between(1, 4)).unwrap();
            machine.try_live(cores, move |bench| async move {
                let opened = bench.open(key(0)).await;
                assert!(opened.watermarks.term.0 > 0);
                let before = bench.values(key(0)).await;
                check_all_there(&acknowledged.lock().unwrap(), &before);
                for number in 0..60 {
                    let value = life << 32 | number;
                    let committed = bench
                        .propose(key(0), batch(&[value]), Ack::Quorum)
                        .await
                        .unwrap();
                    acknowledged
                        .lock()
                        .unwrap()
                        .push((committed.base_offset.0, value));
                }
            });
            machine.world.clear_crash_point(machine.node);
            if prng.chance(1, 3) {
                machine.world.power_cut(machine.node);
            }
        }
        machine.live(2, move |bench| async move {
            bench.open(key(0)).await;
            let values = bench.values(key(0)).await;
            check_all_there(&acknowledged.lock().unwrap(), &values);
        });
    }
}

fn check_all_there(acknowledged: &[(i64, u64)], values: &[u64]) {
    for &(offset, value) in acknowledged {
        assert_eq!(
            values.get(usize::try_from(offset).unwrap()),
            Some(&value),
            "offset {offset}"
        );
    }
}

#[test]
fn after_a_rest_the_last_frame_is_proven_committed() {
    let mut machine = Machine::new(9);
    machine.live(1, |bench| async move {
        bench.open(key(0)).await;
        bench
            .propose(key(0), batch(&[1, 2]), Ack::Quorum)
            .await
            .unwrap();
        bench.runtime.sleep(Duration::from_millis(300)).await;
    });
    // A header of a segment, the noop of the reign, and then the batch. And the footer, or nobody would look.
    let path = format!("/data/topics/{}/00000000000000000001.log", key(0));
    let bytes = machine.world.disk(machine.node).cache_bytes(&path).unwrap();
    let trailer = bytes.len() as u64 - 1;
    assert!(machine.world.disk_mut(machine.node).rot(&path, trailer, 1));
    assert!(
        machine
            .world
            .disk_mut(machine.node)
            .rot(&path, 64 + 64 + 70, 1)
    );
    machine.live(1, |bench| async move {
        let opened = bench.open(key(0)).await;
        assert!(
            opened.report[0].contains("it was committed"),
            "{:?}",
            opened.report
        );
        let read = bench
            .router
            .read(Bench::read_from(key(0), 0))
            .await
            .outcome()
            .await;
        assert!(matches!(read, Err(ReadError::Fenced(_))));
        let refused = bench.propose(key(0), batch(&[3]), Ack::Quorum).await;
        assert!(matches!(refused, Err(ProposeError::Fenced(_))));
        // The rest of the node goes on.
        bench.open(key(1)).await;
        bench
            .propose(key(1), batch(&[3]), Ack::Quorum)
            .await
            .unwrap();
    });
}

#[test]
fn damage_is_found_before_anybody_asks_for_it() {
    let mut machine = Machine::new(12);
    machine.live(1, |bench| async move {
        bench.open(key(0)).await;
        for values in [[1, 2], [3, 4]] {
            let proposed = bench.propose(key(0), batch(&values), Ack::Quorum).await;
            proposed.unwrap();
        }
    });
    // Headers of the segment and of who votes, the noop of the reign, and then the first batch: in a record.
    let path = format!("/data/topics/{}/00000000000000000001.log", key(0));
    let disk = machine.world.disk_mut(machine.node);
    assert!(disk.rot(&path, 340, 1));
    machine.live(1, |bench| async move {
        let opened = bench.open(key(0)).await;
        assert!(opened.report.is_empty(), "{:?}", opened.report);
        assert!(bench.damages.try_pop().is_none());
        bench.runtime.sleep(Duration::from_secs(10)).await;
        let (damaged, what) = bench.damages.try_pop().unwrap();
        assert_eq!(damaged, key(0));
        assert!(
            what.contains("records from 0 up to 2 that were acknowledged"),
            "{what}"
        );
        let read = |offset| bench.router.read(Bench::read_from(key(0), offset));
        let fenced = read(0).await.outcome().await;
        assert!(matches!(fenced, Err(ReadError::Fenced(_))), "{fenced:?}");
        assert_eq!(values_of(&read(2).await.outcome().await.unwrap()), [3, 4]);
        let appended = bench.propose(key(0), batch(&[5]), Ack::Quorum).await;
        appended.unwrap();
    });
}

#[test]
fn a_node_that_stops_answers_what_waits() {
    let answered = Arc::new(Mutex::new(Vec::new()));
    let answers = Arc::clone(&answered);
    Machine::new(10).live(2, move |bench| async move {
        bench.open(key(0)).await;
        let watch = Watch {
            key: key(0),
            offset: Offset(99),
            deadline: bench.runtime.now() + Duration::from_secs(9),
        };
        let watch = bench.router.watch(watch).await;
        let propose = Propose {
            key: key(0),
            expected_term: None,
            batches: batch(&[1]),
            ack: Ack::Quorum,
            stamp_append_time: false,
        };
        let proposal = bench.router.propose(propose).await;
        bench
            .runtime
            .root()
            .spawn(Class::Produce, "collect", async move {
                let outcome = proposal.outcome().await;
                answers.lock().unwrap().push(format!("{outcome:?}"));
                let outcome = watch.outcome().await;
                answers.lock().unwrap().push(format!("{outcome:?}"));
            });
        bench.runtime.sleep(Duration::from_micros(20)).await;
    });
    let answered = answered.lock().unwrap();
    assert!(answered.len() <= 2);
    assert!(
        answered
            .first()
            .is_none_or(|outcome| outcome.starts_with("Ok") || outcome.contains("Stopping"))
    );
}

#[test]
fn each_life_is_a_reign_and_each_reign_ends_where_the_next_begins() {
    let mut machine = Machine::new(21);
    // The second life writes nothing; the fourth ends without a word.
    for (life, values) in [(1, 3), (2, 0), (3, 2), (4, 1), (5, 0)] {
        machine.try_live(1 + life % 3, move |bench| async move {
            let opened = bench.open(key(0)).await;
            assert_eq!(opened.watermarks.term, Term(u32::from(life)));
            for value in 0..values {
                let written = bench.propose(key(0), batch(&[value]), Ack::Quorum).await;
                written.unwrap();
            }
            if life == 4 {
                bench.runtime.crash(PLANTED);
            }
        });
    }
    machine.live(2, |bench| async move {
        bench.open(key(0)).await;
        let ends = [
            (-1, None, -1),
            (0, Some(0), 0),
            (1, Some(3), 1),
            (2, Some(3), 2),
            (3, Some(5), 3),
            (4, Some(6), 4),
            (5, Some(6), 5),
            (6, Some(6), 6),
            (7, None, 7),
        ];
        for (asked, end, epoch) in ends {
            let seek = Seek {
                key: key(0),
                target: SeekTarget::EpochEnd(LeaderEpoch(asked)),
                current_epoch: Some(LeaderEpoch(6)),
            };
            let found = bench.router.seek(seek).await.outcome().await.unwrap();
            let position = found.position.map(|(offset, _)| offset.0);
            assert_eq!(
                (position, found.epoch),
                (end, LeaderEpoch(epoch)),
                "{asked}"
            );
        }
    });
}

#[test]
fn a_log_whose_voters_are_others_is_not_led() {
    let mut machine = Machine::new(22);
    machine.live(1, |bench| async move {
        bench.open(key(0)).await;
    });
    machine.node_number = 2;
    machine.live(1, |bench| async move {
        let open = partition::Open {
            key: key(0),
            segment_bytes: 1 << 20,
        };
        let refused = bench.router.open(open).await.unwrap_err();
        assert!(
            refused.contains("its voters are (n1), and this is n2"),
            "{refused}"
        );
    });
    machine.node_number = 1;
    machine.live(1, |bench| async move {
        let opened = bench.open(key(0)).await;
        assert_eq!(
            opened.watermarks.term,
            Term(2),
            "nothing was decided meanwhile"
        );
    });
}

#[test]
fn records_that_were_durable_and_are_gone_with_their_files_are_missed() {
    let mut machine = Machine::new(23);
    for _ in 0..2 {
        machine.live(1, |bench| async move {
            bench.open(key(0)).await;
            let written = bench.propose(key(0), batch(&[1]), Ack::Quorum).await;
            written.unwrap();
        });
    }
    machine.live(1, |bench| async move {
        let folder = storage::DataPath::new("/data").partition(key(0));
        for entry in bench.runtime.read_directory(&folder).await.unwrap() {
            let path = format!("{folder}/{}", entry.name);
            bench.runtime.unlink(&path).await.unwrap();
        }
        let opened = bench.open(key(0)).await;
        assert!(opened.fenced && opened.report[0].contains("there is no segment"));
        let refused = bench.propose(key(0), batch(&[1]), Ack::Quorum).await;
        assert!(matches!(refused, Err(ProposeError::Fenced(_))));
        // Where a reign ended is gone with them: at 0, as what is left would say, a reader would take all that it has for gone.
        let seek = Seek {
            key: key(0),
            target: SeekTarget::EpochEnd(LeaderEpoch(2)),
            current_epoch: None,
        };
        let end = bench.router.seek(seek).await.outcome().await;
        assert!(matches!(end, Err(ReadError::Fenced(_))), "{end:?}");
    });
}
