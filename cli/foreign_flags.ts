// Flags of other programs, and how yodel says the same.

const IN_ENDPOINT = "the endpoint says it: HOST:PORT";

export const FOREIGN_FLAGS: Readonly<Record<string, string>> = {
  "--port": IN_ENDPOINT,
  "-p": IN_ENDPOINT,
  "--host": IN_ENDPOINT,
  "--hostname": IN_ENDPOINT,
  "--bind": IN_ENDPOINT,
  "--listen": IN_ENDPOINT,
  "-l": IN_ENDPOINT,
  "--tls": "the endpoint says it: tls://HOST:PORT",
  "--ssl": "the endpoint says it: tls://HOST:PORT",
  "--udp": "the endpoint says it: udp://HOST:PORT",
  "-u": "the endpoint says it: udp://HOST:PORT",
  "--unix": "the endpoint says it: unix:PATH",
  "-U": "the endpoint says it: unix:PATH",
  "-k": "clients have --insecure",
  "--cacert": "clients have --ca FILE",
};
