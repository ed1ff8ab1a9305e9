/** Datagrams, in serve and connect. */
import {
  assert,
  assertEquals,
  assertMatch,
  assertRejects,
  assertStringIncludes,
} from "@std/assert";
import { createSocket, type Socket } from "node:dgram";
import { connect, EchoError, EndpointError, type Input } from "../client.ts";
import { LoopGuard } from "../server/loop_guard.ts";
import type { HostEndpoint } from "../net/endpoint.ts";
import { type Endpoint, serve, type Server } from "../server.ts";
import { type LogLine, portOf, random, until } from "./local.ts";
import { available, shell, startServer, yodel } from "./program.ts";

const here = { scheme: "udp", host: "127.0.0.1", port: 0 } as const;

interface UdpServer extends AsyncDisposable {
  endpoints: readonly Endpoint[];
  log: LogLine[];
}

async function startUdp(endpoints: readonly Endpoint[] = [here]): Promise<UdpServer> {
  const stop = new AbortController();
  const log: LogLine[] = [];
  const server: Server = await serve(endpoints, {
    signal: stop.signal,
    log: { warn: (message, fields = {}) => void log.push({ level: "warn", message, fields }) },
  });
  return {
    endpoints: server.endpoints,
    log,
    async [Symbol.asyncDispose]() {
      stop.abort();
      await server.finished;
    },
  };
}

/** A UDP server that answers as `answers` says: with none, one or several datagrams. */
async function startAnswering(
  answers: (bytes: Uint8Array, number: number) => Uint8Array[],
): Promise<AsyncDisposable & { endpoint: HostEndpoint<"udp"> }> {
  const socket = createSocket("udp4");
  let number = 0;
  socket.on("message", (bytes: Uint8Array, { port, address }) => {
    for (const answer of answers(bytes, ++number)) socket.send(answer, port, address);
  });
  await new Promise<void>((resolve) => socket.bind({ address: "127.0.0.1", port: 0 }, resolve));
  return {
    endpoint: { ...here, port: socket.address().port },
    [Symbol.asyncDispose]: () => closed(socket),
  };
}

async function closed(socket: Socket): Promise<void> {
  await new Promise<void>((resolve) => socket.close(resolve));
}

function source(...chunks: Uint8Array[]): Input {
  return {
    read(into) {
      const chunk = chunks.shift();
      if (chunk === undefined) return Promise.resolve(null);
      into.set(chunk.subarray(0, into.length));
      if (chunk.length > into.length) chunks.unshift(chunk.subarray(into.length));
      return Promise.resolve(Math.min(chunk.length, into.length));
    },
  };
}

const nowhere = { write: (bytes: Uint8Array) => Promise.resolve(bytes.length) };

const encoder = new TextEncoder();

function lines(count: number): Uint8Array {
  return encoder.encode(Array.from({ length: count }, (_, i) => `line ${i}\n`).join(""));
}

async function verifyTenLines(endpoint: Endpoint): Promise<void> {
  const input = source(lines(10));
  await connect(endpoint, { input, output: nowhere, verify: true, timeout: 200 });
}

Deno.test("datagrams of every size come back to their sender, from where they went", async () => {
  await using server = await startUdp([here, { ...here, host: "::1" }]);
  for (const [i, host] of ["127.0.0.1", "::1"].entries()) {
    const socket = createSocket(host === "::1" ? "udp6" : "udp4");
    const answers: { bytes: Uint8Array; address: string }[] = [];
    socket.on("message", (bytes: Uint8Array, { address }) => void answers.push({ bytes, address }));
    for (const size of [0, 1, 1472, 9000, 65_507]) {
      const bytes = random(size);
      socket.send(bytes, portOf(server.endpoints[i]), host);
      await until(() => answers.length > 0, `a datagram of ${size} bytes comes back`);
      const answer = answers.shift();
      assertEquals(new Uint8Array(answer?.bytes ?? []), bytes);
      assertEquals(answer?.address, host);
    }
    await closed(socket);
  }
});

Deno.test("each line of the input is a datagram, or each block of --datagram-size", async () => {
  await using server = await startServer(["udp://127.0.0.1:0", "--log-data", "hex"]);
  assertMatch(server.endpoints[0] ?? "", /^udp:\/\/127\.0\.0\.1:\d+$/);
  const [endpoint = ""] = server.endpoints;
  assertEquals(await yodel(["connect", endpoint, "--verify"], "one\ntwo\nend"), {
    code: 0,
    stdout: "one\ntwo\nend",
    stderr: "",
  });
  const blocks = await yodel(["connect", endpoint, "--datagram-size", "4"], "123456789");
  assertEquals(blocks, { code: 0, stdout: "123456789", stderr: "" });
  server.process.kill("SIGTERM");
  const sizes = [...(await server.log).matchAll(/datagram .* bytes=(\d+)/g)].map(([, n]) => n);
  assertEquals(sizes, ["4", "4", "3", "4", "4", "1"]);
});

Deno.test("a thousand datagrams come back, verified", async () => {
  await using server = await startUdp();
  const [endpoint = here] = server.endpoints;
  const input = source(lines(1000));
  const result = await connect(endpoint, { input, output: nowhere, verify: true });
  assertEquals(result.received, result.sent);
});

for (
  const [what, answers, complaint] of [
    ["lost", (bytes, number) => number % 5 === 0 ? [] : [bytes], "of 10 datagrams 2 lost"],
    ["repeated", (bytes, number) => number === 3 ? [bytes, bytes] : [bytes], "1 repeated"],
    [
      "altered",
      (bytes, number) => [number === 3 ? Uint8Array.from(bytes, (b) => b ^ 1) : bytes],
      "of 10 datagrams 1 altered",
    ],
  ] as [string, (bytes: Uint8Array, number: number) => Uint8Array[], string][]
) {
  Deno.test(`--verify counts datagrams that are ${what}`, async () => {
    await using server = await startAnswering(answers);
    const error = await assertRejects(
      () => verifyTenLines(server.endpoint),
      EchoError,
    );
    assertStringIncludes(error.message, complaint);
  });
}

Deno.test("--verify counts datagrams that come back in another order", async () => {
  let held: Uint8Array[] = [];
  await using server = await startAnswering((bytes, number) => {
    if (number === 4) held = [Uint8Array.from(bytes)];
    if (number === 4) return [];
    return number === 5 ? [bytes, ...held] : [bytes];
  });
  await assertRejects(
    () => verifyTenLines(server.endpoint),
    EchoError,
    "of 10 datagrams 1 reordered",
  );
});

Deno.test("an answer from elsewhere is none", async () => {
  const stranger = createSocket("udp4");
  await using server = await startAnswering(() => []);
  const silent = createSocket("udp4");
  silent.on("message", (bytes: Uint8Array, { port }) => stranger.send(bytes, port, "127.0.0.1"));
  await new Promise<void>((resolve) => silent.bind({ address: "127.0.0.1", port: 0 }, resolve));
  const endpoint = { ...server.endpoint, port: silent.address().port };
  await assertRejects(
    () => connect(endpoint, { input: source(lines(1)), output: nowhere, timeout: 200 }),
    EndpointError,
    "nothing came back",
  );
  await closed(silent);
  await closed(stranger);
});

Deno.test("a closed port, and a line that no datagram holds, are one line", async () => {
  const socket = createSocket("udp4");
  await new Promise<void>((resolve) => socket.bind({ address: "127.0.0.1", port: 0 }, resolve));
  const { port } = socket.address();
  await closed(socket);
  const refused = await yodel(["connect", `udp://127.0.0.1:${port}`], "hello\n");
  assertEquals(refused, {
    code: 2,
    stdout: "",
    stderr: `yodel: no answer from udp://127.0.0.1:${port}: nothing came back in 1s\n`,
  });
  await using server = await startUdp();
  const [endpoint = here] = server.endpoints;
  await assertRejects(
    () => connect(endpoint, { input: source(new Uint8Array(70_000)), output: nowhere }),
    EchoError,
    "a datagram holds 65507 bytes at most, and a line is longer",
  );
  await assertRejects(() => startUdp([endpoint]), EndpointError, "address in use");
});

Deno.test("sources that could make a loop get no answer", () => {
  const guard = new LoopGuard([7000]);
  const bytes = encoder.encode("ping");
  assertEquals(guard.objection(bytes, "10.0.0.1", 40_000, 0), undefined);
  assertStringIncludes(guard.objection(bytes, "10.0.0.1", 7, 0) ?? "", "below 1024");
  assertStringIncludes(guard.objection(bytes, "10.0.0.1", 7000, 0) ?? "", "this server");
});

Deno.test("the same datagram again and again is a loop, unless it takes its time", () => {
  const guard = new LoopGuard([]);
  const bytes = encoder.encode("ping");
  const answered = (gap: number, port: number) => {
    let count = 0;
    for (let i = 0; i < 500; i++) {
      if (guard.objection(bytes, "10.0.0.1", port, i * gap) === undefined) count++;
    }
    return count;
  };
  assertEquals(answered(1, 40_000), 100);
  assertEquals(answered(300, 40_001), 500);
  // Several that bounce at once are seen too, and what differs by one byte is not the same.
  let bounced = 0;
  for (let i = 0; i < 500; i++) {
    const forged = encoder.encode(`forged ${i % 5}`);
    if (guard.objection(forged, "10.0.0.1", 40_003, i) !== undefined) bounced++;
  }
  assertEquals(bounced, 0);
  for (let i = 500; i < 1000; i++) {
    const forged = encoder.encode(`forged ${i % 5}`);
    if (guard.objection(forged, "10.0.0.1", 40_003, i) !== undefined) bounced++;
  }
  assertEquals(bounced, 500);
  const large = new Uint8Array(1280);
  for (let i = 0; i < 500; i++) {
    new DataView(large.buffer).setUint32(1, i);
    assertEquals(guard.objection(large, "10.0.0.1", 40_004, i), undefined);
  }
  for (let i = 0; i < 500; i++) {
    assertEquals(guard.objection(encoder.encode(`ping ${i}`), "10.0.0.1", 40_002, i), undefined);
  }
});

Deno.test("one forged datagram does not keep a server and another echo busy for ever", async () => {
  await using server = await startUdp();
  const [endpoint = here] = server.endpoints;
  // The other echo: what its socket sends to the server is as good as forged.
  const other = createSocket("udp4");
  let bounced = 0;
  other.on("message", (bytes: Uint8Array) => {
    bounced++;
    other.send(bytes, portOf(endpoint), "127.0.0.1");
  });
  other.send(encoder.encode("go"), portOf(endpoint), "127.0.0.1");
  await until(() => server.log.length > 0, "the server sees a loop");
  assertEquals(bounced, 100);
  assertStringIncludes(String(server.log[0]?.fields.why), "a loop");
  await closed(other);
});

Deno.test("socat and ncat get their datagrams back, over both families", {
  ignore: !available("socat") || !available("ncat"),
}, async () => {
  await using server = await startServer(["udp://localhost:0"]);
  const { port } = server;
  for (
    const command of [
      `socat -t 1 - UDP4:127.0.0.1:${port}`,
      `socat -t 1 - UDP6:[::1]:${port}`,
      `ncat --udp 127.0.0.1 ${port}`,
    ]
  ) {
    // ncat leaves at the end of its input, so that has to wait for the answer.
    const { stdout } = await shell(
      `out=$(mktemp)
      { echo hello; until [ -s $out ]; do sleep 0.02; done; } | ${command} >$out
      cat $out; rm $out`,
    );
    assertEquals(stdout, "hello\n", command);
  }
});

Deno.test("a udp server on all addresses says what it cannot do", async () => {
  await using server = await startUdp([{ ...here, host: "0.0.0.0" }]);
  assert(server.log.some(({ message }) => message.startsWith("udp on all addresses answers from")));
});
