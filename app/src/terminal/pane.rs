//! One terminal: feeds what was printed to a screen, paints it, and takes keys, pastes and input methods through a hidden
//! text field. Escape followed by Tab leaves it for those who move by keyboard.

use crate::dom::on_resize;
use crate::i18n::t;
use crate::playground::{Playground, now_ms};
use crate::terminal::keys::Press;
use crate::terminal::paint::Painter;
use crate::terminal::screen::{Change, Screen};
use leptos::ev::{ClipboardEvent, CompositionEvent, Event, KeyboardEvent};
use leptos::html;
use leptos::prelude::*;
use session::{Key, TabId};
use std::time::Duration;
use web_sys::HtmlElement;

/// The text field always holds this, so that a phone's Backspace has something to remove.
const SENTINEL: &str = "\u{200b}";
/// Output is read aloud once it has been quiet for this long.
const QUIET_MS: u64 = 350;
/// Longer output is announced by its end.
const ANNOUNCED_CHARS_MAX: usize = 1_500;

struct Canvas {
    screen: Screen,
    painter: Painter,
    seen: (u32, u64),
    /// Printed since the last announcement.
    unsaid: String,
    prompt_marked: bool,
}

#[component]
pub(crate) fn Pane(playground: Playground, tab: TabId, size: RwSignal<(usize, usize)>) -> impl IntoView {
    let scroll = NodeRef::<html::Div>::new();
    let host = NodeRef::<html::Div>::new();
    let ruler = NodeRef::<html::Span>::new();
    let cursor = NodeRef::<html::Div>::new();
    let field = NodeRef::<html::Textarea>::new();
    let announced = RwSignal::new(String::new());
    let (columns, rows) = size.get_untracked();
    let canvas = StoredValue::new_local(Canvas {
        screen: Screen::new(columns, rows),
        painter: Painter::default(),
        seen: (0, 0),
        unsaid: String::new(),
        prompt_marked: false,
    });
    let active = move || playground.active.get() == tab;

    let paint = move |change: Change, follow: bool| {
        let (Some(host), Some(scroll), Some(cursor)) =
            (host.get_untracked(), scroll.get_untracked(), cursor.get_untracked())
        else {
            return;
        };
        canvas.update_value(|c| c.painter.apply(&c.screen, change, &host));
        place_cursor(&cursor, canvas.with_value(|c| c.screen.cursor()));
        if follow {
            scroll.set_scroll_top(scroll.scroll_height());
        }
    };

    // What was printed, onto the screen.
    Effect::new(move |_| {
        playground.printed.track();
        let Some(host) = host.get() else { return };
        let Some(printed) = playground.read(tab, canvas.with_value(|c| c.seen)) else { return };
        if printed.anew {
            let (columns, rows) = canvas.with_value(|c| c.screen.size());
            canvas.update_value(|c| c.screen = Screen::new(columns, rows));
        }
        canvas.update_value(|c| {
            c.seen = printed.seen;
            c.unsaid.push_str(&printed.text);
        });
        let follow = scroll.get_untracked().is_some_and(|s| at_end(&s)) || !printed.text.is_empty();
        if let Some(change) = canvas.try_update_value(|c| c.screen.feed(&printed.text)) {
            paint(change, follow);
        }
        mark_first_prompt(canvas, &host);
        if printed.text.contains('\n') {
            announce_when_quiet(canvas, announced);
        }
    });

    // As many columns and rows as fit.
    let fit = move || {
        let (Some(scroll), Some(ruler)) = (scroll.get_untracked(), ruler.get_untracked()) else { return };
        let cell = ruler.get_bounding_client_rect();
        let (width, height) = (f64::from(scroll.client_width()) - 24.0, f64::from(scroll.client_height()) - 16.0);
        if width <= 0.0 || height <= 0.0 || cell.width() <= 0.0 {
            return; // hidden
        }
        let fitting = (
            ((width / (cell.width() / 10.0)).floor() as usize).clamp(20, 400),
            ((height / cell.height()).floor() as usize).clamp(4, 200),
        );
        size.set(fitting);
        if canvas.with_value(|c| c.screen.size()) != fitting {
            if let Some(change) = canvas.try_update_value(|c| c.screen.resize(fitting.0, fitting.1)) {
                paint(change, true);
            }
            playground.resize(tab, fitting.0, fitting.1);
        }
    };
    Effect::new(move |_| {
        if let Some(scroll) = scroll.get() {
            fit();
            on_resize(&scroll, fit);
        }
    });

    // The keyboard goes where the hands are.
    Effect::new(move |asked: Option<u64>| {
        let now = playground.focus.get();
        if active()
            && asked != Some(now)
            && now > 0
            && let Some(field) = field.get()
        {
            let _ = field.focus();
        }
        now
    });

    let leaving = StoredValue::new(false);
    let composing = StoredValue::new(false);
    let on_keydown = move |e: KeyboardEvent| {
        if composing.get_value() || e.is_composing() || (e.key() == "Tab" && leaving.get_value()) {
            return;
        }
        leaving.set_value(e.key() == "Escape");
        if e.ctrl_key() && e.key() == "c" && selected_text().is_some() {
            return; // the browser copies
        }
        let press =
            Press { key: e.key(), ctrl: e.ctrl_key(), alt: e.alt_key(), meta: e.meta_key(), shift: e.shift_key() };
        if playground.press(&press) {
            e.prevent_default();
        }
    };
    // Phones and input methods bring text without keys.
    let take_text = move || {
        let Some(field) = field.get_untracked() else { return };
        let value = field.value();
        field.set_value(SENTINEL);
        match value.replace(SENTINEL, "") {
            text if text.is_empty() && value.is_empty() => playground.key(Key::Backspace),
            text => text.chars().for_each(|c| playground.key(if c == '\n' { Key::Enter } else { Key::Char(c) })),
        }
    };
    let on_input = move |_: Event| {
        if !composing.get_value() {
            take_text();
        }
    };
    let on_composed = move |_: CompositionEvent| {
        composing.set_value(false);
        take_text();
    };
    let on_paste = move |e: ClipboardEvent| {
        e.prevent_default();
        if let Some(text) = e.clipboard_data().and_then(|d| d.get_data("text/plain").ok()) {
            playground.paste(&text);
        }
    };
    let on_click = move |_| {
        if selected_text().is_none()
            && let Some(field) = field.get_untracked()
        {
            let _ = field.focus_with_options(&no_scroll());
        }
    };

    view! {
        <div class="terminal" role="tabpanel" hidden=move || !active()>
            <div class="scroll" node_ref=scroll on:click=on_click>
                <div class="paper">
                    <span class="ruler" aria-hidden="true" node_ref=ruler>"0000000000"</span>
                    <div class="screen" node_ref=host></div>
                    <div class="cursor" aria-hidden="true" node_ref=cursor></div>
                    <textarea
                        class="hands"
                        node_ref=field
                        aria-label=t("terminal.input")
                        autocapitalize="off"
                        autocomplete="off"
                        spellcheck="false"
                        prop:value=SENTINEL
                        on:keydown=on_keydown
                        on:input=on_input
                        on:compositionstart=move |_| composing.set_value(true)
                        on:compositionend=on_composed
                        on:paste=on_paste
                    ></textarea>
                </div>
            </div>
            <div class="unseen" aria-live="polite">{announced}</div>
        </div>
    }
}

fn at_end(scroll: &HtmlElement) -> bool {
    scroll.scroll_height() - scroll.scroll_top() - scroll.client_height() < 8
}

fn place_cursor(cursor: &HtmlElement, at: Option<(usize, usize)>) {
    let style = cursor.style();
    match at {
        Some((row, column)) => {
            let _ = style.set_property("--row", &row.to_string());
            let _ = style.set_property("--column", &column.to_string());
            let _ = style.remove_property("visibility");
        }
        None => {
            let _ = style.set_property("visibility", "hidden");
        }
    }
}

fn no_scroll() -> web_sys::FocusOptions {
    let options = web_sys::FocusOptions::new();
    options.set_prevent_scroll(true);
    options
}

/// What is selected on the page, unless nothing is.
fn selected_text() -> Option<String> {
    let text = String::from(window().get_selection().ok()??.to_string());
    (!text.is_empty()).then_some(text)
}

/// Leaves a mark in the browser's timeline when the first prompt is painted: the end of a cold load.
fn mark_first_prompt(canvas: StoredValue<Canvas, LocalStorage>, host: &HtmlElement) {
    if !canvas.with_value(|c| c.prompt_marked)
        && host.text_content().is_some_and(|t| t.contains("$ ") || t.ends_with('$'))
    {
        canvas.update_value(|c| c.prompt_marked = true);
        request_animation_frame(|| {
            if let Some(performance) = window().performance() {
                let _ = performance.mark("kaiki-prompt");
            }
        });
    }
}

/// Tells a screen reader what was printed, once it stops coming.
fn announce_when_quiet(canvas: StoredValue<Canvas, LocalStorage>, announced: RwSignal<String>) {
    let asked = now_ms();
    let seen = canvas.with_value(|c| c.seen);
    set_timeout(
        move || {
            let quiet = canvas.try_with_value(|c| c.seen == seen).unwrap_or(false);
            if quiet || now_ms() - asked > 4.0 * QUIET_MS as f64 {
                let text = canvas.try_update_value(|c| std::mem::take(&mut c.unsaid)).unwrap_or_default();
                announced.set(spoken(&text));
            }
        },
        Duration::from_millis(QUIET_MS),
    );
}

/// Printed text without its escape sequences, and not too much of it.
fn spoken(text: &str) -> String {
    let mut screen = Screen::new(200, 100);
    screen.feed(text);
    let rows: Vec<String> = screen.runs_from(0).map(|runs| runs.into_iter().map(|r| r.text).collect()).collect();
    let said = rows.join("\n").trim().to_owned();
    let skip = said.chars().count().saturating_sub(ANNOUNCED_CHARS_MAX);
    said.chars().skip(skip).collect()
}

#[cfg(test)]
mod tests {
    use super::{ANNOUNCED_CHARS_MAX, spoken};

    #[test]
    fn what_is_spoken_has_no_escape_sequences_and_an_end() {
        assert_eq!(spoken("\x1b[1;32mok\x1b[0m\r\n$ "), "ok\n$");
        assert!(spoken(&"word ".repeat(2_000)).chars().count() <= ANNOUNCED_CHARS_MAX);
    }
}
