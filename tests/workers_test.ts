/** `serve --workers`: what a server promises holds over all its threads together. */
import { assert, assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { isWithin } from "../async/pause.ts";
import { ThreadError } from "../async/threads.ts";
import { serve, type ServeOptions } from "../server.ts";
import { finish } from "./loads.ts";
import { programWithoutUnstable, run, startServer, yodel } from "./program.ts";
import { ca, cert, folder, key } from "./servers.ts";
import { dialPort, exchange, flood, random, readBytes, startLocal, writeAll } from "./local.ts";
import { heldMemory, onLinux, pause, until } from "./machine.ts";

/** Starts a server with three threads, each of which serves some of many connections. */
const start = (options: ServeOptions = {}, endpoints?: readonly string[]) =>
  startLocal({ workers: 3, tls: { cert, key }, ...options }, endpoints);

/** Opens connections, each once the one before is served. */
async function serveUpTo(count: number, { port }: { port: number }): Promise<Deno.TcpConn[]> {
  const open: Deno.TcpConn[] = [];
  while (open.length < count) {
    const conn = await dialPort(port);
    await exchange(conn, random(10));
    open.push(conn);
  }
  return open;
}

/** How many sockets listen at a port of 127.0.0.1. */
async function listeners(port: number): Promise<number> {
  const { stdout } = await run(["cat", "/proc/net/tcp"]);
  const address = `0100007F:${port.toString(16).toUpperCase().padStart(4, "0")}`;
  return stdout.split("\n").filter((line) => line.includes(`${address} 00000000:0000 0A`)).length;
}

Deno.test("port 0 is one port for all threads, and for no other program", onLinux, async () => {
  await using server = await startServer(["127.0.0.1:0", "--workers", "3"]);
  assertEquals([server.endpoints.length, await listeners(server.port)], [1, 3]);
  const name = `tcp://127.0.0.1:${server.port}`;
  assertEquals(await yodel(["serve", name, "--workers", "2"]), {
    code: 2,
    stdout: "",
    stderr:
      `yodel: cannot listen on ${name}: address in use; use another port, or 0 for any free port\n`,
  });
  server.process.kill("SIGTERM");
  assertEquals((await server.process.status).code, 0);
  assertStringIncludes(await server.log, "workers=3");
});

Deno.test("every transport is served, with threads or without", onLinux, async () => {
  const endpoints = ["tcp", "tls", "udp"].map((scheme) => `${scheme}://127.0.0.1:0`);
  await using server = await start({}, [...endpoints, `unix:${folder}/workers.sock`]);
  for (const endpoint of server.endpoints) {
    const connections = endpoint.scheme === "udp" ? 1 : 9;
    const { messages } = await finish(endpoint, { connections, messages: 900, tls: { ca } });
    assertEquals(messages.right, 900);
  }
  await server.stop();
  assertEquals(server.logged("stopped").map(({ fields }) => fields), [
    { connections: 27, datagrams_answered: 900, datagrams_not_answered: 0 },
  ]);
});

Deno.test("--max-connections is for all threads together", onLinux, async () => {
  await using server = await start({ maxConnections: 4 });
  const open = await serveUpTo(4, server);
  const waiting = await Promise.all(Array.from({ length: 6 }, () => dialPort(server.port)));
  let served = 0;
  const answers = waiting.map(async (conn) => {
    await exchange(conn, random(10));
    served++;
  });
  for (const conn of [...open, ...open, ...open]) await exchange(conn, random(10));
  assertEquals(served, 0);
  // One that ends makes room for one, whichever thread it has.
  for (const [i, conn] of open.entries()) {
    conn.close();
    await until(() => served === i + 1, `${i + 1} of those that wait are served`);
  }
  // These two may be where another thread took the place: then they are served next.
  await Promise.all(waiting.map(async (conn) => {
    await exchange(conn, random(1)).catch(() => {});
    conn.close();
  }));
  await Promise.allSettled(answers);
});

for (
  const [flag, options, stopped] of [
    ["--max-per-client", { maxPerClient: 3 }, { connections: 3, connections_over_limit: 6 }],
    ["--deny", { deny: ["127.0.0.0/8"] }, { connections: 0, connections_denied: 6 }],
  ] as const
) {
  Deno.test(`${flag} is for all threads together`, onLinux, async () => {
    await using server = await start(options);
    const open = await serveUpTo(stopped.connections, server);
    for (let i = 0; i < 6; i++) {
      using refused = await dialPort(server.port);
      assertEquals(await refused.read(new Uint8Array(1)).catch(() => null), null);
    }
    for (const conn of open) conn.close();
    await server.stop();
    const warnings = server.logged("refused").filter(({ level }) => level === "warn");
    assertEquals(warnings.length, 1);
    assertEquals(server.logged("stopped").map(({ fields }) => fields), [stopped]);
  });
}

Deno.test("--idle-timeout is for every thread", onLinux, async () => {
  await using server = await start({ idleTimeout: 300 });
  await Promise.all(Array.from({ length: 9 }, async () => {
    using conn = await dialPort(server.port);
    assertEquals(await conn.read(new Uint8Array(1)).catch(() => null), null);
  }));
  await server.stop();
  assertEquals(server.logged("closed").map(({ fields }) => fields.why), Array(9).fill("idle"));
});

Deno.test("connections have one numbering, and a drain loses nothing", onLinux, async () => {
  await using server = await start({ drain: 5000 });
  const open = await serveUpTo(9, server);
  const message = random(300_000);
  const returned = open.map((conn) => readBytes(conn, message.length + 1));
  await Promise.all(open.map((conn) => writeAll(conn, message)));
  await server.stop();
  for (const bytes of await Promise.all(returned)) assertEquals(bytes, message);
  for (const conn of open) conn.close();
  const numbers = server.logged("closed").map(({ fields }) => Number(fields.connection));
  assertEquals(numbers.toSorted(), Array.from({ length: 9 }, (_, i) => i + 1));
  const ends = [...server.logged("draining"), ...server.logged("stopped")];
  assertEquals(ends.map(({ fields }) => fields.connections), [9, 9]);
});

Deno.test("--drain ends those that take nothing, in every thread", onLinux, async () => {
  await using server = await start({ drain: 300 });
  const open = await Promise.all(Array.from({ length: 6 }, () => dialPort(server.port)));
  const floods = await Promise.all(open.map(flood));
  await server.stop();
  await Promise.all(floods.map(({ broken }) => broken));
  for (const conn of open) conn.close();
  assertEquals(server.logged("closed before it was finished").length, 6);
});

Deno.test("a second signal ends all threads at once", onLinux, async () => {
  await using server = await startServer(["127.0.0.1:0", "--workers", "3", "--drain", "0"]);
  const open = await Promise.all(Array.from({ length: 6 }, () => dialPort(server.port)));
  await Promise.all(open.map(flood));
  let ended = false;
  const status = server.process.status.finally(() => ended = true);
  // Two that come sooner after each other are taken for one (cli/exit.ts).
  for (; !ended; await isWithin(200, status)) server.process.kill("SIGINT");
  assertEquals((await status).code, 130);
  for (const conn of open) conn.close();
});

Deno.test("a seed gives the same faults with any number of threads", onLinux, async () => {
  const faults = { faults: ["corrupt@0.05", "close-after=1k@0.5"], seed: 7 };
  const message = new Uint8Array(2000);
  /** What comes back on connections that follow each other. */
  async function answersWith(workers: number): Promise<string[]> {
    await using server = await start({ ...faults, workers });
    const answers = [];
    for (let i = 0; i < 12; i++) {
      using conn = await dialPort(server.port);
      answers.push((await exchange(conn, message)).toHex());
    }
    return answers;
  }
  const answers = await answersWith(3);
  assertEquals(answers, await answersWith(1));
  assertEquals(new Set(answers).size, 12, "each has its own");
  assertEquals(new Set(answers.map(({ length }) => length)).size, 2, "some end early");
});

Deno.test("counts are those of all threads, and asking takes no memory", onLinux, async () => {
  await using server = await start({ workers: 2 });
  const open = await serveUpTo(12, server);
  const { connections: { tcp } } = await server.counts();
  assertEquals([tcp?.states.open, tcp?.received, tcp?.sent], [12, 120, 120]);
  for (const conn of open) conn.close();
  const ask = async () => {
    for (let i = 0; i < 2000; i++) await server.counts();
    return heldMemory();
  };
  const before = await ask();
  const more = await ask() - before;
  assert(more < 500_000, `${more} bytes`);
  await server.stop();
  const { connections } = await server.counts();
  assertEquals([connections.tcp?.states.open, connections.tcp?.received], [0, 120]);
});

Deno.test("threads that log too much do not block, or lose lines silently", onLinux, async () => {
  let [lines, notices, written] = [0, 0, 0];
  function write(message: string): void {
    written++;
    if (message === "lines of the log were dropped") notices++;
    else if (message !== "draining") lines++;
    for (const start = performance.now(); performance.now() - start < 0.3;);
  }
  const log = { debug: write, info: write, warn: write };
  await using server = await start({ log, logData: "text" });
  const busy = yodel(["load", `:${server.port}`, "-c50", "-d1s", "--json"]);
  // How many lines are written until this thread gets to something else.
  let most = 0;
  let finished = false;
  busy.then(() => finished = true);
  while (!finished) {
    written = 0;
    await pause(1);
    most = Math.max(most, written);
  }
  const { messages } = JSON.parse((await busy).stdout);
  await server.stop();
  // Each connection has two lines as well, and the server itself: it listens, it has stopped.
  const all = messages.sent + 2 * 50 + 2;
  assert(notices > 0 ? lines < all : lines === all, `${lines} of ${all} lines`);
  assert(notices < 20, `${notices} notices`);
  assert(most < 1000, `${most} lines in a row`);
});

Deno.test("a thread that dies ends the server", onLinux, async () => {
  const OwnWorker = globalThis.Worker;
  let started = 0;
  globalThis.Worker = class extends OwnWorker {
    constructor(module: string | URL, options?: WorkerOptions) {
      // It has died before the other has begun.
      const dying = new URL("./threads/dying.ts", import.meta.url);
      super(started++ === 0 ? dying : module, options);
    }
  };
  try {
    await using server = await serve("tcp://127.0.0.1:0", { workers: 3, drain: 1 });
    await assertRejects(() => server.finished, ThreadError, "died on purpose");
    assertEquals(server.accepting, false);
  } finally {
    globalThis.Worker = OwnWorker;
  }
});

Deno.test("threads without --unstable-net are refused in one line", async () => {
  const { code, stderr } = await run([...programWithoutUnstable, "serve", "0", "--workers", "2"]);
  assertEquals([code, stderr], [
    2,
    "yodel: --workers: more than 1 requires Linux and deno run --unstable-net\n",
  ]);
});
