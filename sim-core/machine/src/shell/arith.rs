//! Shell arithmetic: `$((…))`, `((…))`, `let`: 64-bit integers, C's operators, assignments.

use super::Shell;
use crate::process::Ctx;

struct Eval<'s, 'c, 'h> {
    shell: &'s mut Shell,
    ctx: &'c mut Ctx<'h>,
    chars: Vec<char>,
    pos: usize,
    /// Zero while evaluating; above, operands are only read (`0 && x++`).
    skipping: u32,
    depth: u32,
}

type Result = core::result::Result<i64, String>;

const OPERATORS: [(&str, u8); 19] = [
    ("||", 1),
    ("&&", 2),
    ("|", 3),
    ("^", 4),
    ("&", 5),
    ("==", 6),
    ("!=", 6),
    ("<=", 7),
    (">=", 7),
    ("<<", 8),
    (">>", 8),
    ("<", 7),
    (">", 7),
    ("+", 9),
    ("-", 9),
    ("**", 11),
    ("*", 10),
    ("/", 10),
    ("%", 10),
];

/// Evaluates an expression; variables may be set. The error is what bash prints after `((: ` or the like.
pub fn evaluate(shell: &mut Shell, ctx: &mut Ctx<'_>, text: &str) -> Result {
    nested(shell, ctx, text, 0)
}

fn nested(shell: &mut Shell, ctx: &mut Ctx<'_>, text: &str, depth: u32) -> Result {
    if depth > 20 {
        return Err(format!("{text}: expression recursion level exceeded (error token is \"{text}\")"));
    }
    let mut e = Eval { shell, ctx, chars: text.chars().collect(), pos: 0, skipping: 0, depth };
    e.blanks();
    if e.pos == e.chars.len() {
        return Ok(0);
    }
    let value = e.comma()?;
    e.blanks();
    if e.pos < e.chars.len() { Err(e.error("syntax error in expression")) } else { Ok(value) }
}

impl Eval<'_, '_, '_> {
    fn error(&self, what: &str) -> String {
        let all: String = self.chars.iter().collect();
        let token: String = self.chars[self.pos.min(self.chars.len())..].iter().collect();
        let token = if token.is_empty() {
            all.trim_start().chars().last().map(String::from).unwrap_or_default()
        } else {
            token
        };
        format!("{}: {what} (error token is \"{token}\")", all.trim_start())
    }

    fn blanks(&mut self) {
        while self.chars.get(self.pos).is_some_and(|c| c.is_whitespace()) {
            self.pos += 1;
        }
    }

    fn looking_at(&self, text: &str) -> bool {
        text.chars().enumerate().all(|(i, c)| self.chars.get(self.pos + i) == Some(&c))
    }

    fn skip(&mut self, text: &str) -> bool {
        self.blanks();
        let found = self.looking_at(text);
        if found {
            self.pos += text.len();
        }
        found
    }

    fn comma(&mut self) -> Result {
        let mut value = self.ternary()?;
        while self.skip(",") {
            value = self.ternary()?;
        }
        Ok(value)
    }

    fn ternary(&mut self) -> Result {
        self.depth += 1;
        if self.depth > 60 {
            return Err(self.error("expression recursion level exceeded"));
        }
        let cond = self.binary(1)?;
        let mut value = cond;
        if self.skip("?") {
            let yes = self.lazily(cond == 0, Self::comma)?;
            if !self.skip(":") {
                return Err(self.error("`:' expected for conditional expression"));
            }
            let no = self.lazily(cond != 0, Self::ternary)?;
            value = if cond != 0 { yes } else { no };
        }
        self.depth -= 1;
        Ok(value)
    }

    fn lazily(&mut self, skip: bool, f: impl FnOnce(&mut Self) -> Result) -> Result {
        self.skipping += u32::from(skip);
        let value = f(self);
        self.skipping -= u32::from(skip);
        value
    }

    fn operator(&mut self) -> Option<(&'static str, u8)> {
        self.blanks();
        let mut found: Option<(&'static str, u8)> = None;
        for (op, level) in OPERATORS {
            if self.looking_at(op) && found.is_none_or(|f| f.0.len() < op.len()) {
                found = Some((op, level));
            }
        }
        let (op, _) = found?;
        // `+=` and its kin belong to assignments, which names take first.
        let assigns =
            self.chars.get(self.pos + op.len()) == Some(&'=') && !["==", "!=", "<=", ">=", "<", ">"].contains(&op);
        if assigns { None } else { found }
    }

    fn binary(&mut self, level: u8) -> Result {
        let mut left = self.unary()?;
        while let Some((op, at)) = self.operator().filter(|o| o.1 >= level) {
            self.pos += op.len();
            let skip = op == "&&" && left == 0 || op == "||" && left != 0;
            let next = if op == "**" { at } else { at + 1 };
            let token = self.pos;
            let right = self.lazily(skip, |e| e.binary(next))?;
            left = self.apply(op, left, right, token)?;
        }
        Ok(left)
    }

    fn apply(&mut self, op: &str, a: i64, b: i64, token: usize) -> Result {
        Ok(match op {
            "||" => i64::from(a != 0 || b != 0),
            "&&" => i64::from(a != 0 && b != 0),
            "|" => a | b,
            "^" => a ^ b,
            "&" => a & b,
            "==" => i64::from(a == b),
            "!=" => i64::from(a != b),
            "<=" => i64::from(a <= b),
            ">=" => i64::from(a >= b),
            "<" => i64::from(a < b),
            ">" => i64::from(a > b),
            "<<" => a.wrapping_shl(b as u32),
            ">>" => a.wrapping_shr(b as u32),
            "+" => a.wrapping_add(b),
            "-" => a.wrapping_sub(b),
            "*" => a.wrapping_mul(b),
            "**" if b < 0 => return Err(self.error("exponent less than 0")),
            "**" => a.wrapping_pow(b.min(1 << 20) as u32),
            _ if b == 0 && self.skipping > 0 => 0,
            _ if b == 0 => {
                self.pos = token;
                self.blanks();
                return Err(self.error("division by 0"));
            }
            "/" => a.wrapping_div(b),
            _ => a.wrapping_rem(b),
        })
    }

    fn unary(&mut self) -> Result {
        self.blanks();
        self.depth += 1;
        if self.depth > 100 {
            return Err(self.error("expression recursion level exceeded"));
        }
        let value = if self.looking_at("++") || self.looking_at("--") {
            let step = if self.looking_at("++") { 1 } else { -1 };
            self.pos += 2;
            let Some((name, index)) = self.name()? else { return Err(self.error("syntax error: operand expected")) };
            let value = self.get(&name, index.as_deref())?.wrapping_add(step);
            self.set(&name, index.as_deref(), value)?;
            value
        } else if self.skip("!") {
            i64::from(self.unary()? == 0)
        } else if self.skip("~") {
            !self.unary()?
        } else if self.skip("-") {
            self.unary()?.wrapping_neg()
        } else if self.skip("+") {
            self.unary()?
        } else if self.skip("(") {
            let value = self.comma()?;
            if !self.skip(")") {
                return Err(self.error("missing `)'"));
            }
            value
        } else {
            self.operand()?
        };
        self.depth -= 1;
        Ok(value)
    }

    fn operand(&mut self) -> Result {
        self.blanks();
        if self.chars.get(self.pos).is_some_and(char::is_ascii_digit) {
            return self.number();
        }
        let Some((name, index)) = self.name()? else { return Err(self.error("syntax error: operand expected")) };
        self.blanks();
        for op in ["<<=", ">>=", "+=", "-=", "*=", "/=", "%=", "&=", "|=", "^=", "="] {
            if self.looking_at(op) && !self.looking_at("==") {
                self.pos += op.len();
                let token = self.pos;
                let right = self.ternary()?;
                let value = match op.strip_suffix('=') {
                    Some("") | None => right,
                    Some(op) => {
                        let old = self.get(&name, index.as_deref())?;
                        self.apply(op, old, right, token)?
                    }
                };
                self.set(&name, index.as_deref(), value)?;
                return Ok(value);
            }
        }
        let value = self.get(&name, index.as_deref())?;
        for (op, step) in [("++", 1), ("--", -1)] {
            if self.looking_at(op) {
                self.pos += 2;
                self.set(&name, index.as_deref(), value.wrapping_add(step))?;
            }
        }
        Ok(value)
    }

    fn number(&mut self) -> Result {
        let start = self.pos;
        while self.chars.get(self.pos).is_some_and(|c| c.is_ascii_alphanumeric() || *c == '#') {
            self.pos += 1;
        }
        let text: String = self.chars[start..self.pos].iter().collect();
        let (digits, base) = if let Some(hex) = text.strip_prefix("0x").or_else(|| text.strip_prefix("0X")) {
            (hex, 16)
        } else if let Some((base, digits)) = text.split_once('#') {
            (digits, base.parse().unwrap_or(10))
        } else if text.len() > 1 && text.starts_with('0') {
            (&text[1..], 8)
        } else {
            (text.as_str(), 10)
        };
        i64::from_str_radix(digits, if (2..=36).contains(&base) { base } else { 10 }).map_err(|_| {
            self.pos = start;
            self.error("value too great for base")
        })
    }

    /// A name and its subscript, if one stands here.
    fn name(&mut self) -> core::result::Result<Option<(String, Option<String>)>, String> {
        self.blanks();
        let start = self.pos;
        while self.chars.get(self.pos).is_some_and(|c| super::words::is_name_char(*c)) {
            self.pos += 1;
        }
        if start == self.pos || self.chars[start].is_ascii_digit() {
            self.pos = start;
            return Ok(None);
        }
        let name: String = self.chars[start..self.pos].iter().collect();
        if self.chars.get(self.pos) != Some(&'[') {
            return Ok(Some((name, None)));
        }
        let Some(len) = self.chars[self.pos..].iter().position(|c| *c == ']') else {
            return Err(self.error("bad array subscript"));
        };
        let index = self.chars[self.pos + 1..self.pos + len].iter().collect();
        self.pos += len + 1;
        Ok(Some((name, Some(index))))
    }

    fn get(&mut self, name: &str, index: Option<&str>) -> Result {
        if self.skipping > 0 {
            return Ok(0);
        }
        let text = match index {
            Some(index) => self.shell.element(self.ctx, name, index)?,
            None => self.shell.get(self.ctx, name),
        };
        let text = text.unwrap_or_default();
        match text.trim().parse::<i64>() {
            Ok(n) if !text.starts_with('0') || text == "0" => Ok(n),
            _ => nested(self.shell, self.ctx, &text, self.depth + 5),
        }
    }

    fn set(&mut self, name: &str, index: Option<&str>, value: i64) -> core::result::Result<(), String> {
        if self.skipping > 0 {
            return Ok(());
        }
        match index {
            Some(index) => self.shell.set_element(self.ctx, name, index, value.to_string(), false),
            None => self.shell.set(name, value.to_string()),
        }
    }
}
