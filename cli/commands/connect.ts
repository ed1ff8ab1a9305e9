import { connect, type Connected } from "../../client.ts";
import { CONNECT_DEFAULTS } from "../../client/connect.ts";
import { optionsOf } from "../../values/settings.ts";
import { command, flag, group } from "../command.ts";
import { STREAMS } from "../../net/transports.ts";
import { endOnSignal, SUCCESS } from "../exit.ts";
import { duration, toggle } from "../../values/value_types.ts";
import { isBrokenPipe, printError, stdin, stdout, TerminalOutput } from "../stdio.ts";
import { formatBytes, formatCount, formatPlace, formatTime } from "../../report/units.ts";
import { clientFlags, dialOptions } from "../client_flags.ts";

export const connectCommand = command({
  summary: "Send stdin to a server, its answer to stdout",
  example: "yodel connect localhost:2222 --verify <file >/dev/null",
  operands: "[ENDPOINT]",
  common: ["timeout", "wait", "ca", "insecure", "verify", "verbose"],
  defaults: CONNECT_DEFAULTS,
  extraAdvice: "what to send comes from stdin",
  flags: {
    ...group("Limits", {
      "timeout": flag(duration, "time to connect; udp: for an answer, 1s"),
      "idle-timeout": flag(duration, "give up when nothing passes", { only: STREAMS }),
    }),
    ...clientFlags,
    ...group("Checks", {
      "verify": flag(toggle, "compare every byte, not only how many come back"),
    }),
    ...group("Output", {
      "verbose": flag(toggle, "print the connection and how much passed", { short: "v" }),
    }),
  },
  async run({ flags, endpoints: [endpoint] }, { exit }) {
    endOnSignal(exit);
    let start = performance.now();
    const terminal = Deno.stdout.isTerminal() ? new TerminalOutput() : undefined;
    try {
      const { sent, received } = await connect(endpoint, {
        ...optionsOf(flags, CONNECT_DEFAULTS),
        ...await dialOptions(flags),
        input: stdin,
        output: terminal ?? stdout,
        onConnect(connected) {
          start = performance.now();
          const end = Deno.build.os === "windows" ? "Ctrl-Z, Enter" : "Ctrl-D";
          const isTyped = Deno.stdin.isTerminal();
          if (!isTyped && !flags.verbose) return;
          const how = flags.verbose ? howConnected(connected) : "";
          const place = formatPlace(endpoint, flags.verbose ? connected.address : undefined);
          printError(`connected to ${place}${how}${isTyped ? `; ${end} ends` : ""}`);
        },
      }).finally(() => terminal?.end());
      if (flags.verbose) printError(whatPassed(sent, received, performance.now() - start));
      return SUCCESS;
    } catch (error) {
      // The reader of stdout has closed it, as `head` does. Without --verify that is no error.
      if (isBrokenPipe(error) && !flags.verify) return SUCCESS;
      throw error;
    }
  },
});

/** How a connection was made, for people: in which time, and what TLS has agreed on. */
function howConnected({ time, session }: Connected): string {
  const after = time > 0 ? ` in ${formatTime(time)}` : "";
  if (session === undefined) return after;
  return `${after}, ${session.version}, certificate of ${session.subject || "nobody"}`;
}

function whatPassed(sent: number, received: number, time: number): string {
  const rate = formatBytes(received / time * 1000);
  return `sent ${formatCount(sent)} bytes, ${formatCount(received)} came back ` +
    `in ${formatTime(time)}: ${rate}/s`;
}
