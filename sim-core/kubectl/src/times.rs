//! Ages and dates as kubectl shows them.

use apimachinery::duration::human;
use apimachinery::time::Time;

/// An RFC 3339 instant.
pub fn parse(text: &str) -> Option<Time> {
    text.parse::<jiff::Timestamp>().ok().map(Into::into)
}

/// Time since an instant: `5s`; `<unknown>` when there is none.
pub fn age(text: &str, now: Time) -> String {
    match parse(text) {
        Some(t) => human(now.since(t)),
        None => "<unknown>".into(),
    }
}

/// `Mon, 23 Nov 2026 17:22:46 +0000`: Go's RFC1123Z.
pub fn rfc1123(text: &str) -> String {
    let Some(t) = parse(text) else { return String::new() };
    let at = jiff::tz::Offset::UTC.to_datetime(t.timestamp());
    let days = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"];
    let day = days[at.weekday().to_monday_zero_offset() as usize % 7];
    let month = MONTHS[(at.month() as usize - 1) % 12];
    format!("{day}, {:02} {month} {} {:02}:{:02}:{:02} +0000", at.day(), at.year(), at.hour(), at.minute(), at.second())
}

const MONTHS: [&str; 12] = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

/// `2026-11-23 17:34:31 +0000 UTC`: how Go prints a time by itself.
pub fn go_default(text: &str) -> String {
    let text = text.trim_end_matches('Z');
    format!("{} +0000 UTC", text.replacen('T', " ", 1))
}
