// The listeners of one thread, and their connections.
import { aborted } from "../async/pause.ts";
import type { Listener } from "../net/stream.ts";
import type { DatagramListener } from "../net/udp.ts";
import { acceptFrom } from "./accept.ts";
import type { Access } from "./access_control.ts";
import { ConnectionSet } from "./connection_set.ts";
import { noConnections, type ServiceCounts } from "./counts.ts";
import { answerDatagrams } from "./datagrams.ts";
import type { ConnectionLimit } from "./connection_limit.ts";
import { type FaultOptions, planFaults } from "./injection/plan.ts";
import type { ServePlan } from "./plan.ts";

/** A part of a server. */
export interface Service {
  counts(): ServiceCounts | Promise<ServiceCounts>;
  /** Sets the faults of connections and datagrams from now on. */
  setFaults(set: FaultOptions): void | Promise<unknown>;
  /** Resolves when the last connection is closed. */
  readonly finished: Promise<unknown>;
}

/** What all threads of a server share. */
export interface Shared {
  readonly limit: ConnectionLimit;
  readonly access: Access | undefined;
  /** Stops the server. */
  readonly stopping: AbortSignal;
}

/** Serves some listeners and sockets, and closes them in the end. */
export function serveHere(
  opened: readonly (Listener | DatagramListener)[],
  plan: ServePlan,
  { limit, access, stopping }: Shared,
) {
  const listeners = opened.filter((one) => "accept" in one);
  const sockets = opened.filter((one) => "send" in one);
  const connections = new ConnectionSet(plan, limit, access, stopping);
  const datagrams = answerDatagrams(sockets, plan, access, connections.scheduler, stopping);
  const stopped = aborted(stopping).then(() => sockets.forEach((one) => one.close()));
  const accepting = listeners.map((one) => acceptFrom(one, connections, limit, plan.log, stopping));

  function counts(): ServiceCounts {
    const { chosen, injected } = plan.faults;
    const current: Record<string, number> = {};
    for (const { text, injections } of chosen) current[text] = (current[text] ?? 0) + injections;
    const unused = listeners.map(({ endpoint }) => [endpoint.scheme, noConnections()]);
    return {
      connections: { ...Object.fromEntries(unused), ...connections.counts },
      answered: datagrams.answered,
      unanswered: { ...datagrams.rejections },
      faults: { ...injected },
      currentFaults: current,
    };
  }

  function setFaults(set: FaultOptions): void {
    const endpoints = opened.map(({ endpoint }) => endpoint);
    plan.faults = planFaults(set, endpoints, plan.faults);
    connections.changeFaults();
    datagrams.changeFaults();
  }

  const finished = Promise.all([stopped, ...accepting]).then(() => connections.drain());
  return { counts, setFaults, finished, datagrams };
}
