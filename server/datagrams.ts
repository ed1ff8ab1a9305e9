// The echo of datagrams (RFC 862): each goes back to its source.
import { formatAddress, formatEndpoint } from "../net/endpoint.ts";
import type { ReadScheduler } from "../net/read_scheduler.ts";
import type { DatagramListener } from "../net/udp.ts";
import type { Access } from "./access_control.ts";
import { DatagramFaults } from "./faults/datagram_faults.ts";
import { dataFields, type LogFields } from "./log.ts";
import { LoopGuard, type Rejection, REJECTIONS } from "./loop_guard.ts";
import type { ServePlan } from "./plan.ts";

/** The log reports unanswered datagrams once in this time, in milliseconds. */
const LOG_INTERVAL = 1000;

/** The log reports the first datagram of so many sources: a server may run for months. */
const MAX_SOURCES = 10_000;

/**
 * After so many datagrams the other sockets have their turn: under a flood the
 * event loop would look at them every 20 ms only.
 */
const TURN = 64;

/** Counts of datagrams. */
export interface DatagramCounts {
  answered: number;
  readonly unanswered: number;
  /** Unanswered ones, by reason. */
  readonly rejections: Record<Rejection, number>;
  /** What faults did to answers, for the log. */
  readonly faults: LogFields;
}

/**
 * Answers the datagrams of some sockets, unless that could make a loop.
 *
 * @returns its counts, which go on
 */
export function answerDatagrams(
  sockets: readonly DatagramListener[],
  { log, logData, faults }: ServePlan,
  access: Access | undefined,
  scheduler: ReadScheduler,
  stopping: AbortSignal,
): DatagramCounts {
  const guard = new LoopGuard(sockets.map(({ endpoint }) => endpoint.port));
  const faulty = faults && sockets.length > 0 ? new DatagramFaults(faults, stopping) : undefined;
  const counts = {
    answered: 0,
    rejections: { low_port: 0, own_port: 0, repeated: 0 },
    get unanswered(): number {
      return Object.values(this.rejections).reduce((sum, count) => sum + count);
    },
    get faults() {
      return faulty?.fields ?? {};
    },
  };
  const sources = new Set<string>();
  let received = 0;
  /** How many were unanswered when the log reported that last, and when that was. */
  let logged = 0;
  let loggedAt = -Infinity;

  function answer(
    socket: DatagramListener,
    bytes: Uint8Array,
    source: Deno.NetAddr,
  ): Promise<unknown> | void {
    const now = performance.now();
    const isTurn = ++received % TURN === 0;
    const mayAnswer = access?.mayAnswer?.(source, socket.endpoint, now) ?? true;
    if (!mayAnswer) return isTurn ? scheduler.next() : undefined;
    const rejection = guard.check(bytes, source.hostname, source.port, now);
    if (rejection !== undefined) {
      reject(socket, source, rejection, now);
      return isTurn ? scheduler.next() : undefined;
    }
    counts.answered++;
    if (log.debug !== undefined) logFirst(socket, source);
    if (logData !== "off") {
      log.info?.("datagram", { peer: formatAddress(source), ...dataFields(bytes, logData, 0) });
    }
    const sent = faulty === undefined
      ? socket.send(bytes, source)
      : Promise.resolve(faulty.send(socket, bytes, source));
    return isTurn ? sent.then(() => scheduler.next()) : sent;
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
    if (now - loggedAt < LOG_INTERVAL) return;
    loggedAt = now;
    log.warn?.("not answered", {
      peer: formatAddress(source),
      endpoint: formatEndpoint(endpoint),
      why: REJECTIONS[why],
      datagrams: counts.unanswered - logged,
    });
    logged = counts.unanswered;
  }

  for (const socket of sockets) {
    socket.onDatagram = (bytes, source) => answer(socket, bytes, source);
  }
  return counts;
}
