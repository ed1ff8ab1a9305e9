/**
 * Compares `yodel load` with a Node client that does the same work (node_load.mjs),
 * against the same server, in turns.
 *
 *     deno run --allow-all bench/load.ts [--rounds N] [-c N] [-s SIZE] SERVER
 *
 * SERVER is a command line in which PORT stands for the port on which it is to
 * listen on 127.0.0.1. The server runs on CPU 0 and the clients on CPU 1. Prints
 * the round trips a second of each round, their medians and the ratio of these.
 * It needs Linux, Node.js and npm.
 */
import { parseArgs } from "jsr:@std/cli@1.0.32/parse-args";

const { rounds, c, s, _: [server] } = parseArgs(Deno.args, { string: ["rounds", "c", "s", "_"] });
const connections = String(c ?? 50);
const size = String(s ?? 64);
const seconds = 2;
if (server === undefined) {
  console.error("bench/load.ts: expected the command line of a server with PORT in it");
  Deno.exit(2);
}

const main = decodeURIComponent(new URL("../main.ts", import.meta.url).pathname);
const peer = decodeURIComponent(new URL("node_load.mjs", import.meta.url).pathname);
const modules = await Deno.makeTempDir();
await output(["npm", "install", "--silent", "--prefix", modules, "hdr-histogram-js@3.0.1"]);
const packages = await output([Deno.execPath(), "task", "--quiet", "packages", "main.ts"]);
const program = [
  ...[Deno.execPath(), "run", "--quiet", "--allow-net", "--allow-read"],
  ...packages.split(/\s+/).filter((word) => word !== ""),
  main,
];
const port = freePort();
const words = String(server).replaceAll("PORT", String(port)).split(" ");
const running = new Deno.Command("taskset", {
  args: ["-c", "0", ...words],
  stdout: "null",
  stderr: "null",
}).spawn();
try {
  await untilListening(port);
  const found: Record<"yodel" | "node", number[]> = { yodel: [], node: [] };
  for (let round = 1; round <= Number(rounds ?? 7); round++) {
    found.yodel.push(await yodel());
    found.node.push(await node());
    console.log(`${round}: yodel ${found.yodel.at(-1)}, node ${found.node.at(-1)} round trips/s`);
  }
  const [ours, theirs] = [median(found.yodel), median(found.node)];
  console.log(`medians: yodel ${ours}, node ${theirs}; ratio ${(ours / theirs).toFixed(3)}`);
} finally {
  running.kill("SIGKILL");
  await running.status;
  await Deno.remove(modules, { recursive: true });
}

async function yodel(): Promise<number> {
  const load = [`127.0.0.1:${port}`, "-c", connections, "-s", size, "-d", `${seconds}s`, "--json"];
  const { errors, messages_per_s } = JSON.parse(await onClientCpu([...program, "load", ...load]));
  if (errors.total > 0) throw new Error("the server does not echo");
  return Math.round(messages_per_s);
}

async function node(): Promise<number> {
  const args = [peer, modules, String(port), connections, size, String(seconds)];
  return Math.round(JSON.parse(await onClientCpu(["node", ...args])).messages_per_s);
}

async function onClientCpu(command: string[]): Promise<string> {
  return await output(["taskset", "-c", "1", ...command]);
}

async function output([command = "", ...args]: string[]): Promise<string> {
  const { success, stdout } = await new Deno.Command(command, { args, stderr: "inherit" }).output();
  if (!success) throw new Error(`failed: ${command} ${args.join(" ")}`);
  return new TextDecoder().decode(stdout);
}

function freePort(): number {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  listener.close();
  return listener.addr.port;
}

async function untilListening(port: number): Promise<void> {
  for (let tries = 0; tries < 500; tries++) {
    try {
      return (await Deno.connect({ hostname: "127.0.0.1", port })).close();
    } catch {
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }
  throw new Error("the server did not listen");
}

function median(numbers: readonly number[]): number {
  return numbers.toSorted((a, b) => a - b)[Math.floor(numbers.length / 2)] ?? 0;
}
