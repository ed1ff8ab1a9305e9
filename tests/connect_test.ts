import { assert, assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { Buffer } from "node:buffer";
import { type AddressInfo, createServer } from "node:net";
import { connect, EchoError, EndpointError, type Input, StreamError } from "../client.ts";
import { freePort, random, readBytes, startCustom, startLocal, writeAll } from "./local.ts";

/** An input that brings `bytes`, and then ends, unless it is to stay open. */
function source(bytes: Uint8Array, ends = true): Input {
  let at = 0;
  return {
    read(into) {
      if (at === bytes.length) return ends ? Promise.resolve(null) : new Promise(() => {});
      const part = bytes.subarray(at, at + into.length);
      into.set(part);
      at += part.length;
      return Promise.resolve(part.length);
    },
  };
}

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

async function takeAll(conn: Deno.Conn): Promise<Uint8Array> {
  return await readBytes(conn, 10_000_000);
}

for (const verify of [false, true]) {
  Deno.test(`all of the input comes back, then it ends (verify: ${verify})`, async () => {
    await using server = await startLocal();
    for (const size of [0, 1, 5_000_000]) {
      const message = random(size);
      const output = sink();
      const result = await connect(server.endpoint, { input: source(message), output, verify });
      assertEquals(result, { sent: size, received: size });
      assertEquals(output.written, message);
    }
  });
}

Deno.test("what comes after the end of the input is still taken", async () => {
  const message = random(3_000_000);
  await using server = startCustom(async (conn) => await writeAll(conn, await takeAll(conn)));
  const output = sink();
  await connect(server.endpoint, { input: source(message), output, verify: true });
  assertEquals(output.written, message);
});

Deno.test("--verify tells the first byte that came back changed", async () => {
  await using server = startCustom(async (conn) => {
    const bytes = await takeAll(conn);
    bytes[1_234_567] = (bytes[1_234_567] ?? 0) ^ 0x01;
    await writeAll(conn, bytes);
  });
  const message = new Uint8Array(2_000_000).fill(0x41);
  const error = await assertRejects(
    () => connect(server.endpoint, { input: source(message), output: sink(), verify: true }),
    EchoError,
  );
  assertStringIncludes(
    error.message,
    "the echo differs at byte 1234567: expected 0x41, got 0x40",
  );
});

for (const verify of [false, true]) {
  Deno.test(`an echo that is cut off is not all well (verify: ${verify})`, async () => {
    await using server = startCustom(async (conn) => {
      const bytes = await takeAll(conn);
      await writeAll(conn, bytes.subarray(0, -10));
    });
    await assertRejects(
      () => connect(server.endpoint, { input: source(random(1000)), output: sink(), verify }),
      EchoError,
      "only 990 of 1000 bytes came back",
    );
  });
}

Deno.test("--verify tells from where on more came back than was sent", async () => {
  await using server = startCustom(async (conn) => {
    const bytes = await takeAll(conn);
    await writeAll(conn, new Uint8Array([...bytes, 1]));
  });
  await assertRejects(
    () => connect(server.endpoint, { input: source(random(1000)), output: sink(), verify: true }),
    EchoError,
    "more came back than was sent, from byte 1000 on",
  );
});

Deno.test("a server that ends the connection before the input ended is not all well", async () => {
  await using server = startCustom(async (conn) => await writeAll(conn, await readBytes(conn, 5)));
  const output = sink();
  await assertRejects(
    () => connect(server.endpoint, { input: source(random(5), false), output }),
    EchoError,
    "the server ended it before the end of input, after 5 bytes were sent and 5 came back",
  );
  assertEquals(output.written.length, 5);
});

Deno.test("a server that has its own say and leaves is all well when there is no input", async () => {
  const greeting = new TextEncoder().encode("Sun Nov 22 2026\r\n");
  await using server = startCustom(async (conn) => await writeAll(conn, greeting));
  const output = sink();
  await connect(server.endpoint, { input: source(new Uint8Array()), output });
  assertEquals(output.written, greeting);
});

Deno.test("a connection that is reset says so", async () => {
  const server = createServer((socket) => socket.once("data", () => socket.resetAndDestroy()));
  await new Promise<void>((resolve) => server.listen({ host: "127.0.0.1", port: 0 }, resolve));
  const { port } = server.address() as AddressInfo;
  const error = await assertRejects(
    () =>
      connect({ scheme: "tcp", host: "127.0.0.1", port }, {
        input: source(random(1000), false),
        output: sink(),
      }),
    EchoError,
  );
  assertEquals(
    error.message,
    `tcp://127.0.0.1:${port}: connection reset by the peer, ` +
      "after 1000 bytes were sent and 0 came back",
  );
  await new Promise((resolve) => server.close(resolve));
});

Deno.test("--idle-timeout gives up on a server that takes and says nothing", async () => {
  await using server = startCustom(async (conn) => {
    await takeAll(conn);
    await new Promise<void>((resolve) => silent.signal.addEventListener("abort", () => resolve()));
  });
  const silent = new AbortController();
  const start = performance.now();
  await assertRejects(
    () =>
      connect(server.endpoint, { input: source(random(100)), output: sink(), idleTimeout: 100 }),
    EchoError,
    "idle for 0.1s, after 100 bytes were sent and 0 came back",
  );
  assert(performance.now() - start >= 100);
  silent.abort();
});

Deno.test("--idle-timeout does not hurry those who read the output", async () => {
  await using server = await startLocal();
  const message = random(1000);
  const output = sink();
  await connect(server.endpoint, {
    input: source(message),
    output: {
      async write(bytes) {
        await new Promise((resolve) => setTimeout(resolve, 500));
        return await output.write(bytes);
      },
    },
    idleTimeout: 100,
  });
  assertEquals(output.written, message);
});

Deno.test("--verify gives up on a server that takes 256 MiB and returns nothing", async () => {
  await using server = startCustom(async (conn) => {
    const into = new Uint8Array(1_000_000);
    while (await conn.read(into) !== null);
  });
  const input: Input = { read: (into) => Promise.resolve(into.length) };
  await assertRejects(
    () => connect(server.endpoint, { input, output: sink(), verify: true }),
    EchoError,
    "bytes were sent and are not back, more than can be remembered",
  );
});

Deno.test("a refused connection, and an unknown host, are one plain line", async () => {
  const port = freePort();
  const options = { input: source(new Uint8Array()), output: sink() };
  const refused = await assertRejects(
    () => connect({ scheme: "tcp", host: "127.0.0.1", port }, options),
    EndpointError,
  );
  assertEquals(
    refused.message,
    `cannot connect to tcp://127.0.0.1:${port}: connection refused`,
  );
  await assertRejects(
    () => connect({ scheme: "tcp", host: "nowhere.invalid", port }, options),
    EndpointError,
    "cannot connect to tcp://nowhere.invalid:",
  );
});

Deno.test({
  name: "--timeout ends the attempt to connect to a server that does not accept",
  // Other systems take more connections than the backlog says, or refuse them.
  ignore: Deno.build.os !== "linux",
  fn: async () => {
    const listener = Deno.listen({ hostname: "127.0.0.1", port: 0, tcpBacklog: 1 });
    const endpoint = { scheme: "tcp", host: "127.0.0.1", port: listener.addr.port } as const;
    const waiting = [];
    for (let i = 0; i < 2; i++) {
      waiting.push(await Deno.connect({ hostname: endpoint.host, port: endpoint.port }));
    }
    const start = performance.now();
    await assertRejects(
      () => connect(endpoint, { input: source(new Uint8Array()), output: sink(), timeout: 200 }),
      EndpointError,
      "timed out after 0.2s",
    );
    assert(performance.now() - start >= 199);
    const stop = new AbortController();
    const connecting = connect(endpoint, {
      input: source(new Uint8Array()),
      output: sink(),
      signal: stop.signal,
    });
    stop.abort(new Error("enough"));
    await assertRejects(() => connecting, Error, "enough");
    for (const conn of waiting) conn.close();
    listener.close();
  },
});

Deno.test("an output or an input that fails ends the connection", async () => {
  await using server = await startLocal();
  const broken = () => Promise.reject(new Error("out of order"));
  await assertRejects(
    () => connect(server.endpoint, { input: source(random(10)), output: { write: broken } }),
    StreamError,
    "cannot write the output: out of order",
  );
  await assertRejects(
    () => connect(server.endpoint, { input: { read: broken }, output: sink() }),
    StreamError,
    "cannot read the input: out of order",
  );
});

Deno.test("an aborted signal ends the connection", async () => {
  await using server = await startLocal();
  const stop = new AbortController();
  const connected = connect(server.endpoint, {
    input: source(random(10), false),
    output: {
      write(bytes) {
        stop.abort(new Error("enough"));
        return Promise.resolve(bytes.length);
      },
    },
    signal: stop.signal,
  });
  await assertRejects(() => connected, Error, "enough");
});

for (const verify of [false, true]) {
  Deno.test(`bytes that look like a TLS alert are echoed as any others, verify: ${verify}`, async () => {
    await using server = await startLocal();
    const alert = new Uint8Array([0x15, 3, 3, 0, 2, 2, 40]);
    let sent = false;
    const input: Input = {
      read(into) {
        if (sent) return Promise.resolve(null);
        sent = true;
        into.set(alert);
        return Promise.resolve(alert.length);
      },
    };
    const output = { write: (bytes: Uint8Array) => Promise.resolve(bytes.length) };
    const result = await connect(server.endpoint, { input, output, verify });
    assertEquals(result, { sent: alert.length, received: alert.length });
  });
}
