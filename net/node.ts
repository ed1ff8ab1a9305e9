// The modules of Node that TLS and resets need. They are loaded on demand, since they take half of
// the time of a start. An import at the top of a module would be one at the top of the bundle.

async function load() {
  const [{ Buffer }, { X509Certificate }, net, { Duplex }, tls] = await Promise.all([
    import("node:buffer"),
    import("node:crypto"),
    import("node:net"),
    import("node:stream"),
    import("node:tls"),
  ]);
  return { Buffer, X509Certificate, net, Duplex, tls };
}

/** Undefined until {@linkcode loadNode} has resolved. */
export let node: Awaited<ReturnType<typeof load>>;

export async function loadNode(): Promise<void> {
  node ??= await load();
}
