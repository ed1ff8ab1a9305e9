/** Many clients: at once, one after another, and such as never read. */
import { dial } from "../../net/dial.ts";
import type { StreamEndpoint } from "../../net/endpoint.ts";
import type { Stream } from "../../net/stream.ts";
import { exchange, pause, random } from "../local.ts";
import type { Surroundings } from "./clients.ts";
import { Watched } from "./watched.ts";

/** How many of those that come at once are on their way at the same time: fewer than the backlog. */
const ON_THEIR_WAY = 400;

/** What one that never reads sends, if it can, in bytes. */
const UNREAD = 1024 * 1024;

/** Opens so many connections, then exchanges something on each, then closes them. */
export async function atOnce(count: number, endpoint: StreamEndpoint, around: Surroundings) {
  const streams = await openAll(count, endpoint, around);
  around.tally.connections += streams.length;
  for (let i = 0; i < streams.length; i += ON_THEIR_WAY) {
    await Promise.all(streams.slice(i, i + ON_THEIR_WAY).map((one) => check(one, around)));
  }
  for (const stream of streams) stream.close();
}

/** Opens so many connections, each when the last is closed. */
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
    const more = Math.min(ON_THEIR_WAY, count - streams.length);
    const dialled = Array.from(
      { length: more },
      () => dial(endpoint, { timeout: 30_000, tls: { ca } }),
    );
    streams.push(...(await Promise.all(dialled)).map(({ conn }) => conn));
  }
  return streams;
}

/** What clients that send 1 MiB and never read cost the server, in bytes a client. */
export async function costOfUnread(
  count: number,
  asked: string,
  caFile: string,
  around: Surroundings,
): Promise<number> {
  const tls = asked.startsWith("tls");
  await using server = await Watched.start(tls ? [asked, "--write-ca", caFile] : [asked]);
  const [endpoint] = server.endpoints;
  if (endpoint === undefined || endpoint.scheme === "udp") return 0;
  const ca = tls ? await Deno.readTextFile(caFile) : "";
  // The first crowd costs what others then use again: code, buffers, two descriptors (net/read_scheduler.ts).
  await atOnce(ON_THEIR_WAY, endpoint, { ...around, ca });
  const descriptors = server.descriptors;
  const before = server.memory;
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
    most = Math.max(most, server.memory);
  }
  for (const stream of streams) stream.close();
  await Promise.allSettled(writing);
  const excess = await server.excess(descriptors);
  if (excess > 0) around.tally.mistake(`${asked}: ${excess} descriptors were not given back`);
  return (most - before) / count;
}
