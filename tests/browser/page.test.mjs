// The page as a learner meets it.
import assert from "node:assert/strict";
import { readdirSync } from "node:fs";
import { after, before, test } from "node:test";
import { house } from "./lib/page.mjs";
import { counted } from "./lib/budget.mjs";
import { DIST } from "./lib/server.mjs";

let home;
before(async () => (home = await house()));
after(() => home?.stop());

test("the page loads without a complaint and a prompt appears", async () => {
  const { page, prompt, complaints } = await home.open();
  await prompt();
  await page.locator(".lesson h1").filter({ hasText: /\w/ }).waitFor();
  assert.match(await page.title(), /Step 1 of \d+ · .+ · Kaiki/);
  assert.deepEqual(complaints, []);
});

test("everything fetched before the prompt is counted in the size budget", async () => {
  const { page, prompt } = await home.open();
  await prompt();
  const fetched = await page.evaluate(() => {
    const prompt = performance.getEntriesByName("kaiki-prompt")[0]?.startTime ?? performance.now();
    return performance
      .getEntriesByType("resource")
      .filter((entry) => entry.startTime < prompt && !new URL(entry.name).pathname.startsWith("/lessons/"))
      .map((entry) => new URL(entry.name).pathname.slice(1));
  });
  assert.ok(fetched.some((name) => name.endsWith(".wasm")), "the application itself is among them");
  for (const name of fetched) assert.ok(counted(name), `${name} is fetched before the prompt but not counted`);
  assert.ok(readdirSync(DIST).filter(counted).length >= fetched.length);
});

test("what is typed appears at the prompt, and the terminal answers", async () => {
  const { type, text, prompt, sees, complaints } = await home.open();
  await prompt();
  await type("echo καΐκι");
  await sees("echo καΐκι");
  await prompt();
  assert.ok((await text()).split("$ ").length >= 2, "a second prompt follows");
  assert.deepEqual(complaints, []);
});

test("'type it' types a lesson's command where it can be seen", async () => {
  const { page, prompt, sees } = await home.open();
  await prompt();
  const command = await page.locator(".command code").first().innerText();
  await page.locator(".command button").first().click();
  await sees(command.trim());
});

test("a second terminal has a screen of its own, and closing it goes back", async () => {
  const { page, prompt, type, sees, text, complaints } = await home.open();
  await prompt();
  await type("echo one");
  await sees("echo one");
  await page.getByRole("button", { name: "New terminal" }).click();
  await prompt();
  assert.ok(!(await text()).includes("echo one"));
  await page.getByRole("button", { name: "Close this terminal" }).last().click();
  await sees("echo one");
  assert.deepEqual(complaints, []);
});

test("the language changes everything and is remembered", async () => {
  const { page, prompt } = await home.open();
  await prompt();
  await page.getByRole("button", { name: "Ελληνικά" }).click();
  await page.getByRole("tab", { name: "Τερματικό 1" }).waitFor();
  await page.locator(".lesson h1").filter({ hasText: /[α-ω]/ }).waitFor();
  assert.equal(await page.locator("html").getAttribute("lang"), "el");
  await page.reload();
  await page.getByRole("tab", { name: "Τερματικό 1" }).waitFor();
});

test("no text of the page is without words: no message key shows", async () => {
  for (const path of ["?lang=en", "?lang=el"]) {
    const { page, prompt } = await home.open({ path });
    await prompt();
    const shown = await page.evaluate(() => {
      const labels = [...document.querySelectorAll("[aria-label],[title]")].flatMap((e) => [e.getAttribute("aria-label"), e.title]);
      return [document.querySelector("main").innerText, ...labels].join("\n");
    });
    assert.doesNotMatch(shown, /\b(diagram|inspect|lesson|page|place|terminal|theme|time)\.[a-z-]+\b/);
  }
});

test("Escape and Tab lead out of the terminal; Tab alone stays in it", async () => {
  const { page, prompt, screen } = await home.open();
  await prompt();
  await screen().click();
  const inside = () => page.evaluate(() => document.activeElement.className === "hands");
  await page.keyboard.press("Tab");
  assert.ok(await inside());
  await page.keyboard.press("Escape");
  await page.keyboard.press("Tab");
  assert.ok(!(await inside()));
});

test("on a phone one place shows at a time, and typing for the learner goes to the terminal", async () => {
  const { page, prompt, complaints } = await home.open({ viewport: { width: 360, height: 740 }, hasTouch: true, isMobile: true });
  await page.locator(".command button").first().tap();
  await prompt();
  assert.ok(await page.locator(".terminals").isVisible());
  assert.ok(!(await page.locator(".lesson").isVisible()));
  await page.locator(".places button").nth(1).tap();
  assert.ok(await page.locator(".diagram").isVisible());
  const wide = await page.evaluate(() => document.documentElement.scrollWidth);
  assert.ok(wide <= 360, `the page is ${wide} px wide`);
  assert.deepEqual(complaints, []);
});

test("inline scripts and scripts from elsewhere are refused", async () => {
  const { page, prompt, complaints } = await home.open();
  await prompt();
  await page.evaluate(() => {
    const script = document.createElement("script");
    script.textContent = "window.intruders = 1";
    const image = document.createElement("img");
    image.setAttribute("onerror", "window.intruders = 2");
    image.src = "data:,";
    document.body.append(script, image);
    setTimeout("window.intruders = 3", 0);
  });
  await page.waitForTimeout(300);
  assert.equal(await page.evaluate(() => window.intruders), undefined);
  assert.ok(complaints.length >= 3, `the browser says what it refused: ${complaints}`);
});
