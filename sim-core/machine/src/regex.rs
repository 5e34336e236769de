//! POSIX regular expressions, basic and extended, in time linear in the text: leftmost, then longest.
//!
//! For grep, sed, awk, less and `[[ =~ ]]`. Back references in patterns are refused: they cannot be linear.

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Syntax {
    Basic,
    Extended,
    /// No operators at all (`grep -F`).
    Fixed,
}

#[derive(Clone, Debug)]
enum Set {
    Any,
    One(char),
    /// Ranges, classes of characters by predicate, negated.
    Of(Vec<(char, char)>, Vec<fn(char) -> bool>, bool),
}

#[derive(Clone, Debug)]
enum Inst {
    Set(Set),
    Split(usize, usize),
    Jump(usize),
    Save(usize),
    Start,
    End,
    /// True: at a word's edge; `<` `>` start and end.
    Edge(char),
    Match,
}

#[derive(Clone, Debug)]
enum Ast {
    Empty,
    Set(Set),
    Cat(Vec<Ast>),
    Alt(Vec<Ast>),
    Repeat(Box<Ast>, u32, Option<u32>),
    Group(Box<Ast>, usize),
    Start,
    End,
    Edge(char),
}

#[derive(Clone, Debug)]
pub struct Regex {
    program: Vec<Inst>,
    groups: usize,
    ignore_case: bool,
}

/// Start and end (in characters) of the match and of each group.
pub type Captures = Vec<Option<(usize, usize)>>;

const PROGRAM_MAX: usize = 20_000;
const REPEAT_MAX: u32 = 255;

struct Compiler<'a> {
    chars: &'a [char],
    pos: usize,
    extended: bool,
    groups: usize,
    depth: u32,
}

type Result<T> = core::result::Result<T, &'static str>;

impl Compiler<'_> {
    fn peek(&self, n: usize) -> Option<char> {
        self.chars.get(self.pos + n).copied()
    }

    /// Whether an operator stands here, written `c` in extended and `\c` in basic syntax.
    fn operator(&self, c: char) -> bool {
        if self.extended { self.peek(0) == Some(c) } else { self.peek(0) == Some('\\') && self.peek(1) == Some(c) }
    }

    fn skip_operator(&mut self) {
        self.pos += if self.extended { 1 } else { 2 };
    }

    fn alternatives(&mut self) -> Result<Ast> {
        self.depth += 1;
        if self.depth > 60 {
            return Err("Regular expression too big");
        }
        let mut all = vec![self.sequence()?];
        while self.operator('|') {
            self.skip_operator();
            all.push(self.sequence()?);
        }
        self.depth -= 1;
        Ok(if all.len() == 1 { all.remove(0) } else { Ast::Alt(all) })
    }

    fn sequence(&mut self) -> Result<Ast> {
        let mut items = Vec::new();
        while self.pos < self.chars.len() && !self.operator('|') && !(self.depth > 1 && self.operator(')')) {
            let atom = self.atom(items.is_empty())?;
            let atom = self.repeats(atom)?;
            items.push(atom);
        }
        Ok(match items.len() {
            0 => Ast::Empty,
            1 => items.remove(0),
            _ => Ast::Cat(items),
        })
    }

    fn repeats(&mut self, mut atom: Ast) -> Result<Ast> {
        loop {
            let (min, max) = if self.peek(0) == Some('*') {
                self.pos += 1;
                (0, None)
            } else if self.operator('+') {
                self.skip_operator();
                (1, None)
            } else if self.operator('?') {
                self.skip_operator();
                (0, Some(1))
            } else if self.operator('{') && (!self.extended || self.peek(1).is_some_and(|c| c.is_ascii_digit())) {
                self.skip_operator();
                self.bounds()?
            } else {
                return Ok(atom);
            };
            atom = Ast::Repeat(Box::new(atom), min, max);
        }
    }

    fn number(&mut self) -> Option<u32> {
        let mut n = None;
        while let Some(d) = self.peek(0).and_then(|c| c.to_digit(10)) {
            n = Some(n.unwrap_or(0u32).saturating_mul(10).saturating_add(d));
            self.pos += 1;
        }
        n
    }

    fn bounds(&mut self) -> Result<(u32, Option<u32>)> {
        let min = self.number();
        let mut max = min;
        if self.peek(0) == Some(',') {
            self.pos += 1;
            max = self.number();
        }
        if !self.operator('}') {
            return Err("Unmatched { or \\{");
        }
        self.skip_operator();
        let min = min.unwrap_or(0);
        if min > REPEAT_MAX || max.is_some_and(|m| m > REPEAT_MAX || m < min) {
            return Err("Invalid content of \\{\\}");
        }
        Ok((min, max))
    }

    fn atom(&mut self, first: bool) -> Result<Ast> {
        if self.operator('(') {
            self.skip_operator();
            self.groups += 1;
            let group = self.groups;
            let inner = self.alternatives()?;
            if !self.operator(')') {
                return Err("Unmatched ( or \\(");
            }
            self.skip_operator();
            return Ok(Ast::Group(Box::new(inner), group));
        }
        let c = self.peek(0).unwrap_or('\0');
        self.pos += 1;
        let last = self.pos == self.chars.len() || self.operator(')') || self.operator('|');
        Ok(match c {
            '.' => Ast::Set(Set::Any),
            '[' => Ast::Set(self.bracket()?),
            '^' if self.extended || first => Ast::Start,
            '$' if self.extended || last => Ast::End,
            '*' | '+' | '?' if self.extended && first => Ast::Set(Set::One(c)),
            '\\' => {
                let Some(c) = self.peek(0) else { return Err("Trailing backslash") };
                self.pos += 1;
                match c {
                    'w' => Ast::Set(Set::Of(vec![], vec![is_word], false)),
                    'W' => Ast::Set(Set::Of(vec![], vec![is_word], true)),
                    's' => Ast::Set(Set::Of(vec![], vec![char::is_whitespace], false)),
                    'S' => Ast::Set(Set::Of(vec![], vec![char::is_whitespace], true)),
                    'd' if self.extended => Ast::Set(Set::One('d')),
                    'b' | '<' | '>' | 'B' => Ast::Edge(c),
                    'n' => Ast::Set(Set::One('\n')),
                    't' => Ast::Set(Set::One('\t')),
                    '1'..='9' => return Err("back references in patterns are not supported here"),
                    c => Ast::Set(Set::One(c)),
                }
            }
            c => Ast::Set(Set::One(c)),
        })
    }

    fn bracket(&mut self) -> Result<Set> {
        let negated = self.peek(0) == Some('^');
        if negated {
            self.pos += 1;
        }
        let (mut ranges, mut classes) = (Vec::new(), Vec::new());
        let mut first = true;
        loop {
            let Some(c) = self.peek(0) else { return Err("Unmatched [, [^, [:, [., or [=") };
            self.pos += 1;
            if c == ']' && !first {
                return Ok(Set::Of(ranges, classes, negated));
            }
            first = false;
            if c == '[' && self.peek(0) == Some(':') {
                let rest: String = self.chars[self.pos + 1..].iter().take(8).collect();
                let Some((name, _)) = rest.split_once(":]") else { return Err("Invalid character class name") };
                classes.push(class(name).ok_or("Invalid character class name")?);
                self.pos += name.len() + 3;
                continue;
            }
            if self.peek(0) == Some('-') && self.peek(1).is_some_and(|e| e != ']') {
                let end = self.peek(1).unwrap_or(c);
                self.pos += 2;
                if end < c {
                    return Err("Invalid range end");
                }
                ranges.push((c, end));
            } else {
                ranges.push((c, c));
            }
        }
    }
}

fn is_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

/// The test behind `[:name:]`.
pub fn class(name: &str) -> Option<fn(char) -> bool> {
    Some(match name {
        "alpha" => char::is_alphabetic,
        "digit" => |c| c.is_ascii_digit(),
        "alnum" => char::is_alphanumeric,
        "upper" => char::is_uppercase,
        "lower" => char::is_lowercase,
        "space" => char::is_whitespace,
        "blank" => |c| c == ' ' || c == '\t',
        "punct" => |c| c.is_ascii_punctuation(),
        "cntrl" => char::is_control,
        "xdigit" => |c| c.is_ascii_hexdigit(),
        "print" => |c| !c.is_control(),
        "graph" => |c| !c.is_control() && !c.is_whitespace(),
        _ => return None,
    })
}

impl Regex {
    pub fn new(pattern: &str, syntax: Syntax, ignore_case: bool) -> Result<Self> {
        let chars: Vec<char> = pattern.chars().collect();
        let mut compiler =
            Compiler { chars: &chars, pos: 0, extended: syntax == Syntax::Extended, groups: 0, depth: 0 };
        let ast = if syntax == Syntax::Fixed {
            Ast::Cat(chars.iter().map(|c| Ast::Set(Set::One(*c))).collect())
        } else {
            compiler.alternatives()?
        };
        if compiler.pos < chars.len() && syntax != Syntax::Fixed {
            return Err("Unmatched ) or \\)");
        }
        let mut re = Self { program: Vec::new(), groups: compiler.groups + 1, ignore_case };
        re.emit(&Ast::Group(Box::new(ast), 0))?;
        re.program.push(Inst::Match);
        Ok(re)
    }

    fn emit(&mut self, ast: &Ast) -> Result<()> {
        if self.program.len() > PROGRAM_MAX {
            return Err("Regular expression too big");
        }
        match ast {
            Ast::Empty => {}
            Ast::Set(s) => self.program.push(Inst::Set(s.clone())),
            Ast::Start => self.program.push(Inst::Start),
            Ast::End => self.program.push(Inst::End),
            Ast::Edge(c) => self.program.push(Inst::Edge(*c)),
            Ast::Cat(all) => all.iter().try_for_each(|a| self.emit(a))?,
            Ast::Group(inner, n) => {
                self.program.push(Inst::Save(n * 2));
                self.emit(inner)?;
                self.program.push(Inst::Save(n * 2 + 1));
            }
            Ast::Alt(all) => {
                let mut ends = Vec::new();
                for (i, a) in all.iter().enumerate() {
                    if i + 1 < all.len() {
                        let split = self.program.len();
                        self.program.push(Inst::Match);
                        self.emit(a)?;
                        ends.push(self.program.len());
                        self.program.push(Inst::Match);
                        self.program[split] = Inst::Split(split + 1, self.program.len());
                    } else {
                        self.emit(a)?;
                    }
                }
                let end = self.program.len();
                ends.into_iter().for_each(|i| self.program[i] = Inst::Jump(end));
            }
            Ast::Repeat(inner, min, max) => {
                for _ in 0..*min {
                    self.emit(inner)?;
                }
                match max {
                    None => {
                        let split = self.program.len();
                        self.program.push(Inst::Match);
                        self.emit(inner)?;
                        self.program.push(Inst::Jump(split));
                        self.program[split] = Inst::Split(split + 1, self.program.len());
                    }
                    Some(max) => {
                        let mut splits = Vec::new();
                        for _ in *min..*max {
                            splits.push(self.program.len());
                            self.program.push(Inst::Match);
                            self.emit(inner)?;
                        }
                        let end = self.program.len();
                        splits.into_iter().for_each(|i| self.program[i] = Inst::Split(i + 1, end));
                    }
                }
            }
        }
        Ok(())
    }

    pub fn is_match(&self, text: &str) -> bool {
        let chars: Vec<char> = text.chars().collect();
        self.find(&chars, 0).is_some()
    }

    /// The first match at or after `from`.
    pub fn find(&self, text: &[char], from: usize) -> Option<Captures> {
        let mut threads: Vec<(usize, Captures2)> = Vec::new();
        let mut best: Option<Captures2> = None;
        let mut seen = vec![usize::MAX; self.program.len()];
        let empty: Captures2 = vec![usize::MAX; self.groups * 2];
        let mut at = from;
        loop {
            if best.is_none() {
                self.follow(0, empty.clone(), text, at, &mut threads, &mut seen);
            }
            let mut next = Vec::new();
            let mut seen_next = vec![usize::MAX; self.program.len()];
            for (pc, caps) in core::mem::take(&mut threads) {
                match &self.program[pc] {
                    Inst::Match => {
                        // Leftmost first, then longest.
                        let better = best.as_ref().is_none_or(|b| caps[0] < b[0] || caps[0] == b[0] && caps[1] > b[1]);
                        if better {
                            best = Some(caps);
                        }
                    }
                    Inst::Set(set) => {
                        let fits = text.get(at).is_some_and(|c| self.fits(set, *c));
                        let late = best.as_ref().is_some_and(|b| caps[0] > b[0]);
                        if fits && !late {
                            self.follow(pc + 1, caps, text, at + 1, &mut next, &mut seen_next);
                        }
                    }
                    _ => {}
                }
            }
            at += 1;
            if at > text.len() || (next.is_empty() && best.is_some()) {
                // What is left may hold a match that ends here.
                for (pc, caps) in next {
                    if matches!(self.program[pc], Inst::Match)
                        && best.as_ref().is_none_or(|b| caps[0] < b[0] || caps[0] == b[0] && caps[1] > b[1])
                    {
                        best = Some(caps);
                    }
                }
                break;
            }
            threads = next;
            seen = seen_next;
        }
        let best = best?;
        Some(best.chunks(2).map(|p| (p[0] != usize::MAX && p[1] != usize::MAX).then(|| (p[0], p[1]))).collect())
    }

    fn fits(&self, set: &Set, c: char) -> bool {
        if self.ignore_case && c.is_alphabetic() {
            let lower = c.to_lowercase().next().unwrap_or(c);
            let upper = c.to_uppercase().next().unwrap_or(c);
            return in_set(set, lower) || in_set(set, upper);
        }
        in_set(set, c)
    }

    /// Adds a thread and all it reaches without consuming, each instruction once a position.
    fn follow(
        &self,
        pc: usize,
        caps: Captures2,
        text: &[char],
        at: usize,
        out: &mut Vec<(usize, Captures2)>,
        seen: &mut [usize],
    ) {
        let mut stack = vec![(pc, caps)];
        while let Some((pc, mut caps)) = stack.pop() {
            if seen[pc] == at {
                continue;
            }
            seen[pc] = at;
            match &self.program[pc] {
                Inst::Jump(to) => stack.push((*to, caps)),
                Inst::Split(a, b) => {
                    stack.push((*b, caps.clone()));
                    stack.push((*a, caps));
                }
                Inst::Save(n) => {
                    caps[*n] = at;
                    stack.push((pc + 1, caps));
                }
                Inst::Start if at == 0 => stack.push((pc + 1, caps)),
                Inst::End if at == text.len() => stack.push((pc + 1, caps)),
                Inst::Edge(kind) => {
                    let before = at > 0 && is_word(text[at - 1]);
                    let after = text.get(at).is_some_and(|c| is_word(*c));
                    let holds = match kind {
                        'b' => before != after,
                        'B' => before == after,
                        '<' => !before && after,
                        _ => before && !after,
                    };
                    if holds {
                        stack.push((pc + 1, caps));
                    }
                }
                Inst::Set(_) | Inst::Match => out.push((pc, caps)),
                Inst::Start | Inst::End => {}
            }
        }
    }
}

type Captures2 = Vec<usize>;

fn in_set(set: &Set, c: char) -> bool {
    match set {
        Set::Any => true,
        Set::One(one) => *one == c,
        Set::Of(ranges, classes, negated) => {
            (ranges.iter().any(|(a, b)| (*a..=*b).contains(&c)) || classes.iter().any(|f| f(c))) != *negated
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_leftmost_longest() {
        let check = |pattern: &str, syntax, text: &str, want: Option<&str>| {
            let re = Regex::new(pattern, syntax, false).unwrap();
            let chars: Vec<char> = text.chars().collect();
            let got = re.find(&chars, 0).map(|c| chars[c[0].unwrap().0..c[0].unwrap().1].iter().collect::<String>());
            assert_eq!(got.as_deref(), want, "{pattern} on {text}");
        };
        use Syntax::{Basic, Extended};
        check("b*", Basic, "abbb", Some(""));
        check("bb*", Basic, "abbb", Some("bbb"));
        check("a|ab|abc", Extended, "xabcd", Some("abc"));
        check("[0-9]+", Extended, "ab12cd345", Some("12"));
        check("^a.c$", Basic, "abc", Some("abc"));
        check("^a.c$", Basic, "abcd", None);
        check("a\\{2,3\\}", Basic, "aaaa", Some("aaa"));
        check("(x|y){2}z", Extended, "xyz", Some("xyz"));
        check("[[:space:]]\\+", Basic, "a  b", Some("  "));
        check("\\bfoo\\b", Basic, "a foo b", Some("foo"));
        check("α+", Extended, "βααγ", Some("αα"));
        check("a+b", Basic, "aab a+b", Some("a+b"));
    }
}
