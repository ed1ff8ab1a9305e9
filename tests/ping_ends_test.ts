/** The ping command: servers that go and come, what it tells, and how it ends. */
import { assert, assertEquals, assertMatch } from "@std/assert";
import { isAllRight } from "../client/ping_result.ts";
import { probeJson, summaryJson } from "../report/ping_json.ts";
import { summaryText } from "../report/ping_text.ts";
import { type Endpoint, formatEndpoint } from "../server.ts";
import {
  freePort,
  linux,
  median,
  PATIENT,
  pause,
  portOf,
  readBytes,
  startCustom,
  undisturbed,
  unix,
  writeAll,
} from "./local.ts";
import {
  interrupt,
  packages,
  programOfModules,
  root,
  run,
  shell,
  startServer,
  yodel,
} from "./program.ts";
import { caFile, deserted, folder, startEcho } from "./servers.ts";
import {
  type Answers,
  but,
  corrupt,
  holding,
  LATENCY_LINES,
  lose,
  plain,
  repeat,
  results,
  shorten,
  SIZE,
  startLine,
  startProbed,
} from "./pings.ts";

/** A server for one connection that answers one probe, takes one more, and is gone. */
function startLeaving(port: number): { endpoint: Endpoint; gone: Promise<void> } {
  const listener = Deno.listen({ hostname: "127.0.0.1", port });
  const gone = (async () => {
    using conn = await listener.accept();
    await writeAll(conn, await readBytes(conn, SIZE));
    await readBytes(conn, SIZE);
    listener.close();
    // The system may accept for a moment longer, and would reset the next connection.
    const isAccepted = () =>
      Deno.connect({ port: listener.addr.port }).then((more) => (more.close(), true), () => false);
    while (await isAccepted());
  })();
  return { endpoint: { scheme: "tcp", host: "127.0.0.1", port: listener.addr.port }, gone };
}

Deno.test("a server that goes away is reported, and used again once it is back", async () => {
  const before = startLeaving(freePort());
  let after: Promise<void> | undefined;
  const { outcomes } = await results(before.endpoint, {
    count: 4,
    interval: 0,
    // A probe that could not be sent is followed by the next in a second then.
    timeout: 0,
    onResult({ outcome }) {
      if (outcome === "unsent") after = startLeaving(portOf(before.endpoint)).gone;
    },
  });
  assertEquals(outcomes, [
    "1 right",
    "2 lost: the server ended the connection",
    "3 unsent: connection refused",
    "4 right",
  ]);
  await Promise.all([before.gone, after]);
});

Deno.test("a connection that ends between two probes is said before the next, and none is lost", async () => {
  let isGone = Promise.withResolvers<void>();
  await using server = startCustom(async (conn) => {
    await writeAll(conn, await readBytes(conn, SIZE));
    await conn.closeWrite();
    // The client has seen the end once it has closed the connection as well.
    await readBytes(conn, 1);
    isGone.resolve();
  });
  const seen: string[] = [];
  await results(server.endpoint, {
    count: 2,
    interval: 0,
    timeout: PATIENT,
    onDisconnect: (what) => void seen.push(what),
    async onResult({ seq, outcome }) {
      seen.push(`${seq} ${outcome}`);
      await isGone.promise;
      isGone = Promise.withResolvers<void>();
    },
  });
  // The end of the second connection is not said: no probe follows.
  assertEquals(seen, ["1 right", "the server ended the connection", "2 right"]);
});

Deno.test("the command says on stderr that a connection ended between two probes", async () => {
  await using server = startCustom(async (conn) => {
    await writeAll(conn, await readBytes(conn, SIZE));
  });
  const name = formatEndpoint(server.endpoint);
  // Where another process has not found out in this time, it does before a later probe.
  const args = ["ping", name, "-c4", "-i300ms", "-W1m"];
  assertMatch((await yodel(args)).stderr, /^(yodel: tcp:\S+: the server ended the connection\n)+$/);
});

Deno.test("a server that ends each connection at once is reported at once, and once", async () => {
  // In a process of its own it can be first.
  await using server = await startServer(["127.0.0.1:0", "--fault", "refuse"]);
  const endpoint: Endpoint = { scheme: "tcp", host: "127.0.0.1", port: server.port };
  const losses: string[] = [];
  const onDisconnect = (what: string) => void losses.push(what);
  const options = { count: 2, interval: 0, timeout: PATIENT, onDisconnect };
  const all = await Promise.all(Array.from({ length: 100 }, () => results(endpoint, options)));
  for (const { outcomes } of all) {
    assertEquals(outcomes.length, 2);
    for (const words of outcomes) {
      assertMatch(words, /lost: (the server ended|connection reset|broken)/);
    }
  }
  assertEquals(losses, []);
});

Deno.test("where nobody listens the status is 2, with one line on stderr, and JSON stays JSON", async () => {
  const name = formatEndpoint(deserted());
  const stderr = `yodel: cannot connect to ${name}: connection refused; ` +
    "is the server running? --wait 30s waits for it\n";
  const text = await yodel(["ping", name, "-c2", "-i20ms"]);
  assertEquals({ ...text, stdout: plain(text.stdout) }, {
    code: 2,
    stdout: `PING ${name}: 56 bytes\n${name}: seq=1 cannot connect: connection refused\n` +
      `${name}: seq=2 cannot connect: connection refused\n` +
      `--- ${name} ---\n2 probes: 0 right, 2 not sent, 100% lost, T s\n`,
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

Deno.test("a name that does not exist ends it at the first probe", async () => {
  // Over .invalid nobody answers (RFC 6761, 6.4).
  for (const scheme of ["tcp", "udp"] as const) {
    const endpoint = { scheme, host: "no-such-host.invalid", port: 2222 };
    const { outcomes, summary } = await results(endpoint, { timeout: PATIENT });
    assertMatch(outcomes.join("\n"), /^1 unsent: unknown host.*$/);
    assertMatch(summaryText(summary), /\n1 probe: 0 right, 1 not sent, 100% lost, .* s$/);
    assertMatch(summary.lastError ?? "", /^unknown host/);
  }
});

Deno.test("a server that cannot be connected to before the deadline is status 2", async () => {
  // It accepts, and says nothing of TLS.
  await using server = startCustom(async (conn) => void await readBytes(conn, 1_000_000));
  const name = formatEndpoint({ host: "127.0.0.1", scheme: "tls", port: portOf(server.endpoint) });
  const { code, stdout, stderr } = await yodel(
    ["ping", name, "--ca", caFile, "-W1m", "-w300ms"],
  );
  assertEquals({ code, lost: /\d+% lost/.exec(stdout)?.[0] }, { code: 2, lost: "100% lost" });
  assertMatch(stderr, /^yodel: cannot connect to tls:.*\n$/);
});

Deno.test("a round trip is no shorter than the server's delay, and ends before the next begins", async () => {
  const delays: number[] = [];
  await using server = startCustom(async (conn) => {
    for (;;) {
      const probe = await readBytes(conn, SIZE);
      if (probe.length < SIZE) return;
      const came = performance.now();
      await pause(5);
      delays.push(performance.now() - came);
      await writeAll(conn, probe);
    }
  });
  let last = performance.now();
  const times: number[] = [];
  const { summary } = await results(server.endpoint, {
    count: 21,
    interval: 0,
    timeout: PATIENT,
    onResult({ time = NaN }) {
      const now = performance.now();
      const [least = NaN, most] = [delays[times.length], now - last];
      assert(time >= least && time <= most, `${time} ms is not within ${least}..${most} ms`);
      last = now;
      times.push(time);
    },
  });
  const [found, expected] = [summary.latencies.percentile(50), median(times)];
  assert(Math.abs(found - expected) <= expected / 1000, `${found} of ${expected} ms`);
});

/** What stands in JSON of a probe. */
type ProbeLine = Readonly<Record<"type" | "seq" | "outcome" | "bytes", unknown>>;

/** The names of all numbers in a value from JSON. */
function numbers(value: unknown): string[] {
  if (typeof value !== "object" || value === null) return [];
  return Object.entries(value).flatMap(([key, part]) =>
    typeof part === "number" ? [key] : numbers(part)
  );
}

Deno.test("--json is a probe a line, further answers, and the summary, with units in the keys", async () => {
  const { found, summary: counted } = await undisturbed(async () => {
    const misdeeds: Answers[] = [lose, corrupt, repeat, shorten].map((answers, i) =>
      but(4 + i, answers)
    );
    const held = holding(2);
    await using server = await startProbed("udp", (probe, number) => {
      const misdeed = misdeeds[number - 4] ?? held;
      return misdeed(probe, number);
    });
    return await results(server.endpoint, { count: 8, interval: 0, timeout: 300 });
  });
  assert(!isAllRight(counted));
  const name = formatEndpoint(counted.endpoint);
  const written = JSON.stringify([...found.map(probeJson), summaryJson(counted, new Date())]);
  const lines = JSON.parse(written);
  const summary = lines.pop();
  assertEquals(
    lines.map(({ type, seq, outcome, bytes }: ProbeLine) => [type, seq, outcome, bytes]),
    [
      ["probe", 1, "right", 56],
      ["probe", 2, "lost", undefined],
      ["answer", 2, "late", 56],
      ["probe", 3, "right", 56],
      ["probe", 4, "lost", undefined],
      ["probe", 5, "corrupted", 56],
      ["probe", 6, "right", 56],
      ["answer", 6, "repeated", 56],
      ["probe", 7, "corrupted", 55],
      ["probe", 8, "right", 56],
    ],
  );
  const { type, endpoint, sent, unsent, received, late, corrupted, lost, repeated } = summary;
  assertEquals(
    { type, endpoint, sent, unsent, received, late, corrupted, lost, repeated },
    {
      type: "summary",
      endpoint: name,
      sent: 8,
      unsent: 0,
      received: 7,
      late: 1,
      corrupted: 2,
      lost: 1,
      repeated: 1,
    },
  );
  assertEquals([summary.lost_percent, summary.latency.count], [12.5, 5]);
  const counts =
    /^(seq|bytes|count|sent|unsent|received|late|corrupted|lost|repeated|unexpected|lost_percent)$/;
  const times = [...lines, summary].flatMap(numbers).filter((key) => !counts.test(key));
  assertEquals(times.filter((key) => !key.endsWith("_ms")), []);
  assert(lines[2].time_ms >= 299, "what is late came after its time");
  assert(["time_ms", "elapsed_ms", "p99_ms"].every((key) => times.includes(key)), `${times}`);
});

Deno.test("--deadline ends it, and where nothing was answered by then that is lost", async () => {
  const deadline = 200;
  const options = { interval: PATIENT, timeout: PATIENT, deadline };
  const [answered, lost] = await undisturbed(async () => {
    await using echo = await startEcho("tcp");
    await using silent = await startProbed("tcp", lose);
    const all = [echo, silent].map(({ endpoint }) => results(endpoint, options));
    return await Promise.all(all);
  });
  assert(answered && lost);
  assertEquals(answered.outcomes, ["1 right"]);
  assertEquals(lost.outcomes, ["1 lost: no answer within the deadline of 0.2s"]);
  assertMatch(summaryText(answered.summary), /\n1 probe: 1 right, 0% lost, /);
  assertMatch(summaryText(lost.summary), /\n1 probe: 0 right, 1 lost, 100% lost/);
  assertEquals([answered, lost].map(({ summary }) => isAllRight(summary)), [true, false]);
  const { elapsed } = lost.summary;
  assert(elapsed >= deadline - 1, `${elapsed} ms`);
});

Deno.test("no probe goes out at the deadline, when it could only be lost", async () => {
  await using server = await startEcho("tcp");
  // The second probe and the deadline are due at the same time: which is first is chance, so often.
  const options = { interval: 200, deadline: 200, timeout: PATIENT };
  const all = await undisturbed(() =>
    Promise.all(Array.from({ length: 20 }, () => results(server.endpoint, options)))
  );
  assertEquals(all.map(({ outcomes }) => outcomes), Array.from({ length: 20 }, () => ["1 right"]));
});

for (
  const [so, status, enough, answers, counts] of [
    ["right", 0, /seq=3/, () => but(0, lose), (n) => `${n} probes: ${n} right, 0% lost`],
    [
      "corrupted",
      1,
      /corrupted/,
      () => but(2, corrupt),
      (n) => `${n} probes: ${n - 1} right, 1 corrupted, 0% lost`,
    ],
    ["not there", 130, /^/, () => lose, () => "0 probes: 0 right, 0% lost"],
  ] as [string, number, RegExp, () => Answers, (probes: number) => string][]
) {
  Deno.test(`Ctrl-C ends it with the summary; where an answer was ${so}, status ${status}`, {
    ignore: !unix,
  }, async () => {
    let asked = 0;
    const answer = answers();
    await using server = await startProbed(
      "udp",
      (probe, number) => answer(probe, asked = number),
    );
    const name = formatEndpoint(server.endpoint);
    const { code, stdout, stderr } = await interrupt(
      ["ping", name, "-i20ms", "-W0"],
      (printed) => asked > 0 && enough.test(printed),
    );
    const probes = stdout.match(/^56 bytes/gm)?.length ?? 0;
    const [last = "", ...before] = plain(stdout).split(`--- ${name} ---\n`).toReversed();
    assertEquals({ code, stderr, before: before.length }, { code: status, stderr: "", before: 1 });
    const times = probes > 0 ? LATENCY_LINES : "";
    assertEquals(last, `${counts(probes)}, T s\n${times}`);
  });
}

Deno.test("ping ends quietly when nobody reads its output", { ignore: !unix }, async () => {
  await using server = await startEcho("tcp");
  const name = formatEndpoint(server.endpoint);
  // It would go on for ever.
  const { code, stdout, stderr } = await shell(
    `yodel ping ${name} -i20ms -W1m | head -2; echo \${PIPESTATUS[0]}`,
  );
  assertEquals({ code, stdout: plain(stdout), stderr }, {
    code: 0,
    stdout: `${startLine(name)}56 bytes from ${name}: seq=1 time=T ms\n0\n`,
    stderr: "",
  });
});

Deno.test("an output that fails is one line and status 2", { ignore: !linux }, async () => {
  await using server = await startEcho("tcp");
  const result = await shell(`yodel ping ${server.words.join(" ")} -i20ms -W1m >/dev/full`);
  assertEquals(result, {
    code: 2,
    stdout: "",
    stderr: "yodel: cannot write the output: No space left on device\n",
  });
});

/** Makes a cache for Deno that has what the program may need, but for some packages from npm. */
async function cacheWithout(...missing: string[]): Promise<string> {
  const info = async (...args: string[]) =>
    JSON.parse((await run([Deno.execPath(), "info", "--json", ...args])).stdout);
  const { modulesCache, npmCache } = await info();
  const { npmPackages } = await info(...packages, `${root}main.ts`);
  const needed = Object.values<{ name: string; localPath: string }>(npmPackages)
    .filter(({ name }) => !missing.includes(name))
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

Deno.test(
  "serve and connect do without the package for percentiles, which is fetched in need",
  {
    ignore: !unix,
  },
  async () => {
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
    await using server = await startServer(["127.0.0.1:0"], [
      ...command,
      ...programOfModules,
      "serve",
    ]);
    const connect = [...command, ...programOfModules, "connect", `${server.port}`, "--verify"];
    assertEquals(await run(connect, "hello\n"), { code: 0, stdout: "hello\n", stderr: "" });
    assertEquals(asked, []);
    const { code, stderr } = await run([
      ...command,
      ...programOfModules,
      "ping",
      `${server.port}`,
      "-c1",
    ]);
    assert(code !== 0 && asked.length > 0, stderr);
  },
);
