//! A terminal's screen: what the text that programs print, escape sequences and all, looks like. Pure; the painting of it
//! into the page is `paint.rs`.
//!
//! Invariant: rows are counted from the oldest line kept, scrollback included; rows before the reported range did not change.

use avt::{Color, Line, Pen, Vt};

/// Lines kept above the visible ones.
const SCROLLBACK_ROWS: usize = 2_000;

/// Text in one style.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Run {
    pub(crate) text: String,
    pub(crate) pen: Style,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Style {
    pub(crate) foreground: Option<Color>,
    pub(crate) background: Option<Color>,
    pub(crate) bold: bool,
    pub(crate) faint: bool,
    pub(crate) italic: bool,
    pub(crate) underline: bool,
    pub(crate) struck: bool,
    pub(crate) inverse: bool,
}

impl From<&Pen> for Style {
    fn from(pen: &Pen) -> Self {
        Self {
            foreground: pen.foreground(),
            background: pen.background(),
            bold: pen.is_bold(),
            faint: pen.is_faint(),
            italic: pen.is_italic(),
            underline: pen.is_underline(),
            struck: pen.is_strikethrough(),
            inverse: pen.is_inverse(),
        }
    }
}

/// What a feed or a resize changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Change {
    /// Rows that fell off the top.
    pub(crate) dropped: usize,
    /// First row (after dropping) that may look different.
    pub(crate) from: usize,
    /// Rows there are now.
    pub(crate) rows: usize,
}

pub(crate) struct Screen {
    vt: Vt,
}

impl Screen {
    pub(crate) fn new(columns: usize, rows: usize) -> Self {
        Self { vt: Vt::builder().size(columns.max(1), rows.max(1)).scrollback_limit(SCROLLBACK_ROWS).build() }
    }

    pub(crate) fn feed(&mut self, text: &str) -> Change {
        let before = self.rows();
        let dropped = self.vt.feed_str(text).scrollback.count();
        let first_visible = before - self.vt.size().1;
        Change { dropped, from: first_visible.saturating_sub(dropped), rows: self.rows() }
    }

    pub(crate) fn resize(&mut self, columns: usize, rows: usize) -> Change {
        let dropped = self.vt.resize(columns.max(1), rows.max(1)).scrollback.count();
        Change { dropped, from: 0, rows: self.rows() }
    }

    pub(crate) fn size(&self) -> (usize, usize) {
        self.vt.size()
    }

    pub(crate) fn rows(&self) -> usize {
        self.vt.lines().count()
    }

    /// The rows from `first` on, each as runs of one style, without trailing blanks.
    pub(crate) fn runs_from(&self, first: usize) -> impl Iterator<Item = Vec<Run>> {
        self.vt.lines().skip(first).map(runs)
    }

    /// Row and column of the cursor; `None` while a program hides it.
    pub(crate) fn cursor(&self) -> Option<(usize, usize)> {
        let cursor = self.vt.cursor();
        cursor.visible.then(|| (self.rows() - self.vt.size().1 + cursor.row, cursor.col))
    }
}

fn runs(line: &Line) -> Vec<Run> {
    let mut runs: Vec<Run> = Vec::new();
    for cell in line.cells().iter().filter(|c| c.width() > 0) {
        let pen = Style::from(cell.pen());
        match runs.last_mut() {
            Some(run) if run.pen == pen => run.text.push(cell.char()),
            _ => runs.push(Run { text: cell.char().to_string(), pen }),
        }
    }
    if let Some(last) = runs.last_mut()
        && last.pen.background.is_none()
        && !last.pen.inverse
        && !last.pen.underline
    {
        last.text.truncate(last.text.trim_end_matches(' ').len());
        if last.text.is_empty() {
            runs.pop();
        }
    }
    runs
}

#[cfg(test)]
mod tests {
    use super::{SCROLLBACK_ROWS, Screen};

    fn text(screen: &Screen) -> Vec<String> {
        screen.runs_from(0).map(|runs| runs.into_iter().map(|r| r.text).collect()).collect()
    }

    #[test]
    fn colours_become_runs_and_trailing_blanks_go() {
        let mut screen = Screen::new(20, 2);
        screen.feed("\x1b[1;32mλ\x1b[0m $   ");
        let row: Vec<_> =
            screen.runs_from(0).next().expect("a row").into_iter().map(|r| (r.text, r.pen.bold)).collect();
        assert_eq!(row, [("λ".to_owned(), true), (" $".to_owned(), false)]);
        assert_eq!(screen.cursor(), Some((0, 6)));
    }

    #[test]
    fn what_scrolls_away_is_kept_and_reported_as_changed() {
        let mut screen = Screen::new(20, 2);
        screen.feed("one\r\ntwo");
        let change = screen.feed("\r\nthree\r\nfour");
        assert_eq!((change.dropped, change.from, change.rows), (0, 0, 4));
        assert_eq!(text(&screen), ["one", "two", "three", "four"]);
        assert_eq!(screen.feed("!").from, 2);
    }

    #[test]
    fn the_oldest_rows_fall_off() {
        let mut screen = Screen::new(20, 2);
        let mut dropped = 0;
        for n in 0..(2 * SCROLLBACK_ROWS) {
            dropped += screen.feed(&format!("{n}\r\n")).dropped;
        }
        let rows = screen.rows();
        assert_eq!(rows + dropped, 2 * SCROLLBACK_ROWS + 1);
        assert_eq!(text(&screen)[0], dropped.to_string());
    }
}
