//! The line being typed: emacs keys, history, incremental search, drawing with escape sequences.
//!
//! Pure: bytes in, events and text to draw out. It knows nothing of files; who uses it finds the completions.
//! Invariant: `cursor` is never beyond the end of the line.

#[derive(Clone, Debug, PartialEq)]
pub enum Event {
    None,
    Line(String),
    /// Ctrl-D on an empty line.
    Eof,
    Interrupt,
    /// Tab: somebody finds candidates and calls [`LineEditor::complete`]. True when Tab was pressed twice.
    Complete(bool),
}

#[derive(Clone, Debug, Default)]
pub struct LineEditor {
    prompt: String,
    line: Vec<char>,
    cursor: usize,
    columns: usize,
    /// Row of the cursor, counted from the prompt's last line.
    row: usize,
    history: Vec<String>,
    /// Which entry of the history is shown; its length means the line being typed.
    at: usize,
    kept: Vec<char>,
    search: Option<String>,
    killed: Vec<char>,
    bytes: Vec<u8>,
    tabbed: bool,
    pasting: bool,
    /// What to draw.
    pub output: String,
}

/// Columns a character takes.
pub fn width(c: char) -> usize {
    match c as u32 {
        0x300..=0x36f | 0x200b..=0x200f | 0xfe00..=0xfe0f => 0,
        0x1100..=0x115f
        | 0x2e80..=0xa4cf
        | 0xac00..=0xd7a3
        | 0xf900..=0xfaff
        | 0xfe30..=0xfe6f
        | 0xff00..=0xff60
        | 0x1f300..=0x1f64f
        | 0x1f900..=0x1f9ff => 2,
        _ => 1,
    }
}

/// Columns of a text, escape sequences left out.
fn text_width(text: &str) -> usize {
    let mut n = 0;
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        if c == '\x1b' {
            for c in chars.by_ref() {
                if c.is_ascii_alphabetic() || c == '\x07' {
                    break;
                }
            }
        } else if !c.is_control() {
            n += width(c);
        }
    }
    n
}

const LINE_CHARS_MAX: usize = 64 << 10;

impl LineEditor {
    /// Begins a line: draws the prompt.
    pub fn begin(&mut self, prompt: &str, columns: u16, history: &[String]) {
        self.line.clear();
        self.cursor = 0;
        self.row = 0;
        self.at = history.len();
        self.history = history.to_vec();
        self.search = None;
        self.tabbed = false;
        self.columns = usize::from(columns).max(2);
        // Lines of the prompt above the last are drawn once.
        let (above, last) = prompt.rsplit_once('\n').map_or(("", prompt), |(a, l)| (a, l));
        if !above.is_empty() {
            self.output.push_str(above);
            self.output.push_str("\r\n");
        }
        last.clone_into(&mut self.prompt);
        self.output.push_str(last);
    }

    pub fn set_columns(&mut self, columns: u16) {
        self.columns = usize::from(columns).max(2);
    }

    /// The text before the cursor, and after.
    pub fn parts(&self) -> (String, String) {
        (self.line[..self.cursor].iter().collect(), self.line[self.cursor..].iter().collect())
    }

    pub fn redraw(&mut self) {
        if self.row > 0 {
            self.output.push_str(&format!("\x1b[{}A", self.row));
        }
        self.output.push_str("\r\x1b[J");
        let (prompt, text, cursor) = match &self.search {
            Some(s) => (format!("(reverse-i-search)`{s}': "), self.line.clone(), self.cursor),
            None => (self.prompt.clone(), self.line.clone(), self.cursor),
        };
        self.output.push_str(&prompt);
        let mut at = text_width(&prompt);
        let mut cursor_at = at;
        for (i, c) in text.iter().enumerate() {
            if i == cursor {
                cursor_at = at;
            }
            let shown = if c.is_control() { '·' } else { *c };
            self.output.push(shown);
            at += width(shown);
        }
        if cursor >= text.len() {
            cursor_at = at;
        }
        if at > 0 && at.is_multiple_of(self.columns) {
            self.output.push_str("\r\n");
        }
        if cursor >= text.len() && !at.is_multiple_of(self.columns) {
            self.row = at / self.columns;
            return;
        }
        let (end_row, row, column) = (at / self.columns, cursor_at / self.columns, cursor_at % self.columns);
        if end_row > row {
            self.output.push_str(&format!("\x1b[{}A", end_row - row));
        }
        self.output.push('\r');
        if column > 0 {
            self.output.push_str(&format!("\x1b[{column}C"));
        }
        self.row = row;
    }

    /// Takes one byte.
    pub fn feed(&mut self, byte: u8) -> Event {
        self.bytes.push(byte);
        if self.bytes[0] == 0x1b {
            return self.escape();
        }
        let complete = match core::str::from_utf8(&self.bytes) {
            Ok(text) => text.chars().next(),
            Err(e) if e.error_len().is_none() && self.bytes.len() < 4 => return Event::None,
            Err(_) => None,
        };
        self.bytes.clear();
        match complete {
            Some(c) => self.key(c),
            None => Event::None,
        }
    }

    fn escape(&mut self) -> Event {
        let sequence = self.bytes[1..].to_vec();
        let finished = match sequence.as_slice() {
            [] | [b'[' | b'O'] => false,
            [b'[', rest @ ..] => rest.last().is_some_and(|b| (0x40..0x7f).contains(b)) || rest.len() > 8,
            _ => true,
        };
        if !finished {
            return Event::None;
        }
        self.bytes.clear();
        if self.search.is_some() {
            self.search = None;
            self.redraw();
        }
        match sequence.as_slice() {
            b"[A" | b"OA" => self.older(),
            b"[B" | b"OB" => self.newer(),
            b"[C" | b"OC" => self.move_to(self.cursor + 1),
            b"[D" | b"OD" => self.move_to(self.cursor.saturating_sub(1)),
            b"[H" | b"OH" | b"[1~" | b"[7~" => self.move_to(0),
            b"[F" | b"OF" | b"[4~" | b"[8~" => self.move_to(self.line.len()),
            b"[3~" => self.delete(self.cursor, self.cursor + 1, false),
            b"[1;5C" | b"[1;3C" | b"f" => self.move_to(self.word_right()),
            b"[1;5D" | b"[1;3D" | b"b" => self.move_to(self.word_left()),
            b"d" => self.delete(self.cursor, self.word_right(), true),
            b"\x7f" | b"\x08" => self.delete(self.word_left(), self.cursor, true),
            b"[200~" => self.pasting = true,
            b"[201~" => self.pasting = false,
            b"." => {
                if let Some(word) = self.history.last().and_then(|l| l.split_whitespace().last()).map(str::to_owned) {
                    self.insert(&word);
                }
            }
            _ => {}
        }
        Event::None
    }

    fn key(&mut self, c: char) -> Event {
        if self.search.is_some() && self.searching(c) {
            return Event::None;
        }
        let tabbed = core::mem::take(&mut self.tabbed);
        match c {
            '\r' | '\n' => {
                self.move_to(self.line.len());
                self.output.push_str("\r\n");
                self.row = 0;
                return Event::Line(self.line.iter().collect());
            }
            '\t' if self.pasting => self.insert("\t"),
            '\t' => {
                self.tabbed = true;
                return Event::Complete(tabbed);
            }
            '\x01' => self.move_to(0),
            '\x02' => self.move_to(self.cursor.saturating_sub(1)),
            '\x03' => {
                self.output.push_str("^C\r\n");
                return Event::Interrupt;
            }
            '\x04' if self.line.is_empty() => return Event::Eof,
            '\x04' => self.delete(self.cursor, self.cursor + 1, false),
            '\x05' => self.move_to(self.line.len()),
            '\x06' => self.move_to(self.cursor + 1),
            '\x08' | '\x7f' => self.delete(self.cursor.saturating_sub(1), self.cursor, false),
            '\x0b' => self.delete(self.cursor, self.line.len(), true),
            '\x0c' => {
                self.output.push_str("\x1b[H\x1b[2J");
                self.row = 0;
                self.redraw();
            }
            '\x0e' => self.newer(),
            '\x10' => self.older(),
            '\x12' => {
                self.search = Some(String::new());
                self.kept.clone_from(&self.line);
                self.at = self.history.len();
                self.redraw();
            }
            '\x14' => self.transpose(),
            '\x15' => self.delete(0, self.cursor, true),
            '\x17' => {
                let mut from = self.cursor;
                while from > 0 && self.line[from - 1].is_whitespace() {
                    from -= 1;
                }
                while from > 0 && !self.line[from - 1].is_whitespace() {
                    from -= 1;
                }
                self.delete(from, self.cursor, true);
            }
            '\x19' => {
                let text: String = self.killed.iter().collect();
                self.insert(&text);
            }
            c if c.is_control() => {}
            c => self.insert(c.encode_utf8(&mut [0; 4])),
        }
        Event::None
    }

    /// A key during incremental search; false when the key ends the search and is to be taken as usual.
    fn searching(&mut self, c: char) -> bool {
        let Some(mut wanted) = self.search.take() else { return false };
        match c {
            '\x07' | '\x03' => {
                self.line.clone_from(&self.kept);
                self.cursor = self.line.len();
                self.redraw();
                return true;
            }
            '\x12' => {
                self.find_older(&wanted, self.at);
            }
            '\x7f' | '\x08' => {
                wanted.pop();
                self.find_older(&wanted, self.history.len());
            }
            c if c.is_control() => {
                self.redraw();
                return false;
            }
            c => {
                wanted.push(c);
                self.find_older(&wanted, (self.at + 1).min(self.history.len()));
            }
        }
        self.search = Some(wanted);
        self.redraw();
        true
    }

    fn find_older(&mut self, wanted: &str, before: usize) {
        if let Some(i) = self.history[..before].iter().rposition(|l| l.contains(wanted)) {
            self.at = i;
            self.line = self.history[i].chars().collect();
            let byte = self.history[i].find(wanted).unwrap_or(0);
            self.cursor = self.history[i][..byte].chars().count();
        }
    }

    pub fn insert(&mut self, text: &str) {
        let new: Vec<char> = text.chars().take(LINE_CHARS_MAX.saturating_sub(self.line.len())).collect();
        let at_end = self.cursor == self.line.len();
        self.line.splice(self.cursor..self.cursor, new.iter().copied());
        self.cursor += new.len();
        let shown = text_width(&self.prompt) + self.line.iter().map(|c| width(*c)).sum::<usize>();
        if at_end && shown < self.columns && new.iter().all(|c| !c.is_control()) {
            self.output.push_str(text);
        } else {
            self.redraw();
        }
    }

    fn delete(&mut self, from: usize, to: usize, keep: bool) {
        let to = to.min(self.line.len());
        if from >= to {
            return;
        }
        let gone: Vec<char> = self.line.drain(from..to).collect();
        if keep {
            self.killed = gone;
        }
        self.cursor = from;
        self.redraw();
    }

    fn transpose(&mut self) {
        if self.cursor > 0 && self.line.len() > 1 {
            let i = self.cursor.min(self.line.len() - 1);
            self.line.swap(i - 1, i);
            self.cursor = i + 1;
            self.redraw();
        }
    }

    fn move_to(&mut self, to: usize) {
        let to = to.min(self.line.len());
        if to != self.cursor {
            self.cursor = to;
            self.redraw();
        }
    }

    fn word_left(&self) -> usize {
        let mut i = self.cursor;
        while i > 0 && !self.line[i - 1].is_alphanumeric() {
            i -= 1;
        }
        while i > 0 && self.line[i - 1].is_alphanumeric() {
            i -= 1;
        }
        i
    }

    fn word_right(&self) -> usize {
        let mut i = self.cursor;
        while i < self.line.len() && !self.line[i].is_alphanumeric() {
            i += 1;
        }
        while i < self.line.len() && self.line[i].is_alphanumeric() {
            i += 1;
        }
        i
    }

    fn older(&mut self) {
        if self.at == 0 {
            return;
        }
        if self.at == self.history.len() {
            self.kept.clone_from(&self.line);
        }
        self.at -= 1;
        self.show(self.history[self.at].chars().collect());
    }

    fn newer(&mut self) {
        if self.at >= self.history.len() {
            return;
        }
        self.at += 1;
        let line = match self.history.get(self.at) {
            Some(line) => line.chars().collect(),
            None => self.kept.clone(),
        };
        self.show(line);
    }

    fn show(&mut self, line: Vec<char>) {
        self.cursor = line.len();
        self.line = line;
        self.redraw();
    }

    /// Offers candidates for the `typed` characters before the cursor: completes what they share, lists them when asked.
    pub fn complete(&mut self, typed: &str, candidates: &[String], list: bool) {
        let Some(first) = candidates.first() else { return };
        let mut shared: &str = first;
        for c in candidates {
            let n = shared.char_indices().zip(c.chars()).take_while(|((_, a), b)| a == b).count();
            let end = shared.char_indices().nth(n).map_or(shared.len(), |(i, _)| i);
            shared = &shared[..end];
        }
        let mut text = shared.to_owned();
        if candidates.len() == 1 && !text.ends_with(['/', '=', ':']) {
            text.push(' ');
        }
        if text.chars().count() > typed.chars().count() || candidates.len() == 1 {
            let from = self.cursor - typed.chars().count().min(self.cursor);
            self.line.drain(from..self.cursor);
            self.cursor = from;
            self.line.splice(from..from, text.chars());
            self.cursor += text.chars().count();
            self.redraw();
            self.tabbed = candidates.len() > 1;
        } else if list {
            self.list(candidates);
        }
    }

    fn list(&mut self, candidates: &[String]) {
        let cursor = self.cursor;
        self.move_to(self.line.len());
        self.output.push_str("\r\n");
        // Of paths only the last part is listed.
        let names: Vec<&str> = candidates
            .iter()
            .map(|c| {
                let end = c.trim_end_matches('/');
                &c[end.rfind('/').map_or(0, |i| i + 1)..]
            })
            .collect();
        let wide = names.iter().map(|n| text_width(n)).max().unwrap_or(0) + 2;
        let across = (self.columns / wide).max(1);
        let down = names.len().div_ceil(across);
        for row in 0..down {
            let mut line = String::new();
            for name in (row..names.len()).step_by(down).map(|i| names[i]) {
                let pad = if across > 1 { wide - text_width(name) } else { 0 };
                line.push_str(name);
                line.extend(core::iter::repeat_n(' ', pad));
            }
            self.output.push_str(line.trim_end());
            self.output.push_str("\r\n");
        }
        self.row = 0;
        self.cursor = cursor;
        self.redraw();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn typed(history: &[&str], keys: &str) -> String {
        let mut e = LineEditor::default();
        let history: Vec<String> = history.iter().map(|h| (*h).to_owned()).collect();
        e.begin("$ ", 20, &history);
        for b in keys.bytes() {
            if let Event::Line(line) = e.feed(b) {
                return line;
            }
        }
        e.line.iter().collect()
    }

    #[test]
    fn keys_do_what_readline_does() {
        for (history, keys, want) in [
            (&[][..], "echo hi\r", "echo hi"),
            (&[], "bc\x01a\x05d\r", "abcd"),
            (&[], "one two\x17three\r", "one three"),
            (&[], "abc\x1b[D\x1b[D\x0bx\r", "ax"),
            (&[], "abc def\x15gh\x19\r", "ghabc def"),
            (&["first", "second"], "\x1b[A\x1b[A\r", "first"),
            (&["first", "second"], "x\x1b[A\x1b[B\r", "x"),
            (&["kubectl get", "ls"], "\x12kube\r", "kubectl get"),
            (&[], "καλημέρα\x7f\x7fος\r", "καλημέος"),
            (&[], "ab cd\x1bb\x1bbX\r", "Xab cd"),
            (&["a b last"], "echo \x1b.\r", "echo last"),
        ] {
            assert_eq!(typed(history, keys), want, "{keys:?}");
        }
    }

    #[test]
    fn completion_inserts_the_shared_part_then_lists() {
        let mut e = LineEditor::default();
        e.begin("$ ", 40, &[]);
        e.insert("cat de");
        let all = ["deploy-1.yaml".to_owned(), "deploy-2.yaml".to_owned()];
        e.complete("de", &all, false);
        assert_eq!(e.parts().0, "cat deploy-");
        e.output.clear();
        e.complete("deploy-", &all, true);
        assert!(e.output.contains("deploy-1.yaml  deploy-2.yaml"), "{:?}", e.output);
    }
}
