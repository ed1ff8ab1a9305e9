// Errors of files and networks, in words for people.
const REASONS: Record<string, string> = {
  EACCES: "permission denied",
  EADDRINUSE: "address in use",
  EADDRNOTAVAIL: "no such address on this machine, or no free port",
  EAFNOSUPPORT: "this machine does not support this kind of address",
  ECONNABORTED: "connection aborted",
  ECONNREFUSED: "connection refused",
  ECONNRESET: "connection reset by the peer",
  EHOSTUNREACH: "host unreachable",
  EISDIR: "it is a directory",
  EMFILE: "too many open files; ulimit -n sets the limit",
  ENOENT: "no such file or directory",
  ENETUNREACH: "network unreachable",
  ENOTDIR: "a part of its path is not a directory",
  ENOTFOUND: "unknown host",
  EAI_AGAIN: "unknown host (temporary failure)",
  ENFILE: "too many open files on this machine",
  EPERM: "operation not permitted",
  ETIMEDOUT: "timed out",
};

/** In Deno 2.9 failed look-ups have neither a class nor a code. */
const LOOKUP = /^failed to lookup address information: (.*)$/;

/** Parts of messages of the runtime and its TLS library, and what replaces them. */
const OTHER_REASONS: readonly (readonly [RegExp, string])[] = [
  [LOOKUP, "unknown host ($1)"],
  [/^.*UnsupportedCertVersion.*/s, "the certificate has X.509 version 1; version 3 is required"],
  [/^.*KeyMismatch.*/s, "the key does not belong to the certificate"],
  [
    /^.*got ClientHello when expecting ServerHello.*/s,
    "the server does not use TLS; did you mean tcp://?",
  ],
  [/^.*received corrupt message.*/s, "the server does not use TLS"],
  // Files under /dev and /proc require all permissions of Deno.
  [/^Requires all access.*/s, "Deno does not let yodel open devices; name another file"],
  [/^Requires .* access to .*(--allow-\w+) flag.*/s, "Deno requires $1"],
  // The name of a file follows, possibly of a temporary one.
  [/ \(os error \d+\).*/s, ""],
];

export function reason(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const known = REASONS[errorCode(error) ?? ""];
  if (known !== undefined) return known;
  const [sign, words] = OTHER_REASONS.find(([sign]) => sign.test(error.message)) ?? ["", ""];
  return error.message.replace(sign, words);
}

/** Whether a name could not be looked up, or has no address of the family. */
export function isUnknownHost(error: unknown): boolean {
  if (["ENOTFOUND", "EAI_AGAIN"].includes(errorCode(error) ?? "")) return true;
  return error instanceof NoAddress || error instanceof Error && LOOKUP.test(error.message);
}

/** The certificate of a server is not trusted. */
export class Untrusted extends Error {}

/** A host has no address of the family that was asked for. */
export class NoAddress extends Error {}

/** The code of a system error, such as `ECONNRESET`. */
export function errorCode(error: unknown): string | undefined {
  const isCoded = error instanceof Error && "code" in error && typeof error.code === "string";
  return isCoded ? String(error.code) : undefined;
}
