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

impl Quantity {
    pub const ZERO: Self = Self { nanos: 0, format: Format::DecimalSi };

    /// A whole number of units.
    pub fn new(value: i64, format: Format) -> Self {
        todo!()
    }

    /// A number of thousandths, as CPU is counted.
    pub fn from_milli(milli: i64) -> Self {
        todo!()
    }

    pub fn parse(text: &str) -> Result<Self, Error> {
        todo!()
    }

    /// From JSON, where a quantity may be a string or a bare number.
    pub fn from_json(value: &Value) -> Result<Self, Error> {
        todo!()
    }

    /// Whole units, rounded up (away from zero), capped to 64 bits.
    pub fn value(self) -> i64 {
        todo!()
    }

    /// Thousandths, rounded up (away from zero), capped to 64 bits.
    pub fn milli_value(self) -> i64 {
        todo!()
    }

    pub fn as_f64(self) -> f64 {
        todo!()
    }

    pub fn format(self) -> Format {
        self.format
    }

    pub fn is_zero(self) -> bool {
        self.nanos == 0
    }

    /// -1, 0 or 1.
    pub fn sign(self) -> i32 {
        todo!()
    }

    /// Sum; a zero takes on the other's format.
    #[must_use]
    pub fn add(self, other: Self) -> Self {
        todo!()
    }

    /// Difference; a zero takes on the other's format.
    #[must_use]
    pub fn sub(self, other: Self) -> Self {
        todo!()
    }

    #[must_use]
    pub fn mul(self, n: i64) -> Self {
        todo!()
    }
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
        todo!()
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        todo!()
    }
}
