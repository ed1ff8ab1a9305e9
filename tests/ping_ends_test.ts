/** The ping command: servers that go away and come back, JSON, and how it ends. */
import { assert, assertEquals, assertMatch } from "@std/assert";
import { isAllRight } from "../client/ping_result.ts";
import { probeJson, summaryJson } from "../report/ping_json.ts";
import { summaryText } from "../report/ping_text.ts";
import { type Endpoint, formatEndpoint } from "../server.ts";
import { freePort, portOf, readBytes, startCustom, writeAll } from "./local.ts";
import { median, onUnix, PATIENT, pause, undisturbed } from "./machine.ts";
import { runHere } from "./in_process.ts";
import { packages, programOfModules, root, run, shell, startServer } from "./program.ts";
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
  const loss = "2 lost: the server ended the connection";
  assertEquals(outcomes, ["1 right", loss, "3 unsent: connection refused", "4 right"]);
  await Promise.all([before.gone, after]);
});

Deno.test("a connection that ends between two probes is replaced, which the next one shows", async () => {
  let isGone = Promise.withResolvers<void>();
  await using server = startCustom(async (conn) => {
    await writeAll(conn, await readBytes(conn, SIZE));
    await conn.closeWrite();
    // The client has seen the end once it has closed the connection as well.
    await readBytes(conn, 1);
    isGone.resolve();
  });
  const { outcomes, found } = await results(server.endpoint, {
    count: 2,
    interval: 0,
    timeout: PATIENT,
    async onResult() {
      await isGone.promise;
      isGone = Promise.withResolvers<void>();
    },
  });
  assertEquals(outcomes, ["1 right", "2 right"]);
  assertEquals(found.map(({ connect }) => connect !== undefined), [false, true]);
});

Deno.test("a server that ends each connection at once is reported at once, and once", async () => {
  // In a process of its own it can be first.
  await using server = await startServer(["127.0.0.1:0", "--fault", "refuse"]);
  const endpoint: Endpoint = { scheme: "tcp", host: "127.0.0.1", port: server.port };
  const options = { count: 2, interval: 0, timeout: PATIENT };
  const all = await Promise.all(Array.from({ length: 100 }, () => results(endpoint, options)));
  const lost = /^(\d lost: (the server ended|connection reset|broken).*(\n|$)){2}$/;
  for (const { outcomes } of all) assertMatch(outcomes.join("\n"), lost);
});

Deno.test("without a server the status is 2, with one line on stderr, and JSON stays JSON", async () => {
  const name = formatEndpoint(deserted());
  const stderr = `yodel: cannot connect to ${name}: connection refused; ` +
    "is the server running? --wait 30s waits for it\n";
  const text = await runHere(["ping", name, "-c2", "-i20ms"]);
  assertEquals({ ...text, stdout: plain(text.stdout) }, {
    code: 2,
    stdout: `PING ${name}: 56 bytes\n${name}: seq=1 cannot connect: connection refused\n` +
      `${name}: seq=2 cannot connect: connection refused\n` +
      `--- ${name} ---\n2 probes: 0 right, 2 not sent, 100% lost, T s\n`,
    stderr,
  });
  const json = await runHere(["ping", name, "-c2", "-i20ms", "--json"]);
  assertEquals([json.code, json.stderr], [2, stderr]);
  const lines = json.stdout.trimEnd().split("\n").map((line) => JSON.parse(line));
  assertEquals(
    lines.map(({ type, seq, outcome, unsent }) => [type, seq ?? unsent, outcome]),
    [["probe", 1, "unsent"], ["probe", 2, "unsent"], ["summary", 2, undefined]],
  );
});

Deno.test("a name that does not exist ends it at the first probe", async () => {
  // Names under .invalid do not exist (RFC 6761, 6.4).
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
  const { code, stdout, stderr } = await runHere(["ping", name, "--ca", caFile, "-W0", "-w300ms"]);
  assertEquals([code, /\d+% lost/.exec(stdout)?.[0]], [2, "100% lost"]);
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

/** The names of all numbers in a value from JSON. */
function numbers(value: unknown): string[] {
  if (typeof value !== "object" || value === null) return [];
  return Object.entries(value).flatMap(([key, part]) =>
    typeof part === "number" ? [key] : numbers(part)
  );
}

Deno.test("--json is a probe a line, further answers, and the summary, with units in the keys", async () => {
  const { found, summary: counted } = await undisturbed(async () => {
    const misdeeds = [lose, corrupt, repeat, shorten].map((answers, i) => but(4 + i, answers));
    const held = holding(2);
    await using server = await startProbed("udp", (probe, number) => {
      return (misdeeds[number - 4] ?? held)(probe, number);
    });
    return await results(server.endpoint, { count: 8, interval: 0, timeout: 300 });
  });
  assert(!isAllRight(counted));
  const written = JSON.stringify([
    ...found.map((result) => probeJson(result, new Date())),
    summaryJson(counted, new Date()),
  ]);
  const lines: Record<string, unknown>[] = JSON.parse(written);
  const { latency, ...summary } = lines.pop() ?? {};
  assertEquals(
    lines.map(({ type, seq, outcome, bytes = 0 }) => `${type} ${seq} ${outcome} ${bytes}`).join(),
    "probe 1 right 56,probe 2 lost 0,answer 2 late 56,probe 3 right 56,probe 4 lost 0," +
      "probe 5 corrupted 56,probe 6 right 56,answer 6 repeated 56,probe 7 corrupted 55," +
      "probe 8 right 56",
  );
  const counts = {
    ...{ right: 4, sent: 8, unsent: 0, received: 7, late: 1, corrupted: 2, lost: 1, repeated: 1 },
    ...{ type: "summary", endpoint: formatEndpoint(counted.endpoint), lost_percent: 12.5 },
  };
  assertEquals({ ...summary, ...counts }, summary);
  assert(typeof latency === "object" && latency && "count" in latency && latency.count === 5);
  const withoutUnit = [...Object.keys(counts), "seq", "bytes", "count", "unexpected"];
  const times = [...lines, summary, latency].flatMap(numbers)
    .filter((key) => !withoutUnit.includes(key));
  assertEquals(times.filter((key) => !key.endsWith("_ms")), []);
  assert(Number(lines[2]?.time_ms) >= 299, "what is late came after its time");
  assert(["time_ms", "elapsed_ms", "p99_ms"].every((key) => times.includes(key)), `${times}`);
});

Deno.test("--deadline ends it, and an unanswered probe is lost then", async () => {
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
  // The second probe and the deadline are due at the same time: their order is random, so often.
  const options = { interval: 200, deadline: 200, timeout: PATIENT };
  const all = await undisturbed(() =>
    Promise.all(Array.from({ length: 20 }, () => results(server.endpoint, options)))
  );
  assertEquals(all.map(({ outcomes }) => outcomes), Array.from({ length: 20 }, () => ["1 right"]));
});

for (
  const [what, status, answers, counts] of [
    ["right", 0, but(0, lose), (n) => `${n} probes: ${n} right, 0% lost`],
    ["corrupted", 1, but(2, corrupt), (n) => {
      return `${n} probes: ${n - 1} right, 1 corrupted, 0% lost`;
    }],
    ["not there", 130, lose, () => "0 probes: 0 right, 0% lost"],
  ] as [string, number, Answers, (probes: number) => string][]
) {
  Deno.test(`Ctrl-C ends it with the summary; with an answer ${what}, status ${status}`, async () => {
    let interrupt = () => {};
    // With -i0 each is sent once the one before has come back.
    await using server = await startProbed("udp", (probe, number) => {
      if (number === 6 || status === 130) interrupt();
      return answers(probe, number);
    });
    const name = formatEndpoint(server.endpoint);
    const { code, stdout, stderr } = await runHere(
      ["ping", name, "-i0", "-W0"],
      (signal, handler) => interrupt = signal === "SIGINT" ? handler : interrupt,
    );
    const probes = stdout.match(/^56 bytes/gm)?.length ?? 0;
    const [last = "", ...before] = plain(stdout).split(`--- ${name} ---\n`).toReversed();
    assertEquals([code, stderr, before.length], [status, "", 1]);
    assertEquals(last, `${counts(probes)}, T s\n${probes > 0 ? LATENCY_LINES : ""}`);
  });
}

/** Makes a cache for Deno that has what the program may need, but for one package from npm. */
async function cacheWithout(missing: string): Promise<string> {
  const info = async (...args: readonly string[]) =>
    JSON.parse((await run([Deno.execPath(), "info", "--json", ...args])).stdout);
  const { modulesCache, npmCache } = await info();
  const { npmPackages } = await info(...packages, `${root}main.ts`);
  const needed = Object.values<{ name: string; localPath: string }>(npmPackages)
    .filter(({ name }) => name !== missing)
    .map(({ localPath }) => localPath.slice(npmCache.length + 1).replace(/\/[^/]*$/, ""));
  const cache = await Deno.makeTempDir({ dir: folder });
  await Deno.symlink(modulesCache, `${cache}/remote`);
  const copied = await shell(`mkdir ${cache}/npm && cd ${npmCache} &&
    tar -cf - ${needed.join(" ")} | tar -C ${cache}/npm -xf -`);
  assertEquals(copied, { code: 0, stdout: "", stderr: "" });
  return cache;
}

Deno.test("serve and connect do without the package for percentiles", onUnix, async () => {
  const cache = await cacheWithout("hdr-histogram-js");
  // What Deno lacks it asks for here.
  const asked: string[] = [];
  await using proxy = startCustom(async (conn) => {
    asked.push(new TextDecoder().decode(await readBytes(conn, 30)));
    await writeAll(conn, new TextEncoder().encode("HTTP/1.1 403 Forbidden\r\n\r\n"));
  });
  const address = `http://127.0.0.1:${portOf(proxy.endpoint)}`;
  const proxies = [`HTTPS_PROXY=${address}`, `HTTP_PROXY=${address}`];
  const environment = ["env", `DENO_DIR=${cache}`, "DENO_NO_UPDATE_CHECK=1", ...proxies];
  const program = [...environment, ...programOfModules];
  await using server = await startServer(["127.0.0.1:0"], [...program, "serve"]);
  const connected = await run([...program, "connect", `${server.port}`, "--verify"], "hello\n");
  assertEquals(connected, { code: 0, stdout: "hello\n", stderr: "" });
  assertEquals(asked, []);
  const { code, stderr } = await run([...program, "ping", `${server.port}`, "-c1"]);
  assert(code !== 0 && asked.length > 0, stderr);
});
