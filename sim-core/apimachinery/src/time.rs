//! Virtual time: an instant as microseconds since the Unix epoch. No wall clock is ever read here.
//!
//! Invariant: whoever needs "now" is handed a [`Time`]; durations are [`core::time::Duration`].

use core::fmt;
use core::ops::{Add, Sub};
pub use core::time::Duration;

/// An instant of the simulation, in microseconds since 1970-01-01T00:00:00Z.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Time(pub i64);

impl Time {
    /// 2026-01-05T08:00:00Z, the Monday morning on which a playground begins unless told otherwise.
    pub const START: Self = Self(1_767_600_000_000_000);

    pub const fn from_secs(secs: i64) -> Self {
        Self(secs * 1_000_000)
    }

    /// Whole seconds since the epoch, rounded down (what `metav1.Time` keeps).
    pub const fn secs(self) -> i64 {
        self.0.div_euclid(1_000_000)
    }

    /// Time passed since `earlier`; zero when `earlier` lies ahead.
    pub fn since(self, earlier: Self) -> Duration {
        Duration::from_micros(u64::try_from(self.0 - earlier.0).unwrap_or(0))
    }

    pub fn timestamp(self) -> jiff::Timestamp {
        jiff::Timestamp::from_microsecond(self.0).unwrap_or(jiff::Timestamp::UNIX_EPOCH)
    }

    /// `2026-01-05T08:00:00Z`: whole seconds, as `metav1.Time` is written.
    pub fn rfc3339(self) -> String {
        jiff::Timestamp::from_second(self.secs()).unwrap_or(jiff::Timestamp::UNIX_EPOCH).to_string()
    }

    /// `2026-01-05T08:00:00.000000Z`: as `metav1.MicroTime` is written.
    pub fn rfc3339_micro(self) -> String {
        let whole = self.rfc3339();
        format!("{}.{:06}Z", whole.trim_end_matches('Z'), self.0.rem_euclid(1_000_000))
    }
}

impl From<jiff::Timestamp> for Time {
    fn from(t: jiff::Timestamp) -> Self {
        Self(t.as_microsecond())
    }
}

impl Add<Duration> for Time {
    type Output = Self;
    fn add(self, d: Duration) -> Self {
        Self(self.0.saturating_add(i64::try_from(d.as_micros()).unwrap_or(i64::MAX)))
    }
}

impl Sub<Duration> for Time {
    type Output = Self;
    fn sub(self, d: Duration) -> Self {
        Self(self.0.saturating_sub(i64::try_from(d.as_micros()).unwrap_or(i64::MAX)))
    }
}

impl fmt::Display for Time {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.rfc3339())
    }
}
