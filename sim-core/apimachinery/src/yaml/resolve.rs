//! What an unquoted scalar means in YAML 1.1, as Go's library reads it.
//!
//! Numbers in base 60 are strings, as there; times are strings too, but are told apart because writing quotes them.

/// A scalar's meaning.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Scalar {
    Null,
    Bool(bool),
    Int(i64),
    /// Above `i64::MAX`.
    Unsigned(u64),
    Float(f64),
    Timestamp,
    String,
}

impl Scalar {
    /// The short name of its tag.
    pub(super) fn tag(&self) -> &'static str {
        match self {
            Self::Null => "!!null",
            Self::Bool(_) => "!!bool",
            Self::Int(_) | Self::Unsigned(_) => "!!int",
            Self::Float(_) => "!!float",
            Self::Timestamp => "!!timestamp",
            Self::String => "!!str",
        }
    }
}

pub(super) fn resolve(text: &str) -> Scalar {
    let Some(first) = text.bytes().next() else { return Scalar::Null };
    match first {
        b'y' | b'Y' | b'n' | b'N' | b't' | b'T' | b'f' | b'F' | b'o' | b'O' | b'~' => word(text),
        b'.' => match word(text) {
            Scalar::String => float(text).map_or(Scalar::String, Scalar::Float),
            known => known,
        },
        b'+' | b'-' | b'0'..=b'9' => match word(text) {
            Scalar::String if is_timestamp(text) => Scalar::Timestamp,
            Scalar::String => number(text),
            known => known,
        },
        _ => Scalar::String,
    }
}

fn word(text: &str) -> Scalar {
    match text {
        "y" | "Y" | "yes" | "Yes" | "YES" | "true" | "True" | "TRUE" | "on" | "On" | "ON" => Scalar::Bool(true),
        "n" | "N" | "no" | "No" | "NO" | "false" | "False" | "FALSE" | "off" | "Off" | "OFF" => Scalar::Bool(false),
        "~" | "null" | "Null" | "NULL" => Scalar::Null,
        ".nan" | ".NaN" | ".NAN" => Scalar::Float(f64::NAN),
        ".inf" | ".Inf" | ".INF" | "+.inf" | "+.Inf" | "+.INF" => Scalar::Float(f64::INFINITY),
        "-.inf" | "-.Inf" | "-.INF" => Scalar::Float(f64::NEG_INFINITY),
        _ => Scalar::String,
    }
}

fn number(text: &str) -> Scalar {
    let plain = text.replace('_', "");
    let (negative, digits) = match plain.as_bytes().first() {
        Some(b'-') => (true, &plain[1..]),
        Some(b'+') => (false, &plain[1..]),
        _ => (false, plain.as_str()),
    };
    if let Some(magnitude) = integer(digits) {
        if negative && magnitude <= 1 << 63 {
            return Scalar::Int((magnitude as i64).wrapping_neg());
        }
        if let (false, Ok(n)) = (negative, i64::try_from(magnitude)) {
            return Scalar::Int(n);
        }
        // A sign is not allowed before a number that needs all 64 bits.
        if !negative && !plain.starts_with('+') {
            return Scalar::Unsigned(magnitude);
        }
    }
    match float(&plain) {
        Some(f) => Scalar::Float(f),
        None => Scalar::String,
    }
}

/// Digits with Go's prefixes of the base: `0x`, `0o`, `0b`, or a bare `0` for octal.
fn integer(digits: &str) -> Option<u64> {
    let lower = digits.get(..2).map(str::to_ascii_lowercase);
    let (radix, digits) = match lower.as_deref() {
        Some("0x") => (16, &digits[2..]),
        Some("0o") => (8, &digits[2..]),
        Some("0b") => (2, &digits[2..]),
        Some(_) if digits.starts_with('0') => (8, &digits[1..]),
        _ => (10, digits),
    };
    // `from_str_radix` would take a second sign.
    if digits.starts_with(['+', '-']) { None } else { u64::from_str_radix(digits, radix).ok() }
}

/// `[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?`, within the range of a double.
fn float(text: &str) -> Option<f64> {
    let unsigned = text.strip_prefix(['-', '+']).unwrap_or(text);
    let (mantissa, exponent) = match unsigned.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, Some(exponent.strip_prefix(['-', '+']).unwrap_or(exponent))),
        None => (unsigned, None),
    };
    let digits = |s: &str| s.bytes().all(|b| b.is_ascii_digit());
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let well_formed = digits(whole) && digits(fraction) && !(whole.is_empty() && fraction.is_empty());
    if !well_formed || !exponent.is_none_or(|e| !e.is_empty() && digits(e)) {
        return None;
    }
    text.parse::<f64>().ok().filter(|f| f.is_finite())
}

/// `2006-1-2`, `2006-1-2T15:4:5.9Z`, `2006-1-2 15:4:5` and the like.
fn is_timestamp(text: &str) -> bool {
    let mut rest = text;
    let year = digits(&mut rest, 4, 4);
    let Some(year) = year else { return false };
    let Some((month, day)) = dash(&mut rest).and_then(|m| dash(&mut rest).map(|d| (m, d))) else { return false };
    let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let days = match month {
        2 => 28 + u32::from(leap),
        4 | 6 | 9 | 11 => 30,
        1..=12 => 31,
        _ => return false,
    };
    if !(1..=days).contains(&day) {
        return false;
    }
    if rest.is_empty() {
        return true;
    }
    let zoned = rest.starts_with(['T', 't']);
    if !zoned && !rest.starts_with(' ') {
        return false;
    }
    rest = &rest[1..];
    is_time(&mut rest) && if zoned { is_zone(rest) } else { rest.is_empty() }
}

fn dash(rest: &mut &str) -> Option<u32> {
    *rest = rest.strip_prefix('-')?;
    digits(rest, 1, 2)
}

/// `15:4:5` with or without a fraction of a second.
fn is_time(rest: &mut &str) -> bool {
    for (i, below) in [24, 60, 60].into_iter().enumerate() {
        if i > 0 {
            let Some(after) = rest.strip_prefix(':') else { return false };
            *rest = after;
        }
        if digits(rest, 1, 2).is_none_or(|n| n >= below) {
            return false;
        }
    }
    if let Some(after) = rest.strip_prefix(['.', ','])
        && after.starts_with(|c: char| c.is_ascii_digit())
    {
        *rest = after.trim_start_matches(|c: char| c.is_ascii_digit());
    }
    true
}

fn is_zone(zone: &str) -> bool {
    let Some(mut rest) = zone.strip_prefix(['+', '-']) else { return zone == "Z" };
    let hours = digits(&mut rest, 2, 2);
    let Some(mut rest) = rest.strip_prefix(':') else { return false };
    hours.is_some_and(|h| h <= 24) && digits(&mut rest, 2, 2).is_some_and(|m| m < 60) && rest.is_empty()
}

/// Takes between `min` and `max` digits off the front.
fn digits(rest: &mut &str, min: usize, max: usize) -> Option<u32> {
    let length = rest.bytes().take(max).take_while(u8::is_ascii_digit).count();
    if length < min {
        return None;
    }
    let (number, after) = rest.split_at(length);
    *rest = after;
    number.parse().ok()
}

/// `1:30`: a number in base 60 for other readers, so writing quotes it.
pub(super) fn is_base_60(text: &str) -> bool {
    let rest = text.strip_prefix(['-', '+']).unwrap_or(text);
    let mut parts = rest.split(':');
    let head = parts.next().unwrap_or_default();
    if !head.starts_with(|c: char| c.is_ascii_digit()) || !head.bytes().all(|b| b.is_ascii_digit() || b == b'_') {
        return false;
    }
    let parts: Vec<&str> = parts.collect();
    let last = parts.len().wrapping_sub(1);
    !parts.is_empty()
        && parts.iter().enumerate().all(|(i, part)| {
            let (whole, fraction) = match part.split_once('.') {
                Some((whole, fraction)) if i == last => (whole, fraction),
                Some(_) => return false,
                None => (*part, ""),
            };
            let short = matches!(whole.as_bytes(), [b'0'..=b'9'] | [b'0'..=b'5', b'0'..=b'9']);
            short && fraction.bytes().all(|b| b.is_ascii_digit() || b == b'_')
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scalars() {
        for (text, expected) in [
            ("", Scalar::Null),
            ("~", Scalar::Null),
            ("yes", Scalar::Bool(true)),
            ("Off", Scalar::Bool(false)),
            ("y", Scalar::Bool(true)),
            ("yEs", Scalar::String),
            ("0644", Scalar::Int(420)),
            ("0o14", Scalar::Int(12)),
            ("0x1F", Scalar::Int(31)),
            ("0b11", Scalar::Int(3)),
            ("-0b11", Scalar::Int(-3)),
            ("1_000", Scalar::Int(1000)),
            ("+5", Scalar::Int(5)),
            ("-9223372036854775808", Scalar::Int(i64::MIN)),
            ("18446744073709551615", Scalar::Unsigned(u64::MAX)),
            ("08", Scalar::Float(8.0)),
            ("1e3", Scalar::Float(1000.0)),
            (".5", Scalar::Float(0.5)),
            ("1.", Scalar::Float(1.0)),
            ("-.inf", Scalar::Float(f64::NEG_INFINITY)),
            ("1e999", Scalar::String),
            ("1.2.3", Scalar::String),
            (".", Scalar::String),
            ("-", Scalar::String),
            ("0x", Scalar::String),
            ("--1", Scalar::String),
            ("12:30:45", Scalar::String),
            ("2001-01-01", Scalar::Timestamp),
            ("2001-13-01", Scalar::String),
            ("2026-01-05T08:00:00Z", Scalar::Timestamp),
            ("2026-01-05T08:00:00.123+02:00", Scalar::Timestamp),
            ("2026-01-05T08:00:00", Scalar::String),
            ("2026-01-05 08:00:00", Scalar::Timestamp),
            ("<<", Scalar::String),
            ("null", Scalar::Null),
            ("nginx:1.21", Scalar::String),
        ] {
            assert_eq!(resolve(text), expected, "{text}");
        }
        for (text, is) in [("1:30", true), ("1:60", false), ("190:20:30.15", true), ("80:80", false), ("a:1", false)] {
            assert_eq!(is_base_60(text), is, "{text}");
        }
    }
}
