//! Shell patterns: `*`, `?`, `[…]`, against strings and against the files of a machine.

use crate::fs::Cred;
use crate::machine::Machine;
use crate::regex::class;
use apimachinery::order::Order as _;

/// A character and whether it was quoted (then it stands for itself).
pub type Ch = (char, bool);

pub fn text(chars: &[Ch]) -> String {
    chars.iter().map(|c| c.0).collect()
}

/// A pattern with nothing quoted.
pub fn unquoted(pattern: &str) -> Vec<Ch> {
    let mut out = Vec::new();
    let mut chars = pattern.chars();
    while let Some(c) = chars.next() {
        match c {
            '\\' => out.extend(chars.next().map(|c| (c, true))),
            c => out.push((c, false)),
        }
    }
    out
}

pub fn is_pattern(chars: &[Ch]) -> bool {
    chars.iter().any(|c| !c.1 && matches!(c.0, '*' | '?' | '['))
}

/// Whether the whole of `text` matches. Linear in the number of stars times lengths.
pub fn matches(pattern: &[Ch], text: &[char]) -> bool {
    let (mut p, mut t) = (0, 0);
    let mut back: Option<(usize, usize)> = None;
    loop {
        if let Some((c, quoted)) = pattern.get(p).copied() {
            if c == '*' && !quoted {
                back = Some((p + 1, t));
                p += 1;
                continue;
            }
            if let Some(x) = text.get(t) {
                let (hit, width) = one(&pattern[p..], *x);
                if hit {
                    p += width;
                    t += 1;
                    continue;
                }
            }
        } else if t == text.len() {
            return true;
        }
        match back {
            Some((bp, bt)) if bt < text.len() => {
                back = Some((bp, bt + 1));
                (p, t) = (bp, bt + 1);
            }
            _ => return false,
        }
    }
}

/// Whether the pattern's first element takes `x`, and how many characters of the pattern it is.
fn one(pattern: &[Ch], x: char) -> (bool, usize) {
    match pattern[0] {
        ('?', false) => (true, 1),
        ('[', false) => {
            let mut i = 1;
            let negated = matches!(pattern.get(1), Some(('!' | '^', false)));
            if negated {
                i += 1;
            }
            let start = i;
            let mut hit = false;
            loop {
                let Some(&(c, quoted)) = pattern.get(i) else { return (x == '[', 1) };
                if c == ']' && !quoted && i > start {
                    return (hit != negated, i + 1);
                }
                if c == '[' && matches!(pattern.get(i + 1), Some((':', _))) {
                    let rest: String = pattern[i + 2..].iter().take(10).map(|c| c.0).collect();
                    if let Some((name, _)) = rest.split_once(":]") {
                        hit |= class(name).is_some_and(|f| f(x));
                        i += name.len() + 4;
                        continue;
                    }
                }
                match (pattern.get(i + 1), pattern.get(i + 2)) {
                    (Some(('-', false)), Some(&(end, _))) if end != ']' => {
                        hit |= (c..=end).contains(&x);
                        i += 3;
                    }
                    _ => {
                        hit |= c == x;
                        i += 1;
                    }
                }
            }
        }
        (c, _) => (c == x, 1),
    }
}

const MATCHES_MAX: usize = 10_000;

/// The files that match, sorted; empty if none do.
pub fn glob(machine: &Machine, cred: &Cred, cwd: &str, pattern: &[Ch]) -> Vec<String> {
    let absolute = pattern.first().is_some_and(|c| c.0 == '/');
    let mut found = vec![if absolute { "/".to_owned() } else { String::new() }];
    let parts: Vec<&[Ch]> = pattern.split(|c| c.0 == '/').filter(|p| !p.is_empty()).collect();
    for (i, part) in parts.iter().enumerate() {
        let mut next = Vec::new();
        for base in &found {
            let dir = if absolute { base.clone() } else { format!("{cwd}/{base}") };
            if !is_pattern(part) {
                let path = format!("{base}{}", text(part));
                let full = if absolute { path.clone() } else { format!("{cwd}/{path}") };
                if machine.fs.lstat(cred, &full).is_ok() {
                    next.push(path);
                }
                continue;
            }
            for (name, _) in machine.fs.list(cred, &dir).unwrap_or_default() {
                let hidden = name.starts_with('.') && part[0].0 != '.';
                if !hidden && next.len() < MATCHES_MAX && matches(part, &name.chars().collect::<Vec<_>>()) {
                    next.push(format!("{base}{name}"));
                }
            }
        }
        let more = i + 1 < parts.len() || pattern.last().is_some_and(|c| c.0 == '/');
        if more {
            next.retain(|p| {
                machine
                    .fs
                    .stat(cred, &if absolute { p.clone() } else { format!("{cwd}/{p}") })
                    .is_ok_and(|s| s.is_dir())
            });
            next.iter_mut().for_each(|p| p.push('/'));
        }
        found = next;
    }
    found.order_by(|a, b| super::vars::collate(a, b));
    found
}
