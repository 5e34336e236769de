//! When a cron schedule is due.
//!
//! Models: robfig/cron `ParseStandard` and `SpecSchedule.Next`, in UTC. Whether a text is a schedule, and the words for
//! why not, are the API server's (`registry::cron`); what cannot be read here is never due.

use apimachinery::time::{Duration, Time};

const DAY: i64 = 86_400;
/// No schedule is sought further ahead: the 29th of February comes at least every eight years.
const DAYS_MAX: i64 = 366 * 9;
const MONTHS: &[&str] = &["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"];
const DAYS: &[&str] = &["sun", "mon", "tue", "wed", "thu", "fri", "sat"];
const FIELDS: [(u32, u32, &[&str]); 5] = [(0, 59, &[]), (0, 23, &[]), (1, 31, &[]), (1, 12, MONTHS), (0, 6, DAYS)];

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Schedule {
    /// `@every`: from one start to the next.
    Every(Duration),
    /// Bits of the minutes, hours, days, months and weekdays that fit; whether days and weekdays were left open.
    Fields { bits: [u64; 5], any_day: bool, any_weekday: bool },
}

impl Schedule {
    pub fn parse(text: &str) -> Option<Self> {
        let text = match text.trim() {
            "@yearly" | "@annually" => "0 0 1 1 *",
            "@monthly" => "0 0 1 * *",
            "@weekly" => "0 0 * * 0",
            "@daily" | "@midnight" => "0 0 * * *",
            "@hourly" => "0 * * * *",
            other => other,
        };
        if let Some(span) = text.strip_prefix("@every ") {
            let nanos = u64::try_from(apimachinery::duration::parse(span).ok()?).ok()?;
            return Some(Self::Every(Duration::from_secs((nanos / 1_000_000_000).max(1))));
        }
        let fields: Vec<&str> = text.split_whitespace().collect();
        if fields.len() != FIELDS.len() {
            return None;
        }
        let mut bits = [0; 5];
        for ((field, (low, high, names)), bits) in fields.iter().zip(FIELDS).zip(&mut bits) {
            for range in field.split(',') {
                *bits |= range_bits(range, low, high, names)?;
            }
        }
        let open = |field: &str| field.split(',').any(|r| matches!(r, "*" | "?" | "*/1" | "?/1"));
        Some(Self::Fields { bits, any_day: open(fields[2]), any_weekday: open(fields[4]) })
    }

    /// The first time after `after` at which it is due.
    pub fn next(&self, after: Time) -> Option<Time> {
        let (bits, any_day, any_weekday) = match self {
            Self::Every(span) => return Some(Time::from_secs(after.secs()) + *span),
            Self::Fields { bits, any_day, any_weekday } => (bits, *any_day, *any_weekday),
        };
        let has = |field: usize, value: i64| bits[field] >> value & 1 == 1;
        let first = (after.secs().div_euclid(60) + 1) * 60;
        for day in first.div_euclid(DAY)..first.div_euclid(DAY) + DAYS_MAX {
            let (month, date) = civil(day);
            let (date_fits, weekday_fits) = (has(2, date), has(4, (day + 4).rem_euclid(7)));
            // Where both are narrowed down, either will do.
            let fits = if any_day || any_weekday { date_fits && weekday_fits } else { date_fits || weekday_fits };
            if !has(3, month) || !fits {
                continue;
            }
            let from = first.max(day * DAY);
            let minutes = (from..(day + 1) * DAY).step_by(60);
            let mut due = minutes.filter(|t| has(1, t.rem_euclid(DAY) / 3600) && has(0, t.rem_euclid(3600) / 60));
            if let Some(t) = due.next() {
                return Some(Time::from_secs(t));
            }
        }
        None
    }
}

/// Month and day of the month of a day since 1970-01-01.
fn civil(day: i64) -> (i64, i64) {
    let of_era = (day + 719_468).rem_euclid(146_097);
    let year = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year + year / 4 - year / 100);
    let march = (5 * of_year + 2) / 153;
    let date = of_year - (153 * march + 2) / 5 + 1;
    (if march < 10 { march + 3 } else { march - 9 }, date)
}

fn range_bits(range: &str, low: u32, high: u32, names: &[&str]) -> Option<u64> {
    let (bounds, step) = match range.split_once('/') {
        Some((bounds, step)) => (bounds, Some(step.parse::<u32>().ok().filter(|s| *s > 0)?)),
        None => (range, None),
    };
    let number = |text: &str| match names.iter().position(|n| text.eq_ignore_ascii_case(n)) {
        Some(i) => u32::try_from(i).ok().map(|i| i + low),
        None => text.parse::<u32>().ok(),
    };
    let (first, last) = match bounds.split_once('-') {
        _ if matches!(bounds, "*" | "?") => (low, high),
        Some((first, last)) => (number(first)?, number(last)?),
        None => {
            let first = number(bounds)?;
            (first, if step.is_some() { high } else { first })
        }
    };
    if first < low || last > high || first > last {
        return None;
    }
    let mut bits = 0;
    for value in (first..=last).step_by(usize::try_from(step.unwrap_or(1)).ok()?) {
        bits |= 1 << value;
    }
    Some(bits)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_next_time() {
        // 2026-01-05 was a Monday.
        let from = "2026-01-05T08:00:30Z";
        let check = |schedule: &str, want: &str| {
            let from: k8s_openapi::jiff::Timestamp = from.parse().expect("it is one");
            let next = Schedule::parse(schedule).and_then(|s| s.next(Time::from(from)));
            assert_eq!(next.map(Time::rfc3339).as_deref(), Some(want), "{schedule}");
        };
        check("*/1 * * * *", "2026-01-05T08:01:00Z");
        check("0 8 * * *", "2026-01-06T08:00:00Z");
        check("30 7 * * sun", "2026-01-11T07:30:00Z");
        check("0 0 29 feb *", "2028-02-29T00:00:00Z");
        check("0 0 1 * 3", "2026-01-07T00:00:00Z");
        check("5/20 9-10 * * 1-5", "2026-01-05T09:05:00Z");
        check("@hourly", "2026-01-05T09:00:00Z");
        check("@every 90s", "2026-01-05T08:02:00Z");
        assert_eq!(Schedule::parse("0 0 31 2 *").and_then(|s| s.next(Time::from_secs(0))), None);
    }
}
