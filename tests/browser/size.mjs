// How many bytes travel before the first prompt, compressed with brotli, and whether that is within the budget.
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { BUDGET_KB, GOAL_KB, counted } from "./lib/budget.mjs";
import { brotli, DIST } from "./lib/server.mjs";

let files;
try {
  files = readdirSync(DIST, { recursive: true, withFileTypes: true });
} catch {
  console.error("There is no dist/ yet: run './play build' first.");
  process.exit(1);
}

const rows = files
  .filter((entry) => entry.isFile())
  .map((entry) => join(entry.parentPath ?? entry.path, entry.name).slice(DIST.length))
  .filter(counted)
  .map((name) => {
    const bytes = readFileSync(join(DIST, name));
    return { name, raw: bytes.length, brotli: brotli(bytes).length };
  })
  .sort((a, b) => b.brotli - a.brotli);

const total = rows.reduce((sum, row) => sum + row.brotli, 0);
if (process.argv.includes("--json")) {
  console.log(JSON.stringify({ before_prompt_bytes_brotli: total, budget_bytes: BUDGET_KB * 1000, goal_bytes: GOAL_KB * 1000, files: rows }));
} else {
  const kb = (n) => (n / 1000).toFixed(1).padStart(8);
  for (const row of rows) console.log(`${kb(row.brotli)} kB  (${kb(row.raw)} kB before compression)  ${row.name}`);
  console.log(`${kb(total)} kB  before the first prompt; the limit is ${BUDGET_KB} kB, the goal ${GOAL_KB} kB`);
}
// As JSON it only measures; judging is for the plain form.
if (total > BUDGET_KB * 1000 && !process.argv.includes("--json")) {
  console.error(`Over the budget by ${total - BUDGET_KB * 1000} bytes: find what grew in the list above, or load it later.`);
  process.exit(1);
}
