/** Time limits for silence, where it is the own process that does not listen. */
import { type AddressInfo, createServer, type Socket } from "node:net";
import { assertEquals } from "@std/assert";
import { connect } from "../client.ts";
import { errorsOf, finish } from "./loads.ts";
import {
  type CustomServer,
  dialPort,
  exchange,
  linux,
  pause,
  random,
  readBytes,
  startCustom,
  startLocal,
  writeAll,
} from "./local.ts";

/** The time limit, in milliseconds; it is looked at four times as often. */
const LIMIT = 2000;

/** In the middle between the last look that finds it is not over yet, and the next. */
const JUST_BEFORE = 2250;

/** Does nothing but compute, past the next look. */
function beBusy(): void {
  for (const end = performance.now() + LIMIT / 2; performance.now() < end;);
}

/** A server whose answer comes just before this process is busy. */
function startBusy(): CustomServer {
  const start = performance.now();
  return startCustom(async (conn) => {
    const message = await readBytes(conn, 64);
    await pause(start + JUST_BEFORE - performance.now());
    await writeAll(conn, message);
    beBusy();
  });
}

Deno.test("what comes while load is busy is not lost", async () => {
  await using server = startBusy();
  const options = { connections: 1, messages: 1, timeout: LIMIT };
  const result = await finish(server.endpoint, options);
  assertEquals([result.messages.right, errorsOf(result)], [1, {}]);
});

Deno.test("what comes while connect is busy ends its idle time", async () => {
  await using server = startBusy();
  const unread = [random(64)];
  const input = {
    read(into: Uint8Array) {
      const [bytes] = unread.splice(0);
      if (bytes !== undefined) into.set(bytes);
      return Promise.resolve(bytes === undefined ? null : bytes.length);
    },
  };
  const output = { write: (bytes: Uint8Array) => Promise.resolve(bytes.length) };
  const { received } = await connect(server.endpoint, { input, output, idleTimeout: LIMIT });
  assertEquals(received, 64);
});

Deno.test("what comes while a server is busy ends the idle time of its client", async () => {
  const start = performance.now();
  await using server = await startLocal({ idleTimeout: LIMIT });
  using conn = await dialPort(server.port);
  await exchange(conn, random(64));
  await pause(start + JUST_BEFORE - performance.now());
  await writeAll(conn, random(64));
  beBusy();
  assertEquals((await readBytes(conn, 64)).length, 64);
});

Deno.test("thousands of connections that are reset at once are broken, not lost", {
  ignore: !linux,
}, async () => {
  const connections = 3000;
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on("error", () => {}).once("data", () => {
      if (server.listening) setTimeout(resetAll, LIMIT - 100);
      server.close();
    });
  });
  const resetAll = () => {
    for (const socket of sockets) socket.resetAndDestroy();
    beBusy();
  };
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const closed = new Promise<void>((resolve) => server.once("close", () => resolve()));
  const { port } = server.address() as AddressInfo;
  const endpoint = { scheme: "tcp", host: "127.0.0.1", port } as const;
  const options = { connections, timeout: LIMIT, duration: 2 * LIMIT };
  const { errors } = await finish(endpoint, options);
  await closed;
  assertEquals([errors.broken, errors.lost], [connections, 0]);
});
