/** What keeps two services that answer datagrams from answering each other for ever. */
import { assert, assertEquals } from "@std/assert";
import { createSocket } from "node:dgram";
import { serve, type Server } from "../server.ts";
import { portOf } from "./local.ts";
import { linux, PATIENT, pause, until } from "./machine.ts";
import { available, run } from "./program.ts";

/** How many datagrams some servers did not answer, and how many they got. */
async function count(servers: readonly Server[]): Promise<{ unanswered: number; all: number }> {
  const counts = await Promise.all(servers.map((server) => server.counts()));
  const unanswered = counts.flatMap(({ unanswered }) => Object.values(unanswered))
    .reduce((sum, count) => sum + count, 0);
  return { unanswered, all: counts.reduce((sum, { answered }) => sum + answered, unanswered) };
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

Deno.test("400 forged datagrams between two servers end", {
  ignore: !canForge,
}, async () => {
  await using one = await serve("udp://127.0.0.1:0");
  await using other = await serve("udp://127.0.0.1:0");
  const [from, to] = [portOf(one.endpoints[0]), portOf(other.endpoints[0])];
  await forge(from, to, Array.from({ length: 400 }, (_, i) => `go-${i}`));
  const deadline = performance.now() + PATIENT;
  for (let last = -1;;) {
    const { unanswered, all } = await count([one, other]);
    if (unanswered > 0 && all === last) break;
    assert(performance.now() < deadline, `still busy after ${all} datagrams`);
    last = all;
    await pause(100);
  }
});

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
  other.send("go", port, "127.0.0.1");
  await until(() => log.length > 0, "the server sees a loop");
  assertEquals(log, ["repeated"]);
  const before = bounced;
  assert(before > 3, `it bounced ${before} times`);
  await pause(200);
  assertEquals(bounced, before);
  await new Promise<void>((resolve) => void other.close(() => resolve()));
});
