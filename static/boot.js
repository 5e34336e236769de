// Starts the application. A file of its own, since the page's policy forbids inline scripts; Trunk writes the names of
// the module and its wasm into this script's tag (see trunk.toml).
const { js, wasm } = document.querySelector("script[data-wasm]").dataset;

try {
  const { default: init } = await import(js);
  await init({ module_or_path: wasm });
} catch (error) {
  // Nothing of the application runs yet, so this says it in both languages.
  const note = document.createElement("p");
  note.className = "boot-error";
  note.textContent =
    "Kaiki could not start in this browser. It needs WebAssembly; please try a current Firefox, Chrome or Safari. · " +
    "Το Kaiki δεν μπόρεσε να ξεκινήσει σε αυτόν τον browser. Χρειάζεται WebAssembly· δοκιμάστε έναν πρόσφατο Firefox, Chrome ή Safari.";
  document.body.append(note);
  throw error;
}
