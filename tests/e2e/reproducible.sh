#!/bin/bash
# Equal trees and options give equal images, byte for byte, whatever differs around them.
set -euo pipefail
# shellcheck source=tests/lib.sh
source "$(dirname "$0")/../lib.sh"
need_root

tree=$WORK/tree
"$TOOLS/odd_tree" --small "$tree"

# make NAME SOURCE [OPTIONS...]
make() { "$AMBER" mkfs -q "${@:3}" "$WORK/$1.img" "$2"; }
equal_images() { cmp "$WORK/$1.img" "$WORK/$2.img" >&2 || fail "$3"; }
other_images() { ! cmp -s "$WORK/$1.img" "$WORK/$2.img" || fail "$3"; }

make first "$tree"
make second "$tree"
equal_images first second "the same command twice"

note "time zone, locale, umask, current folder, temporary folder, name of the image"
(
  cd "$tree"
  umask 0777
  TZ=Pacific/Chatham LC_ALL=C.UTF-8 LANG=tr_TR.UTF-8 TMPDIR=/nowhere HOME=/nowhere \
    "$AMBER" mkfs -q ../around.img .
)
equal_images first around "the surroundings matter"

note "over an older, larger image"
head -c 50000000 /dev/urandom >"$WORK/over.img"
make over "$tree"
equal_images first over "what was there before matters"

note "a copy: other inode numbers, other order of creation, holes elsewhere"
# cp cannot follow paths beyond PATH_MAX: a tree without.
"$TOOLS/odd_tree" --small --tame "$WORK/tame"
make tame "$WORK/tame"
cp -dR --preserve=mode,ownership,timestamps,links,xattr --sparse=always "$WORK/tame" "$WORK/copy"
make copy "$WORK/copy"
equal_images tame copy "a copy gives another image"
make tame-lz4 "$WORK/tame" -z lz4
make copy-lz4 "$WORK/copy" -z lz4
equal_images tame-lz4 copy-lz4 "a copy gives another compressed image"
rm -rf "$WORK/copy"

note "through an image: mounted and packed again"
if [[ -w /dev/fuse ]]; then
  mkdir "$WORK/mnt"
  fuse_mount "$WORK/first.img" "$WORK/mnt"
  make again "$WORK/mnt"
  "$AMBER" umount "$WORK/mnt"
  equal_images first again "what went through an image gives another one"
fi

note "made in reverse, on another file system, without holes where that is possible"
mkdir "$WORK/tmpfs"
mount -t tmpfs -o size=2g tmpfs "$WORK/tmpfs"
mkdir "$WORK/plain" "$WORK/tmpfs/plain"
for number in $(seq 300); do
  printf '%*s' $((number * 97)) "$number" >"$WORK/plain/file-$number"
  ln -s "target-$number" "$WORK/plain/link-$number"
  ln "$WORK/plain/file-$number" "$WORK/plain/again-$number"
done
truncate -s 3M "$WORK/plain/hole"
printf 'end' >>"$WORK/plain/hole"
for number in $(seq 300 -1 1); do
  printf '%*s' $((number * 97)) "$number" >"$WORK/tmpfs/plain/again-$number"
  ln "$WORK/tmpfs/plain/again-$number" "$WORK/tmpfs/plain/file-$number"
  ln -s "target-$number" "$WORK/tmpfs/plain/link-$number"
done
head -c 3M /dev/zero >"$WORK/tmpfs/plain/hole"
printf 'end' >>"$WORK/tmpfs/plain/hole"
make plain "$WORK/plain" -T 1234567890
make tmpfs "$WORK/tmpfs/plain" -T 1234567890
equal_images plain tmpfs "another file system gives another image"

note "one byte of content does make a difference"
printf x | dd of="$WORK/tmpfs/plain/file-77" bs=1 seek=500 conv=notrunc status=none
make byte "$WORK/tmpfs/plain" -T 1234567890
other_images plain byte "a byte made no difference"

note "SOURCE_DATE_EPOCH: later times become this one, earlier ones stay"
touch -d @1000000000 "$WORK/plain/file-1"
SOURCE_DATE_EPOCH=1500000000 make clamped-1 "$WORK/plain"
find "$WORK/plain" ! -name file-1 -newermt @1500000000 -exec touch -hd @1600000000.5 {} +
SOURCE_DATE_EPOCH=1500000000 make clamped-2 "$WORK/plain"
equal_images clamped-1 clamped-2 "SOURCE_DATE_EPOCH did not clamp"
make unclamped "$WORK/plain"
other_images clamped-1 unclamped "without SOURCE_DATE_EPOCH the times are the files'"
touch -d @1000000001 "$WORK/plain/file-1"
SOURCE_DATE_EPOCH=1500000000 make clamped-3 "$WORK/plain"
other_images clamped-1 clamped-3 "an early time was lost"
expect_status 2 env SOURCE_DATE_EPOCH=yesterday "$AMBER" mkfs -q "$WORK/no.img" "$WORK/plain"

note "UUIDs"
make given-1 "$tree" -U 00112233-4455-6677-8899-aabbccddeeff
make given-2 "$tree" -U 00112233-4455-6677-8899-AABBCCDDEEFF
equal_images given-1 given-2 "a given UUID"
other_images first given-1 "the UUID is in the image"
make random-1 "$tree" -U random
make random-2 "$tree" -U random
other_images random-1 random-2 "a random UUID is new each time"
# Nothing but 16 bytes of UUID and the checksum depends on it.
differing=$(cmp -l "$WORK/random-1.img" "$WORK/random-2.img" | wc -l) || true
((differing <= 20)) || fail "$differing bytes depend on the UUID"
make other "$WORK/plain"
[[ $(blkid -p -o value -s UUID "$WORK/first.img") != $(blkid -p -o value -s UUID "$WORK/other.img") ]] ||
  fail "two trees have one UUID"
