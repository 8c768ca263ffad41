#!/bin/bash
# Equal trees and equal options give equal images, wherever, whenever and by whomever they are made.
set -euo pipefail
# shellcheck source=tests/lib.sh
source "$(dirname "$0")/../lib.sh"
need_root

"$TOOLS/odd_tree" --small "$WORK/tree"
build() { "$AMBER" mkfs -q "$1" "${@:3}" "$2"; }
equal_images() { cmp "$1" "$2" || fail "$3 makes a difference"; }

build "$WORK/first" "$WORK/tree"

note "again"
build "$WORK/second" "$WORK/tree"
equal_images "$WORK/first" "$WORK/second" "the run"

note "another time zone, locale, working directory, umask, and a nice value"
(cd / && umask 077 && TZ=Asia/Kathmandu LC_ALL=C.UTF-8 nice -n 1 "$AMBER" mkfs -q "$WORK/second" "$WORK/tree")
equal_images "$WORK/first" "$WORK/second" "the environment"

note "a copy of the tree: other inode numbers, another order of names, holes filled"
mkdir "$WORK/copy"
"$TOOLS/odd_tree" --small "$WORK/copy/tree"
(cd "$WORK/copy/tree/sparse" && for file in comb middle; do
  touch -r "$file" "$WORK/time"
  cp --sparse=never "$file" "$WORK/full"
  cat "$WORK/full" >"$file"
  touch -r "$WORK/time" "$file"
done)
build "$WORK/second" "$WORK/copy/tree"
equal_images "$WORK/first" "$WORK/second" "the host's order or holes"

note "another file system"
mkdir "$WORK/ram"
mount -t tmpfs none "$WORK/ram"
mkdir "$WORK/plain" "$WORK/ram/plain"
cp -a "$WORK/tree"/{sizes,names,links-a,links-b,symlinks,times,deep,modes,owners} "$WORK/plain"
# The same order of times: directories last, as cp does it.
cp -a "$WORK/plain/." "$WORK/ram/plain"
build "$WORK/first-plain" "$WORK/plain"
build "$WORK/second-plain" "$WORK/ram/plain"
equal_images "$WORK/first-plain" "$WORK/second-plain" "the file system"

note "the image of an image: mounted and packed again"
if [[ -w /dev/fuse ]]; then
  mkdir "$WORK/mnt"
  fuse_mount "$WORK/first" "$WORK/mnt"
  build "$WORK/second" "$WORK/mnt"
  "$AMBER" umount "$WORK/mnt"
  equal_images "$WORK/first" "$WORK/second" "a way through an image"
fi

note "an image inside its own source"
build "$WORK/plain/image" "$WORK/plain" -T 5
cp "$WORK/plain/image" "$WORK/third"
build "$WORK/plain/image" "$WORK/plain" -T 5
equal_images "$WORK/plain/image" "$WORK/third" "an older image in the source"
rm "$WORK/plain/image"

note "what must make a difference: one byte of content, one time"
printf x | dd of="$WORK/plain/sizes/noise-513" bs=1 seek=500 conv=notrunc status=none
build "$WORK/second-plain" "$WORK/plain"
if cmp -s "$WORK/first-plain" "$WORK/second-plain"; then fail "a byte made no difference"; fi
uuid() { od -An -tx1 -j $((1024 + 48)) -N 16 "$1"; }
[[ $(uuid "$WORK/first-plain") != "$(uuid "$WORK/second-plain")" ]] || fail "equal UUIDs"
