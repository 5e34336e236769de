//! `test`, `[` and `[[`.

use super::code::Cond;
use super::expand::Stop;
use super::{Shell, arith, pattern};
use crate::fs::Kind;
use crate::process::Ctx;
use crate::regex::{Regex, Syntax};
use apimachinery::order::Gather as _;

/// Whether a file test holds; none for an unknown operator.
fn file_test(ctx: &mut Ctx<'_>, op: &str, path: &str) -> Option<bool> {
    let (cred, full) = (ctx.cred(), ctx.full(path));
    let fs = &ctx.machine.fs;
    let stat = if path.is_empty() { Err(crate::fs::FsError::NotFound) } else { fs.stat(&cred, &full) };
    Some(match op {
        "-e" | "-a" => stat.is_ok(),
        "-f" => stat.is_ok_and(|s| s.kind == Kind::File),
        "-d" => stat.is_ok_and(|s| s.is_dir()),
        "-s" => stat.is_ok_and(|s| s.size > 0),
        "-c" => stat.is_ok_and(|s| s.kind == Kind::Device),
        "-b" | "-p" | "-S" | "-u" | "-g" => false,
        "-k" => stat.is_ok_and(|s| s.meta.mode & 0o1000 != 0),
        "-h" | "-L" => fs.lstat(&cred, &full).is_ok_and(|s| s.kind == Kind::Link),
        "-r" => fs.access(&cred, &full, 4).is_ok(),
        "-w" => fs.access(&cred, &full, 2).is_ok(),
        "-x" => fs.access(&cred, &full, 1).is_ok(),
        "-O" => stat.is_ok_and(|s| s.meta.uid == cred.uid),
        "-t" => {
            let fd = path.parse().unwrap_or(99);
            ctx.machine.fd_tty(ctx.pid, fd).is_some()
        }
        _ => return None,
    })
}

fn newer(ctx: &mut Ctx<'_>, a: &str, b: &str) -> bool {
    let cred = ctx.cred();
    let time = |p: &str| ctx.machine.fs.stat(&cred, &ctx.full(p)).ok().map(|s| s.meta.mtime);
    match (time(a), time(b)) {
        (Some(a), Some(b)) => a > b,
        (Some(_), None) => true,
        _ => false,
    }
}

fn integer(text: &str) -> Result<i64, String> {
    text.trim().parse().map_err(|_| format!("{text}: integer expression expected"))
}

fn compare(op: &str, a: i64, b: i64) -> Option<bool> {
    Some(match op {
        "-eq" => a == b,
        "-ne" => a != b,
        "-lt" => a < b,
        "-le" => a <= b,
        "-gt" => a > b,
        "-ge" => a >= b,
        _ => return None,
    })
}

fn binary(ctx: &mut Ctx<'_>, a: &str, op: &str, b: &str) -> Result<Option<bool>, String> {
    Ok(Some(match op {
        "=" | "==" => a == b,
        "!=" => a != b,
        "<" => a < b,
        ">" => a > b,
        "-nt" => newer(ctx, a, b),
        "-ot" => newer(ctx, b, a),
        "-ef" => ctx.abs(a) == ctx.abs(b),
        "-eq" | "-ne" | "-lt" | "-le" | "-gt" | "-ge" => compare(op, integer(a)?, integer(b)?).unwrap_or(false),
        _ => return Ok(None),
    }))
}

/// Brackets and negations one inside the other.
const NESTING_MAX: u32 = 100;

struct Test<'a> {
    args: &'a [String],
    at: usize,
    depth: u32,
}

impl Test<'_> {
    fn or(&mut self, ctx: &mut Ctx<'_>) -> Result<bool, String> {
        let mut value = self.and(ctx)?;
        while self.args.get(self.at).is_some_and(|a| a == "-o") {
            self.at += 1;
            value |= self.and(ctx)?;
        }
        Ok(value)
    }

    fn and(&mut self, ctx: &mut Ctx<'_>) -> Result<bool, String> {
        let mut value = self.primary(ctx)?;
        while self.args.get(self.at).is_some_and(|a| a == "-a") {
            self.at += 1;
            value &= self.primary(ctx)?;
        }
        Ok(value)
    }

    fn deeper(&mut self) -> Result<(), String> {
        self.depth += 1;
        if self.depth > NESTING_MAX { Err("nested too deeply".into()) } else { Ok(()) }
    }

    fn primary(&mut self, ctx: &mut Ctx<'_>) -> Result<bool, String> {
        let rest = &self.args[self.at.min(self.args.len())..];
        let Some(first) = rest.first() else { return Err("argument expected".into()) };
        if let [a, op, b, ..] = rest
            && let Some(value) = binary(ctx, a, op, b)?
        {
            self.at += 3;
            return Ok(value);
        }
        if first == "!" && rest.len() > 1 {
            self.at += 1;
            self.deeper()?;
            let value = self.primary(ctx)?;
            self.depth -= 1;
            return Ok(!value);
        }
        if first == "(" && rest.len() > 2 {
            self.at += 1;
            self.deeper()?;
            let value = self.or(ctx)?;
            self.depth -= 1;
            if self.args.get(self.at).map(String::as_str) != Some(")") {
                return Err("`)' expected".into());
            }
            self.at += 1;
            return Ok(value);
        }
        if let [op, operand, ..] = rest
            && op.len() == 2
            && op.starts_with('-')
        {
            let value = match op.as_str() {
                "-z" => Some(operand.is_empty()),
                "-n" => Some(!operand.is_empty()),
                op => file_test(ctx, op, operand),
            };
            if let Some(value) = value {
                self.at += 2;
                return Ok(value);
            }
            if rest.len() == 2 {
                return Err(format!("{op}: unary operator expected"));
            }
        }
        if rest.len() == 3 {
            return Err(format!("{}: binary operator expected", rest[1]));
        }
        self.at += 1;
        Ok(!first.is_empty())
    }
}

/// Runs `test ARGS`: 0 true, 1 false; an error message goes with 2.
pub(crate) fn test(ctx: &mut Ctx<'_>, args: &[String]) -> Result<bool, String> {
    match args {
        [] => return Ok(false),
        [one] => return Ok(!one.is_empty()),
        [not, one] if not == "!" => return Ok(one.is_empty()),
        [op, _] if !op.starts_with('-') || op.len() != 2 => return Err(format!("{op}: unary operator expected")),
        _ => {}
    }
    let mut test = Test { args, at: 0, depth: 0 };
    let value = test.or(ctx)?;
    if test.at < args.len() { Err("too many arguments".into()) } else { Ok(value) }
}

impl Shell {
    /// `[[ … ]]`.
    pub(super) fn condition(&mut self, ctx: &mut Ctx<'_>, cond: &Cond) -> Result<bool, Stop> {
        Ok(match cond {
            Cond::Not(inner) => !self.condition(ctx, inner)?,
            Cond::And(a, b) => self.condition(ctx, a)? && self.condition(ctx, b)?,
            Cond::Or(a, b) => self.condition(ctx, a)? || self.condition(ctx, b)?,
            Cond::Word(word) => !self.expand_one(ctx, word)?.is_empty(),
            Cond::Unary(op, word) => {
                let text = self.expand_one(ctx, word)?;
                match op.as_str() {
                    "-z" => text.is_empty(),
                    "-n" => !text.is_empty(),
                    "-v" => self.vars.get(&text).is_some_and(|v| !v.unset),
                    "-o" => false,
                    op => file_test(ctx, op, &text)
                        .ok_or_else(|| Stop::Error(format!("{op}: unary operator expected")))?,
                }
            }
            Cond::Binary(a, op, b) => {
                let left = self.expand_one(ctx, a)?;
                let right = self.expand_pattern(ctx, b)?;
                match op.as_str() {
                    "==" | "=" => pattern::matches(&right, &left.chars().collect::<Vec<_>>()),
                    "!=" => !pattern::matches(&right, &left.chars().collect::<Vec<_>>()),
                    "=~" => self.regex_match(&left, &right)?,
                    op => {
                        let right = pattern::text(&right);
                        if compare(op, 0, 0).is_some() {
                            let a = arith::evaluate(self, ctx, &left).map_err(Stop::Error)?;
                            let b = arith::evaluate(self, ctx, &right).map_err(Stop::Error)?;
                            compare(op, a, b).unwrap_or(false)
                        } else {
                            binary(ctx, &left, op, &right).map_err(Stop::Error)?.unwrap_or(false)
                        }
                    }
                }
            }
        })
    }

    fn regex_match(&mut self, text: &str, pattern: &[pattern::Ch]) -> Result<bool, Stop> {
        let mut source = String::new();
        for (c, quoted) in pattern {
            if *quoted && "\\.[]{}()*+?^$|".contains(*c) {
                source.push('\\');
            }
            source.push(*c);
        }
        let Ok(re) = Regex::new(&source, Syntax::Extended, false) else {
            return Err(Stop::Error("invalid regular expression".into()));
        };
        let chars: Vec<char> = text.chars().collect();
        let found = re.find(&chars, 0);
        let groups = found
            .iter()
            .flatten()
            .enumerate()
            .map(|(i, g)| (i as u64, g.map(|(a, b)| chars[a..b].iter().collect::<String>()).unwrap_or_default()));
        let var = super::Var { value: super::Value::Array(groups.gather()), ..super::Var::text("") };
        self.vars.insert("BASH_REMATCH".into(), var);
        Ok(found.is_some())
    }
}
