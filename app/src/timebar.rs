//! The clock of the playground: pause, speeds, the next thing that happens, and the latest of what did.

use crate::i18n::{fill, language, t};
use crate::playground::Playground;
use leptos::prelude::*;
use session::Speed;

#[component]
pub(crate) fn TimeBar(playground: Playground) -> impl IntoView {
    let language = language();
    let speeds = Speed::ALL.map(|speed| {
        let chosen = move || playground.speed.get() == speed;
        let label = move || match speed {
            Speed::Paused => t("time.pause")(),
            speed => fill(language, "time.speed", &[("n", &speed.factor().to_string())]),
        };
        let face = match speed {
            Speed::Paused => "❚❚".to_owned(),
            speed => format!("{}×", speed.factor()),
        };
        view! {
            <button
                role="radio"
                aria-checked=move || chosen().to_string()
                aria-label=label
                title=label
                on:click=move |_| playground.set_speed(speed)
            >
                {face}
            </button>
        }
    });
    let latest = move || {
        playground.cluster.with(|c| {
            let line = c.story.iter().rfind(|line| !line.system).or(c.story.last())?;
            let warning = line.warning;
            Some(view! {
                <span class="story" class:warning=warning title=line.message.clone()>
                    <b>{line.subject.clone()}</b>
                    " "
                    {line.message.clone()}
                </span>
            })
        })
    };
    view! {
        <div class="timebar">
            <div class="speeds" role="radiogroup" aria-label=t("time.label")>{speeds.to_vec()}</div>
            <button class="skip" title=t("time.next") aria-label=t("time.next") on:click=move |_| playground.skip_to_next_event()>
                "⇥"
            </button>
            <time title=t("time.elapsed")>{move || clock_text(playground.clock.get().elapsed_us)}</time>
            {latest}
        </div>
    }
}

/// `0:07`, `12:34`, `3:02:09`
fn clock_text(elapsed_us: i64) -> String {
    let s = elapsed_us.max(0) / 1_000_000;
    let (h, m, s) = (s / 3600, s / 60 % 60, s % 60);
    if h > 0 { format!("{h}:{m:02}:{s:02}") } else { format!("{m}:{s:02}") }
}

#[cfg(test)]
mod tests {
    use super::clock_text;

    #[test]
    fn elapsed_time_reads_like_a_stopwatch() {
        for (seconds, expected) in [(0, "0:00"), (7, "0:07"), (754, "12:34"), (10_929, "3:02:09")] {
            assert_eq!(clock_text(seconds * 1_000_000), expected);
        }
    }
}
