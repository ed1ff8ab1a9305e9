/** The load command: what it finds wrong, and where. */
import { assert, assertEquals, assertMatch } from "@std/assert";
import { type AddressInfo, createServer } from "node:net";
import type { LoadOptions, LoadProgress } from "../client.ts";
import { generate } from "../client/load/generator.ts";
import { planLoad, planWorkers } from "../client/load/plan.ts";
import { errorsOf, finish, plain } from "./loads.ts";
import { inEach, PATIENT, readBytes, startCustom, undisturbed, writeAll } from "./local.ts";
import { type Answers, startAnswering, startDatagrams } from "./servers.ts";

/** A message to the servers that go wrong, in bytes. */
const LARGE = 2000;

/** With this message a server has got a million bytes. It is the one that goes wrong. */
const WRONG = 500;

for (
  const [what, misdeed, kind, words, ways = [{}, { pipeline: 8 }, { reconnect: true }]] of [
    [
      "corrupts one byte in a million",
      (message) => [message.with(-1, (message.at(-1) ?? 0) ^ 1)],
      "corrupted",
      (at) => `differs at byte ${at + LARGE - 1}: expected 0xNN, got 0xNN`,
    ],
    [
      "drops the last byte of an answer",
      (message) => [message.subarray(0, -1)],
      "lost",
      (at) => `only 1999 of 2000 bytes came, at offset ${at + LARGE - 1}`,
      [{}, { reconnect: true }],
    ],
    [
      "drops the last byte of an answer, with others under way,",
      (message) => [message.subarray(0, -1)],
      "corrupted",
      // The next answer shows it, in its second byte if the first is the same.
      (at) => `differs at byte (${at + LARGE - 1}|${at + LARGE}): expected 0xNN, got 0xNN`,
      [{ pipeline: 8 }],
    ],
    [
      "drops a byte in the middle",
      (message) => [message.subarray(0, 700), message.subarray(701)],
      "corrupted",
      // The bytes after it can be the same.
      (at) => `differs at byte ${at / 10 + 70}\\d: expected 0xNN, got 0xNN`,
    ],
    [
      "answers twice",
      (message) => [new Uint8Array([...message, ...message])],
      "unexpected",
      (at) => `more came back than was sent, from byte ${at + LARGE} on`,
      [{}, { reconnect: true }],
    ],
    [
      "answers twice, with others under way,",
      (message) => [new Uint8Array([...message, ...message])],
      "corrupted",
      (at) => `differs at byte ${at + LARGE}: expected 0xNN, got 0xNN`,
      [{ pipeline: 8 }],
    ],
    [
      "sends unexpected bytes after an answer",
      (message) => [new Uint8Array([...message, 1, 2, 3])],
      "unexpected",
      (at) => `more came back than was sent, from byte ${at + LARGE} on`,
      // With more under way they could as well be those, corrupted.
      [{}, { reconnect: true }],
    ],
    [
      "stops to answer",
      () => [],
      "lost",
      (at) => `no answer came, at offset ${at}`,
      // With more under way the next answer shows it: see below.
      [{}, { reconnect: true }],
    ],
    [
      "ends the connection",
      () => ["end"],
      "broken",
      (at) => `the server ended it at offset ${at}, \\d messages? (was|were) under way`,
    ],
    [
      "ends the connection in mid-answer",
      (message) => [message.subarray(0, 900), "end"],
      "broken",
      (at) => `the server ended it at offset ${at + 900}, only 900 of 2000 bytes .* had come`,
    ],
  ] as readonly [
    string,
    (message: Uint8Array) => Answers,
    string,
    (at: number, way: LoadOptions) => string,
    (readonly LoadOptions[])?,
  ][]
) {
  Deno.test(`a server that ${what} is found out, and where`, async () => {
    await inEach(ways, (way) =>
      // The timeout is also that of connecting.
      undisturbed(async () => {
        await using server = startAnswering(
          LARGE,
          (message, number) => number === WRONG ? misdeed(message) : [message],
        );
        const timeout = kind === "lost" ? 600 : PATIENT;
        const options = { connections: 1, messages: 600, size: LARGE, timeout, ...way };
        const result = await finish(server.endpoint, options);
        const told = JSON.stringify([way, result.messages, result.examples]);
        assertEquals([errorsOf(result), result.examples.length], [{ [kind]: 1 }, 1], told);
        const at = way.reconnect ? 0 : (WRONG - 1) * LARGE;
        const expected = new RegExp(`^${kind}: connection 1: ${words(at, way)}$`);
        assertMatch(plain(result.examples[0]), expected, told);
        assertEquals(result.messages.sent, 600, told);
        const { failed } = result.messages;
        assert(way.pipeline ? failed > 0 : failed === 1, told);
      }, 300));
  });
}

for (const size of [64, LARGE]) {
  Deno.test(`an answer of ${size} bytes that is left out between others is found out, and where`, async () => {
    await using server = startAnswering(size, (message, number) => number === 20 ? [] : [message]);
    const options = { connections: 1, messages: 40, pipeline: 8, size };
    const { examples } = await finish(server.endpoint, options);
    assertEquals(examples.map(plain), [
      `corrupted: connection 1: differs at byte ${19 * size}: expected 0xNN, got 0xNN`,
    ]);
  });
}

Deno.test("a connection that is reset is found out, and where", async () => {
  let messages = 0;
  const server = createServer((socket) => {
    socket.on("error", () => {});
    socket.on("data", (bytes) => ++messages === 5 ? socket.resetAndDestroy() : socket.write(bytes));
  });
  await new Promise<void>((resolve) => server.listen({ host: "127.0.0.1", port: 0 }, resolve));
  const { port } = server.address() as AddressInfo;
  const endpoint = { scheme: "tcp", host: "127.0.0.1", port } as const;
  const result = await finish(endpoint, { connections: 1, messages: 10 });
  await new Promise((resolve) => server.close(resolve));
  assertEquals([errorsOf(result), result.messages.right], [{ broken: 1 }, 9]);
  assertMatch(
    result.examples[0] ?? "",
    /^broken: connection 1: connection reset by the peer\b.*\boffset 256\b/,
  );
});

Deno.test("bytes that come before any message is sent are found out", async () => {
  let number = 0;
  await using server = startCustom(async (conn) => {
    if (++number === 1) await writeAll(conn, new Uint8Array([1, 2, 3]));
    for (let message; (message = await readBytes(conn, 64)).length > 0;) {
      await writeAll(conn, message);
    }
  });
  const load = planLoad(server.endpoint, { connections: 2, messages: 10, timeout: PATIENT });
  const [plan] = planWorkers(load, {});
  assert(plan !== undefined);
  const greeted = Promise.withResolvers<void>();
  const onProgress = ({ errors }: LoadProgress) =>
    void (errors.unexpected > 0 && greeted.resolve());
  const { signal } = new AbortController();
  const result = await generate(plan, onProgress, signal, () => greeted.promise);
  assertEquals([result.messages.right, errorsOf(result)], [10, { unexpected: 1 }]);
  assertMatch(
    result.examples.join(),
    /^unexpected: connection \d: more came back than was sent, from byte 0 on$/,
  );
});

Deno.test("bytes that come after the last answer are found out, and where", async () => {
  await using server = startCustom(async (conn) => {
    const all = await readBytes(conn, 640);
    for (let at = 0; at < 640; at += 64) await writeAll(conn, all.subarray(at, at + 64));
    await readBytes(conn, 1);
    await writeAll(conn, new Uint8Array([1, 2, 3]));
  });
  const options = { connections: 1, messages: 10, pipeline: 10 };
  const { messages, errors, examples } = await finish(server.endpoint, options);
  assertEquals([messages.right, errors.unexpected, ...examples], [
    10,
    1,
    "unexpected: connection 1: more came back than was sent, from byte 640 on",
  ]);
});

for (
  const [what, at, misdeed, kind, words] of [
    ["loses a datagram", 20, () => [], "lost", "no answer came to datagram N"],
    [
      "corrupts a datagram",
      20,
      (bytes) => [bytes.with(7, (bytes[7] ?? 0) ^ 1)],
      "corrupted",
      "datagram N: differs at byte 7: expected 0xNN, got 0xNN",
    ],
    [
      "corrupts the head of a datagram",
      20,
      (bytes) => [bytes.with(0, (bytes[0] ?? 0) ^ 0x80)],
      "corrupted",
      "datagram N: differs at byte 0: expected 0xNN, got 0xNN",
    ],
    [
      "cuts a datagram short",
      20,
      (bytes) => [bytes.subarray(0, -1)],
      "corrupted",
      "datagram N: 64 bytes were sent and 63 came back",
    ],
    [
      "answers a datagram three times",
      20,
      (bytes) => [bytes, bytes, bytes],
      "repeated",
      "datagram N came back again",
    ],
    [
      "answers a datagram right after it has corrupted it",
      20,
      (bytes) => [bytes.with(7, (bytes[7] ?? 0) ^ 1), bytes, bytes],
      "corrupted",
      "datagram N: differs at byte 7: expected 0xNN, got 0xNN",
    ],
    [
      "sends an unexpected datagram",
      50, // The last one: before, it could as well be another one that was corrupted.
      (bytes) => [bytes, new Uint8Array([1, 2, 3])],
      "unexpected",
      "a datagram came that was not sent",
    ],
  ] as readonly [string, number, (bytes: Uint8Array) => readonly Uint8Array[], string, string][]
) {
  Deno.test(`a server that ${what} is found out, and named`, async () => {
    await inEach([1, 8], async (pipeline) => {
      await using server = await startDatagrams(
        (bytes, number) => number === at ? misdeed(bytes) : [bytes],
      );
      const timeout = kind === "lost" ? 600 : PATIENT;
      const options = { connections: 1, messages: 50, pipeline, timeout };
      const result = await finish(server.endpoint, options);
      assertEquals(errorsOf(result), { [kind]: 1 });
      assertEquals(result.messages.failed, kind === "unexpected" ? 0 : 1);
      // Those that are under way together may overtake each other.
      const found = pipeline === 1
        ? result.examples[0]?.replace(`datagram ${at}`, "datagram N")
        : result.examples[0]?.replace(/datagram \d+/, "datagram N");
      assertEquals(plain(found), `${kind}: socket 1: ${words}`);
    });
  });
}

Deno.test("datagrams that are too small for a number are not taken for each other", async () => {
  const held: Uint8Array[] = [];
  // The first one is answered after the 257th, which is the next one that is like it.
  await using server = await startDatagrams((bytes, number) => {
    if (number === 1) held.push(bytes);
    if (number === 1) return [];
    return number < 280 ? [bytes] : [bytes, ...held.splice(0)];
  });
  const options = { connections: 1, messages: 300, size: 1, pipeline: 2 };
  const { messages, examples } = await finish(server.endpoint, options);
  assertEquals([messages.right, ...examples], [300]);
});

Deno.test("a socket that cannot send is replaced by one, and not too often", async () => {
  const { listenDatagram } = Deno;
  const error = Object.assign(new Deno.errors.PermissionDenied(), { code: "EACCES" });
  Object.assign(Deno, {
    listenDatagram: (options: Deno.UdpListenOptions & { transport: "udp" }) =>
      Object.assign(listenDatagram(options), { send: () => Promise.reject(error) }),
  });
  try {
    const endpoint = { scheme: "udp", host: "127.0.0.1", port: 9 } as const;
    const options = { connections: 1, pipeline: 4, duration: 250 };
    const { messages, examples } = await finish(endpoint, options);
    // Every tenth of a second four messages fail.
    assert(messages.sent >= 4 && messages.sent <= 12, `${messages.sent} messages`);
    const what = "broken: socket 1: cannot send to udp://127.0.0.1:9: permission denied";
    assertEquals(examples.filter((text) => !text.startsWith(what)), []);
  } finally {
    Deno.listenDatagram = listenDatagram;
  }
});
