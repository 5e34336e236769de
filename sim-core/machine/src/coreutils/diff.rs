//! `diff`: normal and unified output, -q, -r not.

use super::options::parse_or_tell;
use crate::process::Ctx;

const CELLS_MAX: usize = 4_000_000;

/// One stretch where the files differ: lines `a` of the first against lines `b` of the second.
struct Hunk {
    a: (usize, usize),
    b: (usize, usize),
}

/// Longest common subsequence by dynamic programming on what is between the common head and tail.
fn hunks(a: &[&str], b: &[&str]) -> Vec<Hunk> {
    let head = a.iter().zip(b).take_while(|(x, y)| x == y).count();
    let tail = a[head..].iter().rev().zip(b[head..].iter().rev()).take_while(|(x, y)| x == y).count();
    let (x, y) = (&a[head..a.len() - tail], &b[head..b.len() - tail]);
    if x.is_empty() && y.is_empty() {
        return Vec::new();
    }
    if (x.len() + 1) * (y.len() + 1) > CELLS_MAX {
        return vec![Hunk { a: (head, a.len() - tail), b: (head, b.len() - tail) }];
    }
    let width = y.len() + 1;
    let mut table = vec![0u32; (x.len() + 1) * width];
    for i in (0..x.len()).rev() {
        for j in (0..y.len()).rev() {
            table[i * width + j] = if x[i] == y[j] {
                table[(i + 1) * width + j + 1] + 1
            } else {
                table[(i + 1) * width + j].max(table[i * width + j + 1])
            };
        }
    }
    let (mut i, mut j) = (0, 0);
    let mut out: Vec<Hunk> = Vec::new();
    while i < x.len() || j < y.len() {
        if i < x.len() && j < y.len() && x[i] == y[j] {
            (i, j) = (i + 1, j + 1);
            continue;
        }
        let (from_i, from_j) = (i, j);
        while (i < x.len() || j < y.len()) && !(i < x.len() && j < y.len() && x[i] == y[j]) {
            let down = i < x.len() && (j == y.len() || table[(i + 1) * width + j] >= table[i * width + j + 1]);
            if down {
                i += 1;
            } else {
                j += 1;
            }
        }
        out.push(Hunk { a: (head + from_i, head + i), b: (head + from_j, head + j) });
    }
    out
}

pub fn run(ctx: &mut Ctx<'_>, args: &[String]) -> i32 {
    let long = [("unified", 'u'), ("brief", 'q'), ("ignore-all-space", 'w')];
    let Some(o) = parse_or_tell(ctx, "diff", args, "uqwbBNs", &long) else { return 2 };
    let [first, second] = o.operands.as_slice() else {
        ctx.err("diff: missing operand\ndiff: Try 'diff --help' for more information.\n");
        return 2;
    };
    let mut texts = Vec::new();
    for name in [first, second] {
        match ctx.read_file(name) {
            Ok(bytes) => texts.push(String::from_utf8_lossy(&bytes).into_owned()),
            Err(e) => {
                ctx.err(&format!("diff: {name}: {}\n", e.message()));
                return 2;
            }
        }
    }
    if texts[0] == texts[1] {
        if o.has('s') {
            ctx.out(&format!("Files {first} and {second} are identical\n"));
        }
        return 0;
    }
    if o.has('q') {
        ctx.out(&format!("Files {first} and {second} differ\n"));
        return 1;
    }
    let split = |t: &'_ str| -> Vec<String> {
        let bare = t.strip_suffix('\n');
        let mut lines: Vec<String> = bare.unwrap_or(t).split('\n').map(str::to_owned).collect();
        if t.is_empty() {
            lines.clear();
        } else if bare.is_none()
            && let Some(last) = lines.last_mut()
        {
            last.push_str("\n\\ No newline at end of file");
        }
        lines
    };
    let (a, b) = (split(&texts[0]), split(&texts[1]));
    let a: Vec<&str> = a.iter().map(String::as_str).collect();
    let b: Vec<&str> = b.iter().map(String::as_str).collect();
    let hunks = hunks(&a, &b);
    let text = if o.has('u') {
        let time = |name: &str| {
            let mtime = ctx.machine.fs.stat(&ctx.cred(), &ctx.full(name)).map(|s| s.meta.mtime).unwrap_or_default();
            super::date::format(mtime, "%Y-%m-%d %H:%M:%S.000000000 +0000")
        };
        format!("--- {first}\t{}\n+++ {second}\t{}\n{}", time(first), time(second), unified(&a, &b, &hunks))
    } else {
        normal(&a, &b, &hunks)
    };
    ctx.out(&text);
    1
}

fn normal(a: &[&str], b: &[&str], hunks: &[Hunk]) -> String {
    let mut out = String::new();
    let range = |(from, to): (usize, usize)| match to - from {
        0 => from.to_string(),
        1 => to.to_string(),
        _ => format!("{},{to}", from + 1),
    };
    for h in hunks {
        let kind = match (h.a.1 > h.a.0, h.b.1 > h.b.0) {
            (true, true) => 'c',
            (true, false) => 'd',
            _ => 'a',
        };
        out.push_str(&format!("{}{kind}{}\n", range(h.a), range(h.b)));
        a[h.a.0..h.a.1].iter().for_each(|l| out.push_str(&format!("< {l}\n")));
        if kind == 'c' {
            out.push_str("---\n");
        }
        b[h.b.0..h.b.1].iter().for_each(|l| out.push_str(&format!("> {l}\n")));
    }
    out
}

/// The body of a unified diff, three lines of context.
fn unified(a: &[&str], b: &[&str], hunks: &[Hunk]) -> String {
    const CONTEXT: usize = 3;
    let mut out = String::new();
    let mut i = 0;
    while i < hunks.len() {
        let mut last = i;
        while last + 1 < hunks.len() && hunks[last + 1].a.0 - hunks[last].a.1 <= CONTEXT * 2 {
            last += 1;
        }
        let (first, end) = (&hunks[i], &hunks[last]);
        let from_a = first.a.0.saturating_sub(CONTEXT);
        let from_b = first.b.0 - (first.a.0 - from_a);
        let to_a = (end.a.1 + CONTEXT).min(a.len());
        let to_b = end.b.1 + (to_a - end.a.1);
        let range = |from: usize, to: usize| match to - from {
            0 => format!("{from},0"),
            1 => to.to_string(),
            n => format!("{},{n}", from + 1),
        };
        out.push_str(&format!("@@ -{} +{} @@\n", range(from_a, to_a), range(from_b, to_b)));
        let mut at = from_a;
        for h in &hunks[i..=last] {
            a[at..h.a.0].iter().for_each(|l| out.push_str(&format!(" {l}\n")));
            a[h.a.0..h.a.1].iter().for_each(|l| out.push_str(&format!("-{l}\n")));
            b[h.b.0..h.b.1].iter().for_each(|l| out.push_str(&format!("+{l}\n")));
            at = h.a.1;
        }
        a[at..to_a].iter().for_each(|l| out.push_str(&format!(" {l}\n")));
        i = last + 1;
    }
    out
}
