/** Many clients: at once, one after another, and clients that never read. */
import { dial } from "../../net/dial.ts";
import type { StreamEndpoint } from "../../net/endpoint.ts";
import { parseEndpoint } from "../../server.ts";
import type { Stream } from "../../net/stream.ts";
import { exchange, pause, random } from "../local.ts";
import type { Surroundings } from "./clients.ts";
import { descriptorsOf, memoryOf } from "../program.ts";
import { startWatched } from "./watched.ts";

/** How many clients connect at the same time: fewer than the backlog. */
const AT_ONCE = 400;

/** How much a client sends that never reads, if it can, in bytes. */
const UNREAD = 1024 * 1024;

/** Opens connections, then exchanges something on each, then closes them. */
export async function atOnce(count: number, endpoint: StreamEndpoint, around: Surroundings) {
  const streams = await openAll(count, endpoint, around);
  around.tally.connections += streams.length;
  for (let i = 0; i < streams.length; i += AT_ONCE) {
    await Promise.all(streams.slice(i, i + AT_ONCE).map((one) => check(one, around)));
  }
  for (const stream of streams) stream.close();
}

/** Opens connections, each when the last one is closed. */
export async function oneAfterAnother(
  count: number,
  endpoint: StreamEndpoint,
  around: Surroundings,
) {
  for (let i = 0; i < count && !around.signal.aborted; i++) {
    const { conn: stream } = await dial(endpoint, { timeout: 10_000 });
    around.tally.connections++;
    await check(stream, around);
    stream.close();
  }
}

async function check(stream: Stream, { tally }: Surroundings): Promise<void> {
  const sent = random(64);
  const came = await exchange(stream, sent).catch(() => new Uint8Array());
  tally.bytes += came.length;
  if (came.toHex() !== sent.toHex()) tally.mistake(`one of a crowd got back ${came.length} bytes`);
}

async function openAll(
  count: number,
  endpoint: StreamEndpoint,
  { ca, signal }: Surroundings,
): Promise<Stream[]> {
  const streams: Stream[] = [];
  while (streams.length < count && !signal.aborted) {
    const length = Math.min(AT_ONCE, count - streams.length);
    const dialOne = () => dial(endpoint, { timeout: 30_000, tls: { ca } });
    const dialled = await Promise.all(Array.from({ length }, dialOne));
    streams.push(...dialled.map(({ conn }) => conn));
  }
  return streams;
}

/** The memory of a server for clients that send 1 MiB and never read, in bytes a client. */
export async function costOfUnread(
  count: number,
  asked: string,
  caFile: string,
  around: Surroundings,
): Promise<number> {
  const tls = asked.startsWith("tls");
  await using server = await startWatched(tls ? [asked, "--write-ca", caFile] : [asked]);
  const endpoint = parseEndpoint(server.endpoints[0] ?? "") as StreamEndpoint;
  const ca = tls ? await Deno.readTextFile(caFile) : "";
  // The first crowd costs what others then use again: code, buffers, two descriptors (net/read_scheduler.ts).
  await atOnce(AT_ONCE, endpoint, { ...around, ca });
  const descriptors = descriptorsOf(server.pid);
  const before = memoryOf(server.pid);
  const streams = await openAll(count, endpoint, { ...around, ca });
  around.tally.connections += count;
  let written = 0;
  const piece = random(16_384);
  const writing = streams.map(async (stream) => {
    for (let left = UNREAD; left > 0; left -= piece.length) {
      await stream.write(piece);
      written += piece.length;
    }
  });
  // Until nothing moves any more.
  let most = 0;
  for (let last = -1; last !== written;) {
    last = written;
    await pause(1000);
    most = Math.max(most, memoryOf(server.pid));
  }
  for (const stream of streams) stream.close();
  await Promise.allSettled(writing);
  const excess = await server.excess(descriptors);
  if (excess > 0) around.tally.mistake(`${asked}: ${excess} descriptors were not given back`);
  return (most - before) / count;
}
