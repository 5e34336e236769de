//! Compares a recording with what we print, after normalising what no two clusters share: random suffixes, ages, times,
//! addresses, UIDs, revisions, padding. The rules are those by which two recordings of a real cluster are compared.
//!
//! A change of a rule needs a reason: each hides a difference from us.

use regex::Regex;
use std::sync::LazyLock;

/// Pattern and replacement, applied in order. `^` and `$` match at lines.
const RULES: &[(&str, &str)] = &[
    (r"\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b", "<uid>"),
    (r"\b\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[+-]\d\d:\d\d)", "<time>"),
    (r"\b(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun), \d\d \w{3} \d{4} \d\d:\d\d:\d\d [+-]\d{4}", "<time>"),
    (r"(?:containerd|docker|cri-o|oraclet|kaiki)://[0-9a-z]+", "<cid>"),
    (r"sha256:[0-9a-f]{12,64}", "<sha>"),
    (r"\b[0-9a-f]{64}\b", "<cid>"),
    (r#""uid":"[0-9a-f-]+(?<end>["\n]|$)"#, r#""uid":"<uid>$end"#),
    (r#""continue": ?"\w+""#, r#""continue": <token>"#),
    (r#"^(\s+)"(?:\d+[dhms]){1,2}""#, r#"$1"<age>""#),
    (r"\b[A-Z][a-z]{2} [ \d]\d \d\d:\d\d\b", "<time>"),
    (r"eyJ[\w-]+\.[\w-]+\.[\w-]+", "<jwt>"),
    (r"\b(?:\d{1,3}\.){3}\d{1,3}\b", "<ip>"),
    (r"-[0-9bcdf-hj-np-tv-xz]{8,10}-[0-9bcdf-hj-np-tv-xz]{5}\b", "-<hash>-<rand>"),
    (r"-[456789bcdf][456789bcdf]{7,9}\b", "-<hash>"),
    (r#"(?<key>pod-template-hash[=:"])\s*"?[0-9a-z]{8,10}"#, "$key<hash>"),
    (r"-[bcdf-hj-np-tv-xz2456789]{5}\b", "-<rand>"),
    (r#"\bresourceVersion: "\d+""#, "resourceVersion: <rv>"),
    (r#""resourceVersion": ?"\d+""#, r#""resourceVersion": <rv>"#),
    (r"in \d+(?:\.\d+)?(?:ms|s) \(", "in <dur> ("),
    (r"\((?:\d+(?:\.\d+)?(?:ms|s)) including waiting\)", "(<dur> including waiting)"),
    (r"Image size: \d+ bytes", "Image size: <n> bytes"),
    (r"\b(?:\d+[dhms]){1,2}(?<after> \(x\d+ over| ago|\s|\)|$)", "<age>$after"),
    (r"<age> \(x\d+ over <age>\)", "<age>"),
    (r"<(?:unknown|invalid)>", "<age>"),
    (r"\bv1\.\d\d\.\d+(?:-dispatcher)?\b", "<version>"),
    (r"\bv5\.\d+\.\d+\b", "<version>"),
    (r"/tmp/[\w./-]+", "<tmp>"),
    (r"NodePort: (?<pad>.*?)3\d{4}/", "NodePort: $pad<nodeport>/"),
    (r":3[0-2]\d{3}\b", ":<nodeport>"),
    (r"nodePort: 3[0-2]\d{3}\b", "nodePort: <nodeport>"),
    (r"\b(?:Pid|pid)[ :=]+\d+", "pid <n>"),
    (r":[89]443\b", ":<port>"),
    (r"(?<k>IPv4) [89]443\b", "$k <port>"),
    (r"(?<k>targetPort|port): [89]443\b", "$k: <port>"),
    (r"\b\d{4}-\d\d-\d\d \d\d:\d\d:\d\d(?:\.\d+)? [+-]\d{4}(?: UTC)?", "<time>"),
    // Progress lines: how many there are depends on the moment.
    (r"^(?:Waiting for .*\.\.\.\n)+", "<waiting>\n"),
    (r"[ \t]+", " "),
    (r" +\n", "\n"),
];

static COMPILED: LazyLock<Vec<(Regex, &'static str)>> = LazyLock::new(|| {
    RULES
        .iter()
        .map(|(pattern, to)| (Regex::new(&format!("(?m){pattern}")).expect("the rules above are valid"), *to))
        .collect()
});
static EVENT: LazyLock<Regex> =
    LazyLock::new(|| Regex::new(r"^ ?(?:<age> )?(?:Normal|Warning) ").expect("a valid pattern"));
static LISTING: LazyLock<Regex> = LazyLock::new(|| Regex::new(r"^kubectl (?:get|top) ").expect("a valid pattern"));
static RAW: LazyLock<Regex> = LazyLock::new(|| Regex::new(r"-o ?(?:yaml|json)").expect("a valid pattern"));

/// The text without what differs from run to run.
pub fn normalise(text: &str, command: &str) -> String {
    let mut text = text.to_owned();
    for (pattern, to) in COMPILED.iter() {
        text = pattern.replace_all(&text, *to).into_owned();
    }
    let (mut lines, mut events): (Vec<&str>, Vec<&str>) = (Vec::new(), Vec::new());
    // Events of one moment come in any order, aggregated or not.
    for line in text.trim().split('\n').chain([""]) {
        if EVENT.is_match(line) {
            events.push(line);
        } else {
            events.sort_unstable();
            events.dedup();
            lines.append(&mut events);
            lines.push(line);
        }
    }
    // Evictions run side by side; rows of randomly named objects are ordered by those names.
    let random = text.contains("<hash>") || text.contains("<rand>");
    if command.starts_with("kubectl drain ") || LISTING.is_match(command) && random && !RAW.is_match(command) {
        lines.sort_unstable();
    }
    lines.join("\n").trim().to_owned()
}

/// What one command printed.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Said {
    pub stdout: String,
    pub stderr: String,
    pub rc: i64,
}

/// `None` when both say the same; else a readable difference.
pub fn difference(command: &str, real: &Said, ours: &Said) -> Option<String> {
    let mut out = String::new();
    for (name, a, b) in [("stdout", &real.stdout, &ours.stdout), ("stderr", &real.stderr, &ours.stderr)] {
        let (a, b) = (normalise(a, command), normalise(b, command));
        if a != b {
            out.push_str(&format!("    {name}:\n"));
            let (left, right): (Vec<&str>, Vec<&str>) = (a.lines().collect(), b.lines().collect());
            for line in diff(&left, &right) {
                out.push_str(&format!("      {line}\n"));
            }
        }
    }
    if (real.rc == 0) != (ours.rc == 0) {
        out.push_str(&format!("    exit code: real {}, ours {}\n", real.rc, ours.rc));
    }
    (!out.is_empty()).then_some(out)
}

/// Changed lines only, by longest common subsequence; very long texts are cut.
fn diff<'a>(a: &[&'a str], b: &[&'a str]) -> Vec<String> {
    let (a, b) = (&a[..a.len().min(400)], &b[..b.len().min(400)]);
    let mut table = vec![vec![0u16; b.len() + 1]; a.len() + 1];
    for i in (0..a.len()).rev() {
        for j in (0..b.len()).rev() {
            table[i][j] = if a[i] == b[j] { table[i + 1][j + 1] + 1 } else { table[i + 1][j].max(table[i][j + 1]) };
        }
    }
    let (mut i, mut j, mut out) = (0, 0, Vec::new());
    while i < a.len() || j < b.len() {
        if i < a.len() && j < b.len() && a[i] == b[j] {
            (i, j) = (i + 1, j + 1);
        } else if j >= b.len() || i < a.len() && table[i + 1][j] >= table[i][j + 1] {
            out.push(format!("-{}", a[i]));
            i += 1;
        } else {
            out.push(format!("+{}", b[j]));
            j += 1;
        }
    }
    out.truncate(60);
    out
}

#[cfg(test)]
mod tests {
    use super::normalise;

    #[test]
    fn what_differs_from_run_to_run_is_taken_out() {
        for (text, want) in [
            ("nginx-cb69f686c-klqbg   1/1  Running 0  24s", "nginx-<hash>-<rand> 1/1 Running 0 <age>"),
            ("frontend  ClusterIP   10.96.12.3  <none>  80/TCP   5s", "frontend ClusterIP <ip> <none> 80/TCP <age>"),
            ("web-5d4f8c7b9 x", "web-<hash> x"),
            ("uid: 7eea4a83-cbe1-41cc-9876-05338e3a4382", "uid: <uid>"),
            ("a 3m2s (x4 over 5m)", "a <age>"),
        ] {
            assert_eq!(normalise(text, "kubectl get x -o yaml"), want);
        }
    }
}
