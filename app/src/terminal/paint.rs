//! Paints a [`Screen`] into the page as real text: one element a row, one a run. Only rows that changed are touched, so
//! a selection elsewhere stays. Text goes in as text, never as markup.

use crate::terminal::screen::{Change, Run, Screen, Style};
use avt::Color;
use leptos::prelude::document;
use wasm_bindgen::JsCast;
use web_sys::{Element, HtmlElement};

/// The painted rows of one terminal.
#[derive(Default)]
pub(crate) struct Painter {
    rows: Vec<(Element, Vec<Run>)>,
}

impl Painter {
    pub(crate) fn apply(&mut self, screen: &Screen, change: Change, host: &HtmlElement) {
        for (element, _) in self.rows.drain(..change.dropped.min(self.rows.len())) {
            element.remove();
        }
        for (element, _) in self.rows.drain(change.rows.min(self.rows.len())..) {
            element.remove();
        }
        while self.rows.len() < change.rows {
            let Ok(element) = document().create_element("div") else { return };
            let _ = host.append_child(&element);
            self.rows.push((element, Vec::new()));
        }
        for ((element, shown), runs) in self.rows[change.from..].iter_mut().zip(screen.runs_from(change.from)) {
            if *shown != runs {
                paint_row(element, &runs);
                *shown = runs;
            }
        }
    }
}

fn paint_row(row: &Element, runs: &[Run]) {
    row.set_text_content(None);
    if runs.is_empty()
        && let Ok(line_break) = document().create_element("br")
    {
        // Makes an empty row count as one when it is copied.
        let _ = row.append_child(&line_break);
    }
    for run in runs {
        if run.pen == Style::default() {
            let _ = row.append_child(&document().create_text_node(&run.text));
        } else if let Ok(span) = document().create_element("span") {
            span.set_text_content(Some(&run.text));
            dress(&span, run.pen);
            let _ = row.append_child(&span);
        }
    }
}

fn dress(span: &Element, pen: Style) {
    let marks = [
        ("bold", pen.bold),
        ("faint", pen.faint),
        ("italic", pen.italic),
        ("underline", pen.underline),
        ("struck", pen.struck),
        ("inverse", pen.inverse),
    ];
    let mut class: Vec<String> = marks.iter().filter(|(_, on)| *on).map(|(name, _)| (*name).to_owned()).collect();
    for (side, colour) in [("fg", pen.foreground), ("bg", pen.background)] {
        match colour {
            Some(Color::Indexed(n)) if n < 16 => class.push(format!("{side}-{n}")),
            Some(colour) => {
                if let Some(span) = span.dyn_ref::<HtmlElement>() {
                    let _ = span.style().set_property(if side == "fg" { "color" } else { "background" }, &css(colour));
                }
            }
            None => {}
        }
    }
    span.set_class_name(&class.join(" "));
}

/// A colour beyond the sixteen named ones: the 6×6×6 cube, the greys, or as given.
fn css(colour: Color) -> String {
    match colour {
        Color::RGB(c) => format!("rgb({} {} {})", c.r, c.g, c.b),
        Color::Indexed(n @ 232..) => {
            let grey = 8 + 10 * (u32::from(n) - 232);
            format!("rgb({grey} {grey} {grey})")
        }
        Color::Indexed(n) => {
            let n = u32::from(n.max(16)) - 16;
            let level = |step: u32| if step == 0 { 0 } else { 55 + 40 * step };
            format!("rgb({} {} {})", level(n / 36), level(n / 6 % 6), level(n % 6))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::css;
    use avt::Color;

    #[test]
    fn indexed_colours_are_xterm_s() {
        for (n, expected) in [(16, "rgb(0 0 0)"), (196, "rgb(255 0 0)"), (231, "rgb(255 255 255)"), (232, "rgb(8 8 8)")]
        {
            assert_eq!(css(Color::Indexed(n)), expected, "{n}");
        }
    }
}
