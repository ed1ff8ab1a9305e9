// Flags of other programs, and what yodel has instead.

const PORT = "put the port in the endpoint, as in yodel serve 2222";
const HOST = "put the host in the endpoint, as in yodel serve '*:2222'";
const TLS = "use tls://HOST:PORT";
const UDP = "use udp://HOST:PORT";
const UNIX = "use unix:PATH";

export const FOREIGN_FLAGS: Readonly<Record<string, string>> = {
  "--port": PORT,
  "-p": PORT,
  "--listen": PORT,
  "-l": PORT,
  "--host": HOST,
  "--hostname": HOST,
  "--bind": HOST,
  "--tls": TLS,
  "--ssl": TLS,
  "--udp": UDP,
  "-u": UDP,
  "--unix": UNIX,
  "-U": UNIX,
  "-k": "clients have --insecure",
  "--cacert": "clients have --ca FILE",
};
