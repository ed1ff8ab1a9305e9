import { pause } from "../../async/pause.ts";
import type { DialOptions } from "../../net/dial.ts";
import type { HostEndpoint } from "../../net/endpoint.ts";
import { dialUdp } from "../../net/udp.ts";
import { type Probe, Probes } from "../verify/probes.ts";
import {
  type ConnectionEvents,
  type ConnectionSettings,
  firstMessage,
  type LoadConnection,
} from "./connection.ts";

/** How long to wait for what should not come any more, in milliseconds. */
const FINISH_WITHIN = 100;

/**
 * Opens a socket that carries messages, each in a datagram that begins with its number.
 *
 * @throws {EndpointError} for an unknown host
 */
export async function openDatagrams(
  number: number,
  endpoint: HostEndpoint<"udp">,
  dialOptions: DialOptions,
  settings: ConnectionSettings,
  events: ConnectionEvents,
): Promise<LoadConnection> {
  const { messages, timeout, recorder } = settings;
  const first = firstMessage(number);
  const probes = new Probes(messages);
  /** For how long each has waited, in milliseconds, as far as it was waited for. */
  const waited = new WeakMap<Probe, number>();
  let sent = 0;
  let isOpen = true;

  function receive(bytes: Uint8Array): void {
    const now = performance.now();
    recorder.result.bytes.received += bytes.length;
    const answer = probes.receive(bytes);
    if (answer === undefined) {
      return recorder.error("unexpected", number, "a datagram came that was not sent");
    }
    const { probe, outcome, difference } = answer;
    // Each message is wrong once, whatever else comes of it.
    if (outcome !== "right") probes.giveUp(probe);
    switch (outcome) {
      case "right":
        return events.onAnswer(own, probe.due, probe.due, now);
      case "repeated":
        return recorder.error(outcome, number, `${nameOf(probe)} came back again`, probe.due);
      case "corrupted":
        recorder.error("corrupted", number, `${nameOf(probe)}: ${difference}`);
        return events.onFailure(own, probe.due);
      case "late": // It counts as lost already, and has been said to be.
    }
  }

  function nameOf({ number }: Probe): string {
    return `datagram ${number - first + 1}`;
  }

  function close(): void {
    isOpen = false;
    recorder.result.address ??= link.address;
    link.close();
  }

  const own: LoadConnection = {
    number,
    get isOpen() {
      return isOpen;
    },
    get underWay() {
      return probes.waitingCount;
    },
    send(due) {
      const bytes = probes.bytesOf(probes.send(first + sent++, due));
      recorder.result.bytes.sent += bytes.length;
      link.send(bytes);
    },
    checkTimeout(interval) {
      for (const probe of probes.waitingCount > 0 ? probes.waiting : []) {
        // Counted, not by the clock: while the process was stopped, answers may have come.
        const time = waited.get(probe) ?? 0;
        if (time >= timeout) {
          probes.giveUp(probe);
          recorder.error("lost", number, `no answer came to ${nameOf(probe)}`);
          events.onFailure(own, probe.due);
        }
        waited.set(probe, time + interval);
      }
    },
    async finish() {
      await pause(FINISH_WITHIN);
      close();
    },
    close,
  };
  const link = await dialUdp(endpoint, receive, (error) => {
    if (!isOpen) return;
    recorder.error("broken", number, error.message);
    close();
    const { waiting } = probes;
    for (const probe of waiting) probes.giveUp(probe);
    events.onEnd(own, waiting.map(({ due }) => due));
  }, { ...dialOptions, timeout });
  return own;
}
