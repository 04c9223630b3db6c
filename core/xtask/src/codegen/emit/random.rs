//! Random messages, for tests: each field that a version has is drawn, each other is its default.

use super::super::definition::{Api, Field, Kind, Struct, snake};
use super::structure::default;
use super::{BANNER, Presence, has_word, is_option, nullable, presence, scalar_method};

/// The file of one API.
pub(super) fn file(api: &Api) -> String {
    let mut body = String::new();
    for structure in &api.structs {
        if let Some(api) = api.within(&structure.name) {
            body += &emit(&api, structure);
        }
    }
    let module = snake(&api.name);
    let mut helpers = vec!["Random"];
    let names = [
        "bytes",
        "nullable",
        "nullable_vec",
        "often",
        "scalar",
        "string",
        "vec",
    ];
    helpers.extend(names.iter().filter(|name| has_word(&body, name)));
    let uuid = if has_word(&body, "Uuid") {
        "use crate::uuid::Uuid;\n"
    } else {
        ""
    };
    let mut structs: Vec<_> = api
        .structs
        .iter()
        .map(|structure| structure.name.as_str())
        .collect();
    structs.retain(|name| has_word(&body, name));
    format!(
        "{BANNER}//! Random messages of `{}`.\n\n\
         use crate::messages::{module}::{{{}}};\nuse crate::random::{{{}}};\n{uuid}use stdx::Prng;\n\n{body}",
        api.name,
        structs.join(", "),
        helpers.join(", ")
    )
}

fn emit(api: &Api, structure: &Struct) -> String {
    let name = &structure.name;
    let parameter = if api.has_records(name) {
        "<Vec<u8>>"
    } else {
        ""
    };
    let mut fields = String::new();
    for field in &structure.fields {
        fields += &format!("{}: {},\n", field.ident(), value(api, field));
    }
    let version = if has_word(&fields, "version") {
        "version"
    } else {
        "_version"
    };
    format!(
        "impl Random for {name}{parameter} {{\n\
         fn random(prng: &mut Prng, {version}: i16) -> Self {{\nSelf {{\n{fields}}}\n}}\n}}\n\n"
    )
}

fn value(api: &Api, field: &Field) -> String {
    let drawn = drawn(api, field);
    // Tagged fields are left out while they are their default, so half of them are.
    let drawn = match field.tag {
        Some(_) => format!(
            "if often(prng) {{ {drawn} }} else {{ {} }}",
            default(api, field)
        ),
        None => drawn,
    };
    match presence(api, Some(field.versions)) {
        Presence::Always => drawn,
        Presence::Never => default(api, field),
        Presence::When(condition) => {
            format!(
                "if {condition} {{ {drawn} }} else {{ {} }}",
                default(api, field)
            )
        }
    }
}

fn drawn(api: &Api, field: &Field) -> String {
    let nullable = nullable(api, field);
    match (&field.kind, is_option(api, field)) {
        (Kind::Array(element), false) => format!("vec(prng, {})", draw(element)),
        (Kind::Array(element), true) => {
            format!("nullable_vec(prng, {nullable}, {})", draw(element))
        }
        (Kind::Struct(_), false) => "Random::random(prng, version)".to_owned(),
        (kind, false) => format!("{}(prng)", draw(kind)),
        (kind, true) => format!("nullable(prng, {nullable}, {})", draw(kind)),
    }
}

/// The function that draws a value of a kind.
fn draw(kind: &Kind) -> &'static str {
    if scalar_method(kind).is_some() {
        return "scalar";
    }
    match kind {
        Kind::String => "string",
        Kind::Struct(_) => "|prng| Random::random(prng, version)",
        _ => "bytes",
    }
}
