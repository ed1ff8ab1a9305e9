/** Faults of answers on connections: late, slow, in pieces, corrupted, lost, repeated. */
import { assert, assertEquals } from "@std/assert";
import { exchange, random, readBytes, writeAll } from "./local.ts";
import { inEach, PATIENT, pause, timed, undisturbed, until } from "./machine.ts";
import { open, readOnce, startFaulty, STREAMS } from "./faulty.ts";

Deno.test("delay: each answer comes later by the sum of the delays, also back to back", async () => {
  await inEach(STREAMS, async (scheme) => {
    await using server = await startFaulty(scheme, ["delay=120ms", "delay=80ms"]);
    using stream = await open(server);
    const times: number[] = [];
    const reading = (async () => {
      for (let i = 0; i < 60; i++) {
        assertEquals(await readBytes(stream, 8), new Uint8Array(8).fill(i));
        times[i] = performance.now() - (times[i] ?? NaN);
      }
    })();
    for (let i = 0; i < 60; i++) {
      times[i] = performance.now();
      await writeAll(stream, new Uint8Array(8).fill(i));
      await pause(3);
    }
    await reading;
    assert(Math.min(...times) > 198, `${scheme}: the first came after ${Math.min(...times)} ms`);
    // If they waited for each other, the last would come after 12 s.
    assert(Math.max(...times) < 5000, `${scheme}: the last came after ${Math.max(...times)} ms`);
  });
});

Deno.test("delay: each answer has its own from a range, and with @ only some are late", async () => {
  await using server = await startFaulty("tcp", ["delay=20ms..60ms@0.5"], { seed: 3 });
  using stream = await open(server);
  let delayed = 0;
  const times: number[] = [];
  /** Asks once; the time is no less than what was drawn, but can be more on a busy machine. */
  async function ask(): Promise<void> {
    const time = await timed(() => exchange(stream, Uint8Array.of(1)));
    const { delay = 0 } = (await server.counts()).faults;
    if (delay > delayed) times.push(time);
    delayed = delay;
  }
  for (let i = 0; i < 60; i++) await ask();
  assert(delayed >= 15 && delayed <= 45, `${delayed} of 60 were late`);
  const start = performance.now();
  while (Math.min(...times) > 35 && performance.now() - start < PATIENT) await ask();
  assert(Math.min(...times) > 18, `${times}`);
  assert(Math.min(...times) < 35 && Math.max(...times) > 45, `${times}`);
});

Deno.test("rate: that many bytes a second come back, evenly", async () => {
  await inEach(STREAMS, async (scheme) => {
    await using server = await startFaulty(scheme, ["rate=20k"]);
    // What could not leave for more than 100 ms is not made up for.
    const arrivals = await undisturbed(async () => {
      using stream = await open(server);
      writeAll(stream, random(200_000)).catch(() => {});
      await readOnce(stream);
      const arrivals: [at: number, length: number][] = [];
      for (const start = performance.now(); performance.now() - start < 1500;) {
        const part = await readOnce(stream);
        arrivals.push([performance.now() - start, part?.length ?? 0]);
      }
      return arrivals;
    }, 50);
    const bytes = arrivals.reduce((sum, [, length]) => sum + length, 0);
    const rate = bytes / (arrivals.at(-1)?.[0] ?? NaN) * 1000;
    assert(Math.abs(rate / 20_480 - 1) < 0.05, `${scheme}: ${rate} bytes a second`);
    const gaps = arrivals.map(([at], i) => at - (arrivals[i - 1]?.[0] ?? 0));
    assert(Math.max(...gaps) < 200, `${scheme}: nothing came for ${Math.max(...gaps)} ms`);
    assert(arrivals.length > 30, `${scheme}: ${arrivals.length} pieces`);
  });
});

Deno.test("read-rate: that many bytes a second are read", async () => {
  await inEach(STREAMS, async (scheme) => {
    await using server = await startFaulty(scheme, ["read-rate=20k"]);
    const milliseconds = await undisturbed(async () => {
      using stream = await open(server);
      return await timed(() => exchange(stream, random(10_240)));
    }, 50);
    assert(milliseconds > 450 && milliseconds < 650, `${scheme}: ${milliseconds} ms`);
  });
});

Deno.test("chunk: a client that reads as they come sees the pieces", async () => {
  await inEach(STREAMS, async (scheme) => {
    await using server = await startFaulty(scheme, ["chunk=3"]);
    // One that is held up may read two together.
    let whole = 0;
    for (const start = performance.now(); whole < 6 && performance.now() - start < PATIENT;) {
      using stream = await open(server);
      await writeAll(stream, Uint8Array.from({ length: 31 }, (_, i) => i));
      const parts: Uint8Array[] = [];
      for (let got = 0; got < 31;) {
        const part = await readOnce(stream) ?? new Uint8Array(31);
        parts.push(part);
        got += part.length;
      }
      assertEquals(parts.flatMap((part) => [...part]), Array.from({ length: 31 }, (_, i) => i));
      const lengths = parts.map(({ length }) => length);
      assert(lengths.slice(0, -1).every((length) => length % 3 === 0), `${scheme}: ${lengths}`);
      whole = lengths.filter((length) => length === 3).length;
    }
    assert(whole >= 6, `${scheme}: ${whole} pieces`);
  });
});

Deno.test("stall: answers stop once, or with @ at a share of the reads", async () => {
  await inEach(STREAMS, async (scheme) => {
    await using server = await startFaulty(scheme, ["stall=200ms"]);
    using stream = await open(server);
    const first = await timed(() => exchange(stream, Uint8Array.of(1)));
    assert(first > 198, `${scheme}: the first came after ${first} ms`);
    for (let i = 0; i < 5; i++) await exchange(stream, Uint8Array.of(i));
    assertEquals((await server.counts()).faults, { stall: 1 });
  });
  await using server = await startFaulty("tcp", ["stall=30ms@0.5"], { seed: 1 });
  using stream = await open(server);
  const times: number[] = [];
  for (let i = 0; i < 40; i++) times.push(await timed(() => exchange(stream, Uint8Array.of(i))));
  const { stall = 0 } = (await server.counts()).faults;
  assert(stall >= 10 && stall <= 32, `${stall} of 40`);
  const stalled = times.filter((time) => time > 28).length;
  assert(stalled >= stall, `${stalled} of 40 came late, ${stall} were to`);
});

Deno.test("corrupt: one bit of as many bytes as the probability says", async () => {
  const sent = random(1024 * 1024);
  await inEach(STREAMS, async (scheme) => {
    await using server = await startFaulty(scheme, ["corrupt@1e-3"], { seed: 5 });
    using stream = await open(server);
    const returned = await exchange(stream, sent);
    const changed = [...sent.keys()].filter((i) => returned[i] !== sent[i]);
    // 1,049 are expected; so far off it is once in 10,000 seeds.
    assert(Math.abs(changed.length - 1049) < 130, `${scheme}: ${changed.length} bytes changed`);
    for (const i of changed) {
      const bits = (returned[i] ?? 0) ^ (sent[i] ?? 0);
      assertEquals(bits & (bits - 1), 0, "one bit");
    }
    // They are everywhere: 16 parts of equal size, χ² with 15 degrees of freedom, p = 0.0001.
    const parts = Array.from(
      { length: 16 },
      (_, i) => changed.filter((at) => Math.floor(at * 16 / sent.length) === i).length,
    );
    const expected = changed.length / 16;
    const chi2 = parts.reduce((sum, n) => sum + (n - expected) ** 2 / expected, 0);
    assert(chi2 < 44.3, `${scheme}: ${parts}`);
    stream.close();
    assertEquals((await server.story()).corrupted_bytes, changed.length);
  });
});

Deno.test("lose and repeat: the same blocks of 256 bytes, however the stream is cut", async () => {
  // Each block has its number in all of its bytes.
  const sent = Uint8Array.from({ length: 256 * 256 }, (_, at) => at >> 8);
  for (const [fault, times, counted] of [["lose", 0, "lost"], ["repeat", 2, "repeated"]] as const) {
    const outcomes = new Set<string>();
    await inEach(STREAMS, async (scheme) => {
      for (const size of [sent.length, 1000, 77]) {
        await using server = await startFaulty(scheme, [`${fault}@0.3`], { seed: 2 });
        using stream = await open(server);
        const reading = readBytes(stream, 1_000_000);
        for (let at = 0; at < sent.length; at += size) {
          await writeAll(stream, sent.subarray(at, at + size));
        }
        await stream.closeWrite();
        const came = new Array(256).fill(0);
        for (const byte of await reading) came[byte]++;
        outcomes.add(came.join());
        const injected = came.filter((count) => count !== 256);
        assert(injected.every((count) => count === times * 256), `${fault}: ${came}`);
        assert(Math.abs(injected.length - 77) < 35, `${fault}: ${injected.length} blocks`);
        assertEquals((await server.story())[`${counted}_bytes`], injected.length * 256);
      }
    });
    assertEquals(outcomes.size, 1, fault);
  }
});

Deno.test("several faults at once do each what they say", async () => {
  await inEach(STREAMS, async (scheme) => {
    const faults = ["chunk=1k", "rate=100k", "delay=100ms..150ms", "corrupt@1e-3"];
    await using server = await startFaulty(scheme, faults, { seed: 11 });
    // In the order in which bytes meet them, not in that in which they were given.
    assertEquals(
      server.log[0]?.fields.faults,
      "corrupt@1e-3,delay=100ms..150ms,rate=100k,chunk=1k",
    );
    using stream = await open(server);
    const sent = random(51_200);
    const start = performance.now();
    const writing = writeAll(stream, sent);
    const returned = [...await readOnce(stream) ?? []];
    const first = performance.now() - start;
    const most = 1024 * Math.ceil((first - 98) / 5);
    assert(first > 98 && returned.length <= most, `${scheme}: ${returned.length} in ${first} ms`);
    returned.push(...await readBytes(stream, sent.length - returned.length));
    await writing;
    const milliseconds = performance.now() - start;
    assert(milliseconds > 560, `${scheme}: ${milliseconds} ms`);
    const changed = [...sent.keys()].filter((i) => returned[i] !== sent[i]).length;
    assert(changed > 20 && changed < 95, `${scheme}: ${changed} bytes changed`);
  });
});

Deno.test("the same seed gives the same faults, byte for byte, at any pace", async () => {
  const messages = Array.from({ length: 40 }, () => random(500));
  /** The answers on three connections at once. */
  async function runOnce(seed: number, jitter: boolean): Promise<string[]> {
    const faults = "corrupt@0.01 lose@0.2 repeat@0.2 delay=0..4ms close-after=9k..19k".split(" ");
    await using server = await startFaulty("tcp", faults, { seed, logData: "hex" });
    /** Whether the server has read that many messages of a connection, or has closed it. */
    function isDone(connection: number, messages: number): boolean {
      const lines = server.log.filter(({ fields }) => fields.connection === connection);
      const isClosed = lines.some(({ message }) => message.startsWith("closed"));
      return isClosed || lines.filter(({ message }) => message === "read").length === messages;
    }
    const streams = [await open(server), await open(server), await open(server)];
    const returned = streams.map((stream) => readBytes(stream, 1_000_000));
    for (const [i, message] of messages.entries()) {
      for (const stream of streams) {
        await stream.write(message).catch(() => {});
        if (jitter) await pause(Math.random() * 2);
      }
      await until(() => [1, 2, 3].every((n) => isDone(n, i + 1)), "each message was one read");
    }
    for (const stream of streams) await stream.closeWrite().catch(() => {});
    const all = (await Promise.all(returned)).map((bytes) => bytes.toHex());
    for (const stream of streams) stream.close();
    return all;
  }
  const first = await runOnce(1, false);
  const other = await runOnce(2, false);
  assertEquals(await runOnce(1, true), first);
  for (const [i, returned] of first.entries()) {
    assert(returned.length > 10_000, `${returned.length / 2} bytes`);
    assert(returned !== other[i], "another seed gives others");
    assert(returned !== first[(i + 1) % 3], "each connection has its own");
  }
});
