//! Scenarios: command lines as a learner types them, with a few directives between them.
//!
//! One shell command a line (here-documents run to their end mark). `# nodes: 3`, `# sleep N`, `# wait: ARGS` (a
//! `kubectl wait` till it succeeds), `# wait-cmd: CMD` (a command till it succeeds). All commands run in one bash.

/// One step of a scenario.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    Command {
        text: String,
        line: usize,
    },
    SleepMs(u64),
    /// A command that is tried till it succeeds.
    Until {
        text: String,
        label: String,
    },
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Scenario {
    pub nodes: u32,
    pub steps: Vec<Step>,
}

/// Reads a scenario's text.
pub fn parse(text: &str) -> Scenario {
    let mut scenario = Scenario { nodes: 1, steps: Vec::new() };
    let lines: Vec<&str> = text.lines().collect();
    let mut i = 0;
    while i < lines.len() {
        let (line, number) = (lines[i], i + 1);
        i += 1;
        if let Some(directive) = line.strip_prefix("# ") {
            if let Some(n) = directive.strip_prefix("nodes:") {
                scenario.nodes = n.trim().parse().unwrap_or(1);
            } else if let Some(s) = directive.strip_prefix("sleep ") {
                let seconds: f64 = s.trim().parse().unwrap_or(0.0);
                scenario.steps.push(Step::SleepMs((seconds * 1000.0) as u64));
            } else if let Some(args) = directive.strip_prefix("wait: ") {
                let text = format!("kubectl wait --timeout=1s {args}");
                scenario.steps.push(Step::Until { text, label: args.to_owned() });
            } else if let Some(command) = directive.strip_prefix("wait-cmd: ") {
                scenario.steps.push(Step::Until { text: command.to_owned(), label: command.to_owned() });
            }
            continue;
        }
        if line.trim().is_empty() || line.starts_with('#') {
            continue;
        }
        let mut command = vec![line];
        for end in here_document_ends(line) {
            while i < lines.len() {
                command.push(lines[i]);
                i += 1;
                if command.last().is_some_and(|l| l.trim_start_matches('\t') == end) {
                    break;
                }
            }
        }
        scenario.steps.push(Step::Command { text: command.join("\n"), line: number });
    }
    scenario
}

/// The end marks of the here-documents that a line opens.
fn here_document_ends(line: &str) -> Vec<String> {
    let mut out = Vec::new();
    let mut rest = line;
    while let Some(i) = rest.find("<<") {
        rest = &rest[i + 2..];
        if let Some(after) = rest.strip_prefix('<') {
            rest = after;
            continue;
        }
        let word = rest.trim_start_matches('-').trim_start();
        let mark: String = word
            .trim_start_matches(['\'', '"', '\\'])
            .chars()
            .take_while(|c| c.is_alphanumeric() || *c == '_')
            .collect();
        if !mark.is_empty() {
            out.push(mark);
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::{Step, parse};

    #[test]
    fn here_documents_stay_with_their_command() {
        let s = parse("# nodes: 3\ncat > a <<'EOF'\nx\n# y\nEOF\n# sleep 2\necho hi <<< a\n");
        assert_eq!(s.nodes, 3);
        assert_eq!(
            s.steps,
            [
                Step::Command { text: "cat > a <<'EOF'\nx\n# y\nEOF".into(), line: 2 },
                Step::SleepMs(2000),
                Step::Command { text: "echo hi <<< a".into(), line: 7 },
            ]
        );
    }
}
