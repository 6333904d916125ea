/** The scripts that make shells complete `baryon`: each asks `baryon __complete` and adds file names where told. */

export const completionShells = ['bash', 'zsh', 'fish'] as const

export function completionScript(shell: (typeof completionShells)[number]): string {
  return { bash, zsh, fish }[shell]
}

const bash = `# bash completion for baryon. In ~/.bashrc: eval "$(baryon completion bash)"
_baryon() {
  local current=\${COMP_WORDS[COMP_CWORD]} line word
  local -a words=("\${COMP_WORDS[@]:1:COMP_CWORD-1}")
  COMPREPLY=()
  while IFS= read -r line; do
    word=\${line%%$'\\t'*}
    case $word in
      :file) compopt -o filenames 2>/dev/null; while IFS= read -r word; do COMPREPLY+=("$word"); done < <(compgen -f -- "$current") ;;
      :directory) compopt -o filenames 2>/dev/null; while IFS= read -r word; do COMPREPLY+=("$word"); done < <(compgen -d -- "$current") ;;
      *) COMPREPLY+=("$word") ;;
    esac
  done < <("\${COMP_WORDS[0]}" __complete "\${words[@]}" "$current" 2>/dev/null)
}
complete -F _baryon baryon
`

const zsh = `#compdef baryon
# zsh completion for baryon. In ~/.zshrc, after compinit: eval "$(baryon completion zsh)"
_baryon() {
  local line
  local -a candidates
  local -i files=0 directories=0
  while IFS= read -r line; do
    case $line in
      :file) files=1 ;;
      :directory) directories=1 ;;
      *) candidates+=("\${\${line%%$'\\t'*}//:/\\\\:}\${\${(M)line:#*$'\\t'*}:+:\${line#*$'\\t'}}") ;;
    esac
  done < <("\${words[1]}" __complete "\${(@)words[2,CURRENT]}" 2>/dev/null)
  (( \${#candidates} )) && _describe -t values 'baryon' candidates
  (( files )) && _files
  (( directories )) && _files -/
  return 0
}
if (( \${+functions[compdef]} )); then compdef _baryon baryon; fi
`

const fish = `# fish completion for baryon. baryon completion fish > ~/.config/fish/completions/baryon.fish
function __baryon_complete
    set -l words (commandline -opc)
    set -l current (commandline -ct)
    for line in ($words[1] __complete $words[2..-1] "$current" 2>/dev/null)
        switch $line
            case ':file'
                __fish_complete_path $current
            case ':directory'
                __fish_complete_directories $current
            case '*'
                echo $line
        end
    end
end
complete -c baryon -f -a '(__baryon_complete)'
`
