import { command } from "../command.ts";
import { completions } from "../completions.ts";
import { ALL_WELL } from "../exit.ts";
import { choice, readValue } from "../../values/kinds.ts";
import { print } from "../stdio.ts";
import { UsageError } from "../usage_error.ts";

const SHELLS = Object.keys(completions) as (keyof typeof completions)[];

export const completionsCommand = command({
  summary: "Print what lets a shell complete words of yodel",
  example: 'eval "$(yodel completions bash)"',
  operands: SHELLS,
  flags: {},
  async run({ word }) {
    // Whoever says tcsh does not mean bash.
    const shells = { ...choice(SHELLS), advice: undefined };
    const shell = readValue(shells, word, (what) => new UsageError(`completions: ${what}`));
    await print(completions[shell]);
    return ALL_WELL;
  },
});
