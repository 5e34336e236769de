//! The words of the page, in the learner's language. They live in `static/i18n/<language>.json`, one flat list each;
//! a test finds keys that are missing or no longer used.

use leptos::prelude::*;
use std::cell::OnceCell;
use std::collections::BTreeMap;

/// The languages of the page, a closed set.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Language {
    #[default]
    English,
    Greek,
}

impl Language {
    pub(crate) const ALL: [Self; 2] = [Self::English, Self::Greek];

    /// As in `<html lang>`, file names and links.
    pub(crate) fn code(self) -> &'static str {
        match self {
            Self::English => "en",
            Self::Greek => "el",
        }
    }

    /// What the language calls itself.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::English => "English",
            Self::Greek => "Ελληνικά",
        }
    }

    /// From `el`, `el-GR` …
    pub(crate) fn parse(tag: &str) -> Option<Self> {
        let base = tag.split('-').next()?;
        Self::ALL.into_iter().find(|l| l.code().eq_ignore_ascii_case(base))
    }

    fn source(self) -> &'static str {
        match self {
            Self::English => include_str!("../../static/i18n/en.json"),
            Self::Greek => include_str!("../../static/i18n/el.json"),
        }
    }
}

type Messages = BTreeMap<String, String>;

fn messages<R>(language: Language, read: impl FnOnce(&Messages) -> R) -> R {
    thread_local! {
        static ALL: [OnceCell<Messages>; 2] = const { [OnceCell::new(), OnceCell::new()] };
    }
    ALL.with(|all| {
        read(all[language as usize].get_or_init(|| serde_json::from_str(language.source()).unwrap_or_default()))
    })
}

/// A message in a given language; the key itself when there is none, so that a gap is seen.
pub(crate) fn message(language: Language, key: &str) -> String {
    messages(language, |m| m.get(key).cloned()).unwrap_or_else(|| key.to_owned())
}

/// The language chosen on this page.
pub(crate) fn language() -> RwSignal<Language> {
    expect_context::<RwSignal<Language>>()
}

/// A message that follows the chosen language.
pub(crate) fn t(key: &'static str) -> impl Fn() -> String + Copy + Send + Sync + 'static {
    let language = language();
    move || message(language.get(), key)
}

/// A message with `{name}` places filled in, in the language chosen now; tracks it.
pub(crate) fn fill(language: RwSignal<Language>, key: &str, values: &[(&str, &str)]) -> String {
    let mut text = message(language.get(), key);
    for (name, value) in values {
        text = text.replace(&format!("{{{name}}}"), value);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::{Language, Messages};
    use std::fs;
    use std::path::Path;

    fn keys(language: Language) -> Vec<String> {
        serde_json::from_str::<Messages>(language.source()).expect("a flat list of texts").into_keys().collect()
    }

    fn sources(dir: &Path, out: &mut String) {
        for entry in fs::read_dir(dir).expect("the sources are readable") {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                sources(&path, out);
            } else if path.file_name().is_some_and(|n| n != "i18n.rs") {
                out.push_str(&fs::read_to_string(&path).expect("source text"));
            }
        }
    }

    #[test]
    fn both_languages_say_the_same_things() {
        assert_eq!(keys(Language::English), keys(Language::Greek));
    }

    #[test]
    fn every_message_is_used_and_every_used_message_is_there() {
        let mut source = String::new();
        sources(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src"), &mut source);
        let known = keys(Language::English);
        for key in &known {
            assert!(source.contains(&format!("\"{key}\"")), "{key} is no longer used");
        }
        // Keys are dotted words: anything of that form in quotes that begins as a known group does is meant as one.
        for word in source.split('"').skip(1).step_by(2) {
            let group = word.split('.').next().unwrap_or_default();
            let dotted = word.contains('.') && word.chars().all(|c| c.is_ascii_lowercase() || c == '.' || c == '-');
            if dotted && known.iter().any(|k| k.split('.').next() == Some(group)) {
                assert!(known.iter().any(|k| k == word), "{word} has no text");
            }
        }
    }

    #[test]
    fn a_language_is_read_from_a_browser_s_tag() {
        for (tag, expected) in
            [("el-GR", Some(Language::Greek)), ("EN", Some(Language::English)), ("fr", None), ("", None)]
        {
            assert_eq!(Language::parse(tag), expected, "{tag}");
        }
    }
}
