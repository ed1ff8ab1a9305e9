// Completions for PowerShell, from Windows PowerShell 5.1 on.
import type { Commands } from "../command.ts";
import { firstWords, quote, valuesOfFlags, wordsOf } from "./words.ts";

/**
 * Completes commands, flags and choices; PowerShell itself completes files where none of these
 * fits. It compares in a switch, since the keys of a hashtable would make no difference between
 * `-w` and `-W`.
 */
export function powershell(commands: Commands): string {
  const values = [...valuesOfFlags(commands)].map(([flag, values]) =>
    `    '${flag}' ${block(values ?? [])}`
  );
  const words = Object.entries(commands).map(([name, command]) =>
    `        '${name}' ${block(wordsOf(command, commands))}`
  );
  return `# PowerShell completion for yodel: yodel completions powershell | Out-String | Invoke-Expression
Register-ArgumentCompleter -Native -CommandName yodel -ScriptBlock {
  param($word, $command, $cursor)
  $words = @($command.CommandElements | Where-Object { $_.Extent.EndOffset -lt $cursor } |
    ForEach-Object { $_.Extent.Text })
  $before = $words[-1]
  $start = ''
  if ($word -match '^(--[^=]+)=') {
    $before = $Matches[1]
    $start = $Matches[0]
  }
  if ($words.Count -eq 1) { $before = 'yodel' }
  $proposed = switch -CaseSensitive ($before) {
${values.join("\n")}
    'yodel' ${block(firstWords(commands))}
    default {
      switch ($words[1]) {
${words.join("\n")}
      }
    }
  }
  foreach ($text in $proposed) {
    $text = $start + $text
    if ($text.StartsWith($word, 'Ordinal')) {
      [System.Management.Automation.CompletionResult]::new($text, $text, 'ParameterValue', $text)
    }
  }
}
`;
}

function block(words: readonly string[]): string {
  return words.length === 0 ? "{ }" : `{ ${words.map(quote).join(", ")} }`;
}
