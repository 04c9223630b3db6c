//! Reading a structure.

use super::super::definition::{Api, Field, Kind, Side, Struct};
use super::bound::element_bytes_min;
use super::structure::default;
use super::{
    Presence, flexible, flexible_presence, impl_with, is_option, nullable, presence, root_side,
    scalar_method, struct_type, with_flexible,
};

/// `read`.
pub(super) fn read_function(api: &Api, structure: &Struct) -> String {
    let (body, version) = with_flexible(api, &body(api, structure));
    format!(
        "pub(crate) fn read(decoder: &mut Decoder<'_>, {version}: i16) -> Result<Self, DecodeError> {{\n{body}}}\n"
    )
}

/// `Decode` of a root, and which side it is.
pub(super) fn message(api: &Api, structure: &Struct) -> String {
    let Some(side) = root_side(api, structure) else {
        return String::new();
    };
    let name = struct_type(api, &structure.name);
    let head = impl_with(api, structure, "OwnedPayload");
    let decode = format!(
        "{head} Decode for {name} {{\n\
         fn decode(decoder: &mut Decoder<'_>, version: i16) -> Result<Self, DecodeError> {{\n\
         open::<Self>(decoder, version)?;\nSelf::read(decoder, version)\n}}\n}}\n\n"
    );
    let head = impl_with(api, structure, "Payload");
    decode
        + &match side {
            Side::Request => {
                let response = api.root(Side::Response);
                format!("{head} Request for {name} {{\ntype Response = {response};\n}}\n\n")
            }
            Side::Response => format!("{head} Response for {name} {{}}\n\n"),
        }
}

fn body(api: &Api, structure: &Struct) -> String {
    let mut literal = String::from("Self {\n");
    for field in &structure.fields {
        literal += &format!("{}: {},\n", field.ident(), plain(api, field));
    }
    literal += "}";

    let tags = tags(api, structure);
    match (flexible_presence(api), tags) {
        (Presence::Never, _) => format!("Ok({literal})\n"),
        (Presence::Always, None) => {
            format!("let message = {literal};\ndecoder.skip_tagged_fields()?;\nOk(message)\n")
        }
        (Presence::When(_), None) => format!(
            "let message = {literal};\nif flexible {{ decoder.skip_tagged_fields()?; }}\nOk(message)\n"
        ),
        (Presence::Always, Some(tags)) => {
            format!("let mut message = {literal};\n{tags}Ok(message)\n")
        }
        (Presence::When(_), Some(tags)) => {
            format!("let mut message = {literal};\nif flexible {{ {tags} }}\nOk(message)\n")
        }
    }
}

/// A field where it is not tagged, its default where it is.
fn plain(api: &Api, field: &Field) -> String {
    match presence(api, field.plain_versions()) {
        Presence::Always => read(api, field),
        Presence::Never => default(api, field),
        Presence::When(condition) => {
            format!(
                "if {condition} {{ {} }} else {{ {} }}",
                read(api, field),
                default(api, field)
            )
        }
    }
}

/// The tagged fields, where there are any.
fn tags(api: &Api, structure: &Struct) -> Option<String> {
    let mut arms = String::new();
    for field in &structure.fields {
        let Some(tag) = field.tag else { continue };
        let guard = match presence(api, Some(tag.versions)) {
            Presence::Never => continue,
            Presence::Always => String::new(),
            // Within flexible versions anyhow.
            Presence::When(_) if api.flexible_from == Some(tag.versions.first) => String::new(),
            Presence::When(condition) => format!(" if {condition}"),
        };
        let (number, name) = (tag.number, field.ident());
        arms += &format!(
            "{number}{guard} => {{ message.{name} = {}; }}\n",
            read(api, field)
        );
    }
    (!arms.is_empty()).then(|| {
        format!(
            "decoder.tagged_fields(|decoder, tag| {{\nmatch tag {{\n{arms}_ => return Ok(false),\n}}\nOk(true)\n}})?;\n"
        )
    })
}

/// The expression that reads a field.
fn read(api: &Api, field: &Field) -> String {
    let (flexible, nullable) = (flexible(api, field), nullable(api, field));
    let name = format!("\"{}\"", field.name);
    let option = is_option(api, field);
    if let Some(method) = scalar_method(&field.kind) {
        return format!("decoder.{method}({name})?");
    }
    match &field.kind {
        Kind::String if option => {
            format!("decoder.nullable_string({flexible}, {nullable}, {name})?")
        }
        Kind::String => format!("decoder.string({flexible}, {name})?"),
        Kind::Bytes if option => {
            format!("decoder.nullable_bytes({flexible}, {nullable}, {name})?.map(<[u8]>::to_vec)")
        }
        Kind::Bytes => format!("decoder.bytes({flexible}, {name})?.to_vec()"),
        Kind::Records => {
            format!("decoder.nullable_bytes({flexible}, {nullable}, {name})?.map(R::from)")
        }
        Kind::Struct(structure) if option => format!(
            "if decoder.nullable_struct({nullable}, {name})? {{ Some({structure}::read(decoder, version)?) }} else {{ None }}"
        ),
        Kind::Struct(structure) => format!("{structure}::read(decoder, version)?"),
        Kind::Array(element) => {
            let bytes =
                element_bytes_min(api, field, element).unwrap_or_else(|number| number.to_string());
            let read = read_element(element, flexible, &name);
            let (method, null) = if option {
                ("nullable_vec", format!("{nullable}, "))
            } else {
                ("vec", String::new())
            };
            format!("decoder.{method}({flexible}, {null}{bytes}, {name}, |decoder| {read})?")
        }
        _ => unreachable!("scalars are above"),
    }
}

/// The expression that reads one element, a `Result`.
fn read_element(kind: &Kind, flexible: &str, name: &str) -> String {
    if let Some(method) = scalar_method(kind) {
        return format!("decoder.{method}({name})");
    }
    match kind {
        Kind::Struct(structure) => format!("{structure}::read(decoder, version)"),
        Kind::String => format!("decoder.string({flexible}, {name})"),
        _ => format!("decoder.bytes({flexible}, {name}).map(<[u8]>::to_vec)"),
    }
}
