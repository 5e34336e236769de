//! awk programs as trees.

use crate::regex::{Regex, Syntax};

#[derive(Clone)]
pub enum Expr {
    Number(f64),
    Text(String),
    Regex(Regex),
    Field(Box<Expr>),
    Var(String),
    Item(String, Vec<Expr>),
    Assign(Box<Expr>, Option<&'static str>, Box<Expr>),
    Step { target: Box<Expr>, by: f64, before: bool },
    Unary(char, Box<Expr>),
    Binary(&'static str, Box<Expr>, Box<Expr>),
    Match(Box<Expr>, Box<Expr>, bool),
    In(Vec<Expr>, String),
    Choose(Box<Expr>, Box<Expr>, Box<Expr>),
    Call(String, Vec<Expr>),
}

#[derive(Clone)]
pub enum Stmt {
    Expr(Expr),
    Print(Vec<Expr>),
    Printf(Vec<Expr>),
    If(Expr, Box<Stmt>, Option<Box<Stmt>>),
    While(Expr, Box<Stmt>, bool),
    For(Option<Box<Stmt>>, Option<Expr>, Option<Box<Stmt>>, Box<Stmt>),
    ForIn(String, String, Box<Stmt>),
    Block(Vec<Stmt>),
    Delete(String, Vec<Expr>),
    Next,
    Exit(Option<Expr>),
    Break,
    Continue,
}

#[derive(Clone)]
pub enum Pattern {
    Begin,
    End,
    Always,
    When(Expr),
    Range(Expr, Expr),
}

#[derive(Clone)]
pub struct Rule {
    pub pattern: Pattern,
    pub action: Stmt,
}

#[derive(Clone, PartialEq, Debug)]
enum Token {
    Number(f64),
    Text(String),
    Regex(String),
    Name(String),
    Op(&'static str),
    Newline,
    End,
}

const OPERATORS: [&str; 41] = [
    "**=", "&&", "||", "==", "!=", "<=", ">=", "!~", "++", "--", "+=", "-=", "*=", "/=", "%=", "^=", "**", ">>", "{",
    "}", "(", ")", "[", "]", ";", ",", "+", "-", "*", "/", "%", "^", "!", ">", "<", "~", "?", ":", "=", "$", "|",
];

const FUNCTIONS: [&str; 17] = [
    "length", "substr", "index", "split", "sub", "gsub", "match", "tolower", "toupper", "sprintf", "int", "sqrt",
    "exp", "log", "sin", "cos", "rand",
];

type Result<T> = core::result::Result<T, String>;

fn tokens(text: &str) -> Result<Vec<Token>> {
    let chars: Vec<char> = text.chars().collect();
    let mut out: Vec<Token> = Vec::new();
    let mut i = 0;
    while i < chars.len() {
        let c = chars[i];
        match c {
            '\n' => {
                out.push(Token::Newline);
                i += 1;
            }
            '\\' if chars.get(i + 1) == Some(&'\n') => i += 2,
            c if c.is_whitespace() => i += 1,
            '#' => {
                while i < chars.len() && chars[i] != '\n' {
                    i += 1;
                }
            }
            '"' => {
                let mut raw = String::new();
                i += 1;
                while i < chars.len() && chars[i] != '"' {
                    if chars[i] == '\\' && i + 1 < chars.len() {
                        i += 1;
                        match chars[i] {
                            c @ ('"' | '/') => raw.push(c),
                            c => raw.extend(['\\', c]),
                        }
                    } else {
                        raw.push(chars[i]);
                    }
                    i += 1;
                }
                if i >= chars.len() {
                    return Err("unterminated string".into());
                }
                i += 1;
                let bytes = crate::coreutils::escapes::unescape(&raw, false).0;
                out.push(Token::Text(String::from_utf8_lossy(&bytes).into_owned()));
            }
            '/' if !matches!(
                out.last(),
                Some(Token::Number(_) | Token::Text(_) | Token::Name(_) | Token::Op(")" | "]" | "$"))
            ) =>
            {
                let mut source = String::new();
                i += 1;
                while i < chars.len() && chars[i] != '/' {
                    if chars[i] == '\\' && i + 1 < chars.len() {
                        i += 1;
                        if chars[i] != '/' {
                            source.push('\\');
                        }
                    }
                    source.push(chars[i]);
                    i += 1;
                }
                if i >= chars.len() {
                    return Err("unterminated regexp".into());
                }
                i += 1;
                out.push(Token::Regex(source));
            }
            c if c.is_ascii_digit() || c == '.' && chars.get(i + 1).is_some_and(char::is_ascii_digit) => {
                let start = i;
                while i < chars.len() && (chars[i].is_ascii_digit() || chars[i] == '.') {
                    i += 1;
                }
                let text: String = chars[start..i].iter().collect();
                out.push(Token::Number(text.parse().unwrap_or(0.0)));
            }
            c if c.is_alphabetic() || c == '_' => {
                let start = i;
                while i < chars.len() && (chars[i].is_alphanumeric() || chars[i] == '_') {
                    i += 1;
                }
                out.push(Token::Name(chars[start..i].iter().collect()));
            }
            _ => {
                let found = OPERATORS.iter().find(|o| o.chars().enumerate().all(|(n, c)| chars.get(i + n) == Some(&c)));
                let Some(op) = found else { return Err(format!("syntax error near {c}")) };
                out.push(Token::Op(op));
                i += op.len();
            }
        }
    }
    out.push(Token::End);
    Ok(out)
}

struct Parser {
    tokens: Vec<Token>,
    at: usize,
    depth: u32,
    /// Inside print's bare list `>` would redirect; inside `for (x in a)` `in` is the loop's.
    no_in: bool,
}

/// Expressions one inside the other: each takes a dozen calls, and a tab's stack is small.
const EXPRESSIONS_MAX: u32 = 30;

pub fn parse(text: &str) -> Result<Vec<Rule>> {
    let mut p = Parser { tokens: tokens(text)?, at: 0, depth: 0, no_in: false };
    let mut rules = Vec::new();
    loop {
        p.ends();
        if *p.peek() == Token::End {
            return if rules.is_empty() { Err("syntax error: empty program".into()) } else { Ok(rules) };
        }
        rules.push(p.rule()?);
    }
}

impl Parser {
    fn peek(&self) -> &Token {
        &self.tokens[self.at.min(self.tokens.len() - 1)]
    }

    fn bump(&mut self) -> Token {
        let t = self.peek().clone();
        self.at += 1;
        t
    }

    fn op(&mut self, op: &str) -> bool {
        let found = matches!(self.peek(), Token::Op(o) if *o == op);
        self.at += usize::from(found);
        found
    }

    fn word(&mut self, word: &str) -> bool {
        let found = matches!(self.peek(), Token::Name(n) if n == word);
        self.at += usize::from(found);
        found
    }

    fn expect(&mut self, op: &str) -> Result<()> {
        if self.op(op) { Ok(()) } else { Err(format!("syntax error: expected {op}")) }
    }

    fn newlines(&mut self) {
        while *self.peek() == Token::Newline {
            self.at += 1;
        }
    }

    fn ends(&mut self) {
        while *self.peek() == Token::Newline || matches!(self.peek(), Token::Op(";")) {
            self.at += 1;
        }
    }

    fn rule(&mut self) -> Result<Rule> {
        let pattern = if self.word("BEGIN") {
            Pattern::Begin
        } else if self.word("END") {
            Pattern::End
        } else if self.word("function") || self.word("func") {
            return Err("functions are not supported in this simulated awk".into());
        } else if matches!(self.peek(), Token::Op("{")) {
            Pattern::Always
        } else {
            let first = self.expr()?;
            if self.op(",") { Pattern::Range(first, self.expr()?) } else { Pattern::When(first) }
        };
        let action = if matches!(self.peek(), Token::Op("{")) { self.block()? } else { Stmt::Print(Vec::new()) };
        Ok(Rule { pattern, action })
    }

    fn block(&mut self) -> Result<Stmt> {
        self.expect("{")?;
        let mut list = Vec::new();
        loop {
            self.ends();
            if self.op("}") {
                return Ok(Stmt::Block(list));
            }
            if *self.peek() == Token::End {
                return Err("syntax error: unexpected end of program".into());
            }
            list.push(self.statement()?);
        }
    }

    fn body(&mut self) -> Result<Box<Stmt>> {
        self.newlines();
        self.depth += 1;
        if self.depth > 60 {
            return Err("nested too deeply".into());
        }
        let s = if self.op(";") { Stmt::Block(Vec::new()) } else { self.statement()? };
        self.depth -= 1;
        Ok(Box::new(s))
    }

    fn list(&mut self, end: &str) -> Result<Vec<Expr>> {
        let mut out = Vec::new();
        while !matches!(self.peek(), Token::Op(o) if *o == end) {
            self.newlines();
            out.push(self.expr()?);
            if !self.op(",") {
                break;
            }
        }
        Ok(out)
    }

    fn print_list(&mut self) -> Result<Vec<Expr>> {
        if matches!(self.peek(), Token::Op(";" | "}") | Token::Newline | Token::End) {
            return Ok(Vec::new());
        }
        let save = self.at;
        if self.op("(")
            && let Ok(list) = self.list(")")
            && self.op(")")
            && matches!(self.peek(), Token::Op(";" | "}" | ">" | "|") | Token::Newline | Token::End)
        {
            return Ok(list);
        }
        self.at = save;
        self.list(";")
    }

    fn statement(&mut self) -> Result<Stmt> {
        if matches!(self.peek(), Token::Op("{")) {
            return self.block();
        }
        if self.word("if") {
            self.expect("(")?;
            let cond = self.expr()?;
            self.expect(")")?;
            let yes = self.body()?;
            let save = self.at;
            self.ends();
            if self.word("else") {
                return Ok(Stmt::If(cond, yes, Some(self.body()?)));
            }
            self.at = save;
            return Ok(Stmt::If(cond, yes, None));
        }
        if self.word("while") {
            self.expect("(")?;
            let cond = self.expr()?;
            self.expect(")")?;
            return Ok(Stmt::While(cond, self.body()?, false));
        }
        if self.word("do") {
            let body = self.body()?;
            self.ends();
            if !self.word("while") {
                return Err("syntax error: expected while".into());
            }
            self.expect("(")?;
            let cond = self.expr()?;
            self.expect(")")?;
            return Ok(Stmt::While(cond, body, true));
        }
        if self.word("for") {
            return self.for_statement();
        }
        self.simple()
    }

    fn for_statement(&mut self) -> Result<Stmt> {
        self.expect("(")?;
        if let [Token::Name(v), Token::Name(i), Token::Name(a), Token::Op(")")] =
            &self.tokens[self.at..(self.at + 4).min(self.tokens.len())]
            && i == "in"
        {
            let (v, a) = (v.clone(), a.clone());
            self.at += 4;
            return Ok(Stmt::ForIn(v, a, self.body()?));
        }
        let first = if matches!(self.peek(), Token::Op(";")) { None } else { Some(Box::new(self.simple()?)) };
        self.expect(";")?;
        let cond = if matches!(self.peek(), Token::Op(";")) { None } else { Some(self.expr()?) };
        self.expect(";")?;
        let step = if matches!(self.peek(), Token::Op(")")) { None } else { Some(Box::new(self.simple()?)) };
        self.expect(")")?;
        Ok(Stmt::For(first, cond, step, self.body()?))
    }

    fn simple(&mut self) -> Result<Stmt> {
        if self.word("print") {
            let list = self.print_list()?;
            return self.no_redirect(Stmt::Print(list));
        }
        if self.word("printf") {
            let list = self.print_list()?;
            return self.no_redirect(Stmt::Printf(list));
        }
        for (word, stmt) in [("next", Stmt::Next), ("break", Stmt::Break), ("continue", Stmt::Continue)] {
            if self.word(word) {
                return Ok(stmt);
            }
        }
        if self.word("exit") {
            let bare = matches!(self.peek(), Token::Op(";" | "}") | Token::Newline | Token::End);
            return Ok(Stmt::Exit(if bare { None } else { Some(self.expr()?) }));
        }
        if self.word("delete") {
            let Token::Name(name) = self.bump() else { return Err("syntax error".into()) };
            let mut key = Vec::new();
            if self.op("[") {
                key = self.list("]")?;
                self.expect("]")?;
            }
            return Ok(Stmt::Delete(name, key));
        }
        Ok(Stmt::Expr(self.expr()?))
    }

    fn no_redirect(&mut self, stmt: Stmt) -> Result<Stmt> {
        match self.peek() {
            Token::Op(">" | ">>" | "|") => Err("redirecting output is not supported in this simulated awk".into()),
            _ => Ok(stmt),
        }
    }

    fn expr(&mut self) -> Result<Expr> {
        self.depth += 1;
        if self.depth > EXPRESSIONS_MAX {
            return Err("nested too deeply".into());
        }
        let left = self.ternary()?;
        let mut out = left;
        if matches!(out, Expr::Var(_) | Expr::Item(..) | Expr::Field(_)) {
            let ops = [
                ("=", None),
                ("+=", Some("+")),
                ("-=", Some("-")),
                ("*=", Some("*")),
                ("/=", Some("/")),
                ("%=", Some("%")),
                ("^=", Some("^")),
            ];
            for (op, then) in ops {
                if self.op(op) {
                    out = Expr::Assign(Box::new(out), then, Box::new(self.expr()?));
                    break;
                }
            }
        }
        self.depth -= 1;
        Ok(out)
    }

    fn ternary(&mut self) -> Result<Expr> {
        let cond = self.binary(0)?;
        if !self.op("?") {
            return Ok(cond);
        }
        let yes = self.expr()?;
        self.expect(":")?;
        Ok(Expr::Choose(Box::new(cond), Box::new(yes), Box::new(self.expr()?)))
    }

    /// Levels: || && in ~ comparison concatenation + * unary ^.
    fn binary(&mut self, level: usize) -> Result<Expr> {
        const LEVELS: [&[&str]; 7] =
            [&["||"], &["&&"], &["in"], &["~", "!~"], &["<", "<=", "==", "!=", ">", ">="], &[" "], &["+", "-"]];
        if level == 7 {
            return self.product();
        }
        let mut left = self.binary(level + 1)?;
        loop {
            if level == 2 {
                if self.no_in || !self.word("in") {
                    return Ok(left);
                }
                let Token::Name(array) = self.bump() else { return Err("syntax error after in".into()) };
                left = Expr::In(vec![left], array);
                continue;
            }
            if level == 5 {
                let starts = match self.peek() {
                    Token::Number(_) | Token::Text(_) => true,
                    Token::Name(n) => n != "in",
                    Token::Op(o) => matches!(*o, "$" | "(" | "!" | "-" | "++" | "--") && *o != "-",
                    _ => false,
                };
                if !starts {
                    return Ok(left);
                }
                left = Expr::Binary(" ", Box::new(left), Box::new(self.binary(6)?));
                continue;
            }
            let Token::Op(op) = *self.peek() else { return Ok(left) };
            if !LEVELS[level].contains(&op) || op == ">" && self.depth == 1 && self.printing() {
                return Ok(left);
            }
            self.at += 1;
            self.newlines();
            let right = Box::new(self.binary(level + 1)?);
            left = match op {
                "~" | "!~" => Expr::Match(Box::new(left), right, op == "~"),
                op => Expr::Binary(op, Box::new(left), right),
            };
        }
    }

    /// Whether the statement under way is a print without parentheses.
    fn printing(&self) -> bool {
        let start = self.tokens[..self.at]
            .iter()
            .rposition(|t| matches!(t, Token::Op(";" | "{" | "}") | Token::Newline))
            .map_or(0, |i| i + 1);
        matches!(self.tokens.get(start), Some(Token::Name(n)) if n == "print" || n == "printf")
    }

    fn product(&mut self) -> Result<Expr> {
        let mut left = self.unary()?;
        while let Token::Op(op @ ("*" | "/" | "%")) = *self.peek() {
            self.at += 1;
            left = Expr::Binary(op, Box::new(left), Box::new(self.unary()?));
        }
        Ok(left)
    }

    fn unary(&mut self) -> Result<Expr> {
        for (op, c) in [("!", '!'), ("-", '-'), ("+", '+')] {
            if self.op(op) {
                return Ok(Expr::Unary(c, Box::new(self.unary()?)));
            }
        }
        let base = self.postfix()?;
        if self.op("^") || self.op("**") {
            return Ok(Expr::Binary("^", Box::new(base), Box::new(self.unary()?)));
        }
        Ok(base)
    }

    fn postfix(&mut self) -> Result<Expr> {
        for (op, by) in [("++", 1.0), ("--", -1.0)] {
            if self.op(op) {
                return Ok(Expr::Step { target: Box::new(self.primary()?), by, before: true });
            }
        }
        let e = self.primary()?;
        if matches!(e, Expr::Var(_) | Expr::Item(..) | Expr::Field(_)) {
            for (op, by) in [("++", 1.0), ("--", -1.0)] {
                if self.op(op) {
                    return Ok(Expr::Step { target: Box::new(e), by, before: false });
                }
            }
        }
        Ok(e)
    }

    fn primary(&mut self) -> Result<Expr> {
        Ok(match self.bump() {
            Token::Number(n) => Expr::Number(n),
            Token::Text(t) => Expr::Text(t),
            Token::Regex(source) => Expr::Regex(Regex::new(&source, Syntax::Extended, false).map_err(str::to_owned)?),
            Token::Op("$") => Expr::Field(Box::new(match self.peek() {
                Token::Op("++" | "--" | "-") => self.unary()?,
                _ => self.primary()?,
            })),
            Token::Op("(") => {
                let mut list = self.list(")")?;
                self.expect(")")?;
                if list.len() > 1 && self.word("in") {
                    let Token::Name(array) = self.bump() else { return Err("syntax error after in".into()) };
                    return Ok(Expr::In(list, array));
                }
                match list.pop() {
                    // Parentheses keep an assignment's target from being taken for one again.
                    Some(e) if list.is_empty() => Expr::Unary('(', Box::new(e)),
                    _ => return Err("syntax error".into()),
                }
            }
            Token::Name(n) if FUNCTIONS.contains(&n.as_str()) => {
                let mut list = Vec::new();
                if self.op("(") {
                    list = self.list(")")?;
                    self.expect(")")?;
                }
                Expr::Call(n, list)
            }
            Token::Name(n)
                if matches!(n.as_str(), "getline" | "system" | "close" | "srand" | "strftime" | "systime") =>
            {
                return Err(format!("{n} is not supported in this simulated awk"));
            }
            Token::Name(n) if self.op("[") => {
                let key = self.list("]")?;
                self.expect("]")?;
                Expr::Item(n, key)
            }
            Token::Name(n) => Expr::Var(n),
            Token::End => return Err("unexpected end of program".into()),
            t => return Err(format!("syntax error near {}", if let Token::Op(o) = t { o } else { "newline" })),
        })
    }
}
