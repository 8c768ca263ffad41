#!/bin/bash
# Compressed images hold what was put into them, whoever reads them, and the number of threads
# makes no difference.
set -euo pipefail
# shellcheck source=tests/lib.sh
source "$(dirname "$0")/../lib.sh"
need_fuse
need_kernel_erofs
need_tools_of sid
need jq

"$TOOLS/odd_tree" --small "$WORK/odd"
# What compressors look for, and what they give up on.
code=$WORK/code
mkdir "$code" "$WORK/mnt"
cp /bin/bash "$code/program"
find "$SOURCE_DIR"/{docs,base,format,image,mkfs} -type f -print0 | sort -z | xargs -0 cat >"$code/text"
cp "$SOURCE_DIR"/image/*.cc "$code"
cat "$WORK"/odd/sizes/noise-{1048577,65537} >"$code/noise"
for size in 513 4097 65537 1048577; do
  cat "$WORK"/odd/sizes/{prose,noise,zeros}-$size
  head -c $((size * 3)) "$code/text"
done >"$code/mixed"
for tree in odd code; do "$TOOLS/manifest" "$WORK/$tree" >"$WORK/$tree.source"; done

image=$WORK/image
# shows READER TREE: what is mounted at $WORK/mnt.
shows() {
  "$TOOLS/manifest" "$WORK/mnt" >"$WORK/manifest"
  umount "$WORK/mnt"
  same "$WORK/$2.source" "$WORK/manifest" "$1 sees another tree"
}
try() { # TREE OPTION...
  local tree=$1 block=4096
  shift
  [[ ! " $*" =~ " -b "([0-9]+) ]] || block=${BASH_REMATCH[1]}
  "$AMBER" mkfs -q --workers 1 "$@" "$image.1" "$WORK/$tree"
  "$AMBER" mkfs --json --workers 3 "$@" "$image" "$WORK/$tree" >"$WORK/json"
  note "$tree $*: $(jq -r '"\(.compressed_files) of \(.files) files, \(.image_bytes) of \(.source_bytes) bytes"' "$WORK/json")"
  (($(jq .compressed_files "$WORK/json") > 0)) || fail "nothing is compressed"
  cmp "$image" "$image.1" || fail "the number of workers makes a difference"
  expect_status 0 "$AMBER" fsck --strict "$image"
  fuse_mount "$image" "$WORK/mnt"
  shows amberfs "$tree"
  ((block <= $(getconf PAGE_SIZE))) || return 0
  kernel_mount "$image" "$WORK/mnt"
  shows Linux "$tree"
  # odd has paths that are too long for it.
  [[ $tree == code ]] || return 0
  rm -rf "$WORK/extracted"
  expect_status 0 tool_of sid fsck.erofs --extract="$WORK/extracted" "$image"
  "$TOOLS/manifest" "$WORK/extracted" >"$WORK/manifest"
  same "$WORK/$tree.source" "$WORK/manifest" "fsck.erofs extracts another tree"
}

for algorithm in lz4 lz4hc,9 lzma,level=0 deflate,1 zstd,level=3; do
  try code -z $algorithm
  try code -z $algorithm -C 4096 -E ztailpacking
  try code -z $algorithm -C 1M
done
try odd -z lz4
try odd -z zstd -C 16K -E ztailpacking
try odd -z deflate -b 512 -C 4096 -E ztailpacking,force-inode-extended
try code -z lzma,level=1,dictsize=4096 -b 1024 -C 1024
try code -z zstd,dictsize=1024,level=1 -b 2048 -C 512K
try code -z lz4hc,12 -b 16384
try code -z zstd,1 -b 8192 -C 8192 -E ztailpacking

note "with digests and a seal"
"$AMBER" mkfs -q -z zstd,1 --file-digests --verity=append "$image" "$code"
expect_status 0 "$AMBER" fsck --data "$image"
"$AMBER" verity verify -q "$image" || fail "the seal does not fit"

note "what makes no sense"
for wrong in "-z lz5" "-z lz4,1" "-z lz4hc,13" "-z zstd,23" "-z zstd,level=x" "-z lz4,dictsize=4096" \
  "-z lzma,dictsize=5000" "-z zstd -C 5000" "-z zstd -C 2M" "-z zstd -b 32768" "-z zstd --workers 257" "-C 1000"; do
  # shellcheck disable=SC2086
  expect_status 2 "$AMBER" mkfs $wrong "$WORK/none" "$code"
  equal "$(wc -l <"$WORK/err")" 1 "lines about $wrong"
  [[ ! -e $WORK/none ]] || fail "$wrong made an image"
done
