//! Running awk's trees.

use super::parse::{Expr, Stmt};
use crate::regex::{Regex, Syntax};
use apimachinery::order::Gather as _;
use std::collections::BTreeMap;

/// A value: awk's strings that look like numbers compare as numbers when they came from input.
#[derive(Clone, Debug)]
enum Value {
    Number(f64),
    Text(String),
    /// From a field: text, but a number if it looks like one.
    Input(String),
}

#[derive(Clone, Default)]
pub struct Machine {
    vars: BTreeMap<String, Value>,
    arrays: BTreeMap<String, BTreeMap<String, Value>>,
    line: String,
    fields: Vec<String>,
    number: f64,
    steps: u32,
    pub output: String,
    pub error: Option<String>,
    pub exit: Option<i32>,
}

/// Statements and loop turns for one record.
const STEPS_MAX: u32 = 200_000;

enum Way {
    On,
    Next,
    Break,
    Continue,
}

fn number(text: &str) -> f64 {
    let t = text.trim_start();
    let mut end = 0;
    let mut dot = false;
    for (i, c) in t.char_indices() {
        match c {
            '0'..='9' => end = i + 1,
            '-' | '+' if i == 0 => {}
            '.' if !dot => dot = true,
            _ => break,
        }
    }
    t[..end].parse().unwrap_or(0.0)
}

fn looks_numeric(text: &str) -> bool {
    let t = text.trim();
    !t.is_empty() && t.parse::<f64>().is_ok() && !t.contains(|c: char| c.is_alphabetic() && c != 'e' && c != 'E')
}

fn show(n: f64) -> String {
    if n == n.trunc() && n.abs() < 1e16 {
        return format!("{}", n as i64);
    }
    let sign = if n < 0.0 { "-" } else { "" };
    format!("{sign}{}", crate::coreutils::printf::general(n.abs(), 6))
}

impl Value {
    fn number(&self) -> f64 {
        match self {
            Self::Number(n) => *n,
            Self::Text(t) | Self::Input(t) => number(t),
        }
    }

    fn text(&self) -> String {
        match self {
            Self::Number(n) => show(*n),
            Self::Text(t) | Self::Input(t) => t.clone(),
        }
    }

    fn truth(&self) -> bool {
        match self {
            Self::Number(n) => *n != 0.0,
            Self::Text(t) => !t.is_empty(),
            Self::Input(t) if looks_numeric(t) => number(t) != 0.0,
            Self::Input(t) => !t.is_empty(),
        }
    }

    fn is_number(&self) -> bool {
        match self {
            Self::Number(_) => true,
            Self::Input(t) => looks_numeric(t),
            Self::Text(_) => false,
        }
    }
}

impl Machine {
    pub fn set(&mut self, name: &str, value: &str) {
        self.vars.insert(name.to_owned(), Value::Input(value.to_owned()));
    }

    /// A new line of input.
    pub fn record(&mut self, line: &str) {
        self.number += 1.0;
        self.vars.insert("NR".into(), Value::Number(self.number));
        let own = self.get("FNR").number() + 1.0;
        self.vars.insert("FNR".into(), Value::Number(own));
        self.set_line(line.to_owned());
        self.steps = 0;
    }

    fn set_line(&mut self, line: String) {
        let separator = match self.vars.get("FS") {
            None => " ".to_owned(),
            Some(v) => v.text(),
        };
        self.fields = split(&line, &separator);
        self.line = line;
        self.vars.insert("NF".into(), Value::Number(self.fields.len() as f64));
    }

    fn rebuild(&mut self) {
        let glue = self.vars.get("OFS").map_or(" ".to_owned(), Value::text);
        self.line = self.fields.join(&glue);
        self.vars.insert("NF".into(), Value::Number(self.fields.len() as f64));
    }

    fn get(&self, name: &str) -> Value {
        self.vars.get(name).cloned().unwrap_or(Value::Input(String::new()))
    }

    pub fn truth(&mut self, e: &Expr) -> bool {
        self.eval(e).truth()
    }

    /// Runs an action; true when `next` (or `exit`) ends the record.
    pub fn run(&mut self, stmt: &Stmt) -> bool {
        matches!(self.exec(stmt), Way::Next)
    }

    fn exec(&mut self, stmt: &Stmt) -> Way {
        self.steps += 1;
        if self.steps > STEPS_MAX {
            self.error = Some("too many steps for one line of input".into());
            self.exit = Some(2);
        }
        if self.exit.is_some() {
            return Way::Next;
        }
        match stmt {
            Stmt::Expr(e) => {
                self.eval(e);
            }
            Stmt::Print(list) => {
                let (glue, end) = (
                    self.vars.get("OFS").map_or(" ".into(), Value::text),
                    self.vars.get("ORS").map_or("\n".into(), Value::text),
                );
                let texts: Vec<String> = list.iter().map(|e| self.eval(e).text()).collect();
                let text = if list.is_empty() { self.line.clone() } else { texts.join(&glue) };
                self.output.push_str(&text);
                self.output.push_str(&end);
            }
            Stmt::Printf(list) => {
                let text = self.format(list);
                self.output.push_str(&text);
            }
            Stmt::If(cond, yes, no) => {
                if self.truth(cond) {
                    return self.exec(yes);
                } else if let Some(no) = no {
                    return self.exec(no);
                }
            }
            Stmt::While(cond, body, first) => {
                let mut go = *first || self.truth(cond);
                while go {
                    match self.exec(body) {
                        Way::Break => break,
                        Way::Next => return Way::Next,
                        _ => {}
                    }
                    go = self.truth(cond);
                }
            }
            Stmt::For(first, cond, step, body) => {
                if let Some(s) = first {
                    self.exec(s);
                }
                while cond.as_ref().is_none_or(|c| self.truth(c)) {
                    match self.exec(body) {
                        Way::Break => break,
                        Way::Next => return Way::Next,
                        _ => {}
                    }
                    if let Some(s) = step
                        && matches!(self.exec(s), Way::Next)
                    {
                        return Way::Next;
                    }
                }
            }
            Stmt::ForIn(var, array, body) => {
                let keys: Vec<String> = self.arrays.get(array).map(|a| a.keys().cloned().collect()).unwrap_or_default();
                for key in keys {
                    self.vars.insert(var.clone(), Value::Input(key));
                    match self.exec(body) {
                        Way::Break => break,
                        Way::Next => return Way::Next,
                        _ => {}
                    }
                }
            }
            Stmt::Block(list) => {
                for s in list {
                    match self.exec(s) {
                        Way::On => {}
                        way => return way,
                    }
                }
            }
            Stmt::Delete(name, key) => {
                if key.is_empty() {
                    self.arrays.remove(name);
                } else {
                    let key = self.key(key);
                    if let Some(a) = self.arrays.get_mut(name) {
                        a.remove(&key);
                    }
                }
            }
            Stmt::Next => return Way::Next,
            Stmt::Exit(code) => {
                let code = code.as_ref().map_or(0, |e| self.eval(e).number() as i32);
                self.exit = Some(code & 255);
                return Way::Next;
            }
            Stmt::Break => return Way::Break,
            Stmt::Continue => return Way::Continue,
        }
        Way::On
    }

    fn key(&mut self, list: &[Expr]) -> String {
        let parts: Vec<String> = list.iter().map(|e| self.eval(e).text()).collect();
        parts.join("\x1c")
    }

    fn format(&mut self, list: &[Expr]) -> String {
        let values: Vec<String> = list.iter().map(|e| self.eval(e).text()).collect();
        let Some((format, rest)) = values.split_first() else { return String::new() };
        // Escapes are done already; those that printf would see again are kept from it. A format is used once here.
        let specs = format.replace("%%", "").matches('%').count();
        let mut rest: Vec<String> = rest.iter().take(specs).cloned().collect();
        rest.resize(specs, String::new());
        // Numbers with a fraction are cut for integer conversions.
        let mut kinds = Vec::new();
        let bare = format.replace("%%", "");
        for part in bare.split('%').skip(1) {
            kinds.push(part.chars().find(|c| c.is_ascii_alphabetic()).unwrap_or('s'));
        }
        for (value, kind) in rest.iter_mut().zip(kinds) {
            match kind {
                'd' | 'i' | 'x' | 'X' | 'o' | 'u' => *value = format!("{}", number(value) as i64),
                'f' | 'e' | 'g' | 'E' | 'G' => *value = number(value).to_string(),
                'c' => {
                    if let Ok(n) = value.parse::<u32>() {
                        *value = char::from_u32(n).map(String::from).unwrap_or_default();
                    }
                }
                _ => {}
            }
        }
        let (bytes, ..) = crate::coreutils::printf::format(&format.replace('\\', "\\\\"), &rest);
        String::from_utf8_lossy(&bytes).into_owned()
    }

    fn assign(&mut self, target: &Expr, value: Value) {
        match target {
            Expr::Var(name) => {
                self.vars.insert(name.clone(), value);
                if name == "NF" {
                    let n = (self.get("NF").number().max(0.0) as usize).min(10_000);
                    self.fields.resize(n, String::new());
                    self.rebuild();
                }
            }
            Expr::Item(name, key) => {
                let key = self.key(key);
                self.arrays.entry(name.clone()).or_default().insert(key, value);
            }
            Expr::Field(index) => {
                let i = self.eval(index).number() as usize;
                if i == 0 {
                    self.set_line(value.text());
                } else if i < 10_000 {
                    if self.fields.len() < i {
                        self.fields.resize(i, String::new());
                    }
                    self.fields[i - 1] = value.text();
                    self.rebuild();
                }
            }
            Expr::Unary('(', inner) => self.assign(inner, value),
            _ => {}
        }
    }

    fn eval(&mut self, e: &Expr) -> Value {
        match e {
            Expr::Number(n) => Value::Number(*n),
            Expr::Text(t) => Value::Text(t.clone()),
            Expr::Regex(re) => Value::Number(f64::from(re.is_match(&self.line))),
            Expr::Field(index) => {
                let i = self.eval(index).number();
                let text = if i == 0.0 {
                    Some(self.line.clone())
                } else {
                    self.fields.get((i as usize).wrapping_sub(1)).cloned()
                };
                Value::Input(text.unwrap_or_default())
            }
            Expr::Var(name) => self.get(name),
            Expr::Item(name, key) => {
                let key = self.key(key);
                let array = self.arrays.entry(name.clone()).or_default();
                array.entry(key).or_insert(Value::Input(String::new())).clone()
            }
            Expr::Assign(target, op, right) => {
                let mut value = self.eval(right);
                if let Some(op) = op {
                    let old = self.eval(target).number();
                    value = self.arithmetic(op, old, value.number());
                }
                self.assign(target, value.clone());
                value
            }
            Expr::Step { target, by, before } => {
                let old = self.eval(target).number();
                self.assign(target, Value::Number(old + by));
                Value::Number(if *before { old + by } else { old })
            }
            Expr::Unary('!', inner) => Value::Number(f64::from(!self.truth(inner))),
            Expr::Unary('-', inner) => Value::Number(-self.eval(inner).number()),
            Expr::Unary('+', inner) => Value::Number(self.eval(inner).number()),
            Expr::Unary(_, inner) => self.eval(inner),
            Expr::Binary("&&", a, b) => Value::Number(f64::from(self.truth(a) && self.truth(b))),
            Expr::Binary("||", a, b) => Value::Number(f64::from(self.truth(a) || self.truth(b))),
            Expr::Binary(op, a, b) => {
                let (a, b) = (self.eval(a), self.eval(b));
                self.binary(op, &a, &b)
            }
            Expr::Match(text, pattern, wanted) => {
                let text = self.eval(text).text();
                let hit = self.regex(pattern).is_some_and(|re| re.is_match(&text));
                Value::Number(f64::from(hit == *wanted))
            }
            Expr::In(key, array) => {
                let key = self.key(key);
                Value::Number(f64::from(self.arrays.get(array).is_some_and(|a| a.contains_key(&key))))
            }
            Expr::Choose(cond, yes, no) => {
                if self.truth(cond) {
                    self.eval(yes)
                } else {
                    self.eval(no)
                }
            }
            Expr::Call(name, args) => self.call(name, args),
        }
    }

    fn binary(&mut self, op: &'static str, a: &Value, b: &Value) -> Value {
        if op == " " {
            return Value::Text(a.text() + &b.text());
        }
        if matches!(op, "<" | "<=" | "==" | "!=" | ">" | ">=") {
            let numeric = a.is_number() && b.is_number()
                || matches!((a, b), (Value::Number(_), Value::Input(t)) | (Value::Input(t), Value::Number(_)) if t.is_empty());
            let order = if numeric { a.number().total_cmp(&b.number()) } else { a.text().cmp(&b.text()) };
            let yes = match op {
                "<" => order.is_lt(),
                "<=" => order.is_le(),
                "==" => order.is_eq(),
                "!=" => order.is_ne(),
                ">" => order.is_gt(),
                _ => order.is_ge(),
            };
            return Value::Number(f64::from(yes));
        }
        self.arithmetic(op, a.number(), b.number())
    }

    fn arithmetic(&mut self, op: &str, a: f64, b: f64) -> Value {
        if b == 0.0 && matches!(op, "/" | "%") {
            self.error = Some("division by zero attempted".into());
            self.exit = Some(2);
            return Value::Number(0.0);
        }
        Value::Number(match op {
            "+" => a + b,
            "-" => a - b,
            "*" => a * b,
            "/" => a / b,
            "%" => a % b,
            _ => a.powf(b),
        })
    }

    fn regex(&mut self, e: &Expr) -> Option<Regex> {
        if let Expr::Regex(re) = e {
            return Some(re.clone());
        }
        let source = self.eval(e).text();
        Regex::new(&source, Syntax::Extended, false).ok()
    }

    fn call(&mut self, name: &str, args: &[Expr]) -> Value {
        let text = |m: &mut Self, i: usize| args.get(i).map_or(String::new(), |e| m.eval(e).text());
        let num = |m: &mut Self, i: usize| args.get(i).map_or(0.0, |e| m.eval(e).number());
        match name {
            "length" => {
                if let Some(Expr::Var(v)) = args.first()
                    && let Some(a) = self.arrays.get(v)
                {
                    return Value::Number(a.len() as f64);
                }
                let t = if args.is_empty() { self.line.clone() } else { text(self, 0) };
                Value::Number(t.chars().count() as f64)
            }
            "substr" => {
                let chars: Vec<char> = text(self, 0).chars().collect();
                let from = num(self, 1).round();
                let to = if args.len() > 2 { from + num(self, 2).round() } else { f64::INFINITY };
                let picked =
                    chars.iter().enumerate().filter(|(i, _)| (*i as f64) + 1.0 >= from && (*i as f64) + 1.0 < to);
                Value::Text(picked.map(|c| c.1).collect())
            }
            "index" => {
                let (a, b) = (text(self, 0), text(self, 1));
                Value::Number(a.find(&b).map_or(0.0, |i| a[..i].chars().count() as f64 + 1.0))
            }
            "tolower" => Value::Text(text(self, 0).to_lowercase()),
            "toupper" => Value::Text(text(self, 0).to_uppercase()),
            "sprintf" => Value::Text(self.format(args)),
            "split" => {
                let whole = text(self, 0);
                let separator = match args.get(2) {
                    Some(Expr::Regex(_)) | None => self.vars.get("FS").map_or(" ".into(), Value::text),
                    Some(e) => self.eval(e).text(),
                };
                let parts = split(&whole, &separator);
                let n = parts.len() as f64;
                if let Some(Expr::Var(array)) = args.get(1) {
                    let items = parts.into_iter().enumerate().map(|(i, p)| ((i + 1).to_string(), Value::Input(p)));
                    self.arrays.insert(array.clone(), items.gather());
                }
                Value::Number(n)
            }
            "sub" | "gsub" => self.substitute(args, name == "gsub"),
            "match" => {
                let chars: Vec<char> = text(self, 0).chars().collect();
                let found = args.get(1).and_then(|e| self.regex(e)).and_then(|re| re.find(&chars, 0)?[0]);
                let (start, len) = found.map_or((0.0, -1.0), |(a, b)| (a as f64 + 1.0, (b - a) as f64));
                self.vars.insert("RSTART".into(), Value::Number(start));
                self.vars.insert("RLENGTH".into(), Value::Number(len));
                Value::Number(start)
            }
            "int" => Value::Number(num(self, 0).trunc()),
            "sqrt" => Value::Number(num(self, 0).sqrt()),
            "exp" => Value::Number(num(self, 0).exp()),
            "log" => Value::Number(num(self, 0).ln()),
            "sin" => Value::Number(num(self, 0).sin()),
            "cos" => Value::Number(num(self, 0).cos()),
            // awk without srand gives the same numbers every time; so does this.
            _ => Value::Number(0.924_046),
        }
    }

    fn substitute(&mut self, args: &[Expr], all: bool) -> Value {
        let Some(re) = args.first().and_then(|e| self.regex(e)) else { return Value::Number(0.0) };
        let with = args.get(1).map_or(String::new(), |e| self.eval(e).text());
        let whole = Expr::Field(Box::new(Expr::Number(0.0)));
        let target = args.get(2).unwrap_or(&whole);
        let chars: Vec<char> = self.eval(target).text().chars().collect();
        let mut out = String::new();
        let (mut at, mut count) = (0, 0);
        while at <= chars.len() && (all || count == 0) {
            let Some((a, b)) = re.find(&chars, at).and_then(|c| c[0]) else { break };
            out.extend(&chars[at..a]);
            let mut piece = with.chars();
            while let Some(c) = piece.next() {
                match c {
                    '&' => out.extend(&chars[a..b]),
                    '\\' => out.extend(piece.next()),
                    c => out.push(c),
                }
            }
            count += 1;
            at = b;
            if a == b {
                out.extend(chars.get(b));
                at += 1;
            }
        }
        out.extend(chars.get(at.min(chars.len())..).unwrap_or_default());
        if count > 0 {
            self.assign(target, Value::Text(out));
        }
        Value::Number(f64::from(count))
    }
}

fn split(text: &str, separator: &str) -> Vec<String> {
    if text.is_empty() {
        return Vec::new();
    }
    if separator == " " {
        return text.split_whitespace().map(str::to_owned).collect();
    }
    if separator.chars().count() == 1 {
        return text.split(separator).map(str::to_owned).collect();
    }
    let Ok(re) = Regex::new(separator, Syntax::Extended, false) else { return vec![text.to_owned()] };
    let chars: Vec<char> = text.chars().collect();
    let mut out = Vec::new();
    let mut at = 0;
    while let Some((a, b)) = re.find(&chars, at).and_then(|c| c[0]).filter(|(a, b)| b > a) {
        out.push(chars[at..a].iter().collect());
        at = b;
    }
    out.push(chars[at..].iter().collect());
    out
}
