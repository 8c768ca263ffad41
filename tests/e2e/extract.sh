#!/bin/bash
# What amber extract makes of an image is the tree that went into it; for an ordinary user, less what
# only root may give. Somebody who swaps directories meanwhile gets it to touch nothing outside.
set -euo pipefail
# shellcheck source=tests/lib.sh
source "$(dirname "$0")/../lib.sh"
need_user
need jq

image=$WORK/image
"$TOOLS/odd_tree" --small "$WORK/tree"
"$AMBER" mkfs -q "$image" "$WORK/tree"
chmod 0644 "$image"

note "root takes everything"
"$AMBER" extract --json --setid --devices --xattrs=all "$image" "$WORK/all" >"$WORK/summary"
equal "$(jq .complete "$WORK/summary")" true "complete"
"$TOOLS/manifest" "$WORK/tree" >"$WORK/wanted"
"$TOOLS/manifest" "$WORK/all" >"$WORK/got"
same "$WORK/wanted" "$WORK/got" "root's copy differs"

note "and does it again over what is there"
expect_error "Directory not empty (--force)" "$AMBER" extract "$image" "$WORK/all"
"$AMBER" extract -q --force --setid --devices --xattrs=all -j 1 "$image" "$WORK/all"
"$TOOLS/manifest" "$WORK/all" >"$WORK/got"
same "$WORK/wanted" "$WORK/got" "root's second copy differs"

# for_user MANIFEST: without devices, set-id bits, and attributes that are not the user's. An ACL
# makes the mode another one: extract/attributes_test.cc says which.
grep -a ' system\.posix_acl_access=' "$WORK/wanted" | cut -d ' ' -f 1 >"$WORK/acls"
(($(wc -l <"$WORK/acls") > 2)) || fail "the tree has hardly an ACL"
for_user() {
  awk 'NR == FNR { acl[$1]; next }
    $2 == "c" || $2 == "b" { next }
    {
      mode = $1 in acl ? "acl" : substr($3, 1, 1) % 2 substr($3, 2)
      line = $1 " " $2 " " mode
      for (i = 4; i <= NF; ++i) if ($i !~ /^(security|system|trusted)\./) line = line " " $i
      print line
    }' "$WORK/acls" "$1"
}

note "$TEST_USER takes what may be had"
as_user "$AMBER" extract --json "$image" "$USER_DIR/copy" >"$WORK/summary"
devices=$(awk '$2 == "c" || $2 == "b"' "$WORK/wanted" | wc -l)
equal "$(jq -c '[.complete, .devices_left_out]' "$WORK/summary")" "[true,$devices]" "summary"
for_user <("$TOOLS/manifest" --owner=0:0 "$WORK/tree") >"$WORK/wanted"
"$TOOLS/manifest" --owner=0:0 "$USER_DIR/copy" >"$WORK/got"
if grep -aqE ' [24]...| 6...|(security|system|trusted)\.' <(cut -d ' ' -f 3,8- "$WORK/got"); then
  fail "the user's copy has what it should not"
fi
for_user "$WORK/got" >"$WORK/got.user"
same "$WORK/wanted" "$WORK/got.user" "the user's copy differs"
equal "$(find "$USER_DIR/copy" ! -user "$TEST_USER" -printf x | wc -c)" 0 "files of others"
rm -rf "$WORK/all" "$USER_DIR/copy"

note "compressed files"
need mkfs.erofs
"$TOOLS/odd_tree" --small --tame "$WORK/tame"
for pcluster in 4096 1048576; do
  mkfs.erofs --quiet -zlz4hc -C$pcluster "$WORK/lz4.img" "$WORK/tame" >"$WORK/log" 2>&1 ||
    { cat "$WORK/log" >&2; skip "mkfs.erofs does not compress"; }
  "$AMBER" extract -q --setid --devices --xattrs=all -j 3 "$WORK/lz4.img" "$WORK/all"
  "$TOOLS/manifest" --no-nlink "$WORK/tame" >"$WORK/wanted"
  "$TOOLS/manifest" --no-nlink "$WORK/all" >"$WORK/got"
  same "$WORK/wanted" "$WORK/got" "the copy of a compressed tree differs"
  rm -rf "$WORK/all"
done

note "without space nothing half done is left"
mkdir "$WORK/full"
mount -t tmpfs -o size=3M tmpfs "$WORK/full"
expect_error "no space" "$AMBER" extract "$image" "$WORK/full/copy"
equal "$(find "$WORK/full" -name '.amber-extract*' | wc -l)" 0 "temporary files"
umount "$WORK/full"

note "interrupted"
mkdir "$WORK/many"
for ((i = 0; i < 20; ++i)); do fill "$WORK/many/$i" 10000000 "$((i % 10))"; done
"$AMBER" mkfs -q "$WORK/many.img" "$WORK/many"
"$AMBER" extract -j 1 "$WORK/many.img" "$WORK/copy" 2>"$WORK/err" &
process=$!
until compgen -G "$WORK/copy/?" >"$WORK/out"; do :; done
kill -INT "$process" 2>/dev/null || fail "it was done before it could be interrupted"
status=0
wait "$process" || status=$?
equal "$status" 130 "status"
equal "$(cat "$WORK/err")" \
  "amber extract: $WORK/many.img: interrupted; $WORK/copy is incomplete" "what it said"
equal "$(find "$WORK/copy" -type f ! -size 10000000c | wc -l)" 0 "incomplete files"
rm -rf "$WORK/copy" "$WORK/many" "$WORK/many.img"

# raced NAME OPTIONS...: extracts while $WORK/copy/first/NAME is swapped for a link to "outside" and
# back. Each of the links is made by the way through that name.
raced() {
  local swapped=$WORK/copy/$1 round process status swaps=0 errors=0
  shift
  rm -rf "$WORK/copy"
  for ((round = 0; round < 3; ++round)); do
    ln -sfn "$WORK/outside" "$WORK/link"
    "$TOOLS/swap" "$swapped" "$WORK/link" >"$WORK/swaps" &
    process=$!
    status=0
    "$AMBER" extract --json "$@" "$WORK/race.img" "$WORK/copy" >"$WORK/summary" 2>"$WORK/err" ||
      status=$?
    kill "$process"
    wait "$process"
    ((status < 2)) || fail "status $status: $(tail -n 1 "$WORK/err")"
    ((swaps += $(<"$WORK/swaps"), errors += $(jq .errors "$WORK/summary")))
    "$TOOLS/manifest" "$WORK/outside" >"$WORK/got"
    same "$WORK/wanted" "$WORK/got" "something outside was touched"
    equal "$(find "$WORK/copy" "$WORK/link" -type f -exec cat {} + | { grep -c outside || true; })" 0 \
      "files from outside"
    rm -rf "$WORK/copy" "$WORK/link"
  done
  note "$swaps swaps, $errors errors"
  ((swaps > 100 && errors > 10)) || fail "that was no race"
}

note "raced"
mkdir -p "$WORK/race/first/deep" "$WORK/race/then" "$WORK/outside/deep"
for ((i = 0; i < 2000; ++i)); do
  printf inside >"$WORK/race/first/deep/$i"
  ln "$WORK/race/first/deep/$i" "$WORK/race/then/$i"
done
(cd "$WORK/outside/deep" && for ((i = 0; i < 2000; i += 2)); do printf outside >"$i"; done)
chmod 0700 "$WORK/outside" "$WORK/outside/deep"
"$AMBER" mkfs -q "$WORK/race.img" "$WORK/race"
"$TOOLS/manifest" "$WORK/outside" >"$WORK/wanted"
raced first
raced first/deep
raced first --force
