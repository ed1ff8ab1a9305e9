/** Timeouts while this process itself is busy and does not read. */
import { type AddressInfo, createServer, type Socket } from "node:net";
import { assert, assertEquals } from "@std/assert";
import { connect, type Endpoint, EndpointError } from "../client.ts";
import { openPoll } from "../net/read_scheduler.ts";
import { finish } from "./loads.ts";
import { dialPort, exchange, random, readBytes, startCustom, startLocal } from "./local.ts";
import { onLinux, pause } from "./machine.ts";

/** The time limit, in milliseconds; it is looked at ten times as often. */
const LIMIT = 100;

/** When something comes: with steps that are shorter than from one look to the next. */
const TIMES = Array.from({ length: 9 }, (_, i) => LIMIT - 20 + 7 * i);

/** Does nothing but compute, past the next looks. */
function beBusy(milliseconds = LIMIT / 2): void {
  for (const end = performance.now() + milliseconds; performance.now() < end;);
}

/**
 * Lets a client wait for its answer, which comes at some time just before this process is busy, or
 * not at all where the client has given up by then. It tries thrice, since a client may give up in
 * the turn of the event loop in which its answer is sent.
 */
async function testClient(ask: (endpoint: Endpoint) => Promise<boolean>): Promise<void> {
  using poll = await openPoll();
  let answers = 0;
  const isRight = async (time: number) => {
    const before = answers;
    await using server = startCustom(async (conn) => {
      const message = await readBytes(conn, 64);
      let hasLeft = false;
      const leaving = conn.read(new Uint8Array(1)).catch(() => {})
        .finally(() => hasLeft = true);
      await pause(time);
      await poll.next();
      if (hasLeft) return;
      answers++;
      const written = conn.write(message);
      beBusy();
      await Promise.all([written, leaving]);
    });
    return await ask(server.endpoint) === (answers > before);
  };
  for (const time of TIMES) {
    assert(await isRight(time) || await isRight(time) || await isRight(time), `after ${time} ms`);
  }
  assert(answers > 0, "none came in time");
}

Deno.test("an answer that arrives while load is busy is not lost", async () => {
  await testClient(async (endpoint) => {
    const options = { connections: 1, messages: 1, timeout: LIMIT };
    const result = await finish(endpoint, options).catch((error) => {
      // The limit is also that of connecting.
      if (!(error instanceof EndpointError)) throw error;
    });
    return result?.messages.right === 1;
  });
});

Deno.test("an answer that arrives while connect is busy ends its idle time", async () => {
  await testClient(async (endpoint) => {
    const end = Promise.withResolvers<null>();
    const reads = [Promise.resolve(64), end.promise];
    const input = { read: () => reads.shift() ?? end.promise };
    const output = {
      write(bytes: Uint8Array) {
        end.resolve(null);
        return Promise.resolve(bytes.length);
      },
    };
    return await connect(endpoint, { input, output, idleTimeout: LIMIT })
      .then(({ received }) => received === 64, () => false);
  });
});

Deno.test("data that arrives while a server is busy ends the idle time of its client", async () => {
  let answers = 0;
  const isRight = async (time: number) => {
    await using server = await startLocal({ idleTimeout: LIMIT });
    using conn = await dialPort(server.port);
    await exchange(conn, random(64));
    await pause(time);
    if (server.log.some(({ message }) => message === "closed")) return true;
    answers++;
    const written = conn.write(random(64));
    beBusy();
    await written;
    return (await readBytes(conn, 64).catch(() => "")).length === 64;
  };
  for (const time of TIMES) {
    assert(await isRight(time) || await isRight(time) || await isRight(time), `after ${time} ms`);
  }
  assert(answers > 0, "none came in time");
});

Deno.test("thousands of connections reset at once are broken, not lost", onLinux, async () => {
  const [connections, limit] = [3000, 2000];
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on("error", () => {}).once("data", () => {
      if (server.listening) setTimeout(resetAll, limit - 100);
      server.close();
    });
  });
  const resetAll = () => {
    for (const socket of sockets) socket.resetAndDestroy();
    beBusy(limit / 2);
  };
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const closed = new Promise<void>((resolve) => server.once("close", () => resolve()));
  const { port } = server.address() as AddressInfo;
  const endpoint = { scheme: "tcp", host: "127.0.0.1", port } as const;
  const options = { connections, timeout: limit, duration: 2 * limit };
  const { errors } = await finish(endpoint, options);
  await closed;
  assertEquals([errors.broken, errors.lost], [connections, 0]);
});
