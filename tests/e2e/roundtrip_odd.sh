#!/bin/bash
# A tree with one of everything that a file system can hold, through mkfs and back.
set -euo pipefail
# shellcheck source=tests/lib.sh
source "$(dirname "$0")/../lib.sh"
# shellcheck source=tests/e2e/round_trip.sh
source "$(dirname "$0")/round_trip.sh"
need_fuse
need_kernel_erofs
need_user
need fsck.erofs

"$TOOLS/odd_tree" "$WORK/tree"
check_round_trip default "$WORK/tree"

"$TOOLS/odd_tree" --small "$WORK/small"
check_round_trip blocks-512 "$WORK/small" -b 512
check_round_trip blocks-1024 "$WORK/small" -b 1024
check_round_trip blocks-65536 "$WORK/small" -b 65536
check_round_trip noinline "$WORK/small" -E noinline_data
check_round_trip noinline-512 "$WORK/small" -b 512 -E noinline_data
check_round_trip extended "$WORK/small" -E force-inode-extended
check_round_trip no-xattrs "$WORK/small" -x -1
check_round_trip all-shared "$WORK/small" -x 0
check_round_trip all-shared-1024 "$WORK/small" -x 0 -b 1024
