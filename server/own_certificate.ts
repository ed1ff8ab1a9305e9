// The throw-away certificate of a server without one.
import { type Flaw, type Identity, makeIdentity } from "../net/certificate.ts";
import { type Endpoint, isWildcard } from "../net/endpoint.ts";
import { TRANSPORTS } from "../net/transports.ts";

/**
 * Makes a certificate for the hosts of `tls://` endpoints, if there are any.
 *
 * @param more other names in it
 */
export async function ownCertificate(
  endpoints: readonly Endpoint[],
  more: readonly string[] = [],
  flaws: readonly Flaw[] = [],
): Promise<Identity | undefined> {
  const hosts = endpoints.filter(({ scheme }) => TRANSPORTS[scheme].hasTls)
    .flatMap((endpoint) => "host" in endpoint ? [endpoint.host] : []);
  return hosts.length === 0 ? undefined : await makeIdentity(namesOf(hosts, more), flaws);
}

function namesOf(hosts: readonly string[], more: readonly string[]): string[] {
  const ours = hosts.some(isWildcard) ? namesOfThisMachine() : [];
  const named = hosts.filter((host) => !isWildcard(host)).map((host) => host.replace(/%.*/, ""));
  return [...new Set(["localhost", "127.0.0.1", "::1", ...named, ...ours, ...more])];
}

/** The name and the addresses of this machine, where they are permitted. */
function namesOfThisMachine(): string[] {
  const may = (kind: "hostname" | "networkInterfaces") =>
    Deno.permissions.querySync({ name: "sys", kind }).state === "granted";
  return [
    ...may("hostname") ? [Deno.hostname()] : [],
    ...may("networkInterfaces") ? Deno.networkInterfaces().map(({ address }) => address) : [],
  ];
}
