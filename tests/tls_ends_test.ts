/** TLS: handshakes that do not come to an end, and what is given back. */
import { assert, assertEquals } from "@std/assert";
import { connect as dialNode } from "node:net";
import { connect as connectTls, type TLSSocket } from "node:tls";
import { ping } from "../client.ts";
import { serve } from "../server.ts";
import { finish } from "./loads.ts";
import { collect, dialPort, type LogLine, portOf, writeAll } from "./local.ts";
import { descriptorsOf, onLinux, PATIENT, until } from "./machine.ts";
import { program, startServer } from "./program.ts";
import { ca, cert, key, startEcho } from "./servers.ts";

/** Waits until the other end has closed a connection. */
async function closed(conn: Deno.Conn): Promise<void> {
  const buffer = new Uint8Array(1024);
  while (await conn.read(buffer).catch(() => null) !== null);
}

Deno.test("clients that never begin a handshake are closed, and limited", onLinux, async () => {
  await using server = await startServer([
    ...["tls://127.0.0.1:0", "--idle-timeout", "400ms", "--max-connections", "5"],
    ...["--log-level", "debug"],
  ]);
  const { pid } = server.process;
  const before = descriptorsOf(pid);
  const silent = await Promise.all(Array.from({ length: 20 }, () => dialPort(server.port)));
  let [left, most] = [silent.length, 0];
  for (const conn of silent) closed(conn).then(() => left--);
  await until(() => {
    most = Math.max(most, descriptorsOf(pid));
    return left === 0;
  }, "all are let go");
  await until(() => descriptorsOf(pid) === before, "all are given back");
  // Those that are being closed may be there for a moment, beside the next ones.
  assert(most <= before + 2 * 5, `it holds ${most - before}, more than the limit`);
  for (const conn of silent) conn.close();
  server.process.kill("SIGTERM");
  let open = 0;
  const opened = (await server.log).match(/ (opened|closed) .*/g)?.map((line) => {
    assert(/^ opened| why=idle/.test(line), line);
    return open += line.startsWith(" opened") ? 1 : -1;
  });
  assertEquals([opened?.length, Math.max(...opened ?? [])], [2 * 20, 5]);
});

/** What a client of TLS sends first. */
async function clientHello(): Promise<Uint8Array> {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const socket = connectTls({ host: "127.0.0.1", port: listener.addr.port }).on("error", () => {});
  using conn = await listener.accept();
  const hello = new Uint8Array(4096);
  const length = await conn.read(hello);
  socket.destroy();
  return hello.subarray(0, length ?? 0);
}

Deno.test("clients that leave before a handshake leave nothing in memory", onLinux, async () => {
  const heap = program.toSpliced(2, 0, "--v8-flags=--max-old-space-size=16");
  await using server = await startServer(["tls://127.0.0.1:0"], [...heap, "serve"]);
  for (const sent of [new Uint8Array(0), await clientHello()]) {
    // All of them have left before the server sees the first.
    server.process.kill("SIGSTOP");
    for (let i = 0; i < 1000; i++) {
      using conn = await dialPort(server.port);
      await writeAll(conn, sent);
    }
    server.process.kill("SIGCONT");
    // Had it all of them at once, it would run out of memory.
    const options = { count: 1, timeout: PATIENT, tls: { insecure: true } };
    assertEquals((await ping(server.endpoints[0] ?? "", options)).right, 1);
  }
});

Deno.test("a client that does not read after its handshake is closed when idle", async () => {
  const log: LogLine[] = [];
  const ends = () => log.filter(({ message }) => message === "closed");
  await using server = await serve("tls://127.0.0.1:0", {
    ...{ tls: { cert, key }, idleTimeout: 500, log: collect(log) },
  });
  const port = portOf(server.endpoints[0]);
  const broken = new Set<TLSSocket>();
  const sockets = await Promise.all(Array.from({ length: 10 }, async () => {
    // Node's client can leave its socket unread.
    const socket = connectTls({ host: "127.0.0.1", port, rejectUnauthorized: false });
    socket.on("error", () => broken.add(socket));
    await new Promise((resolve) => socket.once("secureConnect", resolve));
    socket.pause();
    socket.write(new Uint8Array(8_000_000));
    return socket;
  }));
  await until(() => ends().length === 10, "all are closed");
  await until(() => {
    for (const socket of sockets) if (!broken.has(socket)) socket.write("x");
    return broken.size === 10;
  }, "no socket of the server's is left to take more");
  assertEquals(ends().map(({ fields }) => fields.why), Array(10).fill("idle"));
  for (const socket of sockets) socket.destroy();
});

Deno.test("ping closes the sockets of handshakes that the server does not answer", async () => {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const accepted: Promise<void>[] = [];
  const accepting = (async () => {
    for await (const conn of listener) accepted.push(closed(conn).finally(() => conn.close()));
  })();
  const endpoint = `tls://127.0.0.1:${listener.addr.port}`;
  const { unsent } = await ping(endpoint, { count: 4, interval: 50, timeout: 100, tls: { ca } });
  assertEquals([unsent, accepted.length], [4, 4]);
  await Promise.all(accepted);
  listener.close();
  await accepting;
});

Deno.test("clients that are silent, leave at once or speak no TLS do not disturb others", async () => {
  await using server = await startEcho("tls");
  const dial = () => dialPort(portOf(server.endpoint));
  using plain = await dial();
  await writeAll(plain, new TextEncoder().encode("GET / HTTP/1.0\r\n\r\n"));
  for (let i = 0; i < 10; i++) (await dial()).close();
  const silent = await Promise.all(Array.from({ length: 200 }, dial));
  const { messages } = await finish(server.endpoint, { connections: 20, messages: 2000 });
  assertEquals(messages.right, 2000);
  for (const conn of silent) conn.close();
});

for (const scheme of ["tcp", "tls"] as const) {
  Deno.test(`connections without data are logged for debugging only, over ${scheme}`, async () => {
    const lines: string[] = [];
    const add = (level: string) => (message: string) => void lines.push(`${level} ${message}`);
    await using server = await serve(`${scheme}://127.0.0.1:0`, {
      tls: { cert, key, clientCa: ca },
      log: { debug: add("debug"), info: add("info"), warn: add("warn") },
    });
    const port = portOf(server.endpoints[0]);
    (await dialPort(port)).close();
    const socket = dialNode(port, "127.0.0.1");
    await new Promise((resolve) => socket.once("connect", resolve));
    // One that is reset before it is accepted is no connection yet.
    await until(
      () => lines.filter((line) => line === "debug opened").length === 2,
      "both are open",
    );
    socket.resetAndDestroy();
    const closed = () => lines.filter((line) => line.endsWith(" closed"));
    await until(() => closed().length === 2, "both are closed");
    assertEquals(closed(), ["debug closed", "debug closed"]);
  });
}
