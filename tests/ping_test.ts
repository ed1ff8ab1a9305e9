/** The ping command: what it measures, what it tells of each probe, and how it ends. */
import { assert, assertEquals, assertMatch } from "@std/assert";
import { createSocket } from "node:dgram";
import { ping, type PingOptions } from "../client.ts";
import { makeIdentity } from "../net/certificate.ts";
import { type Endpoint, formatEndpoint, serve } from "../server.ts";
import {
  type CustomServer,
  dialPort,
  portOf,
  random,
  readBytes,
  startCustom,
  until,
  writeAll,
} from "./local.ts";
import { packages, program, type Result, root, run, shell, startServer, yodel } from "./program.ts";

const unix = Deno.build.os !== "windows";
const linux = Deno.build.os === "linux";

/** The size of a probe, in bytes. */
const SIZE = 56;

/** Enough for any machine to answer in. Nothing waits for it unless something is wrong. */
const PATIENT = 20_000;

const folder = await Deno.makeTempDir();
addEventListener("unload", () => Deno.removeSync(folder, { recursive: true }));
const { ca, cert, key } = await makeIdentity(["127.0.0.1"]);
await Deno.writeTextFile(`${folder}/ca.pem`, ca);

type Scheme = Endpoint["scheme"];

interface EchoServer extends AsyncDisposable {
  endpoint: Endpoint;
  /** The endpoint as it is written on the command line, and the flags that it needs. */
  words: string[];
  /** How many connections were opened. */
  opened(): number;
}

/** Starts an echo server in this process. */
async function startEcho(scheme: Scheme): Promise<EchoServer> {
  const asked: Endpoint = scheme === "unix"
    ? { scheme, path: `${folder}/echo.sock` }
    : { scheme, host: "127.0.0.1", port: 0 };
  const stop = new AbortController();
  let opened = 0;
  const server = await serve([asked], {
    tls: { cert, key },
    drain: 1,
    log: { debug: (message) => void (opened += message === "opened" ? 1 : 0) },
    signal: stop.signal,
  });
  const [endpoint = asked] = server.endpoints;
  return {
    endpoint,
    words: [formatEndpoint(endpoint), ...scheme === "tls" ? ["--ca", `${folder}/ca.pem`] : []],
    opened: () => opened,
    async [Symbol.asyncDispose]() {
      stop.abort();
      await server.finished;
    },
  };
}

/** What a server sends when it gets a probe; `number` counts the probes it got, from 1 on. */
type Answers = (probe: Uint8Array, number: number) => Uint8Array[];

/** Starts a server that answers as `answers` says. */
async function startAnswering(scheme: "tcp" | "udp", answers: Answers): Promise<CustomServer> {
  let number = 0;
  if (scheme === "tcp") {
    return startCustom(async (conn) => {
      for (;;) {
        const probe = await readBytes(conn, SIZE);
        if (probe.length < SIZE) return;
        for (const answer of answers(probe, ++number)) await writeAll(conn, answer);
      }
    });
  }
  const socket = createSocket("udp4");
  let sent = Promise.resolve();
  socket.on("message", (bytes: Uint8Array, { port, address }) => {
    for (const answer of answers(Uint8Array.from(bytes), ++number)) {
      // Two that are sent at once may overtake each other.
      sent = sent.then(() =>
        new Promise((resolve) => socket.send(answer, port, address, () => resolve()))
      );
    }
  });
  await new Promise<void>((resolve) => socket.bind({ address: "127.0.0.1", port: 0 }, resolve));
  return {
    endpoint: { scheme, host: "127.0.0.1", port: socket.address().port },
    [Symbol.asyncDispose]: () => new Promise((resolve) => void socket.close(() => resolve())),
  };
}

/** Answers the probe of a number as soon as the next one has come. */
function holding(number: number): Answers {
  const held: Uint8Array[] = [];
  return (probe, at) => {
    if (at !== number) return [...held.splice(0), probe];
    held.push(probe);
    return [];
  };
}

/** Answers the probe of a number in a way of its own. */
function but(number: number, answers: (probe: Uint8Array) => Uint8Array[]): Answers {
  return (probe, at) => at === number ? answers(probe) : [probe];
}

const lose = () => [];
const repeat = (probe: Uint8Array) => [probe, probe];
const shorten = (probe: Uint8Array) => [probe.subarray(0, -1)];
const alter = (probe: Uint8Array) => [probe.map((byte, at) => at === 7 ? byte ^ 1 : byte)];
const invert = (probe: Uint8Array) => [probe.map((byte) => byte ^ 0xff)];

/** Pings within this process; returns the summary and what became of each probe, in words. */
async function results(endpoint: Endpoint, options: PingOptions) {
  const told: string[] = [];
  const summary = await ping(endpoint, {
    ...options,
    onResult(result) {
      const { seq, outcome, error } = result;
      told.push(`${seq} ${outcome}${error === undefined ? "" : `: ${error}`}`);
      options.onResult?.(result);
    },
  });
  return { told, summary };
}

/** Some printed text without what differs each time: T stands for a time, 0xNN for a byte. */
function plain(text: string): string {
  return text
    .replace(/\d+\.\d{3}(?=[ /])/g, "T")
    .replace(/\d+\.\d\d s$/gm, "T s")
    .replace(/0x[0-9a-f]{2}/g, "0xNN");
}

/** The lines of a summary about the latencies of something. */
function latencyLines(name: string): string {
  return `${name} min/avg/max/stddev = T/T/T/T ms\n${name} p50/p90/p99 = T/T/T ms\n`;
}

/** Three probes as they are printed, all answered. */
function threeRight(name: string, parts = "time=T ms"): string {
  return [1, 2, 3].map((seq) => `56 bytes from ${name}: seq=${seq} ${parts}\n`).join("") +
    `--- ${name} ---\n3 sent, 3 received, 0% lost, T s\n${latencyLines("time")}`;
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

for (const scheme of ["tcp", "udp", "tls", "unix"] as const) {
  Deno.test(`ping tells how long answers take, on one connection, over ${scheme}`, {
    ignore: scheme === "unix" && !unix,
  }, async () => {
    await using server = await startEcho(scheme);
    const times: number[] = [];
    const { told, summary } = await results(server.endpoint, {
      count: 3,
      interval: 20,
      tls: { ca },
      onResult: ({ time = NaN }) => void times.push(time),
    });
    // Datagrams that a slow machine sends at once may overtake each other.
    assertEquals(told.toSorted(), ["1 right", "2 right", "3 right"]);
    const { right, latencies, elapsed } = summary;
    const found = [right, latencies.count, latencies.min, latencies.max];
    assertEquals(found, [3, 3, Math.min(...times), Math.max(...times)]);
    // Timers may be early by less than a millisecond.
    assert(elapsed >= 39 && latencies.min > 0, `${latencies.min} of ${elapsed} ms`);
    const { code, stdout, stderr } = await yodel(["ping", ...server.words, "-c3", "-i0"]);
    assertEquals(
      { code, stdout: plain(stdout), stderr },
      { code: 0, stdout: threeRight(formatEndpoint(server.endpoint)), stderr: "" },
    );
    assertEquals(server.opened(), scheme === "udp" ? 0 : 2);
  });
}

for (
  const [scheme, opening] of [
    ["tcp", ["connect"]],
    ["tls", ["connect", "handshake"]],
    ["unix", ["connect"]],
  ] as const
) {
  Deno.test(`--reconnect opens a connection for each probe, and times it, over ${scheme}`, {
    ignore: scheme === "unix" && !unix,
  }, async () => {
    await using server = await startEcho(scheme);
    const { code, stdout, stderr } = await yodel(
      ["ping", ...server.words, "--reconnect", "-c3", "-i20ms"],
    );
    const parts = [...opening, "time"].map((part) => `${part}=T ms`).join(" ");
    const printed = threeRight(formatEndpoint(server.endpoint), parts);
    assertEquals({ code, stdout: plain(stdout), stderr }, {
      code: 0,
      stdout: printed + opening.map(latencyLines).join(""),
      stderr: "",
    });
    assertEquals(server.opened(), 3);
  });
}

Deno.test("the time for a handshake is not in the time to connect, nor in a round trip", async () => {
  await using server = await startEcho("tls");
  // Keeps the handshake waiting. On a slow machine all takes longer, hence the shortest ones.
  await using relay = startCustom(async (conn) => {
    using onward = await dialPort(portOf(server.endpoint));
    await pause(100);
    const copy = async (from: Deno.Conn, to: Deno.Conn) => {
      const bytes = new Uint8Array(10_000);
      for (let n; (n = await from.read(bytes)) !== null;) await writeAll(to, bytes.subarray(0, n));
    };
    await Promise.race([copy(conn, onward), copy(onward, conn)]);
  });
  const endpoint = { ...server.endpoint, port: portOf(relay.endpoint) };
  const options = { count: 3, interval: 0, timeout: PATIENT, reconnect: true, tls: { ca } };
  const { latencies, connects, handshakes } = (await results(endpoint, options)).summary;
  assertEquals([latencies.count, connects.count, handshakes.count], [3, 3, 3]);
  assert(handshakes.min >= 99, `${handshakes.min} ms`);
  assert(connects.min < 99 && latencies.min < 99, `${connects.min} and ${latencies.min} ms`);
});

Deno.test("short flags may be one word, with their values, and -q leaves the summary only", async () => {
  const sizes: number[] = [];
  await using server = await startAnswering("udp", (probe) => {
    sizes.push(probe.length);
    return [probe];
  });
  const name = formatEndpoint(server.endpoint);
  const { code, stdout, stderr } = await yodel(["ping", name, "-c3", "-i20ms", "-qs", "100"]);
  assertEquals({ code, stdout: plain(stdout), stderr }, {
    code: 0,
    stdout: `--- ${name} ---\n3 sent, 3 received, 0% lost, T s\n${latencyLines("time")}`,
    stderr: "",
  });
  assertEquals(sizes, [100, 100, 100]);
});

for (
  const [flags, complaint] of [
    [["--reconnect"], "--reconnect: expected a tcp://, tls:// or unix: endpoint with it"],
    [["--size", "65508"], "--size: a datagram holds 65507 bytes at most, not 65508"],
  ] as const
) {
  Deno.test(`udp refuses ${flags.join(" ")}, with one line`, async () => {
    assertEquals(await yodel(["ping", "udp://127.0.0.1:7000", ...flags]), {
      code: 2,
      stdout: "",
      stderr: `yodel: ${complaint}\n`,
    });
  });
}

// Without an interval each probe follows the result of the one before. So a slow machine can spoil
// only those that wait for an answer in vain, by taking all that time for another one.
for (
  const [what, answers, lines, counts, schemes = ["tcp", "udp"] as const] of [
    [
      "late",
      () => holding(2),
      [
        "E: seq=2 lost: no answer in 0.4s",
        "56 bytes from E: seq=2 time=T ms late",
        "56 bytes from E: seq=3 time=T ms",
      ],
      "3 received, 1 late, 0% lost",
    ],
    [
      "lost",
      () => but(2, lose),
      [
        "E: seq=2 lost: no answer in 0.4s",
        "56 bytes from E: seq=3 time=T ms",
      ],
      "2 received, 33.33% lost",
    ],
    [
      "altered",
      () => but(2, alter),
      [
        "56 bytes from E: seq=2 time=T ms altered: " +
        "the byte at offset 7 was sent as 0xNN and came back as 0xNN",
        "56 bytes from E: seq=3 time=T ms",
      ],
      "3 received, 1 altered, 0% lost",
    ],
    [
      "cut short",
      () => but(2, shorten),
      [
        "E: seq=2 lost: no answer in 0.4s, only 55 of 56 bytes",
        "56 bytes from E: seq=3 time=T ms",
      ],
      "2 received, 33.33% lost",
      ["tcp"],
    ],
    [
      "cut short",
      () => but(2, shorten),
      [
        "55 bytes from E: seq=2 time=T ms altered: 56 bytes were sent and 55 came back",
        "56 bytes from E: seq=3 time=T ms",
      ],
      "3 received, 1 altered, 0% lost",
      ["udp"],
    ],
    [
      "repeated",
      () => but(2, repeat),
      [
        "56 bytes from E: seq=2 time=T ms",
        "56 bytes from E: seq=2 time=T ms repeated",
        "56 bytes from E: seq=3 time=T ms",
      ],
      "3 received, 1 repeated, 0% lost",
    ],
  ] as readonly [string, () => Answers, string[], string, (readonly ("tcp" | "udp")[])?][]
) {
  Deno.test(`an answer that is ${what} is told, with status 1, over ${schemes.join(" and ")}`, async () => {
    await Promise.all(schemes.map(async (scheme) => {
      await using server = await startAnswering(scheme, answers());
      const name = formatEndpoint(server.endpoint);
      const timeout = lines[0]?.includes("no answer") ? "400ms" : "20s";
      const { code, stdout, stderr } = await yodel(["ping", name, "-c3", "-i0", "-W", timeout]);
      const about = ["56 bytes from E: seq=1 time=T ms", ...lines].join("\n").replaceAll(
        "E:",
        `${name}:`,
      );
      assertEquals({ code, stdout: plain(stdout), stderr }, {
        code: 1,
        stdout: `${about}\n--- ${name} ---\n3 sent, ${counts}, T s\n${latencyLines("time")}`,
        stderr: "",
      });
    }));
  });
}

Deno.test("answers that come in another order belong to the probes that they answer", async () => {
  const held: Uint8Array[] = [];
  await using server = await startAnswering("udp", (probe) => {
    held.unshift(probe);
    return held.length === 3 ? held : [];
  });
  const options = { count: 3, interval: 5, timeout: PATIENT };
  const { told } = await results(server.endpoint, options);
  assertEquals(told.toSorted(), ["1 right", "2 right", "3 right"]);
});

for (
  const [scheme, why] of [
    ["tcp", "the server ended the connection"],
    ["udp", "no answer in 0.4s"],
  ] as const
) {
  Deno.test(`an answer that is like no probe is not one to a lost probe, over ${scheme}`, async () => {
    let connections = 0;
    await using server = scheme === "udp"
      ? await startAnswering(scheme, (probe, number) => number === 1 ? [] : invert(probe))
      : startCustom(async (conn) => {
        const first = ++connections === 1;
        const probe = await readBytes(conn, SIZE);
        if (first) return;
        for (const answer of invert(probe)) await writeAll(conn, answer);
        await readBytes(conn, 1);
      });
    const { told } = await results(server.endpoint, { count: 2, interval: 0, timeout: 400 });
    assertEquals(
      told.map((words) => words.replace(/altered: .*/, "altered")),
      [`1 lost: ${why}`, "2 altered"],
    );
  });
}

Deno.test("a server that speaks first keeps nobody waiting, and each probe has one result", async () => {
  await using server = startCustom(async (conn) => {
    await writeAll(conn, random(SIZE));
    await writeAll(conn, await readBytes(conn, SIZE));
    await readBytes(conn, 1);
  });
  const name = formatEndpoint(server.endpoint);
  // Another process, so that the words of the server may be there before those of the client.
  const { code, stdout } = await yodel(["ping", name, "-c8", "-i0", "-W400ms", "--json"]);
  const lines = stdout.trimEnd().split("\n").slice(0, -1).map((line) => JSON.parse(line));
  assert(code !== 0, stdout);
  assertEquals(
    lines.map(({ type, seq }) => `${type} ${seq}`),
    Array.from({ length: 8 }, (_, i) => `probe ${i + 1}`),
  );
  assertEquals(lines.filter(({ error }) => /^no answer/.test(error)), []);
});

Deno.test("probes that are due at once go out one after the other, with nothing on stderr", async () => {
  await using server = await startEcho("tcp");
  const { code, stdout, stderr } = await yodel(
    ["ping", ...server.words, "-i0.01ms", "-c500", "-W20s", "-q"],
  );
  assertEquals({ code, counts: stdout.split("\n")[1]?.replace(/, [^,]*$/, ""), stderr }, {
    code: 0,
    counts: "500 sent, 500 received, 0% lost",
    stderr: "",
  });
});

Deno.test("bytes that nobody asked for are told, with status 1", async () => {
  await using server = startCustom(async (conn) => {
    await writeAll(conn, await readBytes(conn, SIZE));
    // The answer is there; this comes on its own.
    await pause(20);
    await writeAll(conn, random(SIZE));
    await readBytes(conn, 1);
  });
  const words = ["ping", formatEndpoint(server.endpoint), "-c2", "-i300ms"];
  const { code, stdout, stderr } = await yodel(words);
  assertEquals(code, 1, stdout);
  assertMatch(stdout, /^2 sent, 2 received, [12] unasked, 0% lost/m);
  assertMatch(stderr, /: an answer came to nothing that was sent\n/);
});

for (const scheme of ["tcp", "udp"] as const) {
  Deno.test(`what comes after the end does not count, over ${scheme}`, async () => {
    await using server = await startEcho(scheme);
    for (let i = 0; i < 20; i++) {
      const stop = new AbortController();
      let returned = false;
      const pinging = ping(server.endpoint, {
        interval: 0.1,
        signal: stop.signal,
        onResult: (result) => assert(!returned, `${result.seq} came too late`),
      });
      await pause(20);
      stop.abort();
      const { lost } = await pinging;
      returned = true;
      assertEquals(lost, 0);
    }
  });
}

/** A server for one connection that answers one probe, takes one more, and is gone. */
function startLeaving(port: number): { endpoint: Endpoint; gone: Promise<void> } {
  const listener = Deno.listen({ hostname: "127.0.0.1", port });
  const gone = (async () => {
    using conn = await listener.accept();
    await writeAll(conn, await readBytes(conn, SIZE));
    await readBytes(conn, SIZE);
    listener.close();
  })();
  return { endpoint: { scheme: "tcp", host: "127.0.0.1", port: listener.addr.port }, gone };
}

Deno.test("a server that goes away is told, and used again once it is back", async () => {
  const before = startLeaving(0);
  let after: Promise<void> | undefined;
  const { told } = await results(before.endpoint, {
    count: 4,
    interval: 0,
    timeout: 400,
    onResult({ outcome }) {
      if (outcome === "unsent") after = startLeaving(portOf(before.endpoint)).gone;
    },
  });
  assertEquals(told, [
    "1 right",
    "2 lost: the server ended the connection",
    "3 unsent: connection refused",
    "4 right",
  ]);
  await Promise.all([before.gone, after]);
});

Deno.test("a connection that ends between two probes is a line on stderr, and none is lost", async () => {
  await using server = startCustom(async (conn) => {
    await writeAll(conn, await readBytes(conn, SIZE));
  });
  const name = formatEndpoint(server.endpoint);
  // A slow machine has the interval to find out.
  const { code, stdout, stderr } = await yodel(["ping", name, "-c2", "-i400ms"]);
  assertEquals({ code, lines: stdout.match(/seq=\d time=/g) }, {
    code: 0,
    lines: ["seq=1 time=", "seq=2 time="],
  });
  // The end of the second connection may come after that of the program.
  const line = `yodel: ${name}: the server ended the connection\n`;
  assert(stderr === line || stderr === line.repeat(2), stderr);
});

Deno.test("where nobody listens the status is 2, with one line on stderr, and JSON stays JSON", async () => {
  const name = formatEndpoint(deserted());
  const stderr = `yodel: cannot connect to ${name}: connection refused\n`;
  const text = await yodel(["ping", name, "-c2", "-i20ms"]);
  assertEquals({ ...text, stdout: plain(text.stdout) }, {
    code: 2,
    stdout: `cannot connect to ${name}: seq=1 connection refused\n` +
      `cannot connect to ${name}: seq=2 connection refused\n` +
      `--- ${name} ---\n0 sent, 2 not sent, 0 received, 100% lost, T s\n`,
    stderr,
  });
  const json = await yodel(["ping", name, "-c2", "-i20ms", "--json"]);
  assertEquals({ ...json, stdout: "" }, { code: 2, stdout: "", stderr });
  const lines = json.stdout.trimEnd().split("\n").map((line) => JSON.parse(line));
  assertEquals(
    lines.map(({ type, seq, outcome, unsent }) => [type, seq ?? unsent, outcome]),
    [["probe", 1, "unsent"], ["probe", 2, "unsent"], ["summary", 2, undefined]],
  );
});

Deno.test("a server that cannot be connected to before the deadline is status 2", async () => {
  // It accepts, and says nothing of TLS.
  await using server = startCustom(async (conn) => void await readBytes(conn, 1_000_000));
  const name = formatEndpoint({ host: "127.0.0.1", scheme: "tls", port: portOf(server.endpoint) });
  const { code, stdout, stderr } = await yodel(
    ["ping", name, "--ca", `${folder}/ca.pem`, "-W20s", "-w300ms"],
  );
  assertEquals({ code, lost: /\d+% lost/.exec(stdout)?.[0] }, { code: 2, lost: "100% lost" });
  assertMatch(stderr, /^yodel: cannot connect to tls:.*\n$/);
});

Deno.test("the median is that of the server's own delays", async () => {
  const delays: number[] = [];
  await using server = startCustom(async (conn) => {
    for (;;) {
      const probe = await readBytes(conn, SIZE);
      if (probe.length < SIZE) return;
      const came = performance.now();
      await pause(20);
      delays.push(performance.now() - came);
      await writeAll(conn, probe);
    }
  });
  const { summary } = await results(server.endpoint, { count: 21, interval: 0, timeout: PATIENT });
  const found = summary.latencies.percentile(50);
  // Of a slow machine the server's delays tell, too, and a few outliers move no median.
  const delay = median(delays);
  assert(Math.abs(found - delay) <= delay / 10, `${found} ms, and the server took ${delay} ms`);
});

/** The names of all numbers in a value from JSON. */
function numbers(value: unknown): string[] {
  if (typeof value !== "object" || value === null) return [];
  return Object.entries(value).flatMap(([key, part]) =>
    typeof part === "number" ? [key] : numbers(part)
  );
}

Deno.test("--json is a probe a line, further answers, and the summary, with units in the keys", async () => {
  const misdeeds: Answers[] = [lose, alter, repeat, shorten].map((answers, i) =>
    but(4 + i, answers)
  );
  const held = holding(2);
  await using server = await startAnswering("udp", (probe, number) => {
    const misdeed = misdeeds[number - 4] ?? held;
    return misdeed(probe, number);
  });
  const name = formatEndpoint(server.endpoint);
  const args = ["ping", name, "-c8", "-i0", "-W400ms", "--json"];
  const { code, stdout, stderr } = await yodel(args);
  assertEquals({ code, stderr }, { code: 1, stderr: "" });
  const lines = stdout.trimEnd().split("\n").map((line) => JSON.parse(line));
  const summary = lines.pop();
  assertEquals(lines.map(({ type, seq, outcome, bytes }) => [type, seq, outcome, bytes]), [
    ["probe", 1, "right", 56],
    ["probe", 2, "lost", undefined],
    ["answer", 2, "late", 56],
    ["probe", 3, "right", 56],
    ["probe", 4, "lost", undefined],
    ["probe", 5, "altered", 56],
    ["probe", 6, "right", 56],
    ["answer", 6, "repeated", 56],
    ["probe", 7, "altered", 55],
    ["probe", 8, "right", 56],
  ]);
  const { type, endpoint, sent, unsent, received, late, altered, lost, repeated } = summary;
  assertEquals(
    { type, endpoint, sent, unsent, received, late, altered, lost, repeated },
    {
      type: "summary",
      endpoint: name,
      sent: 8,
      unsent: 0,
      received: 7,
      late: 1,
      altered: 2,
      lost: 1,
      repeated: 1,
    },
  );
  assertEquals([summary.lost_percent, summary.time.count, summary.connect], [12.5, 5, null]);
  const counts =
    /^(seq|bytes|count|sent|unsent|received|late|altered|lost|repeated|surplus|lost_percent)$/;
  const times = [...lines, summary].flatMap(numbers).filter((key) => !counts.test(key));
  assertEquals(times.filter((key) => !key.endsWith("_ms")), []);
  assert(lines[2].time_ms >= 399, "what is late came after its time");
  assert(["time_ms", "elapsed_ms", "p99_ms"].every((key) => times.includes(key)), `${times}`);
});

Deno.test("--deadline ends it, and where nothing was answered by then that is lost", async () => {
  await using echo = await startEcho("tcp");
  await using silent = await startAnswering("tcp", lose);
  // On a slow machine the first probe has the time up to the deadline.
  const flags = ["-i20s", "-W20s", "-w500ms"];
  const start = performance.now();
  const [answered, lost] = await Promise.all(
    [echo, silent].map(({ endpoint }) => yodel(["ping", formatEndpoint(endpoint), ...flags])),
  );
  const elapsed = performance.now() - start;
  assert(elapsed >= 499 && elapsed < 10_000, `${elapsed} ms`);
  assertEquals([answered?.code, lost?.code], [0, 1]);
  assertMatch(answered?.stdout ?? "", /^56 bytes .*\n---.*\n1 sent, 1 received, 0% lost, /);
  assertMatch(
    lost?.stdout ?? "",
    /^tcp:.* lost: no answer within the deadline of 0\.5s\n---.*\n1 sent, 0 received, 100% lost/,
  );
});

Deno.test("no probe goes out at the deadline, when it could only be lost", async () => {
  await using server = await startEcho("tcp");
  // The second probe and the deadline are due at the same time: which is first is chance, so often.
  const options = { interval: 400, deadline: 400, timeout: PATIENT };
  const all = await Promise.all(
    Array.from({ length: 20 }, () => results(server.endpoint, options)),
  );
  assertEquals(all.map(({ told }) => told), Array.from({ length: 20 }, () => ["1 right"]));
});

/** Runs `yodel ping`, interrupts it once `enough` holds of what it has printed, and sees it end. */
async function interrupt(
  args: readonly string[],
  enough: (printed: string) => boolean,
): Promise<Result> {
  const [command = "", ...words] = [...program, "ping", ...args];
  const child = new Deno.Command(command, {
    args: words,
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
    env: { NO_COLOR: "1" },
  }).spawn();
  const tooLong = setTimeout(() => child.kill("SIGKILL"), PATIENT);
  const stderr = new Response(child.stderr).text();
  let stdout = "";
  const reading = (async () => {
    for await (const part of child.stdout.pipeThrough(new TextDecoderStream())) stdout += part;
  })();
  try {
    await until(() => enough(stdout), "ping has got so far");
  } finally {
    child.kill("SIGINT");
  }
  const { code } = await child.status;
  await reading;
  clearTimeout(tooLong);
  return { code, stdout, stderr: await stderr };
}

for (
  const [so, status, enough, answers, counts] of [
    ["right", 0, /seq=3/, () => but(0, lose), (n) => `${n} sent, ${n} received, 0% lost`],
    [
      "altered",
      1,
      /altered/,
      () => but(2, alter),
      (n) => `${n} sent, ${n} received, 1 altered, 0% lost`,
    ],
    ["not there", 130, /^/, () => lose, () => "0 sent, 0 received, 0% lost"],
  ] as [string, number, RegExp, () => Answers, (probes: number) => string][]
) {
  Deno.test(`Ctrl-C ends it with the summary; where an answer was ${so}, status ${status}`, {
    ignore: !unix,
  }, async () => {
    let asked = 0;
    const answer = answers();
    await using server = await startAnswering(
      "udp",
      (probe, number) => answer(probe, asked = number),
    );
    const name = formatEndpoint(server.endpoint);
    const { code, stdout, stderr } = await interrupt(
      [name, "-i20ms", "-W0"],
      (printed) => asked > 0 && enough.test(printed),
    );
    const probes = stdout.match(/^56 bytes/gm)?.length ?? 0;
    const [last = "", ...before] = plain(stdout).split(`--- ${name} ---\n`).toReversed();
    assertEquals({ code, stderr, before: before.length }, { code: status, stderr: "", before: 1 });
    const times = probes > 0 ? latencyLines("time") : "";
    assertEquals(last, `${counts(probes)}, T s\n${times}`);
  });
}

Deno.test(
  "ping ends quietly, and soon, when nobody reads its output",
  { ignore: !unix },
  async () => {
    await using server = await startEcho("tcp");
    const name = formatEndpoint(server.endpoint);
    const start = performance.now();
    const { code, stdout, stderr } = await shell(
      `yodel ping ${name} -i20ms -w20s | head -2; echo \${PIPESTATUS[0]}`,
    );
    assertEquals({ code, stdout: plain(stdout), stderr }, {
      code: 0,
      stdout: `56 bytes from ${name}: seq=1 time=T ms\n56 bytes from ${name}: seq=2 time=T ms\n0\n`,
      stderr: "",
    });
    assert(performance.now() - start < 10_000);
  },
);

Deno.test("an output that fails is one line and status 2", { ignore: !linux }, async () => {
  await using server = await startEcho("tcp");
  const result = await shell(`yodel ping ${server.words.join(" ")} -i20ms -w20s >/dev/full`);
  assertEquals(result, {
    code: 2,
    stdout: "",
    stderr: "yodel: cannot write the output: No space left on device\n",
  });
});

/** Makes a cache for Deno that has what the program may need, but for one package from npm. */
async function cacheWithout(missing: string): Promise<string> {
  const info = async (...args: string[]) =>
    JSON.parse((await run([Deno.execPath(), "info", "--json", ...args])).stdout);
  const { modulesCache, npmCache } = await info();
  const { npmPackages } = await info(...packages, `${root}main.ts`);
  const needed = Object.values<{ name: string; localPath: string }>(npmPackages)
    .filter(({ name }) => name !== missing)
    .map(({ localPath }) => localPath.slice(npmCache.length + 1).replace(/\/[^/]*$/, ""));
  const cache = await Deno.makeTempDir({ dir: folder });
  await Deno.symlink(modulesCache, `${cache}/remote`);
  await Deno.mkdir(`${cache}/npm`);
  const copied = await shell(
    `tar -C ${npmCache} -cf - ${needed.join(" ")} | tar -C ${cache}/npm -xf -`,
  );
  assertEquals(copied, { code: 0, stdout: "", stderr: "" });
  return cache;
}

Deno.test("serve and connect do without the package for percentiles, which ping fetches", {
  ignore: !unix,
}, async () => {
  const cache = await cacheWithout("hdr-histogram-js");
  // Whatever Deno wants to fetch it asks of this one.
  const asked: string[] = [];
  await using proxy = startCustom(async (conn) => {
    asked.push(new TextDecoder().decode(await readBytes(conn, 30)));
    await writeAll(conn, new TextEncoder().encode("HTTP/1.1 403 Forbidden\r\n\r\n"));
  });
  const address = `http://127.0.0.1:${portOf(proxy.endpoint)}`;
  const proxies = [`HTTPS_PROXY=${address}`, `HTTP_PROXY=${address}`];
  const command = ["env", `DENO_DIR=${cache}`, "DENO_NO_UPDATE_CHECK=1", ...proxies];
  await using server = await startServer(["127.0.0.1:0"], [...command, ...program, "serve"]);
  const connect = [...command, ...program, "connect", `${server.port}`, "--verify"];
  assertEquals(await run(connect, "hello\n"), { code: 0, stdout: "hello\n", stderr: "" });
  assertEquals(asked, []);
  const { code, stderr } = await run([...command, ...program, "ping", `${server.port}`, "-c1"]);
  assert(code !== 0 && asked.length > 0, stderr);
});
