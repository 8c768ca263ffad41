#!/bin/bash
# When mkfs cannot do what it was asked: it says so in one line, with the right status, leaves
# nothing behind, and what was there before stays.
set -euo pipefail
# shellcheck source=tests/lib.sh
source "$(dirname "$0")/../lib.sh"
need_user

out=$USER_DIR/out
image=$out/image
as_user mkdir "$out"

# fails STATUS TEXT COMMAND...: mkfs ends with this status and one line that holds the text; $out is
# as it was.
fails() {
  local wanted=$1 text=$2 before after
  shift 2
  before=$(snapshot)
  expect_status "$wanted" "$@"
  after=$(snapshot)
  equal "$after" "$before" "left something behind: $*"
  complaint "$text"
}

snapshot() { find "$out" -type f -exec sha256sum {} + | sort; }

# complaint TEXT: $WORK/err is one line of mkfs with this text.
complaint() {
  equal "$(wc -l <"$WORK/err")" 1 "lines on standard error ($(head -n 3 "$WORK/err"))"
  grep -q '^amber mkfs: ' "$WORK/err" || fail "does not start with 'amber mkfs: ': $(cat "$WORK/err")"
  grep -qiF -- "$1" "$WORK/err" || fail "does not say '$1': $(cat "$WORK/err")"
}

as_user mkdir "$USER_DIR/tree"
echo readable >"$USER_DIR/tree/readable"
echo unreadable >"$USER_DIR/tree/unreadable"
chmod 0000 "$USER_DIR/tree/unreadable"
chown -R "$TEST_USER:" "$USER_DIR/tree"
mkdir "$WORK/good"
echo good >"$WORK/good/file"

for existing in "" yes; do
  note "${existing:+with an older image: }what cannot be read or found"
  if [[ $existing ]]; then as_user "$AMBER" mkfs -q "$image" "$WORK/good"; fi
  fails 1 unreadable as_user "$AMBER" mkfs -q "$image" "$USER_DIR/tree"
  as_user mkdir -m 0000 "$USER_DIR/tree/closed"
  fails 1 closed as_user "$AMBER" mkfs -q --exclude-path unreadable "$image" "$USER_DIR/tree"
  rmdir "$USER_DIR/tree/closed"
  fails 1 absent as_user "$AMBER" mkfs -q "$image" "$USER_DIR/absent"
  fails 1 readable as_user "$AMBER" mkfs -q "$image" "$USER_DIR/tree/readable"
  fails 1 absent as_user "$AMBER" mkfs -q "$out/absent/image" "$WORK/good"
  fails 1 "$out" as_user "$AMBER" mkfs -q "$out" "$WORK/good"
  fails 1 /proc/1 as_user "$AMBER" mkfs -q /proc/1/image "$WORK/good"
done

note "a command line that makes no sense"
for arguments in "" "$image" "$image $WORK/good extra" "-b 1000 $image $WORK/good" \
  "--nonsense $image $WORK/good" "-U x $image $WORK/good" "-L sixteen-bytes-are $image $WORK/good" \
  "--force-uid -1 $image $WORK/good" "--all-root --force-uid 7 $image $WORK/good" \
  "-E nonsense $image $WORK/good"; do
  before=$(snapshot)
  # shellcheck disable=SC2086
  expect_status 2 as_user "$AMBER" mkfs $arguments
  equal "$(snapshot)" "$before" "left something behind: $arguments"
done

note "what the format cannot hold, and what is no place for an image"
touch "$WORK/good/owned"
chown 70000 "$WORK/good/owned"
fails 1 owned "$AMBER" mkfs -q -E force-inode-compact "$image" "$WORK/good"
fails 1 owned "$AMBER" mkfs -q --uid-offset=4294967000 "$image" "$WORK/good"
rm "$WORK/good/owned"
fails 1 /dev/null "$AMBER" mkfs -q /dev/null "$WORK/good"
[[ -c /dev/null ]] || fail "/dev/null is gone"

note "no space"
mkdir "$WORK/full"
mount -t tmpfs -o size=1m tmpfs "$WORK/full"
out=$WORK/full
echo old >"$out/image"
mkdir "$WORK/large"
head -c 3000000 /dev/urandom >"$WORK/large/file"
fails 1 "No space left" "$AMBER" mkfs -q "$out/image" "$WORK/large"
equal "$(cat "$out/image")" old "the older file"
# Out of space for metadata only: no contents, many names.
mkdir "$WORK/names"
(cd "$WORK/names" && seq -f "$(printf '%0200d' 0)%g" 9000 | xargs touch)
fails 1 "No space left" "$AMBER" mkfs -q "$out/image" "$WORK/names"
# Space for the data, but none for the tails that wait beside it.
rm -rf "$WORK/names"
equal "$(df --output=used "$out" | tail -n 1 | tr -d ' ')" 4 "KiB in use after failures"
out=$USER_DIR/out

note "a limit on file size"
fails 1 "File too large" bash -c 'ulimit -f 1000; trap "" XFSZ; exec "$@"' - \
  "$AMBER" mkfs -q "$image" "$WORK/large"

# --- while it runs ---

# The scan comes first and is short, then contents are read in order of names: while aa is being
# copied, zz is known and not yet read.
mkdir "$WORK/slow"
fill "$WORK/slow/aa" 600000000 a

# starts OPTIONS...: mkfs in the background, until it has written a part of aa; there it is halted,
# and goes_on.
starts() {
  "$AMBER" mkfs -q "$@" "$image" "$WORK/slow" >"$WORK/out" 2>"$WORK/err" &
  pid=$!
  processes=("$pid")
  wait_for 30 wrote_some
  kill -STOP "$pid"
}
goes_on() { kill -CONT "$pid"; }
wrote_some() {
  local fd size
  kill -0 "$pid" 2>/dev/null || fail "mkfs ended too early: $(cat "$WORK/err")"
  for fd in /proc/"$pid"/fd/*; do
    [[ $(readlink "$fd" || true) == "$out"* ]] || continue
    size=$(stat -L -c %s "$fd" 2>/dev/null) || continue
    ((size > 1000000)) && return 0
  done
  return 1
}
# ended STATUS: how it ended.
ended() {
  local status=0
  wait "$pid" || status=$?
  processes=()
  equal "$status" "$1" "exit status ($(cat "$WORK/err"))"
}

for existing in "" yes; do
  rm -f "$image"
  if [[ $existing ]]; then "$AMBER" mkfs -q "$image" "$WORK/good"; fi
  before=$(snapshot)
  for signal in INT:130 TERM:143 HUP:129; do
    note "${existing:+with an older image: }SIG${signal%:*}"
    starts
    kill -s "${signal%:*}" "$pid"
    goes_on
    ended "${signal#*:}"
    equal "$(snapshot)" "$before" "what is in the folder after SIG${signal%:*}"
    complaint interrupted
  done
  note "${existing:+with an older image: }SIGKILL"
  starts
  kill -KILL "$pid"
  ended 137
  equal "$(snapshot)" "$before" "what is in the folder after SIGKILL"
done

note "a file vanishes"
echo zz >"$WORK/slow/zz"
before=$(snapshot)
starts
rm "$WORK/slow/zz"
goes_on
ended 1
complaint zz
equal "$(snapshot)" "$before" "what is in the folder"

note "a file and a folder vanish, and may"
echo zz >"$WORK/slow/zz"
mkdir "$WORK/slow/zzz"
echo inside >"$WORK/slow/zzz/inside"
starts --ignore-vanished
rm -r "$WORK/slow/zz" "$WORK/slow/zzz"
goes_on
ended 0
mkdir -p "$WORK/mnt"
"$AMBER" mount "$image" "$WORK/mnt"
[[ -e $WORK/mnt/aa ]] || fail "aa is missing"
[[ ! -e $WORK/mnt/zz ]] || fail "zz vanished, but is in the image"
"$TOOLS/manifest" "$WORK/mnt" >/dev/null
"$AMBER" umount "$WORK/mnt"
! fsck_works || expect_status 0 "$AMBER" fsck "$image"

for option in "" --ignore-vanished; do
  for change in grow shrink rewrite replace; do
    note "a file changes: $change ${option:+with $option}"
    echo "zz as it was" >"$WORK/slow/zz"
    before=$(snapshot)
    # shellcheck disable=SC2086
    starts $option
    case $change in
      grow) echo more >>"$WORK/slow/zz" ;;
      shrink) : >"$WORK/slow/zz" ;;
      rewrite) echo "ZZ as it was" 1<>"$WORK/slow/zz" ;;
      replace)
        rm "$WORK/slow/zz"
        ln -s aa "$WORK/slow/zz"
        ;;
    esac
    goes_on
    ended 1
    complaint zz
    equal "$(snapshot)" "$before" "what is in the folder"
    rm -f "$WORK/slow/zz"
  done
done
rm "$WORK/slow/aa"

note "the image inside the tree leaves itself out"
"$AMBER" mkfs -q "$WORK/good/inside.img" "$WORK/good"
expect_error "not a tar archive" "$AMBER" mkfs -q "$image" "$WORK/good/inside.img"
cp "$WORK/good/inside.img" "$WORK/once"
"$AMBER" mkfs -q "$WORK/good/inside.img" "$WORK/good" -T 0
"$AMBER" mkfs -q "$WORK/good/inside.img" "$WORK/good" -T 0
cp "$WORK/good/inside.img" "$WORK/twice"
rm "$WORK/good/inside.img"
"$AMBER" mkfs -q "$WORK/outside.img" "$WORK/good" -T 0
cmp "$WORK/twice" "$WORK/outside.img" || fail "the image holds itself"

note "the image's name is a symbolic link: what it leads to is replaced"
echo old >"$out/target"
ln -s target "$out/link"
"$AMBER" mkfs -q -T 0 "$out/link" "$WORK/good"
equal "$(readlink "$out/link")" target "the link"
cmp "$out/target" "$WORK/outside.img"
