//! From words to arguments: braces, tilde, parameters, substitutions, arithmetic, splitting, globs.
//!
//! An expansion that meets a command substitution stops, the command runs, and the expansion starts again with its output
//! known; what it had assigned until then is undone first. So its state between turns is just those outputs.

use super::code::{Code, Param, ParamOp, Part, Subscript, Word};
use super::pattern::{self, Ch};
use super::vars::Var;
use super::{Shell, arith};
use crate::process::Ctx;
use std::sync::Arc;

/// Why an expansion did not finish.
pub(super) enum Stop {
    /// Run this and come back.
    Substitute(Arc<Code>),
    /// The message; the command is not run.
    Error(String),
    /// The message; a script ends.
    Fatal(String),
}

type Result<T> = core::result::Result<T, Stop>;

#[derive(Default)]
struct Fields {
    done: Vec<Vec<Ch>>,
    current: Vec<Ch>,
    /// Whether a field is there even if it is empty (`""`).
    open: bool,
    after_blank: bool,
    split: bool,
}

impl Fields {
    fn finish(&mut self) {
        if self.open || !self.current.is_empty() {
            self.done.push(core::mem::take(&mut self.current));
        }
        self.open = false;
    }

    fn push(&mut self, text: &str, quoted: bool) {
        self.after_blank = false;
        self.current.extend(text.chars().map(|c| (c, quoted)));
    }
}

enum Found {
    None,
    One(String),
    /// `$@` (false) or `$*` (true).
    Many(Vec<String>, bool),
}

const FIELDS_MAX: usize = 100_000;

impl Shell {
    /// Arguments of a command.
    pub(super) fn expand_words(&mut self, ctx: &mut Ctx<'_>, words: &[Word]) -> Result<Vec<String>> {
        let mut out = Vec::new();
        for word in words {
            let mut variants = Vec::new();
            braces(word, &mut variants, 0);
            for word in &variants {
                let mut fields = Fields { split: true, ..Fields::default() };
                self.expand_into(ctx, word, &mut fields)?;
                for field in fields.done {
                    self.glob_into(ctx, &field, &mut out);
                }
                if out.len() > FIELDS_MAX {
                    return Err(Stop::Error("Argument list too long".into()));
                }
            }
        }
        Ok(out)
    }

    fn glob_into(&mut self, ctx: &mut Ctx<'_>, field: &[Ch], out: &mut Vec<String>) {
        if !self.options.noglob && pattern::is_pattern(field) {
            let found = pattern::glob(ctx.machine, &ctx.cred(), &ctx.cwd(), field);
            if !found.is_empty() || self.options.nullglob {
                out.extend(found);
                return;
            }
        }
        out.push(pattern::text(field));
    }

    /// One string, neither split nor globbed.
    pub(super) fn expand_one(&mut self, ctx: &mut Ctx<'_>, word: &[Part]) -> Result<String> {
        self.expand_pattern(ctx, word).map(|chars| pattern::text(&chars))
    }

    /// One string that remembers what was quoted.
    pub(super) fn expand_pattern(&mut self, ctx: &mut Ctx<'_>, word: &[Part]) -> Result<Vec<Ch>> {
        let mut fields = Fields::default();
        self.expand_into(ctx, word, &mut fields)?;
        let mut out = Vec::new();
        for (i, field) in fields.done.into_iter().enumerate() {
            if i > 0 {
                out.push((' ', false));
            }
            out.extend(field);
        }
        Ok(out)
    }

    fn expand_into(&mut self, ctx: &mut Ctx<'_>, word: &[Part], fields: &mut Fields) -> Result<()> {
        for (i, part) in word.iter().enumerate() {
            match part {
                Part::Lit(text) if i == 0 && text.starts_with('~') => {
                    let rest = self.tilde(ctx, text, word.len() == 1, fields);
                    fields.push(&rest, false);
                }
                part => self.expand_part(ctx, part, false, fields)?,
            }
        }
        fields.finish();
        Ok(())
    }

    /// Pushes the home that `~` means and gives back what follows it.
    fn tilde(&mut self, ctx: &mut Ctx<'_>, text: &str, whole: bool, fields: &mut Fields) -> String {
        let (user, rest) = text[1..].split_once('/').map_or((&text[1..], ""), |(u, _)| (u, &text[u.len() + 1..]));
        if !whole && rest.is_empty() && !text.contains('/') {
            return text.to_owned();
        }
        let home = match user {
            "" => self.get(ctx, "HOME"),
            "+" => Some(ctx.cwd()),
            user => crate::coreutils::users::by_name(ctx.machine, user).map(|u| u.home),
        };
        match home {
            Some(home) => {
                fields.push(&home, true);
                fields.open = true;
                rest.to_owned()
            }
            None => text.to_owned(),
        }
    }

    fn expand_part(&mut self, ctx: &mut Ctx<'_>, part: &Part, quoted: bool, fields: &mut Fields) -> Result<()> {
        match part {
            Part::Lit(text) => fields.push(text, quoted),
            Part::Quoted(text) => {
                fields.open = true;
                fields.push(text, true);
            }
            Part::Double(parts) => {
                let only_params = match parts.as_slice() {
                    [Part::Param(p)] => {
                        (p.name == "@" || p.subscript == Subscript::At) && !matches!(p.op, ParamOp::Length)
                    }
                    _ => false,
                };
                fields.open |= !only_params;
                for part in parts {
                    self.expand_part(ctx, part, true, fields)?;
                }
            }
            Part::Subst(code) => {
                let Some(text) = self.substituted.get(self.substituted_next).cloned() else {
                    return Err(Stop::Substitute(code.clone()));
                };
                self.substituted_next += 1;
                self.push_value(&text, quoted, fields);
            }
            Part::Arith(parts) => {
                let text = self.inner_text(ctx, parts)?;
                let value = arith::evaluate(self, ctx, &text).map_err(Stop::Error)?;
                self.push_value(&value.to_string(), quoted, fields);
            }
            Part::Param(param) => self.expand_param(ctx, param, quoted, fields)?,
        }
        Ok(())
    }

    /// Parts as within double quotes, as one string.
    pub(super) fn inner_text(&mut self, ctx: &mut Ctx<'_>, parts: &[Part]) -> Result<String> {
        let mut fields = Fields::default();
        for part in parts {
            self.expand_part(ctx, part, true, &mut fields)?;
        }
        fields.open = true;
        fields.finish();
        Ok(fields.done.iter().map(|f| pattern::text(f)).collect::<Vec<_>>().join(" "))
    }

    /// The value of an expansion: split at `IFS` unless quoted.
    fn push_value(&mut self, text: &str, quoted: bool, fields: &mut Fields) {
        if quoted || !fields.split {
            return fields.push(text, quoted);
        }
        let ifs = self.vars.get("IFS").and_then(Var::scalar).unwrap_or(" \t\n").to_owned();
        for c in text.chars() {
            if !ifs.contains(c) {
                fields.after_blank = false;
                fields.current.push((c, false));
            } else if c.is_whitespace() {
                if fields.open || !fields.current.is_empty() {
                    fields.finish();
                    fields.after_blank = true;
                }
            } else if fields.after_blank {
                fields.after_blank = false;
            } else {
                fields.open = true;
                fields.finish();
            }
        }
    }

    fn push_found(&mut self, found: Found, quoted: bool, fields: &mut Fields) {
        match found {
            Found::None => {}
            Found::One(text) => self.push_value(&text, quoted, fields),
            Found::Many(list, true) if quoted => {
                let ifs = self.vars.get("IFS").and_then(Var::scalar).unwrap_or(" ").chars().next();
                fields.open = true;
                fields.push(&list.join(&ifs.map(String::from).unwrap_or_default()), true);
            }
            Found::Many(list, _) => {
                for (i, item) in list.iter().enumerate() {
                    if i > 0 {
                        fields.open |= quoted;
                    }
                    if i > 0 && fields.split {
                        fields.finish();
                    } else if i > 0 {
                        fields.push(" ", quoted);
                    }
                    fields.open |= quoted;
                    self.push_value(item, quoted, fields);
                }
            }
        }
    }

    fn find_param(&mut self, ctx: &mut Ctx<'_>, param: &Param) -> Result<Found> {
        let name = param.name.as_str();
        let one = |text: Option<String>| text.map_or(Found::None, Found::One);
        match &param.subscript {
            Subscript::At | Subscript::Star => {
                let star = param.subscript == Subscript::Star;
                return Ok(match self.vars.get(name) {
                    Some(var) => Found::Many(var.all(), star),
                    None => Found::Many(Vec::new(), star),
                });
            }
            Subscript::Of(index) => return self.element(ctx, name, index).map(one).map_err(Stop::Error),
            Subscript::None => {}
        }
        Ok(match name {
            "@" => Found::Many(self.params.clone(), false),
            "*" => Found::Many(self.params.clone(), true),
            "#" => Found::One(self.params.len().to_string()),
            "?" => Found::One(self.status.to_string()),
            "$" => Found::One(self.main_pid.unwrap_or(ctx.pid).0.to_string()),
            "!" => one(self.last_background.map(|p| p.0.to_string())),
            "-" => Found::One(self.flags()),
            "0" => Found::One(self.name.clone()),
            "PIPESTATUS" => one(self.pipe_status.first().map(i32::to_string)),
            n if n.starts_with(|c: char| c.is_ascii_digit()) => {
                one(n.parse::<usize>().ok().and_then(|n| self.params.get(n.wrapping_sub(1)).cloned()))
            }
            n if n.starts_with("${") => return Err(Stop::Error(format!("{n}: bad substitution"))),
            n => one(self.get(ctx, n)),
        })
    }

    fn flags(&self) -> String {
        let o = &self.options;
        let mut out = String::new();
        for (on, c) in [(o.errexit, 'e'), (true, 'h'), (self.interactive, 'i'), (o.nounset, 'u'), (o.xtrace, 'x')] {
            if on {
                out.push(c);
            }
        }
        out.push('B');
        out
    }

    fn expand_param(&mut self, ctx: &mut Ctx<'_>, param: &Param, quoted: bool, fields: &mut Fields) -> Result<()> {
        if let ParamOp::Indirect = param.op {
            return self.indirect(ctx, param, quoted, fields);
        }
        let found = self.find_param(ctx, param)?;
        if let ParamOp::Default { op, colon, word } = &param.op {
            return self.with_default(ctx, param, found, (*op, *colon, word), quoted, fields);
        }
        if let (ParamOp::Slice { from, length }, Found::Many(list, star)) = (&param.op, &found) {
            let list = if matches!(param.name.as_str(), "@" | "*") {
                core::iter::once(self.name.clone()).chain(list.iter().cloned()).collect()
            } else {
                list.clone()
            };
            let (a, b) = self.bounds(ctx, from, length.as_ref(), list.len())?;
            self.push_found(Found::Many(list[a..b].to_vec(), *star), quoted, fields);
            return Ok(());
        }
        if let ParamOp::Length = param.op {
            let n = match found {
                Found::None => {
                    self.check_set(param)?;
                    0
                }
                Found::One(_) if matches!(param.name.as_str(), "@" | "*") => self.params.len(),
                Found::One(text) => text.chars().count(),
                Found::Many(list, _) => list.len(),
            };
            self.push_value(&n.to_string(), quoted, fields);
            return Ok(());
        }
        let changed = match found {
            Found::None => {
                self.check_set(param)?;
                Found::None
            }
            Found::One(text) => Found::One(self.transform(ctx, &text, &param.op)?),
            Found::Many(list, star) => {
                let list = list.iter().map(|t| self.transform(ctx, t, &param.op)).collect::<Result<Vec<_>>>()?;
                Found::Many(list, star)
            }
        };
        self.push_found(changed, quoted, fields);
        Ok(())
    }

    fn check_set(&self, param: &Param) -> Result<()> {
        if !self.options.nounset || matches!(param.name.as_str(), "@" | "*") {
            return Ok(());
        }
        let name = match (param.name.as_str(), &param.subscript) {
            (n, Subscript::Of(i)) => format!("{n}[{i}]"),
            (n, _) if n.starts_with(|c: char| c.is_ascii_digit()) => format!("${n}"),
            (n, _) => n.to_owned(),
        };
        let words = if self.kind == crate::machine::ShellKind::Bash { "unbound variable" } else { "parameter not set" };
        Err(Stop::Fatal(format!("{name}: {words}")))
    }

    fn indirect(&mut self, ctx: &mut Ctx<'_>, param: &Param, quoted: bool, fields: &mut Fields) -> Result<()> {
        if param.subscript != Subscript::None {
            let keys = self.vars.get(&param.name).map(Var::keys).unwrap_or_default();
            self.push_found(Found::Many(keys, param.subscript == Subscript::Star), quoted, fields);
            return Ok(());
        }
        let name = match self.get(ctx, &param.name) {
            Some(name) => name,
            None => match self.params.get(param.name.parse::<usize>().unwrap_or(0).wrapping_sub(1)) {
                Some(name) => name.clone(),
                None => return Err(Stop::Error(format!("{}: invalid indirect expansion", param.name))),
            },
        };
        let target = Param { name, subscript: Subscript::None, op: ParamOp::Plain };
        self.expand_param(ctx, &target, quoted, fields)
    }

    fn with_default(
        &mut self,
        ctx: &mut Ctx<'_>,
        param: &Param,
        found: Found,
        (op, colon, word): (char, bool, &Word),
        quoted: bool,
        fields: &mut Fields,
    ) -> Result<()> {
        let missing = match &found {
            Found::None => true,
            Found::One(text) => colon && text.is_empty(),
            Found::Many(list, _) => list.is_empty() || colon && list.iter().all(String::is_empty),
        };
        match (op, missing) {
            ('+', true) => {}
            ('+', false) | ('-', true) => {
                for part in word {
                    self.expand_part(ctx, part, quoted, fields)?;
                }
            }
            ('=', true) => {
                let text = self.inner_text(ctx, word)?;
                self.set(&param.name, text.clone()).map_err(Stop::Error)?;
                self.push_value(&text, quoted, fields);
            }
            ('?', true) => {
                let mut text = self.inner_text(ctx, word)?;
                if text.is_empty() {
                    text = if colon { "parameter null or not set" } else { "parameter not set" }.into();
                }
                return Err(Stop::Fatal(format!("{}: {text}", param.name)));
            }
            _ => self.push_found(found, quoted, fields),
        }
        Ok(())
    }

    fn number(&mut self, ctx: &mut Ctx<'_>, word: &[Part]) -> Result<i64> {
        let text = self.inner_text(ctx, word)?;
        arith::evaluate(self, ctx, &text).map_err(Stop::Error)
    }

    fn bounds(
        &mut self,
        ctx: &mut Ctx<'_>,
        from: &[Part],
        length: Option<&Word>,
        len: usize,
    ) -> Result<(usize, usize)> {
        let len = len as i64;
        let mut a = self.number(ctx, from)?;
        if a < 0 {
            a += len;
        }
        if a < 0 || a > len {
            return Ok((0, 0));
        }
        let b = match length {
            None => len,
            Some(word) => match self.number(ctx, word)? {
                n if n < 0 => len + n,
                n => a.saturating_add(n).min(len),
            },
        };
        if b < a {
            return Err(Stop::Error(format!("{}: substring expression < 0", b - len)));
        }
        Ok((a as usize, b as usize))
    }

    fn transform(&mut self, ctx: &mut Ctx<'_>, text: &str, op: &ParamOp) -> Result<String> {
        let chars: Vec<char> = text.chars().collect();
        let string = |c: &[char]| c.iter().collect::<String>();
        Ok(match op {
            ParamOp::Trim { suffix, longest, pattern } => {
                let pattern = self.expand_pattern(ctx, pattern)?;
                let n = chars.len();
                let cuts: Vec<usize> = if *suffix != *longest { (0..=n).rev().collect() } else { (0..=n).collect() };
                let hit = cuts.into_iter().find(|i| {
                    let piece = if *suffix { &chars[*i..] } else { &chars[..*i] };
                    pattern::matches(&pattern, piece)
                });
                match hit {
                    Some(i) if *suffix => string(&chars[..i]),
                    Some(i) => string(&chars[i..]),
                    None => text.to_owned(),
                }
            }
            ParamOp::Replace { all, anchor, pattern, with } => {
                let pattern = self.expand_pattern(ctx, pattern)?;
                let with = self.expand_one(ctx, with)?;
                replace(&chars, &pattern, &with, *all, *anchor)
            }
            ParamOp::Slice { from, length } => {
                let (a, b) = self.bounds(ctx, from, length.as_ref(), chars.len())?;
                string(&chars[a..b])
            }
            ParamOp::Case { upper, all } => {
                let change = |c: char| -> String {
                    if *upper { c.to_uppercase().collect() } else { c.to_lowercase().collect() }
                };
                chars.iter().enumerate().map(|(i, c)| if *all || i == 0 { change(*c) } else { c.to_string() }).collect()
            }
            _ => text.to_owned(),
        })
    }
}

fn replace(chars: &[char], pattern: &[Ch], with: &str, all: bool, anchor: Option<char>) -> String {
    if pattern.is_empty() {
        return chars.iter().collect();
    }
    let mut out = String::new();
    let mut i = 0;
    let mut done = false;
    while i <= chars.len() {
        let may = !done && (anchor != Some('#') || i == 0);
        let end = (i..=chars.len()).rev().filter(|e| anchor != Some('%') || *e == chars.len());
        let hit = if may { end.into_iter().find(|e| *e > i && pattern::matches(pattern, &chars[i..*e])) } else { None };
        match hit {
            Some(e) => {
                out.push_str(with);
                i = e;
                done = !all;
            }
            None => {
                out.extend(chars.get(i));
                i += 1;
            }
        }
    }
    out
}

const BRACE_WORDS_MAX: usize = 20_000;

/// One unit of a word for brace expansion: an unquoted character, or anything else whole.
#[derive(Clone)]
enum Unit {
    Char(char),
    Other(Part),
}

/// `{a,b}` and `{1..3}`: the words a word stands for.
fn braces(word: &Word, out: &mut Vec<Word>, depth: u32) {
    let has = word.iter().any(|p| matches!(p, Part::Lit(s) if s.contains('{')));
    if !has || depth > 20 {
        out.push(word.clone());
        return;
    }
    let mut units = Vec::new();
    for part in word {
        match part {
            Part::Lit(s) => units.extend(s.chars().map(Unit::Char)),
            other => units.push(Unit::Other(other.clone())),
        }
    }
    expand_units(
        &units,
        &mut |units| {
            if out.len() < BRACE_WORDS_MAX {
                out.push(to_word(units));
            }
        },
        depth,
    );
}

fn to_word(units: &[Unit]) -> Word {
    let mut word = Word::new();
    for unit in units {
        match unit {
            Unit::Char(c) => match word.last_mut() {
                Some(Part::Lit(s)) => s.push(*c),
                _ => word.push(Part::Lit((*c).into())),
            },
            Unit::Other(part) => word.push(part.clone()),
        }
    }
    word
}

fn expand_units(units: &[Unit], emit: &mut dyn FnMut(&[Unit]), depth: u32) {
    let char_at = |i: usize| match units.get(i) {
        Some(Unit::Char(c)) => Some(*c),
        _ => None,
    };
    if depth <= 20 {
        for open in (0..units.len()).filter(|i| char_at(*i) == Some('{')) {
            let Some((close, commas)) = matching(units, open) else { continue };
            let inner = &units[open + 1..close];
            let choices: Vec<Vec<Unit>> = if commas.is_empty() {
                match range(inner) {
                    Some(words) => words.into_iter().map(|w| w.chars().map(Unit::Char).collect()).collect(),
                    None => continue,
                }
            } else {
                let mut cuts = vec![open];
                cuts.extend(commas);
                cuts.push(close);
                let mut all = Vec::new();
                for pair in cuts.windows(2) {
                    expand_units(&units[pair[0] + 1..pair[1]], &mut |u| all.push(u.to_vec()), depth + 1);
                }
                all
            };
            let mut tails = Vec::new();
            expand_units(&units[close + 1..], &mut |u| tails.push(u.to_vec()), depth + 1);
            for choice in choices {
                for tail in &tails {
                    emit(&[&units[..open], &choice, tail].concat());
                }
            }
            return;
        }
    }
    emit(units);
}

/// The closing brace for the one at `open`, and the commas between at its level.
fn matching(units: &[Unit], open: usize) -> Option<(usize, Vec<usize>)> {
    let (mut depth, mut commas) = (0, Vec::new());
    for (i, unit) in units.iter().enumerate().skip(open) {
        match unit {
            Unit::Char('{') => depth += 1,
            Unit::Char('}') => {
                depth -= 1;
                if depth == 0 {
                    return Some((i, commas));
                }
            }
            Unit::Char(',') if depth == 1 => commas.push(i),
            _ => {}
        }
    }
    None
}

/// `1..5`, `01..10`, `a..e`, `1..9..2`.
fn range(units: &[Unit]) -> Option<Vec<String>> {
    let text: String =
        units.iter().map(|u| if let Unit::Char(c) = u { Some(*c) } else { None }).collect::<Option<_>>()?;
    let parts: Vec<&str> = text.split("..").collect();
    let [a, b, rest @ ..] = parts.as_slice() else { return None };
    let (a, b, step) = (*a, *b, rest.first());
    let step: i64 = match step {
        Some(s) => s.parse::<i64>().ok()?.abs().max(1),
        None => 1,
    };
    let letters = |s: &str| s.chars().next().filter(|c| s.len() == 1 && c.is_ascii_alphabetic());
    let (from, to, width, is_letter) = match (a.parse::<i64>(), b.parse::<i64>(), letters(a), letters(b)) {
        (Ok(x), Ok(y), ..) => {
            let padded = |s: &str| s.trim_start_matches('-').len() > 1 && s.trim_start_matches('-').starts_with('0');
            let width = if padded(a) || padded(b) { a.len().max(b.len()) } else { 0 };
            (x, y, width, false)
        }
        (_, _, Some(x), Some(y)) => (x as i64, y as i64, 0, true),
        _ => return None,
    };
    let count = ((to - from).abs() / step).min(BRACE_WORDS_MAX as i64);
    let sign = if to < from { -step } else { step };
    Some(
        (0..=count)
            .map(|i| {
                let n = from + i * sign;
                if is_letter { char::from(n as u8).to_string() } else { format!("{n:0width$}") }
            })
            .collect(),
    )
}
