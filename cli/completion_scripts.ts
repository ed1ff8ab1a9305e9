/** They ask the yodel in the command line, or else in the PATH: `yodel complete WORD ...`. */
export const completionScripts = {
  // bash before 4.0 has no compopt, and completes files everywhere.
  bash: `# bash completion for yodel: eval "$(yodel completions bash)"
_yodel() {
  local word help files=+o typed="\${COMP_LINE:0:COMP_POINT}"
  typed="\${typed##* }"
  COMPREPLY=()
  while IFS=$'\\t' read -r word help; do
    if [ "$word" = FILE ]; then files=-o
    # bash takes a=b for three words, and replaces the last of them.
    elif [[ "$word" = "$typed"* ]]; then COMPREPLY+=("\${word#"\${typed%"$2"}"}"); fi
  done < <(for program in "\${1/#\\~/$HOME}" yodel; do
    hash "$program" && "$program" complete "\${COMP_WORDS[@]:1:COMP_CWORD}" && break
  done 2>/dev/null)
  compopt $files default 2>/dev/null
  if [[ "$typed\${COMPREPLY-}" = *= ]]; then compopt -o nospace 2>/dev/null; fi
}
complete -o default -F _yodel yodel
`,
  zsh: `#compdef yodel
# zsh completion for yodel: source <(yodel completions zsh)
_yodel() {
  local -a found go_on
  found=(\${(f)"$(for program in $~words[1] yodel; do
    whence $program >&2 && $program complete "\${(@Q)words[2,CURRENT]}" && break
  done 2>/dev/null)"})
  [[ "$found" = FILE ]] && { compset -P 1 '(--*=|unix:)'; _files; return }
  found=("\${(@)found/$'\\t'/:}")
  go_on=(\${(M)found:#*=:*})
  found=(\${found:#*=:*})
  _describe word go_on -S '' -- found
}
if [[ "$funcstack[1]" = _yodel ]]; then
  _yodel "$@"
else
  (( $+functions[compdef] )) || { autoload -Uz compinit && compinit }
  compdef _yodel yodel
fi
`,
  fish: `# fish completion for yodel: yodel completions fish | source
function __yodel
    set -l words (commandline -opc) (commandline -ct)
    for program in (string replace -r '^~' $HOME -- $words[1]) yodel
        type -q $program; or continue
        set -l found ($program complete $words[2..-1] 2>/dev/null); or continue
        if test "$found" = FILE
            complete -C "'' "(commandline -ct)
        else
            # Without this, fish looks for it in what the words are for as well.
            string match -ri '^[^\\t]*'(string escape --style=regex -- $words[-1])'.*' -- $found
        end
        return
    end
end
complete -c yodel -f -a '(__yodel)'
`,
  powershell:
    `# PowerShell completion for yodel: yodel completions powershell | Out-String | Invoke-Expression
Register-ArgumentCompleter -Native -CommandName yodel -ScriptBlock {
  param($word, $command, $cursor)
  $words = @($command.CommandElements | Select-Object -Skip 1 |
    Where-Object { $_.Extent.EndOffset -lt $cursor } | ForEach-Object { $_.Extent.Text })
  $words += if ($word) { $word } else { '""' }
  & ($command.GetCommandName()) complete @words 2>$null | ForEach-Object {
    $text, $help = $_ -split "\`t"
    if ($text.StartsWith($word, 'Ordinal') -and $text -cne 'FILE') {
      [System.Management.Automation.CompletionResult]::new(
        $text, $text, 'ParameterValue', "$text $help")
    }
  }
}
`,
} as const;
