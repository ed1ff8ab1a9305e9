// What `yodel serve` says to somebody who sits at its terminal, besides what every log has.
import { type Endpoint, formatEndpoint } from "../net/endpoint.ts";
import { formatAmount } from "../report/units.ts";
import type { Log } from "../server/log.ts";
import { duration, formatValue } from "../values/kinds.ts";

/** A log that says to somebody at a terminal what they can do, and nothing that stdout shows there. */
export function atTerminal(log: Log, drain: number): Log {
  const { info } = log;
  if (info === undefined) return log;
  const limit = drain === 0 ? "no limit" : `up to ${formatValue(duration, drain)}`;
  return {
    ...log,
    info(message, fields) {
      if (message === "draining") {
        const connections = formatAmount(Number(fields?.connections), "connection");
        info(`draining ${connections}, ${limit}; Ctrl-C again ends it now`);
      } else if (message !== "listening" || !Deno.stdout.isTerminal()) {
        info(message, fields);
      } else if (fields?.faults !== undefined) {
        const { endpoints: _, ...faults } = fields;
        info("misbehaving", faults);
      }
    },
  };
}

/** Says how others could reach a server that only this machine can reach. */
export function adviceForOthers(endpoints: readonly Endpoint[]): string | undefined {
  const withHosts = endpoints.filter((endpoint) => endpoint.scheme !== "unix");
  const isLoopback = (host: string) => host === "::1" || host.startsWith("127.");
  if (withHosts.length === 0 || !withHosts.every(({ host }) => isLoopback(host))) return undefined;
  const wider = withHosts.map((endpoint) => formatEndpoint({ ...endpoint, host: "*" }));
  const names = new Set(wider.map((name) => name.replace("tcp://", "")));
  return `only this machine; ${[...names].join(" ")} for others`;
}
