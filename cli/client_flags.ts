import type { DialOptions } from "../net/dial_options.ts";
import { flag, type FlagValues, group } from "./command.ts";
import { IP_SCHEMES } from "../net/transports.ts";
import { duration, toggle } from "../values/value_types.ts";
import { printError } from "./stdio.ts";
import { clientTls, clientTlsFlags } from "./tls_flags.ts";
import { YodelError } from "../errors/yodel_error.ts";

/** The flags of every client: how it connects. */
export const clientFlags = {
  ...group("Server", {
    "wait": flag(duration, "retry for this time until a byte has come back", { default: 0 }),
    "ipv4": flag(toggle, "use IPv4 addresses only", { short: "4", only: IP_SCHEMES }),
    "ipv6": flag(toggle, "use IPv6 addresses only", { short: "6", only: IP_SCHEMES }),
  }),
  ...clientTlsFlags,
};

export async function dialOptions(flags: FlagValues<typeof clientFlags>): Promise<DialOptions> {
  if (flags.ipv4 && flags.ipv6) {
    throw new YodelError("--ipv6: not with --ipv4; leave both out for any address");
  }
  let last = "";
  return {
    tls: await clientTls(flags),
    onRetry(why) {
      if (why !== last && Deno.stderr.isTerminal()) printError(`waiting for the server: ${why}`);
      last = why;
    },
    wait: flags.wait,
    family: flags.ipv4 ? 4 : flags.ipv6 ? 6 : undefined,
  };
}
