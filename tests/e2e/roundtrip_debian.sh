#!/bin/bash
# A whole minimal Debian, through mkfs and back.
set -euo pipefail
# shellcheck source=tests/lib.sh
source "$(dirname "$0")/../lib.sh"
# shellcheck source=tests/e2e/round_trip.sh
source "$(dirname "$0")/round_trip.sh"
need_fuse
need_kernel_erofs
need_user
need fsck.erofs debootstrap

tree=$("$SOURCE_DIR/scripts/debian-tree" bookworm 2>"$WORK/err") || skip "$(cat "$WORK/err")"
note "$(find "$tree" | wc -l) names, $(du -sm "$tree" | cut -f 1) MiB"
check_round_trip default "$tree"
check_round_trip blocks-1024 "$tree" -b 1024 -x 0
check_round_trip noinline "$tree" -E noinline_data
