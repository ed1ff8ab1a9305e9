// `yodel completions`.
import { quoted } from "../../net/escape.ts";
import { command } from "../command.ts";
import { completions, SHELLS } from "../completions.ts";
import { ALL_WELL } from "../exit.ts";
import { choice } from "../../values/kinds.ts";
import { print } from "../stdio.ts";
import { UsageError } from "../usage_error.ts";

export const completionsCommand = command({
  summary: "Print what lets a shell complete words of yodel",
  example: 'eval "$(yodel completions bash)"',
  operands: SHELLS,
  flags: {},
  async run({ word }, { commands }) {
    const shells = choice(SHELLS);
    const shell = shells.parse(word);
    if (shell === undefined) {
      const what = word === "" ? "nothing" : quoted(word);
      throw new UsageError(`completions: expected ${shells.expected}, not ${what}`);
    }
    await print(completions(shell, commands));
    return ALL_WELL;
  },
});
