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

# Versions differ in what they extract faithfully: ask this one.
mkdir "$WORK/probe"
truncate -s 10000 "$WORK/probe/hole"
touch "$WORK/probe/setuid"
chmod 4755 "$WORK/probe/setuid"
"$AMBER" mkfs -q "$WORK/image" "$WORK/probe"
fsck.erofs --extract="$WORK/probed" "$WORK/image" >/dev/null 2>&1

# Nothing beyond PATH_MAX, which it cannot follow either.
"$TOOLS/odd_tree" --small --tame "$WORK/tree"
if [[ $(stat -c %s "$WORK/probed/hole") != 10000 ]]; then
  note "this version leaves holes out of what it extracts: without holes"
  find "$WORK/tree" \( -path '*/sparse/*' -o -name 'zeros-*' \) -delete
fi
if [[ ! -u $WORK/probed/setuid ]]; then
  note "this version loses set-id bits: without them"
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
# 1.5 knows one block size only. Smaller blocks than these: 1.8.6 does not read its own images of
# 1024, and crashes over the checksum of one of 512, which its own images lack; Linux mounts both.
if [[ $(printf '%s\n1.6\n' "$version" | sort -V | head -n 1) == 1.6 ]]; then judge -b 2048; fi
