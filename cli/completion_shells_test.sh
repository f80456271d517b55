#!/usr/bin/env bash
# Copyright 2026 The Rehai Authors
# SPDX-License-Identifier: Apache-2.0
#
# The completion scripts in the shells that they are for: what each completes a
# word to. Each shell has 60 seconds.
set -euo pipefail

export PATH="$PWD/cli:$PATH" HOME="${TEST_TMPDIR:?}" completions="$PWD/cli/completions"
failures=0

expect() {  # SHELL EXPECTED GOT
  if [[ "$3" == "$2" ]]; then
    echo "$1: ok"
  else
    echo "$1: expected \"$2\", got \"$3\""
    failures=$((failures + 1))
  fi
}

got="$(timeout 60 bash --norc -c '
  source "$completions/rehaictl.bash"
  COMP_WORDS=(rehaictl host) COMP_CWORD=1
  _rehaictl
  printf "%s," "${COMPREPLY[@]}"' 2>&1 || true)"
expect bash "hosts," "$got"

got="$(timeout 60 fish --no-config -c '
  source "$completions/rehaictl.fish"
  complete -C "rehaictl host" | string split -f1 \t' 2>&1 || true)"
expect fish "hosts" "$got"

# The first completion loads the script, the second has it. What is typed is run
# by a function, which says what the completion made of it; only its output has
# "said=" in one piece, not the line that defines it.
got="$(timeout 50 zsh -f -c '
  zmodload zsh/zpty
  zpty shell zsh -f -i
  zpty -w shell "fpath=($completions \$fpath); autoload -Uz compinit"
  zpty -w shell "compinit -u -D; rehaictl() { print -r -- sa\"\"id=\$1. }"
  for turn in first second; do
    zpty -w -n shell "rehaictl host"$'"'\\t\\n'"'
    zpty -r shell shown "*said=*.*"
    shown="${shown##*said=}"
    print -rn -- "${shown%%.*},"
  done' 2>&1 || true)"
expect zsh "hosts,hosts," "$got"

exit "$((failures > 0))"
