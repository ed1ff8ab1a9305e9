import { command } from "../command.ts";
import { completions, SHELLS } from "../completions.ts";
import { ALL_WELL } from "../exit.ts";
import { choice, readValue } from "../../values/kinds.ts";
import { print } from "../stdio.ts";
import { UsageError } from "../usage_error.ts";

export const completionsCommand = command({
  summary: "Print what lets a shell complete words of yodel",
  example: 'eval "$(yodel completions bash)"',
  operands: SHELLS,
  flags: {},
  async run({ word }, { commands }) {
    // Whoever says tcsh does not mean bash.
    const shells = { ...choice(SHELLS), advice: undefined };
    const shell = readValue(shells, word, (what) => new UsageError(`completions: ${what}`));
    await print(completions(shell, commands));
    return ALL_WELL;
  },
});
