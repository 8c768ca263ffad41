#!/bin/bash
# One broken object in an image costs that object only: it fails with EUCLEAN, its neighbours are
# served, the log names rule and offset and does not flood. FUSE only: Linux's driver never gets to
# see a damaged image here.
set -euo pipefail
# shellcheck source=tests/lib.sh
source "$(dirname "$0")/../lib.sh"
need_fuse
need_root

mkdir -p "$WORK/tree/dir" "$WORK/mnt"
for name in before broken behind; do
  echo "the content of $name" >"$WORK/tree/$name"
  fill "$WORK/tree/dir/$name" 100000 "${name:1:1}"
done
mkdir "$WORK/tree/broken-dir"
touch "$WORK/tree/broken-dir/inside"
ln -s target "$WORK/tree/broken-link"
setfattr -n user.name -v value "$WORK/tree/behind"
"$AMBER" mkfs -q -E force-inode-extended "$WORK/good.img" "$WORK/tree"

# An inode's number is its nid, and it lies 32 * nid behind the metadata's first block, which the
# superblock has at offset 1024 + 40.
fuse_mount "$WORK/good.img" "$WORK/mnt"
declare -A offset
metadata=$(($(od -An -tu4 -j1064 -N4 "$WORK/good.img") * 4096))
for name in broken dir/broken broken-dir broken-link; do
  offset[$name]=$((metadata + 32 * $(stat -c %i "$WORK/mnt/$name")))
  ((offset[$name] >= 4096)) || fail "$name lies in the block that has a checksum"
done
"$AMBER" umount "$WORK/mnt"

# poke OFFSET BYTES: as printf writes them, into $WORK/bad.img.
poke() { printf '%b' "$2" | dd of="$WORK/bad.img" bs=1 seek="$1" conv=notrunc status=none; }

cp "$WORK/good.img" "$WORK/bad.img"
poke $((offset[broken] + 4)) '\x00\x00'  # INO-4: its mode
poke $((offset[dir/broken] + 16)) '\xff\xff\xff\x7f'  # FLAT-1: the first block of its data
poke $((offset[broken-dir] + 64)) '\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff'  # DIR-1
poke $((offset[broken-link] + 64)) '\x00'        # LNK-2: its target

"$AMBER" mount -f "$WORK/bad.img" "$WORK/mnt" 2>"$WORK/log" &
processes+=($!)
wait_for 10 mounted "$WORK/mnt"
clean="Structure needs cleaning"

note "broken objects"
expect_error "$clean" stat "$WORK/mnt/broken"
expect_error "$clean" cat "$WORK/mnt/dir/broken"
expect_error "$clean" ls "$WORK/mnt/broken-dir"
expect_error "$clean" readlink -v "$WORK/mnt/broken-link"

note "their neighbours"
for name in before behind; do
  equal "$(cat "$WORK/mnt/$name")" "the content of $name" "$name"
  cmp "$WORK/tree/dir/$name" "$WORK/mnt/dir/$name"
done
equal "$(getfattr --absolute-names --only-values -n user.name "$WORK/mnt/behind")" value "an attribute"
# A broken entry does not take its folder's listing away.
names=$(ls -A1 "$WORK/mnt" 2>/dev/null) || true
for name in before behind broken broken-dir broken-link dir; do
  grep -qx "$name" <<<"$names" || fail "the listing lacks $name: $names"
done
# Attributes of the broken data's file are good.
equal "$(stat -c %s "$WORK/mnt/dir/broken")" 100000 "the size of a file whose data cannot be found"

note "the log"
for rule in INO-4 FLAT-1 DIR-1 LNK-2; do
  grep -q "$rule" "$WORK/log" || { cat "$WORK/log" >&2; fail "the log does not name $rule"; }
done
grep -q "INO-4 at byte $((offset[broken] + 4))" "$WORK/log" ||
  { cat "$WORK/log" >&2; fail "the log does not say that byte $((offset[broken] + 4)) is wrong"; }

note "it does not flood"
: >"$WORK/log"
start=$SECONDS
for ((i = 0; i < 300; ++i)); do cat "$WORK/mnt/dir/broken" 2>/dev/null || true; done
allowed=$((11 * (SECONDS - start + 2)))
(($(wc -l <"$WORK/log") <= allowed)) ||
  fail "$(wc -l <"$WORK/log") lines in $((SECONDS - start)) s, at most $allowed are allowed"

note "the file is cut while it is mounted"
"$AMBER" umount "$WORK/mnt"
cp "$WORK/good.img" "$WORK/bad.img"
fuse_mount "$WORK/bad.img" "$WORK/mnt"
truncate -s 2048 "$WORK/bad.img"
expect_error "Input/output error" cat "$WORK/mnt/dir/before"
expect_error "Input/output error" ls "$WORK/mnt/dir"
truncate -s 0 "$WORK/bad.img"
expect_error "Input/output error" stat "$WORK/mnt/behind"
cp "$WORK/good.img" "$WORK/bad.img"
equal "$(cat "$WORK/mnt/behind")" "the content of behind" "when the file is whole again"
"$AMBER" umount "$WORK/mnt"

note "a cut image is not mounted"
head -c -1 "$WORK/good.img" >"$WORK/bad.img"
expect_status 32 "$AMBER" mount "$WORK/bad.img" "$WORK/mnt"
grep -q SB-7 "$WORK/err" || fail "does not name SB-7: $(cat "$WORK/err")"
