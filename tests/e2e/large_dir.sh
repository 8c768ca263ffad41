#!/bin/bash
# A directory of 100 000 entries: listed whole, in pieces and by two at once; found and not found.
set -euo pipefail
# shellcheck source=tests/lib.sh
source "$(dirname "$0")/../lib.sh"
need_fuse
need_root
entries=100000

mkdir "$WORK/tree" "$WORK/mnt"
mount -t tmpfs tmpfs "$WORK/tree"  # where making that many files takes no time
mkdir "$WORK/tree/large"
(cd "$WORK/tree/large" && seq -f 'entry-%06g' 0 $((entries - 1)) | xargs touch)
"$AMBER" mkfs -q "$WORK/image" "$WORK/tree"
fuse_mount "$WORK/image" "$WORK/mnt"
large=$WORK/mnt/large

note "listed"
find "$WORK/tree/large" -mindepth 1 -printf '%f\n' | sort >"$WORK/names"
equal "$(wc -l <"$WORK/names")" "$entries" "the tree has the entries"
start=$SECONDS
find "$large" -mindepth 1 -printf '%f\n' >"$WORK/listed"
note "in $((SECONDS - start)) s"
sort -c "$WORK/listed"
same "$WORK/names" "$WORK/listed" "another list of names"

note "listed by four at once, cold"
"$AMBER" umount "$WORK/mnt"
fuse_mount "$WORK/image" "$WORK/mnt"
for reader in 1 2 3 4; do
  ls -f "$large" >"$WORK/listed.$reader" &
  processes+=($!)
done
wait "${processes[@]}"
processes=()
for reader in 1 2 3 4; do
  equal "$(wc -l <"$WORK/listed.$reader")" $((entries + 2)) "entries that reader $reader saw"
done

note "with attributes"
equal "$(find "$large" -mindepth 1 -type f -size 0 | wc -l)" "$entries" "files"

note "looked up, cold: names that are there, and that are not"
"$AMBER" umount "$WORK/mnt"
fuse_mount "$WORK/image" "$WORK/mnt"
for number in $(seq 0 97 $((entries - 1))); do
  [[ -f $(printf '%s/entry-%06d' "$large" "$number") ]] || fail "entry $number is missing"
done
for name in a entry- entry-00000 entry-0000000 entry-000000a entry-099999.5 entry-100000 z $'\x01' $'\xff'; do
  [[ ! -e $large/$name ]] || fail "there is no $name"
done
for number in $(seq 0 97 $((entries - 1))); do
  [[ ! -e $(printf '%s/entry-%06d~' "$large" "$number") ]] || fail "there is no entry $number~"
done
"$AMBER" umount "$WORK/mnt"
