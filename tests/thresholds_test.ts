/** --at-most and --at-least of ping and load. */
import { assertEquals, assertMatch } from "@std/assert";
import { formatEndpoint } from "../server.ts";
import { runHere } from "./in_process.ts";
import { undisturbed } from "./machine.ts";
import { lose, startProbed } from "./pings.ts";
import { startAnswering, startDatagrams, startEcho } from "./servers.ts";

for (
  const [words, messages] of [
    [["load", "-n50", "--at-most", "p99=20s", "--at-most", "max=20s"], []],
    [["load", "-n50", "--at-least", "rate=0.01"], []],
    [["ping", "-c3", "-i0", "--at-most", "mean=20s", "--at-most", "loss=0%"], []],
    [["load", "-n50", "--at-most", "p99.9=0.0001ms"], [/p99\.9=0\.0001ms: it was .*/]],
    [["load", "-n50", "--at-least=rate=100m"], [/rate=100m: it was [\d,]+\/s$/]],
    [
      ["load", "-n50", "--at-most", "min=0.0001ms", "--at-most", "p50=0.0001ms", "--json"],
      [/min=0\.0001ms: it was .*/, /p50=0\.0001ms: it was .*/],
    ],
    [["load", "-n2", "-c1", "-r3", "--at-least=rate=9"], [/rate=9: it was \d\.\d\d\/s$/]],
    [["ping", "-c3", "-i0", "--at-most", "p50=0.0001ms"], [/p50=0\.0001ms: it was .*/]],
  ] as const
) {
  const met = messages.length === 0;
  Deno.test(`yodel ${words.join(" ")} is status ${met ? 0 : 1}`, async () => {
    await using server = await startEcho();
    const [command, ...flags] = words;
    const { code, stderr } = await runHere([command, ...server.words, ...flags]);
    assertEquals(code, met ? 0 : 1, stderr);
    const lines = stderr.split("\n").slice(0, -1);
    assertEquals(lines.length, messages.length, stderr);
    messages.forEach((message, i) => assertMatch(lines[i] ?? "", message));
  });
}

Deno.test("probes lost within the limit are status 0, beyond it 1, and a wrong answer always", async () => {
  const half = (probe: Uint8Array, number: number) => number % 2 === 0 ? lose() : [probe];
  const ways = [
    ["loss=50%", half, 0],
    ["loss=49.9%", half, 1],
    ["loss=100%", lose, 0],
    ["loss=100%", (probe: Uint8Array) => [probe.toReversed()], 1],
    ["max=9s", lose, 1],
  ] as const;
  for (const [limit, answers, status] of ways) {
    await undisturbed(async () => {
      await using server = await startProbed("udp", answers);
      const words = ["ping", formatEndpoint(server.endpoint), "-c4", "-i0", "-W300ms"];
      const { code, stderr } = await runHere([...words, "--at-most", limit]);
      assertEquals(code, status, stderr);
      assertEquals(/loss=49\.9%: it was 50%$/m.test(stderr), limit === "loss=49.9%");
      assertEquals(/max=9s: nothing was measured/.test(stderr), limit === "max=9s");
    }, 100);
  }
});

for (
  const [what, server, flags, kept, broken] of [
    [
      "messages of a connection that broke",
      () => startAnswering(64, (message, number) => number === 5 ? ["end"] : [message]),
      ["-n20"],
      "5%",
      "4.9%",
    ],
    [
      "messages without an answer",
      () => startAnswering(64, (message, number) => number === 5 ? [] : [message]),
      ["-n20", "--timeout=600ms"],
      "5%",
      "4.9%",
    ],
    [
      "datagrams that were lost",
      () => startDatagrams((bytes, number) => number % 2 === 0 ? [] : [bytes]),
      ["-n4", "--timeout=300ms"],
      "50%",
      "49.9%",
    ],
    [
      "corrupted messages",
      () => startAnswering(64, (message) => [message.toReversed()]),
      ["-n4"],
      undefined,
      "100%",
    ],
    [
      "datagrams that come twice",
      () => startDatagrams((bytes) => [bytes, bytes]),
      ["-n4"],
      undefined,
      "100%",
    ],
  ] as const
) {
  const status = kept === undefined ? "status 1 whatever the limit" : "allowed up to the limit";
  Deno.test(`of load, ${what} are ${status}`, async () => {
    await undisturbed(async () => {
      const run = async (...limit: string[]) => {
        await using running = await server();
        const words = ["load", formatEndpoint(running.endpoint), "-c1", "--json", ...flags];
        return await runHere([...words, ...limit]);
      };
      const without = await run();
      assertEquals([without.code, without.stderr], [1, ""]);
      const over = await run("--at-most", `loss=${broken}`);
      assertEquals(over.code, 1);
      if (kept === undefined) return assertEquals(over.stderr, "");
      assertEquals(over.stderr, `yodel: --at-most loss=${broken}: it was ${kept}\n`);
      const within = await run("--at-most", `loss=${kept}`);
      assertEquals([within.code, within.stderr], [0, ""]);
    }, 200);
  });
}
