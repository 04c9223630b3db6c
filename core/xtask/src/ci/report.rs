//! What became of the lanes: their times against their budgets, and the one answer of the whole round.

use crate::failure::Failure;
use std::fmt;
use std::time::Duration;

/// How a lane ended.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    Passed,
    /// What it asked does not hold.
    Failed(String),
    /// It could not ask: something went wrong around it.
    Broken(String),
    /// It did not run.
    Skipped(String),
}

/// One lane after its run.
#[derive(Debug)]
pub(super) struct Outcome {
    pub(super) name: &'static str,
    /// Its budget.
    pub(super) minutes: u64,
    pub(super) took: Duration,
    pub(super) verdict: Verdict,
}

/// How the time of a lane compares with its budget. Machines are noisy: a lane that is over says so loudly, and
/// only one that is far over is an error, and only for a machine.
#[derive(Debug, PartialEq, Eq)]
enum Spent {
    Within,
    Over,
    FarOver,
}

impl Outcome {
    fn spent(&self) -> Spent {
        let budget = Duration::from_secs(60 * self.minutes);
        match self.took {
            took if took <= budget => Spent::Within,
            took if took <= 2 * budget => Spent::Over,
            _ => Spent::FarOver,
        }
    }
}

/// All lanes of a round.
#[derive(Debug)]
pub(super) struct Report {
    pub(super) outcomes: Vec<Outcome>,
    /// Whether a machine asked: then what was skipped, or far too slow, is an error.
    is_ci: bool,
}

impl Report {
    pub(super) const fn new(is_ci: bool) -> Self {
        Self {
            outcomes: Vec::new(),
            is_ci,
        }
    }

    /// One line about one lane.
    pub(super) fn line(&self, outcome: &Outcome) -> String {
        let (word, why) = match &outcome.verdict {
            Verdict::Passed if self.is_far_over(outcome) => ("TOO SLOW", ""),
            Verdict::Passed => ("ok", ""),
            Verdict::Failed(why) => ("FAILED", why.as_str()),
            Verdict::Broken(why) => ("BROKEN", why.as_str()),
            Verdict::Skipped(why) => ("SKIPPED", why.as_str()),
        };
        let warning = match outcome.spent() {
            Spent::Within => "",
            Spent::Over => "  WARNING: over its budget",
            Spent::FarOver => "  WARNING: over twice its budget",
        };
        let why = why.lines().last().unwrap_or_default();
        let (took, minutes) = (outcome.took.as_secs_f64(), outcome.minutes);
        let line = format!(
            "{:<10}{word:<10}{took:>8.1} s of {minutes:>2} min{warning}  {why}",
            outcome.name
        );
        line.trim_end().to_owned()
    }

    fn is_far_over(&self, outcome: &Outcome) -> bool {
        self.is_ci && outcome.spent() == Spent::FarOver
    }

    /// The answer of the round. A check that failed weighs more than a machine that is not as it should be.
    pub(super) fn result(&self) -> Result<(), Failure> {
        let failed = self.names(|outcome| {
            matches!(outcome.verdict, Verdict::Failed(_)) || self.is_far_over(outcome)
        });
        let broken = self.names(|outcome| {
            matches!(outcome.verdict, Verdict::Broken(_))
                || self.is_ci && matches!(outcome.verdict, Verdict::Skipped(_))
        });
        match (failed.as_slice(), broken.as_slice()) {
            ([], []) => Ok(()),
            ([], broken) => Err(Failure::Environment(format!(
                "ci: could not run: {}",
                broken.join(", ")
            ))),
            (failed, _) => Err(Failure::Check(format!("ci: failed: {}", failed.join(", ")))),
        }
    }

    fn names(&self, wanted: impl Fn(&Outcome) -> bool) -> Vec<&'static str> {
        self.outcomes
            .iter()
            .filter(|outcome| wanted(outcome))
            .map(|outcome| outcome.name)
            .collect()
    }
}

impl fmt::Display for Report {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        for outcome in &self.outcomes {
            writeln!(formatter, "{}", self.line(outcome))?;
        }
        let skipped = self.names(|outcome| matches!(outcome.verdict, Verdict::Skipped(_)));
        if !skipped.is_empty() {
            writeln!(
                formatter,
                "SKIPPED, so nothing is known of: {}",
                skipped.join(", ")
            )?;
        }
        let took: Duration = self.outcomes.iter().map(|outcome| outcome.took).sum();
        let minutes: u64 = self.outcomes.iter().map(|outcome| outcome.minutes).sum();
        write!(
            formatter,
            "{:<20}{:>8.1} s of {minutes:>2} min",
            "all lanes",
            took.as_secs_f64()
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn outcome(verdict: Verdict, seconds: u64) -> Outcome {
        Outcome {
            name: "lane",
            minutes: 1,
            took: Duration::from_secs(seconds),
            verdict,
        }
    }

    fn code(is_ci: bool, outcomes: Vec<Outcome>) -> u8 {
        let mut report = Report::new(is_ci);
        report.outcomes = outcomes;
        report
            .result()
            .map_or_else(|failure| failure.exit_code(), |()| 0)
    }

    #[test]
    fn the_budget_has_slack_and_an_end() {
        assert_eq!(outcome(Verdict::Passed, 60).spent(), Spent::Within);
        assert_eq!(outcome(Verdict::Passed, 120).spent(), Spent::Over);
        assert_eq!(outcome(Verdict::Passed, 121).spent(), Spent::FarOver);
    }

    #[test]
    fn only_a_machine_takes_slowness_and_gaps_for_errors() {
        assert_eq!(code(false, vec![outcome(Verdict::Passed, 121)]), 0);
        assert_eq!(code(true, vec![outcome(Verdict::Passed, 121)]), 1);
        assert_eq!(code(true, vec![outcome(Verdict::Passed, 119)]), 0);
        let skipped = || vec![outcome(Verdict::Skipped("no git".to_owned()), 0)];
        assert_eq!(code(false, skipped()), 0);
        assert_eq!(code(true, skipped()), 5);
    }

    #[test]
    fn a_failed_check_weighs_more_than_a_broken_machine() {
        let broken = || outcome(Verdict::Broken("no disk".to_owned()), 1);
        assert_eq!(code(false, vec![broken()]), 5);
        assert_eq!(
            code(
                false,
                vec![broken(), outcome(Verdict::Failed("x".to_owned()), 1)]
            ),
            1
        );
    }

    #[test]
    fn the_report_says_loudly_what_did_not_run() {
        let mut report = Report::new(false);
        report.outcomes = vec![
            outcome(Verdict::Passed, 90),
            outcome(Verdict::Skipped("no git".to_owned()), 0),
        ];
        let text = report.to_string();
        assert!(text.contains("WARNING: over its budget"), "{text}");
        assert!(
            text.contains("SKIPPED, so nothing is known of: lane"),
            "{text}"
        );
        assert!(text.contains("no git"), "{text}");
    }
}
