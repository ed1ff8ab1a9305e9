/** `connect`: bytes to and from a server, and how it ends. */
import { assert, assertEquals, assertRejects } from "@std/assert";
import { Buffer } from "node:buffer";
import { connect, EchoError, EndpointError, type Input, StreamError } from "../client.ts";
import { formatEndpoint } from "../server.ts";
import { inputOf, nowhere } from "./faulty.ts";
import { random, readBytes, startCustom, startLocal, writeAll } from "./local.ts";
import { linux, pause } from "./machine.ts";
import { startResetting } from "./servers.ts";

/** An output that keeps what it is given. */
function sink(): { write(bytes: Uint8Array): Promise<number>; readonly written: Uint8Array } {
  const parts: Uint8Array[] = [];
  return {
    get written() {
      return new Uint8Array(Buffer.concat(parts));
    },
    write(bytes) {
      parts.push(bytes.slice());
      return Promise.resolve(bytes.length);
    },
  };
}

/** A server that answers with what `change` makes of all that it has received. */
function startChanging(change: (bytes: Uint8Array) => Uint8Array) {
  return startCustom(async (conn) =>
    await writeAll(conn, change(await readBytes(conn, 10_000_000)))
  );
}

for (const verify of [false, true]) {
  Deno.test(`all of the input comes back, then it ends (verify: ${verify})`, async () => {
    await using server = await startLocal();
    // One of them looks like a TLS alert.
    const alert = Uint8Array.of(0x15, 3, 3, 0, 2, 2, 40);
    for (const message of [random(0), random(1), random(5_000_000), alert]) {
      const output = sink();
      const result = await connect(server.endpoint, { input: inputOf(message), output, verify });
      assertEquals(result, { sent: message.length, received: message.length });
      assertEquals(output.written, message);
    }
  });
}

Deno.test("an echo that begins after the end of the input is read to its end", async () => {
  const message = random(3_000_000);
  await using server = startChanging((bytes) => bytes);
  const output = sink();
  await connect(server.endpoint, { input: inputOf(message), output, verify: true });
  assertEquals(output.written, message);
});

for (
  const [verify, message, change] of [
    [false, "only 1999990 of 2000000 bytes came back", (bytes) => bytes.subarray(0, -10)],
    [true, "only 1999990 of 2000000 bytes came back", (bytes) => bytes.subarray(0, -10)],
    [
      true,
      "differs at byte 0: expected 0x41, got 0x40; is this an echo server?",
      (bytes) => bytes.with(0, 64),
    ],
    [
      true,
      "differs at byte 1234567: expected 0x41, got 0x40",
      (bytes) => bytes.with(1_234_567, 64),
    ],
    [
      true,
      "more came back than was sent, from byte 2000000 on",
      (bytes) => new Uint8Array([...bytes, 1]),
    ],
  ] as [boolean, string, (bytes: Uint8Array) => Uint8Array][]
) {
  Deno.test(`a wrong echo is an error (verify: ${verify}): ${message}`, async () => {
    await using server = startChanging(change);
    const input = inputOf(new Uint8Array(2_000_000).fill(0x41));
    const connecting = () => connect(server.endpoint, { input, output: nowhere, verify });
    await assertRejects(connecting, EchoError, message);
  });
}

Deno.test("a server that ends the connection before the input ended is an error", async () => {
  await using server = startCustom(async (conn) => await writeAll(conn, await readBytes(conn, 5)));
  const output = sink();
  await assertRejects(
    () => connect(server.endpoint, { input: inputOf(random(5), false), output }),
    EchoError,
    "the server ended the connection before the end of the input, after 5 bytes were sent and 5 came back",
  );
  assertEquals(output.written.length, 5);
});

Deno.test("a server that sends something of its own and closes is no error without input", async () => {
  const greeting = new TextEncoder().encode("Sun Nov 22 2026\r\n");
  await using server = startCustom(async (conn) => await writeAll(conn, greeting));
  const output = sink();
  await connect(server.endpoint, { input: inputOf(""), output });
  assertEquals(output.written, greeting);
});

Deno.test("a connection that is reset is reported as such", async () => {
  await using server = await startResetting(1);
  const error = await assertRejects(
    () => connect(server.endpoint, { input: inputOf(random(1000), false), output: nowhere }),
    EchoError,
  );
  assertEquals(
    error.message,
    `${formatEndpoint(server.endpoint)}: connection reset by the peer, ` +
      "after 1000 bytes were sent and 0 came back",
  );
});

Deno.test("--idle-timeout gives up on a server that reads and sends nothing", async () => {
  await using server = await startLocal({ faults: ["silent"] });
  const start = performance.now();
  await assertRejects(
    () =>
      connect(server.endpoint, { input: inputOf(random(100)), output: sink(), idleTimeout: 100 }),
    EchoError,
    "idle for 0.1s, after 100 bytes were sent and 0 came back",
  );
  assert(performance.now() - start >= 100);
});

Deno.test("--idle-timeout does not count the time that writing the output takes", async () => {
  await using server = await startLocal();
  const message = random(1000);
  const kept = sink();
  const output = {
    async write(bytes: Uint8Array) {
      await pause(500);
      return await kept.write(bytes);
    },
  };
  await connect(server.endpoint, { input: inputOf(message), output, idleTimeout: 100 });
  assertEquals(kept.written, message);
});

Deno.test("--verify gives up on a server that reads 256 MiB and returns nothing", async () => {
  await using server = startCustom(async (conn) => {
    const into = new Uint8Array(1_000_000);
    while (await conn.read(into) !== null);
  });
  const input: Input = { read: (into) => Promise.resolve(into.length) };
  await assertRejects(
    () => connect(server.endpoint, { input, output: nowhere, verify: true }),
    EchoError,
    "bytes have not come back; --verify keeps at most 256 MiB in memory",
  );
});

Deno.test("--timeout ends the attempt to connect to a server that does not accept", {
  // Other systems take more connections than the backlog says, or refuse them.
  ignore: !linux,
}, async () => {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0, tcpBacklog: 1 });
  const { port } = listener.addr;
  using _one = await Deno.connect({ port });
  using _other = await Deno.connect({ port });
  const endpoint = { scheme: "tcp", host: "127.0.0.1", port } as const;
  const streams = { input: inputOf(""), output: nowhere };
  const start = performance.now();
  await assertRejects(
    () => connect(endpoint, { ...streams, timeout: 200 }),
    EndpointError,
    "timed out after 0.2s",
  );
  assert(performance.now() - start >= 199);
  const stop = new AbortController();
  const connecting = connect(endpoint, { ...streams, signal: stop.signal });
  stop.abort(new Error("enough"));
  await assertRejects(() => connecting, Error, "enough");
});

Deno.test("an output or an input that fails, or a signal, ends the connection", async () => {
  await using server = await startLocal();
  const broken = () => Promise.reject(new Error("out of order"));
  await assertRejects(
    () => connect(server.endpoint, { input: inputOf(random(10)), output: { write: broken } }),
    StreamError,
    "cannot write the output: out of order",
  );
  await assertRejects(
    () => connect(server.endpoint, { input: { read: broken }, output: nowhere }),
    StreamError,
    "cannot read the input: out of order",
  );
  const stop = new AbortController();
  const output = {
    write(bytes: Uint8Array) {
      stop.abort(new Error("enough"));
      return Promise.resolve(bytes.length);
    },
  };
  const options = { input: inputOf(random(10), false), output, signal: stop.signal };
  await assertRejects(() => connect(server.endpoint, options), Error, "enough");
});
