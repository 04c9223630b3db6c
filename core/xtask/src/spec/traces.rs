//! Traces of the code: `core/raft/tests/traces` prints what its cluster decided, and TLC says whether the specification
//! allows that.

use super::tlc::{self, Tlc, broken};
use crate::failure::Failure;
use crate::house;
use std::path::PathBuf;
use std::process::{Command, Stdio};

/// What a test printed: a module with traces.
struct Module<'a> {
    /// What it is called, how many traces, how many lines.
    about: &'a str,
    text: &'a str,
}

/// Checks that the traces of the code are accepted, and that those that are altered are not.
pub(super) fn check(tlc: &Tlc) -> Result<usize, Failure> {
    let mut checked = 0;
    for (test, config, accepts) in [("accepted", "trace", true), ("refused", "refused", false)] {
        let printed = print(test, "trace", "target/traces")?;
        let modules = modules(&printed);
        if modules.is_empty() {
            return Err(Failure::Environment(format!(
                "the test {test} of raft did not run"
            )));
        }
        for module in modules {
            let said = ask(tlc, &module, config, accepts)?;
            let about = module.about;
            if !tlc::holds(&said) {
                let why = format!("traces, {about}: they are not {test}\n{said}");
                return Err(Failure::Check(why));
            }
            println!("traces, {about}: {test}");
            checked += 1;
        }
    }
    Ok(checked)
}

/// Where the traces of a planted bug are refused; none where all of them are accepted, or there are none.
pub(super) fn planted(tlc: &Tlc, id: &str) -> Result<Option<String>, Failure> {
    let test = format!("planted::{}", id.to_lowercase());
    let printed = print(&test, "mutants,trace", "target/mutants")?;
    let Some(module) = modules(&printed).into_iter().next() else {
        return Ok(None);
    };
    let said = ask(tlc, &module, "trace", true)?;
    if tlc::holds(&said) {
        return Ok(None);
    }
    let line = tlc::value(&said, "at")
        .ok_or_else(|| Failure::Environment(format!("TLC fails on the traces of {id}:\n{said}")))?;
    let what = tlc::violated(&said).unwrap_or("no action");
    Ok(Some(format!("{what}, line {line}")))
}

/// What a test of the traces prints.
fn print(test: &str, features: &str, target: &str) -> Result<String, Failure> {
    let output = Command::new("cargo")
        .args(["test", "--quiet", "--release", "--package", "raft"])
        .args(["--features", features, "--target-dir", target])
        .args(["--test", "traces", "--", "--exact", test, "--nocapture"])
        .current_dir(house::root())
        .stdin(Stdio::null())
        .output()
        .map_err(|error| Failure::Environment(format!("cannot start cargo: {error}")))?;
    if !output.status.success() {
        let why = String::from_utf8_lossy(&output.stderr);
        return Err(Failure::Check(format!(
            "the test {test} of raft fails: {why}"
        )));
    }
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

/// The modules in what was printed.
fn modules(printed: &str) -> Vec<Module<'_>> {
    let parts = printed.split("\nmodule: ").skip(1);
    let modules = parts.filter_map(|part| {
        let (about, text) = part.split_once('\n')?;
        let (text, _) = text.split_once("\n====\n")?;
        Some(Module { about, text })
    });
    modules.collect()
}

/// Has TLC look at a module beside the specification.
fn ask(tlc: &Tlc, module: &Module<'_>, config: &str, deadlocks: bool) -> Result<String, Failure> {
    let folder = house::root().join("target/spec/traces");
    std::fs::create_dir_all(&folder).map_err(|error| broken(&folder, &error.to_string()))?;
    let papers = house::root().join("papers/spec");
    let config = PathBuf::from(config).with_extension("cfg");
    for name in ["raft.tla", "trace.tla"]
        .map(PathBuf::from)
        .iter()
        .chain([&config])
    {
        let (from, to) = (papers.join(name), folder.join(name));
        std::fs::copy(&from, &to).map_err(|error| broken(&from, &error.to_string()))?;
    }
    let lines = folder.join("lines.tla");
    let text = format!("{}\n====\n", module.text);
    std::fs::write(&lines, text).map_err(|error| broken(&lines, &error.to_string()))?;
    tlc.check(
        &folder,
        "trace.tla",
        &config,
        &folder.join("states"),
        deadlocks,
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn modules_are_told_from_what_a_test_prints_besides() {
        let printed = "\nrunning 1 test\n\nmodule: a, 1 traces\n---- MODULE lines ----\nx\n====\n\n\
            \nmodule: b, 2 traces\n---- MODULE lines ----\ny\n====\n.\ntest result: ok\n";
        let all = modules(printed);
        let told: Vec<(&str, &str)> = all.iter().map(|it| (it.about, it.text)).collect();
        let begin = "---- MODULE lines ----\n";
        let expected = [("a, 1 traces", "x"), ("b, 2 traces", "y")];
        for ((about, text), (expected, rest)) in told.into_iter().zip(expected) {
            assert_eq!((about, text.strip_prefix(begin)), (expected, Some(rest)));
        }
        assert_eq!(all.len(), 2);
        assert!(modules("running 0 tests").is_empty());
    }
}
