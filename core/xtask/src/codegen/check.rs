//! What a definition must obey beyond its grammar.

use super::definition::{Api, Field, Kind, Side, Struct, Versions};
use std::collections::BTreeSet;

type Result = std::result::Result<(), (usize, String)>;

/// Checks one API.
pub(super) fn api(api: &Api) -> Result {
    for side in [Side::Request, Side::Response] {
        if api.find(&api.root(side)).is_none() {
            return Err((api.line, format!("{} is missing", api.root(side))));
        }
    }
    if api.served.last == i16::MAX {
        return Err((api.line, "served versions have an end".to_owned()));
    }
    let mut names = BTreeSet::new();
    for structure in &api.structs {
        if !names.insert(&structure.name) {
            return Err((structure.line, format!("{} is there twice", structure.name)));
        }
        self::structure(api, structure)?;
    }
    Ok(())
}

fn structure(api: &Api, structure: &Struct) -> Result {
    let mut names = BTreeSet::new();
    let mut tags = BTreeSet::new();
    for field in &structure.fields {
        let fail = |error: &str| Err((field.line, format!("{}: {error}", field.name)));
        if !names.insert(&field.name) {
            return fail("is there twice");
        }
        if field.tag.is_some_and(|tag| !tags.insert(tag.number)) {
            return fail("its tag is taken");
        }
        self::field(api, field).or_else(fail)?;
    }
    // Kafka numbers the tags of a structure without a gap; a gap is a field that was forgotten.
    if let Some(last) = tags.last()
        && usize::try_from(*last).is_ok_and(|last| last + 1 != tags.len())
    {
        return Err((
            structure.line,
            format!("{}: its tags have a gap", structure.name),
        ));
    }
    Ok(())
}

fn field(api: &Api, field: &Field) -> std::result::Result<(), &'static str> {
    let structure = match &field.kind {
        Kind::Struct(name) => Some(name),
        Kind::Array(element) => match element.as_ref() {
            Kind::Struct(name) => Some(name),
            Kind::Array(_) => return Err("no array of arrays"),
            Kind::Records => return Err("no array of records"),
            _ => None,
        },
        _ => None,
    };
    if structure.is_some_and(|name| api.find(name).is_none()) {
        return Err("its structure has no fields anywhere");
    }
    if field.versions.intersect(api.served).is_none() {
        return Err("no version that is served has it: leave it out");
    }
    if let Some(nullable) = field.nullable
        && field.kind_is_scalar()
        && nullable.intersect(api.served).is_some()
    {
        return Err("a number is never null");
    }
    if let Some(tag) = field.tag {
        let flexible = Versions {
            first: api.flexible_from.unwrap_or(i16::MAX),
            last: i16::MAX,
        };
        if !field.versions.covers(tag.versions) || tag.versions.last != field.versions.last {
            return Err("is tagged in versions that it lacks, or not to its end");
        }
        if tag
            .versions
            .intersect(api.served)
            .is_some_and(|tagged| !flexible.covers(tagged))
        {
            return Err("is tagged in versions that are not flexible");
        }
        if api.kind_has_records(&field.kind) {
            return Err("records are never tagged");
        }
    }
    // A message's records are handed out by position, which must not depend on the version.
    if api.kind_has_records(&field.kind) && !field.versions.covers(api.served) {
        return Err("records are in every version that is served");
    }
    if field.default.as_deref() == Some("null") && field.nullable.is_none() {
        return Err("its default is null, which it may not be");
    }
    Ok(())
}

impl Field {
    /// Whether it has a fixed length.
    pub(super) fn kind_is_scalar(&self) -> bool {
        !matches!(
            self.kind,
            Kind::String | Kind::Bytes | Kind::Records | Kind::Struct(_) | Kind::Array(_)
        )
    }
}

#[cfg(test)]
mod tests {
    use super::super::parse;

    fn refused(body: &str) -> String {
        let text = format!("api A 1\nserved 0-3\nflexible 2+\nrequest\n{body}\nresponse\n");
        super::api(&parse::api(&text).expect("grammar"))
            .expect_err("refused")
            .1
    }

    #[test]
    fn what_cannot_be_is_refused() {
        assert!(refused("  a int32 0+\n  a int32 0+").contains("twice"));
        assert!(refused("  a int32 4+").contains("leave it out"));
        assert!(refused("  a int32 0+ null 0+").contains("never null"));
        assert!(refused("  a int32 0+ tag 0").contains("not flexible"));
        assert!(refused("  a int32 2+ tag 0\n  b int32 2+ tag 0").contains("taken"));
        assert!(refused("  a int32 2+ tag 1").contains("gap"));
        assert!(refused("  a [B] 0+").contains("no fields"));
        assert!(refused("  a records 1+ null 1+").contains("every version"));
        assert!(refused("  a string 0+ = null").contains("may not be"));
        assert!(refused("  a [[int32]] 0+").contains("arrays"));
    }
}
