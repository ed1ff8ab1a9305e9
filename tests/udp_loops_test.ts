/** What keeps two services that answer datagrams from answering each other for ever. */
import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { createSocket } from "node:dgram";
import { listenUdp } from "../net/udp.ts";
import { serve } from "../server.ts";
import { answerDatagrams, type DatagramCounts } from "../server/datagrams.ts";
import { ReadTurns } from "../net/read_turns.ts";
import { planServe } from "../server/plan.ts";
import { linux, pause, portOf, until } from "./local.ts";
import { available, run } from "./program.ts";

const encoder = new TextEncoder();

/** A server for datagrams, with what it counts. */
async function startCounting() {
  const socket = await listenUdp({ scheme: "udp", host: "127.0.0.1", port: 0 });
  const turns = new ReadTurns();
  const counts = answerDatagrams(
    [socket],
    planServe({}, []),
    undefined,
    turns,
    new AbortController().signal,
  );
  return {
    port: socket.endpoint.port,
    counts,
    async [Symbol.asyncDispose]() {
      socket.close();
      await turns.close();
    },
  };
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
    await using one = await startCounting();
    await using other = await startCounting();
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
  assert(bounced >= 100 && bounced <= 110, `it bounced ${bounced} times`);
  assertStringIncludes(log[0] ?? "", "should it be a loop");
  await new Promise<void>((resolve) => void other.close(() => resolve()));
});

Deno.test("of a thousand equal datagrams, each sent when the last is back, a second's are lost, once", async () => {
  await using server = await serve("udp://127.0.0.1:0");
  const port = portOf(server.endpoints[0]);
  const client = createSocket("udp4");
  const limit = 200;
  const silent: number[] = [];
  for (let i = 0; i < 1000; i++) {
    const back = new Promise<boolean>((resolve) => {
      const late = setTimeout(() => resolve(false), limit);
      client.once("message", () => {
        clearTimeout(late);
        resolve(true);
      });
    });
    client.send(encoder.encode("beat"), port, "127.0.0.1");
    if (await back) continue;
    client.removeAllListeners("message");
    silent.push(i);
  }
  assert(silent.length > 0 && silent.length * limit <= 1000, `lost: ${silent}`);
  assertEquals((silent.at(-1) ?? 0) - (silent[0] ?? 0), silent.length - 1, `at once: ${silent}`);
  await new Promise<void>((resolve) => void client.close(() => resolve()));
});
