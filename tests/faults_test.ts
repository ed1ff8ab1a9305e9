/** Faults: options, log and help. */
import { assert, assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { OptionError, serve } from "../server.ts";
import { faults } from "../server/faults/list.ts";
import { runHere } from "./in_process.ts";
import { exchange, random } from "./local.ts";
import { until } from "./machine.ts";
import { open, startFaulty } from "./faulty.ts";
import { cert, key } from "./servers.ts";

Deno.test("a fault that is impossible is one line, status 2, before anything listens", async () => {
  const duration =
    "expected a duration with a unit, such as 500us, 250ms, 1.5s or 2m, at most 596h, or 0, " +
    "or A..B, the smaller first";
  const cases: [words: string, line: string][] = [
    ["dealy=20ms", 'unknown fault "dealy"; did you mean delay?'],
    ["teapot", 'unknown fault "teapot"; see yodel help faults'],
    ["delay", `delay: ${duration}, not an empty value`],
    ["delay=20", `delay: ${duration}, not "20"`],
    [
      "chunk=0",
      'chunk: expected a size such as 64 or 4k, from 1 to 16384 bytes, or A..B, the smaller first, not "0"',
    ],
    [
      "corrupt@120%",
      'corrupt: expected a probability such as 0.01, 1% or 1e-6, from 0 to 1, not "120%"',
    ],
    [
      "certificate=old tls://:0",
      "certificate: expected one of expired, not-yet, wrong-name, self-signed, unknown-ca, " +
      'not "old"',
    ],
    ["certificate=expired@1 tls://:0", "certificate takes no probability"],
    [
      "reset-after=5 127.0.0.1:0 unix:/nowhere/s",
      "reset-after is for tcp, tls, not for unix:/nowhere/s",
    ],
    ["reorder 127.0.0.1:0", "reorder is for udp, not for tcp://127.0.0.1:0"],
    [
      "silent@1% udp://127.0.0.1:0",
      "silent@1%: udp has no connections, so silent takes no probability there",
    ],
  ];
  for (const [words, line] of cases) {
    const stderr = `yodel: --fault: ${line}\n`;
    const result = await runHere(["serve", "--fault", ...words.split(" ")]);
    assertEquals(result, { code: 2, stdout: "", stderr });
  }
  const { stderr } = await runHere(["serve", "--seed", "1"]);
  assertEquals(stderr, "yodel: --seed: requires a fault\n");
});

Deno.test("the library refuses the same, and takes faults with their probability", async () => {
  for (
    const [endpoint, options] of [
      ["tcp://127.0.0.1:0", { faults: ["teapot"] }],
      ["tcp://127.0.0.1:0", { faults: ["delay=1"] }],
      ["tcp://127.0.0.1:0", { faults: ["lose@2"] }],
      ["tcp://127.0.0.1:0", { faults: ["lose"], seed: 1.5 }],
      ["tcp://127.0.0.1:0", { seed: 0 }],
      ["tls://127.0.0.1:0", { faults: ["certificate=expired"], tls: { cert, key } }],
    ] as const
  ) {
    await assertRejects(() => serve(endpoint, options), OptionError);
  }
  await using server = await startFaulty("tcp", ["repeat@1"]);
  using stream = await open(server);
  assertEquals(await exchange(stream, Uint8Array.of(1)), Uint8Array.of(1));
  assertEquals(await exchange(stream, Uint8Array.of(2)), Uint8Array.of(1));
});

Deno.test("the log says which faults are on, and what they did to a connection", async () => {
  await using server = await startFaulty(
    "tcp",
    ["corrupt@1", "delay=1ms..2ms@1", "stall=1h@0"],
    { seed: 7 },
  );
  assertEquals(server.log[0]?.fields.faults, "corrupt@1,delay=1ms..2ms@1,stall=1h@0");
  assertEquals(server.log[0]?.fields.seed, 7);
  using stream = await open(server);
  await exchange(stream, new Uint8Array(3));
  stream.close();
  const { faults, corrupted_bytes, why } = await server.story();
  assertEquals([faults, corrupted_bytes, why], ["corrupt,delay", 3, "eof"]);
});

Deno.test("a share of the connections has a fault, and the others are as without", async () => {
  const share = 0.3;
  await using server = await startFaulty("tcp", [`rate=1k@${share}`], { seed: 1 });
  const message = random(10_000);
  const streams = await Promise.all(Array.from({ length: 60 }, () => open(server)));
  let returned = 0;
  const reading = streams.map(async (stream) => {
    await exchange(stream, message);
    returned++;
  });
  // At 1 KiB a second the others need ten.
  await until(() => returned > 60 * (1 - share) - 12, "those without faults have answered");
  for (const stream of streams) stream.close();
  await Promise.allSettled(reading);
  const closed = () => server.log.filter(({ message }) => message.startsWith("closed"));
  await until(() => closed().length === 60, "all are closed");
  const faulty = closed().filter(({ fields }) => fields.faults === "rate").length;
  assert(Math.abs(faulty - 60 * share) < 12, `${faulty} of 60 had the fault`);
});

Deno.test("help lists every fault with what its probability is of, in 80 columns", async () => {
  const { code, stdout } = await runHere(["help", "faults"]);
  assertEquals(code, 0);
  const lines = stdout.split("\n");
  for (const { name, help, transports } of faults) {
    const line = lines.find((line) => line.startsWith(`  ${name} `)) ?? "";
    assertStringIncludes(line, help);
    assertEquals(
      /\((?!0)(.*)\)$/.exec(line)?.[1],
      transports.length === 3
        ? "not udp"
        : transports.length < 3
        ? transports.join(", ")
        : undefined,
      line,
    );
  }
  assertEquals(lines.filter((line) => line.length > 80), []);
  assert(lines.length <= 24, `${lines.length - 1} lines and a prompt`);
  const rules = stdout.replace(/\s+/g, " ");
  const namesOf = (unit: string) =>
    faults.filter(({ chance }) => chance?.of === unit).map(({ name }) => name).join(", ");
  assertStringIncludes(rules, `read (${namesOf("reads")}), 256 bytes (${namesOf("blocks")})`);
  assertStringIncludes(rules, `or byte (${namesOf("bytes")})`);
  for (const { name, chance: { usual = 1 } = {} } of faults) {
    if (usual !== 1) assertStringIncludes(rules, `${name} ${usual === "once" ? usual : "1e-6"}`);
  }
  assertStringIncludes((await runHere(["help", "fault"])).stderr, "did you mean faults?");
});
