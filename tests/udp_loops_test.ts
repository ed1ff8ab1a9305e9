/** What keeps two services that answer datagrams from answering each other for ever. */
import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { createSocket } from "node:dgram";
import { listenUdp } from "../net/udp.ts";
import { serve } from "../server.ts";
import { answerDatagrams, type DatagramCounts } from "../server/datagrams.ts";
import { LoopGuard } from "../server/loop_guard.ts";
import { planServe } from "../server/plan.ts";
import { linux, pause, portOf, until } from "./local.ts";
import { available, run } from "./program.ts";

const encoder = new TextEncoder();

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
  // What differs by one byte is not the same.
  const large = new Uint8Array(1280);
  for (let i = 0; i < 500; i++) {
    new DataView(large.buffer).setUint32(1, i);
    assertEquals(guard.objection(large, "10.0.0.1", 40_004, i), undefined);
  }
  for (let i = 0; i < 500; i++) {
    assertEquals(guard.objection(encoder.encode(`ping ${i}`), "10.0.0.1", 40_002, i), undefined);
  }
});

/** Sends what `now` says is due, and returns when a client with one payload got no answer. */
function silences(count: number, next: (now: number, answered: boolean) => number): number[] {
  const guard = new LoopGuard([]);
  const payload = encoder.encode("beat");
  const silent: number[] = [];
  let now = 0;
  for (let i = 0; i < count; i++) {
    const answered = guard.objection(payload, "10.0.0.1", 40_000, now) === undefined;
    if (!answered) silent.push(now);
    now = next(now, answered);
  }
  return silent;
}

for (
  const [what, next] of [
    ["a heartbeat every 10 ms", (now: number) => now + 10],
    ["stop-and-wait", (now: number, answered: boolean) => now + (answered ? 0.2 : 100)],
  ] as const
) {
  Deno.test(`${what} with the same payload each time loses a second of answers, once`, () => {
    const silent = silences(1000, next);
    assert(silent.length > 0, "it is put to the test");
    assert((silent.at(-1) ?? 0) - (silent[0] ?? 0) < 1000, `it was silent at ${silent}`);
  });
}

Deno.test("who passed the test is tested again after a minute", () => {
  const silent = silences(13_000, (now) => now + 10);
  const starts = silent.filter((at, i) => i === 0 || at - (silent[i - 1] ?? 0) > 1000);
  assertEquals(starts.length, 3);
  assert((starts[1] ?? 0) - (starts[0] ?? 0) >= 60_000);
});

Deno.test("many different datagrams at a high rate are no loop", () => {
  const guard = new LoopGuard([]);
  const bytes = new Uint8Array(64);
  for (let i = 0; i < 100_000; i++) {
    new DataView(bytes.buffer).setUint32(8, i);
    assertEquals(guard.objection(bytes, "10.0.0.1", 40_000, i / 50), undefined);
  }
});

/** A server for datagrams, with what it counts. */
async function startCounting() {
  const socket = await listenUdp({ scheme: "udp", host: "127.0.0.1", port: 0 });
  const counts = answerDatagrams([socket], planServe({}));
  return { port: socket.endpoint.port, counts, [Symbol.dispose]: () => socket.close() };
}

/** Sends datagrams that pretend to come from another port of this machine. */
async function forge(from: number, to: number, payloads: readonly string[]): Promise<void> {
  const script = `
import socket, struct, sys
raw = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_RAW)
source, target = int(sys.argv[1]), int(sys.argv[2])
for text in sys.stdin.read().split():
    data = text.encode()
    udp = struct.pack("!HHHH", source, target, 8 + len(data), 0) + data
    ip = struct.pack("!BBHHHBBH4s4s", 0x45, 0, 20 + len(udp), 0, 0, 64, 17, 0,
                     socket.inet_aton("127.0.0.1"), socket.inet_aton("127.0.0.1"))
    raw.sendto(ip + udp, ("127.0.0.1", 0))
`;
  const command = ["python3", "-c", script, String(from), String(to)];
  const { code, stderr } = await run(command, payloads.join(" "));
  assertEquals(code, 0, stderr);
}

const canForge = linux && Deno.uid() === 0 && available("python3");

for (
  const [what, payloads] of [
    ["one forged datagram", ["go"]],
    ["two different ones", ["go", "went"]],
    ["two equal ones", ["go", "go"]],
    ...[10, 70, 400, 2000].map((count) =>
      [`${count} different ones`, Array.from({ length: count }, (_, i) => `go-${i}`)] as const
    ),
  ] as const
) {
  Deno.test(`${what} from one server's port to another's do not keep them busy for ever`, {
    ignore: !canForge,
  }, async () => {
    using one = await startCounting();
    using other = await startCounting();
    await forge(one.port, other.port, payloads);
    const all = ({ answered, unanswered }: DatagramCounts) => answered + unanswered;
    await until(() => one.counts.unanswered + other.counts.unanswered > 0, "a loop is seen");
    let last = -1;
    const deadline = performance.now() + 5000;
    for (let now = 0; now !== last; now = all(one.counts) + all(other.counts)) {
      assert(performance.now() < deadline, `still busy after ${now} datagrams`);
      last = now;
      await pause(200);
    }
  });
}

Deno.test("one forged datagram does not keep a server and another echo busy for ever", async () => {
  const log: string[] = [];
  await using server = await serve("udp://127.0.0.1:0", {
    log: { warn: (_, fields) => void log.push(String(fields?.why)) },
  });
  const port = portOf(server.endpoints[0]);
  // The other echo: what its socket sends to the server is as good as forged.
  const other = createSocket("udp4");
  let bounced = 0;
  other.on("message", (bytes: Uint8Array) => {
    bounced++;
    other.send(bytes, port, "127.0.0.1");
  });
  other.send(encoder.encode("go"), port, "127.0.0.1");
  await until(() => log.length > 0, "the server sees a loop");
  assertEquals(bounced, 100);
  assertStringIncludes(log[0] ?? "", "to end loops");
  await new Promise<void>((resolve) => void other.close(() => resolve()));
});
