//! The two parents: their modules, and what goes over all messages.

use super::super::definition::{Api, Side, snake};
use super::BANNER;

/// The code of the parent module.
pub(super) fn messages(apis: &[Api]) -> String {
    let mut code = format!(
        "{BANNER}//! The messages that are spoken, one module for each API.\n\nuse crate::api_key::ApiKey;\n\
         use crate::message::Message;\n\n"
    );
    for api in apis {
        code += &format!("pub mod {};\n", snake(&api.name));
    }
    code += "\n";
    for api in apis {
        let (module, request, response) = (
            snake(&api.name),
            api.root(Side::Request),
            api.root(Side::Response),
        );
        code += &format!("pub use {module}::{{{request}, {response}}};\n");
    }
    code += "\n/// The APIs that are spoken, by number, with the oldest and the newest version.\n";
    code += &format!(
        "pub const SERVED: [(ApiKey, i16, i16); {}] = [\n",
        apis.len()
    );
    for api in apis {
        code += &format!(
            "(ApiKey::{}, {}, {}),\n",
            api.name, api.served.first, api.served.last
        );
    }
    code += "];\n\n";
    code += "/// [`Message::memory_bound`] of the request of an API; `None` where the API or the version is not spoken.\n";
    code += long(apis.len());
    code += "pub fn request_memory_bound(key: ApiKey, version: i16) -> Option<usize> {\n";
    code += "let (bound, versions) = match key {\n";
    for api in apis {
        let (request, first, last) = (api.root(Side::Request), api.served.first, api.served.last);
        let request = if api.has_records(&request) {
            format!("<{request}>")
        } else {
            request
        };
        code += &format!(
            "ApiKey::{} => ({request}::memory_bound(version), {first}..={last}),\n",
            api.name
        );
    }
    code + "_ => return None,\n};\nversions.contains(&version).then_some(bound)\n}\n"
}

/// The allowance for a function that has so many lines, where that is more than clippy likes.
fn long(lines: usize) -> &'static str {
    if lines > 60 {
        "#[expect(clippy::too_many_lines, reason = \"one line for each message\")]\n"
    } else {
        ""
    }
}

/// The code of the parent of the random messages.
pub(super) fn random(apis: &[Api]) -> String {
    let mut code = format!(
        "{BANNER}//! Random messages, one module for each API.\n\nuse crate::random::Visitor;\n\n"
    );
    for api in apis {
        code += &format!("mod {};\n", snake(&api.name));
    }
    code += "\n/// Visits every message: by API, the request first. Records are vectors.\n";
    code += long(2 * apis.len());
    code += "pub fn each_message(visitor: &mut impl Visitor) {\n";
    for api in apis {
        for side in [Side::Request, Side::Response] {
            let name = api.root(side);
            let parameter = if api.has_records(&name) {
                "<Vec<u8>>"
            } else {
                ""
            };
            code += &format!("visitor.visit::<crate::messages::{name}{parameter}>();\n");
        }
    }
    code + "}\n"
}
