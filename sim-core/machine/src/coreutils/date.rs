//! `date`: the virtual clock, in UTC.

use crate::process::Ctx;
use apimachinery::time::Time;

/// Year, month, day of a number of days since 1970-01-01 (proleptic Gregorian calendar).
fn civil(days: i64) -> (i64, u32, u32) {
    let z = days + 719_468;
    let era = z.div_euclid(146_097);
    let doe = z.rem_euclid(146_097);
    let yoe = (doe - doe / 1460 + doe / 36_524 - doe / 146_096) / 365;
    let doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
    let mp = (5 * doy + 2) / 153;
    let day = (doy - (153 * mp + 2) / 5 + 1) as u32;
    let month = if mp < 10 { mp + 3 } else { mp - 9 } as u32;
    (yoe + era * 400 + i64::from(month <= 2), month, day)
}

fn days_from_civil(y: i64, m: i64, d: i64) -> i64 {
    let y = if m <= 2 { y - 1 } else { y };
    let era = y.div_euclid(400);
    let yoe = y.rem_euclid(400);
    let doy = (153 * (if m > 2 { m - 3 } else { m + 9 }) + 2) / 5 + d - 1;
    era * 146_097 + yoe * 365 + yoe / 4 - yoe / 100 + doy - 719_468
}

const DAYS: [&str; 7] = ["Thursday", "Friday", "Saturday", "Sunday", "Monday", "Tuesday", "Wednesday"];
const MONTHS: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];

/// An instant by a format like strftime's.
pub fn format(time: Time, format: &str) -> String {
    let secs = time.secs();
    let (days, rest) = (secs.div_euclid(86_400), secs.rem_euclid(86_400));
    let (year, month, day) = civil(days);
    let (hour, minute, second) = (rest / 3600, rest / 60 % 60, rest % 60);
    let weekday = days.rem_euclid(7) as usize;
    let micros = time.0.rem_euclid(1_000_000);
    let of_year = days - days_from_civil(year, 1, 1) + 1;
    let twelve = if hour % 12 == 0 { 12 } else { hour % 12 };
    let (day_name, month_name) = (DAYS[weekday], MONTHS[month as usize - 1]);
    let sub = |f: &str| self::format(time, f);
    let mut out = String::new();
    let mut chars = format.chars();
    while let Some(c) = chars.next() {
        if c != '%' {
            out.push(c);
            continue;
        }
        let mut c = chars.next().unwrap_or('%');
        let plain = matches!(c, '-' | '_' | '0');
        let unpadded = c == '-';
        let mut digits = 9;
        if plain {
            c = chars.next().unwrap_or('%');
        }
        while c.is_ascii_digit() {
            digits = c.to_digit(10).unwrap_or(9) as usize;
            c = chars.next().unwrap_or('%');
        }
        let mut two = |n: i64| if unpadded { out.push_str(&n.to_string()) } else { out.push_str(&format!("{n:02}")) };
        match c {
            'd' => two(i64::from(day)),
            'm' => two(i64::from(month)),
            'H' => two(hour),
            'I' => two(twelve),
            'M' => two(minute),
            'S' => two(second),
            'y' => two(year % 100),
            'Y' => out.push_str(&year.to_string()),
            'e' => out.push_str(&format!("{day:>2}")),
            'k' => out.push_str(&format!("{hour:>2}")),
            'j' => out.push_str(&format!("{of_year:03}")),
            'a' => out.push_str(&day_name[..3]),
            'A' => out.push_str(day_name),
            'b' | 'h' => out.push_str(&month_name[..3]),
            'B' => out.push_str(month_name),
            'p' => out.push_str(if hour < 12 { "AM" } else { "PM" }),
            'u' => out.push_str(&((weekday + 3) % 7 + 1).to_string()),
            'w' => out.push_str(&((weekday + 4) % 7).to_string()),
            'Z' => out.push_str("UTC"),
            'z' => out.push_str("+0000"),
            ':' => {
                chars.next();
                out.push_str("+00:00");
            }
            's' => out.push_str(&secs.to_string()),
            'N' => out.push_str(&format!("{:09}", micros * 1000)[..digits.min(9)]),
            'F' => out.push_str(&sub("%Y-%m-%d")),
            'T' => out.push_str(&sub("%H:%M:%S")),
            'R' => out.push_str(&sub("%H:%M")),
            'D' => out.push_str(&sub("%m/%d/%y")),
            'c' => out.push_str(&sub("%a %b %e %H:%M:%S %Y")),
            'n' => out.push('\n'),
            't' => out.push('\t'),
            '%' => out.push('%'),
            c => out.extend(['%', c]),
        }
    }
    out
}

/// `2026-01-05`, `2026-01-05 08:00:00`, with `T` and `Z`; `@seconds`; `now`.
fn parse(text: &str, now: Time) -> Option<Time> {
    if let Some(secs) = text.strip_prefix('@') {
        return secs.parse().ok().map(Time::from_secs);
    }
    match text {
        "now" | "today" => return Some(now),
        "yesterday" => return Some(Time(now.0 - 86_400_000_000)),
        "tomorrow" => return Some(Time(now.0 + 86_400_000_000)),
        _ => {}
    }
    if let [n, unit, rest @ ..] = text.split_whitespace().collect::<Vec<_>>().as_slice()
        && let Ok(n) = n.parse::<i64>()
    {
        let secs = match unit.trim_end_matches('s') {
            "second" | "sec" => 1,
            "minute" | "min" => 60,
            "hour" => 3600,
            "day" => 86_400,
            "week" => 604_800,
            _ => return None,
        };
        let sign = if rest == ["ago"] { -1 } else { 1 };
        return Some(Time(now.0 + sign * n * secs * 1_000_000));
    }
    let clean = text.trim_end_matches('Z').replace('T', " ");
    let (date, time) = clean.split_once(' ').unwrap_or((&clean, "00:00:00"));
    let mut d = date.split('-').map(|p| p.parse::<i64>().ok());
    let (y, m, day) = (d.next()??, d.next()??, d.next()??);
    let mut t = time.split([':', '.']).map(|p| p.parse::<i64>().ok().unwrap_or(0));
    let secs = t.next()? * 3600 + t.next().unwrap_or(0) * 60 + t.next().unwrap_or(0);
    Some(Time::from_secs(days_from_civil(y, m, day) * 86_400 + secs))
}

pub fn run(ctx: &mut Ctx<'_>, args: &[String]) -> i32 {
    let long = [("utc", 'u'), ("date", 'd'), ("iso-8601", 'I'), ("rfc-3339", '3'), ("rfc-email", 'R')];
    let Some(o) = super::options::parse_or_tell(ctx, "date", args, "ud:IR3:s:r:", &long) else { return 1 };
    let now = ctx.now();
    let time = match o.value('d') {
        None => now,
        Some(text) => match parse(text, now) {
            Some(t) => t,
            None => {
                ctx.err(&format!("date: invalid date ‘{text}’\n"));
                return 1;
            }
        },
    };
    let pattern = match o.operands.first() {
        Some(p) => match p.strip_prefix('+') {
            Some(p) => p.to_owned(),
            None => {
                ctx.err(&format!("date: invalid date ‘{p}’\n"));
                return 1;
            }
        },
        None if o.has('I') => "%Y-%m-%d".into(),
        None if o.has('R') => "%a, %d %b %Y %H:%M:%S +0000".into(),
        None if o.has('3') => "%Y-%m-%d %H:%M:%S+00:00".into(),
        None => "%a %b %e %H:%M:%S UTC %Y".into(),
    };
    let line = format(time, &pattern);
    ctx.out(&format!("{line}\n"));
    0
}
