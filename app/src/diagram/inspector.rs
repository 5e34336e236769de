//! What is known of the thing that was clicked. Slides in over the picture; Escape closes it.

use crate::i18n::t;
use leptos::html;
use leptos::prelude::*;
use session::view::ClusterView;

#[component]
pub(crate) fn Inspector(cluster: RwSignal<ClusterView>, selected: RwSignal<Option<String>>) -> impl IntoView {
    let close = NodeRef::<html::Button>::new();
    let pod = Memo::new(move |_| {
        let id = selected.get()?;
        cluster.with(|c| c.pods.iter().find(|p| p.id == id).cloned())
    });
    let owner = Memo::new(move |_| {
        let id = pod.with(|p| p.as_ref()?.owner.clone())?;
        cluster.with(|c| c.owners.iter().find(|o| o.id == id).map(|o| format!("{}/{}", o.badge, o.name)))
    });
    Effect::new(move |_| {
        if let Some(close) = close.get() {
            let _ = close.focus();
        }
    });
    let rows = move || {
        pod.with(|p| {
            let p = p.as_ref()?;
            let rows = [
                (t("inspect.status")(), p.status.clone()),
                (t("inspect.ready")(), format!("{}/{}", p.ready, p.containers)),
                (t("inspect.restarts")(), p.restarts.to_string()),
                (t("inspect.node")(), p.node.clone()),
                ("IP".to_owned(), p.ip.clone()),
                (t("inspect.namespace")(), p.namespace.clone()),
                (t("inspect.owner")(), owner.get().unwrap_or_default()),
            ];
            let shown = rows.into_iter().filter(|(_, value)| !value.is_empty());
            Some(shown.map(|(name, value)| view! { <dt>{name}</dt><dd>{value}</dd> }).collect_view())
        })
    };
    let events = move || {
        let subject = pod.with(|p| p.as_ref().map(|p| format!("po/{}", p.name)))?;
        let lines = cluster.with(|c| {
            let own = c.story.iter().filter(|l| l.subject == subject);
            own.map(|l| (l.reason.clone(), l.message.clone(), l.warning)).collect::<Vec<_>>()
        });
        (!lines.is_empty()).then(|| {
            let lines = lines.into_iter().map(|(reason, message, warning)| {
                view! { <li class:warning=warning><b>{reason}</b> " " {message}</li> }
            });
            view! { <h3>{t("inspect.events")}</h3><ul>{lines.collect_view()}</ul> }
        })
    };
    view! {
        <Show when=move || pod.with(Option::is_some)>
            <aside
                class="inspector"
                aria-label=t("inspect.label")
                on:keydown=move |e| {
                    if e.key() == "Escape" {
                        selected.set(None);
                    }
                }
            >
                <button class="close" node_ref=close aria-label=t("inspect.close") title=t("inspect.close") on:click=move |_| selected.set(None)>
                    "×"
                </button>
                <h2>
                    <span class="badge">"po "</span>
                    {move || pod.with(|p| p.as_ref().map(|p| p.name.clone()))}
                </h2>
                <dl>{rows}</dl>
                {events}
            </aside>
        </Show>
    }
}
