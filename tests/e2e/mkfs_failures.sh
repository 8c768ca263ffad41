#!/bin/bash
# mkfs that cannot succeed: the status, one line on standard error that names the file, nothing left
# behind, and an older image as it was.
set -euo pipefail
# shellcheck source=tests/lib.sh
source "$(dirname "$0")/../lib.sh"
need_user

tree=$WORK/tree out=$WORK/out-dir
mkdir -p "$tree/dir" "$out"
echo hello >"$tree/hello"
echo old >"$out/image"

# fails STATUS WORD MKFS ARGUMENTS...: as whoever $by is.
by=()
fails() {
  local status=$1 word=$2
  shift 2
  expect_status "$status" "${by[@]}" "$AMBER" mkfs "$@"
  grep -qF -- "$word" "$WORK/err" || { cat "$WORK/err" >&2; fail "no '$word' from mkfs $*"; }
  [[ ! -s $WORK/out ]] || fail "something on standard output from mkfs $*"
  if ((status == 1)); then equal "$(wc -l <"$WORK/err")" 1 "lines on standard error of mkfs $*"; fi
  untouched "mkfs $*"
}
untouched() {
  equal "$(ls -A "$out")" image "what is beside the image after $1"
  equal "$(cat "$out/image")" old "the old image after $1"
}

note "sources and targets that are not there, or are something else"
fails 1 "$WORK/none" "$out/image" "$WORK/none"
fails 1 "$tree/hello" "$out/image" "$tree/hello"
fails 1 "$WORK/none" "$WORK/none/image" "$tree"
fails 1 "$out" "$out" "$tree"
[[ -d $out ]] || fail "the output directory is gone"
fails 1 "/dev/null" /dev/null "$tree"
[[ -c /dev/null ]] || fail "/dev/null is gone"

note "command lines that make no sense"
fails 2 "" "$out/image"
fails 2 "" --no-such-option "$out/image" "$tree"
fails 2 "" -b 1000 "$out/image" "$tree"
fails 2 "" -b 131072 "$out/image" "$tree"
fails 2 "" -L a-name-of-16-byte "$out/image" "$tree"
fails 2 "" -U no-uuid "$out/image" "$tree"
fails 2 "" -T yesterday "$out/image" "$tree"
fails 2 "" -E no-such-thing "$out/image" "$tree"
fails 1 "not a regular expression" --exclude-regex '(' "$out/image" "$tree"
SOURCE_DATE_EPOCH=yesterday fails 2 "SOURCE_DATE_EPOCH" "$out/image" "$tree"

note "a file that the user may not read"
echo secret >"$tree/dir/secret"
chmod 0600 "$tree/dir/secret"
chown "$TEST_USER" "$out" "$out/image"
by=(as_user)
fails 1 "dir/secret" "$out/image" "$tree"
chmod 0644 "$tree/dir/secret"
chmod 0700 "$tree/dir"
fails 1 "dir" "$out/image" "$tree"
chmod 0755 "$tree/dir"
note "an output directory that the user may not write"
chown root "$out"
fails 1 "$out" "$out/image" "$tree"
by=()

note "a name, an id, a device that the format cannot hold"
chown 70000 "$tree/hello"
fails 1 "hello" -E force-inode-compact "$out/image" "$tree"
fails 1 "hello" --uid-offset=4294967000 "$out/image" "$tree"
chown 0 "$tree/hello"

note "no space left"
small=$WORK/small
mkdir "$small"
mount -t tmpfs -o size=1m none "$small"
echo old >"$small/image"
head -c 4M /dev/urandom >"$WORK/big"
mv "$WORK/big" "$tree/big"
expect_status 1 "$AMBER" mkfs "$small/image" "$tree"
grep -qF "No space left on device" "$WORK/err" || { cat "$WORK/err" >&2; fail "no reason given"; }
equal "$(wc -l <"$WORK/err")" 1 "lines on standard error without space"
equal "$(ls -A "$small") $(cat "$small/image")" "image old" "after a full disk"
(($(stat -f -c %f "$small") > 200)) || fail "the space is not free again"
rm "$tree/big"
note "... and for the tails, which wait in a file of their own"
for ((i = 0; i < 1500; ++i)); do head -c 2000 /dev/urandom >"$tree/dir/tail-$i"; done
expect_status 1 "$AMBER" mkfs "$small/image" "$tree"
equal "$(ls -A "$small") $(cat "$small/image")" "image old" "after a disk full of tails"
umount "$small"

note "signals, while it works"
"$TOOLS/odd_tree" "$WORK/large"
# The new image has no name until it is whole: look for it among the descriptors.
writes() { find "/proc/$1/fd" -lname "$out/*" 2>/dev/null | grep -q .; }
for signal in INT TERM HUP; do
  env --default-signal=INT "$AMBER" mkfs "$out/image" "$WORK/large" >"$WORK/out" 2>"$WORK/err" &
  builder=$!
  wait_for 20 writes "$builder"
  kill "-$signal" "$builder"
  status=0
  wait "$builder" || status=$?
  equal "$status" $((128 + $(kill -l "$signal"))) "status after SIG$signal"
  equal "$(wc -l <"$WORK/err")" 1 "lines on standard error after SIG$signal"
  untouched "SIG$signal"
done
note "SIGKILL leaves nothing either"
"$AMBER" mkfs "$out/image" "$WORK/large" >/dev/null 2>&1 &
builder=$!
wait_for 20 writes "$builder"
kill -KILL "$builder"
wait "$builder" || true
untouched SIGKILL

note "a file that changes under its hands"
# The writer does not stop before mkfs has given up.
(while :; do echo more; done >>"$tree/hello") &
writer=$!
processes+=("$writer")
status=0
"$AMBER" mkfs "$out/image" "$tree" >"$WORK/out" 2>"$WORK/err" || status=$?
kill "$writer"
if ((status != 0)); then
  equal "$status" 1 "status for a file that changes"
  grep -q hello "$WORK/err" || fail "the message does not name the file: $(cat "$WORK/err")"
  untouched "a change"
else
  note "it was too fast for the writer"
  echo old >"$out/image"
fi
truncate -s 0 "$tree/hello"

note "after all that it still works, and the image is readable for all"
"$AMBER" mkfs -q "$out/image" "$tree"
equal "$(stat -c %a "$out/image")" 644 "mode of the image"
