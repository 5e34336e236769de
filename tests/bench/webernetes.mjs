// The same deployment in @ngrok/webernetes: its pods from apply to Ready per CPU-second, and how many times that ours is. Its clock is the wall's, so only the CPU time counts. Prints JSON lines.
//   node tests/bench/webernetes.mjs [PODS] [OURS]     OURS: our pods per CPU-second, measured by whoever calls this
import { createRequire } from "node:module";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";

const PODS = Number(process.argv[2] ?? 300);
const OURS = Number(process.argv[3] ?? NaN);
const GIVE_UP_MS = 240_000;
const browser = fileURLToPath(new URL("../browser/", import.meta.url));
const require = createRequire(join(browser, "package.json"));

/** The library as one module, bundled as a page would have it. */
async function library() {
  const esbuild = require("esbuild");
  const folder = mkdtempSync(join(tmpdir(), "webernetes-"));
  const outfile = join(folder, "bundle.mjs");
  try {
    await esbuild.build({
      stdin: { contents: 'export { Cluster, BaseImage } from "@ngrok/webernetes";', resolveDir: browser },
      bundle: true, minify: true, format: "esm", platform: "node", outfile, logLevel: "error",
      banner: { js: 'import { createRequire as requireMaker } from "node:module"; const require = requireMaker(import.meta.url);' },
    });
    return await import(pathToFileURL(outfile).href);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

const deployment = (name, image, replicas) => ({
  apiVersion: "apps/v1", kind: "Deployment", metadata: { name, namespace: "default" },
  spec: {
    replicas, selector: { matchLabels: { app: name } },
    template: { metadata: { labels: { app: name } }, spec: { containers: [{ name: "server", image }] } },
  },
});

const { Cluster, BaseImage } = await library();
class Server extends BaseImage {
  static imageName = "server";
  static imageVersion = "1.0";
  defaultCommand = ["server"];
  async exec(ctx, argv) {
    if (argv[0] !== "server") return super.exec(ctx, argv);
    ctx.listenHttp(80, async () => ({ statusCode: 200, body: "hello\n" }));
    return ctx.waitUntilKilled();
  }
}

const cluster = new Cluster({ nodes: Math.floor(PODS / 100) + 1 });
cluster.registerImage(Server);
await cluster.init();

let ready = 0;
const informer = cluster.informer("deployments", (_, d) => (ready = d.status?.readyReplicas ?? 0));
const [wall, cpu] = [performance.now(), process.cpuUsage()];
await cluster.apply([deployment("web", "server:1.0", PODS)]);
while (ready < PODS && performance.now() - wall < GIVE_UP_MS) await new Promise((done) => setTimeout(done, 50));
const used = process.cpuUsage(cpu);
const cpu_s = (used.user + used.system) / 1e6;
await informer.stop?.();

const theirs = ready / cpu_s;
const round = (n) => Math.round(n * 100) / 100;
console.log(JSON.stringify({
  bench: "webernetes", pods: PODS, ready, cpu_s: round(cpu_s), wall_s: round((performance.now() - wall) / 1000), pods_per_cpu_s: round(theirs),
  ...(Number.isFinite(OURS) && { ours_pods_per_cpu_s: round(OURS), ratio: round(OURS / theirs) }),
}));
// Its timers would keep the process up.
process.exit(ready < PODS ? 1 : 0);
