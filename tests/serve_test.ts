import { assert, assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { Socket } from "node:net";
import { connect, ping } from "../client.ts";
import { EndpointError, serve } from "../server.ts";
import { inputOf, nowhere } from "./faulty.ts";
import { ca, startEcho } from "./servers.ts";
import {
  dialPort,
  exchange,
  flood,
  portOf,
  random,
  readBytes,
  startLocal,
  writeAll,
} from "./local.ts";
import { PATIENT, pause, until } from "./machine.ts";

Deno.test("a message of any size comes back as it was sent", async () => {
  await using server = await startLocal();
  using conn = await dialPort(server.port);
  for (const size of [1, 4095, 4096, 4097, 65_536, 262_144, 262_145, 3, 2_000_000, 1]) {
    const message = random(size);
    assertEquals(await exchange(conn, message), message, `${size} bytes`);
  }
});

Deno.test("a client that never reads does not block others, and is not read from forever", async () => {
  await using server = await startLocal();
  using greedy = await dialPort(server.port);
  const chunk = random(1_000_000);
  let taken = 0;
  const sending = (async () => {
    for (;;) taken += await greedy.write(chunk);
  })().catch(() => {});
  await until(() => taken > 0, "the server reads from the one that never reads");
  await Promise.all(Array.from({ length: 20 }, async () => {
    using conn = await dialPort(server.port);
    const message = random(1_000_000);
    assertEquals(await exchange(conn, message), message);
  }));
  let before;
  do {
    before = taken;
    using conn = await dialPort(server.port);
    const message = random(4_000_000);
    assertEquals(await exchange(conn, message), message);
  } while (taken > before);
  // What is taken lies in the kernel's buffers, but for one buffer of the server's.
  assert(taken < 64_000_000, `${taken} bytes`);
  greedy.close();
  await sending;
  await server.story();
});

Deno.test("a client that resets in mid-transfer ends its own connection alone", async () => {
  await using server = await startLocal();
  using neighbour = await dialPort(server.port);
  for (let i = 0; i < 20; i++) {
    const socket = new Socket();
    await new Promise<void>((resolve) => {
      socket.connect({ host: "127.0.0.1", port: server.port }, () => socket.write(random(100_000)));
      socket.once("data", () => socket.resetAndDestroy()).once("close", () => resolve());
    });
  }
  const resets = () => server.log.filter(({ fields }) => fields.why === "reset").length;
  await until(() => resets() === 20, "all of them are closed");
  assertEquals(await exchange(neighbour, random(10)).then(({ length }) => length), 10);
});

Deno.test("the server accepts after clients that reset before they were accepted", async () => {
  await using server = await startLocal({ maxConnections: 1 });
  const only = await dialPort(server.port);
  await exchange(only, random(1));
  for (let i = 0; i < 5; i++) await connectAndReset(server.port);
  only.close();
  using next = await dialPort(server.port);
  const message = random(1000);
  assertEquals(await exchange(next, message), message);
});

/** Connects, and resets the connection while it waits to be accepted. */
async function connectAndReset(port: number): Promise<void> {
  const socket = new Socket();
  await new Promise<void>((resolve) => socket.connect({ host: "127.0.0.1", port }, resolve));
  const closed = new Promise((resolve) => socket.once("close", resolve));
  socket.resetAndDestroy();
  await closed;
}

// The busy client sends ten times within the idle timeout, and shares a process with the server:
// when one of them is late, so is the other.
Deno.test("idle clients are closed after --idle-timeout and no sooner, a busy one is not", async () => {
  await using server = await startLocal({ idleTimeout: 500 });
  using busy = await dialPort(server.port);
  const start = performance.now();
  let lives: number[] | undefined;
  const idle = Promise.all(Array.from({ length: 8 }, async (_, i) => {
    await pause(i * 20);
    const opened = performance.now();
    using conn = await dialPort(server.port);
    assertEquals(await conn.read(new Uint8Array(1)), null);
    return performance.now() - opened;
  })).then((all) => lives = all);
  while (lives === undefined || performance.now() - start < 2.5 * Math.max(...lives)) {
    const message = random(10);
    assertEquals(await exchange(busy, message), message);
    await pause(50);
  }
  assert(Math.min(...await idle) >= 500, lives.join());
  const reasons = server.log.flatMap(({ fields }) => fields.why ?? []);
  assertEquals(reasons, Array(8).fill("idle"));
});

Deno.test("a server that is stopped gives back what it has received, then ends", async () => {
  const server = await startLocal({ drain: PATIENT });
  const [conn, idle] = [await dialPort(server.port), await dialPort(server.port)];
  await exchange(idle, random(1));
  // More than the kernel's buffers hold: the server has to go on writing.
  const message = random(40_000_000);
  const sent = writeAll(conn, message);
  await until(() => server.logged("opened").length === 2, "both connections are open");
  server.stop();
  assertEquals(await idle.read(new Uint8Array(1)), null);
  assertEquals(await readBytes(conn, message.length), message);
  await sent;
  assertEquals(await conn.read(new Uint8Array(1)), null);
  await server.finished;
  assertEquals(server.log.filter(({ fields }) => fields.why === "drain").length, 2);
  await assertRejects(() => dialPort(server.port), Deno.errors.ConnectionRefused);
  conn.close();
  idle.close();
});

Deno.test("several endpoints listen, or none does", async () => {
  await using taken = await startLocal();
  const both = ["127.0.0.1:0", taken.endpoint];
  const { message } = await assertRejects(() => serve(both), EndpointError);
  assertEquals(message, `cannot listen on tcp://127.0.0.1:${taken.port}: address in use`);
});

Deno.test("an address of another endpoint of the same call is in use, maybe given twice", async () => {
  const free = await startLocal();
  const { port } = free;
  await free[Symbol.asyncDispose]();
  for (
    const [one, other] of [
      [`tcp://127.0.0.1:${port}`, `tcp://localhost:${port}`],
      [`tcp://0.0.0.0:${port}`, `tcp://*:${port}`],
      [`udp://127.0.0.1:${port}`, `udp://localhost:${port}`],
    ] as const
  ) {
    const { message } = await assertRejects(() => serve([one, other]), EndpointError);
    assertEquals(message, `cannot listen on ${other}: address in use; is it given twice?`);
  }
});

Deno.test("beyond --max-connections clients of all endpoints wait, and are served when others leave", async () => {
  const endpoints = Array<string>(3).fill("tcp://127.0.0.1:0");
  await using server = await startLocal({ maxConnections: 1 }, endpoints);
  const conns = await Promise.all(server.endpoints.map((endpoint) => dialPort(portOf(endpoint))));
  const message = random(10);
  const waiting = new Map(conns.map((conn) => [conn, exchange(conn, message).then(() => conn)]));
  while (waiting.size > 0) {
    const first = await Promise.race(waiting.values());
    waiting.delete(first);
    for (let i = 0; i < 20; i++) assertEquals(await exchange(first, message), message);
    assertEquals(server.logged("opened").length, conns.length - waiting.size);
    first.close();
  }
});

Deno.test("the log has a line for each connection", async () => {
  await using server = await startLocal();
  const conn = await dialPort(server.port);
  const { port } = conn.localAddr;
  await exchange(conn, random(123));
  conn.close();
  const { duration_ms, ...story } = await server.story();
  assert(Number(duration_ms) >= 0);
  assertEquals(story, {
    connection: 1,
    peer: `127.0.0.1:${port}`,
    endpoint: `tcp://127.0.0.1:${server.port}`,
    received_bytes: 123,
    sent_bytes: 123,
    why: "eof",
  });
  assertEquals(server.logged("closed").map(({ level }) => level), ["info"]);
});

Deno.test("a client that never reads cannot delay the end beyond --drain", async () => {
  const server = await startLocal({ drain: 100, idleTimeout: 0 });
  const conn = await dialPort(server.port);
  const { broken } = await flood(conn);
  server.stop();
  await server.finished;
  await broken;
  conn.close();
  const warning = server.log.find(({ level }) => level === "warn");
  assertEquals(warning?.message, "closed before it was finished");
  assert(Number(warning?.fields.sent_bytes) < Number(warning?.fields.received_bytes));
});

Deno.test("--log-data text shows what each read brought, escaped and cut", async () => {
  for (
    const [bytes, data] of [
      [new TextEncoder().encode('hé\n\x1b[31m\\"\u202e'), 'hé\\n\\x1b[31m\\\\"\\u202e'],
      [new Uint8Array(300).fill(97), "a".repeat(256) + "…"],
    ] as const
  ) {
    await using server = await startLocal({ logData: "text" });
    using conn = await dialPort(server.port);
    await exchange(conn, bytes);
    const [read] = server.logged("read");
    assertEquals(read?.fields, { connection: 1, bytes: bytes.length, data });
  }
});

Deno.test("--log-data hex tells connections apart and counts along each, and shows datagrams", async () => {
  const endpoints = ["tcp://127.0.0.1:0", "udp://127.0.0.1:0"];
  await using server = await startLocal({ logData: "hex" }, endpoints);
  const [tcp, udp] = server.endpoints;
  using one = await dialPort(portOf(tcp));
  await exchange(one, Uint8Array.of(0, 10, 255));
  using two = await dialPort(portOf(tcp));
  await exchange(two, new Uint8Array(257));
  await exchange(one, Uint8Array.of(27));
  await connect(udp ?? "", { input: inputOf("\0\xff"), output: nowhere, timeout: PATIENT });
  const shown = [...server.logged("read"), ...server.logged("datagram")];
  const seen = shown.map(({ fields }) => [fields.connection, fields.offset, fields.data]);
  assertEquals(seen, [
    [1, 0, "000aff"],
    [2, 0, "00".repeat(256) + "…"],
    [1, 3, "1b"],
    [undefined, 0, "00c3bf"],
  ]);
});

Deno.test("listening on all addresses logs a warning", async () => {
  for (const host of ["0.0.0.0", "::"]) {
    await using server = await startLocal({}, { scheme: "tcp", host, port: 0 });
    const warnings = server.log.filter(({ level }) => level === "warn");
    assertEquals(warnings.length, 1);
    assertStringIncludes(warnings[0]?.message ?? "", "all addresses");
  }
});

// With Nagle's algorithm the second half of each answer would wait 40 ms for an acknowledgement,
// however fast the machine is.
for (const [scheme, size] of [["tcp", 4096 + 500], ["tls", 40_000]] as const) {
  Deno.test(`an answer longer than a buffer does not wait for acknowledgements, over ${scheme}`, async () => {
    await using server = await startEcho(scheme);
    const options = { count: 50, interval: 0, size, timeout: PATIENT, tls: { ca } };
    const fast = (await ping(server.endpoint, options)).latencies.percentile(20);
    assert(fast < 30, `of the fastest fifth one took ${fast} ms`);
  });
}
