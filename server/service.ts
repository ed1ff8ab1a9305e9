// What one thread serves: some listeners, and their connections.
import { aborted } from "../async/pause.ts";
import type { Listener } from "../net/stream.ts";
import type { DatagramListener } from "../net/udp.ts";
import { acceptFrom } from "./accept.ts";
import type { Access } from "./access_control.ts";
import { Connections } from "./connections.ts";
import { noConnections, type ServiceCounts } from "./counts.ts";
import { answerDatagrams } from "./datagrams.ts";
import type { LogFields } from "./log.ts";
import type { ConnectionLimit } from "./connection_limit.ts";
import type { ServePlan } from "./plan.ts";

/** A part of a server. It ends with the signal that it was given. */
export interface Service {
  /** Counts what it has done so far. */
  counts(): ServiceCounts | Promise<ServiceCounts>;
  /** Resolves when the last connection is closed. */
  readonly finished: Promise<unknown>;
}

/** What all threads of a server have in common. */
export interface Shared {
  readonly limit: ConnectionLimit;
  /** Undefined where nobody is refused. */
  readonly access: Access | undefined;
  /** Is aborted when the server takes no more. */
  readonly stopping: AbortSignal;
}

/** Serves in this thread what comes at some listeners and sockets, which it closes in the end. */
export function serveHere(
  opened: readonly (Listener | DatagramListener)[],
  plan: ServePlan,
  { limit, access, stopping }: Shared,
): Service & { readonly datagramFaults: LogFields } {
  const listeners = opened.filter((one) => "accept" in one);
  const sockets = opened.filter((one) => "send" in one);
  const connections = new Connections(plan, limit, access, stopping);
  const datagrams = answerDatagrams(sockets, plan, access, connections.scheduler, stopping);
  const stopped = aborted(stopping).then(() => opened.forEach((one) => one.close()));

  async function run(): Promise<void> {
    const accepting = listeners.map((each) =>
      acceptFrom(each, connections, limit, plan.log, stopping)
    );
    await Promise.all([stopped, ...accepting]);
    await connections.drain();
  }

  function counts(): ServiceCounts {
    const injected: Record<string, number> = {};
    for (const { fault: { name, stage }, injections } of plan.faults?.chosen ?? []) {
      if (stage !== undefined) injected[name] = (injected[name] ?? 0) + injections;
    }
    const unused = listeners.map(({ endpoint }) => [endpoint.scheme, noConnections()]);
    return {
      connections: { ...Object.fromEntries(unused), ...connections.counts },
      answered: datagrams.answered,
      unanswered: { ...datagrams.rejections },
      faults: injected,
    };
  }

  return {
    counts,
    finished: run(),
    get datagramFaults() {
      return datagrams.faults;
    },
  };
}
