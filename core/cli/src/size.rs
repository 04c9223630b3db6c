//! Bytes as people write them.

use core::fmt;
use core::str::FromStr;

/// A number of bytes: `1073741824`, `512MiB`, `2GiB`, `2G`. `K M G T`, with or without `iB`, are powers of 1024;
/// `KB MB GB TB` are powers of 1000. Upper and lower case alike.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Size(pub u64);

/// Why a text is not a size.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SizeError {
    /// It does not begin with a whole number.
    Number(String),
    /// The letters behind the number are no unit.
    Unit(String),
    /// More bytes than a 64-bit number counts.
    TooLarge,
}

impl FromStr for Size {
    type Err = SizeError;

    fn from_str(text: &str) -> Result<Self, SizeError> {
        let text = text.trim();
        let end = text
            .find(|c: char| !c.is_ascii_digit())
            .unwrap_or(text.len());
        let (number, unit) = text.split_at(end);
        if number.is_empty() || unit.starts_with('.') {
            return Err(SizeError::Number(text.to_owned()));
        }
        let number: u64 = number
            .parse()
            .map_err(|_out_of_range| SizeError::TooLarge)?;
        let factor =
            factor_of(unit.trim()).ok_or_else(|| SizeError::Unit(unit.trim().to_owned()))?;
        number
            .checked_mul(factor)
            .map(Self)
            .ok_or(SizeError::TooLarge)
    }
}

fn factor_of(unit: &str) -> Option<u64> {
    Some(match unit.to_ascii_lowercase().as_str() {
        "" | "b" => 1,
        "k" | "kib" => 1 << 10,
        "m" | "mib" => 1 << 20,
        "g" | "gib" => 1 << 30,
        "t" | "tib" => 1 << 40,
        "kb" => 1_000,
        "mb" => 1_000_000,
        "gb" => 1_000_000_000,
        "tb" => 1_000_000_000_000,
        _ => return None,
    })
}

impl fmt::Display for Size {
    /// In the largest unit that divides it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let units = [
            ("TiB", 1 << 40),
            ("GiB", 1 << 30),
            ("MiB", 1 << 20),
            ("KiB", 1 << 10),
        ];
        let whole = units
            .into_iter()
            .find(|&(_, factor): &(&str, u64)| self.0 > 0 && self.0.is_multiple_of(factor));
        match whole {
            Some((unit, factor)) => write!(f, "{}{unit}", self.0 / factor),
            None => write!(f, "{}", self.0),
        }
    }
}

impl fmt::Display for SizeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Number(text) => write!(
                f,
                "'{text}' is not a whole number of bytes; write 2GiB or 512MiB"
            ),
            Self::Unit(unit) => write!(
                f,
                "'{unit}' is not a unit; write KiB, MiB, GiB or TiB, as in 2GiB"
            ),
            Self::TooLarge => f.write_str("more bytes than can be counted"),
        }
    }
}

impl core::error::Error for SizeError {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_read_as_people_write_them() {
        for (text, bytes) in [
            ("0", 0),
            ("1073741824", 1 << 30),
            ("2GiB", 2 << 30),
            ("1G", 1 << 30),
            ("512 mib", 512 << 20),
            ("3kb", 3_000),
            ("7B", 7),
        ] {
            assert_eq!(text.parse(), Ok(Size(bytes)), "{text}");
        }
    }

    #[test]
    fn each_mistake_is_named() {
        for (text, error) in [
            ("", SizeError::Number(String::new())),
            ("much", SizeError::Number("much".to_owned())),
            ("1.5GiB", SizeError::Number("1.5GiB".to_owned())),
            ("2GG", SizeError::Unit("GG".to_owned())),
            ("99999999999999999999", SizeError::TooLarge),
            ("99999999TiB", SizeError::TooLarge),
        ] {
            assert_eq!(text.parse::<Size>(), Err(error), "{text}");
        }
    }

    #[test]
    fn a_size_is_written_in_its_largest_whole_unit() {
        for text in ["2GiB", "1536MiB", "1000", "0", "1KiB", "4TiB"] {
            assert_eq!(text.parse::<Size>().unwrap().to_string(), text);
        }
    }
}
