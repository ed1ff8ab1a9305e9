/** The load command: the errors that it finds, and where. */
import { assert, assertEquals, assertMatch } from "@std/assert";
import type { LoadOptions, LoadProgress } from "../client.ts";
import { generate } from "../client/load/generator.ts";
import { planLoad, planWorkers } from "../client/load/plan.ts";
import { errorsOf, finish, plain } from "./loads.ts";
import { readBytes, startCustom, writeAll } from "./local.ts";
import { inEach, PATIENT, undisturbed } from "./machine.ts";
import { type Answers, startAnswering, startDatagrams, startResetting } from "./servers.ts";

/** A message to the servers that go wrong, in bytes. */
const LARGE = 2000;

/** The message that goes wrong; with it a server has received a million bytes. */
const WRONG = 500;

for (
  const [what, misdeed, expected] of [
    [
      "corrupts one byte in a million",
      (message) => [message.with(-1, (message.at(-1) ?? 0) ^ 1)],
      (at) => `corrupted: differs at byte ${at + LARGE - 1}`,
    ],
    [
      "drops the last byte of an answer",
      (message) => [message.subarray(0, -1)],
      // The next answer shows it, in its second byte if the first is the same.
      (at, isNext) =>
        isNext
          ? `corrupted: differs at byte (${at + LARGE - 1}|${at + LARGE})`
          : `lost: only 1999 of 2000 bytes came, at offset ${at + LARGE - 1}`,
    ],
    [
      "drops a byte in the middle",
      (message) => [message.subarray(0, 700), message.subarray(701)],
      // The bytes after it can be the same.
      (at) => `corrupted: differs at byte ${at / 10 + 70}\\d`,
    ],
    [
      "answers twice",
      (message) => [new Uint8Array([...message, ...message])],
      (at, isNext) =>
        isNext
          ? `corrupted: differs at byte ${at + LARGE}`
          : `unexpected: more came back than was sent, from byte ${at + LARGE} on`,
    ],
    [
      "leaves out an answer",
      () => [],
      (at, isNext) =>
        isNext ? `corrupted: differs at byte ${at}` : `lost: no answer came, at offset ${at}`,
    ],
    [
      "ends the connection",
      () => ["end"],
      (at) => `broken: the server ended the connection; no answer came, at offset ${at}`,
    ],
    [
      "ends the connection in mid-answer",
      (message) => [message.subarray(0, 900), "end"],
      (at) =>
        `broken: the server ended the connection; only 900 of 2000 bytes came, at offset ${
          at + 900
        }`,
    ],
  ] as readonly [
    string,
    (message: Uint8Array) => Answers,
    (at: number, isNext?: boolean) => string,
  ][]
) {
  Deno.test(`a server that ${what} is found out, and where`, async () => {
    await inEach<LoadOptions>([{}, { pipeline: 8 }, { reconnect: true }], (way) =>
      // The timeout is also that of connecting.
      undisturbed(async () => {
        await using server = startAnswering(
          LARGE,
          (message, number) => number === WRONG ? misdeed(message) : [message],
        );
        const at = way.reconnect ? 0 : (WRONG - 1) * LARGE;
        const [kind = "", words] = expected(at, way.pipeline !== undefined).split(": ");
        const timeout = kind === "lost" ? 600 : PATIENT;
        const options = { connections: 1, messages: 600, size: LARGE, timeout, ...way };
        const result = await finish(server.endpoint, options);
        const found = JSON.stringify([way, result.messages, result.examples]);
        assertEquals([errorsOf(result), result.examples.length], [{ [kind]: 1 }, 1], found);
        const bytes = kind === "corrupted" ? ": expected 0xNN, got 0xNN" : "";
        const pattern = new RegExp(`^${kind}: connection 1: ${words}${bytes}$`);
        assertMatch(plain(result.examples[0]), pattern, found);
        const { sent, failed } = result.messages;
        assertEquals(sent, 600, found);
        assert(way.pipeline ? failed > 0 : failed === 1, found);
      }, 300));
  });
}

Deno.test("a connection that is reset is found out, and where", async () => {
  await using server = await startResetting(5);
  const result = await finish(server.endpoint, { connections: 1, messages: 10 });
  assertEquals([errorsOf(result), result.messages.right], [{ broken: 1 }, 9]);
  const expected = /^broken: connection 1: connection reset by the peer\b.*\boffset 256\b/;
  assertMatch(result.examples.join(), expected);
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
    /^unexpected: connection \d: more came back than was sent, from byte 0 on; is this an echo server\?$/,
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
  const [what, misdeed, expected] of [
    ["loses a datagram", () => [], "lost: no answer came to datagram N"],
    [
      "corrupts a datagram",
      (bytes) => [bytes.with(7, (bytes[7] ?? 0) ^ 1)],
      "corrupted: datagram N: differs at byte 7: expected 0xNN, got 0xNN",
    ],
    [
      "corrupts the head of a datagram",
      (bytes) => [bytes.with(0, (bytes[0] ?? 0) ^ 0x80)],
      "corrupted: datagram N: differs at byte 0: expected 0xNN, got 0xNN",
    ],
    [
      "cuts a datagram short",
      (bytes) => [bytes.subarray(0, -1)],
      "corrupted: datagram N: 64 bytes were sent and 63 came back",
    ],
    [
      "answers a datagram three times",
      (bytes) => [bytes, bytes, bytes],
      "repeated: datagram N came back again",
    ],
    [
      "answers a datagram right after it has corrupted it",
      (bytes) => [bytes.with(7, (bytes[7] ?? 0) ^ 1), bytes, bytes],
      "corrupted: datagram N: differs at byte 7: expected 0xNN, got 0xNN",
    ],
    [
      "sends an unexpected datagram",
      (bytes) => [bytes, new Uint8Array([1, 2, 3])],
      "unexpected: a datagram came that was not sent",
    ],
  ] as readonly [string, (bytes: Uint8Array) => readonly Uint8Array[], string][]
) {
  Deno.test(`a server that ${what} is found out, and named`, async () => {
    const [kind = "", ...words] = expected.split(": ");
    // An unexpected datagram before the last could as well be another one that was corrupted.
    const at = kind === "unexpected" ? 50 : 20;
    await inEach([1, 8], async (pipeline) => {
      await using server = await startDatagrams(
        (bytes, number) => number === at ? misdeed(bytes) : [bytes],
      );
      const timeout = kind === "lost" ? 600 : PATIENT;
      const options = { connections: 1, messages: 50, pipeline, timeout };
      const result = await finish(server.endpoint, options);
      assertEquals(errorsOf(result), { [kind]: 1 });
      const isRight = ["unexpected", "repeated"].includes(kind);
      assertEquals(result.messages.failed, isRight ? 0 : 1);
      // Those that are under way together may overtake each other.
      const number = pipeline === 1 ? `datagram ${at}` : /datagram \d+/;
      const found = plain(result.examples[0]).replace(number, "datagram N");
      assertEquals(found, [kind, "socket 1", ...words].join(": "));
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
  using restored = new DisposableStack();
  restored.defer(() => Deno.listenDatagram = listenDatagram);
  Object.assign(Deno, {
    listenDatagram: (options: Deno.UdpListenOptions & { transport: "udp" }) =>
      Object.assign(listenDatagram(options), { send: () => Promise.reject(error) }),
  });
  const options = { connections: 1, pipeline: 4, duration: 250 };
  const { messages, examples } = await finish("udp://127.0.0.1:9", options);
  // Every tenth of a second four messages fail.
  assert(messages.sent >= 4 && messages.sent <= 12, `${messages.sent} messages`);
  const what = "broken: socket 1: cannot send to udp://127.0.0.1:9: permission denied";
  assertEquals(examples.filter((text) => !text.startsWith(what)), []);
});
