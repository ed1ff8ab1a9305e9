/**
 * The flags for `tls://`, on both sides, and what they name.
 *
 * @module
 */
import { reason } from "../../errors/reason.ts";
import { makeIdentity } from "../../net/certificate.ts";
import type { Endpoint } from "../../net/endpoint.ts";
import { type PemContent, pemObjection } from "../../net/pem.ts";
import type { ClientTls, ServerTls } from "../../net/stream.ts";
import type { Log } from "../../server/log.ts";
import type { Flag, FlagValues } from "../command.ts";
import { file, host, type Kind, toggle } from "../kinds.ts";
import { say } from "../stdio.ts";
import { UsageError } from "../usage_error.ts";

function flag<T>(kind: Kind<T>, help: string): Flag<T> & { readonly kind: Kind<T> } {
  return { group: "TLS", kind, help, only: ["tls"] };
}

/** What a server may be told for `tls://`. */
export const serverTlsFlags = {
  "cert": flag(file, "certificate, PEM; without one it makes its own"),
  "key": flag(file, "key of the certificate, PEM"),
  "client-ca": flag(file, "refuse clients that this CA has not signed"),
  "write-ca": flag(file, "write the CA of its own certificate, PEM"),
};

/** What every client may be told for `tls://`. */
export const clientTlsFlags = {
  "ca": flag(file, "trust servers that this CA has signed, PEM"),
  "cert": flag(file, "certificate to show, PEM"),
  "key": flag(file, "key of the certificate, PEM"),
  "server-name": flag(host, "name that the certificate must be for"),
  "insecure": flag(toggle, "trust any certificate"),
};

/** Reads what a client was told. */
export async function clientTls(flags: FlagValues<typeof clientTlsFlags>): Promise<ClientTls> {
  const identity = await readIdentity(flags);
  const ca = await readPem("ca", flags["ca"], "certificate");
  if (flags["insecure"]) say("yodel: --insecure: nobody knows who the server is");
  return { ...identity, ca, serverName: flags["server-name"], insecure: flags["insecure"] };
}

/** Reads what a server was told, or makes what was not given where it has `tls://` endpoints. */
export async function serverTls(
  endpoints: readonly Endpoint[],
  flags: FlagValues<typeof serverTlsFlags>,
  log: Log,
): Promise<ServerTls | undefined> {
  const hosts = endpoints.flatMap((endpoint) => endpoint.scheme === "tls" ? [endpoint.host] : []);
  if (hosts.length === 0) return undefined;
  const identity = await readIdentity(flags);
  const clientCa = await readPem("client-ca", flags["client-ca"], "certificate");
  if (identity === undefined) {
    return { ...await throwAway(hosts, flags["write-ca"], log), clientCa };
  }
  if (flags["write-ca"] === undefined) return { ...identity, clientCa };
  throw new UsageError("--write-ca and --cert exclude each other");
}

/** Makes a certificate, for localhost and the hosts that a server listens on. */
async function throwAway(
  hosts: readonly string[],
  writeCa: string | undefined,
  log: Log,
): Promise<ServerTls> {
  const names = [...new Set(["localhost", "127.0.0.1", "::1", ...hosts])];
  const { ca, cert, key } = await makeIdentity(names.filter((name) => name !== "*"));
  if (writeCa !== undefined) {
    await Deno.writeTextFile(writeCa, ca).catch((error) => {
      throw new UsageError(`--write-ca: cannot write ${writeCa}: ${reason(error)}`);
    });
  }
  log.warn?.("made a throw-away certificate", {
    names,
    ca: writeCa ?? "not written, see --write-ca",
  });
  return { cert, key };
}

async function readIdentity(
  flags: { readonly cert?: string; readonly key?: string },
): Promise<{ cert: string; key: string } | undefined> {
  if ((flags.cert === undefined) !== (flags.key === undefined)) {
    throw new UsageError("--cert and --key go together");
  }
  const cert = await readPem("cert", flags.cert, "certificate");
  const key = await readPem("key", flags.key, "key");
  return cert === undefined || key === undefined ? undefined : { cert, key };
}

async function readPem(
  flag: string,
  name: string | undefined,
  content: PemContent,
): Promise<string | undefined> {
  if (name === undefined) return undefined;
  const text = await Deno.readTextFile(name).catch((error) => {
    throw new UsageError(`--${flag}: cannot read ${name}: ${reason(error)}`);
  });
  const objection = pemObjection(text, content, name);
  if (objection !== undefined) throw new UsageError(`--${flag}: ${name}: ${objection}`);
  return text;
}
