// Certificates of peers: whose they are, and why they are not trusted.
import type { X509Certificate } from "node:crypto";
import type { TLSSocket } from "node:tls";
import { escapeControls } from "./escape.ts";
import { node } from "./node.ts";

// Parts of certificates, in DER (RFC 5280): version 3 (4.1), and extended key usage (4.2.1.12).
const VERSION_3 = "a003020102";
const EXTENDED_KEY_USAGE = "0603551d25";
const USES = { servers: "06082b06010505070301", clients: "06082b06010505070302" } as const;

/** Explains why a peer's certificate is not trusted; TLS has one code for most reasons. */
export function whyUntrusted(socket: TLSSocket, use: keyof typeof USES): string {
  const certificate = certificateOf(socket);
  if (certificate === undefined) return "it sent no certificate";
  return `its certificate ${flawOf(socket, certificate, use)}`;
}

/** The subject of a peer's certificate, escaped; empty without a certificate. */
export function subjectOf(socket: TLSSocket): string {
  return escapeControls(certificateOf(socket)?.subject.replaceAll("\n", ", ") ?? "");
}

function certificateOf(socket: TLSSocket): X509Certificate | undefined {
  const { raw } = socket.getPeerCertificate();
  return raw && new node.X509Certificate(raw);
}

function flawOf(
  { authorizationError }: TLSSocket,
  { raw, validFrom, validTo, subject, issuer }: X509Certificate,
  use: keyof typeof USES,
): string {
  const now = Date.now();
  if (now > Date.parse(validTo)) return "has expired";
  if (now < Date.parse(validFrom)) return "is not valid yet";
  const der = new Uint8Array(raw).toHex();
  // The version comes after two headers of at most 4 bytes; version 1 has none.
  const isVersion3 = der.slice(0, 26).includes(VERSION_3);
  if (!isVersion3) return "has X.509 version 1; version 3 is required";
  if (der.includes(EXTENDED_KEY_USAGE) && !der.includes(USES[use])) return `is not for ${use}`;
  // Node's types say that it is an error, but it is a code.
  if (String(authorizationError) === "ERR_TLS_CERT_ALTNAME_INVALID") return "is for another name";
  if (subject === issuer) return "is self-signed, and not trusted here";
  return "is not signed by a CA that is trusted here";
}
