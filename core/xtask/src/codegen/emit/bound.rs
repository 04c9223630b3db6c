//! The two numbers that keep decoding within its memory: the fewest bytes of a structure on the wire, and the most
//! bytes of memory for each of them.

use super::super::definition::{Api, Field, Kind, Struct};
use super::{
    Presence, flexible, flexible_presence, is_option, presence, root_side, rust_type, scalar_bytes,
    with_flexible,
};

/// `wire_bytes_min`, where something asks for it, and `heap_bound`.
pub(super) fn functions(api: &Api, structure: &Struct) -> String {
    let mut code = String::new();
    if is_counted(api, structure) {
        let (body, version) = with_flexible(api, &wire_bytes_min(api, structure));
        code += &format!("fn wire_bytes_min({version}: i16) -> usize {{\n{body}}}\n\n");
    }
    let (body, version) = with_flexible(api, &heap_bound(api, structure));
    code + &format!("fn heap_bound({version}: i16) -> usize {{\n{body}}}\n")
}

/// Whether its fewest bytes are part of some array's: it is an element, or stands in an element.
fn is_counted(api: &Api, structure: &Struct) -> bool {
    let counted = |holder: &Struct, field: &Field| match &field.kind {
        Kind::Array(element) => element.names(&structure.name),
        Kind::Struct(name) if *name == structure.name => {
            field.tag.is_none() && !is_option(api, field) && root_side(api, holder).is_none()
        }
        _ => false,
    };
    api.structs
        .iter()
        .any(|holder| holder.fields.iter().any(|field| counted(holder, field)))
}

fn wire_bytes_min(api: &Api, structure: &Struct) -> String {
    let mut always = 0;
    let mut terms = Vec::new();
    let mut conditional: Vec<(String, Vec<String>)> = Vec::new();
    for field in &structure.fields {
        let bytes = field_bytes_min(api, field);
        match presence(api, field.plain_versions()) {
            Presence::Never => {}
            Presence::When(condition) => {
                let bytes = bytes.unwrap_or_else(|number| number.to_string());
                match conditional
                    .iter_mut()
                    .find(|(known, _)| *known == condition)
                {
                    Some((_, terms)) => terms.push(bytes),
                    None => conditional.push((condition, vec![bytes])),
                }
            }
            Presence::Always => match bytes {
                Ok(term) => terms.push(term),
                Err(number) => always += number,
            },
        }
    }
    match flexible_presence(api) {
        Presence::Always => always += 1,
        Presence::Never => {}
        Presence::When(_) => terms.push("tags_bytes_min(flexible)".to_owned()),
    }
    if always > 0 || terms.is_empty() {
        terms.insert(0, always.to_string());
    }
    let sum = terms.join(" + ");
    if conditional.is_empty() {
        return format!("{sum}\n");
    }
    let mut code = format!("let mut bytes = {sum};\n");
    for (condition, terms) in conditional {
        code += &format!("if {condition} {{ bytes += {}; }}\n", terms.join(" + "));
    }
    code + "bytes\n"
}

/// The fewest bytes of a field, as an expression, or as a number where it is one.
fn field_bytes_min(api: &Api, field: &Field) -> Result<String, usize> {
    if is_option(api, field) && matches!(field.kind, Kind::Struct(_)) {
        return Err(1);
    }
    element_bytes_min(api, field, &field.kind)
}

/// The fewest bytes of a value of `kind`, which is that of `field` or of its elements.
pub(super) fn element_bytes_min(api: &Api, field: &Field, kind: &Kind) -> Result<String, usize> {
    if let Some(bytes) = scalar_bytes(kind) {
        return Err(bytes);
    }
    let flexible = flexible(api, field);
    match (kind, flexible) {
        (Kind::Struct(name), _) => Ok(format!("{}::wire_bytes_min(version)", turbofish(api, name))),
        (_, "true") => Err(1),
        (Kind::String, "false") => Err(2),
        (_, "false") => Err(4),
        (Kind::String, _) => Ok(format!("string_bytes_min({flexible})")),
        _ => Ok(format!("length_bytes_min({flexible})")),
    }
}

/// A structure's name as it stands in front of `::`.
pub(super) fn turbofish(api: &Api, name: &str) -> String {
    if api.has_records(name) {
        format!("{name}::<R>")
    } else {
        name.to_owned()
    }
}

fn heap_bound(api: &Api, structure: &Struct) -> String {
    let mut code = String::new();
    let mut always: Vec<String> = Vec::new();
    for field in &structure.fields {
        let Some(bound) = field_bound(api, field) else {
            continue;
        };
        match presence(api, Some(field.versions)) {
            Presence::Never => {}
            Presence::Always if always.contains(&bound) => {}
            Presence::Always => always.push(bound),
            Presence::When(condition) => {
                code += &format!("if {condition} {{ bound = larger(bound, {bound}); }}\n");
            }
        }
    }
    let first = always
        .into_iter()
        .reduce(|left, right| format!("larger({left}, {right})"));
    let first = first.unwrap_or_else(|| "0".to_owned());
    if code.is_empty() {
        format!("{first}\n")
    } else {
        format!("let mut bound = {first};\n{code}bound\n")
    }
}

/// Bytes that a field allocates for each of its own on the wire; `None` where it allocates nothing.
fn field_bound(api: &Api, field: &Field) -> Option<String> {
    match &field.kind {
        Kind::String | Kind::Bytes | Kind::Records => Some("1".to_owned()),
        Kind::Struct(name) => Some(format!("{}::heap_bound(version)", turbofish(api, name))),
        Kind::Array(element) => {
            // A number is as large in memory as on the wire.
            if scalar_bytes(element).is_some() {
                return Some("1".to_owned());
            }
            let inner = match element.as_ref() {
                Kind::Struct(name) => format!("{}::heap_bound(version)", turbofish(api, name)),
                _ => "1".to_owned(),
            };
            let bytes =
                element_bytes_min(api, field, element).unwrap_or_else(|number| number.to_string());
            let element = rust_type(api, element);
            Some(format!(
                "array_bound(size_of::<{element}>(), {bytes}, {inner})"
            ))
        }
        _ => None,
    }
}
