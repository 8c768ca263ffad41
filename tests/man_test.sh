#!/bin/bash
# Options of `amber X --help` and of X's page in docs/man are the same ones, and the page has the
# sections that people look for.
set -euo pipefail
cd "${SOURCE_DIR:-$(dirname "$0")/..}"
amber=${AMBER:-build/dev/bin/amber}

status=0
complain() {
  echo "FAIL: man: $*" >&2
  status=1
}

options_of() { grep -oE -- '(^|[^[:alnum:]-])--[a-z][a-z-]*' | grep -oE -- '--.*' | sort -u; }

commands=$("$amber" --help 2>&1 | sed -n '/^Commands:/,/^$/{s/^  \([a-z]*\) .*/\1/p}')
[[ $commands ]] || complain "amber --help lists no commands"
for command in $commands; do
  page=docs/man/$command.amber.8.md
  if [[ ! -e $page ]]; then
    # A command without a program name of its own is on another's page.
    page=$(grep -lF "**amber $command**" docs/man/*.md | head -n 1) || true
    [[ $page ]] || { complain "no page in docs/man describes amber $command"; continue; }
  fi
  help=$("$amber" "$command" --help) || { complain "amber $command --help fails"; continue; }
  # What a command's own commands take is its manual's business too.
  parts=$(sed -n '/^Commands:/,/^$/{s/^  \([a-z]*\) .*/\1/p}' <<<"$help")
  for part in $parts; do
    help+=$'\n'$("$amber" "$command" "$part" --help) ||
      complain "amber $command $part --help fails"
  done
  in_help=$(options_of <<<"$help")
  # Only what stands in bold is an option of the command itself.
  in_page=$(grep -oE '\*\*--[a-z][a-z-]*(=[^*]*)?\*\*' "$page" | tr -d '*' | cut -d= -f1 | sort -u)
  for option in $in_help; do
    grep -qxF -- "$option" <<<"$in_page" ||
      complain "$page does not describe $option of amber $command"
  done
  # A page for two commands may name options of either.
  also=
  for other in $commands; do
    [[ $other == "$command" ]] || ! grep -qF "**amber $other**" "$page" ||
      also+=$("$amber" "$other" --help | options_of)$'\n'
  done
  for option in $in_page; do
    grep -qxF -- "$option" <<<"$in_help"$'\n'"$also" ||
      complain "$page describes $option, which amber $command --help does not know"
  done
  for section in NAME SYNOPSIS DESCRIPTION OPTIONS "EXIT STATUS" EXAMPLES "SEE ALSO"; do
    grep -qx "## $section" "$page" || complain "$page has no section $section"
  done
done
exit "$status"
