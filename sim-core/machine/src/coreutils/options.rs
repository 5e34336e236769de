//! Options as getopt reads them: clustered letters, values joined or apart, long names, `--`.

use crate::machine::Tools;
use crate::process::Ctx;

/// What the arguments of a tool say.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// Letters in order, with values.
    given: Vec<(char, String)>,
    pub operands: Vec<String>,
}

impl Options {
    pub fn has(&self, c: char) -> bool {
        self.given.iter().any(|g| g.0 == c)
    }

    /// The last value of an option.
    pub fn value(&self, c: char) -> Option<&str> {
        self.given.iter().rev().find(|g| g.0 == c).map(|g| g.1.as_str())
    }

    pub fn values(&self, c: char) -> impl Iterator<Item = &str> {
        self.given.iter().filter(move |g| g.0 == c).map(|g| g.1.as_str())
    }

    /// Of these letters the one given last.
    pub fn last_of(&self, letters: &str) -> Option<char> {
        self.given.iter().rev().map(|g| g.0).find(|c| letters.contains(*c))
    }
}

/// Reads `args` by a `spec` like getopt's (`n:` takes a value) and long names (`lines=n`). An error is the message to print.
pub fn parse(args: &[String], spec: &str, long: &[(&str, char)]) -> Result<Options, String> {
    let mut out = Options::default();
    let takes = |c: char| spec.find(c).map(|i| spec[i + c.len_utf8()..].starts_with(':'));
    let mut rest = args.iter();
    while let Some(arg) = rest.next() {
        if arg == "--" {
            out.operands.extend(rest.cloned());
            break;
        }
        if let Some(name) = arg.strip_prefix("--") {
            let (name, value) = name.split_once('=').map_or((name, None), |(n, v)| (n, Some(v.to_owned())));
            let Some((_, c)) = long.iter().find(|(n, _)| *n == name) else {
                return Err(format!("unrecognized option '--{name}'"));
            };
            let value = match (takes(*c), value) {
                (_, Some(value)) => value,
                (Some(true), None) => match rest.next() {
                    Some(v) => v.clone(),
                    None => return Err(format!("option '--{name}' requires an argument")),
                },
                _ => String::new(),
            };
            out.given.push((*c, value));
            continue;
        }
        let Some(letters) = arg.strip_prefix('-').filter(|l| !l.is_empty()) else {
            out.operands.push(arg.clone());
            continue;
        };
        for (i, c) in letters.char_indices() {
            match takes(c) {
                Some(false) => out.given.push((c, String::new())),
                Some(true) => {
                    let joined = &letters[i + c.len_utf8()..];
                    let value = if joined.is_empty() { rest.next().cloned() } else { Some(joined.to_owned()) };
                    let Some(value) = value else { return Err(format!("option requires an argument -- '{c}'")) };
                    out.given.push((c, value));
                    break;
                }
                None => return Err(format!("invalid option -- '{c}'")),
            }
        }
    }
    Ok(out)
}

/// Like [`parse`], telling the learner what is wrong in the tool's words; `None` when it did.
pub fn parse_or_tell(
    ctx: &mut Ctx<'_>,
    tool: &str,
    args: &[String],
    spec: &str,
    long: &[(&str, char)],
) -> Option<Options> {
    match parse(args, spec, long) {
        Ok(o) => Some(o),
        Err(message) => {
            match ctx.machine.personality.tools {
                Tools::Gnu => ctx.err(&format!("{tool}: {message}\nTry '{tool} --help' for more information.\n")),
                Tools::Busybox => {
                    let message = message.replace("invalid option -- ", "unrecognized option: ").replace('\'', "");
                    ctx.err(&format!("{tool}: {message}\nBusyBox v1.37.0 multi-call binary.\n"));
                }
            }
            None
        }
    }
}

/// `10`, `4K`, `2M`.
pub fn size(text: &str) -> Option<u64> {
    let digits = text.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    let n: u64 = digits.parse().ok()?;
    let unit = match text[digits.len()..].chars().next() {
        None => 1,
        Some('b') => 512,
        Some('k' | 'K') => 1 << 10,
        Some('M') => 1 << 20,
        Some('G') => 1 << 30,
        Some(_) => return None,
    };
    n.checked_mul(unit)
}

/// Bytes as people read them: `4.0K`, `12M`.
pub fn human(bytes: u64) -> String {
    if bytes < 1024 {
        return bytes.to_string();
    }
    let mut value = bytes as f64;
    let mut unit = 0;
    while value >= 1024.0 && unit < 5 {
        value /= 1024.0;
        unit += 1;
    }
    let letter = ["", "K", "M", "G", "T", "P"][unit];
    if value < 9.95 {
        format!("{:.1}{letter}", (value * 10.0).ceil() / 10.0)
    } else {
        format!("{:.0}{letter}", value.ceil())
    }
}
