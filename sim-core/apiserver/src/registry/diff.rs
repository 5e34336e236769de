//! A unified diff of two texts, as Go's API server prints it.
//!
//! Models: go-difflib, which is Python's difflib: longest matching block first, then left and right of it. Lines that
//! are very frequent are no anchors.

use apimachinery::order::Order as _;
use core::ops::Range;
use std::collections::BTreeMap;

const CONTEXT: usize = 3;
/// From this length on, lines that make up more than a hundredth of the text are no anchors.
const POPULAR_FROM: usize = 200;

#[derive(Clone)]
struct Step {
    equal: bool,
    a: Range<usize>,
    b: Range<usize>,
}

/// Lines carry their newlines. The empty text if there is no difference.
pub fn unified(a: &[String], b: &[String]) -> String {
    let mut out = String::new();
    for group in groups(steps(a, b)) {
        let (Some(first), Some(last)) = (group.first(), group.last()) else { continue };
        out.push_str("@@ -");
        out.push_str(&range(first.a.start..last.a.end));
        out.push_str(" +");
        out.push_str(&range(first.b.start..last.b.end));
        out.push_str(" @@\n");
        for step in &group {
            let sides: [(char, &[String]); 2] = if step.equal {
                [(' ', &a[step.a.clone()]), (' ', &[])]
            } else {
                [('-', &a[step.a.clone()]), ('+', &b[step.b.clone()])]
            };
            for (mark, lines) in sides {
                for line in lines {
                    out.push(mark);
                    out.push_str(line);
                }
            }
        }
    }
    out
}

fn range(r: Range<usize>) -> String {
    match r.len() {
        1 => (r.start + 1).to_string(),
        0 => format!("{},0", r.start),
        n => format!("{},{n}", r.start + 1),
    }
}

fn steps(a: &[String], b: &[String]) -> Vec<Step> {
    let mut positions: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
    for (j, line) in b.iter().enumerate() {
        positions.entry(line).or_default().push(j);
    }
    if b.len() >= POPULAR_FROM {
        let most = b.len() / 100 + 1;
        positions.retain(|_, at| at.len() <= most);
    }
    let mut blocks: Vec<(usize, usize, usize)> = Vec::new();
    let mut open = vec![(0..a.len(), 0..b.len())];
    while let Some((ra, rb)) = open.pop() {
        let (i, j, n) = longest(a, b, &positions, &ra, &rb);
        if n > 0 {
            blocks.push((i, j, n));
            open.push((ra.start..i, rb.start..j));
            open.push((i + n..ra.end, j + n..rb.end));
        }
    }
    blocks.order();
    blocks.push((a.len(), b.len(), 0));
    let mut out: Vec<Step> = Vec::new();
    let (mut i, mut j) = (0, 0);
    for (bi, bj, n) in blocks {
        if i < bi || j < bj {
            out.push(Step { equal: false, a: i..bi, b: j..bj });
        }
        if n > 0 {
            match out.last_mut() {
                Some(last) if last.equal => {
                    last.a.end = bi + n;
                    last.b.end = bj + n;
                }
                _ => out.push(Step { equal: true, a: bi..bi + n, b: bj..bj + n }),
            }
        }
        (i, j) = (bi + n, bj + n);
    }
    out
}

fn longest(
    a: &[String],
    b: &[String],
    positions: &BTreeMap<&str, Vec<usize>>,
    ra: &Range<usize>,
    rb: &Range<usize>,
) -> (usize, usize, usize) {
    let mut best = (ra.start, rb.start, 0);
    // Length of the match that ends at the line above, by position in b.
    let mut above: BTreeMap<usize, usize> = BTreeMap::new();
    for i in ra.clone() {
        let mut here = BTreeMap::new();
        for &j in positions.get(a[i].as_str()).into_iter().flatten().filter(|j| rb.contains(j)) {
            let n = j.checked_sub(1).and_then(|j| above.get(&j)).copied().unwrap_or(0) + 1;
            here.insert(j, n);
            if n > best.2 {
                best = (i + 1 - n, j + 1 - n, n);
            }
        }
        above = here;
    }
    let (mut i, mut j, mut n) = best;
    while i > ra.start && j > rb.start && a[i - 1] == b[j - 1] {
        (i, j, n) = (i - 1, j - 1, n + 1);
    }
    while i + n < ra.end && j + n < rb.end && a[i + n] == b[j + n] {
        n += 1;
    }
    (i, j, n)
}

/// Changes with the lines around them; those near each other together.
fn groups(mut steps: Vec<Step>) -> Vec<Vec<Step>> {
    if steps.iter().all(|s| s.equal) {
        return Vec::new();
    }
    if let Some(first) = steps.first_mut().filter(|s| s.equal) {
        let skip = first.a.len().saturating_sub(CONTEXT);
        first.a.start += skip;
        first.b.start += skip;
    }
    if let Some(last) = steps.last_mut().filter(|s| s.equal) {
        let skip = last.a.len().saturating_sub(CONTEXT);
        last.a.end -= skip;
        last.b.end -= skip;
    }
    let mut out = Vec::new();
    let mut group: Vec<Step> = Vec::new();
    for step in steps {
        if step.equal && step.a.len() > 2 * CONTEXT {
            let (a, b) = (step.a.clone(), step.b.clone());
            group.push(Step { equal: true, a: a.start..a.start + CONTEXT, b: b.start..b.start + CONTEXT });
            out.push(core::mem::take(&mut group));
            group.push(Step { equal: true, a: a.end - CONTEXT..a.end, b: b.end - CONTEXT..b.end });
        } else {
            group.push(step);
        }
    }
    if group.iter().any(|s| !s.equal) {
        out.push(group);
    }
    out
}
