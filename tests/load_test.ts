/** The load command: what it sends, what it finds, what it tells, and how it ends. */
import { assert, assertEquals, assertMatch } from "@std/assert";
import { createSocket } from "node:dgram";
import { type AddressInfo, createServer } from "node:net";
import { Ajv2020 } from "npm:ajv@8.20.0/dist/2020.js";
import { HistogramLogReader } from "npm:hdr-histogram-js@3.0.1";
import { load, type LoadOptions, type LoadProgress, type LoadResult } from "../client.ts";
import { generate } from "../client/load/generator.ts";
import { makeIdentity } from "../net/certificate.ts";
import { planLoad, planWorkers } from "../client/load/plan.ts";
import { emptyLoadResult } from "../client/load/result.ts";
import { whatWentWrong } from "../report/figures.ts";
import { loadText } from "../report/load_text.ts";
import schema from "../report/load.schema.json" with { type: "json" };
import { type Endpoint, formatEndpoint, serve } from "../server.ts";
import {
  type CustomServer,
  dialPort,
  portOf,
  readBytes,
  startCustom,
  until,
  writeAll,
} from "./local.ts";
import { available, program, type Result, run, shell, startServer, yodel } from "./program.ts";

const unix = Deno.build.os !== "windows";
const linux = Deno.build.os === "linux";

/** Enough for any machine, in milliseconds. Nothing waits for it unless something is wrong. */
const PATIENT = 20_000;

/** In which a load has to end by itself where it should end soon, in milliseconds. */
const BOUND = 5000;

const folder = await Deno.makeTempDir();
addEventListener("unload", () => Deno.removeSync(folder, { recursive: true }));
const { ca, cert, key } = await makeIdentity(["127.0.0.1"]);
await Deno.writeTextFile(`${folder}/ca.pem`, ca);

interface EchoServer extends AsyncDisposable {
  endpoint: Endpoint;
  /** The endpoint as it is written on the command line, and the flags that it needs. */
  words: string[];
  /** When connections were opened, by `performance.now()`. */
  opened: number[];
}

let sockets = 0;

/** Starts an echo server in this process. */
async function startEcho(scheme: Endpoint["scheme"] = "tcp"): Promise<EchoServer> {
  const asked: Endpoint = scheme === "unix"
    ? { scheme, path: `${folder}/${++sockets}.sock` }
    : { scheme, host: "127.0.0.1", port: 0 };
  const stop = new AbortController();
  const opened: number[] = [];
  const server = await serve([asked], {
    tls: { cert, key },
    drain: 1,
    log: { debug: (message) => void (message === "opened" && opened.push(performance.now())) },
    signal: stop.signal,
  });
  const [endpoint = asked] = server.endpoints;
  return {
    endpoint,
    words: [formatEndpoint(endpoint), ...scheme === "tls" ? ["--ca", `${folder}/ca.pem`] : []],
    opened,
    async [Symbol.asyncDispose]() {
      stop.abort();
      await server.finished;
    },
  };
}

/** What a server sends for a message; `number` counts the messages it got, from 1 on. */
type Answer = (message: Uint8Array, number: number) => Answers | Promise<Answers>;
type Answers = readonly (Uint8Array | "end")[];

interface AnsweringServer extends CustomServer {
  /** How much it got so far. */
  got: { connections: number; messages: number };
}

/** Starts a server that answers messages as `answer` says. */
function startAnswering(size: number, answer: Answer): AnsweringServer {
  const got = { connections: 0, messages: 0 };
  const server = startCustom(async (conn) => {
    got.connections++;
    conn.setNoDelay(true);
    for (;;) {
      const message = await readBytes(conn, size);
      if (message.length < size) return;
      for (const part of await answer(message, ++got.messages)) {
        if (part !== "end") await writeAll(conn, part);
        else return await end(conn);
      }
    }
  });
  let closed: PromiseLike<void> | undefined;
  return { ...server, got, [Symbol.asyncDispose]: () => closed ??= server[Symbol.asyncDispose]() };
}

/** Ends a connection without a reset, to which closing leads as long as something is unread. */
async function end(conn: Deno.TcpConn): Promise<void> {
  await conn.closeWrite();
  await readBytes(conn, 1_000_000);
}

/** Starts such a server for datagrams. */
async function startDatagrams(
  answer: (message: Uint8Array, number: number) => readonly Uint8Array[],
): Promise<CustomServer> {
  const socket = createSocket("udp4");
  let number = 0;
  let sent = Promise.resolve();
  socket.on("message", (bytes: Uint8Array, { port, address }) => {
    for (const part of answer(Uint8Array.from(bytes), ++number)) {
      // Two that are sent at once may overtake each other.
      sent = sent.then(() =>
        new Promise((resolve) => socket.send(part, port, address, () => resolve()))
      );
    }
  });
  await new Promise<void>((resolve) => socket.bind({ address: "127.0.0.1", port: 0 }, resolve));
  return {
    endpoint: { scheme: "udp", host: "127.0.0.1", port: socket.address().port },
    [Symbol.asyncDispose]: () => new Promise((resolve) => void socket.close(() => resolve())),
  };
}

/** A result whose errors are in words. */
type Finished = Omit<LoadResult, "examples"> & { examples: string[] };

/** Runs a load that has to end by itself, and whose counts have to add up. */
async function finish(
  endpoint: Endpoint,
  options: LoadOptions,
  limit = PATIENT,
): Promise<Finished> {
  const stop = new AbortController();
  const tooLong = setTimeout(() => stop.abort(), limit);
  const patient = { tls: { ca }, timeout: PATIENT, ...options, signal: stop.signal };
  const result = await load(endpoint, patient).finally(() => clearTimeout(tooLong));
  assertAddsUp(result);
  assert(!stop.signal.aborted, `it did not end by itself: ${JSON.stringify(result.messages)}`);
  assertEquals(result.messages.waiting, 0);
  return { ...result, examples: whatWentWrong(result) };
}

function assertAddsUp({ messages, latencies }: Pick<LoadResult, "messages" | "latencies">): void {
  const { sent, right, failed, waiting } = messages;
  assertEquals(
    { sent: right + failed + waiting, right: latencies.count },
    { sent, right },
    JSON.stringify(messages),
  );
}

/** What went wrong, without the kinds of which there were none. */
function errorsOf({ errors }: Pick<LoadResult, "errors">): Record<string, number> {
  return Object.fromEntries(Object.entries(errors).filter(([, count]) => count > 0));
}

/** Does the same in several ways at once; each comes to its end, whatever the others do. */
async function inEach<T>(ways: readonly T[], test: (way: T) => Promise<void>): Promise<void> {
  for (const done of await Promise.allSettled(ways.map(test))) {
    if (done.status === "rejected") throw done.reason;
  }
}

function pause(milliseconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, milliseconds));
}

/** The middle one of some numbers. */
function median(numbers: readonly number[]): number {
  return numbers.toSorted((a, b) => a - b)[Math.floor(numbers.length / 2)] ?? NaN;
}

/** An endpoint at which nobody listens. */
function deserted(): Endpoint {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  listener.close();
  return { scheme: "tcp", host: "127.0.0.1", port: listener.addr.port };
}

/** Some of what `yodel load --json` prints. */
interface Report {
  endpoint: string;
  error: string | null;
  elapsed_ms: number;
  messages: LoadResult["messages"];
  connections_opened: number;
  errors: Record<string, number>;
  error_examples: string[];
  latency: Record<string, number> | null;
}

const ajv = new Ajv2020({ formats: { "date-time": (text: string) => !isNaN(Date.parse(text)) } });
const validate = ajv.compile(schema);

/** Reads what was printed, which has to be one JSON object that the schema describes. */
function reportOf({ stdout }: Result): Report {
  assertMatch(stdout, /^[^\n]*\n$/);
  const report: Report = JSON.parse(stdout);
  assert(validate(report), `${ajv.errorsText(validate.errors)}: ${stdout}`);
  return report;
}

for (const scheme of ["tcp", "tls", "unix", "udp"] as const) {
  Deno.test(`all messages come back right over ${scheme}, however they are sent`, {
    ignore: scheme === "unix" && !unix,
  }, async () => {
    const udp = scheme === "udp";
    const ways: readonly [LoadOptions, number][] = [
      [{}, 4],
      [{ pipeline: 8, size: 2000 }, 4],
      [{ warmUp: 50, connectRate: udp ? undefined : 200 }, 4],
      [{ workers: 2, pipeline: 3 }, 4],
      [{ rate: 1000 }, 4],
      [{ reconnect: true }, 40],
      [{ reconnect: true, rate: 500 }, 40],
    ];
    await inEach(ways, async ([options, connections]) => {
      const way = JSON.stringify(options);
      if (udp && options.reconnect) return;
      await using server = await startEcho(scheme);
      const result = await finish(server.endpoint, { messages: 40, connections: 4, ...options });
      const { messages, examples } = result;
      assertEquals([messages.sent, messages.right, ...examples], [40, 40], way);
      const expected = udp ? 0 : connections;
      assertEquals([result.connections, server.opened.length], [expected, expected], way);
    });
  });
}

Deno.test("messages of the warm-up do not count, even where it is over once they can be sent", async () => {
  await using server = await startEcho("tls");
  // Keeps every handshake waiting, so that all connections are being opened when the warm-up ends.
  await using relay = startCustom(async (conn) => {
    using onward = await dialPort(portOf(server.endpoint));
    await pause(60);
    const copy = async (from: Deno.Conn, to: Deno.Conn) => {
      const bytes = new Uint8Array(10_000);
      for (let n; (n = await from.read(bytes)) !== null;) await writeAll(to, bytes.subarray(0, n));
    };
    await Promise.race([copy(conn, onward), copy(onward, conn)]);
  });
  const { messages } = await finish(
    { ...server.endpoint, scheme: "tls", host: "127.0.0.1", port: portOf(relay.endpoint) },
    { connections: 4, messages: 8, warmUp: 90, reconnect: true },
  );
  assertEquals([messages.sent, messages.right], [8, 8]);
});

Deno.test("connections are opened at the rate that was asked for", async () => {
  await using server = await startEcho();
  const start = performance.now();
  await finish(server.endpoint, { connections: 6, messages: 6, connectRate: 50 });
  assertEquals(server.opened.length, 6);
  for (const [i, time] of server.opened.entries()) {
    // A slow machine is late, and nobody early, but for the rounding of timers.
    assert(time - start >= i * 20 - 2, `connection ${i + 1} after ${time - start} ms`);
  }
});

Deno.test("500 connections are all served about equally", { ignore: !unix }, async () => {
  await using server = await startServer(["127.0.0.1:0", "--log-format", "json"]);
  const endpoint = { scheme: "tcp", host: "127.0.0.1", port: server.port } as const;
  await finish(endpoint, { connections: 500, messages: 50_000 });
  server.process.kill("SIGTERM");
  const received = (await server.log).matchAll(/"received_bytes":(\d+)/g);
  const messages = Array.from(received, ([, bytes]) => Number(bytes) / 64);
  assertEquals(messages.length, 500);
  // Nobody should get far behind the average, on a slow machine as on a fast one. Where nobody is
  // made to wait for the others, some get no more than 80 messages.
  assert(Math.min(...messages) >= 88, `${messages.toSorted((a, b) => a - b)}`);
});

Deno.test("the median is that of the server's own delays", async () => {
  const delays: number[] = [];
  await using server = startAnswering(64, async (message) => {
    const came = performance.now();
    await pause(20);
    delays.push(performance.now() - came);
    return [message];
  });
  const { latencies } = await finish(server.endpoint, { connections: 4, messages: 84 });
  const found = latencies.percentile(50);
  // Of a slow machine the server's delays tell, too, and a few outliers move no median.
  const delay = median(delays);
  assert(Math.abs(found - delay) <= delay / 10, `${found} ms, and the server took ${delay} ms`);
});

Deno.test("a stall of the server shows in the percentiles at a rate, and hardly without one", async () => {
  const stalling = (at: number) => {
    let stall = Promise.resolve();
    return startAnswering(64, async (message, number) => {
      if (number === at) stall = pause(500);
      await stall;
      return [message];
    });
  };
  await using paced = stalling(50);
  await using unpaced = stalling(1000);
  const [{ latencies: open }, { latencies: closed }] = await Promise.all([
    finish(paced.endpoint, { connections: 10, rate: 200, duration: 1000 }),
    finish(unpaced.endpoint, { connections: 10, messages: 2000 }),
  ]);
  // Half of the messages is due in the stall. A slow machine adds to their latencies only.
  assert(open.percentile(75) > 100, `p75 is ${open.percentile(75)} ms at a rate`);
  // One message in two hundred has to wait. The others take less than a millisecond each.
  assert(closed.percentile(95) < 100, `p95 is ${closed.percentile(95)} ms without one`);
  assert(closed.max > 490, `the longest is ${closed.max} ms`);
});

Deno.test("at a rate there are as many messages as the time has room for", async () => {
  await inEach<LoadOptions>(
    [{}, { workers: 2 }, { pipeline: 4, connections: 3 }],
    async (options) => {
      await using server = await startEcho();
      const { messages } = await finish(server.endpoint, { rate: 250, duration: 400, ...options });
      const told = JSON.stringify([options, messages]);
      assertEquals(messages.sent + messages.missed, 100, told);
      // What a slow machine is late with it makes up for, until the end. So only what it
      // sleeps through there is missed.
      assert(messages.right >= 25, told);
    },
  );
});

Deno.test("at a rate it ends when its time is over", async () => {
  await using server = await startEcho();
  const options = { connections: 1, rate: 50, duration: 100 };
  const times = await Promise.all(Array.from({ length: 20 }, async (_, i) => {
    await pause(i * 3);
    const start = performance.now();
    await finish(server.endpoint, options);
    return performance.now() - start;
  }));
  // What looks only once in a second whether it is over takes longer, in most cases. A slow
  // machine may do so in some.
  assert(times.filter((time) => time > 990).length <= 5, `${times}`);
});

Deno.test("messages that a slow server leaves no connection for are missed, and said to be", async () => {
  await using server = startAnswering(64, async (message) => {
    await pause(20);
    return [message];
  });
  const { messages } = await finish(server.endpoint, { connections: 2, rate: 500, duration: 400 });
  assertEquals(messages.sent + messages.missed, 200);
  // No more than 40 can be answered. A slow machine answers fewer.
  assert(messages.missed >= 160, JSON.stringify(messages));
});

/** A message to the servers that go wrong, in bytes. */
const LARGE = 2000;

/** With this message a server has got a million bytes. It is the one that goes wrong. */
const WRONG = 500;

/** The text of an error without what differs each time. */
function plain(text: string | undefined): string {
  return (text ?? "").replace(/0x[0-9a-f]{2}/g, "0xNN");
}

for (
  const [what, misdeed, kind, words, ways = [{}, { pipeline: 8 }, { reconnect: true }]] of [
    [
      "alters one byte in a million",
      (message) => [message.with(-1, (message.at(-1) ?? 0) ^ 1)],
      "altered",
      (at) => `the byte at offset ${at + LARGE - 1} was sent as 0xNN and came back as 0xNN`,
    ],
    [
      "drops the last byte of an answer",
      (message) => [message.subarray(0, -1)],
      "lost",
      // With more under way the next answer shows it, in its first byte if that is the same one.
      (at, { pipeline }) =>
        pipeline
          ? `1 bytes? did not come back, from offset (${at + LARGE - 1}|${at + LARGE}) on`
          : `only 1999 of 2000 bytes came, at offset ${at + LARGE - 1}`,
    ],
    [
      "drops a byte in the middle",
      (message) => [message.subarray(0, 700), message.subarray(701)],
      "lost",
      // The bytes after it can be the same.
      (at) => `1 bytes? did not come back, from offset ${at / 10 + 70}\\d on`,
    ],
    [
      "answers twice",
      (message) => [new Uint8Array([...message, ...message])],
      "repeated",
      (at) => `the 2000 bytes from offset ${at} on came back twice`,
    ],
    [
      "sends bytes unasked after an answer",
      (message) => [new Uint8Array([...message, 1, 2, 3])],
      "surplus",
      (at) => `bytes came that were not sent, from offset ${at + LARGE} on`,
      // With more under way they could as well be those, altered.
      [{}, { reconnect: true }],
    ],
    [
      "stops to answer",
      () => [],
      "lost",
      (at) => `no answer came, at offset ${at}`,
      // With more under way the next answer shows it: see below.
      [{}, { reconnect: true }],
    ],
    [
      "ends the connection",
      () => ["end"],
      "broken",
      (at) => `the server ended it at offset ${at}, \\d messages? (was|were) under way`,
    ],
    [
      "ends the connection in mid-answer",
      (message) => [message.subarray(0, 900), "end"],
      "broken",
      (at) => `the server ended it at offset ${at + 900}, only 900 of 2000 bytes .* had come`,
    ],
  ] as readonly [
    string,
    (message: Uint8Array) => Answers,
    string,
    (at: number, way: LoadOptions) => string,
    (readonly LoadOptions[])?,
  ][]
) {
  Deno.test(`a server that ${what} is found out, and where`, async () => {
    await inEach(ways, async (way) => {
      await using server = startAnswering(
        LARGE,
        (message, number) => number === WRONG ? misdeed(message) : [message],
      );
      const result = await finish(server.endpoint, {
        connections: 1,
        messages: 600,
        size: LARGE,
        timeout: 200,
        ...way,
      });
      const told = JSON.stringify([way, result.messages, result.examples]);
      assertEquals([errorsOf(result), result.examples.length], [{ [kind]: 1 }, 1], told);
      const at = way.reconnect ? 0 : (WRONG - 1) * LARGE;
      const expected = new RegExp(`^${kind}: connection 1: ${words(at, way)}$`);
      assertMatch(plain(result.examples[0]), expected, told);
      assertEquals(result.messages.sent, 600, told);
    });
  });
}

for (const size of [64, LARGE]) {
  Deno.test(`an answer of ${size} bytes that is left out between others is found out, and where`, async () => {
    await using server = startAnswering(size, (message, number) => number === 20 ? [] : [message]);
    const options = { connections: 1, messages: 40, pipeline: 8, size };
    const { examples } = await finish(server.endpoint, options);
    assertEquals(examples, [
      `lost: connection 1: ${size} bytes did not come back, from offset ${19 * size} on`,
    ]);
  });
}

Deno.test("a connection that is reset is found out, and where", async () => {
  let messages = 0;
  const server = createServer((socket) => {
    socket.on("error", () => {});
    socket.on("data", (bytes) => ++messages === 5 ? socket.resetAndDestroy() : socket.write(bytes));
  });
  await new Promise<void>((resolve) => server.listen({ host: "127.0.0.1", port: 0 }, resolve));
  const { port } = server.address() as AddressInfo;
  const endpoint = { scheme: "tcp", host: "127.0.0.1", port } as const;
  const result = await finish(endpoint, { connections: 1, messages: 10 });
  await new Promise((resolve) => server.close(resolve));
  assertEquals([errorsOf(result), result.messages.right], [{ broken: 1 }, 9]);
  assertMatch(
    result.examples[0] ?? "",
    /^broken: connection 1: connection reset by the peer\b.*\boffset 256\b/,
  );
});

for (
  const [when, handle, connections, offset] of [
    [
      "before anybody asked",
      async (conn, number) => {
        if (number === 1) await writeAll(conn, new Uint8Array([1, 2, 3]));
        for (let message; (message = await readBytes(conn, 64)).length > 0;) {
          await writeAll(conn, message);
        }
      },
      2,
      0,
    ],
    [
      "after the last answer",
      async (conn) => {
        const all = await readBytes(conn, 640);
        for (let at = 0; at < 640; at += 64) await writeAll(conn, all.subarray(at, at + 64));
        await readBytes(conn, 1);
        await writeAll(conn, new Uint8Array([1, 2, 3]));
      },
      1,
      640,
    ],
  ] as readonly [string, (conn: Deno.TcpConn, number: number) => Promise<void>, number, number][]
) {
  Deno.test(`a server that sends bytes unasked ${when} is found out`, async () => {
    let number = 0;
    await using server = startCustom((conn) => handle(conn, ++number));
    // The first of two connections waits for the other, so that its greeting can come.
    const options = { connections, connectRate: 4, messages: 10, pipeline: 10 };
    const { messages, errors, examples } = await finish(server.endpoint, options);
    assertEquals([messages.right, errors.surplus, ...examples], [
      10,
      1,
      `surplus: connection 1: bytes came that were not sent, from offset ${offset} on`,
    ]);
  });
}

for (
  const [what, at, misdeed, kind, words] of [
    ["loses a datagram", 20, () => [], "lost", "no answer came to datagram N"],
    [
      "alters a datagram",
      20,
      (bytes) => [bytes.with(7, (bytes[7] ?? 0) ^ 1)],
      "altered",
      "datagram N: the byte at offset 7 was sent as 0xNN and came back as 0xNN",
    ],
    [
      "alters the head of a datagram",
      20,
      (bytes) => [bytes.with(0, (bytes[0] ?? 0) ^ 0x80)],
      "altered",
      "datagram N: the byte at offset 0 was sent as 0xNN and came back as 0xNN",
    ],
    [
      "cuts a datagram short",
      20,
      (bytes) => [bytes.subarray(0, -1)],
      "altered",
      "datagram N: 64 bytes were sent and 63 came back",
    ],
    [
      "answers a datagram twice",
      20,
      (bytes) => [bytes, bytes],
      "repeated",
      "datagram N came back again",
    ],
    [
      "sends a datagram unasked",
      50, // The last one: before, it could as well be another one that was altered.
      (bytes) => [bytes, new Uint8Array([1, 2, 3])],
      "surplus",
      "a datagram came that was not sent",
    ],
  ] as readonly [string, number, (bytes: Uint8Array) => readonly Uint8Array[], string, string][]
) {
  Deno.test(`a server that ${what} is found out, and named`, async () => {
    await inEach([1, 8], async (pipeline) => {
      await using server = await startDatagrams(
        (bytes, number) => number === at ? misdeed(bytes) : [bytes],
      );
      const timeout = kind === "lost" ? 600 : PATIENT;
      const options = { connections: 1, messages: 50, pipeline, timeout };
      const result = await finish(server.endpoint, options);
      assertEquals(errorsOf(result), { [kind]: 1 });
      // Those that are under way together may overtake each other.
      const found = pipeline === 1
        ? result.examples[0]?.replace(`datagram ${at}`, "datagram N")
        : result.examples[0]?.replace(/datagram \d+/, "datagram N");
      assertEquals(plain(found), `${kind}: socket 1: ${words}`);
    });
  });
}

Deno.test("datagrams that are too small for a number are not taken for each other", async () => {
  const held: Uint8Array[] = [];
  // The first one is answered after the 257th, which is the next one that is like it.
  await using server = await startDatagrams((bytes, number) => {
    if (number === 1) held.push(bytes);
    if (number === 1) return [];
    return number < 280 ? [bytes] : [bytes, ...held.splice(0)];
  });
  const options = { connections: 1, messages: 300, size: 1, pipeline: 2 };
  const { messages, examples } = await finish(server.endpoint, options);
  assertEquals([messages.right, ...examples], [300]);
});

Deno.test("a socket that cannot send is replaced by one, and not too often", {
  ignore: !linux, // Others may send to this address.
}, async () => {
  const nobody = { scheme: "udp", host: "127.255.255.255", port: 9 } as const;
  const result = await finish(nobody, { connections: 1, pipeline: 4, duration: 250 });
  // Every tenth of a second four messages fail.
  const { sent } = result.messages;
  assert(sent >= 4 && sent <= 12, `${sent} messages`);
  assertEquals(result.examples.filter((text) => !text.startsWith("broken: socket 1: ")), []);
});

Deno.test("a server that is gone for good ends the load soon", async () => {
  const ways = [{}, { pipeline: 8 }, { rate: 1000 }, { reconnect: true }];
  await inEach<LoadOptions>(ways, async (way) => {
    await using server = startAnswering(64, (message, number) => {
      if (number === 100) server[Symbol.asyncDispose]();
      return [message];
    });
    const options = { connections: 4, messages: 1_000_000, timeout: 300, ...way };
    const { messages, examples } = await finish(server.endpoint, options, BOUND);
    // Some of the last answers may have left too late.
    const told = JSON.stringify([way, messages, examples]);
    assert(messages.right >= 50 && messages.right <= 100, told);
    assertMatch(examples.join("\n"), /^connect: connection \d: connection refused$/m, told);
  });
});

Deno.test("a server that was killed is used again once it is back", async () => {
  const start = (port: number) => startServer([`127.0.0.1:${port}`, "--log-level", "error"]);
  await using server = await start(0);
  const stop = new AbortController();
  let last: LoadProgress = { connections: 0, elapsed: 0, right: 0, errors: 0 };
  const loading = load({ scheme: "tcp", host: "127.0.0.1", port: server.port }, {
    connections: 4,
    duration: 0,
    timeout: PATIENT,
    signal: stop.signal,
    onProgress: (now) => void (last = now),
  });
  try {
    await until(() => last.right > 0, "messages come back");
    server.process.kill("SIGKILL");
    // Four connections break, and others are refused.
    await until(() => last.errors > 4, "it is known to be gone");
    const { right } = last;
    await using again = await start(server.port);
    await until(() => last.right > right, `messages come back from ${again.endpoints}`);
    stop.abort();
    const result = await loading;
    assertAddsUp(result);
    assert(result.connections > 4 && result.connections <= 8, `${result.connections} connections`);
    assertEquals(result.errors.broken, 4);
  } finally {
    stop.abort();
    await loading;
  }
});

Deno.test("a server that ends every connection at once is no reason to wait for ever", async () => {
  // In a process of its own it is as fast as the client.
  const script = `const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
    console.log("tcp://127.0.0.1:" + listener.addr.port);
    for await (const conn of listener) conn.close();`;
  await using server = await startServer([], [Deno.execPath(), "eval", script]);
  const endpoint = { scheme: "tcp", host: "127.0.0.1", port: server.port } as const;
  await inEach([{}, { reconnect: true }], async (way) => {
    // Some ends come before anything is sent, some after it.
    for (const duration of [1, 1, 1, 1, 1, 300]) {
      const result = await finish(endpoint, { connections: 2, duration, ...way }, BOUND);
      assertEquals(result.messages.right, 0);
      assertEquals(result.examples.filter((text) => !/: connection [12]: /.test(text)), []);
    }
  });
});

Deno.test("connections that the server ends are replaced, whatever the timeout", async () => {
  await inEach([0, 50, PATIENT], async (timeout) => {
    await using server = startAnswering(64, (message) => [message, "end"]);
    const { messages } = await finish(server.endpoint, { connections: 1, messages: 10, timeout });
    assertEquals(messages.sent, 10, `with a timeout of ${timeout} ms`);
  });
});

Deno.test("the counts add up, whenever it is ended", async () => {
  // In a process of its own, so that answers come while the load is being ended.
  await using server = await startServer(["127.0.0.1:0", "--log-level", "error"]);
  const endpoint = { scheme: "tcp", host: "127.0.0.1", port: server.port } as const;
  // Not with `reconnect`: Deno 2.9 can lose a connection that opens just when its signal is aborted.
  const ways = [{}, { pipeline: 8 }, { rate: 10_000 }];
  for (const way of [...ways, ...ways]) {
    const stop = new AbortController();
    const loading = load(endpoint, { connections: 20, signal: stop.signal, ...way });
    await pause(30);
    stop.abort();
    assertAddsUp(await loading);
  }
});

Deno.test("datagrams that come after the end do not count", async () => {
  await using server = await startEcho("udp");
  for (let i = 0; i < 10; i++) {
    const stop = new AbortController();
    const loading = load(server.endpoint, { connections: 20, signal: stop.signal });
    await pause(20);
    stop.abort();
    assertAddsUp(await loading);
  }
});

Deno.test("connections that were refused at first are opened later", async () => {
  const { port } = deserted() as { port: number };
  const endpoint = { scheme: "tcp", host: "127.0.0.1", port } as const;
  const first = Deno.listen({ hostname: "127.0.0.1", port });
  const echo = async (conn: Deno.Conn) => {
    for (let bytes; (bytes = await readBytes(conn, 64)).length > 0;) await writeAll(conn, bytes);
    conn.close();
  };
  const serving = (async () => {
    const served = [echo(await first.accept())];
    first.close(); // From now on, for a while, others are refused.
    await pause(150);
    const second = Deno.listen({ hostname: "127.0.0.1", port });
    served.push(echo(await second.accept()), echo(await second.accept()));
    second.close();
    await Promise.all(served);
  })();
  const result = await finish(endpoint, { connections: 3, connectRate: 50, duration: 800 });
  await serving;
  assertEquals(result.connections, 3);
  assert(result.errors.connect > 0);
});

Deno.test("threads begin together, when all of them have their connections", async () => {
  const came: number[] = [];
  await using server = startAnswering(64, (message) => {
    came.push(performance.now());
    return [message];
  });
  // The last of the connections is opened half a second after the first.
  const options = { connections: 3, workers: 2, connectRate: 4, duration: 200 };
  const { elapsed } = await finish(server.endpoint, options);
  const [first = 0] = came;
  const last = came.at(-1) ?? Infinity;
  // A slow machine may be late with the start of one.
  assert(last - first < elapsed + 250, `${last - first} ms, in ${elapsed} ms`);
});

Deno.test("a thread that is told to end before it begins waits for no other", async () => {
  const load = planLoad(deserted(), { connections: 1, duration: 1000, timeout: PATIENT });
  const [plan] = planWorkers(load, {});
  assert(plan !== undefined);
  // The others never get so far.
  const others = new Promise<void>(() => {});
  const ended = generate(plan, () => {}, AbortSignal.abort(), () => others);
  const { promise: late, resolve } = Promise.withResolvers<void>();
  const tooLong = setTimeout(resolve, BOUND);
  const first = await Promise.race([ended, late]);
  clearTimeout(tooLong);
  assertEquals(first?.messages.sent, 0);
});

Deno.test("a thread that may not be started is one line and status 2", async () => {
  await using server = await startEcho();
  const command = program.filter((word) => word !== "--allow-read");
  const words = ["load", ...server.words, "--workers", "2", "-n10"];
  assertEquals(await run([...command, ...words]), {
    code: 2,
    stdout: "",
    stderr: "yodel: cannot start a thread without --allow-read\n",
  });
});

Deno.test("a load that was ended leaves nothing behind", async () => {
  const stop = new AbortController();
  await using server = startAnswering(64, (message) => {
    setTimeout(() => stop.abort(), 20);
    return [message];
  });
  // The next message would be due in a second; the test run looks whether somebody waits for it.
  const options = { connections: 1, rate: 1, signal: stop.signal };
  assertEquals((await load(server.endpoint, options)).messages.sent, 1);
});

Deno.test("loads at the same time, and one after the other, do not disturb each other", async () => {
  await using right = await startEcho();
  await using wrong = startAnswering(64, (message) => [message.map((byte) => byte ^ 1)]);
  for (const _ of [1, 2]) {
    const results = await Promise.all([
      finish(right.endpoint, { messages: 500, connections: 5 }),
      finish(wrong.endpoint, { messages: 3, connections: 3 }),
      finish(right.endpoint, { messages: 100, connections: 10, pipeline: 4, size: 1000 }),
      finish(right.endpoint, { messages: 30, connections: 2, workers: 2 }),
    ]);
    assertEquals(results.map((result) => [result.messages.right, result.bytes.received]), [
      [500, 32_000],
      [0, 192],
      [100, 100_000],
      [30, 1920],
    ]);
    assertEquals(results.map(errorsOf), [{}, { altered: 3 }, {}, {}]);
  }
});

Deno.test("--json is one object that its schema describes, also of datagrams and of threads", async () => {
  const ways = [["tcp", "--workers=2"], ["udp"], ["tls", "--reconnect"]] as const;
  await inEach(ways, async ([scheme, ...flags]) => {
    await using server = await startEcho(scheme);
    const args = ["load", ...server.words, "-c2", "-n20", "--warm-up=50ms", ...flags, "--json"];
    const result = await yodel(args);
    assertEquals([result.code, result.stderr], [0, ""]);
    const report = reportOf(result);
    const { endpoint, error, messages, errors, latency } = report;
    assertEquals(
      { endpoint, error, messages, errors: errors.total, latencies: latency?.count },
      {
        endpoint: formatEndpoint(server.endpoint),
        error: null,
        messages: { sent: 20, right: 20, failed: 0, waiting: 0, missed: 0 },
        errors: 0,
        latencies: 20,
      },
    );
    assertEquals(report.connections_opened, server.opened.length);
  });
});

/** All that differ from a value from JSON in one place: less, more, or of another type. */
function* spoiled(value: unknown): Generator<unknown> {
  yield { wrong: true };
  if (Array.isArray(value)) {
    // Its items are alike.
    for (const item of spoiled(value[0])) yield [item, ...value.slice(1)];
  } else if (typeof value === "object" && value !== null) {
    yield { ...value, more: 1 };
    for (const [name, part] of Object.entries(value)) {
      yield Object.fromEntries(Object.entries(value).filter(([other]) => other !== name));
      for (const other of spoiled(part)) yield { ...value, [name]: other };
    }
  }
}

Deno.test("errors are in --json, with status 1; and its schema takes nothing else for it", async () => {
  await using server = startAnswering(
    64,
    (message, number) => number === 10 ? [message.with(3, (message[3] ?? 0) ^ 1)] : [message],
  );
  const name = formatEndpoint(server.endpoint);
  const result = await yodel(["load", name, "-c1", "-n20", "--json"]);
  assertEquals([result.code, result.stderr], [1, ""]);
  const report = reportOf(result);
  const { messages, errors, error_examples: [example, ...more] } = report;
  assertEquals([messages.right, messages.failed, errors.total, errors.altered], [19, 1, 1, 1]);
  assertEquals([plain(example), ...more], [
    "altered: connection 1: the byte at offset 579 was sent as 0xNN and came back as 0xNN",
  ]);
  let count = 0;
  for (const other of spoiled(report)) {
    count++;
    assert(!validate(other), `the schema takes ${JSON.stringify(other)}`);
  }
  assert(count > 100, `${count} spoiled ones`);
});

Deno.test("a connection that is refused is status 2 and a line on stderr, and JSON stays JSON", async () => {
  const name = formatEndpoint(deserted());
  const line = `cannot connect to ${name}: connection refused`;
  await inEach(
    [[], ["--json"], ["--json", "--workers=2"], ["--json", "--reconnect"]],
    async (flags) => {
      const result = await yodel(["load", name, ...flags]);
      assertEquals([result.code, result.stderr], [2, `yodel: ${line}\n`]);
      if (flags.length === 0) assertEquals(result.stdout, "");
      else assertEquals(reportOf(result).error, line);
    },
  );
});

Deno.test("--histogram is a log in which others find the same latencies", async () => {
  await using server = await startEcho();
  const file = `${folder}/latencies.hlog`;
  const result = await yodel(
    ["load", ...server.words, "-c5", "-n2000", "--json", "--histogram", file],
  );
  const { latency } = reportOf(result);
  const reader = new HistogramLogReader(await Deno.readTextFile(file));
  const read = reader.nextIntervalHistogram();
  assertEquals([read?.totalCount, latency?.count], [2000, 2000]);
  for (const percent of [50, 75, 90, 95, 99, 99.9]) {
    const found = (read?.getValueAtPercentile(percent) ?? NaN) / 1e6;
    const expected = latency?.[`p${String(percent).replace(".", "_")}_ms`] ?? NaN;
    // They agree to three digits.
    assert(Math.abs(found - expected) <= expected / 1000, `p${percent}: ${found}, ${expected}`);
  }
});

for (
  const [when, status, flags, answer, messages, connections] of [
    ["all came back right", 0, [], (message) => [message], 100, 2],
    ["all came back right, to several threads", 0, ["--workers=2"], (message) => [message], 100, 2],
    ["connections come and go", 0, ["--reconnect"], (message) => [message], 100, 100],
    // The third connection replaces one that went wrong.
    ["an answer was altered", 1, [], (message) => [message.map((byte) => byte ^ 1)], 3, 3],
    ["nothing came back", 130, [], () => [], 2, 2],
    [
      "connections are being opened",
      130,
      ["--connect-rate=5", "-c100"],
      (message) => [message],
      0,
      2,
    ],
  ] as readonly [string, number, readonly string[], Answer, number, number][]
) {
  Deno.test(`Ctrl-C ends it with what was found so far; when ${when}, with status ${status}`, {
    ignore: !unix,
  }, async () => {
    await using server = startAnswering(64, answer);
    const { got } = server;
    const [command = "", ...words] = [...program, "load", formatEndpoint(server.endpoint)];
    const child = new Deno.Command(command, {
      args: [...words, "-c2", ...flags, "-d60s", "--json"],
      stdin: "null",
      stdout: "piped",
      stderr: "piped",
    }).spawn();
    const output = child.output();
    try {
      await until(
        () => got.messages >= messages && got.connections >= connections,
        "load has got so far",
      );
    } finally {
      child.kill("SIGINT");
    }
    const start = performance.now();
    const { code, stdout, stderr } = await output;
    const elapsed = performance.now() - start;
    assert(elapsed < BOUND, `it took ${elapsed} ms to end`);
    const decoder = new TextDecoder();
    const result = { code, stdout: decoder.decode(stdout), stderr: decoder.decode(stderr) };
    assertEquals([code, result.stderr], [status, ""], result.stdout);
    const { sent, right, failed, waiting } = reportOf(result).messages;
    assertEquals([right + failed + waiting, right > 0], [sent, status === 0], result.stdout);
  });
}

Deno.test("the summary says in words what was asked for and what was found", async () => {
  await using server = await startEcho();
  const [name = ""] = server.words;
  // Longer than the progress waits to be shown, were there a terminal.
  const { code, stdout, stderr } = await yodel(
    ["load", name, "-c3", "-d300ms", "--pipeline=2", "-r1000", "-s1k"],
  );
  assertEquals([code, stderr], [0, ""]);
  const time = "\\d+(\\.\\d+)? (µs|ms|s)";
  const count = "[\\d,]+";
  const lines = [
    `${name}: 3 connections, 2 messages under way on each, 1,024-byte messages, \\d\\.\\d\\d s`,
    "",
    `messages    ${count} came back right`,
    `throughput  ${count} messages/s, [\\d.]+ [kM]B/s each way`,
    "rate        1,000 messages/s asked for.*",
    `connecting  3 opened, p50 ${time}, p99 ${time}, max ${time}`,
    "errors      none",
    "",
    `latency     min     *${time}`,
    ...["mean", "stddev", "p50", "p75", "p90", "p95", "p99", "p99.9", "p99.99", "max"]
      .map((figure) => `            ${figure.padEnd(7)} *${time}`),
    "",
    `( *${time} - *${time}  #* +[\\d.]+%\n)+`,
  ];
  assertMatch(stdout, new RegExp(`^${lines.join("\n")}$`));
});

Deno.test("nothing is on stderr of a load that is over before all could send", async () => {
  await using server = await startEcho();
  const { code, stderr } = await yodel(["load", ...server.words, "-c200", "-d1ms"]);
  assertEquals([code, stderr], [0, ""]);
});

for (const width of [40, 80, 200]) {
  Deno.test(`the picture fits ${width} characters a line, and makes use of them`, async () => {
    const result = await emptyLoadResult(planLoad("localhost:2222"));
    result.messages.right = 5000;
    for (let i = 0; i < 5000; i++) result.latencies.record(0.001 * 1e8 ** (i / 5000));
    const text = loadText(result, width);
    const picture = text.trimEnd().split("\n").filter((line) => line.endsWith("%"));
    const longest = Math.max(...picture.map((line) => line.length));
    assert(longest <= width && longest >= width - 3, text);
    const shares = picture.map((line) => Number(/([\d.]+)%$/.exec(line)?.[1]));
    const total = shares.reduce((sum, share) => sum + share, 0);
    assert(picture.length > 5 && Math.abs(total - 100) < 0.1, text);
  });
}

Deno.test("on a terminal a line tells how far it is, fits, and is gone at the end", {
  ignore: !available("script") || !linux,
}, async () => {
  await using server = await startEcho();
  const [name = ""] = server.words;
  const words = `stty cols 40; ${
    [...program, "load", name].join(" ")
  } -c3 -d300ms --connect-rate=8`;
  const screen = await run(["script", "--quiet", "--return", "--command", words, "/dev/null"]);
  assertEquals(screen.code, 0);
  const told = JSON.stringify(screen.stdout);
  // Each is written over the one before, the summary over the last one.
  const [summary = "", ...lines] = screen.stdout.split("\r\x1b[2K").toReversed();
  assert(lines.some((line) => /^\d of 3 connections open$/.test(line)), told);
  assert(lines.some((line) => /^1 s left, [\d,]+ messages\/s, /.test(line)), told);
  assertEquals(lines.filter((line) => line.length >= 40 || line.includes("\n")), []);
  assert(summary.startsWith(`${name}: 3 connections, `), told);
  // No colours either, since the tests are run with NO_COLOR.
  assert(!summary.includes("\x1b"), told);
  const picture = summary.split("\r\n").filter((line) => line.endsWith("%"));
  assert(picture.length > 0 && picture.every((line) => line.length <= 40), told);
});

Deno.test("load ends quietly when nobody reads its output", { ignore: !unix }, async () => {
  await using server = await startEcho();
  const args = `${server.words.join(" ")} -c2 -n10`;
  assertEquals(
    await shell(
      `yodel load ${args} --json | head -c 10; echo " \${PIPESTATUS[0]}"
      yodel load ${args} | true; echo \${PIPESTATUS[0]}`,
    ),
    { code: 0, stdout: '{"endpoint 0\n0\n', stderr: "" },
  );
});

for (
  const [args, complaint] of [
    [
      "udp://127.0.0.1:7000 --reconnect",
      "--reconnect: expected a tcp://, tls:// or unix: endpoint with it",
    ],
    [
      "udp://127.0.0.1:7000 --size 65508",
      "--size: a datagram holds 65507 bytes at most, not 65508",
    ],
    [
      "--pipeline 8 --reconnect",
      "--pipeline: with reconnect a connection carries one message",
    ],
    ["-c 0", '--connections: expected a whole number from 1 to 1000000, not "0"'],
    ["--workers 257", '--workers: expected a whole number from 1 to 256, not "257"'],
    ["-r fast", '--rate: expected a whole number from 0 to 2147483647, not "fast"'],
    ["-s 0", '--size: expected a size such as 64 or 4k, from 1 to 67108864 bytes, not "0"'],
    [
      "-d 10",
      '--duration: expected a duration such as 250ms, 1.5s or 2m (24 days at most), or 0, not "10"',
    ],
    ["--histogram", "--histogram: expected a file, not nothing"],
  ] as const
) {
  Deno.test(`yodel load ${args}: says in one line what is wrong`, async () => {
    const result = await yodel(["load", ...args.split(" ")]);
    assertEquals(result, { code: 2, stdout: "", stderr: `yodel: ${complaint}\n` });
  });
}
