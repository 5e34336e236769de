//! From the browser's key events to a session's keys.

use session::Key;

/// What of a keyboard event matters.
#[derive(Clone, Debug, Default)]
pub(crate) struct Press {
    /// `KeyboardEvent.key`: `a`, `Enter`, `ArrowUp`.
    pub(crate) key: String,
    pub(crate) ctrl: bool,
    pub(crate) alt: bool,
    pub(crate) meta: bool,
    pub(crate) shift: bool,
}

/// The key that the session gets; `None` leaves the event to the browser (copy, paste, reload, input methods).
pub(crate) fn key_of(press: &Press) -> Option<Key> {
    if press.meta {
        return None;
    }
    let mut chars = press.key.chars();
    if let (Some(c), None) = (chars.next(), chars.next()) {
        return match (press.ctrl, press.alt) {
            // AltGr arrives as Ctrl and Alt together with the character it makes.
            (true, true) | (false, false) => Some(Key::Char(c)),
            // Paste stays the browser's, with or without Shift; so does everything else with Ctrl and Shift.
            (true, false) if press.shift || c.eq_ignore_ascii_case(&'v') => None,
            (true, false) if c.is_ascii_alphabetic() => Some(Key::Ctrl(c.to_ascii_lowercase())),
            (true, false) => None,
            (false, true) => Some(Key::Alt(c)),
        };
    }
    Some(match press.key.as_str() {
        "Enter" => Key::Enter,
        "Tab" if press.shift => Key::BackTab,
        "Tab" => Key::Tab,
        "Backspace" => Key::Backspace,
        "Delete" => Key::Delete,
        "Escape" => Key::Escape,
        "ArrowUp" => Key::Up,
        "ArrowDown" => Key::Down,
        "ArrowLeft" => Key::Left,
        "ArrowRight" => Key::Right,
        "Home" => Key::Home,
        "End" => Key::End,
        "PageUp" if !press.shift => Key::PageUp,
        "PageDown" if !press.shift => Key::PageDown,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::{Press, key_of};
    use session::Key;

    #[test]
    fn keys_reach_the_session_or_stay_with_the_browser() {
        // (keys as one would say them, what the session gets)
        let cases = [
            ("a", Some(Key::Char('a'))),
            ("λ", Some(Key::Char('λ'))),
            ("ctrl c", Some(Key::Ctrl('c'))),
            ("ctrl v", None),
            ("ctrl shift C", None),
            ("ctrl alt @", Some(Key::Char('@'))),
            ("alt .", Some(Key::Alt('.'))),
            ("meta c", None),
            ("Tab", Some(Key::Tab)),
            ("shift Tab", Some(Key::BackTab)),
            ("shift PageUp", None),
            ("F5", None),
            ("Dead", None),
        ];
        for (said, expected) in cases {
            let has = |m: &str| said.split(' ').any(|w| w == m);
            let press = Press {
                key: said.rsplit(' ').next().unwrap_or_default().to_owned(),
                ctrl: has("ctrl"),
                alt: has("alt"),
                meta: has("meta"),
                shift: has("shift"),
            };
            assert_eq!(key_of(&press), expected, "{said}");
        }
    }
}
