//! Headless tests of the simulation as the browser runs it. `./play test wasm` compiles them to wasm and runs them under Node.

use wasm_tests::transcript;

#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

#[test]
fn a_typed_line_is_echoed_and_followed_by_a_prompt() {
    let text = transcript(&["echo hello"]);
    assert_eq!(text.matches("$ ").count(), 2, "{text}");
    assert!(text.contains("echo hello\r\n"), "{text}");
}

#[test]
fn the_same_keys_give_the_same_transcript() {
    let lines = ["kubectl get pods -A", "kubectl get nodes"];
    assert_eq!(transcript(&lines), transcript(&lines));
}
