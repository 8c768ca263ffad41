#!/bin/bash
# Relative links in Markdown files lead to files, and their #fragments to headings.
set -euo pipefail
cd "${SOURCE_DIR:-$(dirname "$0")/..}"

status=0
complain() {
  echo "FAIL: docs_links: $*" >&2
  status=1
}

anchors_of() { # FILE: as code hosts make them from headings
  sed -nE 's/^#{1,6} +(.*)$/\1/p' "$1" | tr '[:upper:]' '[:lower:]' |
    sed -E 's/[^a-z0-9 _-]//g; s/ /-/g'
}

links=0
while read -r file; do
  # What stands in code is no link.
  # shellcheck disable=SC2016
  while read -r link; do
    case $link in
      *://* | mailto:*) continue ;;
    esac
    links=$((links + 1))
    path=${link%%#*}
    target=$file
    [[ ! $path ]] || target=$(dirname "$file")/$path
    if [[ ! -e $target ]]; then
      complain "$file: $link leads nowhere"
    elif [[ $link == *#* && $target == *.md ]]; then
      anchors_of "$target" | grep -qxF -- "${link#*#}" ||
        complain "$file: no heading of $target makes #${link#*#}"
    fi
  done < <(sed -e '/^```/,/^```/d' -e 's/`[^`]*`//g' "$file" |
           grep -oE '\]\([^) ]+\)' | sed 's/^](//; s/)$//')
done < <(find . \( -name build -o -name .cache -o -name .git \) -prune -o -name '*.md' -print)

((status)) || echo "$links links"
exit "$status"
