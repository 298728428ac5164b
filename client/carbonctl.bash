# bash completion for carbonctl
_carbonctl() {
  local word=${COMP_WORDS[COMP_CWORD]} command= i
  local commands="submit plan list show watch logs wait cancel pause resume
    emissions report estimate forecast regions providers budgets"
  for ((i = 1; i < COMP_CWORD; i++)); do
    [[ ${COMP_WORDS[i]} == -- ]] && return
    if [[ " "${commands//$'\n'/ }" " == *" ${COMP_WORDS[i]} "* ]]; then
      command=${COMP_WORDS[i]}
      break
    fi
  done
  if [[ $word == -* ]]; then
    COMPREPLY=($(compgen -W "$(carbonctl $command --help 2>/dev/null |
      grep -o -- '--[a-z-]*')" -- "$word"))
  elif [[ -z $command ]]; then
    COMPREPLY=($(compgen -W "$commands" -- "$word"))
  elif [[ $command =~ ^(show|watch|logs|wait|cancel|pause|resume)$ ]]; then
    COMPREPLY=($(compgen -W "$(carbonctl list --live 2>/dev/null |
      awk '$1 ~ /^[0-9]+$/ {print $1}')" -- "$word"))
  elif [[ $command == report ]]; then
    COMPREPLY=($(compgen -W "$(carbonctl list --state done 2>/dev/null |
      awk '$1 ~ /^[0-9]+$/ {print $1}')" -- "$word"))
  fi
}
complete -o default -F _carbonctl carbonctl
