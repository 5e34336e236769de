//! Sets of completion indexes as a job's status writes them: `1,3-5,7`.

use std::collections::BTreeSet;

pub fn parse(text: &str) -> BTreeSet<i32> {
    let mut out = BTreeSet::new();
    for part in text.split(',').filter(|p| !p.is_empty()) {
        let (first, last) = part.split_once('-').unwrap_or((part, part));
        if let (Ok(first), Ok(last)) = (first.parse::<i32>(), last.parse::<i32>()) {
            out.extend(first..=last);
        }
    }
    out
}

/// Two neighbours stand side by side, three and more as a range.
pub fn format(set: &BTreeSet<i32>) -> String {
    let mut runs: Vec<(i32, i32)> = Vec::new();
    for i in set {
        match runs.last_mut() {
            Some((_, last)) if *last + 1 == *i => *last = *i,
            _ => runs.push((*i, *i)),
        }
    }
    let texts: Vec<String> = runs
        .iter()
        .map(|(first, last)| match last - first {
            0 => first.to_string(),
            1 => format!("{first},{last}"),
            _ => format!("{first}-{last}"),
        })
        .collect();
    texts.join(",")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_again() {
        for text in ["", "0", "0,1", "0-5", "1,3-5,7", "0,1,3,4,6-9"] {
            assert_eq!(format(&parse(text)), text);
        }
    }
}
