/**
 * What goes wrong with files and networks, in words for people.
 *
 * @module
 */
const REASONS: Record<string, string> = {
  EACCES: "permission denied",
  EADDRINUSE: "address in use",
  EADDRNOTAVAIL: "no such address on this machine, or no free port",
  EAFNOSUPPORT: "this machine has no such kind of address",
  ECONNABORTED: "connection aborted",
  ECONNREFUSED: "connection refused",
  ECONNRESET: "connection reset by the peer",
  EHOSTUNREACH: "host unreachable",
  EMFILE: "too many open files",
  ENOENT: "no such file",
  ENETUNREACH: "network unreachable",
  ENOTFOUND: "unknown host",
  EAI_AGAIN: "unknown host, for now",
  ENFILE: "too many open files on this machine",
  EPERM: "operation not permitted",
  ETIMEDOUT: "timed out",
  CERT_HAS_EXPIRED: "its certificate has expired",
  DEPTH_ZERO_SELF_SIGNED_CERT: "its certificate is not signed by a CA that is trusted here",
  ERR_TLS_CERT_ALTNAME_INVALID: "its certificate is for another name",
  SELF_SIGNED_CERT_IN_CHAIN: "its certificate is not signed by a CA that is trusted here",
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: "its certificate is not signed by a CA that is trusted here",
};

/** What the TLS library says of a certificate that it does not trust, in words. */
const UNTRUSTED: readonly (readonly [RegExp, string])[] = [
  [/expired/i, "has expired"],
  [/not valid yet|NotValidYet/, "is not valid yet"],
  [/not valid for|NotValidForName/, "is for another name"],
  [/UnknownIssuer|BadSignature/, "is not signed by a CA that is trusted here"],
];

/** Says in a few words why an operation failed. */
export function reason(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const known = REASONS[errorCode(error) ?? ""];
  if (known !== undefined) return known;
  if (error.message.startsWith("invalid peer certificate")) {
    const why = UNTRUSTED.find(([sign]) => sign.test(error.message));
    if (why !== undefined) return `its certificate ${why[1]}`;
  }
  if (error.message.endsWith("KeyMismatch")) return "the key is not that of the certificate";
  // Deno gives failed look-ups no class and no code of their own.
  const lookup = /^failed to lookup address information: (.*)$/.exec(error.message);
  if (lookup !== null) return `unknown host (${lookup[1]})`;
  return error.message.replace(/ \(os error \d+\)$/, "");
}

/** The system's name for an error, such as `ECONNRESET`, where it has one. */
export function errorCode(error: unknown): string | undefined {
  if (error instanceof Error && "code" in error && typeof error.code === "string") {
    return error.code;
  }
  return undefined;
}
