// The echo of datagrams (RFC 862, UDP): each goes back to where it came from.
import { formatAddress, formatEndpoint } from "../net/endpoint.ts";
import type { ReadTurns } from "../net/read_turns.ts";
import type { DatagramListener } from "../net/udp.ts";
import type { Doorkeeper } from "./gate.ts";
import { DatagramFaults } from "./faults/datagram_faults.ts";
import { dataFields, type LogFields } from "./log.ts";
import { LoopGuard, type Rejection, REJECTIONS } from "./loop_guard.ts";
import type { ServePlan } from "./plan.ts";

/** Datagrams that are not answered are logged once in this time, in milliseconds. */
const UNANSWERED_REMINDER = 1000;

/** How many sources are told of in the log, so that it stays small; a server has no end. */
const MAX_SOURCES = 10_000;

/**
 * After so many datagrams the event loop looks at the other sockets: under a
 * flood it would do so every 20 ms only, and everybody else would wait for it.
 */
const TURN = 64;

/** What became of the datagrams that came. */
export interface DatagramCounts {
  answered: number;
  readonly unanswered: number;
  /** Those that were not answered, by why. */
  readonly rejections: Record<Rejection, number>;
  /** What faults did to the answers. */
  readonly faults: LogFields;
}

/**
 * Answers what comes at some sockets, unless that could make a loop.
 *
 * @returns what it counts, while it counts
 */
export function answerDatagrams(
  sockets: readonly DatagramListener[],
  { log, logData, faults }: ServePlan,
  gate: Doorkeeper | undefined,
  turns: ReadTurns,
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
  /** How many were not answered when that was logged last, and when that was. */
  let logged = 0;
  let reminded = -Infinity;

  function answer(
    socket: DatagramListener,
    bytes: Uint8Array,
    source: Deno.NetAddr,
  ): Promise<unknown> | void {
    const now = performance.now();
    const isTurn = ++received % TURN === 0;
    const isWelcome = gate?.answers?.(source, socket.endpoint, now) ?? true;
    if (!isWelcome) return isTurn ? turns.next() : undefined;
    const rejection = guard.check(bytes, source.hostname, source.port, now);
    if (rejection !== undefined) {
      reject(socket, source, rejection, now);
      return isTurn ? turns.next() : undefined;
    }
    counts.answered++;
    if (log.debug !== undefined) tellOf(socket, source);
    if (logData !== "off") {
      log.info?.("datagram", { peer: formatAddress(source), ...dataFields(bytes, logData, 0) });
    }
    const sent = faulty === undefined
      ? socket.send(bytes, source)
      : Promise.resolve(faulty.send(socket, bytes, source));
    return isTurn ? sent.then(() => turns.next()) : sent;
  }

  /** Tells of a source when its first datagram comes. */
  function tellOf({ endpoint }: DatagramListener, source: Deno.NetAddr): void {
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
    if (now - reminded < UNANSWERED_REMINDER) return;
    reminded = now;
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
