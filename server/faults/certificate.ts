import { FLAWS } from "../../net/certificate.ts";
import { choice } from "../../values/value_types.ts";
import { SCHEMES, TRANSPORTS } from "../../net/transports.ts";
import { fault } from "./fault.ts";

export const certificate = fault({
  name: "certificate",
  value: { ...choice(FLAWS), placeholder: "FLAW" },
  chance: undefined,
  transports: SCHEMES.filter((scheme) => TRANSPORTS[scheme].hasTls),
  help: "present a certificate with this flaw",
  flaw: (flaw) => flaw,
});
