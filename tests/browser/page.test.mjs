// The page as a learner meets it.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { house } from "./lib/page.mjs";

let home;
before(async () => (home = await house()));
after(() => home?.stop());

test("the page loads without a complaint and a prompt appears", async () => {
  const { page, prompt, complaints } = await home.open();
  await prompt();
  assert.match(await page.title(), /Kaiki/);
  assert.deepEqual(complaints, []);
});

test("what is typed appears at the prompt, and the terminal answers", async () => {
  const { type, text, prompt, sees, complaints } = await home.open();
  await prompt();
  await type("echo καΐκι");
  await sees("echo καΐκι");
  await prompt();
  assert.ok((await text()).split("$ ").length >= 3, "a second prompt follows");
  assert.deepEqual(complaints, []);
});
