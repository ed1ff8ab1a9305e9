/** Many clients: at once, one after another, and clients that never read. */
import { open, type STREAMS } from "../faulty.ts";
import { exchange, random } from "../local.ts";
import { descriptorsOf, memoryOf, pause } from "../machine.ts";
import { mistake, PATIENT, stop, tally } from "./clients.ts";
import { startWatched, type Watched } from "./watched.ts";

type Scheme = typeof STREAMS[number];
type Client = Awaited<ReturnType<typeof open>>;

/** How many clients connect at the same time: fewer than the backlog. */
const AT_ONCE = 400;

/** How much a client sends that never reads, if it can, in bytes. */
const UNREAD = 1024 * 1024;

/** Opens connections, then exchanges something on each, then closes them. */
export async function atOnce(count: number, server: Watched, scheme: Scheme): Promise<void> {
  const clients = await openAll(count, server, scheme);
  for (let i = 0; i < clients.length; i += AT_ONCE) {
    await Promise.all(clients.slice(i, i + AT_ONCE).map(check));
  }
  for (const client of clients) client.close();
}

/** Opens connections, each when the last one is closed. */
export async function oneAfterAnother(count: number, server: Watched): Promise<void> {
  for (let i = 0; i < count && !stop.signal.aborted; i++) {
    using client = await open({ endpoint: server.endpoint("tcp") });
    tally.connections++;
    await check(client);
  }
}

async function check(client: Client): Promise<void> {
  const sent = random(64);
  const came = await exchange(client, sent).catch(() => new Uint8Array());
  tally.bytes += came.length;
  if (came.toHex() !== sent.toHex()) mistake(`one of a crowd got back ${came.length} bytes`);
}

export async function openAll(
  count: number,
  server: Watched,
  scheme: Scheme,
  atOnce = AT_ONCE,
): Promise<Client[]> {
  const endpoint = server.endpoint(scheme);
  const clients: Client[] = [];
  while (clients.length < count && !stop.signal.aborted) {
    const length = Math.min(atOnce, count - clients.length);
    const opening = Array.from({ length }, () => open({ endpoint }, PATIENT));
    clients.push(...await Promise.all(opening));
  }
  tally.connections += clients.length;
  return clients;
}

/** The memory of a server for clients that send 1 MiB and never read, in bytes a client. */
export async function costOfUnread(count: number, scheme: Scheme): Promise<number> {
  await using server = await startWatched([scheme]);
  // Others use again what the first crowd takes: code, buffers, descriptors (net/read_scheduler.ts).
  await atOnce(AT_ONCE, server, scheme);
  const descriptors = descriptorsOf(server.pid);
  const before = memoryOf(server.pid);
  const clients = await openAll(count, server, scheme);
  let written = 0;
  const piece = random(16_384);
  const writing = clients.map(async (client) => {
    for (let left = UNREAD; left > 0; left -= piece.length) {
      await client.write(piece);
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
  for (const client of clients) client.close();
  await Promise.allSettled(writing);
  const excess = await server.excess(descriptors);
  if (excess > 0) mistake(`${scheme}: ${excess} descriptors were not given back`);
  return (most - before) / count;
}
