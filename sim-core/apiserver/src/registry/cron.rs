//! Whether a text is a schedule, in the words of the library that upstream reads it with.
//!
//! Models: robfig/cron `ParseStandard`, as far as its errors go. When a schedule is due is the controller's business.

/// Name, lowest and highest value, and the names that stand for numbers.
const FIELDS: [(u32, u32, &[&str]); 5] = [
    (0, 59, &[]),
    (0, 23, &[]),
    (1, 31, &[]),
    (1, 12, &["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"]),
    (0, 6, &["sun", "mon", "tue", "wed", "thu", "fri", "sat"]),
];

pub fn check(schedule: &str) -> Result<(), String> {
    if let Some(descriptor) = schedule.strip_prefix('@') {
        return match descriptor {
            "yearly" | "annually" | "monthly" | "weekly" | "daily" | "midnight" | "hourly" => Ok(()),
            _ => match descriptor.strip_prefix("every ") {
                Some(span) => apimachinery::duration::parse(span)
                    .map(drop)
                    .map_err(|why| format!("failed to parse duration {schedule}: {why}")),
                None => Err(format!("unrecognized descriptor: {schedule}")),
            },
        };
    }
    let fields: Vec<&str> = schedule.split_whitespace().collect();
    if fields.len() != FIELDS.len() {
        let found = fields.len();
        return Err(format!("expected exactly 5 fields, found {found}: [{}]", fields.join(" ")));
    }
    for (field, (low, high, names)) in fields.iter().zip(FIELDS) {
        for range in field.split(',') {
            check_range(range, low, high, names)?;
        }
    }
    Ok(())
}

fn check_range(range: &str, low: u32, high: u32, names: &[&str]) -> Result<(), String> {
    let parts: Vec<&str> = range.split('/').collect();
    let (bounds, step) = match parts.as_slice() {
        [bounds] => (*bounds, None),
        [bounds, step] => (*bounds, Some(*step)),
        _ => return Err(format!("too many slashes: {range}")),
    };
    let (start, end) = match bounds.split('-').collect::<Vec<_>>().as_slice() {
        ["*" | "?"] => (low, high),
        [one] => {
            let start = number(one, low, names)?;
            (start, if step.is_some() { high } else { start })
        }
        [first, last] => (number(first, low, names)?, number(last, low, names)?),
        _ => return Err(format!("too many hyphens: {range}")),
    };
    if let Some(step) = step
        && number(step, 0, &[])? == 0
    {
        return Err(format!("step of range should be a positive number: {range}"));
    }
    if start < low {
        return Err(format!("beginning of range ({start}) below minimum ({low}): {range}"));
    }
    if end > high {
        return Err(format!("end of range ({end}) above maximum ({high}): {range}"));
    }
    if start > end {
        return Err(format!("beginning of range ({start}) beyond end of range ({end}): {range}"));
    }
    Ok(())
}

fn number(text: &str, first: u32, names: &[&str]) -> Result<u32, String> {
    if let Some(i) = names.iter().position(|n| text.eq_ignore_ascii_case(n)) {
        return Ok(first + u32::try_from(i).unwrap_or(0));
    }
    match text.parse::<i64>() {
        Ok(n) if n < 0 => Err(format!("negative number ({n}) not allowed: {text}")),
        Ok(n) => Ok(u32::try_from(n).unwrap_or(u32::MAX)),
        Err(_) => Err(format!(
            "failed to parse int from {text}: strconv.Atoi: parsing {}: invalid syntax",
            apimachinery::field::quote(text)
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::check;

    #[test]
    fn schedules() {
        for good in ["*/1 * * * *", "0 0 1 jan sun", "@hourly", "@every 1h", "1-5,7 2 * * 1-5", "5/15 * * * *"] {
            assert_eq!(check(good), Ok(()), "{good}");
        }
        for (bad, why) in [
            ("every day", "expected exactly 5 fields, found 2: [every day]"),
            ("60 * * * *", "end of range (60) above maximum (59): 60"),
            ("* * 0 * *", "beginning of range (0) below minimum (1): 0"),
            ("a * * * *", "failed to parse int from a: strconv.Atoi: parsing \"a\": invalid syntax"),
            ("@never", "unrecognized descriptor: @never"),
        ] {
            assert_eq!(check(bad), Err(why.to_owned()));
        }
    }
}
