//! The type of a structure, its documentation and its default.

use super::super::definition::{Api, Field, Kind, Side, Struct};
use super::{impl_with, is_option, root_side, rust_type, struct_type};

/// The type and its default.
pub(super) fn emit(api: &Api, structure: &Struct) -> String {
    let name = &structure.name;
    let parameter = if api.has_records(name) {
        "<R = Vec<u8>>"
    } else {
        ""
    };
    let mut code = format!("/// {}\n", words(api, structure));
    let all_zero = structure
        .fields
        .iter()
        .all(|field| is_zero(&default(api, field)));
    let derived = all_zero && parameter.is_empty();
    code += if derived {
        "#[derive(Clone, Debug, Default, PartialEq)]\n"
    } else {
        "#[derive(Clone, Debug, PartialEq)]\n"
    };
    code += &format!("pub struct {name}{parameter} {{\n");
    for field in &structure.fields {
        code += &format!("/// {}\n", field_words(api, field));
        code += &format!("pub {}: {},\n", field.ident(), field_type(api, field));
    }
    code += "}\n\n";
    if derived {
        return code;
    }

    let head = impl_with(api, structure, "Payload").replace(": Payload", "");
    code += &format!(
        "{head} Default for {} {{\n fn default() -> Self {{\n Self {{\n",
        struct_type(api, name)
    );
    for field in &structure.fields {
        code += &format!("{}: {},\n", field.ident(), default(api, field));
    }
    code + "}\n}\n}\n\n"
}

/// Whether a default is that of its type.
fn is_zero(default: &str) -> bool {
    matches!(
        default,
        "0" | "false" | "None" | "Uuid::ZERO" | "String::new()" | "Vec::new()"
    ) || default.ends_with("::default()")
}

fn words(api: &Api, structure: &Struct) -> String {
    match root_side(api, structure) {
        Some(Side::Request) => format!("What a client asks with `{}`.", api.name),
        Some(Side::Response) => format!("What a broker answers to `{}`.", api.name),
        None => {
            let holder = api.structs.iter().find_map(|holder| {
                let field = holder
                    .fields
                    .iter()
                    .find(|field| field.kind.names(&structure.name))?;
                Some(format!("`{}` of [`{}`]", field.name, holder.name))
            });
            format!("What is in {}.", holder.unwrap_or_default())
        }
    }
}

/// What the definition says of a field, then the versions that have it.
fn field_words(api: &Api, field: &Field) -> String {
    let mut words = String::new();
    let mut letters = field.words.chars();
    if let Some(first) = letters.next() {
        words.extend(first.to_uppercase());
        words += letters.as_str();
        words += ". ";
    }
    words += &format!("Versions {}", field.versions);
    if let Some(nullable) = field.nullable.filter(|_| is_option(api, field)) {
        words += &format!(", null in {nullable}");
    }
    if let Some(default) = &field.default {
        words += &format!(", default `{default}`");
    }
    if field.ignorable && !field.versions.covers(api.served) {
        words += ", dropped in others";
    }
    words + "."
}

fn field_type(api: &Api, field: &Field) -> String {
    let inner = rust_type(api, &field.kind);
    if is_option(api, field) {
        format!("Option<{inner}>")
    } else {
        inner
    }
}

/// The expression of a field's default.
pub(super) fn default(api: &Api, field: &Field) -> String {
    if !is_option(api, field) {
        return plain_default(field);
    }
    match (&field.kind, field.default.as_deref()) {
        (Kind::Records, _) | (_, Some("null")) => "None".to_owned(),
        _ => format!("Some({})", plain_default(field)),
    }
}

fn plain_default(field: &Field) -> String {
    let value = field.default.as_deref().filter(|value| *value != "null");
    match (&field.kind, value) {
        (Kind::Bool, value) => value.unwrap_or("false").to_owned(),
        (Kind::Float64, value) => format!("{}_f64", value.unwrap_or("0.0")),
        (Kind::Uuid, _) => "Uuid::ZERO".to_owned(),
        (Kind::String, None | Some("\"\"")) => "String::new()".to_owned(),
        (Kind::String, Some(text)) => format!("String::from({text})"),
        (Kind::Bytes | Kind::Array(_), _) => "Vec::new()".to_owned(),
        (Kind::Struct(name), _) => format!("{name}::default()"),
        (kind, value) => integer(kind, value.unwrap_or("0")),
    }
}

/// A number as a person would write it: the ends of its range by name, long ones in groups.
fn integer(kind: &Kind, value: &str) -> String {
    match (kind, value) {
        (Kind::Int32, "2147483647") => return "i32::MAX".to_owned(),
        (Kind::Int32, "-2147483648") => return "i32::MIN".to_owned(),
        (Kind::Int64, "9223372036854775807") => return "i64::MAX".to_owned(),
        _ => {}
    }
    let (sign, digits) = value
        .strip_prefix('-')
        .map_or(("", value), |digits| ("-", digits));
    let mut grouped = String::from(sign);
    for (index, digit) in digits.chars().enumerate() {
        let left = digits.len() - index;
        if index > 0 && left % 3 == 0 && digits.len() > 4 {
            grouped.push('_');
        }
        grouped.push(digit);
    }
    grouped
}

/// The condition that the field of `self` is not its default.
pub(super) fn differs(api: &Api, field: &Field) -> String {
    let name = format!("self.{}", field.ident());
    let default = default(api, field);
    if is_option(api, field) {
        return match default.as_str() {
            "None" => format!("{name}.is_some()"),
            "Some(String::new())" | "Some(Vec::new())" => {
                format!("{name}.as_ref().is_none_or(|value| !value.is_empty())")
            }
            _ => format!("{name} != {default}"),
        };
    }
    match (&field.kind, default.as_str()) {
        (Kind::Bool, "false") => name,
        (Kind::Bool, _) => format!("!{name}"),
        (Kind::String | Kind::Bytes | Kind::Array(_), "String::new()" | "Vec::new()") => {
            format!("!{name}.is_empty()")
        }
        (Kind::Float64, default) => format!("{name}.to_bits() != ({default}).to_bits()"),
        (_, default) => format!("{name} != {default}"),
    }
}
