//! The few things asked of the browser directly.

use leptos::prelude::*;
use wasm_bindgen::JsCast;
use wasm_bindgen::prelude::Closure;
use web_sys::{Element, ResizeObserver};

/// Ends with the component that asked.
struct Watch {
    observer: ResizeObserver,
    _act: Closure<dyn Fn()>,
}

impl Drop for Watch {
    fn drop(&mut self) {
        self.observer.disconnect();
    }
}

/// Calls `act` whenever `element` changes its size, for as long as the current owner lives.
pub(crate) fn on_resize(element: &Element, act: impl Fn() + 'static) {
    let closure = Closure::<dyn Fn()>::new(act);
    if let Ok(observer) = ResizeObserver::new(closure.as_ref().unchecked_ref()) {
        observer.observe(element);
        let _ = StoredValue::new_local(Watch { observer, _act: closure });
    }
}

/// A small setting kept in the browser. A browser that refuses to keep it only forgets.
pub(crate) fn remember(key: &str, value: &str) {
    if let Ok(Some(storage)) = window().local_storage() {
        let _ = storage.set_item(key, value);
    }
}

pub(crate) fn remembered(key: &str) -> Option<String> {
    window().local_storage().ok()??.get_item(key).ok()?
}

/// A parameter of the page's address: `?lang=el`.
pub(crate) fn parameter(name: &str) -> Option<String> {
    let search = window().location().search().ok()?;
    web_sys::UrlSearchParams::new_with_str(&search).ok()?.get(name)
}

pub(crate) fn set_root_attribute(name: &str, value: &str) {
    if let Some(root) = document().document_element() {
        let _ = root.set_attribute(name, value);
    }
}
