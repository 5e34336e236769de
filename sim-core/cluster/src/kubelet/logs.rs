//! A container's log: what it wrote, line by line, bounded.

use apimachinery::time::Time;
use std::collections::VecDeque;
use std::sync::Arc;

/// Bytes kept of one container run; the kubelet's default rotates at 10 MiB, a browser tab has less to spare.
const LOG_BYTES_MAX: usize = 1 << 20;

#[derive(Clone, Debug, PartialEq)]
pub struct Line {
    pub at: Time,
    pub stderr: bool,
    /// Without the newline, unless `partial`.
    pub text: String,
}

/// Lines are shared between clones of the world; only the newest block is copied when written to.
#[derive(Clone, Default)]
pub struct Log {
    lines: Option<Arc<VecDeque<Line>>>,
    bytes: usize,
    /// How many lines have been dropped from the front.
    dropped: usize,
}

impl Log {
    pub fn push(&mut self, line: Line) {
        self.bytes += line.text.len() + 1;
        let lines = Arc::make_mut(self.lines.get_or_insert_with(Arc::default));
        lines.push_back(line);
        while self.bytes > LOG_BYTES_MAX
            && let Some(old) = lines.pop_front()
        {
            self.bytes -= old.text.len() + 1;
            self.dropped += 1;
        }
    }

    /// Splits written bytes into lines; the rest without a newline is a line of its own at once.
    pub fn write(&mut self, at: Time, stderr: bool, bytes: &[u8]) {
        let text = String::from_utf8_lossy(bytes);
        for line in text.split_inclusive('\n') {
            self.push(Line { at, stderr, text: line.trim_end_matches('\n').to_owned() });
        }
    }

    pub fn lines(&self) -> impl DoubleEndedIterator<Item = &Line> {
        self.lines.iter().flat_map(|l| l.iter())
    }

    /// Number of lines ever written: the cursor of someone who follows.
    pub fn written(&self) -> usize {
        self.dropped + self.lines.as_ref().map_or(0, |l| l.len())
    }

    /// Lines from cursor `from` on.
    pub fn after(&self, from: usize) -> impl Iterator<Item = &Line> {
        self.lines().skip(from.saturating_sub(self.dropped))
    }

    pub fn is_empty(&self) -> bool {
        self.written() == 0
    }
}
