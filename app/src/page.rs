//! The page as a whole: header, lesson, cluster and terminal, and how they share the room there is.

use crate::diagram::Diagram;
use crate::dom::{parameter, remember, remembered, set_root_attribute};
use crate::i18n::{Language, language, t};
use crate::lesson::{Course, LessonPane, StepLine};
use crate::playground::Playground;
use crate::terminal::Terminals;
use crate::timebar::TimeBar;
use leptos::ev::{KeyboardEvent, PointerEvent};
use leptos::html;
use leptos::prelude::*;

/// What a narrow page shows; on wide ones all three are there.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Place {
    #[default]
    Lesson,
    Cluster,
    Terminal,
}

pub(crate) type PlaceSignal = RwSignal<Place>;

impl Place {
    fn name(self) -> &'static str {
        match self {
            Self::Lesson => "lesson",
            Self::Cluster => "cluster",
            Self::Terminal => "terminal",
        }
    }
}

/// The diagram's share of the height beside the terminal, in percent.
const SPLIT: f64 = 55.0;

#[component]
pub(crate) fn Page() -> impl IntoView {
    let language = RwSignal::new(first_language());
    provide_context(language);
    Effect::new(move |_| set_root_attribute("lang", language.get().code()));
    let playground = Playground::begin();
    let place = RwSignal::new(Place::default());
    let drawer = RwSignal::new(false);
    let course = Course::open();
    Effect::new(move |_| document().set_title(&course.page_title(language)));
    let open_step = move |()| {
        drawer.update(|d| *d = !*d);
        place.set(Place::Lesson);
    };
    // A command typed from the drawer is watched, not covered.
    Effect::new(move |_| {
        if place.get() == Place::Terminal {
            drawer.set(false);
        }
    });
    view! {
        <Header />
        <StepLine course on_open=open_step />
        <main
            data-place=move || place.get().name()
            data-drawer=move || if drawer.get() { "open" } else { "closed" }
            on:keydown=move |e| {
                if e.key() == "Escape" {
                    drawer.set(false);
                }
            }
        >
            <LessonPane course playground place />
            <Workshop playground place />
        </main>
        <Places place />
    }
}

/// Diagram above terminal, with a handle between them.
#[component]
fn Workshop(playground: Playground, place: PlaceSignal) -> impl IntoView {
    let whole = NodeRef::<html::Div>::new();
    let remembered_split = remembered("kaiki.split").and_then(|s| s.parse().ok()).unwrap_or(SPLIT);
    let split = RwSignal::new(f64::clamp(remembered_split, 15.0, 85.0));
    let dragging = StoredValue::new(false);
    let set_split = move |percent: f64| {
        split.set(percent.clamp(15.0, 85.0));
        remember("kaiki.split", &format!("{:.1}", split.get_untracked()));
    };
    let on_move = move |e: PointerEvent| {
        if dragging.get_value()
            && let Some(whole) = whole.get_untracked()
        {
            let place = whole.get_bounding_client_rect();
            set_split((f64::from(e.client_y()) - place.top()) / place.height() * 100.0);
        }
    };
    let on_key = move |e: KeyboardEvent| {
        let step = match e.key().as_str() {
            "ArrowUp" => -4.0,
            "ArrowDown" => 4.0,
            _ => return,
        };
        e.prevent_default();
        set_split(split.get_untracked() + step);
    };
    view! {
        <div class="workshop" node_ref=whole style:--split=move || format!("{:.1}%", split.get())>
            <div class="harbour">
                <Diagram playground place />
                <TimeBar playground />
            </div>
            <div
                class="handle"
                role="separator"
                tabindex="0"
                aria-orientation="horizontal"
                aria-label=t("page.split")
                aria-valuemin="15"
                aria-valuemax="85"
                aria-valuenow=move || format!("{:.0}", split.get())
                on:pointerdown=move |e| {
                    dragging.set_value(true);
                    if let Some(handle) = e.current_target().and_then(|t| wasm_bindgen::JsCast::dyn_into::<web_sys::Element>(t).ok()) {
                        let _ = handle.set_pointer_capture(e.pointer_id());
                    }
                }
                on:pointermove=on_move
                on:pointerup=move |_| dragging.set_value(false)
                on:pointercancel=move |_| dragging.set_value(false)
                on:keydown=on_key
            ></div>
            <Terminals playground />
        </div>
    }
}

/// On narrow pages: which of the three is shown.
#[component]
fn Places(place: PlaceSignal) -> impl IntoView {
    let tab = move |target: Place, label: &'static str| {
        view! {
            <button aria-pressed=move || (place.get() == target).to_string() on:click=move |_| place.set(target)>
                {t(label)}
            </button>
        }
    };
    view! {
        <nav class="places" aria-label=t("page.places")>
            {tab(Place::Lesson, "place.lesson")} {tab(Place::Cluster, "place.cluster")} {tab(Place::Terminal, "place.terminal")}
        </nav>
    }
}

#[component]
fn Header() -> impl IntoView {
    let language = language();
    let theme =
        RwSignal::new(parameter("theme").or_else(|| remembered("kaiki.theme")).unwrap_or_else(|| "auto".to_owned()));
    Effect::new(move |_| set_root_attribute("data-theme", &theme.get()));
    let next_theme = move |_| {
        let next = match theme.get_untracked().as_str() {
            "auto" => "dark",
            "dark" => "light",
            _ => "auto",
        };
        remember("kaiki.theme", next);
        theme.set(next.to_owned());
    };
    let theme_label = move || match theme.get().as_str() {
        "dark" => t("theme.dark")(),
        "light" => t("theme.light")(),
        _ => t("theme.auto")(),
    };
    let theme_face = move || match theme.get().as_str() {
        "dark" => "☾",
        "light" => "☼",
        _ => "◐",
    };
    let languages = Language::ALL.map(|l| {
        view! {
            <button
                lang=l.code()
                aria-pressed=move || (language.get() == l).to_string()
                on:click=move |_| {
                    language.set(l);
                    remember("kaiki.language", l.code());
                }
            >
                {l.name()}
            </button>
        }
    });
    view! {
        <header>
            <img src="icons/kaiki.svg" alt="" width="26" height="26" />
            <strong>"Kaiki"</strong>
            <span class="motto">{t("page.motto")}</span>
            <div class="languages" role="group" aria-label=t("page.language")>{languages.to_vec()}</div>
            <button class="theme" title=theme_label aria-label=theme_label on:click=next_theme>{theme_face}</button>
        </header>
    }
}

/// The address decides, then an earlier choice, then the browser.
fn first_language() -> Language {
    let asked = parameter("lang").or_else(|| remembered("kaiki.language"));
    asked.or_else(|| window().navigator().language()).and_then(|tag| Language::parse(&tag)).unwrap_or_default()
}
