#!/bin/bash
# What erofs-utils says about our images: fsck.erofs accepts them, and the tree that it extracts is
# the one that went in. The newer the installed version, the more it looks at:
# scripts/in-debian sid scripts/test -R oracle
set -euo pipefail
# shellcheck source=tests/lib.sh
source "$(dirname "$0")/../lib.sh"
need_root
need fsck.erofs dump.erofs
version=$(erofs_utils_version)
note "erofs-utils $version"
help=$(fsck.erofs --help 2>&1 || true)
newer_than_1_5() { [[ $(printf '%s\n1.5\n' "$version" | sort -V | tail -n 1) != 1.5 ]]; }

# What it can extract: no names of 255 bytes before 1.6, nothing beyond PATH_MAX.
"$TOOLS/odd_tree" --small --tame "$WORK/tree"
if ! newer_than_1_5; then
  # 1.5 leaves holes out of what it extracts, and loses set-id bits.
  find "$WORK/tree" \( -path '*/sparse/*' -o -name 'zeros-*' \) -delete
  find "$WORK/tree" -type f -perm /6000 -exec chmod ug-s {} +
fi

judge() { # OPTIONS...: of mkfs
  note "amber mkfs $*"
  "$AMBER" mkfs -q "$@" "$WORK/image" "$WORK/tree"
  expect_status 0 fsck.erofs "$WORK/image"
  expect_status 0 dump.erofs -s "$WORK/image"
  rm -rf "$WORK/out-tree"
  # Extracted by root, with owners and modes; times it keeps, attributes only if it knows how.
  local hide=(--no-nlink --no-xattrs) extract=(--extract="$WORK/out-tree" --preserve)
  if [[ $help == *--xattrs* ]]; then
    hide=(--no-nlink)
    extract+=(--xattrs)
  fi
  expect_status 0 fsck.erofs "${extract[@]}" "$WORK/image"
  "$TOOLS/manifest" "${hide[@]}" "$WORK/tree" >"$WORK/source"
  "$TOOLS/manifest" "${hide[@]}" "$WORK/out-tree" >"$WORK/extracted"
  same "$WORK/source" "$WORK/extracted" "amber mkfs $*: fsck.erofs extracted another tree"
}

judge
judge -E noinline_data
judge -E force-inode-extended
judge -x 0
if newer_than_1_5; then
  for block in 512 1024 2048; do judge -b "$block"; done
fi
