//! Dockerfiles: lines with continuations and comments into instructions, with BuildKit's errors.

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Instruction {
    /// Upper case.
    pub name: String,
    /// What follows, continuations joined.
    pub rest: String,
    /// Flags such as `--from=build`, without the dashes.
    pub flags: Vec<(String, String)>,
    pub line: usize,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    pub line: usize,
    pub message: String,
}

const NAMES: &[&str] = &[
    "ADD",
    "ARG",
    "CMD",
    "COPY",
    "ENTRYPOINT",
    "ENV",
    "EXPOSE",
    "FROM",
    "HEALTHCHECK",
    "LABEL",
    "MAINTAINER",
    "ONBUILD",
    "RUN",
    "SHELL",
    "STOPSIGNAL",
    "USER",
    "VOLUME",
    "WORKDIR",
];

pub fn parse(text: &str) -> Result<Vec<Instruction>, Problem> {
    let mut out: Vec<Instruction> = Vec::new();
    let mut lines = text.lines().enumerate();
    while let Some((i, line)) = lines.next() {
        let mut whole = line.trim().to_owned();
        if whole.is_empty() || whole.starts_with('#') {
            continue;
        }
        while whole.ends_with('\\') {
            whole.pop();
            let Some((_, next)) = lines.next() else { break };
            if !next.trim().starts_with('#') {
                whole.push_str(next.trim());
            }
            whole = whole.trim_end().to_owned() + if whole.ends_with('\\') { "" } else { " " };
            whole = whole.trim_end_matches(' ').to_owned();
        }
        let (name, rest) = whole.split_once(char::is_whitespace).unwrap_or((&whole, ""));
        let name = name.to_ascii_uppercase();
        if !NAMES.contains(&name.as_str()) {
            let hint = closest(&name).map(|n| format!(" (did you mean {n}?)")).unwrap_or_default();
            let typed = whole.split_whitespace().next().unwrap_or_default();
            return Err(Problem { line: i + 1, message: format!("unknown instruction: {typed}{hint}") });
        }
        let mut rest = rest.trim();
        let mut flags = Vec::new();
        while let Some(flag) = rest.strip_prefix("--") {
            let (flag, after) = flag.split_once(char::is_whitespace).unwrap_or((flag, ""));
            let (n, v) = flag.split_once('=').unwrap_or((flag, ""));
            flags.push((n.to_owned(), v.to_owned()));
            rest = after.trim_start();
        }
        if rest.is_empty() {
            return Err(Problem { line: i + 1, message: format!("{name} requires at least one argument") });
        }
        let allowed_first = name == "FROM" || name == "ARG";
        if out.is_empty() && !allowed_first {
            return Err(Problem { line: i + 1, message: "no build stage in current context".to_owned() });
        }
        out.push(Instruction { name, rest: rest.to_owned(), flags, line: i + 1 });
    }
    if !out.iter().any(|i| i.name == "FROM") {
        return Err(Problem { line: 0, message: "the Dockerfile cannot be empty".to_owned() });
    }
    Ok(out)
}

fn closest(name: &str) -> Option<&'static str> {
    NAMES.iter().copied().find(|n| distance(n, name) <= 2)
}

/// Levenshtein's distance of two short words.
fn distance(a: &str, b: &str) -> usize {
    let b: Vec<u8> = b.bytes().take(32).collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.bytes().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, y) in b.iter().enumerate() {
            let cost = diagonal + usize::from(x != *y);
            diagonal = row[j + 1];
            row[j + 1] = cost.min(row[j] + 1).min(diagonal + 1);
        }
    }
    row[b.len()]
}

/// `["nginx", "-g"]` as words; anything else as a shell's command line.
pub fn command(rest: &str) -> Vec<String> {
    match serde_json::from_str::<Vec<String>>(rest) {
        Ok(words) => words,
        Err(_) => vec!["/bin/sh".into(), "-c".into(), rest.to_owned()],
    }
}

/// `A=1 B="two words"`, or the old form `A 1`.
pub fn pairs(rest: &str) -> Vec<(String, String)> {
    let words = words(rest);
    if !words.first().is_some_and(|w| w.contains('=')) {
        let (name, value) = rest.split_once(char::is_whitespace).unwrap_or((rest, ""));
        return vec![(name.to_owned(), value.trim().to_owned())];
    }
    words.iter().filter_map(|w| w.split_once('=')).map(|(n, v)| (n.to_owned(), v.to_owned())).collect()
}

pub fn words(text: &str) -> Vec<String> {
    let (mut out, mut word, mut quote, mut open) = (Vec::new(), String::new(), None, false);
    for c in text.chars() {
        match (quote, c) {
            (Some(q), c) if q == c => quote = None,
            (Some(_), c) => word.push(c),
            (None, '"' | '\'') => (quote, open) = (Some(c), true),
            (None, c) if c.is_whitespace() => {
                if open || !word.is_empty() {
                    out.push(std::mem::take(&mut word));
                }
                open = false;
            }
            (None, c) => word.push(c),
        }
    }
    if open || !word.is_empty() {
        out.push(word);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn instructions_are_read() {
        let text = "# base\nFROM nginx:1.21.6 AS web\nRUN echo a && \\\n    echo b\ncopy --from=x . /srv\n";
        let got: Vec<(String, String)> =
            parse(text).unwrap_or_default().into_iter().map(|i| (i.name, i.rest)).collect();
        let want = [("FROM", "nginx:1.21.6 AS web"), ("RUN", "echo a &&echo b"), ("COPY", ". /srv")];
        assert_eq!(got.len(), 3);
        assert_eq!((got[0].0.as_str(), got[0].1.as_str()), want[0]);
        assert!(got[1].1.starts_with("echo a &&") && got[1].1.ends_with("echo b"));
        assert_eq!((got[2].0.as_str(), got[2].1.as_str()), want[2]);
    }

    #[test]
    fn mistakes_are_named() {
        let message = |t: &str| parse(t).err().map(|p| p.message).unwrap_or_default();
        assert_eq!(message("FROM a\nRUUN x"), "unknown instruction: RUUN (did you mean RUN?)");
        assert_eq!(message("RUN x"), "no build stage in current context");
        assert_eq!(message(""), "the Dockerfile cannot be empty");
    }
}
