/**
 * Compares yodel with other echo servers, and `yodel load` with other clients, on this machine:
 *
 *     deno task bench [--quick] [--servers NAMES] [--figures NAMES] [--json FILE]
 *                     [--chart FOLDER] [--write] [--from FILE]
 *
 * What the machine has of them (servers.ts) takes turns, in an order that is shuffled in each
 * round, with one core for the server and another for the client, and two for both. It prints
 * tables for docs/performance.md: medians of the rounds with their spread, and their share of what
 * a server in C on epoll reaches. `--write` puts them and the chart there and into the README.
 *
 * All takes twenty minutes, and `--quick` two. `--servers` and `--figures` take names with commas
 * between them, as they stand in the JSON; `--from` shows what `--json` once wrote, and measures
 * nothing. It needs Linux, two cores, gcc, the headers of OpenSSL, and its command openssl.
 */
import { parseArgs } from "jsr:@std/cli@1.0.32/parse-args";
import { draw } from "./chart.ts";
import type { Result } from "./figures.ts";
import { writePages } from "./page.ts";
import { endAll } from "./processes.ts";
import { runAll } from "./rounds.ts";
import { tables } from "./table.ts";

const flags = parseArgs(Deno.args, {
  string: ["servers", "figures", "json", "chart", "from"],
  boolean: ["quick", "write"],
  unknown: refuse,
});
const text = (name: string) => typeof flags[name] === "string" ? flags[name] : undefined;

const folder = await Deno.makeTempDir();
for (const [signal, status] of [["SIGINT", 130], ["SIGTERM", 143]] as const) {
  Deno.addSignalListener(signal, () => {
    endAll();
    Deno.removeSync(folder, { recursive: true });
    Deno.exit(status);
  });
}
try {
  const [json, chart, from] = ["json", "chart", "from"].map(text);
  const result: Result = from !== undefined
    ? JSON.parse(await Deno.readTextFile(from))
    : await runAll(folder, {
      isQuick: flags.quick === true,
      servers: text("servers")?.split(","),
      figures: text("figures")?.split(","),
    });
  console.log(tables(result));
  if (json !== undefined) await Deno.writeTextFile(json, `${JSON.stringify(result, null, 2)}\n`);
  if (chart !== undefined) await draw(result, chart);
  if (flags.write === true) await writePages(result);
} catch (error) {
  console.error(`bench: ${error instanceof Error ? error.message : error}`);
  Deno.exitCode = 1;
} finally {
  await Deno.remove(folder, { recursive: true });
}

function refuse(word: string): never {
  console.error(`bench: unknown argument ${word}; the head of bench/bench.ts has those there are`);
  Deno.exit(2);
}
