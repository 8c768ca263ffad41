#!/bin/bash
# Images made by erofs-utils, in every uncompressed form that the installed version can make: our
# mount shows what Linux's shows.
set -euo pipefail
# shellcheck source=tests/lib.sh
source "$(dirname "$0")/../lib.sh"
need_fuse
need_kernel_erofs
need mkfs.erofs fsck.erofs losetup
note "erofs-utils $(erofs_utils_version)"
help=$(mkfs.erofs --help 2>&1 || true)

mkdir "$WORK/mnt"
"$TOOLS/odd_tree" --small --tame "$WORK/tree"

# compare LABEL [DEVICE]: $WORK/image, with an extra device if given, as Linux and as we see it.
compare() {
  local label=$1 device=${2:-} loop=
  note "$label"
  ! fsck_works || [[ $device ]] || expect_status 0 "$AMBER" fsck "$WORK/image"
  if [[ $device ]]; then
    loop=$(losetup --find --show --read-only "$device")
    kernel_mount "$WORK/image" "$WORK/mnt" "device=$loop"
    losetup -d "$loop"  # once it is unmounted
  else
    kernel_mount "$WORK/image" "$WORK/mnt"
  fi
  "$TOOLS/manifest" "$WORK/mnt" >"$WORK/linux"
  umount "$WORK/mnt"
  fuse_mount "$WORK/image" "$WORK/mnt" ${device:+--device="$device"}
  "$TOOLS/manifest" "$WORK/mnt" >"$WORK/ours"
  "$TOOLS/holes" "$WORK/mnt" >"$WORK/holes"
  "$AMBER" umount "$WORK/mnt"
  same "$WORK/linux" "$WORK/ours" "$label: we see another tree than Linux"
  rm -f "$WORK/image"
}

# try LABEL OPTIONS...: skips the form, and says so, if this mkfs.erofs does not know an option.
try() {
  if mkfs.erofs "$@" "$WORK/image" "$WORK/tree" >"$WORK/log" 2>&1; then
    compare "mkfs.erofs $*"
  else
    grep -qiE 'unrecognized|invalid (option|argument)|usage|unknown|not supported' "$WORK/log" ||
      { tail -n 5 "$WORK/log" >&2; fail "mkfs.erofs $* failed"; }
    note "mkfs.erofs $*: not in this version"
    rm -f "$WORK/image"
  fi
}

try -E legacy-compress
try -E noinline_data
try -E force-inode-extended
try -E force-inode-extended -E noinline_data -x 0
try -E force-inode-compact -T 1000000000
try -T 0 --all-root
for tolerance in -1 0 1 2; do try -x "$tolerance"; done
for chunk in 4096 65536 1048576; do try --chunksize="$chunk"; done
try --chunksize=4096 -E force-chunk-indexes
if [[ $help == *" -b"* ]]; then
  for block in 512 1024 2048; do
    try -b "$block"
    try -b "$block" -E noinline_data
  done
fi
if [[ $help == *--xattr-prefix* ]]; then
  try --xattr-prefix=user.num --xattr-prefix=security.sel
fi
if [[ $help == *xattr-name-filter* ]]; then
  try -E xattr-name-filter
fi
if [[ $help == *48bit* ]]; then
  try -E 48bit
fi

# Some versions want the device to exist, some make it.
for chunk in 4096 65536; do
  : >"$WORK/blob"
  mkfs.erofs --blobdev="$WORK/blob" --chunksize="$chunk" "$WORK/image" "$WORK/tree" >/dev/null 2>&1
  compare "mkfs.erofs --blobdev --chunksize=$chunk" "$WORK/blob"
  rm -f "$WORK/blob"
done

note "the extra device is missing, or is another file"
: >"$WORK/blob"
mkfs.erofs --blobdev="$WORK/blob" --chunksize=4096 "$WORK/image" "$SOURCE_DIR/docs" >/dev/null 2>&1
head -c 1000 /dev/zero >"$WORK/short"
# Whether the image says how large its device is depends on the version.
if "$AMBER" mount --device="$WORK/short" "$WORK/image" "$WORK/mnt" 2>"$WORK/err"; then
  expect_error "Structure needs cleaning" cat "$WORK/mnt/architecture.md"
  "$AMBER" umount "$WORK/mnt"
else
  grep -q DEV-3 "$WORK/err" || fail "does not name DEV-3: $(cat "$WORK/err")"
fi
expect_status 32 "$AMBER" mount --device="$WORK/blob" --device="$WORK/blob" "$WORK/image" "$WORK/mnt"
grep -q DEV-2 "$WORK/err" || fail "does not name DEV-2: $(cat "$WORK/err")"
expect_status 32 "$AMBER" mount --device="$WORK/absent" "$WORK/image" "$WORK/mnt"

note "without the device: names and attributes, never a wrong byte"
fuse_mount "$WORK/image" "$WORK/mnt"
equal "$(stat -c %s "$WORK/mnt/architecture.md")" "$(stat -c %s "$SOURCE_DIR/docs/architecture.md")" size
expect_error "No such device" cat "$WORK/mnt/architecture.md"
[[ ! -s $WORK/out ]] || fail "data came from a missing device"
"$AMBER" umount "$WORK/mnt"

note "image and blob on loop devices"
loop=$(losetup --find --show --read-only "$WORK/image")
blob=$(losetup --find --show --read-only "$WORK/blob")
fuse_mount "$loop" "$WORK/mnt" -o "device=$blob"
losetup -d "$loop" "$blob"
diff -r --no-dereference "$SOURCE_DIR/docs" "$WORK/mnt"
"$AMBER" umount "$WORK/mnt"

note "an image behind something else"
mkfs.erofs "$WORK/plain" "$SOURCE_DIR/docs" >/dev/null 2>&1
head -c 1048576 /dev/urandom >"$WORK/shifted"
cat "$WORK/plain" >>"$WORK/shifted"
for offset in 1048576 1M 1024K; do
  fuse_mount "$WORK/shifted" "$WORK/mnt" --offset="$offset"
  diff -r --no-dereference "$SOURCE_DIR/docs" "$WORK/mnt"
  "$AMBER" umount "$WORK/mnt"
done
