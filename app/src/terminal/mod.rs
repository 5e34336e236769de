//! The terminals: tabs, a screen of real text each, and the keyboard.

pub(crate) mod keys;
mod paint;
mod pane;
mod screen;

use crate::i18n::{fill, language, t};
use crate::playground::Playground;
use leptos::prelude::*;
use pane::Pane;
use session::{Key, TabId};

/// Terminal tabs above the active screen; on narrow pages a row of keys below.
#[component]
pub(crate) fn Terminals(playground: Playground) -> impl IntoView {
    let language = language();
    let size = RwSignal::new((80usize, 24usize));
    let name =
        move |tab: TabId| fill(language, "terminal.name", &[("n", &(tab.0 - playground.first.0 + 1).to_string())]);
    view! {
        <section class="terminals" aria-label=t("terminal.label")>
            <div class="tabs" role="tablist" aria-label=t("terminal.label")>
                <For each=move || playground.tabs.get() key=|tab| *tab let:tab>
                    <span class="tab" class:active=move || playground.active.get() == tab>
                        <button
                            role="tab"
                            aria-selected=move || (playground.active.get() == tab).to_string()
                            on:click=move |_| {
                                playground.active.set(tab);
                                playground.focus.update(|n| *n += 1);
                            }
                        >
                            {move || name(tab)}
                        </button>
                        <Show when=move || { playground.tabs.with(|tabs| tabs.len() > 1) }>
                            <button
                                class="close"
                                aria-label=t("terminal.close")
                                title=t("terminal.close")
                                on:click=move |_| playground.close_tab(tab)
                            >
                                "×"
                            </button>
                        </Show>
                    </span>
                </For>
                <button
                    class="new"
                    aria-label=t("terminal.new")
                    title=t("terminal.new")
                    on:click=move |_| {
                        let (columns, rows) = size.get_untracked();
                        playground.open_tab(columns, rows);
                    }
                >
                    "+"
                </button>
            </div>
            <For each=move || playground.tabs.get() key=|tab| *tab let:tab>
                <Pane playground tab size />
            </For>
            <KeyRow playground />
        </section>
    }
}

/// Keys that a phone's keyboard lacks.
#[component]
fn KeyRow(playground: Playground) -> impl IntoView {
    let keys: [(&str, Key); 8] = [
        ("Tab", Key::Tab),
        ("^C", Key::Ctrl('c')),
        ("^R", Key::Ctrl('r')),
        ("↑", Key::Up),
        ("↓", Key::Down),
        ("|", Key::Char('|')),
        ("-", Key::Char('-')),
        ("/", Key::Char('/')),
    ];
    let buttons = keys.map(|(label, key)| {
        view! {
            // Pressing must not take the focus, or the phone's keyboard would close.
            <button tabindex="-1" on:pointerdown=|e| e.prevent_default() on:click=move |_| playground.key(key)>
                {label}
            </button>
        }
    });
    view! { <div class="keyrow">{buttons.to_vec()}</div> }
}
