/** Faults of datagrams. */
import { assert, assertEquals } from "@std/assert";
import { type LocalServer, random } from "./local.ts";
import { pause, timed, undisturbed, until } from "./machine.ts";
import { startFaulty } from "./faulty.ts";

/** A client that collects its answers, with when they came. */
function startClient({ port }: LocalServer) {
  const socket = Deno.listenDatagram({ transport: "udp", hostname: "127.0.0.1", port: 0 });
  const to = { transport: "udp", hostname: "127.0.0.1", port } as const;
  const client = {
    answers: [] as { bytes: Uint8Array; at: number }[],
    send: (bytes: Uint8Array) => socket.send(bytes, to),
    [Symbol.dispose]: () => socket.close(),
  };
  (async () => {
    for await (const [bytes] of socket) client.answers.push({ bytes, at: performance.now() });
  })();
  return client;
}

type Client = ReturnType<typeof startClient>;

/** Sends `count` datagrams of four bytes, numbered, and returns the numbers that come back. */
async function numbered(client: Client, count: number): Promise<number[]> {
  for (let i = 0; i < count; i++) {
    await client.send(Uint8Array.of(i >> 8, i, 1, 2));
    if (i % 10 === 9) await pause(1);
  }
  await untilPassed(client, 0);
  return client.answers.map(({ bytes: [high = 0, low = 0] }) => high * 256 + low);
}

/** Waits until all that was sent before has passed: sends more, of `size` bytes, until one is back. */
async function untilPassed(client: Client, size: number): Promise<void> {
  while (!client.answers.some(({ bytes }) => bytes.length === size)) {
    await client.send(new Uint8Array(size));
    await pause(20);
  }
  client.answers = client.answers.filter(({ bytes }) => bytes.length === 4);
}

Deno.test("udp: each answer comes later by the sum of the delays, also back to back", async () => {
  await using server = await startFaulty("udp", ["delay=120ms", "delay=80ms"]);
  using client = startClient(server);
  const start = performance.now();
  for (let i = 0; i < 60; i++) await client.send(Uint8Array.of(i));
  await until(() => client.answers.length === 60, "all have come back");
  const [first, last] = [client.answers[0]?.at ?? 0, client.answers[59]?.at ?? 0];
  assert(first - start > 198, `the first came after ${first - start} ms`);
  // If they waited for each other, the last would come after 12 s.
  assert(last - start < 5000, `the last came after ${last - start} ms`);
  const order = client.answers.map(({ bytes }) => bytes[0]);
  assertEquals(order, Array.from({ length: 60 }, (_, i) => i));
});

Deno.test("udp: rate is that of the line, and datagrams stay whole", async () => {
  await using server = await startFaulty("udp", ["rate=10k"]);
  // What could not leave for more than 100 ms is not made up for.
  const { answers, milliseconds } = await undisturbed(async () => {
    using client = startClient(server);
    const milliseconds = await timed(async () => {
      for (let i = 0; i < 6; i++) await client.send(random(1024));
      await until(() => client.answers.length === 6, "all have come back");
    });
    return { ...client, milliseconds };
  }, 50);
  assert(milliseconds > 480 && milliseconds < 700, `${milliseconds} ms`);
  assert(answers.every(({ bytes }) => bytes.length === 1024), "they are whole");
});

Deno.test("udp: lose, repeat and corrupt are as frequent as the probability says", async () => {
  const start = (fault: string) => startFaulty("udp", [fault], { seed: 1 });
  {
    await using server = await start("lose@30%");
    using client = startClient(server);
    const back = await numbered(client, 500);
    assert(back.length > 300 && back.length < 400, `${back.length} of 500 came back`);
    assertEquals(back, back.toSorted((a, b) => a - b));
    await server.stop();
    const [stopped] = server.logged("stopped");
    assertEquals(stopped?.fields.lost_bytes, (500 - back.length) * 4);
  }
  {
    await using server = await start("repeat@30%");
    using client = startClient(server);
    const back = await numbered(client, 500);
    assert(back.length > 600 && back.length < 700, `${back.length} came back of 500`);
    assertEquals([...new Set(back)], Array.from({ length: 500 }, (_, i) => i));
  }
  await using server = await start("corrupt@1%");
  using client = startClient(server);
  await numbered(client, 500);
  const changed = client.answers.filter(({ bytes: [high, low, c, d] }, i) =>
    !(high === i >> 8 && low === (i & 255) && c === 1 && d === 2)
  );
  assertEquals(client.answers.length, 500);
  assert(changed.length > 5 && changed.length < 45, `${changed.length} of 500 changed`);
});

Deno.test("udp: reorder lets a datagram leave after the next one", async () => {
  // One whose next is late leaves before it.
  const order = await undisturbed(async () => {
    await using server = await startFaulty("udp", ["reorder"]);
    using client = startClient(server);
    return await numbered(client, 8);
  }, 100);
  assertEquals(order, [1, 0, 3, 2, 5, 4, 7, 6]);
  // One that has no next is not lost.
  await using server = await startFaulty("udp", ["reorder"]);
  using client = startClient(server);
  await client.send(Uint8Array.of(9, 9, 9, 9));
  await until(() => client.answers.length === 1, "the last one has come back");
});

Deno.test("udp: stall delays answers once, silent drops all", async () => {
  {
    await using server = await startFaulty("udp", ["stall=200ms"]);
    using client = startClient(server);
    const start = performance.now();
    await client.send(Uint8Array.of(1));
    await until(() => client.answers.length === 1, "it has come back");
    const first = client.answers[0]?.at ?? 0;
    assert(first - start > 198, `the first came after ${first - start} ms`);
    assertEquals((await server.counts()).faults, { stall: 1 });
  }
  await using server = await startFaulty("udp", ["silent"]);
  using client = startClient(server);
  for (let i = 0; i < 3; i++) await client.send(Uint8Array.of(i));
  let injected: Record<string, number> = {};
  const counting = setInterval(async () => injected = (await server.counts()).faults, 5);
  await until(() => injected.silent === 3, "the server has read all of them");
  clearInterval(counting);
  assertEquals(client.answers, []);
});

Deno.test("udp: the same seed gives the same faults to the same datagrams", async () => {
  const faults = ["lose@20%", "repeat@20%", "corrupt@1%", "delay=0..3ms"];
  async function answersWith(seed: number): Promise<string[]> {
    await using server = await startFaulty("udp", faults, { seed });
    using client = startClient(server);
    await numbered(client, 200);
    // What is sent now is due after all of them.
    await pause(5);
    await untilPassed(client, 1);
    return client.answers.map(({ bytes }) => bytes.toHex()).toSorted();
  }
  const first = await answersWith(1);
  assertEquals(await answersWith(1), first);
  assert((await answersWith(2)).join() !== first.join(), "another seed gives others");
});

Deno.test("udp: each datagram has its own time", async () => {
  {
    await using server = await startFaulty("udp", ["delay=0ms..100ms"], { seed: 1 });
    const answers = await undisturbed(async () => {
      using client = startClient(server);
      const sent: number[] = [];
      for (let i = 0; i < 200; i++) {
        sent.push(performance.now());
        await client.send(Uint8Array.of(i));
        if (i % 10 === 9) await pause(1);
      }
      await until(() => client.answers.length === 200, "all have come back");
      return client.answers.map(({ bytes: [i = 0], at }) => ({ i, time: at - (sent[i] ?? NaN) }));
    });
    const mean = answers.reduce((sum, { time }) => sum + time, 0) / 200;
    // One that was late by no more than 20 ms makes 70 of 50.
    assert(mean > 40 && mean < 75, `they took ${mean} ms in the mean`);
    const overtaken = answers.filter(({ i }, at) => i < (answers[at - 1]?.i ?? 0)).length;
    assert(overtaken > 50, `${overtaken} of 200 were overtaken`);
  }
  for (const fault of ["delay=1h@5%", "stall=1h@5%", "stall=1h"]) {
    await using server = await startFaulty("udp", [fault], { seed: 1 });
    using client = startClient(server);
    const back = await numbered(client, 100);
    const late = 100 - back.length;
    assert(fault === "stall=1h" ? late === 1 : late > 0 && late < 15, `${fault}: ${late} of 100`);
    assertEquals(back, back.toSorted((a, b) => a - b));
  }
});

Deno.test("udp: delayed datagrams take a bounded amount of memory, and others are dropped", async () => {
  await using server = await startFaulty("udp", ["delay=1h"]);
  using client = startClient(server);
  let answered = 0;
  while (answered < 100) {
    await client.send(new Uint8Array(60_000).fill(answered));
    await pause(1);
    ({ answered } = await server.counts());
  }
  await server.stop();
  const { dropped_datagrams } = server.log.at(-1)?.fields ?? {};
  const held = answered - Number(dropped_datagrams);
  assert(held > 60 && held * 60_000 < 4.2e6, `${held} of ${answered} were held`);
});
