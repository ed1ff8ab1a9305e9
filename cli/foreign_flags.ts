/**
 * Flags of other programs, and how yodel says the same.
 *
 * @module
 */

const IN_ENDPOINT = "the endpoint says it: HOST:PORT";

const SAID_OTHERWISE: Readonly<Record<string, string>> = {
  "--port": IN_ENDPOINT,
  "-p": IN_ENDPOINT,
  "--host": IN_ENDPOINT,
  "--hostname": IN_ENDPOINT,
  "--bind": IN_ENDPOINT,
  "--listen": IN_ENDPOINT,
  "-l": IN_ENDPOINT,
  "--tls": "the endpoint says it: tls://HOST:PORT",
  "--ssl": "the endpoint says it: tls://HOST:PORT",
  "--udp": "the endpoint says it: udp://HOST:PORT",
  "-u": "the endpoint says it: udp://HOST:PORT",
  "--unix": "the endpoint says it: unix:PATH",
  "-U": "the endpoint says it: unix:PATH",
};

/** Of programs that measure. */
const OF_LOAD: Readonly<Record<string, string>> = {
  "-z": "use -d DURATION",
  "-t": "use -d DURATION, or --workers N for threads",
  "--time": "use -d DURATION",
  "-q": "use -r N",
  "--qps": "use -r N",
  "--concurrency": "use -c N",
  "--clients": "use -c N",
  "--requests": "use -n N",
  "--threads": "use --workers N",
};

/** How yodel says what a flag of another program says, if it does. */
export function otherwise(flag: string, isLoad: boolean): string | undefined {
  const known = isLoad ? { ...SAID_OTHERWISE, ...OF_LOAD } : SAID_OTHERWISE;
  return Object.hasOwn(known, flag) ? known[flag] : undefined;
}
