/**
 * `yodel connect`.
 *
 * @module
 */
import { connect } from "../../client.ts";
import { CONNECT_DEFAULTS } from "../../client/connect.ts";
import { formatEndpoint } from "../../net/endpoint.ts";
import { MAX_DATAGRAM } from "../../net/udp.ts";
import { command } from "../command.ts";
import { ALL_WELL } from "../exit.ts";
import { duration, size, toggle } from "../../values/kinds.ts";
import { isBrokenPipe, say, stdin, stdout, TerminalOutput } from "../stdio.ts";
import { clientTls, clientTlsFlags } from "../tls_flags.ts";

export const connectCommand = command({
  summary: "Send stdin to a server, its answer to stdout",
  example: "yodel connect localhost:2222 --verify <file >/dev/null",
  operands: "endpoint",
  flags: {
    "timeout": {
      group: "Limits",
      kind: duration,
      default: CONNECT_DEFAULTS.timeout,
      help: "time to connect; udp: to wait for answers, 1s",
    },
    "idle-timeout": {
      group: "Limits",
      kind: duration,
      default: CONNECT_DEFAULTS.idleTimeout,
      help: "give up when nothing passes; 0: never",
      only: ["tcp", "tls", "unix"],
    },
    "datagram-size": {
      group: "Datagrams",
      kind: size(0, MAX_DATAGRAM),
      default: CONNECT_DEFAULTS.datagramSize,
      help: "bytes a datagram; 0: each line is one",
      only: ["udp"],
    },
    ...clientTlsFlags,
    "verify": {
      group: "Checks",
      kind: toggle,
      help: "compare what comes back with what was sent",
    },
  },
  async run({ flags, endpoints: [endpoint] }) {
    try {
      await connect(endpoint, {
        input: stdin,
        output: Deno.stdout.isTerminal() ? new TerminalOutput() : stdout,
        timeout: flags["timeout"],
        idleTimeout: flags["idle-timeout"],
        datagramSize: flags["datagram-size"],
        verify: flags["verify"],
        tls: await clientTls(flags),
        onConnect() {
          if (!Deno.stdin.isTerminal()) return;
          say(`connected to ${formatEndpoint(endpoint)}; Ctrl-D ends`);
        },
      });
      return ALL_WELL;
    } catch (error) {
      // Whoever read stdout, as `head` does, has had enough. That ends well, but
      // for what was to be verified and now is not.
      if (isBrokenPipe(error) && !flags["verify"]) return ALL_WELL;
      throw error;
    }
  },
});
