import { connect, type Connected, type Endpoint } from "../../client.ts";
import { CONNECT_DEFAULTS } from "../../client/connect.ts";
import { optionsOf } from "../../values/settings.ts";
import { command, flag, group } from "../command.ts";
import { STREAMS } from "../../net/transports.ts";
import { endOnSignal, SUCCESS } from "../exit.ts";
import { duration, toggle } from "../../values/value_types.ts";
import { isBrokenPipe, printError, stdin, stdout, TerminalOutput } from "../stdio.ts";
import { formatBytes, formatCount, formatPlace, formatTime } from "../../report/figures.ts";
import { clientFlags, dialOptions } from "../client_flags.ts";

export const connectCommand = command({
  summary: "Send stdin to a server, its answer to stdout",
  example: "yodel connect localhost:2222 --verify <file >/dev/null",
  operands: "[ENDPOINT]",
  common: ["timeout", "wait", "ca", "insecure", "verify", "verbose"],
  defaults: CONNECT_DEFAULTS,
  extraAdvice: "the data to send is read from stdin",
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
          const isTyped = Deno.stdin.isTerminal();
          if (!isTyped && !flags.verbose) return;
          const key = Deno.build.os === "windows" ? "Ctrl-Z, Enter" : "Ctrl-D";
          printError(howConnected(endpoint, connected) + (isTyped ? `; ${key} ends` : ""));
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

function howConnected(endpoint: Endpoint, { time, address, session }: Connected): string {
  const after = time > 0 ? ` in ${formatTime(time)}` : "";
  const tls = session && `, ${session.version}, certificate of ${session.subject || "no subject"}`;
  return `connected to ${formatPlace(endpoint, address)}${after}${tls ?? ""}`;
}

function whatPassed(sent: number, received: number, time: number): string {
  return `sent ${formatCount(sent)} bytes, ${formatCount(received)} came back ` +
    `in ${formatTime(time)}: ${formatBytes(received / time * 1000)}/s`;
}
