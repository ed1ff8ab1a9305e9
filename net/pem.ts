// Texts in PEM (RFC 7468).

export type PemContent = "certificate" | "key";

/** Returns why a text does not hold what is expected; undefined if it does. */
export function validatePem(text: string, expected: PemContent, file: string): string | undefined {
  const labels = [...text.matchAll(/-----BEGIN ([A-Z0-9 ]+)-----/g)].map(([, label = ""]) => label);
  const holdsKey = labels.some((label) => label.endsWith("PRIVATE KEY"));
  const holdsCertificate = labels.some((label) => label.endsWith("CERTIFICATE"));
  if (expected === "certificate") {
    if (holdsCertificate) return undefined;
    return holdsKey ? "it holds a key and no certificate" : "it holds no certificate in PEM";
  }
  // The older format has a header instead of a label (RFC 1421).
  if (labels.includes("ENCRYPTED PRIVATE KEY") || /^Proc-Type: 4,ENCRYPTED/m.test(text)) {
    return `the key is encrypted; decrypt it: openssl pkey -in ${file} -out plain.pem`;
  }
  if (holdsKey) return undefined;
  return holdsCertificate ? "it holds a certificate and no key" : "it holds no key in PEM";
}

/** Drops byte order marks: TLS libraries ignore a certificate with one before it. */
export function withoutByteOrderMarks<T extends object>(texts: T): T {
  const entries = Object.entries(texts).map(([name, value]) =>
    [name, typeof value === "string" ? value.replaceAll("\ufeff", "") : value] as const
  );
  return Object.fromEntries(entries) as T;
}
