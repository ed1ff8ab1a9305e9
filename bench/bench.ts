/**
 * Compares yodel with other echo servers, and `yodel load` with a generator in C, on this machine:
 *
 *     deno task bench [--quick] [--servers NAMES] [--json FILE] [--write]
 *
 * The servers that the machine has (servers.ts) take turns at each kind of work, in an order that is
 * shuffled in each round, with one core for the server and another for the client. It prints tables;
 * `--write` puts them and a chart into docs/performance.md, which says how to read them.
 *
 * `--servers` takes names of servers.ts with commas between them. It needs Linux, two cores, gcc,
 * openssl and its headers.
 */
import { parseArgs } from "jsr:@std/cli@1.0.32/parse-args";
import { writePage } from "./page.ts";
import { endAll } from "./processes.ts";
import { runAll } from "./rounds.ts";
import { tables } from "./table.ts";

const { quick, write, servers, json } = parseArgs(Deno.args, {
  string: ["servers", "json"],
  boolean: ["quick", "write"],
  unknown(word) {
    console.error(`bench: unknown argument ${word}; the head of bench/bench.ts lists them`);
    Deno.exit(2);
  },
});
const names = typeof servers === "string" ? servers.split(",") : undefined;
const folder = await Deno.makeTempDir();
for (const [signal, status] of [["SIGINT", 130], ["SIGTERM", 143]] as const) {
  Deno.addSignalListener(signal, () => {
    endAll();
    Deno.removeSync(folder, { recursive: true });
    Deno.exit(status);
  });
}
try {
  const result = await runAll(folder, quick === true, names);
  console.log(tables(result));
  if (typeof json === "string") await Deno.writeTextFile(json, JSON.stringify(result) + "\n");
  if (write === true) await writePage(result);
} catch (error) {
  console.error(`bench: ${error instanceof Error ? error.message : error}`);
  Deno.exitCode = 1;
} finally {
  await Deno.remove(folder, { recursive: true });
}
