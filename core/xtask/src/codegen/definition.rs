//! What a definition says, as values.

/// A range of versions, both ends inclusive.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Versions {
    pub(super) first: i16,
    /// [`i16::MAX`] where it is open.
    pub(super) last: i16,
}

impl Versions {
    /// What both have.
    pub(super) fn intersect(self, other: Self) -> Option<Self> {
        let (first, last) = (self.first.max(other.first), self.last.min(other.last));
        (first <= last).then_some(Self { first, last })
    }

    /// The least range that has both.
    pub(super) fn hull(self, other: Self) -> Self {
        Self {
            first: self.first.min(other.first),
            last: self.last.max(other.last),
        }
    }

    /// Whether all of `other` is in it.
    pub(super) fn covers(self, other: Self) -> bool {
        self.first <= other.first && other.last <= self.last
    }
}

impl std::fmt::Display for Versions {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match (self.first, self.last) {
            (first, i16::MAX) => write!(f, "{first}+"),
            (first, last) if first == last => write!(f, "{first}"),
            (first, last) => write!(f, "{first}-{last}"),
        }
    }
}

/// A type of the wire.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Bool,
    Int8,
    Int16,
    Uint16,
    Int32,
    Uint32,
    Int64,
    Float64,
    Uuid,
    String,
    Bytes,
    Records,
    Struct(String),
    Array(Box<Kind>),
}

impl Kind {
    /// Whether it is the structure of this name, or an array of it.
    pub(super) fn names(&self, structure: &str) -> bool {
        match self {
            Self::Struct(name) => name == structure,
            Self::Array(element) => element.names(structure),
            _ => false,
        }
    }
}

/// One field.
#[derive(Clone, Debug)]
pub(super) struct Field {
    pub(super) line: usize,
    pub(super) name: String,
    pub(super) kind: Kind,
    pub(super) versions: Versions,
    pub(super) nullable: Option<Versions>,
    pub(super) tag: Option<Tag>,
    pub(super) default: Option<String>,
    pub(super) ignorable: bool,
    pub(super) inflexible: bool,
    pub(super) words: String,
}

/// A tagged field's number, and where it is one.
#[derive(Clone, Copy, Debug)]
pub(super) struct Tag {
    pub(super) number: u32,
    pub(super) versions: Versions,
}

impl Field {
    /// Its name in code: Rust keeps some words for itself.
    pub(super) fn ident(&self) -> String {
        const KEYWORDS: [&str; 8] = ["as", "box", "fn", "in", "match", "ref", "type", "use"];
        if KEYWORDS.contains(&self.name.as_str()) {
            format!("r#{}", self.name)
        } else {
            self.name.clone()
        }
    }

    /// The versions in which it stands in order among the others, not among the tagged ones.
    pub(super) fn plain_versions(&self) -> Option<Versions> {
        let Some(tag) = self.tag else {
            return Some(self.versions);
        };
        let last = tag.versions.first - 1;
        (self.versions.first <= last).then_some(Versions {
            first: self.versions.first,
            last,
        })
    }
}

/// A structure.
#[derive(Clone, Debug)]
pub(super) struct Struct {
    pub(super) line: usize,
    pub(super) name: String,
    pub(super) fields: Vec<Field>,
}

/// Which side of an exchange a root structure is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Side {
    Request,
    Response,
}

/// One API: a request, a response, and the structures in them.
#[derive(Clone, Debug)]
pub(super) struct Api {
    pub(super) line: usize,
    pub(super) name: String,
    pub(super) key: i16,
    pub(super) served: Versions,
    /// `None` where no version is flexible.
    pub(super) flexible_from: Option<i16>,
    pub(super) words: Vec<String>,
    /// Roots first of their side, then the structures in the order of the file.
    pub(super) structs: Vec<Struct>,
}

impl Api {
    /// The name of a root.
    pub(super) fn root(&self, side: Side) -> String {
        match side {
            Side::Request => format!("{}Request", self.name),
            Side::Response => format!("{}Response", self.name),
        }
    }

    /// The structure of this name.
    pub(super) fn find(&self, name: &str) -> Option<&Struct> {
        self.structs.iter().find(|structure| structure.name == name)
    }

    /// The same API as a structure of this name sees it: in those of the served versions in which a field that
    /// holds it is there. `None` where none is.
    pub(super) fn within(&self, structure: &str) -> Option<Self> {
        let mut seen: Option<Versions> = None;
        if [Side::Request, Side::Response]
            .iter()
            .any(|side| self.root(*side) == structure)
        {
            seen = Some(self.served);
        }
        for holder in &self.structs {
            for field in holder
                .fields
                .iter()
                .filter(|field| field.kind.names(structure))
            {
                let holder = self.within(&holder.name);
                let held = holder.and_then(|holder| field.versions.intersect(holder.served));
                seen = match (seen, held) {
                    (Some(seen), Some(held)) => Some(seen.hull(held)),
                    (seen, held) => seen.or(held),
                };
            }
        }
        seen.map(|served| Self {
            served,
            ..self.clone()
        })
    }

    /// Whether records are somewhere in the structure of this name.
    pub(super) fn has_records(&self, name: &str) -> bool {
        let fields = self.find(name).map(|structure| structure.fields.as_slice());
        fields
            .unwrap_or_default()
            .iter()
            .any(|field| self.kind_has_records(&field.kind))
    }

    /// Whether records are somewhere in a field of this kind.
    pub(super) fn kind_has_records(&self, kind: &Kind) -> bool {
        match kind {
            Kind::Records => true,
            Kind::Struct(name) => self.has_records(name),
            Kind::Array(element) => self.kind_has_records(element),
            _ => false,
        }
    }
}

/// `CreateTopics` as `create_topics`.
pub(super) fn snake(name: &str) -> String {
    let mut snake = String::new();
    for letter in name.chars() {
        if letter.is_ascii_uppercase() && !snake.is_empty() {
            snake.push('_');
        }
        snake.push(letter.to_ascii_lowercase());
    }
    snake
}
