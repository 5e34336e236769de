//! `printf`: the format is used again as long as arguments are left.

use super::escapes::unescape;

const ROUNDS_MAX: usize = 100_000;

/// (output, error messages, whether `\c` ended it).
pub fn format(format: &str, args: &[String]) -> (Vec<u8>, Vec<String>, bool) {
    let mut out = Vec::new();
    let mut errors = Vec::new();
    let mut next = 0;
    for _ in 0..ROUNDS_MAX {
        let before = next;
        if once(format, args, &mut next, &mut out, &mut errors) {
            return (out, errors, true);
        }
        if next >= args.len() || next == before {
            break;
        }
    }
    (out, errors, false)
}

fn once(format: &str, args: &[String], next: &mut usize, out: &mut Vec<u8>, errors: &mut Vec<String>) -> bool {
    let mut literal = String::new();
    let mut chars = format.chars().peekable();
    while let Some(c) = chars.next() {
        if c != '%' {
            literal.push(c);
            if c == '\\' {
                literal.extend(chars.next());
            }
            continue;
        }
        if chars.peek() == Some(&'%') {
            chars.next();
            literal.push('%');
            continue;
        }
        let (bytes, cut) = unescape(&literal, false);
        out.extend(bytes);
        literal.clear();
        if cut {
            return true;
        }
        let mut take = || {
            let arg = args.get(*next).cloned();
            *next += 1;
            arg
        };
        let mut spec = Spec::default();
        while let Some(c) = chars.peek().copied().filter(|c| "-+ 0#".contains(*c)) {
            spec.flags.push(c);
            chars.next();
        }
        let number = |chars: &mut core::iter::Peekable<core::str::Chars<'_>>,
                      take: &mut dyn FnMut() -> Option<String>| {
            if chars.peek() == Some(&'*') {
                chars.next();
                return take().and_then(|a| a.parse::<usize>().ok());
            }
            let mut n = None;
            while let Some(d) = chars.peek().and_then(|c| c.to_digit(10)) {
                n = Some(n.unwrap_or(0usize).saturating_mul(10).saturating_add(d as usize).min(4096));
                chars.next();
            }
            n
        };
        spec.width = number(&mut chars, &mut take).unwrap_or(0);
        if chars.peek() == Some(&'.') {
            chars.next();
            spec.precision = Some(number(&mut chars, &mut take).unwrap_or(0));
        }
        while chars.peek().is_some_and(|c| "lhLqjzt".contains(*c)) && chars.peek() != Some(&'q') {
            chars.next();
        }
        let Some(kind) = chars.next() else {
            errors.push("`%': missing format character".into());
            return false;
        };
        if !"sbcdiouxXeEfFgGq".contains(kind) {
            errors.push(format!("`{kind}': invalid format character"));
            return true;
        }
        let given = take();
        let arg = given.clone().unwrap_or_default();
        if kind == 'b' {
            let (bytes, cut) = unescape(&arg, true);
            out.extend(bytes);
            if cut {
                return true;
            }
            continue;
        }
        out.extend(spec.render(kind, &arg, given.is_some(), errors).into_bytes());
    }
    let (bytes, cut) = unescape(&literal, false);
    out.extend(bytes);
    cut
}

#[derive(Default)]
struct Spec {
    flags: String,
    width: usize,
    precision: Option<usize>,
}

impl Spec {
    fn render(&self, kind: char, arg: &str, given: bool, errors: &mut Vec<String>) -> String {
        let text = match kind {
            's' => arg.chars().take(self.precision.unwrap_or(usize::MAX)).collect(),
            'q' => arg
                .chars()
                .map(|c| if c.is_alphanumeric() || "_-./:=@%+,".contains(c) { c.to_string() } else { format!("\\{c}") })
                .collect(),
            'c' => arg.chars().take(1).collect(),
            'd' | 'i' | 'o' | 'u' | 'x' | 'X' => {
                let n = integer(arg, given, errors);
                let digits = match kind {
                    'o' => format!("{n:o}"),
                    'x' => format!("{n:x}"),
                    'X' => format!("{n:X}"),
                    'u' => format!("{}", n as u64),
                    _ => n.unsigned_abs().to_string(),
                };
                let width = self.precision.unwrap_or(0);
                let mut text = format!("{digits:0>width$}");
                if self.flags.contains('#') && matches!(kind, 'x' | 'X') {
                    text.insert_str(0, if kind == 'x' { "0x" } else { "0X" });
                }
                self.signed(n < 0 && matches!(kind, 'd' | 'i'), text)
            }
            _ => {
                let v: f64 = arg.trim().parse().unwrap_or_else(|_| {
                    if given && !arg.is_empty() {
                        errors.push(format!("{arg}: invalid number"));
                    }
                    0.0
                });
                let p = self.precision.unwrap_or(6);
                let a = v.abs();
                let text = match kind {
                    'e' | 'E' => exponent(a, p),
                    'g' | 'G' => general(a, p),
                    _ => format!("{a:.p$}"),
                };
                self.signed(v.is_sign_negative(), text)
            }
        };
        let missing = self.width.saturating_sub(text.chars().count());
        let pad = |c: char| core::iter::repeat_n(c, missing).collect::<String>();
        if self.flags.contains('-') {
            text + &pad(' ')
        } else if self.flags.contains('0')
            && !matches!(kind, 's' | 'c')
            && self.precision.is_none_or(|_| "eEfFgG".contains(kind))
        {
            let (sign, digits) = text.split_at(usize::from(text.starts_with(['-', '+', ' '])));
            format!("{sign}{}{digits}", pad('0'))
        } else {
            pad(' ') + &text
        }
    }

    fn signed(&self, negative: bool, text: String) -> String {
        let sign = match negative {
            true => "-",
            false if self.flags.contains('+') => "+",
            false if self.flags.contains(' ') => " ",
            false => "",
        };
        format!("{sign}{text}")
    }
}

fn integer(arg: &str, given: bool, errors: &mut Vec<String>) -> i64 {
    let text = arg.trim_start();
    if let Some(c) = text.strip_prefix(['\'', '"']).and_then(|t| t.chars().next()) {
        return c as i64;
    }
    let (negative, digits) =
        text.strip_prefix('-').map_or((false, text.strip_prefix('+').unwrap_or(text)), |d| (true, d));
    let (digits, radix) = match digits.strip_prefix("0x").or_else(|| digits.strip_prefix("0X")) {
        Some(hex) => (hex, 16),
        None if digits.len() > 1 && digits.starts_with('0') => (&digits[1..], 8),
        None => (digits, 10),
    };
    let end = digits.find(|c: char| !c.is_digit(radix)).unwrap_or(digits.len());
    if end < digits.len() || digits.is_empty() && given && !arg.is_empty() {
        errors.push(format!("{arg}: invalid number"));
    }
    let n = i64::from_str_radix(&digits[..end], radix).unwrap_or(0);
    if negative { -n } else { n }
}

pub fn exponent(v: f64, precision: usize) -> String {
    let text = format!("{v:.precision$e}");
    match text.split_once('e') {
        Some((m, e)) => {
            let e: i32 = e.parse().unwrap_or(0);
            format!("{m}e{}{:02}", if e < 0 { '-' } else { '+' }, e.abs())
        }
        None => text,
    }
}

/// `%g`.
pub fn general(v: f64, precision: usize) -> String {
    let p = precision.max(1);
    if v == 0.0 {
        return "0".into();
    }
    let e = format!("{v:.*e}", p - 1).split_once('e').and_then(|(_, e)| e.parse::<i32>().ok()).unwrap_or(0);
    let text = if e < -4 || e >= p as i32 {
        let (m, tail) =
            exponent(v, p - 1).split_once('e').map(|(m, t)| (m.to_owned(), t.to_owned())).unwrap_or_default();
        let m = if m.contains('.') { m.trim_end_matches('0').trim_end_matches('.').to_owned() } else { m };
        return format!("{m}e{tail}");
    } else {
        format!("{v:.*}", (p as i32 - 1 - e).max(0) as usize)
    };
    if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.').to_owned() } else { text }
}

/// The program of that name.
pub fn run(ctx: &mut crate::process::Ctx<'_>, args: &[String]) -> i32 {
    let Some((text, rest)) = args.split_first() else {
        ctx.err("printf: missing operand\nTry 'printf --help' for more information.\n");
        return 1;
    };
    let (bytes, errors, _) = format(text, rest);
    ctx.out_bytes(&bytes);
    errors.iter().for_each(|e| ctx.err(&format!("printf: {e}\n")));
    i32::from(!errors.is_empty())
}
