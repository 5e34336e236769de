//! What one terminal tab has printed, kept so that a front end can read on from where it was.
//!
//! The text carries escape sequences as a program writes them; turning it into a screen is the front end's business.
//! Invariant: positions only grow within one epoch; a new epoch (looking back in time, a reset) starts the text anew.

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TabId(pub u32);

/// How much text is kept for a front end that comes late; older text is dropped from the front.
const KEPT_BYTES_MAX: usize = 1 << 20;

#[derive(Clone, Debug, Default)]
pub struct Output {
    text: String,
    /// Position of the first kept byte.
    start: u64,
    epoch: u32,
}

impl Output {
    pub(crate) fn push(&mut self, text: &str) {
        self.text.push_str(text);
        if self.text.len() > 2 * KEPT_BYTES_MAX {
            let mut cut = self.text.len() - KEPT_BYTES_MAX;
            while !self.text.is_char_boundary(cut) {
                cut += 1;
            }
            self.text.drain(..cut);
            self.start += cut as u64;
        }
    }

    /// Changes when the text was replaced rather than continued: read it again from position 0.
    pub fn epoch(&self) -> u32 {
        self.epoch
    }

    /// The position after the last byte.
    pub fn end(&self) -> u64 {
        self.start + self.text.len() as u64
    }

    /// What came after `position` (an earlier [`Output::end`]); all that is kept when that has been dropped.
    pub fn since(&self, position: u64) -> &str {
        let skip = usize::try_from(position.saturating_sub(self.start)).unwrap_or(usize::MAX);
        self.text.get(skip.min(self.text.len())..).unwrap_or(&self.text)
    }
}

#[cfg(test)]
mod tests {
    use super::{KEPT_BYTES_MAX, Output};

    #[test]
    fn reading_goes_on_where_it_stopped() {
        let mut out = Output::default();
        out.push("one ");
        let here = out.end();
        out.push("two");
        assert_eq!(out.since(0), "one two");
        assert_eq!(out.since(here), "two");
        assert_eq!(out.since(out.end()), "");
    }

    #[test]
    fn old_text_is_dropped_but_positions_stay() {
        let mut out = Output::default();
        for _ in 0..3 {
            out.push(&"λ".repeat(KEPT_BYTES_MAX / 2));
        }
        let here = out.end();
        out.push("new");
        assert_eq!(out.since(here), "new");
        assert!(out.since(0).len() <= 2 * KEPT_BYTES_MAX);
    }
}
