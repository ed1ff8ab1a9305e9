// The echo of datagrams (RFC 862).
import { formatAddress, formatEndpoint } from "../net/endpoint.ts";
import type { ReadScheduler } from "../net/read_scheduler.ts";
import type { DatagramListener } from "../net/udp.ts";
import type { Access } from "./access_control.ts";
import { DatagramFaults } from "./faults/datagram_faults.ts";
import { dataFields, type LogFields } from "./log.ts";
import { LoopGuard, type Rejection, REJECTIONS } from "./loop_guard.ts";
import type { ServePlan } from "./plan.ts";

/** From one log line about unanswered datagrams to the next, in milliseconds. */
const LOG_INTERVAL = 1000;

/** How many sources have their first datagram logged: this bounds the memory. */
const MAX_SOURCES = 10_000;

/** Datagrams per turn: under a flood the event loop would poll the other sockets every 20 ms. */
const TURN = 64;

/** Answers the datagrams of some sockets, unless that could make a loop; returns live counts. */
export function answerDatagrams(
  sockets: readonly DatagramListener[],
  { log, logData, faults }: ServePlan,
  access: Access | undefined,
  scheduler: ReadScheduler,
  stopping: AbortSignal,
) {
  const guard = new LoopGuard(sockets.map(({ endpoint }) => endpoint.port));
  const faulty = faults && sockets.length > 0 ? new DatagramFaults(faults, stopping) : undefined;
  const counts = {
    answered: 0,
    rejections: { low_port: 0, own_port: 0, repeated: 0 },
    /** For the log. */
    get faults(): LogFields {
      return faulty?.fields ?? {};
    },
  };
  const sources = new Set<string>();
  let received = 0;
  /** Unanswered datagrams since the last log line about them. */
  let unlogged = 0;
  let loggedAt = -Infinity;

  function answer(
    socket: DatagramListener,
    bytes: Uint8Array,
    source: Deno.NetAddr,
  ): Promise<unknown> | void {
    const now = performance.now();
    if (access?.mayAnswer?.(source, socket.endpoint, now) === false) return;
    const rejection = guard.check(bytes, source.hostname, source.port, now);
    if (rejection !== undefined) return reject(socket, source, rejection, now);
    counts.answered++;
    if (log.debug !== undefined) logFirst(socket, source);
    if (logData !== "off") {
      log.info?.("datagram", { peer: formatAddress(source), ...dataFields(bytes, logData, 0) });
    }
    if (faulty === undefined) return socket.send(bytes, source);
    faulty.send(socket, bytes, source);
  }

  function logFirst({ endpoint }: DatagramListener, source: Deno.NetAddr): void {
    const peer = formatAddress(source);
    if (sources.has(peer) || sources.size >= MAX_SOURCES) return;
    sources.add(peer);
    log.debug?.("first datagram", { peer, endpoint: formatEndpoint(endpoint) });
  }

  function reject(
    { endpoint }: DatagramListener,
    source: Deno.NetAddr,
    why: Rejection,
    now: number,
  ): void {
    counts.rejections[why]++;
    unlogged++;
    if (now - loggedAt < LOG_INTERVAL) return;
    loggedAt = now;
    log.warn?.("not answered", {
      peer: formatAddress(source),
      endpoint: formatEndpoint(endpoint),
      why: REJECTIONS[why],
      datagrams: unlogged,
    });
    unlogged = 0;
  }

  for (const socket of sockets) {
    socket.onDatagram = (bytes, source) => {
      const sending = answer(socket, bytes, source);
      if (++received % TURN !== 0) return sending;
      return Promise.resolve(sending).then(() => scheduler.next());
    };
  }
  return counts;
}
