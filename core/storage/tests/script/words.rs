//! The words of a line: a verb, flags, and `key=value`.

pub(crate) struct Words<'a>(Vec<&'a str>);

impl<'a> Words<'a> {
    pub(crate) fn of(line: &'a str) -> Self {
        Self(line.split_whitespace().collect())
    }

    pub(crate) fn verb(&self) -> &'a str {
        self.0[0]
    }

    pub(crate) fn has(&self, flag: &str) -> bool {
        self.0.contains(&flag)
    }

    pub(crate) fn text(&self, key: &str) -> &'a str {
        self.find(key).unwrap_or_else(|| panic!("{key} is missing"))
    }

    pub(crate) fn number(&self, key: &str, default: i64) -> i64 {
        self.find(key)
            .map_or(default, |value| value.parse().unwrap())
    }

    pub(crate) fn count(&self, key: &str, default: u64) -> u64 {
        self.find(key)
            .map_or(default, |value| value.parse().unwrap())
    }

    fn find(&self, key: &str) -> Option<&'a str> {
        self.0
            .iter()
            .find_map(|word| word.strip_prefix(key)?.strip_prefix('='))
    }
}
