/** The load command: which messages it sends, and when. */
import { assert, assertEquals } from "@std/assert";
import type { LoadOptions } from "../client.ts";
import { finish } from "./loads.ts";
import { inEach, median, onUnix, pause, undisturbed, unix } from "./machine.ts";
import { startServer } from "./program.ts";
import { startAnswering, startEcho, startRelay } from "./servers.ts";

for (const scheme of ["tcp", "tls", "unix", "udp"] as const) {
  Deno.test(`all messages come back right over ${scheme}, however they are sent`, {
    ignore: scheme === "unix" && !unix,
  }, async () => {
    const udp = scheme === "udp";
    const ways: readonly [LoadOptions, number][] = [
      [{}, 4],
      [{ pipeline: 8, size: 2000 }, 4],
      [{ warmUp: 50 }, 4],
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
      assertEquals([result.connections, server.logged("opened").length], [expected, expected], way);
    });
  });
}

Deno.test("messages of the warm-up do not count, even where it is over once they can be sent", async () => {
  await using server = await startEcho("tls");
  // Keeps every handshake waiting, so that all connections are being opened when the warm-up ends.
  await using relay = startRelay(server, () => pause(60).then(() => true));
  const options = { connections: 4, messages: 8, warmUp: 90, reconnect: true };
  const { messages } = await finish(relay.endpoint, options);
  assertEquals([messages.sent, messages.right], [8, 8]);
});

Deno.test("300 connections are all served about equally", onUnix, async () => {
  await using server = await startServer(["127.0.0.1:0", "--log-format", "json"]);
  const endpoint = { scheme: "tcp", host: "127.0.0.1", port: server.port } as const;
  await finish(endpoint, { connections: 300, messages: 30_000 });
  server.process.kill("SIGTERM");
  const received = (await server.log).matchAll(/"received_bytes":(\d+)/g);
  const messages = Array.from(received, ([, bytes]) => Number(bytes) / 64);
  assertEquals(messages.length, 300);
  // Without turns among connections, some get no more than 80 of 100 messages.
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
  await undisturbed(async () => {
    delays.length = 0;
    const { latencies } = await finish(server.endpoint, { connections: 4, messages: 44 });
    const found = latencies.percentile(50);
    // A slow machine shows in the server's delays, too, and a few outliers move no median.
    const delay = median(delays);
    assert(Math.abs(found - delay) <= delay / 10, `${found} ms, and the server took ${delay} ms`);
  });
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
  // One message in two hundred has to wait. The others take less than a millisecond each; a slow
  // machine adds to the latencies of both.
  assert(closed.percentile(99) < open.percentile(75), `p99 is ${closed.percentile(99)} ms`);
  assert(closed.max > 490, `the longest is ${closed.max} ms`);
});

Deno.test("at a rate there are as many messages as the time has room for", async () => {
  await inEach<LoadOptions>(
    [{}, { workers: 2 }, { pipeline: 4, connections: 3 }],
    async (options) => {
      await using server = await startEcho();
      await undisturbed(async () => {
        const all = { rate: 250, duration: 400, ...options };
        const { messages } = await finish(server.endpoint, all);
        const found = JSON.stringify([options, messages]);
        assertEquals(messages.sent + messages.missed, 100, found);
        // A slow machine catches up until the end; only messages due in a pause there are missed.
        assert(messages.right >= 25, found);
      }, 200);
    },
  );
});

Deno.test("messages at a rate are no more a second than were asked for, however few", async () => {
  await inEach<LoadOptions>([{}, { workers: 2 }, { workers: 3, warmUp: 150 }], async (options) => {
    await using server = await startEcho();
    const { elapsed, intervals } = await finish(server.endpoint, {
      messages: 4,
      rate: 10,
      ...options,
    });
    // A sum of times is rounded.
    assert(elapsed > 399.999, `${elapsed} ms`);
    assertEquals(intervals.reduce((sum, { elapsed }) => sum + elapsed, 0), elapsed);
  });
});

Deno.test("at a rate it ends when its time is over", async () => {
  await using server = await startEcho();
  const options = { connections: 1, rate: 50, duration: 100 };
  await undisturbed(async () => {
    const times = await Promise.all(Array.from({ length: 20 }, async (_, i) => {
      await pause(i * 3);
      const start = performance.now();
      await finish(server.endpoint, options);
      return performance.now() - start;
    }));
    // A check once a second would take longer in most cases; a slow machine may do so in some.
    assert(times.filter((time) => time > 990).length <= 5, `${times}`);
  }, 300);
});

Deno.test("messages that a slow server leaves no connection for count as missed", async () => {
  await using server = startAnswering(64, async (message) => {
    await pause(20);
    return [message];
  });
  const { messages } = await finish(server.endpoint, { connections: 2, rate: 500, duration: 400 });
  assertEquals(messages.sent + messages.missed, 200);
  // No more than 40 can be answered. A slow machine answers fewer.
  assert(messages.missed >= 160, JSON.stringify(messages));
});
