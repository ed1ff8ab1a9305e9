/** The ping command: wrong, late and unexpected answers. */
import { assert, assertEquals, assertMatch } from "@std/assert";
import { ping } from "../client.ts";
import { isAllRight } from "../client/ping_result.ts";
import { summaryText } from "../report/ping_text.ts";
import { formatEndpoint } from "../server.ts";
import { random, readBytes, startCustom, writeAll } from "./local.ts";
import { PATIENT, pause, undisturbed } from "./machine.ts";
import { yodel } from "./program.ts";
import { startEcho } from "./servers.ts";
import {
  type Answers,
  but,
  corrupt,
  holding,
  invert,
  LATENCY_LINES,
  lose,
  printed,
  repeat,
  results,
  shorten,
  SIZE,
  startLine,
  startProbed,
} from "./pings.ts";

/** How long to wait for answers that do not come, in milliseconds. */
const WAITING = 300;

Deno.test("a short answer that is wrong is corrupted, whether the server ends or waits", async () => {
  for (const isOver of [true, false]) {
    await using server = startCustom(async (conn) => {
      await readBytes(conn, SIZE);
      await writeAll(conn, new TextEncoder().encode("HTTP/1.1 400"));
      if (!isOver) await readBytes(conn, 1);
    });
    const result = await ping(server.endpoint, { count: 1, timeout: isOver ? PATIENT : WAITING });
    assertEquals([result.corrupted, result.lost], [1, 0]);
    assertMatch(result.lastError ?? "", /^differs at byte 0: .+; is this an echo server\?$/);
  }
});

/** What is printed of the second of three probes, where `B` stands for `56 bytes from E`. */
for (
  const [what, answers, lines, counts, schemes = ["tcp", "udp"] as const] of [
    [
      "late",
      () => holding(2),
      ["E: seq=2 lost: no answer in 0.3s", "B: seq=2 time=T ms late"],
      "2 right, 1 late, 0% lost",
    ],
    ["lost", () => but(2, lose), ["E: seq=2 lost: no answer in 0.3s"], "2 right, 1 lost, 33% lost"],
    [
      "corrupted",
      () => but(2, corrupt),
      ["B: seq=2 time=T ms corrupted: differs at byte 7: expected 0xNN, got 0xNN"],
      "2 right, 1 corrupted, 0% lost",
    ],
    [
      "cut short",
      () => but(2, shorten),
      ["E: seq=2 lost: no answer in 0.3s, only 55 of 56 bytes"],
      "2 right, 1 lost, 33% lost",
      ["tcp"],
    ],
    [
      "cut short",
      () => but(2, shorten),
      ["55 bytes from E: seq=2 time=T ms corrupted: 56 bytes were sent and 55 came back"],
      "2 right, 1 corrupted, 0% lost",
      ["udp"],
    ],
    [
      "repeated",
      () => but(2, repeat),
      ["B: seq=2 time=T ms", "B: seq=2 time=T ms repeated"],
      "3 right, 1 repeated, 0% lost",
    ],
  ] as readonly [string, () => Answers, string[], string, (readonly ("tcp" | "udp")[])?][]
) {
  Deno.test(`an answer that is ${what} is reported, and fails the ping, over ${schemes.join(" and ")}`, async () => {
    await Promise.all(schemes.map(async (scheme) => {
      const timeout = lines[0]?.includes("no answer") ? WAITING : PATIENT;
      const { found, summary } = await undisturbed(async () => {
        await using server = await startProbed(scheme, answers());
        return await results(server.endpoint, { count: 3, interval: 0, timeout });
      });
      const name = formatEndpoint(summary.endpoint);
      // In a stream that differs, the next answer could begin anywhere.
      const isAnew = scheme === "tcp" && ["corrupted", "cut short"].includes(what);
      const last = `B: seq=3 ${isAnew ? "connect=T ms " : ""}time=T ms`;
      const about = ["B: seq=1 time=T ms", ...lines, last, ""].join("\n")
        .replace(/^B/gm, "56 bytes from E").replaceAll("E:", `${name}:`);
      const total = `--- ${name} ---\n3 probes: ${counts}, T s\n${LATENCY_LINES}`;
      assertEquals(printed(found, summary), startLine(name) + about + total);
      assert(!isAllRight(summary));
    }));
  });
}

Deno.test("answers in another order belong to their probes", async () => {
  const held: Uint8Array[] = [];
  await using server = await startProbed("udp", (probe) => {
    held.unshift(probe);
    return held.length === 3 ? held : [];
  });
  const options = { count: 3, interval: 5, timeout: PATIENT };
  const { outcomes } = await results(server.endpoint, options);
  assertEquals(outcomes.toSorted(), ["1 right", "2 right", "3 right"]);
});

for (
  const [scheme, why] of [
    ["tcp", "the server ended the connection"],
    ["udp", "no answer in 0.3s"],
  ] as const
) {
  Deno.test(`an answer that resembles no probe does not belong to a lost one, over ${scheme}`, async () => {
    const { outcomes } = await undisturbed(async () => {
      let connections = 0;
      await using server = scheme === "udp"
        ? await startProbed(scheme, (probe, number) => number === 1 ? [] : invert(probe))
        : startCustom(async (conn) => {
          const first = ++connections === 1;
          const probe = await readBytes(conn, SIZE);
          if (first) return;
          for (const answer of invert(probe)) await writeAll(conn, answer);
          await readBytes(conn, 1);
        });
      return await results(server.endpoint, { count: 2, interval: 0, timeout: WAITING });
    });
    assertEquals(
      outcomes.map((words) => words.replace(/corrupted: .*/, "corrupted")),
      [`1 lost: ${why}`, "2 corrupted"],
    );
  });
}

Deno.test("a server that sends first does not block ping, and each probe has one result", async () => {
  await using server = startCustom(async (conn) => {
    await writeAll(conn, random(SIZE));
    await writeAll(conn, await readBytes(conn, SIZE));
    await readBytes(conn, 1);
  });
  const name = formatEndpoint(server.endpoint);
  // Another process, so that the words of the server may be there before those of the client.
  const { code, stdout } = await yodel(["ping", name, "-c8", "-i0", "-W1m", "--json"]);
  const lines = stdout.trimEnd().split("\n").slice(0, -1).map((line) => JSON.parse(line));
  assert(code !== 0, stdout);
  assertEquals(
    lines.map(({ type, seq }) => `${type} ${seq}`),
    Array.from({ length: 8 }, (_, i) => `probe ${i + 1}`),
  );
  assertEquals(lines.filter(({ error }) => /^no answer/.test(error)), []);
});

Deno.test("probes that are due at once go out one after the other", async () => {
  await using server = await startEcho("tcp");
  const options = { count: 500, interval: 0.01, timeout: PATIENT };
  const { outcomes } = await results(server.endpoint, options);
  assertEquals(outcomes, Array.from({ length: 500 }, (_, i) => `${i + 1} right`));
});

Deno.test("bytes that were not sent are reported, and fail the ping", async () => {
  let isAnswered = Promise.withResolvers<void>();
  let isGone = Promise.withResolvers<void>();
  await using server = startCustom(async (conn) => {
    await writeAll(conn, await readBytes(conn, SIZE));
    await isAnswered.promise;
    await writeAll(conn, random(SIZE));
    // The client closes the connection for that.
    await readBytes(conn, 1);
    isGone.resolve();
  });
  const { outcomes, summary } = await results(server.endpoint, {
    count: 2,
    interval: 0,
    timeout: PATIENT,
    async onResult() {
      isAnswered.resolve();
      await isGone.promise;
      [isAnswered, isGone] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
    },
  });
  assertEquals(outcomes, ["1 right", "2 right"]);
  assertMatch(summaryText(summary), /\n2 probes: 2 right, [12] unexpected, 0% lost/);
  assert(!isAllRight(summary));
});

for (const scheme of ["tcp", "udp"] as const) {
  Deno.test(`an answer after the end does not count, over ${scheme}`, async () => {
    await using server = await startEcho(scheme);
    for (let i = 0; i < 20; i++) {
      const stop = new AbortController();
      let returned = false;
      const { lost } = await ping(server.endpoint, {
        interval: 0.1,
        timeout: PATIENT,
        signal: stop.signal,
        onResult({ seq }) {
          assert(!returned, `${seq} came too late`);
          if (seq === 5 + i) stop.abort();
        },
      });
      returned = true;
      await pause(1);
      assertEquals(lost, 0);
    }
  });
}
