import type { ClientTls } from "../net/dial_options.ts";
import type { ServeTls } from "../server/plan.ts";
import { flag, type FlagValues, group, optionName } from "./command.ts";
import { file, host, toggle } from "../values/value_types.ts";
import { readText } from "./files.ts";
import { printError } from "./stdio.ts";
import { YodelError } from "../errors/yodel_error.ts";

export const serverTlsFlags = group("TLS", {
  "cert": flag(file, "certificate, PEM; without it, one is made"),
  "key": flag(file, "key of the certificate, PEM"),
  "client-ca": flag(file, "refuse clients that this CA has not signed"),
  "write-ca": flag(file, "write the CA of a certificate that is made, PEM"),
  "cert-name": flag(host, "one more name in a certificate that is made", { many: true }),
}, ["tls"]);

export const clientTlsFlags = group("TLS", {
  "ca": flag(file, "trust servers that this CA has signed, PEM"),
  "cert": flag(file, "certificate to show the server, PEM"),
  "key": flag(file, "key of the certificate, PEM"),
  "server-name": flag(host, "name that the certificate must be for"),
  "insecure": flag(toggle, "trust any certificate"),
}, ["tls"]);

export async function clientTls(flags: FlagValues<typeof clientTlsFlags>): Promise<ClientTls> {
  if (flags.insecure && flags.ca) throw new YodelError("--insecure and --ca exclude each other");
  const identity = await readIdentity(flags);
  const ca = await readPem("ca", flags.ca, "certificate");
  if (flags.insecure) printError("yodel: warning: the server's certificate is not verified");
  return { ...identity, ca, serverName: flags.serverName, insecure: flags.insecure };
}

export async function serverTls(flags: FlagValues<typeof serverTlsFlags>): Promise<ServeTls> {
  const identity = await readIdentity(flags);
  const clientCa = await readPem("client-ca", flags.clientCa, "certificate");
  if (identity === undefined) return { clientCa, names: flags.certName };
  for (const name of ["write-ca", "cert-name"] as const) {
    if (flags[optionName(name)]?.length) {
      throw new YodelError(`--${name} and --cert exclude each other`);
    }
  }
  return { ...identity, clientCa };
}

async function readIdentity(
  flags: { readonly cert?: string; readonly key?: string },
): Promise<{ cert: string; key: string } | undefined> {
  if ((flags.cert === undefined) !== (flags.key === undefined)) {
    throw new YodelError("--cert and --key go together");
  }
  const cert = await readPem("cert", flags.cert, "certificate");
  const key = await readPem("key", flags.key, "key");
  return cert === undefined || key === undefined ? undefined : { cert, key };
}

async function readPem(
  flag: string,
  name: string | undefined,
  content: "certificate" | "key",
): Promise<string | undefined> {
  if (name === undefined) return undefined;
  const text = await readText(flag, name);
  const flaw = flawOf(text, content, name);
  if (flaw !== undefined) throw new YodelError(`--${flag}: ${name}: ${flaw}`);
  return text;
}

/** Why a text is not what is expected in PEM (RFC 7468). */
function flawOf(text: string, content: "certificate" | "key", file: string): string | undefined {
  // The older format has a header instead of a label (RFC 1421).
  if (content === "key" && /-BEGIN ENCRYPTED |^Proc-Type: 4,ENCRYPTED/m.test(text)) {
    return `the key is encrypted; decrypt it: openssl pkey -in ${file} -out plain.pem`;
  }
  const holds = {
    certificate: /-BEGIN .*CERTIFICATE-/.test(text),
    key: /-BEGIN .*PRIVATE KEY-/.test(text),
  };
  const other = content === "key" ? "certificate" : "key";
  if (holds[content]) return undefined;
  return holds[other] ? `it holds a ${other} and no ${content}` : `it holds no ${content} in PEM`;
}
