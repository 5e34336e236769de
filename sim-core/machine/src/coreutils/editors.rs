//! nano and vi: small but real editors on one text buffer.
//!
//! Supported of vi: h j k l w b 0 $ g G, i a I A o O, x D dd dw yy p P u r J, / n, :w :q :wq :x :q! :N :%s.
//! Supported of nano: typing, arrows, ^O ^X ^K ^U ^W ^A ^E ^Y ^V ^C. No syntax colours.

use super::less::keys;
use crate::process::{Ctx, Input, Process, Step, Wake};
use crate::regex::{Regex, Syntax};
use crate::shell::line_editor::width;

const UNDO_MAX: usize = 200;

#[derive(Clone, Default)]
struct Buffer {
    file: String,
    lines: Vec<Vec<char>>,
    row: usize,
    column: usize,
    top: usize,
    changed: bool,
    is_new: bool,
    undo: Vec<(Vec<Vec<char>>, usize, usize)>,
}

impl Buffer {
    fn load(ctx: &mut Ctx<'_>, file: &str) -> Result<Self, String> {
        let mut b = Self { file: file.to_owned(), ..Self::default() };
        match ctx.read_file(file) {
            Ok(bytes) => {
                let text = String::from_utf8_lossy(&bytes).into_owned();
                b.lines = text.lines().map(|l| l.chars().collect()).collect();
            }
            Err(crate::fs::FsError::NotFound) => b.is_new = true,
            Err(e) => return Err(e.message().to_owned()),
        }
        if b.lines.is_empty() {
            b.lines.push(Vec::new());
        }
        Ok(b)
    }

    fn text(&self) -> String {
        if self.lines.len() == 1 && self.lines[0].is_empty() {
            return String::new();
        }
        self.lines.iter().map(|l| l.iter().collect::<String>() + "\n").collect()
    }

    fn keep(&mut self) {
        self.undo.push((self.lines.clone(), self.row, self.column));
        if self.undo.len() > UNDO_MAX {
            self.undo.remove(0);
        }
        self.changed = true;
    }

    fn undo(&mut self) {
        if let Some((lines, row, column)) = self.undo.pop() {
            (self.lines, self.row, self.column) = (lines, row, column);
            self.clamp(true);
        }
    }

    fn line(&self) -> &Vec<char> {
        &self.lines[self.row]
    }

    fn line_mut(&mut self) -> &mut Vec<char> {
        let row = self.row;
        &mut self.lines[row]
    }

    fn clamp(&mut self, beyond: bool) {
        if self.lines.is_empty() {
            self.lines.push(Vec::new());
        }
        self.row = self.row.min(self.lines.len() - 1);
        let len = self.line().len();
        self.column = self.column.min(if beyond { len } else { len.saturating_sub(1) });
    }

    fn insert(&mut self, c: char) {
        let at = self.column.min(self.line().len());
        self.line_mut().insert(at, c);
        self.column = at + 1;
        self.changed = true;
    }

    fn split(&mut self) {
        let at = self.column.min(self.line().len());
        let rest = self.line_mut().split_off(at);
        self.row += 1;
        self.column = 0;
        self.lines.insert(self.row, rest);
        self.changed = true;
    }

    fn backspace(&mut self) {
        if self.column > 0 {
            self.column -= 1;
            let at = self.column;
            self.line_mut().remove(at);
            self.changed = true;
        } else if self.row > 0 {
            let rest = self.lines.remove(self.row);
            self.row -= 1;
            self.column = self.line().len();
            self.line_mut().extend(rest);
            self.changed = true;
        }
    }

    fn delete(&mut self) {
        if self.column < self.line().len() {
            let at = self.column;
            self.line_mut().remove(at);
            self.changed = true;
        } else if self.row + 1 < self.lines.len() {
            let next = self.lines.remove(self.row + 1);
            self.line_mut().extend(next);
            self.changed = true;
        }
    }

    /// Moves for arrows and their kin; false for any other key.
    fn arrow(&mut self, key: &[u8], page: usize) -> bool {
        match key {
            b"\x1b[A" | b"\x1bOA" => self.row = self.row.saturating_sub(1),
            b"\x1b[B" | b"\x1bOB" => self.row += 1,
            b"\x1b[C" | b"\x1bOC" => {
                if self.column < self.line().len() {
                    self.column += 1;
                } else if self.row + 1 < self.lines.len() {
                    self.row += 1;
                    self.column = 0;
                }
            }
            b"\x1b[D" | b"\x1bOD" => {
                if self.column > 0 {
                    self.column -= 1;
                } else if self.row > 0 {
                    self.row -= 1;
                    self.column = self.line().len();
                }
            }
            b"\x1b[H" | b"\x1bOH" | b"\x1b[1~" => self.column = 0,
            b"\x1b[F" | b"\x1bOF" | b"\x1b[4~" => self.column = self.line().len(),
            b"\x1b[5~" => self.row = self.row.saturating_sub(page),
            b"\x1b[6~" => self.row += page,
            b"\x1b[3~" => self.delete(),
            _ => return false,
        }
        self.clamp(true);
        true
    }

    fn find(&mut self, wanted: &str) -> bool {
        let Ok(re) = Regex::new(wanted, Syntax::Basic, false) else { return false };
        let n = self.lines.len();
        for i in 0..=n {
            let row = (self.row + i) % n;
            let from = if i == 0 { self.column + 1 } else { 0 };
            if let Some(c) = re.find(&self.lines[row], from.min(self.lines[row].len()))
                && let Some((a, _)) = c[0]
                && (i > 0 || a >= from)
            {
                (self.row, self.column) = (row, a);
                return true;
            }
        }
        false
    }

    fn save(&mut self, ctx: &mut Ctx<'_>, file: &str) -> Result<usize, String> {
        let text = self.text();
        ctx.write_file(file, text.as_bytes()).map_err(|e| e.message().to_owned())?;
        self.changed = false;
        self.is_new = false;
        file.clone_into(&mut self.file);
        Ok(text.len())
    }

    /// The visible lines (each cut at the screen's edge), and where the cursor is on the screen.
    fn view(&mut self, columns: usize, rows: usize, filler: &str) -> (String, usize, usize) {
        if self.row < self.top {
            self.top = self.row;
        }
        if self.row >= self.top + rows {
            self.top = self.row + 1 - rows;
        }
        let at: usize = self.line()[..self.column.min(self.line().len())].iter().map(|c| shown_width(*c)).sum();
        let left = if at >= columns { at + 1 - columns } else { 0 };
        let mut out = String::new();
        for i in 0..rows {
            match self.lines.get(self.top + i) {
                Some(line) => {
                    let mut x = 0;
                    for c in line {
                        let w = shown_width(*c);
                        if x >= left && x + w <= left + columns {
                            if *c == '\t' {
                                out.push_str("    ");
                            } else {
                                out.push(*c);
                            }
                        }
                        x += w;
                    }
                }
                None => out.push_str(filler),
            }
            out.push_str("\x1b[K\r\n");
        }
        (out, self.row - self.top, at - left)
    }
}

fn shown_width(c: char) -> usize {
    if c == '\t' { 4 } else { width(c) }
}

#[derive(Clone, PartialEq)]
enum Ask {
    SaveAs,
    SaveBeforeLeaving,
    Search,
}

#[derive(Clone, PartialEq)]
enum Mode {
    Normal,
    Insert,
    /// The `:` or `/` line being typed.
    Line(char, String),
}

#[derive(Clone)]
enum Kind {
    Nano { asking: Option<(Ask, String)>, leaving: bool },
    Vi { mode: Mode, pending: String, search: String },
}

#[derive(Clone)]
struct Editor {
    file: Option<String>,
    buffer: Buffer,
    kind: Kind,
    begun: bool,
    note: String,
    cut: Vec<Vec<char>>,
    last_was_cut: bool,
}

fn editor(args: &[String], kind: Kind) -> Box<dyn Process> {
    let file = args.iter().find(|a| !a.starts_with(['-', '+'])).cloned();
    Box::new(Editor {
        file,
        buffer: Buffer::default(),
        kind,
        begun: false,
        note: String::new(),
        cut: Vec::new(),
        last_was_cut: false,
    })
}

pub fn nano(args: Vec<String>) -> Box<dyn Process> {
    editor(&args, Kind::Nano { asking: None, leaving: false })
}

pub fn vi(args: Vec<String>) -> Box<dyn Process> {
    editor(&args, Kind::Vi { mode: Mode::Normal, pending: String::new(), search: String::new() })
}

impl Editor {
    fn draw(&mut self, ctx: &mut Ctx<'_>) {
        let (columns, rows) = ctx.term_size();
        let (columns, rows) = (usize::from(columns).max(4), usize::from(rows).max(6));
        let cut = |t: &str| t.chars().take(columns).collect::<String>();
        let mut out = String::from("\x1b[H");
        match &self.kind {
            Kind::Nano { asking, .. } => {
                let name = if self.buffer.file.is_empty() { "New Buffer" } else { &self.buffer.file };
                let mark = if self.buffer.changed { "Modified" } else { "" };
                let side = columns.saturating_sub(22 + mark.len());
                let title = format!("  GNU nano 8.3   {name:^side$.side$}{mark}   ");
                out.push_str(&format!("\x1b[7m{}\x1b[0m\r\n", cut(&title)));
                let prompt = asking.as_ref().map(|(ask, text)| match ask {
                    Ask::SaveAs => format!("File Name to Write: {text}"),
                    Ask::Search => format!("Search: {text}"),
                    Ask::SaveBeforeLeaving => "Save modified buffer?  (Y)es (N)o (^C) Cancel".to_owned(),
                });
                let (view, row, column) = self.buffer.view(columns, rows - 4, "");
                out.push_str(&view);
                let line = match &prompt {
                    Some(p) => format!("\x1b[7m{}\x1b[0m", cut(p)),
                    None if self.note.is_empty() => String::new(),
                    None => format!("\x1b[7m[ {} ]\x1b[0m", cut(&self.note)),
                };
                out.push_str(&format!("{line}\x1b[K\r\n"));
                out.push_str(&format!(
                    "{}\x1b[K\r\n",
                    cut("^G Help   ^O Write Out   ^W Where Is   ^K Cut     ^C Location")
                ));
                out.push_str(&format!("{}\x1b[K", cut("^X Exit   ^Y Prev Page   ^V Next Page  ^U Paste   M-U Undo")));
                match prompt {
                    Some(p) => out.push_str(&format!("\x1b[{};{}H", rows - 2, p.chars().count() + 1)),
                    None => out.push_str(&format!("\x1b[{};{}H", row + 2, column + 1)),
                }
            }
            Kind::Vi { mode, .. } => {
                let bottom = match mode {
                    Mode::Line(c, text) => format!("{c}{text}"),
                    Mode::Insert => "-- INSERT --".to_owned(),
                    Mode::Normal => self.note.clone(),
                };
                let typing = matches!(mode, Mode::Line(..));
                let (view, row, column) = self.buffer.view(columns, rows - 1, "~");
                out.push_str(&format!("{view}{}\x1b[K", cut(&bottom)));
                if typing {
                    out.push_str(&format!("\x1b[{rows};{}H", bottom.chars().count() + 1));
                } else {
                    out.push_str(&format!("\x1b[{};{}H", row + 1, column + 1));
                }
            }
        }
        ctx.out(&out);
    }

    /// False when the editor is to end.
    fn key(&mut self, ctx: &mut Ctx<'_>, key: &[u8]) -> bool {
        self.note.clear();
        match self.kind.clone() {
            Kind::Nano { asking: Some((ask, text)), leaving } => self.nano_answer(ctx, key, ask, text, leaving),
            Kind::Nano { .. } => self.nano_key(ctx, key),
            Kind::Vi { mode: Mode::Insert, .. } => {
                self.vi_insert(ctx, key);
                true
            }
            Kind::Vi { mode: Mode::Line(c, text), .. } => self.vi_line(ctx, key, c, text),
            Kind::Vi { mode: Mode::Normal, pending, .. } => {
                self.vi_normal(ctx, key, &pending);
                true
            }
        }
    }

    fn type_text(&mut self, key: &[u8]) {
        for c in String::from_utf8_lossy(key).chars().filter(|c| !c.is_control() || *c == '\t') {
            self.buffer.insert(c);
        }
    }

    // nano.

    fn ask(&mut self, ask: Ask, text: String, leaving: bool) {
        self.kind = Kind::Nano { asking: Some((ask, text)), leaving };
    }

    fn nano_key(&mut self, ctx: &mut Ctx<'_>, key: &[u8]) -> bool {
        let page = usize::from(ctx.term_size().1).saturating_sub(5).max(1);
        let was_cut = core::mem::take(&mut self.last_was_cut);
        match key {
            b"\x18" if self.buffer.changed => self.ask(Ask::SaveBeforeLeaving, String::new(), true),
            b"\x18" => return false,
            b"\x0f" | b"\x13" => {
                let file = self.buffer.file.clone();
                self.ask(Ask::SaveAs, file, false);
            }
            b"\x17" => self.ask(Ask::Search, String::new(), false),
            b"\x0b" => {
                self.buffer.keep();
                if !was_cut {
                    self.cut.clear();
                }
                let line = self.buffer.lines.remove(self.buffer.row);
                self.cut.push(line);
                self.buffer.column = 0;
                self.buffer.clamp(true);
                self.last_was_cut = true;
            }
            b"\x15" => {
                self.buffer.keep();
                for line in self.cut.clone() {
                    self.buffer.lines.insert(self.buffer.row, line);
                    self.buffer.row += 1;
                }
                self.buffer.column = 0;
                self.buffer.clamp(true);
            }
            b"\x01" => self.buffer.column = 0,
            b"\x05" => self.buffer.column = self.buffer.line().len(),
            b"\x19" => {
                self.buffer.arrow(b"\x1b[5~", page);
            }
            b"\x16" => {
                self.buffer.arrow(b"\x1b[6~", page);
            }
            b"\x03" => {
                self.note =
                    format!("line {}/{}, col {}", self.buffer.row + 1, self.buffer.lines.len(), self.buffer.column + 1)
            }
            b"\r" | b"\n" => {
                self.buffer.keep();
                self.buffer.split();
            }
            [0x7f | 8] => {
                self.buffer.keep();
                self.buffer.backspace();
            }
            b"\x04" => self.buffer.delete(),
            b"\x1bu" | b"\x1bU" => self.buffer.undo(),
            key if self.buffer.arrow(key, page) => {}
            [c, ..] if *c < 0x20 && *c != b'\t' => {}
            key => self.type_text(key),
        }
        true
    }

    fn nano_answer(&mut self, ctx: &mut Ctx<'_>, key: &[u8], ask: Ask, mut text: String, leaving: bool) -> bool {
        self.kind = Kind::Nano { asking: None, leaving: false };
        if ask == Ask::SaveBeforeLeaving {
            match key {
                b"y" | b"Y" => {
                    let file = self.buffer.file.clone();
                    self.ask(Ask::SaveAs, file, true);
                }
                b"n" | b"N" => return false,
                b"\x03" => self.note = "Cancelled".into(),
                _ => self.ask(ask, text, leaving),
            }
            return true;
        }
        match key {
            b"\x03" => self.note = "Cancelled".into(),
            [0x7f | 8] => {
                text.pop();
                self.ask(ask, text, leaving);
            }
            b"\r" | b"\n" if ask == Ask::Search => {
                if !text.is_empty() && !self.buffer.find(&text) {
                    self.note = format!("\"{text}\" not found");
                }
            }
            b"\r" | b"\n" if text.is_empty() => self.note = "Cancelled".into(),
            b"\r" | b"\n" => match self.buffer.save(ctx, &text) {
                Ok(_) => {
                    let n = self.buffer.lines.len();
                    self.note = format!("Wrote {n} line{}", if n == 1 { "" } else { "s" });
                    return !leaving;
                }
                Err(e) => self.note = format!("Error writing {text}: {e}"),
            },
            key => {
                text.extend(String::from_utf8_lossy(key).chars().filter(|c| !c.is_control()));
                self.ask(ask, text, leaving);
            }
        }
        true
    }

    // vi.

    fn vi_mode(&mut self, new: Mode) {
        if let Kind::Vi { mode, pending, .. } = &mut self.kind {
            *mode = new;
            pending.clear();
        }
    }

    fn vi_insert(&mut self, ctx: &mut Ctx<'_>, key: &[u8]) {
        let page = usize::from(ctx.term_size().1).saturating_sub(2).max(1);
        match key {
            b"\x1b" | b"\x03" => {
                self.buffer.column = self.buffer.column.saturating_sub(1);
                self.vi_mode(Mode::Normal);
            }
            b"\r" | b"\n" => self.buffer.split(),
            [0x7f | 8] => self.buffer.backspace(),
            key if self.buffer.arrow(key, page) => {}
            key => self.type_text(key),
        }
    }

    fn vi_normal(&mut self, ctx: &mut Ctx<'_>, key: &[u8], pending: &str) {
        let page = usize::from(ctx.term_size().1).saturating_sub(2).max(1);
        let keys = format!("{pending}{}", String::from_utf8_lossy(key));
        let digits = keys.chars().take_while(|c| c.is_ascii_digit()).count();
        let digits = if keys.starts_with('0') { 0 } else { digits };
        let count: usize = keys[..digits].parse().unwrap_or(1).clamp(1, 10_000);
        let command = keys[digits..].to_owned();
        if let Kind::Vi { pending, .. } = &mut self.kind {
            // Incomplete commands wait for their second key.
            *pending = if command.is_empty() || matches!(command.as_str(), "d" | "y" | "g" | "r" | "c" | "Z") {
                keys.clone()
            } else {
                String::new()
            };
            if !pending.is_empty() {
                return;
            }
        }
        let b = &mut self.buffer;
        if b.arrow(key, page) {
            return b.clamp(false);
        }
        if matches!(
            command.as_str(),
            "i" | "a"
                | "I"
                | "A"
                | "o"
                | "O"
                | "x"
                | "D"
                | "C"
                | "dd"
                | "dw"
                | "cw"
                | "cc"
                | "d$"
                | "p"
                | "P"
                | "J"
                | "s"
                | "dG"
        ) || command.starts_with('r')
        {
            let changed = b.changed;
            b.keep();
            b.changed = changed || !matches!(command.as_str(), "i" | "a" | "I" | "A");
        }
        let mut insert = false;
        match command.as_str() {
            "h" | "\x7f" => b.column = b.column.saturating_sub(count),
            "l" | " " => b.column += count,
            "j" | "\r" => b.row += count,
            "k" => b.row = b.row.saturating_sub(count),
            "0" | "^" => b.column = 0,
            "$" => b.column = b.line().len(),
            "G" => b.row = if digits > 0 { count - 1 } else { b.lines.len() - 1 },
            "gg" => b.row = 0,
            "w" => (0..count).for_each(|_| word_right(b)),
            "b" => (0..count).for_each(|_| word_left(b)),
            "\x06" => b.row += page,
            "\x02" => b.row = b.row.saturating_sub(page),
            "i" => insert = true,
            "I" => (b.column, insert) = (0, true),
            "a" => (b.column, insert) = ((b.column + 1).min(b.line().len()), true),
            "A" => (b.column, insert) = (b.line().len(), true),
            "o" => {
                b.lines.insert(b.row + 1, Vec::new());
                (b.row, b.column, insert) = (b.row + 1, 0, true);
            }
            "O" => {
                b.lines.insert(b.row, Vec::new());
                (b.column, insert) = (0, true);
            }
            "x" | "s" => {
                let end = (b.column + count).min(b.line().len());
                let from = b.column.min(end);
                b.line_mut().drain(from..end);
                insert = command == "s";
            }
            "D" | "C" | "d$" => {
                let at = b.column;
                b.line_mut().truncate(at);
                insert = command == "C";
            }
            "dw" | "cw" => {
                let (row, from) = (b.row, b.column);
                word_right(b);
                let to = if b.row == row { b.column } else { b.lines[row].len() };
                (b.row, b.column) = (row, from);
                b.line_mut().drain(from..to.max(from));
                insert = command == "cw";
            }
            "dd" | "cc" | "dG" => {
                let end = if command == "dG" { b.lines.len() } else { (b.row + count).min(b.lines.len()) };
                self.cut = b.lines.drain(b.row..end).collect();
                if command == "cc" {
                    b.lines.insert(b.row, Vec::new());
                    insert = true;
                }
                b.clamp(insert);
            }
            "yy" => {
                let end = (b.row + count).min(b.lines.len());
                self.cut = b.lines[b.row..end].to_vec();
            }
            "p" | "P" => {
                let at = if command == "p" { (b.row + 1).min(b.lines.len()) } else { b.row };
                b.lines.splice(at..at, self.cut.iter().cloned());
                (b.row, b.column) = (at, 0);
            }
            "J" if b.row + 1 < b.lines.len() => {
                let next = b.lines.remove(b.row + 1);
                b.line_mut().push(' ');
                b.line_mut().extend(next);
            }
            "u" => b.undo(),
            ":" | "/" => {
                let c = if command == ":" { ':' } else { '/' };
                return self.vi_mode(Mode::Line(c, String::new()));
            }
            "n" => {
                if let Kind::Vi { search, .. } = &self.kind {
                    let wanted = search.clone();
                    self.search(&wanted);
                }
            }
            r if r.starts_with('r') => {
                let at = b.column;
                if let (Some(c), Some(slot)) = (r.chars().nth(1), b.line_mut().get_mut(at)) {
                    *slot = c;
                }
            }
            _ => {}
        }
        self.buffer.clamp(insert);
        if insert {
            self.vi_mode(Mode::Insert);
        }
    }

    fn search(&mut self, wanted: &str) {
        if !wanted.is_empty() && !self.buffer.find(wanted) {
            self.note = format!("E486: Pattern not found: {wanted}");
        }
    }

    fn vi_line(&mut self, ctx: &mut Ctx<'_>, key: &[u8], c: char, mut text: String) -> bool {
        match key {
            b"\x1b" | b"\x03" => self.vi_mode(Mode::Normal),
            [0x7f | 8] => {
                let gone = text.pop().is_none();
                self.vi_mode(if gone { Mode::Normal } else { Mode::Line(c, text) });
            }
            b"\r" | b"\n" => {
                self.vi_mode(Mode::Normal);
                if c == '/' {
                    if let Kind::Vi { search, .. } = &mut self.kind {
                        search.clone_from(&text);
                    }
                    self.search(&text);
                    return true;
                }
                return self.ex(ctx, text.trim());
            }
            key => {
                text.push_str(&String::from_utf8_lossy(key));
                self.vi_mode(Mode::Line(c, text));
            }
        }
        true
    }

    /// A `:` command; false when the editor is to end.
    fn ex(&mut self, ctx: &mut Ctx<'_>, command: &str) -> bool {
        let (word, rest) = command.split_once(' ').unwrap_or((command, ""));
        match word {
            "w" | "w!" | "wq" | "wq!" | "x" => {
                let file = if rest.is_empty() { self.buffer.file.clone() } else { rest.to_owned() };
                if file.is_empty() {
                    self.note = "E32: No file name".into();
                    return true;
                }
                match self.buffer.save(ctx, &file) {
                    Ok(bytes) => {
                        self.note = format!("\"{file}\" {}L, {bytes}B written", self.buffer.lines.len());
                        return word.starts_with("w!") || word == "w";
                    }
                    Err(e) => self.note = format!("\"{file}\" E212: Can't open file for writing: {e}"),
                }
            }
            "q" if self.buffer.changed => self.note = "E37: No write since last change (add ! to override)".into(),
            "q" | "q!" | "qa" | "qa!" => return false,
            "set" | "syntax" | "noh" => {}
            word if word.chars().all(|c| c.is_ascii_digit()) && !word.is_empty() => {
                self.buffer.row = word.parse::<usize>().unwrap_or(1).saturating_sub(1);
                self.buffer.clamp(false);
            }
            _ if command.starts_with("%s") || command.starts_with("s/") => self.replace(command),
            _ => self.note = format!("E492: Not an editor command: {command}"),
        }
        true
    }

    fn replace(&mut self, command: &str) {
        let all_lines = command.starts_with('%');
        let script = command.trim_start_matches('%');
        self.buffer.keep();
        let rows = if all_lines { 0..self.buffer.lines.len() } else { self.buffer.row..self.buffer.row + 1 };
        let mut changed = 0;
        for row in rows {
            let line: String = self.buffer.lines[row].iter().collect();
            match super::sed::substitute_line(script, &line) {
                Ok(Some(new)) => {
                    self.buffer.lines[row] = new.chars().collect();
                    changed += 1;
                }
                Ok(None) => {}
                Err(e) => {
                    self.note = format!("E486: {e}");
                    return;
                }
            }
        }
        self.note = if changed == 0 { "E486: Pattern not found".into() } else { format!("{changed} substitutions") };
    }
}

fn word_right(b: &mut Buffer) {
    let is = |c: Option<&char>| c.is_some_and(|c| c.is_alphanumeric() || *c == '_');
    let word = is(b.line().get(b.column));
    while b.column < b.line().len() && is(b.line().get(b.column)) == word && !b.line()[b.column].is_whitespace() {
        b.column += 1;
    }
    while b.column < b.line().len() && b.line()[b.column].is_whitespace() {
        b.column += 1;
    }
    if b.column >= b.line().len() && b.row + 1 < b.lines.len() {
        (b.row, b.column) = (b.row + 1, 0);
    }
}

fn word_left(b: &mut Buffer) {
    if b.column == 0 {
        if b.row > 0 {
            b.row -= 1;
            b.column = b.line().len();
        }
        return;
    }
    while b.column > 0 && b.line()[b.column - 1].is_whitespace() {
        b.column -= 1;
    }
    while b.column > 0 && !b.line()[b.column - 1].is_whitespace() {
        b.column -= 1;
    }
}

impl Process for Editor {
    fn step(&mut self, ctx: &mut Ctx<'_>) -> Step {
        if !core::mem::replace(&mut self.begun, true) {
            if !ctx.is_tty(0) {
                ctx.err("Standard input is not a terminal\n");
                return Step::Exit(1);
            }
            let file = self.file.clone().unwrap_or_default();
            if !file.is_empty() {
                match Buffer::load(ctx, &file) {
                    Ok(b) => self.buffer = b,
                    Err(e) => {
                        ctx.err(&format!("Error reading {file}: {e}\n"));
                        return Step::Exit(1);
                    }
                }
            } else {
                self.buffer.lines.push(Vec::new());
            }
            self.note = match (&self.kind, self.buffer.is_new) {
                (Kind::Nano { .. }, true) => "New File".into(),
                (Kind::Nano { .. }, false) => format!("Read {} lines", self.buffer.lines.len()),
                (_, true) => format!("\"{file}\" [New]"),
                (_, false) => format!("\"{file}\" {}L, {}B", self.buffer.lines.len(), self.buffer.text().len()),
            };
            ctx.set_raw(true);
            ctx.out("\x1b[?1049h");
            self.draw(ctx);
        }
        ctx.interrupted();
        match ctx.read() {
            Input::Pending => Step::Wait(Wake::Input),
            Input::Data(bytes) => {
                let go_on = keys(&bytes).iter().all(|k| self.key(ctx, k));
                if go_on {
                    self.draw(ctx);
                    return Step::Again;
                }
                ctx.set_raw(false);
                ctx.out("\x1b[?1049l");
                Step::Exit(0)
            }
            Input::Eof => Step::Exit(1),
        }
    }
}
