import { command } from "../command.ts";
import { completionScripts } from "../completion_scripts.ts";
import { SUCCESS } from "../exit.ts";
import { choice, readValue } from "../../values/value_types.ts";
import { print } from "../stdio.ts";
import { YodelError } from "../../errors/yodel_error.ts";

const SHELLS = Object.keys(completionScripts) as (keyof typeof completionScripts)[];

export const completionsCommand = command({
  summary: "Print a shell completion script",
  example: 'eval "$(yodel completions bash)"',
  operands: SHELLS,
  flags: {},
  async run({ word }) {
    // "tcsh" is no misspelled "bash".
    const shells = { ...choice(SHELLS), advice: undefined };
    const shell = readValue(shells, word, (what) => new YodelError(`completions: ${what}`));
    await print(completionScripts[shell]);
    return SUCCESS;
  },
});
