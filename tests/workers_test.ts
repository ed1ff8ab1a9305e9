/** `serve --workers`: what a server promises holds over all its threads together. */
import {
  assert,
  assertEquals,
  assertMatch,
  assertRejects,
  assertStringIncludes,
} from "@std/assert";
import { isWithin } from "../async/pause.ts";
import { ThreadError } from "../async/threads.ts";
import { formatEndpoint, type LogFields, serve } from "../server.ts";
import {
  dialPort,
  exchange,
  flood,
  heldMemory,
  linux,
  pause,
  random,
  readBytes,
  until,
  writeAll,
} from "./local.ts";
import { runHere } from "./in_process.ts";
import { programWithoutUnstable, run, type RunningServer, startServer, yodel } from "./program.ts";
import { caFile, folder } from "./servers.ts";

const threads = { ignore: !linux };

/** Starts a server with three threads, each of which serves some of many connections. */
async function start(...args: string[]): Promise<RunningServer> {
  const endpoints = args.some((word) => /^\w+:/.test(word)) ? [] : ["127.0.0.1:0"];
  return await startServer([...endpoints, "--workers", "3", ...args]);
}

/** Opens connections that are served, and tries one more each time. */
async function serveUpTo(server: RunningServer, count: number): Promise<Deno.TcpConn[]> {
  const open: Deno.TcpConn[] = [];
  for (let i = 0; i < count; i++) {
    const conn = await dialPort(server.port);
    const message = random(10);
    assertEquals(await exchange(conn, message), message);
    open.push(conn);
  }
  return open;
}

/** Ends a server as a service manager does, and returns its log. */
async function terminate(server: RunningServer): Promise<string> {
  server.process.kill("SIGTERM");
  assertEquals((await server.process.status).code, 0);
  return await server.log;
}

/** How many sockets listen at a port of 127.0.0.1. */
async function listeners(port: number): Promise<number> {
  const { stdout } = await run(["cat", "/proc/net/tcp"]);
  const address = `0100007F:${port.toString(16).toUpperCase().padStart(4, "0")}`;
  return stdout.split("\n").filter((line) => line.includes(`${address} 00000000:0000 0A`)).length;
}

Deno.test("port 0 is one port, at which every thread listens", threads, async () => {
  await using server = await start();
  assertEquals([server.endpoints.length, await listeners(server.port)], [1, 3]);
  assertStringIncludes(await terminate(server), "workers=3");
});

Deno.test("a port that somebody has is not shared, also with another yodel", threads, async () => {
  await using server = await start();
  const args = ["serve", `127.0.0.1:${server.port}`, "--workers", "2"];
  const { code, stderr } = await yodel(args);
  assertEquals(code, 2);
  assertMatch(
    stderr,
    /^yodel: cannot listen on tcp:\S+: address in use; choose another port, or 0 for any\n$/,
  );
});

Deno.test("every transport is served, with threads or without", threads, async () => {
  const endpoints = ["tcp", "tls", "udp"].map((scheme) => `${scheme}://127.0.0.1:0`);
  await using server = await start(
    ...endpoints,
    `unix:${folder}/workers.sock`,
    "--write-ca",
    caFile,
  );
  for (const endpoint of server.endpoints) {
    const trust = endpoint.startsWith("tls") ? ["--ca", caFile] : [];
    const udp = endpoint.startsWith("udp") ? ["-c", "1"] : ["-c", "9"];
    const { code, stdout } = await yodel(["load", endpoint, ...trust, ...udp, "-n", "900"]);
    assertEquals(code, 0, stdout);
  }
  const log = await terminate(server);
  assertStringIncludes(
    log,
    "stopped connections=27 datagrams_answered=900 datagrams_not_answered=0",
  );
});

Deno.test("each connection has a number of its own, and one line", threads, async () => {
  await using server = await start();
  for (const conn of await serveUpTo(server, 20)) conn.close();
  const log = await terminate(server);
  const numbers = [...log.matchAll(/info closed connection=(\d+)/g)].map(([, n]) => Number(n));
  assertEquals(numbers.toSorted((a, b) => a - b), Array.from({ length: 20 }, (_, i) => i + 1));
});

Deno.test("--max-connections is for all threads together", threads, async () => {
  await using server = await start("--max-connections", "4");
  const open = await serveUpTo(server, 4);
  const waiting = await Promise.all(Array.from({ length: 6 }, () => dialPort(server.port)));
  let served = 0;
  const answers = waiting.map(async (conn) => {
    await exchange(conn, random(10));
    served++;
  });
  for (let i = 0; i < 20; i++) await exchange(open[0] ?? fail(), random(10));
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
  await terminate(server);
});

function fail(): never {
  throw new Error("there is no connection");
}

Deno.test("--max-per-client is for all threads together, and logged once", threads, async () => {
  await using server = await start("--max-per-client", "3");
  const open = await serveUpTo(server, 3);
  for (let i = 0; i < 6; i++) {
    using refused = await dialPort(server.port);
    assertEquals(await refused.read(new Uint8Array(1)).catch(() => null), null);
  }
  for (const conn of open) conn.close();
  const log = await terminate(server);
  assertEquals(log.match(/warn refused/g)?.length, 1);
  assertStringIncludes(log, "stopped connections=3 connections_over_limit=6");
});

Deno.test("--deny is for every thread", threads, async () => {
  await using server = await start("--deny", "127.0.0.0/8");
  for (let i = 0; i < 6; i++) {
    using refused = await dialPort(server.port);
    assertEquals(await refused.read(new Uint8Array(1)).catch(() => null), null);
  }
  assertStringIncludes(await terminate(server), "stopped connections=0 connections_denied=6");
});

Deno.test("--idle-timeout is for every thread", threads, async () => {
  await using server = await start("--idle-timeout", "300ms");
  const open = await Promise.all(Array.from({ length: 9 }, () => dialPort(server.port)));
  await Promise.all(open.map(async (conn) => {
    assertEquals(await conn.read(new Uint8Array(1)).catch(() => null), null);
    conn.close();
  }));
  assertEquals((await terminate(server)).match(/why=idle/g)?.length, 9);
});

Deno.test("a server with threads gives back all that it received, then ends", threads, async () => {
  await using server = await start();
  const open = await serveUpTo(server, 9);
  const message = random(300_000);
  const returned = open.map((conn) => readBytes(conn, message.length + 1));
  await Promise.all(open.map((conn) => writeAll(conn, message)));
  const log = await terminate(server);
  for (const bytes of await Promise.all(returned)) assertEquals(bytes, message);
  for (const conn of open) conn.close();
  assertEquals(log.match(/draining connections=9/g)?.length, 1);
  assertEquals(log.match(/info stopped connections=9\n/g)?.length, 1);
});

Deno.test("--drain ends those that take nothing, in every thread", threads, async () => {
  await using server = await start("--drain", "300ms");
  const open = await Promise.all(Array.from({ length: 6 }, () => dialPort(server.port)));
  const floods = await Promise.all(open.map(flood));
  const log = await terminate(server);
  await Promise.all(floods.map(({ broken }) => broken));
  for (const conn of open) conn.close();
  assertEquals(log.match(/closed before it was finished/g)?.length, 6);
});

Deno.test("a second signal ends all threads at once", threads, async () => {
  await using server = await start("--drain", "0");
  const open = await Promise.all(Array.from({ length: 6 }, () => dialPort(server.port)));
  await Promise.all(open.map(flood));
  let ended = false;
  const status = server.process.status.finally(() => ended = true);
  // Two that come sooner after each other are taken for one (cli/signals.ts).
  for (; !ended; await isWithin(200, status)) server.process.kill("SIGINT");
  assertEquals((await status).code, 130);
  for (const conn of open) conn.close();
});

Deno.test(
  "the same seed gives the same faults, however many threads there are",
  threads,
  async () => {
    const faults = ["--fault", "corrupt@0.05", "--fault", "close-after=1k@0.5", "--seed", "7"];
    const message = new Uint8Array(2000);
    /** What comes back on connections that follow each other. */
    async function answersWith(workers: string): Promise<string[]> {
      await using server = await startServer(["127.0.0.1:0", "--workers", workers, ...faults]);
      const answers = [];
      for (let i = 0; i < 12; i++) {
        using conn = await dialPort(server.port);
        answers.push((await exchange(conn, message)).toHex());
      }
      return answers;
    }
    const answers = await answersWith("3");
    assertEquals(answers, await answersWith("1"));
    assert(new Set(answers).size === 12, "each has its own");
    assert(new Set(answers.map(({ length }) => length)).size === 2, "some end early");
  },
);

Deno.test("what the threads count is added up", threads, async () => {
  await using server = await serve("tcp://127.0.0.1:0", { workers: 2, drain: 1 });
  const [endpoint] = server.endpoints;
  const port = endpoint !== undefined && "port" in endpoint ? endpoint.port : 0;
  const open = await Promise.all(Array.from({ length: 12 }, () => dialPort(port)));
  await Promise.all(open.map((conn) => exchange(conn, random(100))));
  const { connections: { tcp } } = await server.counts();
  assertEquals([tcp?.states.open, tcp?.received, tcp?.sent], [12, 1200, 1200]);
  for (const conn of open) conn.close();
  await server.stop();
  const { connections } = await server.counts();
  assertEquals([connections.tcp?.states.open, connections.tcp?.received], [0, 1200]);
});

Deno.test(
  "asking threads for their counts, again and again, takes no memory",
  threads,
  async () => {
    await using server = await serve("tcp://127.0.0.1:0", { workers: 2, drain: 1 });
    const ask = async () => {
      for (let i = 0; i < 2000; i++) await server.counts();
      return heldMemory();
    };
    const before = await ask();
    const more = await ask() - before;
    assert(more < 500_000, `${more} bytes`);
  },
);

Deno.test(
  "threads that log too much hold up nobody, and each line is counted",
  threads,
  async () => {
    let lines = 0;
    let told = 0;
    let written = 0;
    function write(message: string, fields: LogFields = {}): void {
      written++;
      if (fields.lines !== undefined) told++;
      if (message !== "draining") lines += Number(fields.lines ?? 1);
      for (const start = performance.now(); performance.now() - start < 0.3;);
    }
    const log = { debug: write, info: write, warn: write };
    await using server = await serve("tcp://127.0.0.1:0", { workers: 3, log, logData: "text" });
    const [endpoint] = server.endpoints;
    const name = formatEndpoint(endpoint ?? fail());
    const busy = yodel(["load", name, "-c", "50", "-d", "1s", "--json"]);
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
    assertEquals(lines, messages.sent + 2 * 50 + 2);
    assert(told < 20, `of dropped lines it told ${told} times`);
    assert(most < 1000, `${most} lines in a row`);
  },
);

Deno.test("a thread that dies takes the server with it", threads, async () => {
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

Deno.test("threads that cannot be are refused in one line", async () => {
  const unstable = await run([...programWithoutUnstable, "serve", "0", "--workers", "2"]);
  assertEquals([unstable.code, unstable.stderr], [
    2,
    linux
      ? "yodel: --workers: more than 1 need deno run --unstable-net\n"
      : "yodel: --workers: more than 1 are for Linux, which shares a port among them\n",
  ]);
  const { code, stderr } = await runHere(["serve", "udp://127.0.0.1:0", "--workers", "2"]);
  assertEquals([code, stderr], [
    2,
    "yodel: --workers: expected a tcp:// or tls:// endpoint with it\n",
  ]);
});
