//! Quantities of resources: `100m`, `1.5Gi`, `2e3`.
//!
//! A fixed-point number of nano-units and the family of suffixes it is written in; sixteen bytes and a tag, `Copy`.
//! Not arbitrary precision: what lies beyond ±1.7e29 is capped.
//!
//! Models: apimachinery `pkg/api/resource`.

use core::cmp::Ordering;
use core::fmt;
use serde_json::Value;

/// The family of suffixes a quantity is written in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Format {
    DecimalExponent,
    BinarySi,
    #[default]
    DecimalSi,
}

/// Why a text is no quantity; `Display` gives upstream's words.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Error {
    FormatWrong,
    Numeric,
    Suffix,
}

/// An amount of a resource. Equality and order look at the amount only, never at how it is written.
#[derive(Clone, Copy, Debug, Default)]
pub struct Quantity {
    nanos: i128,
    format: Format,
}

const NANOS_PER_UNIT: i128 = 1_000_000_000;
const NANOS_PER_MILLI: i128 = 1_000_000;
/// Most fractional digits looked at one by one; further ones only decide rounding.
const FRACTION_DIGITS_MAX: usize = 18;

impl Quantity {
    pub const ZERO: Self = Self { nanos: 0, format: Format::DecimalSi };

    /// A whole number of units.
    pub fn new(value: i64, format: Format) -> Self {
        Self { nanos: i128::from(value) * NANOS_PER_UNIT, format }
    }

    /// A number of thousandths, as CPU is counted.
    pub fn from_milli(milli: i64) -> Self {
        Self { nanos: i128::from(milli) * NANOS_PER_MILLI, format: Format::DecimalSi }
    }

    pub fn parse(text: &str) -> Result<Self, Error> {
        Ok(parse(text)?.0)
    }

    /// The text as it comes back from the API server: canonical, except that upstream keeps some texts as they are
    /// (`1.500`, `+5`) because they need no other suffix.
    pub fn canonicalize(text: &str) -> Result<String, Error> {
        let (quantity, verbatim) = parse(text)?;
        Ok(if verbatim { text.to_owned() } else { quantity.to_string() })
    }

    /// From JSON, where a quantity may be a string or a bare number.
    pub fn from_json(value: &Value) -> Result<Self, Error> {
        match value {
            Value::Null => Ok(Self::ZERO),
            Value::String(text) => Self::parse(text.trim()),
            Value::Number(n) => Self::parse(&n.to_string()),
            _ => Err(Error::FormatWrong),
        }
    }

    /// Whole units, rounded up (away from zero), capped to 64 bits.
    pub fn value(self) -> i64 {
        clamp(div_away(self.nanos, NANOS_PER_UNIT))
    }

    /// Thousandths, rounded up (away from zero), capped to 64 bits.
    pub fn milli_value(self) -> i64 {
        clamp(div_away(self.nanos, NANOS_PER_MILLI))
    }

    pub fn as_f64(self) -> f64 {
        self.nanos as f64 / NANOS_PER_UNIT as f64
    }

    pub fn format(self) -> Format {
        self.format
    }

    pub fn is_zero(self) -> bool {
        self.nanos == 0
    }

    /// -1, 0 or 1.
    pub fn sign(self) -> i32 {
        self.nanos.signum() as i32
    }

    /// Sum; a zero takes on the other's format.
    #[must_use]
    #[allow(clippy::should_implement_trait)] // upstream's name; the operator would hide the format rule
    pub fn add(self, other: Self) -> Self {
        let format = if self.is_zero() { other.format } else { self.format };
        Self { nanos: self.nanos.saturating_add(other.nanos), format }
    }

    /// Difference; a zero takes on the other's format.
    #[must_use]
    #[allow(clippy::should_implement_trait)] // as `add`
    pub fn sub(self, other: Self) -> Self {
        let format = if self.is_zero() { other.format } else { self.format };
        Self { nanos: self.nanos.saturating_sub(other.nanos), format }
    }

    #[must_use]
    #[allow(clippy::should_implement_trait)] // not a product of two quantities
    pub fn mul(self, n: i64) -> Self {
        Self { nanos: self.nanos.saturating_mul(i128::from(n)), format: self.format }
    }
}

fn clamp(n: i128) -> i64 {
    i64::try_from(n).unwrap_or(if n > 0 { i64::MAX } else { i64::MIN })
}

fn div_away(n: i128, by: i128) -> i128 {
    n / by + if n % by == 0 { 0 } else { n.signum() }
}

/// A quantity's text, taken apart.
struct Parts<'a> {
    negative: bool,
    /// Without leading zeros; `0` if nothing else is left.
    whole: &'a str,
    fraction: &'a str,
    suffix: &'a str,
}

fn split(text: &str) -> Result<Parts<'_>, Error> {
    let negative = text.starts_with('-');
    let rest = text.strip_prefix(['-', '+']).unwrap_or(text).trim_start_matches('0');
    let digits = |s: &str| s.len() - s.trim_start_matches(|c: char| c.is_ascii_digit()).len();
    let (whole, mut rest) = rest.split_at(digits(rest));
    let mut fraction = "";
    if let Some(after) = rest.strip_prefix('.') {
        (fraction, rest) = after.split_at(digits(after));
    }
    let letters = rest.trim_start_matches(|c: char| "eEinumkKMGTP".contains(c));
    if !letters.strip_prefix(['-', '+']).unwrap_or(letters).bytes().all(|b| b.is_ascii_digit()) {
        return Err(Error::FormatWrong);
    }
    Ok(Parts { negative, whole: if whole.is_empty() { "0" } else { whole }, fraction, suffix: rest })
}

/// What a suffix multiplies by: a power of 10 or of 2.
fn suffix_scale(suffix: &str) -> Option<(Format, i32)> {
    if let Some((_, exponent)) = DECIMAL.iter().find(|(s, _)| *s == suffix) {
        return Some((Format::DecimalSi, *exponent));
    }
    if let Some(i) = BINARY.iter().position(|s| *s == suffix) {
        return Some((Format::BinarySi, i as i32 * 10));
    }
    let digits = suffix.strip_prefix(['e', 'E'])?;
    let exponent: i64 = digits.parse().ok()?;
    Some((Format::DecimalExponent, exponent.clamp(-10_000, 10_000) as i32))
}

const DECIMAL: [(&str, i32); 10] =
    [("n", -9), ("u", -6), ("m", -3), ("", 0), ("k", 3), ("M", 6), ("G", 9), ("T", 12), ("P", 15), ("E", 18)];
/// By power of 1024.
const BINARY: [&str; 7] = ["", "Ki", "Mi", "Gi", "Ti", "Pi", "Ei"];

/// The quantity, and whether upstream would keep the text as it is.
fn parse(text: &str) -> Result<(Quantity, bool), Error> {
    if text.is_empty() {
        return Err(Error::FormatWrong);
    }
    let parts = split(text)?;
    let (mut format, exponent) = suffix_scale(parts.suffix).ok_or(Error::Suffix)?;
    let magnitude = match format {
        Format::BinarySi => binary_nanos(&parts, exponent),
        _ => decimal_nanos(&parts, exponent),
    };
    let verbatim = is_kept(&parts, format, exponent);
    if format == Format::BinarySi && magnitude > 0 && magnitude < NANOS_PER_UNIT {
        format = Format::DecimalSi;
    }
    let nanos = if parts.negative { -magnitude } else { magnitude };
    Ok((Quantity { nanos, format }, verbatim))
}

/// Upstream remembers a text on its fast path when it takes it for canonical; this is that path's test.
fn is_kept(parts: &Parts<'_>, format: Format, exponent: i32) -> bool {
    let digits = (parts.whole.len() + parts.fraction.len()) as i32;
    if format == Format::BinarySi {
        let short = 15 - parts.whole.len() as i32 - exponent * 3 / 10 > 0;
        let odd = parts.whole.parse::<i64>().is_ok_and(|v| v & 7 != 0);
        return parts.fraction.is_empty() && short && odd;
    }
    let scale = exponent - parts.fraction.len() as i32;
    let shifted_ends_in_000 = if parts.fraction.len() >= 3 {
        parts.fraction.ends_with("000")
    } else {
        parts.fraction.bytes().all(|b| b == b'0')
            && parts.whole.len() + parts.fraction.len() >= 3
            && parts.whole.ends_with(&"000"[parts.fraction.len()..])
    };
    digits <= 18 && scale >= -9 && scale % 3 == 0 && !shifted_ends_in_000 && !parts.whole.starts_with('0')
}

fn decimal_nanos(parts: &Parts<'_>, exponent: i32) -> i128 {
    let mut mantissa: i128 = 0;
    // Decimal places of the mantissa still to be taken off.
    let mut places = -exponent - 9;
    let mut sticky = false;
    let fraction_at = parts.whole.len();
    for (i, digit) in parts.whole.bytes().chain(parts.fraction.bytes()).enumerate() {
        let next = mantissa.checked_mul(10).and_then(|m| m.checked_add(i128::from(digit - b'0')));
        let in_fraction = i >= fraction_at;
        match next {
            Some(m) if m < i128::MAX / 100 => {
                mantissa = m;
                places += i32::from(in_fraction);
            }
            _ => {
                sticky |= digit != b'0';
                places -= i32::from(!in_fraction);
            }
        }
    }
    if mantissa == 0 {
        return i128::from(sticky);
    }
    for _ in 0..places.clamp(0, 60) {
        sticky |= mantissa % 10 != 0;
        mantissa /= 10;
    }
    for _ in 0..(-places).clamp(0, 60) {
        mantissa = mantissa.saturating_mul(10);
    }
    mantissa.saturating_add(i128::from(sticky))
}

fn binary_nanos(parts: &Parts<'_>, exponent: i32) -> i128 {
    const MAX: i128 = i64::MAX as i128 * NANOS_PER_UNIT;
    let factor = 1_i128 << exponent;
    let whole = parts.whole.parse::<i128>().unwrap_or(MAX).saturating_mul(factor).saturating_mul(NANOS_PER_UNIT);
    let kept = &parts.fraction[..parts.fraction.len().min(FRACTION_DIGITS_MAX)];
    let sticky = parts.fraction[kept.len()..].bytes().any(|b| b != b'0');
    let unit = 10_i128.pow(kept.len() as u32);
    let scaled = kept.parse::<i128>().unwrap_or(0) * factor;
    let nanos = scaled / unit * NANOS_PER_UNIT + div_away(scaled % unit * NANOS_PER_UNIT, unit) + i128::from(sticky);
    whole.saturating_add(nanos).min(MAX)
}

impl PartialEq for Quantity {
    fn eq(&self, other: &Self) -> bool {
        self.nanos == other.nanos
    }
}

impl Eq for Quantity {}

impl PartialOrd for Quantity {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Quantity {
    fn cmp(&self, other: &Self) -> Ordering {
        self.nanos.cmp(&other.nanos)
    }
}

/// The canonical form.
impl fmt::Display for Quantity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_zero() {
            return f.write_str("0");
        }
        let small = self.nanos.unsigned_abs() < 1024 * NANOS_PER_UNIT as u128;
        if self.format == Format::BinarySi && !small && self.nanos % NANOS_PER_UNIT == 0 {
            let (mut number, mut power) = (self.nanos / NANOS_PER_UNIT, 0);
            while number % 1024 == 0 {
                number /= 1024;
                power += 1;
            }
            return write!(f, "{number}{}", BINARY.get(power).unwrap_or(&""));
        }
        let (mut number, mut exponent) = (self.nanos, -9);
        while number % 1000 == 0 {
            number /= 1000;
            exponent += 3;
        }
        match self.format {
            Format::DecimalExponent if exponent == 0 => write!(f, "{number}"),
            Format::DecimalExponent => write!(f, "{number}e{exponent}"),
            _ => {
                let suffix = DECIMAL.iter().find(|(_, e)| *e == exponent).map_or("", |(s, _)| s);
                write!(f, "{number}{suffix}")
            }
        }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::FormatWrong => {
                "quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'"
            }
            Self::Numeric => "unable to parse numeric part of quantity",
            Self::Suffix => "unable to parse quantity's suffix",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, canonical: &str, milli: i64) {
        let q = Quantity::parse(text).unwrap_or_else(|e| panic!("{text}: {e}"));
        assert_eq!(q.to_string(), canonical, "{text}");
        assert_eq!(q.milli_value(), milli, "{text}");
        let again = Quantity::parse(canonical).expect("canonical");
        assert_eq!(again.to_string(), canonical, "{text} twice");
        assert_eq!(again, q, "{text} twice");
    }

    #[test]
    fn canonical_forms() {
        check("0", "0", 0);
        check("000", "0", 0);
        check("0Mi", "0", 0);
        check("1", "1", 1000);
        check("1000", "1k", 1_000_000);
        check("1024", "1024", 1_024_000);
        check("100m", "100m", 100);
        check("0.1", "100m", 100);
        check("1.5", "1500m", 1500);
        check("1500m", "1500m", 1500);
        check("2000m", "2", 2000);
        check("0.1m", "100u", 1);
        check("1n", "1n", 1);
        check("0.0000000001", "1n", 1);
        check("1Ki", "1Ki", 1_024_000);
        check("1024Ki", "1Mi", 1_048_576_000);
        check("1.5Gi", "1536Mi", 1_610_612_736_000);
        check("0.5Ki", "512", 512_000);
        check("0.5Mi", "512Ki", 524_288_000);
        check("128Mi", "128Mi", 134_217_728_000);
        check("1e3", "1e3", 1_000_000);
        check("1E", "1E", i64::MAX);
        check("12e6", "12e6", 12_000_000_000);
        check("100e-3", "100e-3", 100);
        check("1.1k", "1100", 1_100_000);
        check("-1.5", "-1500m", -1500);
        check("-2Ki", "-2Ki", -2_048_000);
        check("+5", "5", 5000);
        check("1.", "1", 1000);
        check(".5", "500m", 500);
        check("0.001Ki", "1024m", 1024);
        check("9223372036854775807", "9223372036854775807", i64::MAX);
        check("100Ei", "9223372036854775807", i64::MAX);
    }

    #[test]
    fn faults() {
        for text in ["", "abc", "1x", "1 Gi", " 1", "1.1.1", "1+1.0M", "5Kx", "1e3i"] {
            assert_eq!(Quantity::parse(text).err(), Some(Error::FormatWrong), "{text}");
        }
        for text in ["--1", "1i", "1Kii", "1e", "1mi", "3.01e-"] {
            assert_eq!(Quantity::parse(text).err(), Some(Error::Suffix), "{text}");
        }
    }

    #[test]
    fn kept_as_they_are() {
        for (text, shown) in
            [("1.500", "1.500"), ("+5", "+5"), ("1.0", "1"), ("1000", "1k"), ("0.100", "100m"), ("1023Mi", "1023Mi")]
        {
            assert_eq!(Quantity::canonicalize(text).as_deref(), Ok(shown));
        }
    }

    #[test]
    fn arithmetic() {
        let q = |t: &str| Quantity::parse(t).expect(t);
        assert_eq!(q("1Gi").add(q("1Gi")).to_string(), "2Gi");
        assert_eq!(Quantity::ZERO.add(q("64Mi")).to_string(), "64Mi");
        assert_eq!(q("500m").add(q("1")).to_string(), "1500m");
        assert_eq!(q("1").sub(q("250m")).to_string(), "750m");
        assert!(q("1Gi") > q("1G"));
        assert_eq!(q("1.1").value(), 2);
        assert_eq!(q("-1.1").value(), -2);
        assert_eq!(q("100m").mul(3).to_string(), "300m");
    }

    #[test]
    fn junk_never_panics() {
        let mut rng = crate::rng::Rng::derive(7, "quantity", "", 0);
        for _ in 0..20_000 {
            let len = rng.below(12);
            let text: String =
                (0..len).map(|_| char::from(b"0019.-+eEinumkKMGTPi x"[rng.below(22) as usize])).collect();
            if let Ok(q) = Quantity::parse(&text) {
                let shown = q.to_string();
                let _ = Quantity::parse(&shown).map(|again| (again.value(), again.milli_value()));
            }
        }
    }
}
