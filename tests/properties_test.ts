/**
 * What holds for any input, tried with inputs drawn by chance: 3,000 texts, or as many as
 * `-- --runs N` says:
 *
 *     deno task test tests/properties_test.ts --filter "any text" -- --runs 1000000
 */
import { assert, assertEquals, assertMatch } from "@std/assert";
import fc from "npm:fast-check@4.10.2";
import { commands } from "../cli/commands.ts";
import { formatError } from "../cli/exit.ts";
import { helpFlag, parseCommand, parseInvocation } from "../cli/parse.ts";
import { Schedule } from "../client/load/schedule.ts";
import { diagnose } from "../client/verify/diagnosis.ts";
import { DatagramVerifier, StreamVerifier } from "../client/verify/echo.ts";
import { Messages } from "../client/verify/messages.ts";
import { formatEndpoint } from "../net/endpoint.ts";
import { parseEndpoint, readEndpoint } from "../net/parse_endpoint.ts";
import { YodelError } from "../errors/yodel_error.ts";
import { planFaults } from "../server/injection/plan.ts";
import * as types from "../values/value_types.ts";
import { open, STREAMS } from "./faulty.ts";
import { random, writeAll } from "./local.ts";
import { inEach, pause, unix } from "./machine.ts";
import { startEcho } from "./servers.ts";
import { anyText, commandLine } from "./texts.ts";

const asked = Deno.args.indexOf("--runs");
const texts = { numRuns: asked === -1 ? 3000 : Number(Deno.args[asked + 1]) };

/** Reads something, which may say in one line for people that it cannot be read. */
function orRefused(read: () => void): void {
  try {
    read();
  } catch (error) {
    if (!(error instanceof YodelError)) throw error;
    // deno-lint-ignore no-control-regex -- they are what must not be there
    assertMatch(formatError(error), /^[^\x00-\x1f\x7f-\x9f\u2028\u2029]+$/);
  }
}

const { count, size, range, duration, probability, rate } = types;
const flagTypes = Object.values(commands).flatMap(({ flags }) => Object.values(flags))
  .map(({ type }) => type);
const valueTypes = [
  ...new Set(flagTypes),
  ...[count(0), size(1, 4096), range(duration), range(size(1, 99)), probability, rate],
] as types.ValueType<unknown>[];

for (
  const [what, inputs, read] of [
    ["an endpoint that is written as it is read", anyText, (text: string) => {
      const endpoint = readEndpoint(text, 0);
      assertEquals(parseEndpoint(formatEndpoint(endpoint)), endpoint);
    }],
    ["a fault", anyText, (text: string) => {
      planFaults({ faults: [text] }, [readEndpoint("tcp://localhost:1", 1)]);
    }],
    ["a command line", commandLine, ([name = "", ...words]: string[]) => {
      const command = parseCommand(name, words);
      if (!helpFlag(words)) parseInvocation(command, words);
    }],
    ["a value of each type", anyText, (text: string) => {
      for (const type of valueTypes) {
        orRefused(() => types.readValue(type, text, (what) => new YodelError(what)));
      }
    }],
  ] as [string, fc.Arbitrary<unknown>, (input: unknown) => void][]
) {
  Deno.test(`any text is ${what}, or is refused in one line`, () => {
    fc.assert(fc.property(inputs, (input) => orRefused(() => read(input))), texts);
  });
}

/** What a client does: pieces of these sizes with pauses between them, read so much at once. */
const exchange = fc.record({
  pieces: fc.array(
    fc.record({
      size: fc.oneof(fc.nat(100), fc.nat(100_000)),
      pause: fc.oneof({ weight: 4, arbitrary: fc.constant(0) }, fc.nat(3)),
    }),
    { maxLength: 6 },
  ),
  readSize: fc.oneof(fc.integer({ min: 1000, max: 5000 }), fc.constant(65_536)),
  readsLate: fc.boolean(),
  ending: fc.constantFrom("sends its end at once", "waits for all, then sends its end"),
});

Deno.test("any bytes in any pieces come back, and then the end", async () => {
  await inEach(unix ? STREAMS : ["tcp", "tls"], async (scheme) => {
    await using server = await startEcho(scheme);
    await fc.assert(
      fc.asyncProperty(exchange, async ({ pieces, readSize, readsLate, ending }) => {
        const sent = pieces.map(({ size }) => random(size));
        const total = sent.reduce((sum, { length }) => sum + length, 0);
        using stream = await open(server);
        const isAllBack = Promise.withResolvers<void>();
        async function write() {
          for (const [i, piece] of sent.entries()) {
            await writeAll(stream, piece);
            await pause(pieces[i]?.pause ?? 0);
          }
          if (ending !== "sends its end at once") await isAllBack.promise;
          await stream.closeWrite();
        }
        async function read() {
          const came: Uint8Array<ArrayBuffer>[] = [];
          if (readsLate) await pause(2);
          for (let left = total;;) {
            if (left <= 0) isAllBack.resolve();
            const piece = new Uint8Array(readSize);
            const length = await stream.read(piece);
            if (length === null) return came;
            came.push(piece.subarray(0, length));
            left -= length;
          }
        }
        const [came] = await Promise.all([read(), write()]);
        assertEquals(await joined(came), await joined(sent));
      }),
      { numRuns: 25 },
    );
  });
});

Deno.test("any datagram comes back whole and once", async () => {
  await using server = await startEcho("udp");
  const { endpoint } = server;
  assert(endpoint.scheme === "udp");
  const to = { transport: "udp", hostname: endpoint.host, port: endpoint.port } as const;
  const bursts = fc.array(fc.array(fc.nat(9000), { minLength: 1, maxLength: 8 }), { maxLength: 5 });
  await fc.assert(
    fc.asyncProperty(bursts, async (bursts) => {
      const socket = Deno.listenDatagram({ transport: "udp", hostname: "127.0.0.1", port: 0 });
      try {
        for (const sizes of bursts) {
          const sent = sizes.map(random);
          for (const bytes of sent) await socket.send(bytes, to);
          const came: Uint8Array[] = [];
          while (came.length < sent.length) came.push((await socket.receive())[0]);
          assertEquals(came.map((bytes) => bytes.toHex()), sent.map((bytes) => bytes.toHex()));
        }
      } finally {
        socket.close();
      }
    }),
    { numRuns: 40 },
  );
});

async function joined(pieces: Uint8Array<ArrayBuffer>[]): Promise<string> {
  return (await new Blob(pieces).bytes()).toHex();
}

/** What becomes of a stream from a byte on. */
const change = fc.constantFrom("corrupted", "lost", "repeated", "unexpected");

/** A stream in which one thing has changed, and the first byte that differs; -1: it ends early. */
function changed(
  sent: Uint8Array,
  change: "corrupted" | "lost" | "repeated" | "unexpected",
  at: number,
  length: number,
): { came: Uint8Array; differs: number } {
  const [before, part, after] = [sent.slice(0, at), sent.slice(at, at + length), sent.slice(at)];
  const came = {
    corrupted: sent.with(at, (sent[at] ?? 0) ^ length),
    lost: Uint8Array.of(...before, ...after.slice(length)),
    repeated: Uint8Array.of(...before, ...part, ...after),
    unexpected: Uint8Array.of(...sent, ...part),
  }[change];
  return { came, differs: came.findIndex((byte, i) => byte !== sent[i]) };
}

/** A stream of bytes, and in what pieces it is sent and comes back. */
const returned = fc.record({
  sent: fc.uint8Array({ minLength: 1, maxLength: 300 }),
  change,
  at: fc.nat(299),
  length: fc.integer({ min: 1, max: 50 }),
  cuts: fc.array(fc.nat(350), { maxLength: 8 }),
});

Deno.test("of a stream in which one thing has changed, the first byte that differs is named", () => {
  fc.assert(
    fc.property(returned, ({ sent, change, at, length, cuts }) => {
      const { came, differs } = changed(sent, change, at % sent.length, length);
      const verifier = new StreamVerifier();
      for (const piece of cut(sent, cuts)) verifier.send(piece);
      let found: string | undefined;
      for (const piece of cut(came, cuts.map((at) => at + length))) {
        found ??= verifier.receive(piece);
      }
      const offset = differs === -1 ? undefined : String(differs);
      assertEquals(/byte (\d+)/.exec(found ?? "")?.[1], offset);
      if (offset === undefined) assertEquals(verifier.missing, sent.length - came.length);
    }),
    { numRuns: 1000 },
  );
});

function cut(bytes: Uint8Array, places: readonly number[]): Uint8Array[] {
  const sorted = [0, ...places, bytes.length].toSorted((a, b) => a - b);
  return sorted.map((from, i) => bytes.subarray(from, sorted[i + 1]));
}

/** Some messages, and where the stream of them changes. */
const answers = fc.record({
  size: fc.integer({ min: 32, max: 400 }),
  sent: fc.integer({ min: 2, max: 12 }),
  change,
  place: fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }),
  length: fc.integer({ min: 1, max: 255 }),
});

Deno.test("in a stream of messages the first byte that differs is named", () => {
  fc.assert(
    fc.property(answers, ({ size, sent, change, place, length }) => {
      const messages = new Messages(size);
      const stream = Uint8Array.from(
        Array.from({ length: sent }, (_, i) => [...messages.at(i)]).flat(),
      );
      const at = Math.floor(place * stream.length);
      const { came, differs } = changed(stream, change, at, length);
      // The last bytes are lost.
      fc.pre(differs !== -1);
      const answered = Math.floor(differs / size);
      const position = { messages, first: 0, sent, answered, partial: differs % size };
      const found = diagnose(position, came.subarray(differs));
      const kind = differs < stream.length ? "corrupted" : "unexpected";
      assertEquals([found.kind, /byte (\d+)/.exec(found.what)?.[1]], [kind, String(differs)]);
    }),
    { numRuns: 500 },
  );
});

Deno.test("of datagrams, those that are lost, corrupted, repeated or overtaken are counted, and no others", () => {
  const changes = fc.record({
    count: fc.integer({ min: 2, max: 40 }),
    kind: fc.constantFrom("lost", "corrupted", "repeated", "reordered"),
    place: fc.nat(1000),
  });
  fc.assert(fc.property(changes, ({ count, kind, place }) => {
    const sent = Array.from({ length: count }, (_, i) => Uint8Array.of(i, ...random(8)));
    const at = place % (kind === "reordered" ? count - 1 : count);
    const [one = sent, next = sent] = [sent.slice(at, at + 1), sent.slice(at + 1, at + 2)];
    const came = sent.toSpliced(
      at,
      kind === "reordered" ? 2 : 1,
      ...{
        lost: [],
        corrupted: one.map((bytes) => bytes.with(3, (bytes[3] ?? 0) ^ 1)),
        repeated: [...one, ...one],
        reordered: [...next, ...one],
      }[kind],
    );
    const verifier = new DatagramVerifier();
    for (const bytes of sent) verifier.send(bytes);
    for (const bytes of came) verifier.receive(bytes);
    const none = { lost: 0, corrupted: 0, repeated: 0, reordered: 0 };
    assertEquals(verifier.errors, { ...none, [kind]: 1 });
  }));
});

Deno.test("at any rate no message is due before its time, and none drifts", () => {
  const looks = fc.record({
    start: fc.double({ min: 0, max: 1e7, noNaN: true }),
    rate: fc.double({ min: 0.01, max: 100_000, noNaN: true }),
    waits: fc.array(fc.double({ min: 0, max: 50, noNaN: true }), { maxLength: 50 }),
  });
  fc.assert(fc.property(looks, ({ start, rate, waits }) => {
    const interval = 1000 / rate;
    const endless = { end: Infinity, messages: Infinity, interval };
    const schedule = new Schedule({ start, countFrom: start, ...endless });
    let [now, taken] = [start, 0];
    for (const wait of waits) {
      // A wait counts in intervals, so that a slow rate has its turns as well as a fast one.
      now += wait * interval / 10;
      for (let due = schedule.take(now); due !== undefined; due = schedule.take(now)) {
        assert(due <= now, `sent ${due - now} ms early`);
        const drift = Math.abs(due - (start + taken++ * interval));
        assert(drift <= 1e-6, `message ${taken} has drifted by ${drift} ms`);
      }
      assert(schedule.next > now, "one that was due was not sent");
    }
  }));
});
