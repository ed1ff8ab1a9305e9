import type { Endpoint } from "../../net/endpoint.ts";
import { dial } from "../../net/dial.ts";
import { DIAL_OPTIONS, type DialAttempt, type DialOptions } from "../../net/dial_options.ts";
import { dialUdp } from "../../net/udp.ts";
import { checkNames } from "../../values/settings.ts";
import { generate } from "./generator.ts";
import { addIntervals } from "./intervals.ts";
import { LOAD_DEFAULTS, type LoadPlan, type LoadSettings, planLoad, planWorkers } from "./plan.ts";
import type { LoadProgress, LoadResult } from "./result.ts";
import { generateInThreads } from "./threads.ts";
import { hasConnections } from "../../net/transports.ts";

/** Options of {@linkcode load}. */
export interface LoadOptions extends LoadSettings, DialOptions {
  /** Called five times a second, and at the end. */
  readonly onProgress?: (progress: LoadProgress) => void;
  /** Ends the load; the result until then is returned. */
  readonly signal?: AbortSignal;
}

/**
 * Opens connections to an echo server, sends messages on them and compares what
 * comes back. Connections that end are replaced.
 *
 * @throws {EndpointError} if no connection can be opened
 * @throws {OptionError} if an option is wrong, or does not go with another
 * @throws {ThreadError} if a thread cannot be started
 * @throws {PackageError} if the library for latencies cannot be loaded
 */
export async function load(
  server: Endpoint | string,
  options: LoadOptions = {},
): Promise<LoadResult> {
  const { onProgress = () => {}, signal = new AbortController().signal, ...others } = options;
  checkNames(options, Object.keys(LOAD_DEFAULTS), DIAL_OPTIONS, ["onProgress", "signal"]);
  const plan = planLoad(server, options);
  // Wait once, not on each connection. Functions cannot be sent to threads.
  const { wait, onRetry, ...dialOptions } = others;
  const plans = planWorkers(plan, dialOptions);
  if (wait) {
    await waitFor(plan, { ...dialOptions, wait, onRetry, signal }).catch((error) => {
      if (!signal.aborted) throw error;
    });
  }
  const [only, ...more] = plans;
  if (only === undefined || more.length > 0) {
    return await generateInThreads(plan, plans, onProgress, signal);
  }
  const result = await generate(only, onProgress, signal);
  return { ...result, intervals: addIntervals([result.intervals]) };
}

async function waitFor(
  { endpoint, timeout }: LoadPlan,
  options: Omit<DialAttempt, "timeout">,
): Promise<void> {
  const opened = hasConnections(endpoint)
    ? (await dial(endpoint, { ...options, timeout })).conn
    : await dialUdp(endpoint, () => {}, () => {}, { ...options, timeout });
  opened.close();
}
