#!/bin/bash
# amber mount and amber umount as programs: messages, statuses, options, caching.
#
#   amber/mount_test.sh AMBER
set -euo pipefail
amber=$(realpath "$1")
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
mkdir tree tree/sub mnt
printf 'hi\n' >tree/a
ln -s a tree/link
ln tree/a tree/sub/hard
printf 'x' >tree/sub/b
"$amber" mkfs -q -T 0 --all-root img tree

failed=0
# expect STATUS PATTERN COMMAND...: ends with STATUS, and says one line that matches, or nothing.
expect() {
  local wanted=$1 pattern=$2 status=0 said
  shift 2
  said=$("$@" 2>&1 >/dev/null) || status=$?
  if ((status != wanted)) || ! grep -qE -- "$pattern" <<<"$said"; then
    printf 'FAIL: status %s instead of %s: %s\n%s\n' "$status" "$wanted" "$*" "$said"
    failed=1
  fi
}

printf 'not an image' >junk
{ head -c 4096 /dev/zero; cat img; } >shifted
cp img broken
printf '\xff' | dd of=broken bs=1 seek=1090 conv=notrunc status=none
expect 1 'IMAGE is required' "$amber" mount
expect 1 'DIR is required' "$amber" mount img
expect 1 'not a number of bytes' "$amber" mount --offset=1X img mnt
expect 1 'not a number of bytes' "$amber" mount -o ro,offset=99999999999999999999 img mnt
expect 1 'not a number of bytes' "$amber" mount --offset=16E img mnt
expect 1 'not a number of bytes: cache=much' "$amber" mount --cache=much img mnt
expect 32 '^amber mount: none: No such file' "$amber" mount none mnt
expect 32 '^amber mount: tree: Is a directory' "$amber" mount tree mnt
expect 32 '^amber mount: junk: corrupt .rule SB-1 at' "$amber" mount junk mnt
expect 32 '^amber mount: broken: corrupt .rule SB-9 at' "$amber" mount broken mnt
expect 32 '^amber mount: shifted: corrupt .rule SB-2 at' "$amber" mount shifted mnt
expect 1 '--check is quick, structure, data or strict, not hard' "$amber" mount -o check=hard img mnt
# One link too many: only who counts them sees it.
cp img miscounted
offset=$("$amber" stat --json img /a | sed -E 's/.*"offset":([0-9]+).*/\1/')
printf '\x05' | dd of=miscounted bs=1 seek=$((offset + 6)) conv=notrunc status=none
expect 32 '^amber mount: miscounted: inconsistent .rule INO-9 at byte [0-9]+.: .*: /a .nid [0-9]+.' \
  "$amber" mount --check=structure miscounted mnt
expect 32 'INO-9.*; and 1 more finding, which amber fsck shows' "$amber" mount --check strict miscounted mnt
expect 32 'DEV-2' "$amber" mount --device img img mnt
expect 32 '^amber mount: none: No such file' "$amber" mount --device none img mnt
expect 32 '^amber mount: nodir: No such file' "$amber" mount img nodir
expect 32 '^amber mount: img: Not a directory' "$amber" mount img img
expect 32 '^amber umount: mnt: nothing is mounted here' "$amber" umount mnt
expect 32 'is a mount of proc, not of amberfs' "$amber" umount /proc

if ! unshare -Urm true 2>/dev/null || ! { : <>/dev/fuse; } 2>/dev/null; then
  ((failed)) && exit 1
  echo "SKIP: mount.command: no user namespaces or no /dev/fuse here"
  [[ ! ${AMBERFS_REQUIRE_ALL:-} ]] || exit 1
  exit 77
fi

export amber failed
export -f expect
# shellcheck disable=SC2016  # expanded in there
unshare -Urm bash -euo pipefail -c '
  check() { "$@" || { echo "FAIL: $*"; failed=1; }; }
  type_of() { grep " $PWD/mnt " /proc/self/mountinfo; }

  check "$amber" mount img mnt
  check diff -r tree mnt
  check grep -q " ro,nosuid,nodev" <<<"$(type_of)"
  check grep -q "default_permissions" <<<"$(type_of)"
  check [ "$(stat -c %i mnt/a)" = "$(stat -c %i mnt/sub/hard)" ]
  (cd mnt/sub && exec sleep 60) & holder=$!
  while [ "$(readlink /proc/$holder/cwd)" != "$PWD/mnt/sub" ]; do sleep 0.05; done
  expect 32 "^amber umount: mnt: busy, in use by $holder .sleep." "$amber" umount mnt
  kill $holder; wait $holder || true
  check "$amber" umount mnt/

  # As mount(8) calls a helper: options behind the operands; a name that needs escapes.
  ln -s "$amber" mount.amber
  cp shifted "odd,name\\ img"
  check ./mount.amber "odd,name\\ img" mnt -n -s -v -t amber -o rw,defaults,x-foo=1,comment=c,nofail,offset=4K
  check cmp tree/a mnt/a
  check grep -qF "odd,name\\134\\040img" <<<"$(type_of)"
  check "$amber" umount -l mnt
  check ./mount.amber -f img mnt
  check ./mount.amber img mnt -o check=strict
  check cmp tree/a mnt/a
  check "$amber" umount mnt
  check "$amber" mount --check=quick miscounted mnt
  check "$amber" umount mnt
  expect 32 "nothing is mounted" "$amber" umount mnt

  # Asked once, everything is known: opens never reach the server, nor do repeated questions.
  "$amber" mount -d img mnt >log 2>&1 & server=$!
  until mountpoint -q mnt; do sleep 0.05; done
  look() { find mnt -ls; cat mnt/a mnt/sub/b; readlink mnt/link; ! stat mnt/none; }
  look >/dev/null 2>&1
  # Linux may drop pages whenever it likes, and then asks again: one look of five asks for nothing.
  for _ in 1 2 3 4 5; do
    before=$(wc -l <log)
    look >/dev/null 2>&1
    again=$(tail -n "+$((before + 1))" log | grep -oE "opcode: [A-Z]+" | grep -v STATFS) || true
    [ "$again" ] || break
  done
  check [ -z "$again" ]
  for opcode in OPEN OPENDIR; do check [ "$(grep -c "opcode: $opcode " log)" = 1 ]; done
  check grep -q "opcode: READDIRPLUS" log
  kill $server
  check wait $server
  check grep -q " no_open no_opendir" log
  check [ -z "$(type_of)" ]
  exit "$failed"
' || failed=1
exit "$failed"
