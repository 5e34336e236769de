// Opens the page in a real browser and gives tests words for what a learner does and sees.
import { chromium } from "playwright-core";
import { serve } from "./server.mjs";

const FLAGS = [
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
];

/** Starts the server and a browser; `stop()` ends both. */
export async function house() {
  const server = await serve();
  const browser = await chromium.launch({ executablePath: process.env.KAIKI_CHROMIUM ?? "/usr/bin/chromium", args: FLAGS });
  return {
    server,
    browser,
    async stop() {
      await browser.close();
      await server.close();
    },
    /** Opens the page; console errors, uncaught exceptions and requests that leave the origin collect in `complaints`. */
    async open({ path = "", ...context } = {}) {
      const view = await browser.newContext({ viewport: { width: 1440, height: 900 }, locale: "en-US", ...context });
      const page = await view.newPage();
      const complaints = [];
      page.on("console", (m) => m.type() === "error" && complaints.push(m.text()));
      page.on("pageerror", (e) => complaints.push(String(e)));
      page.on("request", (r) => r.url().startsWith(server.url) || r.url().startsWith("data:") || complaints.push(`left the origin: ${r.url()}`));
      await page.goto(server.url + path);
      return { page, view, complaints, ...hands(page) };
    },
  };
}

/** What hands and eyes do on an open page. */
function hands(page) {
  const screen = () => page.locator(".terminal:not([hidden]) .screen");
  const text = () => screen().innerText();
  return {
    screen,
    text,
    prompt: () => page.waitForFunction(() => /\$ ?$/.test(document.querySelector(".terminal:not([hidden]) .screen")?.innerText.trimEnd() ?? "")),
    async type(line) {
      await screen().click();
      await page.keyboard.type(line);
      await page.keyboard.press("Enter");
    },
    sees: (words) =>
      page.waitForFunction((w) => document.querySelector(".terminal:not([hidden]) .screen")?.innerText.includes(w), words, { timeout: 30_000 }),
  };
}
