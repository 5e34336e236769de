//! Spans of time as kubectl shows ages (`98s`, `2m5s`, `3d4h`) and as Go writes and reads durations (`1m30s`).
//!
//! Models: apimachinery `pkg/util/duration`; Go's `time.Duration.String` and `time.ParseDuration`.

use core::time::Duration;

/// Kubectl's age: two or three significant digits, at most two units.
pub fn human(d: Duration) -> String {
    todo!()
}

/// An age in one unit: `5m`, `3h`.
pub fn short_human(d: Duration) -> String {
    todo!()
}

/// A duration as Go prints it: `0s`, `1.921s`, `1h30m0s`.
pub fn go_string(d: Duration) -> String {
    todo!()
}

/// As [`go_string`], for nanoseconds that may be negative.
pub fn go_string_nanos(nanos: i64) -> String {
    todo!()
}

/// Reads Go's form into nanoseconds; the error is Go's text (`time: invalid duration "x"`).
pub fn parse(text: &str) -> Result<i64, String> {
    todo!()
}
