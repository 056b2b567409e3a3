# SPDX-License-Identifier: Apache-2.0
# Completion for bash. Commands and options come from the program's own --help.
_oclstm() {
  local current=${COMP_WORDS[COMP_CWORD]} previous=${COMP_WORDS[COMP_CWORD - 1]} command=${COMP_WORDS[1]} words
  if [ "$COMP_CWORD" -eq 1 ]; then
    words="$("$1" --help 2>/dev/null | sed -n '/^Commands:/,/^$/s/^  \([a-z]*\) .*/\1/p') --help --version"
  else
    case $previous in
    -e | --engine) words='auto portable fused clblast'; [ "$command" != bench ] || words+=' all' ;;
    --dtype) words='float32 float64'; [[ $command = @(tune|stream|train) ]] || words+=' float16 bfloat16' ;;
    --format) words='raw npy' ;;
    --precision) words='f32 f64'; [ "$command" = train ] || words+=' f16 bf16' ;;
    --loss) words='mse cross-entropy bce' ;;
    --optimizer) words='sgd adam adamw' ;;
    --schedule) words='constant step cosine' ;;
    -d | --device) words="auto gpu cpu npu $("$1" devices 2>/dev/null | sed -n 's/^[* ] \([0-9]*\) .*/\1/p')" ;;
    *)
      [[ $current == -* ]] || return
      words=$("$1" "$command" --help 2>/dev/null | grep -o -- '--[a-z0-9-]*' | sort -u)
      ;;
    esac
  fi
  mapfile -t COMPREPLY < <(compgen -W "$words" -- "$current")
}
complete -o default -F _oclstm oclstm
