//! What a learner's hands can do to a terminal, and the bytes a terminal sends for it.

/// One key press that reaches the terminal. Text that arrives at once (a paste, an input method) is not a key:
/// see `Session::paste`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Key {
    Char(char),
    /// Control with a letter, in lower case: `Ctrl('c')`.
    Ctrl(char),
    Alt(char),
    Enter,
    Tab,
    BackTab,
    Backspace,
    Delete,
    Escape,
    Up,
    Down,
    Left,
    Right,
    Home,
    End,
    PageUp,
    PageDown,
}

impl Key {
    /// The bytes a terminal (xterm, cursor keys in their normal mode) sends to the program in it.
    pub fn to_bytes(self) -> Vec<u8> {
        let text = match self {
            Self::Char(c) => return c.to_string().into_bytes(),
            Self::Ctrl(c) => return vec![(c.to_ascii_uppercase() as u32 & 0x1f) as u8],
            Self::Alt(c) => return format!("\x1b{c}").into_bytes(),
            Self::Enter => "\r",
            Self::Tab => "\t",
            Self::BackTab => "\x1b[Z",
            Self::Backspace => "\x7f",
            Self::Delete => "\x1b[3~",
            Self::Escape => "\x1b",
            Self::Up => "\x1b[A",
            Self::Down => "\x1b[B",
            Self::Right => "\x1b[C",
            Self::Left => "\x1b[D",
            Self::Home => "\x1b[H",
            Self::End => "\x1b[F",
            Self::PageUp => "\x1b[5~",
            Self::PageDown => "\x1b[6~",
        };
        text.as_bytes().to_vec()
    }
}

#[cfg(test)]
mod tests {
    use super::Key;

    #[test]
    fn keys_become_the_bytes_a_terminal_sends() {
        let cases: [(Key, &[u8]); 6] = [
            (Key::Char('λ'), "λ".as_bytes()),
            (Key::Ctrl('c'), b"\x03"),
            (Key::Ctrl('r'), b"\x12"),
            (Key::Alt('.'), b"\x1b."),
            (Key::Enter, b"\r"),
            (Key::Up, b"\x1b[A"),
        ];
        for (key, bytes) in cases {
            assert_eq!(key.to_bytes(), bytes, "{key:?}");
        }
    }
}
