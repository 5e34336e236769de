//! Text in columns: cells end with a tab, a column is as wide as its widest cell in consecutive lines.
//!
//! Models: Go's text/tabwriter, and the variant with remembered widths that kubectl's tables use.

/// A writer of columns. `flush` aligns what was written since the last flush.
#[derive(Clone, Default)]
pub struct Tabs {
    min_width: usize,
    padding: usize,
    /// Widths of earlier flushes, kept so that a growing table stays aligned.
    remembered: Option<Vec<usize>>,
    text: String,
}

impl Tabs {
    /// As `get` prints.
    pub fn table() -> Self {
        Self { min_width: 6, padding: 3, remembered: Some(Vec::new()), text: String::new() }
    }

    /// As `describe` prints.
    pub fn describe() -> Self {
        Self { min_width: 0, padding: 2, remembered: None, text: String::new() }
    }

    pub fn write(&mut self, text: &str) {
        self.text.push_str(text);
    }

    /// A line of cells.
    pub fn row<S: AsRef<str>>(&mut self, cells: &[S]) {
        for (i, cell) in cells.iter().enumerate() {
            if i > 0 {
                self.text.push('\t');
            }
            self.text.push_str(cell.as_ref());
        }
        self.text.push('\n');
    }

    pub fn forget_widths(&mut self) {
        if let Some(widths) = &mut self.remembered {
            widths.clear();
        }
    }

    pub fn flush(&mut self) -> String {
        let text = core::mem::take(&mut self.text);
        let lines: Vec<Vec<&str>> = text.split('\n').map(|l| l.split('\t').collect()).collect();
        let mut out = String::with_capacity(text.len() * 2);
        let mut widths = Vec::new();
        self.block(&lines, 0, lines.len(), &mut widths, &mut out);
        // The text ends with a newline: what follows it is an empty line that was never begun.
        out
    }

    /// Lines `from..to`, whose columns before `widths.len()` are settled.
    fn block(&mut self, lines: &[Vec<&str>], from: usize, to: usize, widths: &mut Vec<usize>, out: &mut String) {
        let column = widths.len();
        let mut done = from;
        let mut at = from;
        while at < to {
            if column + 1 >= lines[at].len() {
                at += 1;
                continue;
            }
            // A column begins here: first the lines before it.
            print(lines, done, at, widths, out);
            let begin = at;
            let mut width = self.min_width;
            while at < to && column + 1 < lines[at].len() {
                width = width.max(lines[at][column].chars().count() + self.padding);
                at += 1;
            }
            if let Some(kept) = &mut self.remembered {
                match kept.get_mut(column) {
                    Some(w) => {
                        width = width.max(*w);
                        *w = width;
                    }
                    None => kept.push(width),
                }
            }
            widths.push(width);
            self.block(lines, begin, at, widths, out);
            widths.pop();
            done = at;
        }
        print(lines, done, to, widths, out);
    }
}

fn print(lines: &[Vec<&str>], from: usize, to: usize, widths: &[usize], out: &mut String) {
    for (i, cells) in lines.iter().enumerate().take(to).skip(from) {
        for (j, cell) in cells.iter().enumerate() {
            out.push_str(cell);
            if j + 1 < cells.len() {
                let width = widths.get(j).copied().unwrap_or(0);
                for _ in cell.chars().count()..width {
                    out.push(' ');
                }
            }
        }
        if i + 1 < lines.len() {
            out.push('\n');
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Tabs;

    fn check(mut tabs: Tabs, text: &str, want: &str) {
        tabs.write(text);
        assert_eq!(tabs.flush(), want);
    }

    #[test]
    fn columns() {
        check(Tabs::table(), "NAME\tAGE\nweb\t5s\n", "NAME   AGE\nweb    5s\n");
        check(Tabs::describe(), "Name:\tx\nNamespace:\ty\n", "Name:       x\nNamespace:  y\n");
        // A line without the column ends it.
        check(Tabs::describe(), "a:\tb\nplain\nlonger:\tc\n", "a:  b\nplain\nlonger:  c\n");
        check(
            Tabs::describe(),
            "A:\t<x>\nB:\n  k:\tv\n  long:\tw\nC:\tz\n",
            "A:  <x>\nB:\n  k:     v\n  long:  w\nC:       z\n",
        );
        check(Tabs::table(), "A\tB\tC\nx\t\t\n", "A     B     C\nx           \n");
    }

    #[test]
    fn widths_are_remembered() {
        let mut tabs = Tabs::table();
        tabs.row(&["NAME", "AGE"]);
        tabs.row(&["long-name", "1s"]);
        assert_eq!(tabs.flush(), "NAME        AGE\nlong-name   1s\n");
        tabs.row(&["x", "2s"]);
        assert_eq!(tabs.flush(), "x           2s\n");
    }
}
