// Chooses the stages of a connection, and its loop: with none of them, the hot path.
import type { ReadScheduler } from "../../net/read_scheduler.ts";
import type { BufferPool } from "../buffers.ts";
import type { Connection } from "../connection.ts";
import { ConnectionFaults } from "../injection/inject_into_connection.ts";
import { plainEcho } from "./echo_without_stages.ts";
import type { ServePlan } from "../plan.ts";
import { dataLog } from "./data_log_stage.ts";
import { sendAll, type Stage, stagedEcho } from "./echo_with_stages.ts";

/** Echoes, in a loop that is chosen once, and again each time that the faults are changed. */
export async function echo(
  connection: Connection,
  plan: ServePlan,
  buffers: BufferPool,
  scheduler: ReadScheduler,
): Promise<void> {
  const { stream, traffic } = connection;
  const always: Stage[] = [];
  if (plan.logData !== "off") always.push(dataLog(plan.log, plan.logData, connection.number));
  let own: ConnectionFaults | undefined;
  let unread: Uint8Array | undefined;
  for (let isNew = true;; isNew = false) {
    traffic.faultsChanged = false;
    if (plan.faults.chosen.length > 0) connection.faults = own ??= new ConnectionFaults(connection);
    const number = isNew ? Atomics.add(plan.faults.numbers, 0, 1) : -connection.number;
    const stages = [...always, ...own?.begin(plan.faults, number) ?? []];
    if (stages.length === 0 && unread !== undefined) await sendAll(stream, traffic, unread);
    unread = stages.length === 0
      ? await plainEcho(stream, traffic, buffers, scheduler)
      : await stagedEcho(stream, traffic, scheduler, stages, unread);
    if (unread === undefined) return;
    // What the former faults have swallowed will not be sent back.
    traffic.expectedDelta = traffic.sent + unread.length - traffic.received;
  }
}
