//! Go's `fmt.Sprintf`, `Sprint` and `Sprintln` over JSON values.

use crate::field::quote;
use crate::json::{format_float_g, go_display, go_syntax, go_type};
use serde_json::Value;

/// Wider or more precise than this is cut: a template cannot ask for gigabytes.
const WIDTH_MAX: usize = 10_000;

/// With spaces between operands where neither is a string.
pub(super) fn print(values: &[Value]) -> String {
    let mut out = String::new();
    for (i, value) in values.iter().enumerate() {
        if i > 0 && !value.is_string() && !values[i - 1].is_string() {
            out.push(' ');
        }
        out.push_str(&go_display(value));
    }
    out
}

/// With spaces between all operands, and a line break.
pub(super) fn println(values: &[Value]) -> String {
    let shown: Vec<String> = values.iter().map(go_display).collect();
    shown.join(" ") + "\n"
}

/// What stands between `%` and the verb.
#[derive(Default)]
struct Flags {
    minus: bool,
    plus: bool,
    sharp: bool,
    space: bool,
    zero: bool,
    width: usize,
    precision: Option<usize>,
}

pub(super) fn printf(format: &str, values: &[Value]) -> String {
    let mut out = String::new();
    let mut next = 0;
    let mut chars = format.chars().peekable();
    while let Some(c) = chars.next() {
        if c != '%' {
            out.push(c);
            continue;
        }
        let mut flags = Flags::default();
        while let Some(flag) = chars.next_if(|c| matches!(c, '-' | '+' | '#' | ' ' | '0')) {
            match flag {
                '-' => flags.minus = true,
                '+' => flags.plus = true,
                '#' => flags.sharp = true,
                ' ' => flags.space = true,
                _ => flags.zero = true,
            }
        }
        let mut number = || {
            let mut n = None;
            while let Some(digit) = chars.next_if(char::is_ascii_digit) {
                n = Some((n.unwrap_or(0) * 10 + digit as usize - '0' as usize).min(WIDTH_MAX));
            }
            n
        };
        flags.width = number().unwrap_or(0);
        if chars.next_if_eq(&'.').is_some() {
            let mut n = 0;
            while let Some(digit) = chars.next_if(char::is_ascii_digit) {
                n = (n * 10 + digit as usize - '0' as usize).min(WIDTH_MAX);
            }
            flags.precision = Some(n);
        }
        match chars.next() {
            None => out.push_str("%!(NOVERB)"),
            Some('%') => out.push('%'),
            Some(verb) => match values.get(next) {
                None => out.push_str(&format!("%!{verb}(MISSING)")),
                Some(value) => {
                    next += 1;
                    pad(&mut out, &shown(value, verb, &flags), &flags);
                }
            },
        }
    }
    if next < values.len() {
        let extra: Vec<String> = values[next..].iter().map(typed).collect();
        out.push_str(&format!("%!(EXTRA {})", extra.join(", ")));
    }
    out
}

/// `string=abc`.
fn typed(value: &Value) -> String {
    if value.is_null() { "<nil>".to_owned() } else { format!("{}={}", go_type(value), go_display(value)) }
}

fn pad(out: &mut String, text: &str, flags: &Flags) {
    let missing = flags.width.saturating_sub(text.chars().count());
    if flags.minus {
        out.push_str(text);
        out.extend(core::iter::repeat_n(' ', missing));
    } else if flags.zero {
        let sign = usize::from(text.starts_with(['-', '+']));
        out.push_str(&text[..sign]);
        out.extend(core::iter::repeat_n('0', missing));
        out.push_str(&text[sign..]);
    } else {
        out.extend(core::iter::repeat_n(' ', missing));
        out.push_str(text);
    }
}

fn shown(value: &Value, verb: char, flags: &Flags) -> String {
    let bad = || format!("%!{verb}({})", typed(value));
    match (verb, value) {
        ('v', value) if flags.sharp => go_syntax(value),
        ('T', value) => go_type(value).to_owned(),
        (_, Value::Null) if verb == 'v' => "<nil>".to_owned(),
        (_, Value::Null) => format!("%!{verb}(<nil>)"),
        ('v' | 't', Value::Bool(b)) => b.to_string(),
        ('v', Value::Array(_) | Value::Object(_)) => go_display(value),
        // A verb reaches into lists and maps.
        (_, Value::Array(items)) => {
            let items: Vec<String> = items.iter().map(|item| shown(item, verb, flags)).collect();
            format!("[{}]", items.join(" "))
        }
        (_, Value::Object(map)) => {
            let key = |k: &str| shown(&k.into(), verb, flags);
            let pairs: Vec<String> = map.iter().map(|(k, v)| format!("{}:{}", key(k), shown(v, verb, flags))).collect();
            format!("map[{}]", pairs.join(" "))
        }
        (_, Value::String(text)) => text_verb(text, verb, flags).unwrap_or_else(bad),
        (_, Value::Number(n)) => match n.as_i64() {
            Some(n) => int_verb(n, verb, flags).unwrap_or_else(bad),
            None => float_verb(n.as_f64().unwrap_or(0.0), verb, flags).unwrap_or_else(bad),
        },
        (_, Value::Bool(_)) => bad(),
    }
}

fn text_verb(text: &str, verb: char, flags: &Flags) -> Option<String> {
    let cut: String = text.chars().take(flags.precision.unwrap_or(usize::MAX)).collect();
    Some(match verb {
        'v' | 's' => cut,
        'q' => quote(&cut),
        'x' => cut.bytes().map(|b| format!("{b:02x}")).collect(),
        'X' => cut.bytes().map(|b| format!("{b:02X}")).collect(),
        _ => return None,
    })
}

fn int_verb(n: i64, verb: char, flags: &Flags) -> Option<String> {
    let sign = match n {
        ..0 => "-",
        _ if flags.plus => "+",
        _ if flags.space => " ",
        _ => "",
    };
    let magnitude = n.unsigned_abs();
    let (prefix, digits) = match verb {
        'v' | 'd' => ("", magnitude.to_string()),
        'x' => ("0x", format!("{magnitude:x}")),
        'X' => ("0X", format!("{magnitude:X}")),
        'o' => ("0", format!("{magnitude:o}")),
        'b' => ("0b", format!("{magnitude:b}")),
        'U' => return Some(format!("U+{magnitude:04X}")),
        'c' | 'q' => {
            let c = u32::try_from(n).ok().and_then(char::from_u32).unwrap_or(char::REPLACEMENT_CHARACTER);
            return Some(if verb == 'c' { c.to_string() } else { format!("'{c}'") });
        }
        _ => return None,
    };
    Some(format!("{sign}{}{digits}", if flags.sharp { prefix } else { "" }))
}

fn float_verb(f: f64, verb: char, flags: &Flags) -> Option<String> {
    let sign = if flags.plus && f >= 0.0 { "+" } else { "" };
    let text = match verb {
        'v' | 'g' => format_float_g(f, false),
        'f' | 'F' => format!("{f:.*}", flags.precision.unwrap_or(6)),
        'e' => {
            let text = format!("{f:.*e}", flags.precision.unwrap_or(6));
            let (mantissa, exponent) = text.split_once('e').unwrap_or((&text, "0"));
            let exponent: i32 = exponent.parse().unwrap_or(0);
            format!("{mantissa}e{}{:02}", if exponent < 0 { '-' } else { '+' }, exponent.abs())
        }
        _ => return None,
    };
    Some(format!("{sign}{text}"))
}
