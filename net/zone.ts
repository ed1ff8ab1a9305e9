/**
 * The zones of IPv6 addresses: the link that an address means which every link
 * has (`fe80::1%eth0`). Where a datagram came from the runtime says without it.
 *
 * @module
 */

/** Whether an address means something on one link only. */
export function isLinkLocal(address: string): boolean {
  return /^fe[89ab].:/i.test(address);
}

/** The zones of this machine's links; none where the program may not know them. */
export function zones(): string[] {
  // Asked for first: otherwise Deno would ask whoever sits at the terminal.
  const permission = { name: "sys", kind: "networkInterfaces" } as const;
  if (Deno.permissions.querySync(permission).state !== "granted") return [];
  const links = Deno.networkInterfaces().filter(({ address }) => isLinkLocal(address));
  // Numbers do on every system; Windows knows no zones by name.
  return [...new Set(links.map(({ name, scopeid }) => `${scopeid ?? name}`))];
}
