#!/bin/bash
# One broken object of an image: it fails with EUCLEAN and a line in the log that names rule and
# place, its neighbours stay readable, and fsck finds it. FUSE only: damaged images are not given to
# the kernel's driver.
set -euo pipefail
# shellcheck source=tests/lib.sh
source "$(dirname "$0")/../lib.sh"
need_root
need_fuse
need setfattr getfattr

tree=$WORK/tree mnt=$WORK/mnt
mkdir -p "$tree/dir" "$tree/crowd" "$mnt"
head -c 20000 /dev/urandom >"$tree/flat"
head -c 100 /dev/urandom >"$tree/inline"
for ((i = 0; i < 64; ++i)); do
  head -c 4096 /dev/urandom | dd of="$tree/chunks" bs=64K seek="$i" conv=notrunc status=none
done
ln -s "$(printf 't%.0s' {1..200})" "$tree/link"
echo attributed >"$tree/attributed"
setfattr -n user.colour -v amber "$tree/attributed"
for ((i = 0; i < 200; ++i)); do echo "$i" >"$tree/dir/entry-$i"; done
for ((i = 0; i < 400; ++i)); do echo "$i" >"$tree/crowd/$i"; done
"$AMBER" mkfs -q -x 9 "$WORK/good" "$tree"

fuse_mount "$WORK/good" "$mnt"
declare -A nid
while read -r number path; do nid[$path]=$number; done < <(cd "$mnt" && find . -mindepth 1 -printf '%i %P\n')
"$AMBER" umount "$mnt"

number_at() { od -An -v -t "u$2" -j "$1" -N "$2" --endian=little "$WORK/image" | tr -d ' '; }
meta_start() { echo $(($(number_at $((1024 + 40)) 4) * 4096)); }
inode_offset() { echo $(($(meta_start) + nid[$1] * 32)); }
# Where what follows the inode starts: a chunk table, or a tail if there are no attributes.
body_offset() {
  local at
  at=$(inode_offset "$1")
  echo $((at + ($(number_at "$at" 2) & 1 ? 64 : 32)))
}
# poke OFFSET HEX
# shellcheck disable=SC2001
poke() {
  printf "%b" "$(sed "s/../\\\\x&/g" <<<"$2")" |
    dd of="$WORK/image" bs=1 seek="$1" conv=notrunc status=none
}
fresh() { cp "$WORK/good" "$WORK/image"; }

start() {
  "$AMBER" mount -f "$WORK/image" "$mnt" 2>"$WORK/log" &
  server=$!
  processes+=("$server")
  wait_for 10 mounted "$mnt"
}
stop() {
  umount "$mnt"
  wait "$server" || fail "the server ended with status $?"
}

all_objects=(flat inline chunks link attributed dir/entry-7 crowd/7)
readable() {
  if [[ -L $tree/$1 ]]; then
    equal "$(readlink "$mnt/$1")" "$(readlink "$tree/$1")" "target of $1"
  else
    cmp "$tree/$1" "$mnt/$1" || fail "$1 suffers from its neighbour"
  fi
}

# broken_object WHAT RULE PATHS COMMAND...: the image is changed. The command fails, PATHS (a pattern)
# may fail with it, nothing else does.
broken_object() {
  local what=$1 rule=$2 suffering=$3 object
  shift 3
  start
  expect_error "Structure needs cleaning" "$@"
  for object in "${all_objects[@]}"; do
    # shellcheck disable=SC2053  # a pattern
    [[ $object == $suffering ]] || readable "$object"
  done
  expect_error "Structure needs cleaning" "$@"
  stop
  grep -qE "of nid [0-9]+: .*$rule at byte [0-9]+" "$WORK/log" ||
    { cat "$WORK/log" >&2; fail "$what: the log does not name rule $rule and a place"; }
  note "$what: $(head -n 1 "$WORK/log" | sed 's/.*image: //')"
  if fsck_works; then
    expect_status 4 "$AMBER" fsck "$WORK/image"
    grep -qE "$rule" "$WORK/out" "$WORK/err" ||
      { cat "$WORK/out" "$WORK/err" >&2; fail "$what: fsck does not name $rule"; }
  fi
}

fresh
poke $(($(inode_offset flat) + 4)) 0000
broken_object "an inode of no file type" "INO-[0-9]+" flat cat "$mnt/flat"

fresh
poke $(($(inode_offset flat) + 16)) 00ffff7f
broken_object "data behind the image's end" "FLAT-[0-9]+" flat cat "$mnt/flat"

fresh
poke $(($(body_offset chunks) + 4 * 3)) 00ffff7f
broken_object "a chunk behind the image's end" "CHK-[0-9]+" chunks cat "$mnt/chunks"

fresh
poke $(($(inode_offset inline) + 8)) ffff
broken_object "a tail that leaves its block" "(FLAT|INO)-[0-9]+" inline cat "$mnt/inline"

fresh
poke $(($(inode_offset link) + 8)) 00000000
broken_object "a link without a target" "(LNK|INO|SYM)-[0-9]+" link readlink -v "$mnt/link"

fresh
poke $(($(inode_offset attributed) + 2)) ff7f
broken_object "an attribute area that leaves the image" "(XA|INO)-[0-9]+" attributed \
  getfattr -d "$mnt/attributed"

fresh
# 200 entries do not fit behind the inode: its first block is in the directory's start address.
block=$(number_at $(($(inode_offset dir) + 16)) 4)
poke $((block * 4096 + 8)) ffff
broken_object "a directory block with a wild name offset" "DIR-[0-9]+" "dir/*" ls "$mnt/dir"

note "all of a file but its broken chunk can be read"
fresh
# Chunks are of 4096 bytes here. The neighbours of block 640 are read ahead together with it.
poke $(($(body_offset chunks) + 4 * 640)) 00ffff7f
start
cmp -n $((640 * 4096)) "$tree/chunks" "$mnt/chunks" || fail "what is before the broken chunk"
cmp -i $((641 * 4096)) "$tree/chunks" "$mnt/chunks" || fail "what is behind the broken chunk"
expect_error "Structure needs cleaning" cat "$mnt/chunks"
stop

note "many broken objects: the log stays short and says so"
fresh
for ((i = 0; i < 400; ++i)); do poke $(($(inode_offset "crowd/$i") + 4)) 0000; done
start
begin=$SECONDS
for round in 1 2 3; do
  for ((i = 0; i < 400; ++i)); do
    if read -r _ <"$mnt/crowd/$i"; then fail "crowd/$i is readable in round $round"; fi
  done 2>/dev/null
done
sleep 1.1
if cat "$mnt/crowd/0" 2>/dev/null; then fail "crowd/0 is readable"; fi
seconds=$((SECONDS - begin + 1))
readable flat
names=$(ls -A1 "$mnt/crowd" 2>/dev/null) || true
equal "$(wc -l <<<"$names")" 400 "names in a directory of broken inodes"
stop
lines=$(wc -l <"$WORK/log")
((lines <= 11 * (seconds + 1))) || fail "$lines lines in $seconds seconds"
grep -q "more errors not shown" "$WORK/log" || fail "the log does not say that it left lines out"
note "$lines lines for 1201 failures in $seconds seconds"

note "the file is cut while it is mounted"
fresh
fuse_mount "$WORK/image" "$mnt"
truncate -s 2048 "$WORK/image"
expect_error "Input/output error" cat "$mnt/flat"
expect_error "Input/output error" ls "$mnt/dir"
truncate -s 0 "$WORK/image"
expect_error "Input/output error" stat "$mnt/inline"
fresh
readable inline
"$AMBER" umount "$mnt"

note "a cut image is not mounted"
truncate -s -1 "$WORK/image"
expect_status 32 "$AMBER" mount "$WORK/image" "$mnt"
grep -q SB-7 "$WORK/err" || fail "does not name SB-7: $(cat "$WORK/err")"
