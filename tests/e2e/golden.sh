#!/bin/bash
# The images of one tree are what golden.txt says, byte for byte. Another digest is a change of what
# mkfs writes: an entry under "format" in CHANGELOG.md, and a new golden.txt.
#
#   golden.sh [--update]
set -euo pipefail
# shellcheck source=tests/lib.sh
source "$(dirname "$0")/../lib.sh"
need_root
golden=$SOURCE_DIR/tests/e2e/golden.txt
unset SOURCE_DATE_EPOCH

need setfattr
"$TOOLS/odd_tree" --small "$WORK/tree"
# Not every file system holds values that long.
setfattr -x user.value "$WORK"/tree/xattrs/value-{4096,16384,65535} 2>/dev/null || true
# Compressors of another release may write other streams, which are as good.
# shellcheck source=/dev/null
suite=$(. /etc/os-release && echo "${VERSION_CODENAME:-}")
compared=0
while read -r digest options; do
  if [[ $digest == '#'* ]]; then
    printf '%s\n' "${digest} $options" >>"$WORK/new"
    continue
  fi
  # shellcheck disable=SC2086
  "$AMBER" mkfs -q $options "$WORK/image" "$WORK/tree"
  made=$(sha256sum <"$WORK/image")
  printf '%s%s\n' "${made%% *}" "${options:+ $options}" >>"$WORK/new"
  [[ ${1:-} != --update ]] || continue
  if [[ $options == *-z* && $suite != bookworm ]]; then
    note "not compared, these are not Debian 12's libraries: $options"
    continue
  fi
  ((++compared))
  equal "${made%% *}" "$digest" "image of mkfs $options"
done <"$golden"
if [[ ${1:-} == --update ]]; then
  cp "$WORK/new" "$golden"
else
  note "$compared images"
  ((compared > 10)) || fail "hardly anything was compared"
fi
