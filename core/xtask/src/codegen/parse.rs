//! From the text of a definition to its values. An error names its line.

use super::definition::{Api, Field, Kind, Side, Struct, Tag, Versions};

type Result<T> = std::result::Result<T, (usize, String)>;

/// One line that says something.
struct Line<'a> {
    number: usize,
    /// Steps of two spaces.
    depth: usize,
    words: Vec<&'a str>,
    comment: &'a str,
}

/// Reads a whole file.
pub(super) fn api(text: &str) -> Result<Api> {
    let words = text
        .lines()
        .map_while(|line| line.strip_prefix('#'))
        .map(|line| line.trim().to_owned())
        .collect();
    let lines = lines(text)?;
    let mut rest = lines.as_slice();
    let (line, name) = (
        rest.first().map_or(1, |line| line.number),
        header(&mut rest, "api")?,
    );
    let [name, key] = name.as_slice() else {
        return fail(line, "`api NAME KEY`");
    };
    let [served] = header(&mut rest, "served")?[..] else {
        return fail(line, "`served VERSIONS`");
    };
    let [flexible] = header(&mut rest, "flexible")?[..] else {
        return fail(line, "`flexible N+` or `flexible none`");
    };
    let mut api = Api {
        line,
        name: (*name).to_owned(),
        key: number(line, key)?,
        served: versions(line, served)?,
        flexible_from: match flexible {
            "none" => None,
            flexible => Some(versions(line, flexible)?.first),
        },
        words,
        structs: Vec::new(),
    };
    while let Some((first, tail)) = rest.split_first() {
        let name = match first.words.as_slice() {
            ["request"] => api.root(Side::Request),
            ["response"] => api.root(Side::Response),
            ["struct", name] => (*name).to_owned(),
            _ => {
                return fail(
                    first.number,
                    "expected `request`, `response` or `struct NAME`",
                );
            }
        };
        rest = tail;
        structure(&mut api, &mut rest, first, name, 1)?;
    }
    Ok(api)
}

/// The lines that say something, cut into words.
fn lines(text: &str) -> Result<Vec<Line<'_>>> {
    let mut lines = Vec::new();
    for (number, line) in (1..).zip(text.lines()) {
        let (code, comment) = line.split_once('#').unwrap_or((line, ""));
        let words: Vec<_> = code.split_whitespace().collect();
        if words.is_empty() {
            continue;
        }
        let spaces = code.len() - code.trim_start().len();
        if spaces % 2 != 0 || code.contains('\t') {
            return fail(number, "indentation is steps of two spaces");
        }
        lines.push(Line {
            number,
            depth: spaces / 2,
            words,
            comment: comment.trim(),
        });
    }
    Ok(lines)
}

/// The words behind `keyword` on the next line.
fn header<'a>(rest: &mut &[Line<'a>], keyword: &str) -> Result<Vec<&'a str>> {
    let Some((line, tail)) = rest.split_first() else {
        return fail(1, "the file ends early");
    };
    match line.words.split_first() {
        Some((first, words)) if *first == keyword => {
            *rest = tail;
            Ok(words.to_vec())
        }
        _ => fail(line.number, &format!("expected `{keyword}`")),
    }
}

/// Reads the fields that follow at `depth` into a new structure, and those of the structures inside it.
fn structure(
    api: &mut Api,
    rest: &mut &[Line<'_>],
    opening: &Line<'_>,
    name: String,
    depth: usize,
) -> Result<()> {
    let index = api.structs.len();
    api.structs.push(Struct {
        line: opening.number,
        name,
        fields: Vec::new(),
    });
    while let Some((line, tail)) = rest.split_first() {
        if line.depth < depth {
            break;
        }
        if line.depth > depth {
            return fail(line.number, "indented deeper than its place allows");
        }
        *rest = tail;
        let field = field(line)?;
        let inner = match &field.kind {
            Kind::Struct(name) => Some(name.clone()),
            Kind::Array(element) => match element.as_ref() {
                Kind::Struct(name) => Some(name.clone()),
                _ => None,
            },
            _ => None,
        };
        api.structs[index].fields.push(field);
        let opens = rest.first().is_some_and(|next| next.depth > depth);
        match inner {
            Some(inner) if opens => structure(api, rest, line, inner, depth + 1)?,
            None if opens => return fail(line.number, "only a structure has fields"),
            _ => {}
        }
    }
    Ok(())
}

fn field(line: &Line<'_>) -> Result<Field> {
    let number = line.number;
    let [name, kind, field_versions, options @ ..] = line.words.as_slice() else {
        return fail(number, "a field is NAME TYPE VERSIONS and options");
    };
    let mut field = Field {
        line: number,
        name: (*name).to_owned(),
        kind: self::kind(number, kind)?,
        versions: versions(number, field_versions)?,
        nullable: None,
        tag: None,
        default: None,
        ignorable: false,
        inflexible: false,
        words: line.comment.to_owned(),
    };
    let mut options = options;
    loop {
        options = match options {
            [] => return Ok(field),
            ["ignorable", rest @ ..] => {
                field.ignorable = true;
                rest
            }
            ["inflexible", rest @ ..] => {
                field.inflexible = true;
                rest
            }
            ["null", value, rest @ ..] => {
                field.nullable = Some(versions(number, value)?);
                rest
            }
            ["=", value, rest @ ..] => {
                field.default = Some((*value).to_owned());
                rest
            }
            ["tag", tag, rest @ ..] => {
                let tag = self::number(number, tag)?;
                let narrower = rest.first().and_then(|word| versions(number, word).ok());
                field.tag = Some(Tag {
                    number: tag,
                    versions: narrower.unwrap_or(field.versions),
                });
                if narrower.is_some() { &rest[1..] } else { rest }
            }
            [word, ..] => return fail(number, &format!("`{word}` means nothing here")),
        };
    }
}

fn kind(line: usize, word: &str) -> Result<Kind> {
    if let Some(element) = word
        .strip_prefix('[')
        .and_then(|word| word.strip_suffix(']'))
    {
        return Ok(Kind::Array(Box::new(kind(line, element)?)));
    }
    Ok(match word {
        "bool" => Kind::Bool,
        "int8" => Kind::Int8,
        "int16" => Kind::Int16,
        "uint16" => Kind::Uint16,
        "int32" => Kind::Int32,
        "uint32" => Kind::Uint32,
        "int64" => Kind::Int64,
        "float64" => Kind::Float64,
        "uuid" => Kind::Uuid,
        "string" => Kind::String,
        "bytes" => Kind::Bytes,
        "records" => Kind::Records,
        name if name.starts_with(|first: char| first.is_ascii_uppercase()) => {
            Kind::Struct(name.to_owned())
        }
        name => return fail(line, &format!("no type is called `{name}`")),
    })
}

/// `3+`, `3-9` or `3`.
fn versions(line: usize, word: &str) -> Result<Versions> {
    let (first, last) = if let Some(first) = word.strip_suffix('+') {
        (number(line, first)?, i16::MAX)
    } else if let Some((first, last)) = word.split_once('-') {
        (number(line, first)?, number(line, last)?)
    } else {
        (number(line, word)?, number(line, word)?)
    };
    if first > last {
        fail(line, "a range of versions goes up")
    } else {
        Ok(Versions { first, last })
    }
}

fn number<N: std::str::FromStr>(line: usize, word: &str) -> Result<N> {
    word.parse()
        .map_err(|_invalid| (line, format!("`{word}` is not a number that fits")))
}

fn fail<T>(line: usize, error: &str) -> Result<T> {
    Err((line, error.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(text: &str) -> (usize, String) {
        api(text).expect_err("refused")
    }

    #[test]
    fn a_definition_says_what_it_says() {
        let text = "# Words.\napi Some 7\nserved 1-3\nflexible 2+\n\nrequest\n  a  [B]  0+  null 1+  # why\n    \
                    c  int32  2-3  = -1 tag 4 ignorable\nresponse\n";
        let api = api(text).expect("valid");
        assert_eq!(
            (api.key, api.flexible_from, api.words.as_slice()),
            (7, Some(2), &["Words.".to_owned()][..])
        );
        let names: Vec<_> = api
            .structs
            .iter()
            .map(|structure| structure.name.as_str())
            .collect();
        assert_eq!(names, ["SomeRequest", "B", "SomeResponse"]);
        let c = &api.structs[1].fields[0];
        assert_eq!(c.default.as_deref(), Some("-1"));
        assert_eq!(
            c.tag.map(|tag| (tag.number, tag.versions)),
            Some((4, Versions { first: 2, last: 3 }))
        );
        assert!(c.ignorable);
        assert_eq!(api.structs[0].fields[0].words, "why");
    }

    #[test]
    fn an_error_names_its_line() {
        let head = "api A 1\nserved 0\nflexible none\n";
        assert_eq!(refused(&format!("{head}request\n  a int33 0+\n")).0, 5);
        assert_eq!(refused(&format!("{head}request\n  a int32 3-1\n")).0, 5);
        assert_eq!(refused(&format!("{head}request\n a int32 0+\n")).0, 5);
        assert_eq!(
            refused(&format!("{head}request\n  a int32 0+ sometimes\n")).0,
            5
        );
        assert_eq!(
            refused(&format!("{head}request\n  a int32 0+\n    b int32 0+\n")).0,
            5
        );
        assert_eq!(refused("served 0\n").0, 1);
    }
}
