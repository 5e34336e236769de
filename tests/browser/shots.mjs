// Takes pictures of the page at three widths, in both themes and languages, into docs/shots/ (or the folder given), after
// typing the commands given after it: node shots.mjs [FOLDER] [COMMAND]…
import { mkdirSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { join } from "node:path";
import { house } from "./lib/page.mjs";

const [folder = fileURLToPath(new URL("../../docs/shots/", import.meta.url)), ...commands] = process.argv.slice(2);
const SIZES = [
  [1440, 900],
  [768, 1024],
  [360, 740],
];

mkdirSync(folder, { recursive: true });
const home = await house();
try {
  for (const [width, height] of SIZES) {
    for (const theme of ["light", "dark"]) {
      for (const language of ["en", "el"]) {
        const { page, view, prompt } = await home.open({ path: `?lang=${language}&theme=${theme}`, viewport: { width, height } });
        if (width < 768) await page.locator(".places button").nth(2).click();
        await prompt();
        for (const command of commands) {
          await page.locator(".terminal:not([hidden]) .screen").click();
          await page.keyboard.type(command);
          await page.keyboard.press("Enter");
          await page.waitForTimeout(500);
          await prompt();
        }
        await page.locator(".places button").nth(1).click({ timeout: 500 }).catch(() => {});
        await page.waitForTimeout(800);
        await page.screenshot({ path: join(folder, `w${width}-${theme}-${language}.png`) });
        await view.close();
      }
    }
  }
} finally {
  await home.stop();
}
