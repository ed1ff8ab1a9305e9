/**
 * Throw-away certificates, for servers that were given none.
 *
 * @module
 */

/** A certificate and its key, and who signed it; all in PEM. */
export interface Identity {
  readonly ca: string;
  readonly cert: string;
  readonly key: string;
}

const ALGORITHM = { name: "ECDSA", namedCurve: "P-256", hash: "SHA-256" };

const DAY = 24 * 60 * 60 * 1000;

/**
 * Makes an authority and a certificate that it signed. The authority's key is
 * forgotten at once, and both are valid for thirty days.
 *
 * @param hosts names and IP addresses that the certificate is for
 */
export async function makeIdentity(hosts: readonly string[]): Promise<Identity> {
  // Loaded only here: most servers never need it.
  const x509 = await import("npm:@peculiar/x509@1.14.3");
  const caKeys = await crypto.subtle.generateKey(ALGORITHM, true, ["sign", "verify"]);
  const keys = await crypto.subtle.generateKey(ALGORITHM, true, ["sign", "verify"]);
  const validity = {
    notBefore: new Date(Date.now() - DAY),
    notAfter: new Date(Date.now() + 30 * DAY),
    signingAlgorithm: ALGORITHM,
  };
  const ca = await x509.X509CertificateGenerator.createSelfSigned({
    ...validity,
    name: "CN=yodel throw-away CA",
    keys: caKeys,
    extensions: [
      new x509.BasicConstraintsExtension(true, 0, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.keyCertSign, true),
    ],
  });
  const cert = await x509.X509CertificateGenerator.create({
    ...validity,
    subject: "CN=yodel",
    issuer: ca.subject,
    signingKey: caKeys.privateKey,
    publicKey: keys.publicKey,
    extensions: [
      new x509.SubjectAlternativeNameExtension(
        hosts.map((value) => ({ type: isAddress(value) ? "ip" : "dns", value } as const)),
      ),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.digitalSignature, true),
    ],
  });
  const key = await crypto.subtle.exportKey("pkcs8", keys.privateKey);
  return {
    ca: ca.toString("pem") + "\n",
    cert: cert.toString("pem") + "\n",
    key: x509.PemConverter.encode(key, "PRIVATE KEY") + "\n",
  };
}

function isAddress(host: string): boolean {
  return /^[\d.]+$|:/.test(host);
}
