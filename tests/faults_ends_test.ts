/** Faults of how connections begin and end; and that limits hold for connections with faults. */
import { connect } from "node:net";
import { assert, assertEquals, assertRejects } from "@std/assert";
import { random, readBytes, writeAll } from "./local.ts";
import { inEach, PATIENT, pause, timed, undisturbed, until } from "./machine.ts";
import { cert, key } from "./servers.ts";
import { EndpointError, serve } from "../server.ts";
import type { Stream } from "../net/stream.ts";
import { open, readOnce, startFaulty, STREAMS } from "./faulty.ts";

Deno.test("close-after: a clean end at that byte, to one that still sends as well", async () => {
  await inEach(STREAMS, async (scheme) => {
    await using server = await startFaulty(scheme, ["close-after=1000"]);
    using stream = await open(server);
    const sent = random(100_000);
    await writeAll(stream, sent.subarray(0, 600));
    assertEquals(await readBytes(stream, 600), sent.subarray(0, 600));
    const writing = writeAll(stream, sent.subarray(600)).catch(() => {});
    assertEquals(await readBytes(stream, sent.length), sent.subarray(600, 1000));
    assertEquals(await stream.read(new Uint8Array(1)), null);
    await writing;
    // The server closes its side a second later where the client does not.
    const { why, sent_bytes, faults } = await server.story();
    assertEquals([why, sent_bytes, faults], ["fault", 1000, "close-after"]);
  });
});

Deno.test("close-after: each connection has its own end from a range", async () => {
  await using server = await startFaulty("tcp", ["close-after=10..20"], { seed: 4 });
  const lengths: number[] = [];
  for (let i = 0; i < 30; i++) {
    using stream = await open(server);
    await writeAll(stream, new Uint8Array(100));
    lengths.push((await readBytes(stream, 100)).length);
  }
  assert(Math.min(...lengths) >= 10 && Math.max(...lengths) <= 20, `${lengths}`);
  assert(new Set(lengths).size >= 6, `${lengths}`);
});

Deno.test("close-after=0 and reset-after=0 end a connection at once", async () => {
  for (const [fault, ending] of [["close-after=0", "end"], ["reset-after=0", "reset"]] as const) {
    await inEach(["tcp", "tls"], async (scheme) => {
      await using server = await startFaulty(scheme, [fault]);
      const ended = await (async () => {
        using stream = await open(server);
        // It has sent nothing.
        return await readOnce(stream) === undefined ? "end" : "answer";
      })().catch(() => "reset"); // A slow client gets it in its handshake.
      assertEquals(ended, ending, scheme);
      assertEquals((await server.story()).faults, fault.replace("=0", ""));
    });
  }
});

Deno.test("reset-after: a client that reads gets all until that byte, then ECONNRESET", async () => {
  const sent = random(400_000);
  await inEach(["tcp", "tls"], async (scheme) => {
    for (const count of [5, 300_000]) {
      await using server = await startFaulty(scheme, [`reset-after=${count}`]);
      // The reset comes 50 ms later, and takes back what a client that is late has not read.
      const { returned, error } = await undisturbed(async () => {
        using stream = await open(server);
        const writing = writeAll(stream, sent).catch(() => {});
        let returned = 0;
        try {
          for (let part; (part = await readOnce(stream)) !== undefined;) {
            assertEquals(part, sent.subarray(returned, returned + part.length));
            returned += part.length;
          }
          return { returned };
        } catch (error) {
          return { returned, error };
        } finally {
          await writing;
        }
      });
      assertEquals(returned, count, scheme);
      assert(
        error instanceof Error && (scheme === "tls" || /reset/.test(error.message)),
        `${error}`,
      );
      const { why, sent_bytes, faults } = await server.story();
      assertEquals([why, sent_bytes, faults], ["fault", count, "reset-after"]);
    }
  });
});

Deno.test("reset-after: a client that has sent its end meanwhile is let go as well", async () => {
  await inEach(["tcp", "tls"], async (scheme) => {
    await using server = await startFaulty(scheme, ["reset-after=10"]);
    using client = await open(server);
    await client.write(random(20));
    await client.closeWrite();
    assertEquals((await server.story()).faults, "reset-after");
  });
});

Deno.test("a server that can reset behaves well until then", async () => {
  await inEach(["tcp", "tls"], async (scheme) => {
    await using server = await startFaulty(scheme, ["reset-after=1000m"]);
    const sent = random(5_000_000);
    for (let i = 0; i < 3; i++) {
      using stream = await open(server);
      const reading = readBytes(stream, sent.length + 1);
      await writeAll(stream, sent);
      await stream.closeWrite();
      const returned = await reading;
      assert(sent.every((byte, i) => returned[i] === byte) && returned.length === sent.length);
    }
    await assertRejects(
      () => serve(server.endpoint, { tls: { cert, key }, faults: ["reset-after=1"] }),
      EndpointError,
      "address in use",
    );
  });
});

Deno.test("linger: the end is answered that much later, bytes are answered at once", async () => {
  await inEach(STREAMS, async (scheme) => {
    await using server = await startFaulty(scheme, ["linger=200ms"]);
    using stream = await open(server);
    await writeAll(stream, Uint8Array.of(1));
    await stream.closeWrite();
    assertEquals(await readOnce(stream), Uint8Array.of(1));
    let end: Uint8Array | undefined = new Uint8Array();
    const milliseconds = await timed(async () => end = await readOnce(stream));
    assertEquals(end, undefined);
    assert(milliseconds > 150, `${scheme}: the end came after ${milliseconds} ms`);
  });
});

Deno.test("refuse: a connection is closed as soon as it is accepted", async () => {
  await inEach(["tcp", "unix"], async (scheme) => {
    await using server = await startFaulty(scheme, ["refuse"]);
    using stream = await open(server);
    assertEquals(await readOnce(stream), undefined);
    assertEquals((await server.story()).why, "fault");
  });
  await using server = await startFaulty("tls", ["refuse"]);
  await assertRejects(() => open(server), Error, "cannot connect to");
});

Deno.test("refuse with @: that share of the connections, and the others are served", async () => {
  await using server = await startFaulty("tcp", ["refuse@50%"], { seed: 9 });
  let refused = 0;
  for (let i = 0; i < 40; i++) {
    using stream = await open(server);
    await writeAll(stream, Uint8Array.of(i)).catch(() => {});
    const answer = await readOnce(stream).catch(() => undefined);
    if (answer === undefined) refused++;
    else assertEquals(answer, Uint8Array.of(i));
  }
  assert(refused >= 10 && refused <= 30, `${refused} of 40`);
});

Deno.test("silent: it accepts and reads, and never answers, until it is idle for too long", async () => {
  await inEach(STREAMS, async (scheme) => {
    await using server = await startFaulty(scheme, ["silent"], { idleTimeout: 300 });
    using stream = await open(server);
    // More than the system would keep for a server that does not read.
    await writeAll(stream, new Uint8Array(20_000_000));
    await stream.closeWrite();
    const milliseconds = await timed(() => readOnce(stream).catch(() => {}));
    assert(milliseconds > 150, `${scheme}: the end came after ${milliseconds} ms`);
    const { why, received_bytes, sent_bytes } = await server.story();
    assertEquals([why, received_bytes, sent_bytes], ["idle", 20_000_000, 0]);
  });
});

Deno.test("a connection drains until all is answered that is to be, or the drain is over", async () => {
  const stopped = ["silent", "stall=1h", "delay=1h", "rate=1"];
  const ways = [...stopped, "lose", "repeat"]
    .flatMap((fault) => STREAMS.map((scheme) => ({ fault, scheme })));
  await inEach(ways, async ({ fault, scheme }) => {
    const drain = stopped.includes(fault) ? 300 : PATIENT;
    await using server = await startFaulty(scheme, [fault], { drain });
    using stream = await open(server);
    await writeAll(stream, random(1000));
    await until(() => server.logged("opened").length > 0, "it is open");
    if (fault === "repeat") await readBytes(stream, 2000);
    const milliseconds = await timed(() => server.stop());
    const what = `${scheme}, ${fault}: ${milliseconds} ms`;
    if (stopped.includes(fault)) assert(milliseconds > 298, what);
    assert(milliseconds < PATIENT / 2, what);
    assertEquals((await server.story()).why, "drain");
  });
});

Deno.test("a drain does not wait for clients of silent that have left", async () => {
  await inEach(STREAMS, async (scheme) => {
    await using server = await startFaulty(scheme, ["silent"], { drain: PATIENT });
    const stream = await open(server);
    await writeAll(stream, random(1000));
    await until(() => server.logged("opened").length > 0, "it is open");
    stream.close();
    const milliseconds = await timed(() => server.stop());
    assert(milliseconds < PATIENT / 2, `${scheme}: ${milliseconds} ms`);
    assertEquals((await server.story()).received_bytes, 1000);
  });
});

Deno.test("a client that resets its connection in the middle of a delay is let go", async () => {
  await using server = await startFaulty("tcp", ["delay=1h"]);
  const client = connect(server.port, "127.0.0.1");
  client.write("hello");
  await until(() => server.logged("opened").length > 0, "it is open");
  client.resetAndDestroy();
  assertEquals((await server.story()).why, "reset");
});

Deno.test("delayed connections: one holds 32 MiB, all together 64 MiB", async () => {
  await using server = await startFaulty("tcp", ["delay=1h"]);
  const received = async () => (await server.counts()).connections.tcp?.received ?? 0;
  const mebibytes = async () => Math.round(await received() / 1024 / 1024);
  const before = Deno.memoryUsage().rss;
  const block = new Uint8Array(65_536);
  const streams: Stream[] = [];
  const writing: Promise<void>[] = [];
  for (const [count, expected] of [[1, [31, 32]], [30, [62, 63, 64]]] as const) {
    while (streams.length < count) {
      const stream = await open(server);
      streams.push(stream);
      const flood = async () => {
        for (;;) await stream.write(block);
      };
      writing.push(flood().catch(() => {}));
    }
    await untilStill(received);
    const held = await mebibytes();
    assert(expected.some((size) => size === held), `${count} connections: ${held} MiB`);
  }
  // As much again for what is not yet collected.
  const grown = Deno.memoryUsage().rss - before;
  assert(grown < 160 * 1024 * 1024, `it grew by ${grown} bytes`);
  for (const stream of streams) stream.close();
  await Promise.all(writing);
});

/** Waits until a number has been the same for a moment. */
async function untilStill(number: () => Promise<number>): Promise<void> {
  for (let last = 0, now = 0; last === 0 || now !== last;) {
    last = now;
    await pause(200);
    now = await number();
  }
}
