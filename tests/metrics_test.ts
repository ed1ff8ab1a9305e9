/** What `--metrics` shows to Prometheus, and the health of a server. */
import { assert, assertEquals, assertMatch } from "@std/assert";
import { pause } from "../async/pause.ts";
import { ping } from "../client.ts";
import { type Metrics, serveMetrics } from "../metrics/metrics.ts";
import { watchPing, watchServer } from "../metrics/watch.ts";
import { formatEndpoint, serve } from "../server.ts";
import { assertAddsUp, finish } from "./loads.ts";
import { dialPort, exchange, flood, freePort, portOf, random } from "./local.ts";
import { onUnix, PATIENT, undisturbed, unix } from "./machine.ts";
import { but, corrupt, lose, SIZE, startProbed } from "./pings.ts";
import { folder, startAnswering } from "./servers.ts";
import { runHere } from "./in_process.ts";
import { available, root, run, startServer, yodel } from "./program.ts";

const LOCAL = { scheme: "tcp", host: "127.0.0.1", port: 0 } as const;

/** Serves metrics in this process. */
async function start(): Promise<Metrics> {
  return await serveMetrics(LOCAL, "1.2.3", () => true, {});
}

async function textOf({ urls: [url = ""] }: Pick<Metrics, "urls">): Promise<string> {
  return await (await fetch(url)).text();
}

/** The samples of a text, by their names with labels. */
function samplesOf(text: string): Map<string, number> {
  const lines = text.split("\n").filter((line) => line !== "" && !line.startsWith("#"));
  return new Map(lines.map((line) => {
    const [, name = "", value] = /^(.*) (\S+)$/.exec(line) ?? [];
    return [name, Number(value)];
  }));
}

/** The sum of the samples that begin so. */
function sum(text: string, beginning: string): number {
  return [...samplesOf(text)].filter(([name]) => name.startsWith(beginning))
    .reduce((sum, [, value]) => sum + value, 0);
}

/** Waits for a condition that is asked for over HTTP. */
async function eventually(condition: () => Promise<boolean>): Promise<void> {
  const end = performance.now() + PATIENT;
  while (!await condition()) {
    assert(performance.now() < end, "it does not come");
    await pause(10);
  }
}

/** All that a server on every transport and a ping show. */
async function everything(): Promise<string> {
  const others = unix ? [`unix:${folder}/metrics.sock`] : [];
  const hosts = ["tcp", "tls", "udp"].map((scheme) => `${scheme}://127.0.0.1:0`);
  await using server = await serve([...hosts, ...others], { maxPerClient: 9 });
  await using metrics = await start();
  watchServer(metrics, server);
  watchPing(metrics)({ seq: 1, outcome: "right", time: 1 });
  return await textOf(metrics);
}

const all = await everything();
const types = new Map(
  [...all.matchAll(/^# TYPE (\S+) (\S+)$/gm)].map(([, name = "", type = ""]) => [name, type]),
);

Deno.test("names, units, types and labels follow the conventions of Prometheus", () => {
  assert(types.size >= 13, `${types.size} metrics`);
  for (const [name, type] of types) {
    assertMatch(name, /^(yodel|process)_[a-z]+(_[a-z]+)*$/);
    assertMatch(all, new RegExp(`^# HELP ${name} [A-Z1]`, "m"));
    assertEquals(name.endsWith("_total"), type === "counter", `${name} is a ${type}`);
    if (type === "histogram") assertMatch(name, /_seconds$/);
    assert(!/_(ms|millis|kb|percent|count|sum|bucket)(_|$)/.test(name), name);
    if (name.includes("bytes")) assertMatch(name, /_bytes_total$|^process_\w+_bytes$/);
  }
  for (const [name, value] of samplesOf(all)) {
    assertMatch(name, /^(?:yodel|process)_\w+(\{(\w+="[^"\\]+"(,(?=\w))?)+\})?$/);
    assert(Number.isFinite(value), `${name} ${value}`);
    assert(!name.includes("127.0.0.1"), `${name} has an address, of which there is no end`);
  }
});

Deno.test("docs/measuring.md has every metric with its labels, and no other", async () => {
  const text = await Deno.readTextFile(`${root}docs/measuring.md`);
  const documented = [...text.matchAll(/^\| `((?:yodel|process)_\w+)(?:\{([\w,]+)\})?`/gm)]
    .map(([, name = "", labels = ""]) => `${name} ${labels}`);
  const shown = [...types.keys()].map((name) => {
    const line = all.split("\n").find((line) => new RegExp(`^${name}[{ ]`).test(line)) ?? "";
    const labels = [...line.matchAll(/(\w+)="/g)].map(([, label]) => label).join();
    return `${name} ${name === "yodel_faults_injected_total" ? "fault" : labels}`;
  });
  assertEquals(documented.toSorted(), shown.toSorted());
});

const recipes = await Deno.readTextFile(`${root}docs/recipes.md`);
const [, alerts = ""] = /^```yaml\n(groups:.*?)^```/ms.exec(recipes) ?? [];

Deno.test("the alerts of the recipes ask for metrics and labels that there are", () => {
  const asked = alerts.match(/yodel_\w+/g) ?? [];
  const samples = [...samplesOf(all).keys()];
  assert(asked.length > 3, alerts);
  assertEquals(asked.filter((name) => !samples.some((sample) => sample.startsWith(name))), []);
  const outcomes = [...alerts.matchAll(/outcome=~"([\w|]+)"/g)].flatMap(([, all = ""]) =>
    all.split("|")
  );
  const counted = outcomes.map((outcome) => `yodel_probe_results_total{outcome="${outcome}"}`);
  assertEquals(counted.filter((sample) => !samples.includes(sample)), []);
});

Deno.test("promtool accepts the metrics and the alerts", {
  ignore: !available("promtool"),
}, async () => {
  const none = { code: 0, stdout: "", stderr: "" };
  assertEquals(await run(["promtool", "check", "metrics"], all), none);
  const file = await Deno.makeTempFile();
  await Deno.writeTextFile(file, alerts);
  const { code, stdout } = await run(["promtool", "check", "rules", file]);
  assertMatch(stdout, /SUCCESS: 4 rules found/);
  assertEquals(code, 0);
  await Deno.remove(file);
});

Deno.test("/metrics shows what a load counts, during the load and after it", async () => {
  await using server = await serve("tcp://127.0.0.1:0");
  await using metrics = await start();
  watchServer(metrics, server);
  const [endpoint] = server.endpoints;
  assert(endpoint !== undefined);
  const loading = finish(endpoint, { connections: 8, messages: 4000, size: 100, rate: 4000 });
  let during = "";
  await eventually(async () => {
    during = await textOf(metrics);
    return sum(during, "yodel_connections_open{") === 8 &&
      sum(during, "yodel_sent_bytes_total") > 0;
  });
  const result = await loading;
  assertAddsUp(result);
  await eventually(async () => sum(await textOf(metrics), "yodel_connections_open{") === 0);
  const after = samplesOf(await textOf(metrics));
  assertEquals({
    closed: after.get('yodel_connections_closed_total{transport="tcp",ending="eof"}'),
    received: after.get('yodel_received_bytes_total{transport="tcp"}'),
    sent: after.get('yodel_sent_bytes_total{transport="tcp"}'),
  }, { closed: result.connections, received: result.bytes.sent, sent: result.bytes.received });
  assertEquals(result.bytes.sent, 400_000);
  for (const [name, before] of samplesOf(during)) {
    const isGauge = /_open|_memory_/.test(name);
    if (!isGauge) assert((after.get(name) ?? 0) >= before, `${name} has sunk`);
  }
});

Deno.test("refusals, datagrams and faults are counted", async () => {
  await using server = await serve(["tcp://127.0.0.1:0", "udp://127.0.0.1:0"], {
    maxConnections: 2,
    maxPerClient: 1,
    udpRate: 2,
    faults: ["delay=1ms"],
  });
  await using metrics = await start();
  watchServer(metrics, server);
  const [tcp, udp] = server.endpoints;
  assert(tcp !== undefined && udp !== undefined);
  {
    using conn = await dialPort(portOf(tcp));
    await exchange(conn, random(10));
    using refused = await dialPort(portOf(tcp));
    assertEquals(await refused.read(new Uint8Array(1)).catch(() => null), null);
  }
  const socket = Deno.listenDatagram({ transport: "udp", hostname: "127.0.0.1", port: 0 });
  const to = { transport: "udp", hostname: "127.0.0.1", port: portOf(udp) } as const;
  for (let i = 0; i < 20; i++) await socket.send(new Uint8Array([i]), to);
  socket.close();
  let counts = new Map<string, number>();
  const seen = (name: string) => counts.get(`yodel_${name}`) ?? NaN;
  await eventually(async () => {
    counts = samplesOf(await textOf(metrics));
    const answered = seen("datagrams_answered_total");
    return answered + seen('datagrams_unanswered_total{reason="over_limit"}') === 20;
  });
  assertEquals(seen('connections_refused_total{reason="over_limit"}'), 1);
  assertEquals(seen('connections_refused_total{reason="denied"}'), 0);
  // Two in each second: all came within a few.
  const answered = seen("datagrams_answered_total");
  assert(answered >= 2 && answered < 20, `${answered} answers`);
  assertEquals(seen('faults_injected_total{fault="delay"}'), answered + 1);
});

Deno.test("outcomes of probes are counted, round trips are a histogram", async () => {
  const { summary, counts } = await undisturbed(async () => {
    await using metrics = await start();
    await using server = await startProbed("udp", (probe, number) => {
      const answers = { 2: lose, 3: corrupt }[number];
      return answers === undefined ? [probe] : but(number, answers)(probe, number);
    });
    const options = { count: 5, interval: 10, timeout: 200, onResult: watchPing(metrics) };
    const summary = await ping(server.endpoint, options);
    return { summary, counts: samplesOf(await textOf(metrics)) };
  });
  for (const outcome of ["right", "late", "corrupted", "lost", "repeated", "unsent"] as const) {
    const name = `yodel_probe_results_total{outcome="${outcome}"}`;
    assertEquals(counts.get(name), summary[outcome], outcome);
  }
  assertEquals([summary.lost, summary.corrupted], [1, 1]);
  assertEquals(counts.get("yodel_probe_round_trip_seconds_count"), 3);
  const seconds = counts.get("yodel_probe_round_trip_seconds_sum") ?? 0;
  assert(Math.abs(seconds * 1000 - summary.latencies.mean * 3) < 1, `${seconds} s`);
});

Deno.test("ping shows what it has found while it runs", async () => {
  const shown = Promise.withResolvers<void>();
  await using server = startAnswering(SIZE, async (probe, number) => {
    if (number === 3) await shown.promise;
    return [probe];
  });
  const port = freePort();
  const name = formatEndpoint(server.endpoint);
  const args = ["-q", "-i0", "-c3", "-W1m", "--metrics", `${port}`];
  const running = yodel(["ping", name, ...args]);
  await eventually(async () => {
    const text = await textOf({ urls: [`http://localhost:${port}/metrics`] }).catch(() => "");
    return samplesOf(text).get('yodel_probe_results_total{outcome="right"}') === 2;
  }).finally(shown.resolve);
  const { code, stderr } = await running;
  assertEquals(code, 0);
  assertMatch(stderr, new RegExp(`^yodel: metrics at http://127.0.0.1:${port}/metrics `));
});

Deno.test("/healthz is 200 while a server accepts and 503 while it drains", onUnix, async () => {
  const port = freePort();
  await using server = await startServer(["0", "--metrics", `${port}`, "--drain", "60s"]);
  const status = async (path: string) => {
    const answer = await fetch(`http://127.0.0.1:${port}${path}`);
    await answer.body?.cancel();
    return answer.status;
  };
  assertEquals(await Promise.all(["/healthz", "/metrics", "/"].map(status)), [200, 200, 404]);
  {
    const conn = await dialPort(server.port);
    const { broken } = await flood(conn);
    server.process.kill("SIGTERM");
    await eventually(async () => await status("/healthz") === 503);
    assertEquals(await status("/metrics"), 200);
    conn.close();
    await broken;
  }
  assertEquals((await server.process.status).code, 0);
});

Deno.test("a server whose metrics cannot listen does not start, and leaves nothing behind", async () => {
  using taken = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const { port } = taken.addr;
  const empty = await Deno.makeTempDir({ dir: folder });
  const endpoint = unix ? `unix:${empty}/socket` : "127.0.0.1:0";
  assertEquals(await runHere(["serve", endpoint, "--metrics", `127.0.0.1:${port}`]), {
    code: 2,
    stdout: "",
    stderr: `yodel: --metrics: cannot listen on tcp://127.0.0.1:${port}: address in use; ` +
      "use another port, or 0 for any free port\n",
  });
  assertEquals([...Deno.readDirSync(empty)], []);
});
