#!/bin/bash
# A real operating system through mkfs and back: a minimal Debian, downloaded once into the cache.
set -euo pipefail
# shellcheck source=tests/lib.sh
source "$(dirname "$0")/../lib.sh"
# shellcheck source=tests/e2e/round_trip.sh
source "$(dirname "$0")/round_trip.sh"
need_fuse
need_kernel_erofs
need_user
need fsck.erofs

tree=$(cached_debian)
check_round_trip default "$tree"
check_round_trip blocks-512 "$tree" -b 512

note "an image for shipping: one time, one owner"
"$AMBER" mkfs -q -T 0 --all-root "$WORK/ship.img" "$tree"
fuse_mount "$WORK/ship.img" "$WORK/mnt"
wrong=$(find "$WORK/mnt" \( ! -uid 0 -o ! -gid 0 -o -newermt @0 \) -print -quit)
equal "$wrong" "" "has another owner or time than asked for"
"$AMBER" umount "$WORK/mnt"

note "it runs"
kernel_mount "$WORK/ship.img" "$WORK/mnt"
equal "$(chroot "$WORK/mnt" /bin/sh -c 'echo runs')" runs "chroot into Linux's mount"
umount "$WORK/mnt"
fuse_mount "$WORK/ship.img" "$WORK/mnt" -o suid,dev
equal "$(chroot "$WORK/mnt" /bin/sh -c 'echo runs')" runs "chroot into our mount"
"$AMBER" umount "$WORK/mnt"
