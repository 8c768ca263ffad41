#!/bin/bash
# Images made by Debian's mkfs.erofs, in every uncompressed layout that it has: we show the same tree
# as Linux does, and fsck accepts them.
set -euo pipefail
# shellcheck source=tests/lib.sh
source "$(dirname "$0")/../lib.sh"
need_fuse
need_kernel_erofs
need mkfs.erofs

"$TOOLS/odd_tree" --small --tame "$WORK/tree"
mnt=$WORK/mnt
mkdir "$mnt"
compared=0

# compare LABEL MKFS OPTIONS...
compare() {
  local label=$1 image=$WORK/image blob=$WORK/blob loop='' devices=()
  shift
  rm -f "$image" "$blob"
  note "$label: mkfs.erofs $*"
  if ! mkfs.erofs --quiet "$@" "$image" "$WORK/tree" >"$WORK/out" 2>&1; then
    # Debian 12's knows one block size, and fails at chunks without --blobdev on many kernels.
    note "$label: this mkfs.erofs does not make it: $(tail -n 1 "$WORK/out")"
    return
  fi
  if [[ -s $blob ]]; then
    loop=$(losetup --find --show --read-only "$blob")
    devices=("--device=$blob")
  fi
  kernel_mount "$image" "$mnt" "${loop:+device=$loop}"
  "$TOOLS/manifest" "$mnt" >"$WORK/linux"
  umount "$mnt"
  if [[ $loop ]]; then losetup -d "$loop"; fi

  fuse_mount "$image" "$mnt" "${devices[@]}"
  "$TOOLS/manifest" "$mnt" >"$WORK/ours"
  "$AMBER" umount "$mnt"
  same "$WORK/linux" "$WORK/ours" "$label: Linux and amberfs see different trees"
  [[ $(wc -l <"$WORK/ours") -gt 3000 ]] || fail "$label: the tree is not all there"
  if fsck_works; then expect_status 0 "$AMBER" fsck "${devices[@]}" "$image"; fi
  compared=$((compared + 1))
}

compare default
compare noinline -E noinline_data
compare extended -E force-inode-extended
# 32 bytes have no room for the tree's large ids.
compare compact -E force-inode-compact --all-root --ignore-mtime
for size in 4096 65536 1048576; do
  compare "chunks of $size" "--chunksize=$size"
  compare "chunks of $size on a blob" "--chunksize=$size" "--blobdev=$WORK/blob"
done
compare "chunk indexes" --chunksize=4096 -E force-chunk-indexes
for limit in -1 0 1 2 100; do compare "xattr limit $limit" -x "$limit"; done
compare "one time" -T 1700000000
compare "all root" --all-root
for size in 512 1024 2048; do compare "blocks of $size" -b "$size"; done
compare "an extended chunk image" --chunksize=4096 -E force-inode-extended
((compared >= 12)) || fail "mkfs.erofs made $compared images only"
