#!/bin/bash
# A directory of 100 000 names: listed whole, each name found, absent ones not, and in bearable time.
set -euo pipefail
# shellcheck source=tests/lib.sh
source "$(dirname "$0")/../lib.sh"
need_root
need_fuse

tree=$WORK/tree mnt=$WORK/mnt
mkdir -p "$tree/large" "$mnt"
(cd "$tree/large" && seq -f 'name-%.0f-of-many' 1 100000 | xargs touch)
(cd "$tree/large" && echo first >name-1-of-many && echo last >name-100000-of-many)
"$AMBER" mkfs -q "$WORK/image" "$tree"
fuse_mount "$WORK/image" "$mnt"

timed() {
  local begin=${EPOCHREALTIME/[.,]/} milliseconds
  "${@:3}"
  milliseconds=$(((${EPOCHREALTIME/[.,]/} - begin) / 1000))
  note "$1: $milliseconds ms"
  # Several times what a slow machine with sanitizers needs: only a quadratic algorithm gets here.
  ((milliseconds < $2 * 1000)) || fail "$1 took $milliseconds ms"
}
list() { ls -U "$mnt/large" >"$WORK/names"; }
timed "listing" 60 list
find "$tree/large" -mindepth 1 -printf '%f\n' | sort >"$WORK/expected"
sort "$WORK/names" >"$WORK/sorted"
same "$WORK/expected" "$WORK/sorted" "the list"
# The image has its names in order, and a listing shows them so.
LC_ALL=C sort -c "$WORK/names" || fail "the list is out of order"
# shellcheck disable=SC2016
timed "listing with attributes" 200 bash -c 'ls -l "$0" >"$1"' "$mnt/large" "$WORK/long"
equal "$(wc -l <"$WORK/long")" 100001 "lines of ls -l"

lookups() {
  local i
  for ((i = 1; i <= 100000; i += 97)); do [[ -e $mnt/large/name-$i-of-many ]] || fail "name $i is missing"; done
}
absent() {
  local i
  for ((i = 1; i <= 100000; i += 97)); do [[ ! -e $mnt/large/name-$i-of-man ]] || fail "name $i is too much"; done
  for name in '!' 'name-' 'name-0-of-many' 'name-100001-of-many' 'zzz' "$(printf 'n%.0s' {1..255})"; do
    [[ ! -e $mnt/large/$name ]] || fail "$name is too much"
  done
}
"$AMBER" umount "$mnt"
fuse_mount "$WORK/image" "$mnt"
timed "1031 lookups in a fresh mount" 60 lookups
timed "1031 lookups of absent names" 60 absent
equal "$(cat "$mnt/large/name-1-of-many" "$mnt/large/name-100000-of-many" | xargs)" "first last" "contents"
equal "$(stat -c %h "$mnt/large")" 2 "links of the directory"
"$AMBER" umount "$mnt"

if fsck_works; then expect_status 0 "$AMBER" fsck "$WORK/image"; fi
