// The echo of datagrams (RFC 862).
import { formatAddress, formatEndpoint } from "../net/endpoint.ts";
import type { ReadScheduler } from "../net/read_scheduler.ts";
import type { DatagramListener } from "../net/udp.ts";
import type { Access } from "./access_control.ts";
import { DatagramFaults } from "./injection/inject_into_datagrams.ts";
import type { LogFields } from "./log.ts";
import { LoopGuard } from "./loop_guard.ts";
import type { ServePlan } from "./plan.ts";
import { dataFields } from "./stages/data_log_stage.ts";

/**
 * Datagrams per turn: under a flood the event loop would poll the other sockets every 20 ms. With
 * 256, a datagram costs a microsecond less, and a lone TCP client gets half the round trips.
 */
const TURN = 64;

/** Answers the datagrams of some sockets, unless that could make a loop; returns live counts. */
export function answerDatagrams(
  sockets: readonly DatagramListener[],
  plan: ServePlan,
  access: Access | undefined,
  scheduler: ReadScheduler,
  stopping: AbortSignal,
) {
  const { log, logData } = plan;
  const guard = new LoopGuard(sockets.map(({ endpoint }) => endpoint.port));
  const faults = new DatagramFaults(stopping);
  const changeFaults = () => {
    if (sockets.length > 0) faults.begin(plan.faults);
  };
  changeFaults();
  const counts = {
    answered: 0,
    rejections: { low_port: 0, own_port: 0, repeated: 0 },
    /** For the log. */
    get faults(): LogFields {
      return faults.fields;
    },
    changeFaults,
  };
  let received = 0;

  function answer(
    socket: DatagramListener,
    bytes: Uint8Array,
    source: Deno.NetAddr,
  ): Promise<unknown> | void {
    const now = performance.now();
    if (access?.mayAnswer?.(source, socket.endpoint, now) === false) return;
    const rejection = guard.check(bytes, source.hostname, source.port, now);
    if (rejection !== undefined) {
      const fields = { peer: formatAddress(source), endpoint: formatEndpoint(socket.endpoint) };
      const count = ++counts.rejections[rejection];
      log[count === 1 ? "warn" : "debug"]?.("not answered", { ...fields, why: rejection });
      return;
    }
    counts.answered++;
    if (logData === "off") {
      log.debug?.("datagram", { peer: formatAddress(source), bytes: bytes.length });
    } else {
      log.info?.("datagram", { peer: formatAddress(source), ...dataFields(bytes, logData, 0) });
    }
    return faults.send(socket, bytes, source);
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
