import { pause } from "../../async/pause.ts";
import type { DialOptions } from "../../net/dial_options.ts";
import type { HostEndpoint } from "../../net/endpoint.ts";
import { dialUdp } from "../../net/udp.ts";
import { type Probe, Probes } from "../verify/probes.ts";
import { type ConnectionSettings, firstMessage, type LoadConnection } from "./connection.ts";

/** How long to wait for unexpected datagrams at the end, in milliseconds. */
const FINISH_WITHIN = 100;

/** @throws {EndpointError} for an unknown host */
export async function openDatagrams(
  number: number,
  endpoint: HostEndpoint<"udp">,
  dialOptions: DialOptions,
  { messages, load: { timeout }, recorder, events }: ConnectionSettings,
): Promise<LoadConnection> {
  const first = firstMessage(number);
  const probes = new Probes(messages);
  const waited = new WeakMap<Probe, number>();
  let sent = 0;

  function receive(bytes: Uint8Array): void {
    const now = performance.now();
    recorder.bytesReceived(bytes.length);
    const answer = probes.receive(bytes);
    if (answer === undefined) {
      return recorder.error("unexpected", number, "a datagram came that was not sent");
    }
    const { probe, outcome, difference } = answer;
    // Each has one error: a late one was lost before.
    if (outcome !== "right") probes.giveUp(probe);
    if (outcome === "right") {
      recorder.answered(probe.due, now);
      events.onFree(own, now);
    } else if (outcome === "repeated") {
      recorder.error("repeated", number, `${nameOf(probe)} came back again`);
    } else if (outcome === "corrupted") {
      fail(probe, "corrupted", `${nameOf(probe)}: ${difference}`);
    }
  }

  function fail(probe: Probe, kind: "lost" | "corrupted", what: string): void {
    recorder.error(kind, number, what);
    recorder.failed(probe.due);
    events.onFree(own, performance.now());
  }

  function nameOf({ number }: Probe): string {
    return `datagram ${number - first + 1}`;
  }

  const own = {
    number,
    isOpen: true,
    send(due: number) {
      const bytes = probes.bytesOf(probes.send(first + sent++, due));
      recorder.bytesSent(bytes.length);
      link.send(bytes);
    },
    checkTimeout(interval: number) {
      for (const probe of probes.waitingCount > 0 ? probes.waiting : []) {
        // Not by the clock: answers may have arrived while the process was stopped.
        const time = waited.get(probe) ?? 0;
        waited.set(probe, time + interval);
        if (timeout === 0 || time < timeout) continue;
        probes.giveUp(probe);
        fail(probe, "lost", `no answer came to ${nameOf(probe)}`);
      }
    },
    async finish() {
      await pause(FINISH_WITHIN);
      own.close();
    },
    close() {
      own.isOpen = false;
      recorder.reached(link.address);
      link.close();
    },
  };
  const link = await dialUdp(endpoint, receive, (error) => {
    if (!own.isOpen) return;
    own.close();
    recorder.error("broken", number, error.message);
    for (const probe of probes.waiting) {
      probes.giveUp(probe);
      recorder.failed(probe.due);
    }
    events.onEnd(own);
  }, { ...dialOptions, timeout });
  return own;
}
