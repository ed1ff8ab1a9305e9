/** The ping command: what it measures, and how. */
import { assert, assertEquals } from "@std/assert";
import { probeJson, summaryJson } from "../report/ping_json.ts";
import { formatEndpoint } from "../server.ts";
import { portOf } from "./local.ts";
import { PATIENT, pause, undisturbed, unix } from "./machine.ts";
import { runHere } from "./in_process.ts";
import { ca, startEcho, startRelay } from "./servers.ts";
import { LATENCY_LINES, plain, printed, results, startProbed, threeRight } from "./pings.ts";

for (
  const [scheme, connections, parts = "time=T ms"] of [
    ["tcp", 1],
    ["udp", 0],
    ["tls", 1],
    ["unix", 1],
    ["tcp", 3, "connect=T ms time=T ms"],
    ["tls", 3, "connect=T ms handshake=T ms time=T ms"],
    ["unix", 3, "connect=T ms time=T ms"],
  ] as const
) {
  Deno.test(`ping measures 3 round trips over ${scheme}, on ${connections} connections`, {
    ignore: scheme === "unix" && !unix,
  }, async () => {
    await using server = await startEcho(scheme);
    const before = Date.now();
    const reconnect = connections === 3;
    const options = { count: 3, interval: 20, timeout: PATIENT, reconnect, tls: { ca } };
    const { found, summary } = await results(server.endpoint, options);
    // Datagrams that a slow machine sends at once may overtake each other.
    const sorted = found.toSorted((a, b) => a.seq - b.seq);
    assertEquals(printed(sorted, summary), threeRight(formatEndpoint(server.endpoint), parts));
    const { latencies, elapsed } = summary;
    const times = found.map(({ time = NaN }) => time);
    assertEquals(
      [latencies.count, latencies.min, latencies.max],
      [3, Math.min(...times), Math.max(...times)],
    );
    // Timers may be early by less than a millisecond.
    assert(elapsed >= 39 && latencies.min > 0, `${latencies.min} of ${elapsed} ms`);
    const now = new Date();
    for (const line of [...found.map((one) => probeJson(one, now)), summaryJson(summary, now)]) {
      const at = new Date(String(line.time));
      assertEquals(at.toISOString(), line.time);
      assert(at.getTime() >= before && at.getTime() <= Date.now(), `${line.time}`);
      const expected = scheme === "unix" ? null : `127.0.0.1:${portOf(server.endpoint)}`;
      assertEquals(line.address, expected);
    }
    assertEquals(server.logged("opened").length, connections);
  });
}

Deno.test("the handshake is neither in the time to connect nor in a round trip", async () => {
  await using server = await startEcho("tls");
  // Keeps the handshake waiting.
  await using relay = startRelay(server, () => pause(100).then(() => true));
  const options = { count: 3, interval: 0, timeout: PATIENT, reconnect: true, tls: { ca } };
  const { found } = await undisturbed(() => results(relay.endpoint, options));
  assertEquals(found.length, 3);
  const least = (part: "connect" | "handshake" | "time") =>
    Math.min(...found.map((result) => result[part] ?? NaN));
  // The wait can begin before the client has seen that it is connected.
  assert(least("handshake") >= 50, `${least("handshake")} ms`);
  assert(least("connect") < 50 && least("time") < 50, `${least("connect")}, ${least("time")} ms`);
});

Deno.test("short flags may be one word, with their values, and -q leaves the summary only", async () => {
  const sizes: number[] = [];
  await using server = await startProbed("udp", (probe) => {
    sizes.push(probe.length);
    return [probe];
  });
  const name = formatEndpoint(server.endpoint);
  const words = `ping ${name} -c3 -i20ms -W1m -qs 100`.split(" ");
  const { code, stdout, stderr } = await runHere(words);
  assertEquals({ code, stdout: plain(stdout), stderr }, {
    code: 0,
    stdout: `--- ${name} ---\n3 probes: 3 right, 0% lost, T s\n${LATENCY_LINES}`,
    stderr: "",
  });
  assertEquals(sizes, [100, 100, 100]);
});

Deno.test("the first line has the address", async () => {
  await using server = await startEcho("tcp");
  const name = `localhost:${portOf(server.endpoint)}`;
  const { stdout } = await runHere(["ping", name, "-4", "-c2", "-i0", "-s4k", "-W1m"]);
  assertEquals(plain(stdout).split("\n").slice(0, 3), [
    `PING tcp://${name} (127.0.0.1:${portOf(server.endpoint)}): 4096 bytes`,
    `4096 bytes from tcp://${name}: seq=1 time=T ms`,
    `4096 bytes from tcp://${name}: seq=2 time=T ms`,
  ]);
});
