import { assert, assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { Socket } from "node:net";
import { EndpointError, serve } from "../server.ts";
import {
  dialPort,
  exchange,
  flood,
  PATIENT,
  pause,
  portOf,
  random,
  readBytes,
  startLocal,
  until,
  writeAll,
} from "./local.ts";

Deno.test("what comes back is what was sent, whatever the size of the message", async () => {
  await using server = await startLocal();
  using conn = await dialPort(server.port);
  for (const size of [1, 4095, 4096, 4097, 65_536, 262_144, 262_145, 3, 2_000_000, 1]) {
    const message = random(size);
    assertEquals(await exchange(conn, message), message, `${size} bytes`);
  }
});

Deno.test("nothing is sent that the client did not send", async () => {
  await using server = await startLocal();
  using conn = await dialPort(server.port);
  await conn.closeWrite();
  assertEquals(await conn.read(new Uint8Array(1)), null);
});

Deno.test("after a half-close everything comes back, then the end", async () => {
  await using server = await startLocal();
  using conn = await dialPort(server.port);
  const message = random(1_000_000);
  const sent = writeAll(conn, message).then(() => conn.closeWrite());
  assertEquals(await readBytes(conn, message.length + 1), message);
  await sent;
});

Deno.test("500 clients at once each get their own bytes back", async () => {
  await using server = await startLocal();
  const conns = await Promise.all(Array.from({ length: 500 }, () => dialPort(server.port)));
  await Promise.all(conns.map(async (conn) => {
    const message = random(20_000);
    assertEquals(await exchange(conn, message), message);
  }));
  for (const conn of conns) conn.close();
});

Deno.test("a client that never reads holds up nobody, and is not read from for ever", async () => {
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
  await until(() => server.log.some(({ message }) => message === "closed"), "it is closed");
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
  await until(() => resets() >= 20, "all of them are closed");
  assertEquals(await exchange(neighbour, random(10)).then(({ length }) => length), 10);
});

Deno.test("clients that reset before they are accepted do not deafen the server", async () => {
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

Deno.test("beyond --max-connections clients wait, and are served when others leave", async () => {
  await using server = await startLocal({ maxConnections: 2 });
  const [first, second, third] = [
    await dialPort(server.port),
    await dialPort(server.port),
    await dialPort(server.port),
  ];
  await exchange(first, random(10));
  await exchange(second, random(10));
  const message = random(10);
  let served = false;
  const waiting = exchange(third, message).then((returned) => {
    served = true;
    return returned;
  });
  for (let i = 0; i < 20; i++) await exchange(first, random(10));
  assertEquals(served, false);
  second.close();
  assertEquals(await waiting, message);
  first.close();
  third.close();
});

// The busy client sends ten times within the idle timeout, and shares a process with the server:
// when one of them is late, so is the other.
Deno.test("an idle client is closed after --idle-timeout, a busy one is not", async () => {
  await using server = await startLocal({ idleTimeout: 500 });
  using busy = await dialPort(server.port);
  const start = performance.now();
  using idle = await dialPort(server.port);
  let lasted: number | undefined;
  const idleEnds = idle.read(new Uint8Array(1)).then((end) => {
    lasted = performance.now() - start;
    return end;
  });
  while (lasted === undefined || performance.now() - start < 2.5 * lasted) {
    const message = random(10);
    assertEquals(await exchange(busy, message), message);
    await pause(50);
  }
  assertEquals(await idleEnds, null);
  assert(lasted >= 500, `closed after ${lasted} ms`);
  assertEquals(server.log.filter(({ fields }) => fields.why).map(({ fields }) => fields.why), [
    "idle",
  ]);
});

Deno.test("no connection is closed before --idle-timeout is over, whenever it was opened", async () => {
  await using server = await startLocal({ idleTimeout: 300 });
  const lives = await Promise.all(Array.from({ length: 8 }, async (_, i) => {
    await pause(i * 20);
    const start = performance.now();
    using conn = await dialPort(server.port);
    await conn.read(new Uint8Array(1));
    return performance.now() - start;
  }));
  assert(Math.min(...lives) >= 300, lives.join());
});

Deno.test("a server that is stopped gives back what it has received, then ends", async () => {
  const server = await startLocal({ drain: PATIENT });
  const [conn, idle] = [await dialPort(server.port), await dialPort(server.port)];
  await exchange(idle, random(1));
  // More than the kernel's buffers hold: the server has to go on writing.
  const message = random(40_000_000);
  const sent = writeAll(conn, message);
  await exchangeStarted(server);
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

async function exchangeStarted(server: { log: { message: string }[] }): Promise<void> {
  const opened = () => server.log.filter(({ message }) => message === "opened").length;
  await until(() => opened() === 2, "both connections are open");
}

Deno.test("several endpoints listen, or none does", async () => {
  await using taken = await startLocal();
  const free = { scheme: "tcp", host: "127.0.0.1", port: 0 } as const;
  const error = await assertRejects(() => serve([free, taken.endpoint]), EndpointError);
  assertEquals(
    error.message,
    `cannot listen on tcp://127.0.0.1:${taken.port}: address in use`,
  );
});

Deno.test("an address that another endpoint of the same call has is asked about as its own", async () => {
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

Deno.test("localhost is 127.0.0.1 and ::1, with the same port", async () => {
  const stop = new AbortController();
  const endpoints = [{ scheme: "tcp", host: "localhost", port: 0 }] as const;
  const server = await serve(endpoints, { signal: stop.signal });
  const [v4, v6] = server.endpoints;
  const port = portOf(v4);
  assertEquals(v4, { scheme: "tcp", host: "127.0.0.1", port });
  if (hasIPv6()) assertEquals(v6, { scheme: "tcp", host: "::1", port });
  for (const hostname of ["127.0.0.1", "::1"].slice(0, server.endpoints.length)) {
    using conn = await Deno.connect({ hostname, port });
    const message = random(10);
    assertEquals(await exchange(conn, message), message);
  }
  stop.abort();
  await server.finished;
});

function hasIPv6(): boolean {
  try {
    Deno.listen({ hostname: "::1", port: 0 }).close();
    return true;
  } catch {
    return false;
  }
}

Deno.test("--max-connections holds for all endpoints together", async () => {
  const stop = new AbortController();
  const here = { scheme: "tcp", host: "127.0.0.1", port: 0 } as const;
  let opened = 0;
  const server = await serve([here, here, here], {
    signal: stop.signal,
    drain: 1,
    maxConnections: 1,
    log: { debug: (message) => void (opened += message === "opened" ? 1 : 0) },
  });
  const conns = await Promise.all(server.endpoints.map((endpoint) => dialPort(portOf(endpoint))));
  const message = random(10);
  const waiting = new Map(
    conns.map((conn) => [conn, exchange(conn, message).then(() => conn)]),
  );
  while (waiting.size > 0) {
    const first = await Promise.race(waiting.values());
    waiting.delete(first);
    assertEquals(opened, conns.length - waiting.size);
    first.close();
  }
  stop.abort();
  await server.finished;
});

Deno.test("the log tells a connection's story in one line, and leaves out probes", async () => {
  await using server = await startLocal();
  const conn = await dialPort(server.port);
  const { port } = conn.localAddr;
  await exchange(conn, random(123));
  conn.close();
  const closed = () => server.log.filter(({ message }) => message === "closed");
  await until(() => closed().length === 1, "the connection is closed");
  (await dialPort(server.port)).close();
  await until(() => closed().length === 2, "the probe is closed");
  const [story, probe] = closed();
  assertEquals(story?.level, "info");
  assert(Number(story?.fields.duration_ms) >= 0);
  assertEquals({ ...story?.fields, duration_ms: 0 }, {
    connection: 1,
    peer: `127.0.0.1:${port}`,
    endpoint: `tcp://127.0.0.1:${server.port}`,
    received_bytes: 123,
    sent_bytes: 123,
    duration_ms: 0,
    why: "eof",
  });
  assertEquals(probe?.level, "debug");
});

Deno.test("a client that takes nothing cannot put off the end beyond --drain", async () => {
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

Deno.test("--log-data shows what each read brought, escaped and cut", async () => {
  for (
    const [form, bytes, data, more] of [
      ["text", new TextEncoder().encode('hé\n\x1b[31m\\"\u202e'), 'hé\\n\\x1b[31m\\\\"\\u202e'],
      ["text", new Uint8Array(300).fill(97), "a".repeat(256) + "…"],
      ["hex", new Uint8Array([0, 10, 255]), "000aff", { offset: 0 }],
      ["hex", new Uint8Array(257), "00".repeat(256) + "…", { offset: 0 }],
    ] as const
  ) {
    await using server = await startLocal({ logData: form });
    using conn = await dialPort(server.port);
    await exchange(conn, bytes);
    const read = server.log.find(({ message }) => message === "read");
    assertEquals(read?.fields, { connection: 1, bytes: bytes.length, data, ...more });
  }
});

Deno.test("to listen on all addresses is worth a warning", async () => {
  for (const host of ["0.0.0.0", "::"]) {
    const stop = new AbortController();
    const warnings: string[] = [];
    const server = await serve([{ scheme: "tcp", host, port: 0 }], {
      signal: stop.signal,
      log: { warn: (message) => void warnings.push(message) },
    });
    stop.abort();
    await server.finished;
    assertEquals(warnings.length, 1);
    assertStringIncludes(warnings[0] ?? "", "all addresses");
  }
});

// With Nagle's algorithm the second half of each answer would wait 40 ms for
// an acknowledgement, however fast the machine is.
Deno.test("an answer longer than a buffer does not wait for acknowledgements", async () => {
  await using server = await startLocal();
  using conn = await dialPort(server.port);
  conn.setNoDelay(true);
  const message = random(4096 + 500);
  const times = [];
  for (let i = 0; i < 50; i++) {
    const start = performance.now();
    await exchange(conn, message);
    times.push(performance.now() - start);
  }
  const fast = times.toSorted((a, b) => a - b)[10] ?? NaN;
  assert(fast < 30, `of the fastest fifth one took ${fast} ms`);
});
