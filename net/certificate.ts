// Temporary certificates (X.509, RFC 5280). Not by a library: the smallest one has twenty packages,
// which every run from a URL would load.

/** All in PEM. */
export interface Identity {
  readonly ca: string;
  readonly cert: string;
  readonly key: string;
  /** The host names and addresses in the certificate. */
  readonly names: readonly string[];
}

export const FLAWS = ["expired", "not-yet", "wrong-name", "self-signed", "unknown-ca"] as const;

export type Flaw = typeof FLAWS[number];

const ALGORITHM = { name: "ECDSA", namedCurve: "P-256", hash: "SHA-256" };

const DAY = 24 * 60 * 60 * 1000;

// Object identifiers in DER.
const ECDSA_WITH_SHA256 = [0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x03, 0x02];
const COMMON_NAME = [0x55, 0x04, 0x03];
const KEY_USAGE = [0x55, 0x1d, 0x0f];
const SUBJECT_ALT_NAME = [0x55, 0x1d, 0x11];
const BASIC_CONSTRAINTS = [0x55, 0x1d, 0x13];

/** Makes a CA and a certificate that it signs, for thirty days. The CA's key is not kept. */
export async function makeIdentity(
  hosts: readonly string[],
  flaws: readonly Flaw[] = [],
): Promise<Identity> {
  const ca = await authority();
  // RFC 2606: a name that cannot exist.
  const names = flaws.includes("wrong-name") ? ["wrong-name.invalid"] : hosts;
  const { cert, key } = await issue(
    "yodel",
    [
      extension(KEY_USAGE, tlv(0x03, [7, 0x80])), // bit 0: to sign handshakes
      extension(SUBJECT_ALT_NAME, sequence(...names.map(alternativeName)), false),
    ],
    flaws.includes("self-signed") ? undefined : ca,
    flaws.includes("expired") ? [-30, -1] : flaws.includes("not-yet") ? [1, 30] : undefined,
  );
  return {
    ca: pem("CERTIFICATE", flaws.includes("unknown-ca") ? (await authority()).cert : ca.cert),
    cert: pem("CERTIFICATE", cert),
    key: pem("PRIVATE KEY", new Uint8Array(await crypto.subtle.exportKey("pkcs8", key))),
    names,
  };
}

type Bytes = Uint8Array<ArrayBuffer>;

interface Issued {
  readonly subject: Bytes;
  readonly key: CryptoKey;
  readonly cert: Bytes;
}

/** Clients distinguish CAs by name. */
function authority(): Promise<Issued> {
  return issue(`yodel throw-away CA ${crypto.randomUUID()}`, [
    extension(BASIC_CONSTRAINTS, sequence(tlv(0x01, [0xff]), integer([0]))),
    extension(KEY_USAGE, tlv(0x03, [2, 0x04])), // bit 5: to sign certificates
  ]);
}

/** Makes a key and its certificate, signed by itself without a signer; from and to in days. */
async function issue(
  commonName: string,
  extensions: Bytes[],
  signer?: Issued,
  [from, to]: readonly [number, number] = [-1, 30],
): Promise<Issued> {
  const keys = await crypto.subtle.generateKey(ALGORITHM, true, ["sign", "verify"]);
  const { privateKey: key } = keys;
  const subject = name(commonName);
  const algorithm = sequence(tlv(0x06, ECDSA_WITH_SHA256));
  const signed = sequence(
    tlv(0xa0, integer([2])), // version 3
    integer(crypto.getRandomValues(new Uint8Array(8))), // serial number
    algorithm,
    signer?.subject ?? subject,
    sequence(time(Date.now() + from * DAY), time(Date.now() + to * DAY)),
    subject,
    new Uint8Array(await crypto.subtle.exportKey("spki", keys.publicKey)),
    tlv(0xa3, sequence(...extensions)),
  );
  const rs = new Uint8Array(await crypto.subtle.sign(ALGORITHM, signer?.key ?? key, signed));
  const signature = sequence(integer(rs.subarray(0, 32)), integer(rs.subarray(32)));
  return { subject, key, cert: sequence(signed, algorithm, tlv(0x03, [0], signature)) };
}

/** DER: tag, length, contents. */
function tlv(tag: number, ...contents: (Uint8Array | number[])[]): Bytes {
  const length = contents.reduce((sum, part) => sum + part.length, 0);
  const size = length < 128
    ? [length]
    : length < 256
    ? [0x81, length]
    : [0x82, length >> 8, length & 0xff];
  return Uint8Array.from([tag, ...size, ...contents.flatMap((part) => [...part])]);
}

function sequence(...parts: Uint8Array[]): Bytes {
  return tlv(0x30, ...parts);
}

/** A non-negative integer from its big-endian bytes. */
function integer(bytes: Uint8Array | number[]): Bytes {
  const digits = [...bytes];
  while (digits.length > 1 && digits[0] === 0) digits.shift();
  return tlv(0x02, (digits[0] ?? 0) > 127 ? [0, ...digits] : digits);
}

function name(commonName: string): Bytes {
  const value = tlv(0x0c, new TextEncoder().encode(commonName));
  return sequence(tlv(0x31, sequence(tlv(0x06, COMMON_NAME), value)));
}

function time(milliseconds: number): Bytes {
  const digits = new Date(milliseconds).toISOString().replace(/[-:T]|\..*/g, "");
  return tlv(0x17, new TextEncoder().encode(`${digits.slice(2)}Z`));
}

function extension(id: number[], value: Uint8Array, critical = true): Bytes {
  const mark = critical ? [tlv(0x01, [0xff])] : [];
  return sequence(tlv(0x06, id), ...mark, tlv(0x04, value));
}

function alternativeName(host: string): Bytes {
  if (/^[\d.]+$/.test(host)) return tlv(0x87, host.split(".").map(Number));
  if (host.includes(":")) return tlv(0x87, ipv6(host));
  return tlv(0x82, new TextEncoder().encode(host));
}

function ipv6(address: string): number[] {
  const plain = new URL(`http://[${address}]`).hostname.slice(1, -1);
  const groups = (text: string) => text.split(":").filter(Boolean);
  const zeros = `:${"0:".repeat(8 - groups(plain).length)}`;
  return groups(plain.replace("::", zeros)).map((group) => parseInt(group, 16))
    .flatMap((value) => [value >> 8, value & 0xff]);
}

function pem(label: string, bytes: Uint8Array): string {
  const lines = bytes.toBase64().match(/.{1,64}/g) ?? [];
  return `-----BEGIN ${label}-----\n${lines.join("\n")}\n-----END ${label}-----\n`;
}
