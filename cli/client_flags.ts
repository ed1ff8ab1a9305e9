import type { DialOptions } from "../net/dial_options.ts";
import { flag, type FlagValues, group } from "./command.ts";
import { IP_SCHEMES } from "../net/transports.ts";
import { duration, file, host, toggle } from "../values/value_types.ts";
import { readIdentity, readPem } from "./files.ts";
import { printError } from "./stdio.ts";
import { YodelError } from "../errors/yodel_error.ts";

/** The flags of every client: how it connects. */
export const clientFlags = {
  ...group("Server", {
    "wait": flag(duration, "retry for this time until a byte has come back", { default: 0 }),
    "ipv4": flag(toggle, "use IPv4 addresses only", { short: "4", only: IP_SCHEMES }),
    "ipv6": flag(toggle, "use IPv6 addresses only", { short: "6", only: IP_SCHEMES }),
  }),
  ...group("TLS", {
    "ca": flag(file, "trust servers that this CA has signed, PEM"),
    "cert": flag(file, "certificate to show the server, PEM"),
    "key": flag(file, "key of the certificate, PEM"),
    "server-name": flag(host, "name that the certificate must be for"),
    "insecure": flag(toggle, "trust any certificate"),
  }, ["tls"]),
};

export async function dialOptions(flags: FlagValues<typeof clientFlags>): Promise<DialOptions> {
  const { wait, ipv4, ipv6, serverName, insecure } = flags;
  if (ipv4 && ipv6) {
    throw new YodelError("--ipv6 cannot be used with --ipv4; omit both to use any address");
  }
  if (insecure && flags.ca) throw new YodelError("--insecure cannot be used with --ca");
  const identity = await readIdentity(flags);
  const ca = await readPem("ca", flags.ca, "certificate");
  if (insecure) printError("yodel: warning: the server's certificate is not verified");
  let last = "";
  return {
    tls: { ...identity, ca, serverName, insecure },
    onRetry(why) {
      if (why !== last && Deno.stderr.isTerminal()) printError(`waiting for the server: ${why}`);
      last = why;
    },
    wait,
    family: ipv4 ? 4 : ipv6 ? 6 : undefined,
  };
}
