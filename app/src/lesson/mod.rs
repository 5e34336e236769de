//! The lesson beside the cluster: one step at a time, with commands that can be typed for the learner.

mod text;

use crate::dom::{remember, remembered};
use crate::i18n::{Language, fill, language, t};
use crate::page::{Place, PlaceSignal};
use crate::playground::Playground;
use leptos::html;
use leptos::prelude::*;
use text::{Block, Inline, Lesson, parse};
use wasm_bindgen::JsCast;
use wasm_bindgen_futures::JsFuture;

/// The lesson that is open and where the learner is in it.
#[derive(Clone, Copy)]
pub(crate) struct Course {
    lesson: RwSignal<Option<Lesson>>,
    failed: RwSignal<bool>,
    step: RwSignal<usize>,
}

const SLUG: &str = "tutorial";

impl Course {
    /// Opens the lesson in the page's language, and again when the language changes; the step stays.
    pub(crate) fn open() -> Self {
        let step = remembered("kaiki.step").and_then(|s| s.parse().ok()).unwrap_or(0);
        let course = Self { lesson: RwSignal::new(None), failed: RwSignal::new(false), step: RwSignal::new(step) };
        let language = language();
        Effect::new(move |_| {
            let wanted = language.get();
            leptos::task::spawn_local(async move {
                let text = fetch(wanted).await;
                if language.get_untracked() != wanted {
                    return;
                }
                course.failed.set(text.is_none());
                if let Some(text) = text {
                    let lesson = parse(&text);
                    let last = lesson.steps.len().saturating_sub(1);
                    course.step.update(|s| *s = (*s).min(last));
                    course.lesson.set(Some(lesson));
                }
            });
        });
        course
    }

    fn steps(self) -> usize {
        self.lesson.with(|l| l.as_ref().map_or(0, |l| l.steps.len()))
    }

    fn go(self, to: usize) {
        self.step.set(to.min(self.steps().saturating_sub(1)));
        remember("kaiki.step", &self.step.get_untracked().to_string());
    }

    /// `Step 3 of 12 · Pod`
    fn line(self, language: RwSignal<Language>) -> String {
        let (n, of) = (self.step.get() + 1, self.steps());
        let title =
            self.lesson.with(|l| l.as_ref().and_then(|l| Some(l.steps.get(n - 1)?.title.clone()))).unwrap_or_default();
        if of == 0 {
            return String::new();
        }
        fill(language, "lesson.step", &[("n", &n.to_string()), ("of", &of.to_string()), ("title", &title)])
    }

    /// What the page's title says.
    pub(crate) fn page_title(self, language: RwSignal<Language>) -> String {
        match self.line(language) {
            line if line.is_empty() => "Kaiki".to_owned(),
            line => format!("{line} · Kaiki"),
        }
    }
}

async fn fetch(language: Language) -> Option<String> {
    let address = format!("lessons/{SLUG}/{}.md", language.code());
    let answer = JsFuture::from(window().fetch_with_str(&address)).await.ok()?;
    let answer: web_sys::Response = answer.dyn_into().ok()?;
    if !answer.ok() {
        return None;
    }
    JsFuture::from(answer.text().ok()?).await.ok()?.as_string()
}

/// The current step as one line, for pages too narrow to show the lesson all the time.
#[component]
pub(crate) fn StepLine(course: Course, #[prop(into)] on_open: Callback<()>) -> impl IntoView {
    let language = language();
    view! {
        <button class="stepline" on:click=move |_| on_open.run(())>
            <span>{move || course.line(language)}</span>
        </button>
    }
}

#[component]
pub(crate) fn LessonPane(course: Course, playground: Playground, place: PlaceSignal) -> impl IntoView {
    let top = NodeRef::<html::Article>::new();
    let language = language();
    let go = move |to: usize| {
        course.go(to);
        if let Some(top) = top.get_untracked() {
            top.set_scroll_top(0);
        }
    };
    let step = move || course.step.get();
    let body = move || {
        course.lesson.with(|lesson| {
            let step = lesson.as_ref()?.steps.get(course.step.get())?;
            Some(blocks(&step.blocks, playground, place))
        })
    };
    let title = move || course.lesson.with(|l| Some(l.as_ref()?.steps.get(step())?.title.clone()));
    view! {
        <article class="lesson" node_ref=top aria-label=t("lesson.label")>
            <p class="eyebrow">{move || course.lesson.with(|l| l.as_ref().map(|l| l.title.clone()))}</p>
            <h1>{title}</h1>
            {body}
            <Show when=move || course.failed.get()>
                <p class="problem">{t("lesson.failed")}</p>
            </Show>
            <Show when=move || { course.steps() > 0 }>
                <nav class="steps" aria-label=t("lesson.steps")>
                    <button class="quiet" disabled=move || step() == 0 on:click=move |_| go(step().saturating_sub(1))>
                        {t("lesson.back")}
                    </button>
                    <ol>
                        {move || {
                            (0..course.steps())
                                .map(|n| {
                                    let label = move || fill(language, "lesson.goto", &[("n", &(n + 1).to_string())]);
                                    view! {
                                        <li>
                                            <button
                                                class:done=move || n < step()
                                                aria-current=move || (n == step()).then_some("step")
                                                aria-label=label
                                                on:click=move |_| go(n)
                                            ></button>
                                        </li>
                                    }
                                })
                                .collect_view()
                        }}
                    </ol>
                    <button
                        class="next"
                        disabled=move || course.steps() <= step() + 1
                        on:click=move |_| go(step() + 1)
                    >
                        {t("lesson.next")}
                    </button>
                </nav>
            </Show>
        </article>
    }
}

fn blocks(list: &[Block], playground: Playground, place: PlaceSignal) -> Vec<AnyView> {
    list.iter().map(|b| block(b, playground, place)).collect()
}

fn block(block: &Block, playground: Playground, place: PlaceSignal) -> AnyView {
    match block {
        Block::Heading(inside) => view! { <h2>{inlines(inside)}</h2> }.into_any(),
        Block::Paragraph(inside) => view! { <p>{inlines(inside)}</p> }.into_any(),
        Block::Quote(inside) => view! { <blockquote>{blocks(inside, playground, place)}</blockquote> }.into_any(),
        Block::List { ordered, items } => {
            let items: Vec<_> = items.iter().map(|i| view! { <li>{blocks(i, playground, place)}</li> }).collect();
            if *ordered { view! { <ol>{items}</ol> }.into_any() } else { view! { <ul>{items}</ul> }.into_any() }
        }
        Block::Commands(commands) => {
            let lines: Vec<_> = commands.iter().map(|c| command(c.clone(), playground, place)).collect();
            view! { <div class="commands">{lines}</div> }.into_any()
        }
        Block::Code { file, text, .. } => {
            let save = file.clone().map(|file| save_button(file, text.clone(), playground, place));
            view! {
                <figure class="code">
                    {file.clone().map(|f| view! { <figcaption>{f}</figcaption> })}
                    <pre tabindex="0"><code>{text.clone()}</code></pre>
                    {save}
                </figure>
            }
            .into_any()
        }
    }
}

/// One command with the button that types it, visibly, into the terminal.
fn command(line: String, playground: Playground, place: PlaceSignal) -> impl IntoView {
    let typed = format!("{line}\n");
    view! {
        <div class="command">
            <code>{line}</code>
            <button
                title=t("lesson.type")
                aria-label=t("lesson.type")
                on:click=move |_| {
                    place.set(Place::Terminal);
                    playground.type_for_me(&typed);
                }
            >
                {t("lesson.type-short")}
            </button>
        </div>
    }
}

/// Writes a file on the learner's machine as a shell does it, so that it can be seen how.
fn save_button(file: String, text: String, playground: Playground, place: PlaceSignal) -> impl IntoView {
    let language = language();
    let label = {
        let file = file.clone();
        move || fill(language, "lesson.save", &[("file", &file)])
    };
    view! {
        <button
            class="save"
            on:click=move |_| {
                place.set(Place::Terminal);
                playground.paste(&format!("cat > {file} <<'EOF'\n{text}\nEOF\n"));
                playground.focus.update(|n| *n += 1);
            }
        >
            {label}
        </button>
    }
}

fn inlines(list: &[Inline]) -> Vec<AnyView> {
    list.iter()
        .map(|inline| match inline {
            Inline::Text(text) => text.clone().into_any(),
            Inline::Code(text) => view! { <code>{text.clone()}</code> }.into_any(),
            Inline::Emphasis(inside) => view! { <em>{inlines(inside)}</em> }.into_any(),
            Inline::Strong(inside) => view! { <strong>{inlines(inside)}</strong> }.into_any(),
            Inline::Link { to, inside } => {
                view! { <a href=to.clone() target="_blank" rel="noopener noreferrer">{inlines(inside)}</a> }.into_any()
            }
            Inline::Break => view! { <br /> }.into_any(),
        })
        .collect()
}
