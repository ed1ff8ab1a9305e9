/**
 * The metrics of a server.
 *
 * @module
 */
import type { Server, ServerCounts } from "../server.ts";
import { ENDINGS } from "../server/connection.ts";
import type { Metrics, Sample } from "./metrics.ts";

/** Why the server refuses somebody, as its counts have it. */
const REFUSALS = ["denied", "over_limit"];

/** Shows what a server counts. Nothing is counted for it but what the server keeps anyway. */
export function watchServer(metrics: Metrics, server: Server): void {
  const streams = [...new Set(server.endpoints.map(({ scheme }) => scheme))]
    .filter((scheme) => scheme !== "udp");

  function watch(
    name: string,
    help: string,
    labels: readonly string[],
    samples: (counts: ServerCounts) => Iterable<Sample>,
  ): void {
    metrics.watch(name, help, labels, () => samples(server.counts));
  }

  function perTransport(name: string, help: string, figure: "open" | "received" | "sent"): void {
    watch(
      name,
      help,
      ["transport"],
      ({ connections }) =>
        streams.map((transport) => [connections[transport]?.[figure] ?? 0, { transport }]),
    );
  }

  watch("yodel_accepting", "1 while it accepts, 0 while it drains", [], ({ accepting }) => [
    [Number(accepting)],
  ]);
  perTransport("yodel_connections_open", "Connections that are open", "open");
  watch(
    "yodel_connections_closed_total",
    "Connections that have ended, by why",
    ["transport", "ending"],
    ({ connections }) =>
      streams.flatMap((transport) =>
        ENDINGS.map((ending) =>
          [connections[transport]?.ended[ending] ?? 0, { transport, ending }] as const
        )
      ),
  );
  perTransport("yodel_received_bytes_total", "Bytes that connections brought", "received");
  perTransport("yodel_sent_bytes_total", "Bytes that were sent back on connections", "sent");
  watch(
    "yodel_connections_refused_total",
    "Connections that were closed at once: by --deny and --allow, or by --max-per-client",
    ["reason"],
    ({ refused }) => REFUSALS.map((reason) => [refused[`connections_${reason}`] ?? 0, { reason }]),
  );
  watch(
    "yodel_connections_full_total",
    "How often all places of --max-connections were taken",
    [],
    ({ full }) => [[full]],
  );
  watch("yodel_datagrams_answered_total", "Datagrams that were answered", [], ({ answered }) => [
    [answered],
  ]);
  watch(
    "yodel_datagrams_unanswered_total",
    "Datagrams that were not answered: by --deny and --allow, by --udp-rate, or against loops",
    ["reason"],
    ({ unanswered, refused }) => [
      ...REFUSALS.map((reason) => [refused[`datagrams_${reason}`] ?? 0, { reason }] as const),
      ...Object.entries(unanswered).map(([reason, count]) => [count, { reason }] as const),
    ],
  );
  watch(
    "yodel_faults_injected_total",
    "How often each fault struck",
    ["fault"],
    ({ faults }) => Object.entries(faults).map(([fault, times]) => [times, { fault }]),
  );
}
