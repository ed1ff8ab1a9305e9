/** What a soak has found so far. */
import type { LoadErrorKind, LoadResult } from "../../client.ts";

/** How many mistakes are told in words. */
const MAX_TOLD = 20;

/** Counts what passes, and what should not happen. */
export class Tally {
  connections = 0;
  bytes = 0;
  /** Datagrams that did not come back, which may happen. */
  datagramsLost = 0;
  /** What clients of the server with faults found wrong. */
  faultsFound = 0;
  /** How often something happened that should never happen. */
  mistakes = 0;

  /** Notes what should never happen. */
  mistake(what: string): void {
    if (this.mistakes++ < MAX_TOLD) console.log(`mistake: ${what}`);
  }

  /** Adds a load; `excused` are the kinds of errors that may happen. */
  add(result: LoadResult, excused: readonly LoadErrorKind[]): void {
    const { plan, connections, bytes, errors, examples } = result;
    this.connections += connections;
    this.bytes += bytes.received;
    if (excused.includes("lost") && plan.endpoint.scheme === "udp") {
      this.datagramsLost += errors.lost;
    }
    for (const example of examples) {
      if (excused.some((kind) => example.startsWith(`${kind}:`))) continue;
      this.mistake(`load ${plan.endpoint.scheme}: ${example}`);
    }
  }
}
