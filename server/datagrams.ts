/**
 * The echo of datagrams (RFC 862, UDP): each goes back to where it came from.
 *
 * @module
 */
import { formatEndpoint, formatHostPort } from "../net/endpoint.ts";
import type { DatagramListener, Source } from "../net/udp.ts";
import { excerpt } from "./log.ts";
import { LoopGuard } from "./loop_guard.ts";
import type { ServePlan } from "./plan.ts";

/** Datagrams that are not answered are logged once in this time, in milliseconds. */
const UNANSWERED_REMINDER = 1000;

/** Answers what comes at some sockets, unless that could make a loop. */
export function answerDatagrams(
  sockets: readonly DatagramListener[],
  { log, logData }: ServePlan,
): void {
  const guard = new LoopGuard(sockets.map(({ endpoint }) => endpoint.port));
  /** Datagrams that were not answered, since that was logged last. */
  let unanswered = 0;
  let reminded = -Infinity;

  function answer(socket: DatagramListener, bytes: Uint8Array, source: Source): void {
    const { address, port } = source;
    const now = performance.now();
    const objection = guard.objection(bytes, address, port, now);
    if (objection !== undefined) return refuse(socket, source, objection, now);
    socket.send(bytes, source);
    if (logData === "off") return;
    log.info?.("datagram", {
      peer: formatHostPort(address, port),
      bytes: bytes.length,
      data: excerpt(bytes, logData),
    });
  }

  function refuse({ endpoint }: DatagramListener, source: Source, why: string, now: number): void {
    unanswered++;
    if (now - reminded < UNANSWERED_REMINDER) return;
    reminded = now;
    log.warn?.("not answered", {
      peer: formatHostPort(source.address, source.port),
      endpoint: formatEndpoint(endpoint),
      why,
      datagrams: unanswered,
    });
    unanswered = 0;
  }

  for (const socket of sockets) {
    socket.onDatagram = (bytes, source) => answer(socket, bytes, source);
  }
}
