//! Times as servers write them in logs and headers, always in UTC.

use super::software::Clock;
use apimachinery::time::Time;
use jiff::civil::DateTime;
use jiff::tz::Offset;

const MONTHS: [&str; 12] = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
const DAYS: [&str; 7] = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"];

fn civil(t: Time) -> DateTime {
    Offset::UTC.to_datetime(t.timestamp())
}

fn month(d: DateTime) -> &'static str {
    MONTHS[usize::try_from(d.month() - 1).unwrap_or(0) % 12]
}

fn weekday(d: DateTime) -> &'static str {
    DAYS[usize::try_from(d.weekday().to_monday_zero_offset()).unwrap_or(0) % 7]
}

fn clock(d: DateTime) -> String {
    format!("{:02}:{:02}:{:02}", d.hour(), d.minute(), d.second())
}

/// `Mon, 05 Jan 2026 08:00:00 GMT`: the `Date` header.
pub fn http_date(t: Time) -> String {
    let d = civil(t);
    format!("{}, {:02} {} {} {} GMT", weekday(d), d.day(), month(d), d.year(), clock(d))
}

/// `05/Jan/2026:08:00:00 +0000`: the common log format.
pub fn common_log(t: Time) -> String {
    let d = civil(t);
    format!("{:02}/{}/{}:{} +0000", d.day(), month(d), d.year(), clock(d))
}

/// `05/Jan/2026 08:00:00`: Python's `http.server`.
pub fn python_log(t: Time) -> String {
    let d = civil(t);
    format!("{:02}/{}/{} {}", d.day(), month(d), d.year(), clock(d))
}

/// The time at the head of a server's log line.
pub fn log_time(style: Clock, t: Time) -> String {
    let d = civil(t);
    let (date, time) = (format!("{}-{:02}-{:02}", d.year(), d.month(), d.day()), clock(d));
    let millis = d.subsec_nanosecond() / 1_000_000;
    match style {
        Clock::Slashes => format!("{}/{:02}/{:02} {time}", d.year(), d.month(), d.day()),
        Clock::Apache => {
            let micros = d.subsec_nanosecond() / 1000;
            format!("{} {} {:02} {time}.{micros:06} {}", weekday(d), month(d), d.day(), d.year())
        }
        Clock::Redis => format!("{:02} {} {} {time}.{millis:03}", d.day(), month(d), d.year()),
        Clock::Postgres => format!("{date} {time}.{millis:03} UTC"),
        Clock::Rfc3339 => t.rfc3339_micro(),
        Clock::Entrypoint => format!("{date} {time}+00:00"),
        Clock::Mariadb => format!("{date} {:2}:{:02}:{:02}", d.hour(), d.minute(), d.second()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_server_has_its_own_way_to_write_the_time() {
        let t = Time(Time::START.0 + 1_234_567);
        assert_eq!(http_date(t), "Mon, 05 Jan 2026 08:00:01 GMT");
        assert_eq!(common_log(t), "05/Jan/2026:08:00:01 +0000");
        assert_eq!(log_time(Clock::Slashes, t), "2026/01/05 08:00:01");
        assert_eq!(log_time(Clock::Apache, t), "Mon Jan 05 08:00:01.234567 2026");
        assert_eq!(log_time(Clock::Redis, t), "05 Jan 2026 08:00:01.234");
    }
}
