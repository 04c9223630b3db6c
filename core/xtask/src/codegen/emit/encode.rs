//! Writing a structure.

use super::super::definition::{Api, Field, Kind, Struct};
use super::structure::differs;
use super::{
    Presence, flexible, flexible_presence, impl_with, is_option, nullable, presence, root_side,
    scalar_method, struct_type, with_flexible,
};

/// `write`, and `records_into` where there are records.
pub(super) fn functions(api: &Api, structure: &Struct) -> String {
    let (body, version) = with_flexible(api, &body(api, structure));
    let (result, end) = if fails(api, structure) {
        (" -> Result<(), EncodeError>", "Ok(())\n")
    } else {
        ("", "")
    };
    let write = format!(
        "fn write(&self, encoder: &mut Encoder, {version}: i16){result} {{\n{body}{end}}}\n"
    );
    if api.has_records(&structure.name) {
        write + "\n" + &records_into(api, structure)
    } else {
        write
    }
}

/// Whether writing it can fail: not where all it has are numbers that are there in every version.
fn fails(api: &Api, structure: &Struct) -> bool {
    let body = body(api, structure);
    body.contains("?;") || body.contains("return Err")
}

/// The statement that writes a structure.
fn write_struct(api: &Api, name: &str, value: &str) -> String {
    let inner = api.within(name);
    let may_fail = inner
        .and_then(|inner| api.find(name).map(|structure| fails(&inner, structure)))
        .unwrap_or_default();
    let question = if may_fail { "?" } else { "" };
    format!("{value}.write(encoder, version){question};\n")
}

/// `Message` of a root.
pub(super) fn message(api: &Api, structure: &Struct) -> String {
    if root_side(api, structure).is_none() {
        return String::new();
    }
    let flexible = api
        .flexible_from
        .map_or("i16::MAX".to_owned(), |first| first.to_string());
    let (records, into_records) = if api.has_records(&structure.name) {
        (
            "R",
            "fn into_records(self, records: &mut Vec<R>) {\nself.records_into(records);\n}",
        )
    } else {
        (
            "NoRecords",
            "fn into_records(self, _records: &mut Vec<NoRecords>) {}",
        )
    };
    format!(
        "{head} Message for {name} {{\n\
         const KEY: ApiKey = ApiKey::{api_name};\n\
         const NAME: &'static str = \"{root}\";\n\
         const MIN_VERSION: i16 = {min};\n\
         const MAX_VERSION: i16 = {max};\n\
         const FLEXIBLE_FROM: i16 = {flexible};\n\n\
         type Records = {records};\n\n\
         fn encode(&self, encoder: &mut Encoder, version: i16) -> Result<(), EncodeError> {{\n\
         check_version::<Self>(version)?;\n{write}\n}}\n\n\
         {into_records}\n\n\
         fn memory_bound(version: i16) -> usize {{\nSelf::heap_bound(version)\n}}\n}}\n\n",
        write = if fails(api, structure) {
            "self.write(encoder, version)"
        } else {
            "self.write(encoder, version);\nOk(())"
        },
        head = impl_with(api, structure, "Payload"),
        name = struct_type(api, &structure.name),
        api_name = api.name,
        root = structure.name,
        min = api.served.first,
        max = api.served.last,
    )
}

/// Hands out records in the order in which `write` leaves room for them.
fn records_into(api: &Api, structure: &Struct) -> String {
    let mut code = String::from("fn records_into(self, records: &mut Vec<R>) {\n");
    for field in structure
        .fields
        .iter()
        .filter(|field| api.kind_has_records(&field.kind))
    {
        let name = field.ident();
        code += &match &field.kind {
            Kind::Records => format!("records.extend(self.{name});\n"),
            Kind::Struct(_) => format!("self.{name}.records_into(records);\n"),
            _ if is_option(api, field) => format!(
                "for element in self.{name}.into_iter().flatten() {{ element.records_into(records); }}\n"
            ),
            _ => format!("for element in self.{name} {{ element.records_into(records); }}\n"),
        };
    }
    code + "}\n"
}

fn body(api: &Api, structure: &Struct) -> String {
    let mut code = String::new();
    for field in &structure.fields {
        code += &plain(api, field);
    }
    match flexible_presence(api) {
        Presence::Never => {}
        Presence::Always => code += &tags(api, structure),
        Presence::When(_) => code += &format!("if flexible {{ {} }}\n", tags(api, structure)),
    }
    code
}

/// A field where it is not tagged, and the refusal of a value that the version cannot say.
fn plain(api: &Api, field: &Field) -> String {
    let write = write(api, field);
    let refuse = format!(
        "return Err(EncodeError::unrepresentable(\"{}\", version));",
        field.name
    );
    let differs = differs(api, field);
    let mut code = match presence(api, field.plain_versions()) {
        Presence::Always => return write,
        Presence::Never => String::new(),
        Presence::When(condition) if field.ignorable || field.tag.is_some() => {
            format!("if {condition} {{ {write} }}\n")
        }
        Presence::When(condition) => {
            return format!("if {condition} {{ {write} }} else if {differs} {{ {refuse} }}\n");
        }
    };
    if !field.ignorable {
        code += &match presence(api, Some(field.versions)) {
            Presence::Always => String::new(),
            Presence::Never => format!("if {differs} {{ {refuse} }}\n"),
            Presence::When(condition) => match condition.strip_prefix("version >= ") {
                Some(first) => format!("if version < {first} && {differs} {{ {refuse} }}\n"),
                None => format!("if !({condition}) && {differs} {{ {refuse} }}\n"),
            },
        };
    }
    code
}

/// The count of tagged fields that are not their default, and each of them.
fn tags(api: &Api, structure: &Struct) -> String {
    let mut fields: Vec<_> = structure
        .fields
        .iter()
        .filter_map(|field| field.tag.map(|tag| (tag, field)))
        .collect();
    fields.sort_by_key(|(tag, _)| tag.number);
    let (mut conditions, mut count, mut code) = (String::new(), String::new(), String::new());
    for (tag, field) in fields {
        let differs = differs(api, field);
        let condition = match presence(api, Some(tag.versions)) {
            Presence::Never => continue,
            Presence::Always => differs,
            Presence::When(_) if api.flexible_from == Some(tag.versions.first) => differs,
            Presence::When(condition) => format!("{condition} && {differs}"),
        };
        let (name, number) = (&field.name, tag.number);
        conditions += &format!("let has_{name} = {condition};\n");
        if !count.is_empty() {
            count += " + ";
        }
        count += &format!("u32::from(has_{name})");
        code += &format!(
            "if has_{name} {{ let tagged = encoder.begin_tagged({number});\n{}encoder.end_tagged(&tagged, \"{name}\")?; }}\n",
            write(api, field)
        );
    }
    if count.is_empty() {
        return "encoder.varint(0);\n".to_owned();
    }
    format!("{conditions}encoder.varint({count});\n{code}")
}

/// The statements that write a field.
fn write(api: &Api, field: &Field) -> String {
    let (flexible, nullable) = (flexible(api, field), nullable(api, field));
    let (value, name) = (
        format!("self.{}", field.ident()),
        format!("\"{}\"", field.name),
    );
    let option = is_option(api, field);
    if let Some(method) = scalar_method(&field.kind) {
        return format!("encoder.{method}({value});\n");
    }
    match &field.kind {
        Kind::String if option => format!(
            "encoder.nullable_string({flexible}, {nullable}, {value}.as_deref(), {name})?;\n"
        ),
        Kind::String => format!("encoder.string({flexible}, &{value}, {name})?;\n"),
        Kind::Bytes if option => format!(
            "encoder.nullable_length_and_bytes({flexible}, {nullable}, {value}.as_deref(), {name})?;\n"
        ),
        Kind::Bytes => format!("encoder.length_and_bytes({flexible}, &{value}, {name})?;\n"),
        Kind::Records => format!(
            "encoder.records({flexible}, {nullable}, {value}.as_ref().map(Payload::len), {name})?;\n"
        ),
        Kind::Struct(structure) if option => format!(
            "encoder.nullable_struct({nullable}, {value}.is_some(), {name})?;\n\
             if let Some(inner) = &{value} {{ {} }}\n",
            write_struct(api, structure, "inner")
        ),
        Kind::Struct(structure) => write_struct(api, structure, &value),
        Kind::Array(element) => {
            let write = write_element(api, element, flexible, &name);
            if option {
                format!(
                    "encoder.nullable_array({flexible}, {nullable}, {value}.as_ref().map(Vec::len), {name})?;\n\
                     for element in {value}.iter().flatten() {{ {write} }}\n"
                )
            } else {
                format!(
                    "encoder.array({flexible}, {value}.len(), {name})?;\n\
                     for element in &{value} {{ {write} }}\n"
                )
            }
        }
        _ => unreachable!("scalars are above"),
    }
}

/// The statement that writes one element.
fn write_element(api: &Api, kind: &Kind, flexible: &str, name: &str) -> String {
    if let Some(method) = scalar_method(kind) {
        return format!("encoder.{method}(*element);");
    }
    match kind {
        Kind::Struct(structure) => write_struct(api, structure, "element"),
        Kind::String => format!("encoder.string({flexible}, element, {name})?;"),
        _ => format!("encoder.length_and_bytes({flexible}, element, {name})?;"),
    }
}
