//! Spans of time as kubectl shows ages (`98s`, `2m5s`, `3d4h`) and as Go writes and reads durations (`1m30s`).
//!
//! Models: apimachinery `pkg/util/duration`; Go's `time.Duration.String` and `time.ParseDuration`.

use crate::field::quote;
use core::time::Duration;

/// Kubectl's age: two or three significant digits, at most two units.
pub fn human(d: Duration) -> String {
    let seconds = d.as_secs();
    let (minutes, hours) = (seconds / 60, seconds / 3600);
    let days = hours / 24;
    match () {
        () if seconds < 120 => format!("{seconds}s"),
        () if minutes < 10 => pair(minutes, 'm', seconds % 60, 's'),
        () if minutes < 180 => format!("{minutes}m"),
        () if hours < 8 => pair(hours, 'h', minutes % 60, 'm'),
        () if hours < 48 => format!("{hours}h"),
        () if days < 8 => pair(days, 'd', hours % 24, 'h'),
        () if days < 365 * 2 => format!("{days}d"),
        () if days < 365 * 8 => pair(days / 365, 'y', days % 365, 'd'),
        () => format!("{}y", days / 365),
    }
}

fn pair(large: u64, large_unit: char, small: u64, small_unit: char) -> String {
    if small == 0 { format!("{large}{large_unit}") } else { format!("{large}{large_unit}{small}{small_unit}") }
}

/// An age in one unit: `5m`, `3h`.
pub fn short_human(d: Duration) -> String {
    let seconds = d.as_secs();
    match seconds {
        0..60 => format!("{seconds}s"),
        60..3_600 => format!("{}m", seconds / 60),
        3_600..86_400 => format!("{}h", seconds / 3_600),
        86_400..31_536_000 => format!("{}d", seconds / 86_400),
        _ => format!("{}y", seconds / 31_536_000),
    }
}

/// A duration as Go prints it: `0s`, `1.921s`, `1h30m0s`.
pub fn go_string(d: Duration) -> String {
    go_string_nanos(i64::try_from(d.as_nanos()).unwrap_or(i64::MAX))
}

/// As [`go_string`], for nanoseconds that may be negative.
pub fn go_string_nanos(nanos: i64) -> String {
    let n = nanos.unsigned_abs();
    let sign = if nanos < 0 { "-" } else { "" };
    match n {
        0 => "0s".to_owned(),
        1..1_000 => format!("{sign}{n}ns"),
        1_000..1_000_000 => format!("{sign}{}µs", decimal(n, 1_000)),
        1_000_000..1_000_000_000 => format!("{sign}{}ms", decimal(n, 1_000_000)),
        _ => {
            let (hours, minutes) = (n / 3_600_000_000_000, n / 60_000_000_000 % 60);
            let seconds = decimal(n % 60_000_000_000, 1_000_000_000);
            match (hours, minutes) {
                (0, 0) => format!("{sign}{seconds}s"),
                (0, m) => format!("{sign}{m}m{seconds}s"),
                (h, m) => format!("{sign}{h}h{m}m{seconds}s"),
            }
        }
    }
}

/// `n / unit` without trailing zeros; `unit` is a power of ten.
fn decimal(n: u64, unit: u64) -> String {
    let (whole, fraction) = (n / unit, n % unit);
    if fraction == 0 {
        return whole.to_string();
    }
    let digits = format!("{:0width$}", fraction, width = unit.ilog10() as usize);
    format!("{whole}.{}", digits.trim_end_matches('0'))
}

/// Reads Go's form into nanoseconds; the error is Go's text (`time: invalid duration "x"`).
pub fn parse(text: &str) -> Result<i64, String> {
    let invalid = || format!("time: invalid duration {}", quote(text));
    let negative = text.starts_with('-');
    let mut rest = text.strip_prefix(['-', '+']).unwrap_or(text);
    if rest == "0" {
        return Ok(0);
    }
    if rest.is_empty() {
        return Err(invalid());
    }
    let mut total: u64 = 0;
    while !rest.is_empty() {
        let number = rest.len() - rest.trim_start_matches(|c: char| c.is_ascii_digit() || c == '.').len();
        let (digits, after) = rest.split_at(number);
        let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
        // A second point would have to be the unit's first letter, which no unit has.
        if whole.is_empty() && fraction.is_empty() || fraction.contains('.') {
            return Err(invalid());
        }
        let length = after.len() - after.trim_start_matches(|c: char| c != '.' && !c.is_ascii_digit()).len();
        let (name, after) = after.split_at(length);
        if name.is_empty() {
            return Err(format!("time: missing unit in duration {}", quote(text)));
        }
        let Some(unit) = unit_nanos(name) else {
            return Err(format!("time: unknown unit {} in duration {}", quote(name), quote(text)));
        };
        let whole: u64 = if whole.is_empty() { 0 } else { whole.parse().map_err(|_| invalid())? };
        let part = whole.checked_mul(unit).and_then(|n| n.checked_add(fraction_nanos(fraction, unit)));
        total = part.and_then(|n| total.checked_add(n)).filter(|n| *n <= 1 << 63).ok_or_else(invalid)?;
        rest = after;
    }
    match (negative, i64::try_from(total)) {
        (true, Ok(n)) => Ok(-n),
        (false, Ok(n)) => Ok(n),
        (true, Err(_)) => Ok(i64::MIN),
        (false, Err(_)) => Err(invalid()),
    }
}

fn unit_nanos(name: &str) -> Option<u64> {
    Some(match name {
        "ns" => 1,
        "us" | "µs" | "μs" => 1_000,
        "ms" => 1_000_000,
        "s" => 1_000_000_000,
        "m" => 60_000_000_000,
        "h" => 3_600_000_000_000,
        _ => return None,
    })
}

/// `0.fraction` of a unit, rounded down.
fn fraction_nanos(fraction: &str, unit: u64) -> u64 {
    let kept = &fraction[..fraction.len().min(18)];
    let digits: u128 = kept.parse().unwrap_or(0);
    (digits * u128::from(unit) / 10_u128.pow(kept.len() as u32)) as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ages() {
        let day = 86_400;
        for (seconds, long, short) in [
            (0, "0s", "0s"),
            (98, "98s", "1m"),
            (125, "2m5s", "2m"),
            (120, "2m", "2m"),
            (600, "10m", "10m"),
            (179 * 60 + 59, "179m", "2h"),
            (180 * 60, "3h", "3h"),
            (7 * 3600 + 60, "7h1m", "7h"),
            (47 * 3600 + 3599, "47h", "1d"),
            (48 * 3600, "2d", "2d"),
            (3 * day + 4 * 3600, "3d4h", "3d"),
            (8 * day, "8d", "8d"),
            (800 * day, "2y70d", "2y"),
            (365 * 9 * day, "9y", "9y"),
        ] {
            assert_eq!(human(Duration::from_secs(seconds)), long);
            assert_eq!(short_human(Duration::from_secs(seconds)), short);
        }
    }

    #[test]
    fn go_durations() {
        for (nanos, text) in [
            (0, "0s"),
            (1, "1ns"),
            (1_100, "1.1µs"),
            (2_200_000, "2.2ms"),
            (1_921_000_000, "1.921s"),
            (90_000_000_000, "1m30s"),
            (5_400_000_000_000, "1h30m0s"),
            (-1_500_000_000, "-1.5s"),
        ] {
            assert_eq!(go_string_nanos(nanos), text);
            assert_eq!(parse(text), Ok(nanos));
        }
        assert_eq!(parse("1.5h"), Ok(5_400_000_000_000));
        assert_eq!(parse("0"), Ok(0));
    }

    #[test]
    fn faults() {
        for (text, error) in [
            ("", "time: invalid duration \"\""),
            ("x", "time: invalid duration \"x\""),
            ("5", "time: missing unit in duration \"5\""),
            ("5d", "time: unknown unit \"d\" in duration \"5d\""),
            (".s", "time: invalid duration \".s\""),
            ("99999999999h", "time: invalid duration \"99999999999h\""),
        ] {
            assert_eq!(parse(text), Err(error.to_owned()));
        }
    }
}
