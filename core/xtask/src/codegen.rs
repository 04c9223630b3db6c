//! Kafka's messages: from `core/protocol/definitions` to the committed code in `core/protocol/src`.
//!
//! ```text
//!   definitions/03_metadata.api --parse--> Api --check--> Api --emit--> src/messages/metadata.rs
//!                                                                \----> src/random/messages/metadata.rs
//! ```
//!
//! The code is formatted by rustfmt, so that it reads, and diffs, like any other. Everything is worked out in
//! memory first: a definition that is wrong changes no file.

mod check;
mod definition;
#[expect(
    clippy::format_push_string,
    reason = "code is put together from pieces, and `write!` into a string would hide them behind results"
)]
mod emit;
mod parse;

use definition::Api;
use std::collections::BTreeMap;
use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// Where the definitions are, from the root of the workspace. `README.md` there explains them.
const DEFINITIONS: &str = "core/protocol/definitions";
/// Where the code goes.
const SOURCE: &str = "core/protocol/src";
/// The folders below it in which everything is generated. The `.rs` file beside each is, too.
const FOLDERS: [&str; 2] = ["messages", "random/messages"];

/// Generates the code of all messages.
///
/// With `check`, nothing is written: it is an error where what is committed differs, and the error names each file.
pub fn run(check: bool) -> Result<(), String> {
    let root = find_root()?;
    let apis = read_definitions(&root.join(DEFINITIONS))?;
    let mut files = BTreeMap::new();
    for (name, code) in emit::files(&apis) {
        files.insert(PathBuf::from(&name), format(&root, &name, &code)?);
    }
    let source = root.join(SOURCE);
    let stale = stale_files(&source, &files)?;
    if check {
        compare(&source, &files, &stale)
    } else {
        write(&source, &files, &stale)
    }
}

/// The folder of the workspace, from the current one upward.
fn find_root() -> Result<PathBuf, String> {
    let start = std::env::current_dir().map_err(|error| format!("current folder: {error}"))?;
    let root = start
        .ancestors()
        .find(|folder| folder.join(DEFINITIONS).is_dir());
    root.map(Path::to_path_buf)
        .ok_or_else(|| format!("no {DEFINITIONS} in {} or above it", start.display()))
}

fn read_definitions(folder: &Path) -> Result<Vec<Api>, String> {
    let mut apis = Vec::new();
    for path in list(folder)? {
        if path.extension().is_none_or(|extension| extension != "api") {
            continue;
        }
        let text = read(&path)?;
        let named = |(line, error): (usize, String)| format!("{}:{line}: {error}", path.display());
        let api = parse::api(&text).map_err(named)?;
        check::api(&api).map_err(named)?;
        let expected = format!("{:02}_{}.api", api.key, definition::snake(&api.name));
        if path
            .file_name()
            .is_none_or(|name| name != expected.as_str())
        {
            return Err(format!("{}: should be called {expected}", path.display()));
        }
        apis.push(api);
    }
    apis.sort_by_key(|api| api.key);
    Ok(apis)
}

/// What rustfmt makes of `code`.
fn format(root: &Path, name: &str, code: &str) -> Result<String, String> {
    let failed = |error| format!("rustfmt: {error}");
    let mut child = Command::new("rustfmt")
        .arg("--edition=2024")
        .arg("--config-path")
        .arg(root)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .map_err(failed)?;
    let mut input = child.stdin.take().ok_or("rustfmt: no standard input")?;
    input.write_all(code.as_bytes()).map_err(failed)?;
    drop(input);
    let output = child.wait_with_output().map_err(failed)?;
    if !output.status.success() {
        return Err(format!(
            "rustfmt refused the code of {name}, as it says above"
        ));
    }
    String::from_utf8(output.stdout).map_err(|error| format!("rustfmt: {error}"))
}

/// Files in the generated folders that no definition makes.
fn stale_files(source: &Path, files: &BTreeMap<PathBuf, String>) -> Result<Vec<PathBuf>, String> {
    let mut stale = Vec::new();
    for folder in FOLDERS.map(|folder| source.join(folder)) {
        if !folder.is_dir() {
            continue;
        }
        for path in list(&folder)? {
            let known = path
                .strip_prefix(source)
                .is_ok_and(|path| files.contains_key(path));
            if !known {
                stale.push(path);
            }
        }
    }
    Ok(stale)
}

fn compare(
    source: &Path,
    files: &BTreeMap<PathBuf, String>,
    stale: &[PathBuf],
) -> Result<(), String> {
    let mut wrong: Vec<String> = stale
        .iter()
        .map(|path| format!("{}: no definition makes it", path.display()))
        .collect();
    for (name, code) in files {
        let path = source.join(name);
        match fs::read_to_string(&path) {
            Ok(committed) if committed == *code => {}
            Ok(_) => wrong.push(format!("{}: differs", path.display())),
            Err(error) => wrong.push(format!("{}: {error}", path.display())),
        }
    }
    if wrong.is_empty() {
        return Ok(());
    }
    Err(format!(
        "generated code is not what the definitions say; run `cargo xtask codegen`:\n  {}",
        wrong.join("\n  ")
    ))
}

fn write(
    source: &Path,
    files: &BTreeMap<PathBuf, String>,
    stale: &[PathBuf],
) -> Result<(), String> {
    for folder in FOLDERS.map(|folder| source.join(folder)) {
        fs::create_dir_all(&folder).map_err(|error| format!("{}: {error}", folder.display()))?;
    }
    for (name, code) in files {
        let path = source.join(name);
        // A file that is right keeps its time, so that nothing is built again.
        if fs::read_to_string(&path).is_ok_and(|committed| committed == *code) {
            continue;
        }
        fs::write(&path, code).map_err(|error| format!("{}: {error}", path.display()))?;
    }
    for path in stale {
        fs::remove_file(path).map_err(|error| format!("{}: {error}", path.display()))?;
    }
    Ok(())
}

fn read(path: &Path) -> Result<String, String> {
    fs::read_to_string(path).map_err(|error| format!("{}: {error}", path.display()))
}

/// The entries of a folder, by name.
fn list(folder: &Path) -> Result<Vec<PathBuf>, String> {
    let failed = |error: std::io::Error| format!("{}: {error}", folder.display());
    let mut paths = Vec::new();
    for entry in fs::read_dir(folder).map_err(failed)? {
        paths.push(entry.map_err(failed)?.path());
    }
    paths.sort();
    Ok(paths)
}
