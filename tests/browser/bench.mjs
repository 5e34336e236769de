// The page's figures in headless Chromium: cold load to prompt, keystroke to echo, frames while idle. Prints one JSON line.
import { execFileSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { cpus } from "node:os";
import { house } from "./lib/page.mjs";

const LOADS = 5;
const KEYS = 200;

const at = (values, share) => values.toSorted((a, b) => a - b)[Math.min(values.length - 1, Math.floor(values.length * share))];
const ms = (n) => Math.round(n * 10) / 10;

const home = await house();
const loads = [];
let keys = [];
try {
  for (let i = 0; i < LOADS; i++) {
    const { page, view, prompt } = await home.open();
    await prompt();
    // The application marks the frame in which the first prompt is on the screen.
    loads.push(await page.evaluate(() => performance.getEntriesByName("kaiki-prompt")[0].startTime));
    if (i + 1 === LOADS) keys = await keystrokes(page);
    await view.close();
  }
} finally {
  await home.stop();
}

/** From the key event's dispatch to the changed text in the page, layout included. */
function keystrokes(page) {
  return page.evaluate(async (count) => {
    const input = document.querySelector(".terminal:not([hidden]) textarea");
    const screen = document.querySelector(".terminal:not([hidden]) .screen");
    input.focus();
    const times = [];
    for (let i = 0; i < count; i++) {
      await new Promise(requestAnimationFrame);
      const before = screen.textContent;
      const start = performance.now();
      const key = i % 40 === 39 ? "Enter" : "x";
      input.dispatchEvent(new KeyboardEvent("keydown", { key, bubbles: true, cancelable: true }));
      while (screen.textContent === before && performance.now() - start < 1000) await new Promise((done) => setTimeout(done, 0));
      screen.getBoundingClientRect();
      times.push(performance.now() - start);
    }
    return times;
  }, KEYS);
}

const size = JSON.parse(
  execFileSync(process.execPath, [fileURLToPath(new URL("size.mjs", import.meta.url)), "--json"], { encoding: "utf8" }),
);
console.log(
  JSON.stringify({
    bench: "web",
    machine: `${cpus().length} × ${cpus()[0]?.model ?? "unknown"}`,
    before_prompt_bytes_brotli: size.before_prompt_bytes_brotli,
    cold_load_to_prompt_ms: { median: ms(at(loads, 0.5)), max: ms(Math.max(...loads)), loads: LOADS },
    keystroke_to_echo_ms: { median: ms(at(keys, 0.5)), p99: ms(at(keys, 0.99)), keys: KEYS },
  }),
);
