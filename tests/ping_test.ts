/** The ping command: what it measures, and how. */
import { assert, assertEquals } from "@std/assert";
import { formatEndpoint } from "../server.ts";
import { dialPort, PATIENT, pause, portOf, startCustom, unix, writeAll } from "./local.ts";
import { yodel } from "./program.ts";
import { ca, startEcho } from "./servers.ts";
import { latencyLines, plain, results, startProbed, threeRight } from "./pings.ts";

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
    assertEquals(server.opened.length, scheme === "udp" ? 0 : 2);
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
    assertEquals(server.opened.length, 3);
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
  await using server = await startProbed("udp", (probe) => {
    sizes.push(probe.length);
    return [probe];
  });
  const name = formatEndpoint(server.endpoint);
  const { code, stdout, stderr } = await yodel(["ping", name, "-c3", "-i20ms", "-qs", "100"]);
  assertEquals({ code, stdout: plain(stdout), stderr }, {
    code: 0,
    stdout: `--- ${name} ---\n3 probes: 3 right, 0% lost, T s\n${latencyLines("time")}`,
    stderr: "",
  });
  assertEquals(sizes, [100, 100, 100]);
});

Deno.test("-D has the time of day before each probe, and the first line the address", async () => {
  await using server = await startEcho("tcp");
  const name = `localhost:${portOf(server.endpoint)}`;
  const { code, stdout } = await yodel(["ping", name, "-4", "-c2", "-i0", "-D", "-s4k"]);
  assertEquals(code, 0);
  const lines = plain(stdout.replace(/^\d\d:\d\d:\d\d\.\d{3} /gm, "HH:MM:SS ")).split("\n");
  assertEquals(lines.slice(0, 3), [
    `PING tcp://${name} (127.0.0.1:${portOf(server.endpoint)}): 4096 bytes`,
    `HH:MM:SS 4096 bytes from tcp://${name}: seq=1 time=T ms`,
    `HH:MM:SS 4096 bytes from tcp://${name}: seq=2 time=T ms`,
  ]);
});

for (const scheme of ["tcp", "udp", "tls", "unix"] as const) {
  Deno.test(`--json has the time and the address on every line, over ${scheme}`, {
    ignore: scheme === "unix" && !unix,
  }, async () => {
    await using server = await startEcho(scheme);
    const before = Date.now();
    const { stdout } = await yodel(["ping", ...server.words, "-c2", "-i0", "--json"]);
    const lines = stdout.trimEnd().split("\n").map((line) => JSON.parse(line));
    assertEquals(lines.length, 3);
    for (const { time, address } of lines) {
      const at = new Date(time);
      assertEquals(at.toISOString(), time);
      assert(at.getTime() >= before && at.getTime() <= Date.now(), time);
      const expected = scheme === "unix" ? null : `127.0.0.1:${portOf(server.endpoint)}`;
      assertEquals(address, expected);
    }
  });
}

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
