// Why the certificate of a peer is not trusted.
import { X509Certificate } from "node:crypto";
import type { TLSSocket } from "node:tls";
import { escapeControls } from "./escape.ts";

/** The extension for what a certificate is for, and two of its values, in DER (RFC 5280, 4.2.1.12). */
const EXTENDED_KEY_USAGE = "0603551d25";
const USES = { servers: "06082b06010505070301", clients: "06082b06010505070302" } as const;

/** Describes why the certificate of a peer is not trusted: TLS has one code for most reasons. */
export function whyUntrusted(socket: TLSSocket, use: keyof typeof USES): string {
  const { raw } = socket.getPeerCertificate();
  if (raw === undefined) return "it shows no certificate";
  return `its certificate ${flawOf(socket, new X509Certificate(raw), use)}`;
}

/** The subject of the certificate that a peer has shown, escaped; empty if there is none. */
export function subjectOf(socket: TLSSocket): string {
  const { raw } = socket.getPeerCertificate();
  if (raw === undefined) return "";
  return escapeControls(new X509Certificate(raw).subject.replaceAll("\n", ", "));
}

function flawOf(
  { authorizationError }: TLSSocket,
  certificate: X509Certificate,
  use: keyof typeof USES,
): string {
  const now = Date.now();
  if (now > Date.parse(certificate.validTo)) return "has expired";
  if (now < Date.parse(certificate.validFrom)) return "is not valid yet";
  if (isVersion1(certificate.raw)) return "is X.509 version 1, and version 3 is needed";
  const der = new Uint8Array(certificate.raw).toHex();
  if (der.includes(EXTENDED_KEY_USAGE) && !der.includes(USES[use])) return `is not for ${use}`;
  // Node's types call it an error; it is the code of one.
  if (String(authorizationError) === "ERR_TLS_CERT_ALTNAME_INVALID") return "is for another name";
  if (certificate.subject === certificate.issuer) return "is self-signed, and not trusted here";
  return "is not signed by a CA that is trusted here";
}

/** Whether a certificate has no field for its version, which is the first one (RFC 5280, 4.1). */
function isVersion1(raw: Uint8Array): boolean {
  const contents = (at: number) => {
    const length = raw[at + 1] ?? 0;
    return at + 2 + (length > 0x80 ? length - 0x80 : 0);
  };
  return raw[contents(contents(0))] !== 0xa0;
}
