// How the program ends: exit statuses (docs/development.md, "Exit statuses"), signals, errors.
import { OptionError, YodelError } from "../errors/yodel_error.ts";
import { escapeControls } from "../net/escape.ts";
import { flagName } from "./command.ts";
import { printError } from "./stdio.ts";

export const SUCCESS = 0;
export const ECHO_FAILED = 1;
export const CANNOT_RUN = 2;

export const EXIT_STATUSES = [
  ["0", "success; serve: clean shutdown after a signal"],
  ["1", "the echo was wrong, missing, late, or over a limit"],
  ["2", "usage error, cannot listen, or cannot connect"],
  ["129, 130, 143", "ended by a signal before there was an answer"],
] as const;

/** In milliseconds: a task runner passes on the Ctrl-C that the terminal sent to both. */
const SAME_SIGNAL = 100;

/** The first signal aborts, with the exit status as the reason; the second ends the program. */
export function stopOnSignal(exit: (status: number) => never): AbortSignal {
  const stop = new AbortController();
  let first: number | undefined;
  onSignal((status) => {
    first ??= performance.now();
    if (performance.now() - first > SAME_SIGNAL) exit(status);
    stop.abort(status);
  });
  return stop.signal;
}

/** Signals do not end process 1 of a container by default, and Deno 2.9 crashes after one. */
export function endOnSignal(exit: (status: number) => never): void {
  if (Deno.pid === 1) onSignal(exit);
}

function onSignal(handle: (status: number) => void): void {
  const isIgnored = isHangupIgnored();
  for (const [signal, number] of [["SIGHUP", 1], ["SIGINT", 2], ["SIGTERM", 15]] as const) {
    // With a listener of one of these, Deno ends at the others, ignored or not.
    Deno.addSignalListener(signal, () => {
      if (signal !== "SIGHUP" || !isIgnored) handle(128 + number);
    });
  }
}

/** Whether nohup started the program; Deno reads that with all permissions only. */
function isHangupIgnored(): boolean {
  const path = "/proc/self/status";
  if (Deno.permissions.querySync({ name: "read", path }).state !== "granted") return false;
  try {
    const [digit = ""] = /(?<=^SigIgn:.*).$/m.exec(Deno.readTextFileSync(path)) ?? [];
    return (parseInt(digit, 16) & 1) === 1;
  } catch {
    return false;
  }
}

/** The next step after some errors, most of which errors/reason.ts words. */
const ADVICE: readonly (readonly [error: RegExp, advice: string])[] = [
  [
    /: its certificate is (self-signed|not signed)/,
    "use --ca FILE to trust its CA, or --insecure to trust any certificate",
  ],
  [/: connection refused$/, "is the server running? --wait 30s waits for it"],
  [/ unix:.*: address in use$/, "another server listens there"],
  [/: address in use$/, "use another port, or 0 for any free port"],
  [/: unknown host( \(.*\))?$/, "check the name, or use an address"],
];

/** Prints an error, and returns the exit status for it. */
export function fail(error: unknown): number {
  if (!(error instanceof YodelError)) {
    printError(`yodel: ${Deno.inspect(error)}`);
    return CANNOT_RUN;
  }
  printError(formatError(error));
  return error.exitStatus;
}

/** An error as one line without control characters. */
export function formatError(error: YodelError): string {
  const isOption = error instanceof OptionError;
  const what = isOption ? `${flagName(error.option)}: ${error.what}` : error.message;
  const advice = ADVICE.find(([error]) => error.test(what))?.[1];
  return `yodel: ${escapeControls(what, "\\")}${advice === undefined ? "" : `; ${advice}`}`;
}
