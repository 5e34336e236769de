// The tutorial as a learner walks through it: every button of every step, in both languages, with the picture following.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { house } from "./lib/page.mjs";

let home;
before(async () => (home = await house()));
after(() => home?.stop());

/** Waits until the terminal asks or prompts; says yes to a question. */
async function answered(page) {
  const end = () => /(\[Y\/n\]|\$) ?$/.exec(document.querySelector(".terminal:not([hidden]) .screen").innerText.trimEnd())?.[1];
  const found = await page.waitForFunction(end);
  if ((await found.jsonValue()) === "[Y/n]") await page.keyboard.press("Enter");
}

for (const language of ["en", "el"]) {
  test(`the whole tutorial by its buttons, in ${language}`, async () => {
    const { page, prompt, sees, text, complaints } = await home.open({ path: `?lang=${language}` });
    await prompt();
    await page.locator(".lesson h1").filter({ hasText: /[\wα-ω]/ }).waitFor();
    // Time runs fast, so that images pull while we look.
    await page.locator(".speeds button").nth(2).click();

    const seen = (selector) => page.locator(selector).first().waitFor({ state: "attached", timeout: 30_000 });
    const expectations = {
      "kubectl get node": () => seen('.deck[data-state="Ready"]'),
      "kubectl apply -f pod.yaml": () => seen('.pod[data-name="nginx"]'),
      "kubectl apply -f pod-2.yaml": () => seen('.pod[data-name="nginx"][data-state="running"]'),
      "kubectl apply -f deploy-1.yaml": () =>
        page.waitForFunction(() => document.querySelectorAll('.pod[data-state="running"]').length === 3, null, { timeout: 30_000 }),
      "kubectl scale deployment nginx --replicas=5": () =>
        page.waitForFunction(() => document.querySelectorAll('.pod[data-state="running"]').length === 5, null, { timeout: 30_000 }),
      "kubectl apply -f svc-2.yaml": async () => {
        await seen(".light.dark");
        assert.equal(await page.locator(".rope").count(), 0, "a selector that matches nothing leads nowhere");
      },
      "kubectl set selector service frontend app=nginx": () =>
        page.waitForFunction(() => document.querySelectorAll(".rope:not(.waiting)").length === 5, null, { timeout: 30_000 }),
      "curl http://localhost": () => sees("curl: (7)"),
      "curl http://localhost:8080": () => sees("Welcome to nginx!"),
    };

    let forwarding = false;
    for (let last = false; !last; ) {
      for (const button of await page.locator(".lesson .command button, .lesson .save").all()) {
        const row = button.locator("xpath=..");
        const command = ((await row.getAttribute("class")) === "command" && (await row.locator("code").innerText()).trim()) || "";
        const knocks = forwarding && command.startsWith("curl");
        if (knocks) await page.locator(".tabs .new").click();
        if (knocks) await prompt();
        const rows = (await text()).length;
        await button.click();
        if (command.includes("port-forward")) {
          await sees("Forwarding from");
          forwarding = true;
        } else {
          await page.waitForFunction((before) => document.querySelector(".terminal:not([hidden]) .screen").innerText.length > before, rows);
          await answered(page);
          await prompt();
        }
        await expectations[command]?.();
        if (knocks) await page.locator(".tabs .close").last().click();
        if (knocks) await page.locator(".terminal:not([hidden]) textarea").focus();
        if (knocks || (forwarding && last)) {
          await page.keyboard.press("Control+c");
          await prompt();
          forwarding = false;
        }
      }
      if (forwarding) {
        await page.locator(".terminal:not([hidden]) .screen").click();
        // The same step may knock at it only later; a learner ends it before going on.
        await page.keyboard.press("Control+c");
        await prompt();
        forwarding = false;
      }
      last = await page.locator(".steps .next").isDisabled();
      if (!last) await page.locator(".steps .next").click();
    }
    assert.doesNotMatch(await text(), /command not found|panicked/);
    assert.deepEqual(complaints, []);
  });
}
