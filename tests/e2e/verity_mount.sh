#!/bin/bash
# Sealed images under a mount: each byte changed in turn; the file rewritten, cut, extended and
# replaced while it is mounted. What can be read is right, or there is an error.
set -euo pipefail
# shellcheck source=tests/lib.sh
source "$(dirname "$0")/../lib.sh"
need_root
need_fuse
need openssl jq

tree=$WORK/tree mnt=$WORK/mnt
mkdir -p "$tree/dir" "$mnt"

note "every byte of a small sealed image"
# Opening an image reads its first 64 KiB, so what reads come to must lie behind: of the filler, which
# opening refuses as a whole, not every byte is tried.
filler=63000
fill "$tree/A" "$filler" x
printf 'hello\n' >"$tree/a"
head -c 4000 /dev/urandom >"$tree/b"
head -c 512 /dev/urandom >"$tree/dir/c"
ln -s b "$tree/link"
"$AMBER" mkfs -q -b 512 "$WORK/small" "$tree"
"$AMBER" verity build --format=append --block-size=512 "$WORK/small" >"$WORK/built"
digest=$(awk '$1 == "digest" { print $2 }' "$WORK/built")
bytes=$(stat -c %s "$WORK/small")
data_bytes=$("$AMBER" verity show --json "$WORK/small" | jq .data_bytes)
cp "$WORK/small" "$WORK/image"
refused=0 errors=0 right=0
# A sanitizer's program takes too long for every byte, and sees what there is to see in fewer.
step=1
if grep -qF __asan_init "$AMBER"; then step=29; fi
for ((at = 0; at < bytes; at += at > 2048 && at < filler ? 61 * step : step)); do
  printf -v byte '%d' "0x$(xxd -p -s "$at" -l 1 "$WORK/small")"
  # shellcheck disable=SC2059  # an escape
  printf "\\x$(printf '%02x' $((byte ^ (1 << at % 8))))" |
    dd of="$WORK/image" bs=1 seek="$at" conv=notrunc status=none
  if "$AMBER" mount --digest="$digest" "$WORK/image" "$mnt" >/dev/null 2>"$WORK/err"; then
    ((at < bytes - 4096)) || fail "byte $at of the metadata is changed, and nobody minds"
    for file in a b dir/c; do
      if cat "$mnt/$file" >"$WORK/got" 2>"$WORK/why"; then
        cmp -s "$WORK/got" "$tree/$file" || fail "byte $at changed: $file is wrong, without an error"
        right=$((right + 1))
      else
        grep -q "Input/output error" "$WORK/why" || fail "byte $at: $(cat "$WORK/why")"
        errors=$((errors + 1))
      fi
    done
    if target=$(readlink "$mnt/link"); then equal "$target" b "byte $at changed: the link's target"; fi
    umount "$mnt"
  else
    grep -qE "rule (VER|SEAL|FSV|TRUST)-" "$WORK/err" || fail "byte $at: $(cat "$WORK/err")"
    refused=$((refused + 1))
  fi
  # shellcheck disable=SC2059
  printf "\\x$(printf '%02x' "$byte")" |
    dd of="$WORK/image" bs=1 seek="$at" conv=notrunc status=none
done
cmp "$WORK/small" "$WORK/image" || fail "the sweep does not undo what it does"
note "$bytes bytes, $data_bytes of data: $refused mounts refused, $errors reads failed, $right were right"
((refused * step > 4096 && errors * step > 2000 && right * step > 4000)) || fail "the sweep did not reach what it should"

note "levels, and what is said about them"
{ head -c 8M /dev/urandom; printf 'a block of its own'; head -c 4078 /dev/zero; } >"$tree/large"
"$AMBER" mkfs -q "$WORK/good" "$tree"
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout "$WORK/key" \
  -out "$WORK/crt" -subj /CN=signer -days 10 2>/dev/null
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout "$WORK/other.key" \
  -out "$WORK/other.crt" -subj /CN=other -days 10 2>/dev/null
cp "$WORK/good" "$WORK/image"
"$AMBER" verity build --key="$WORK/key" --cert="$WORK/crt" "$WORK/image" >"$WORK/built"
digest=$(awk '$1 == "digest" { print $2 }' "$WORK/built")
says() { # PATTERN OPTION...: mounts, says so, and unmounts
  local pattern=$1
  shift
  "$AMBER" mount "$@" "$WORK/image" "$mnt" >"$WORK/said"
  grep -qE -- "$pattern" "$WORK/said" || fail "instead of '$pattern': $(cat "$WORK/said")"
  diff -r "$tree" "$mnt" || fail "the mount shows something else"
  umount "$mnt"
}
refuses() { # PATTERN OPTION...
  local pattern=$1
  shift
  if "$AMBER" mount "$@" "$WORK/image" "$mnt" >/dev/null 2>"$WORK/err"; then
    fail "mounted in spite of: $*"
  fi
  grep -qE -- "$pattern" "$WORK/err" || fail "instead of '$pattern': $(cat "$WORK/err")"
}
says 'verified \(integrity\)'
says 'verified \(digest\): digest sha256-12:' --digest="$digest"
says 'verified \(signature\): signed by CN=signer, certificate sha256:' --require-signature \
  --trust="$WORK/crt"
says 'verified \(signature\)' -o "require-signature,trust=$WORK/crt,digest=$digest"
refuses SIG-4 --require-signature --trust="$WORK/other.crt"
refuses SIG-4 -o "require-signature,trust=$WORK/other.crt"
refuses TRUST-1 --digest="sha256:$(printf '0%.0s' {1..64})"
refuses TRUST-1 --require-signature --trust="$WORK/crt" --digest="sha256:$(printf '0%.0s' {1..64})"
refuses 'not a digest' --digest=sha256:00
refuses 'no such level' --verity=high
refuses TRUST-7 --digest="$digest" --device "$WORK/good"
mv "$WORK/image.seal" "$WORK/aside"
refuses TRUST-6 --digest="$digest"
refuses TRUST-6 --require-signature --trust="$WORK/crt"
says 'verified \(digest\)' --digest="$digest" --seal="$WORK/aside"
printf 'x' >>"$WORK/aside"
refuses SEAL- --seal="$WORK/aside"
refuses SEAL- --seal="$WORK/aside" --verity=none
"$AMBER" mount --verity=ignore "$WORK/image" "$mnt" >"$WORK/said"
[[ ! -s $WORK/said ]] || fail "an ignored seal verifies nothing"
umount "$mnt"
truncate -s -1 "$WORK/aside"
mv "$WORK/aside" "$WORK/image.seal"

note "fsck"
"$AMBER" fsck --digest="$digest" "$WORK/image" | grep -q 'verified (digest)' || fail "fsck's report"
equal "$("$AMBER" fsck --json --require-signature --trust="$WORK/crt" "$WORK/image" |
           jq -r .verity.level)" signature "fsck's JSON"
expect_status 8 "$AMBER" fsck --digest="sha256:$(printf '0%.0s' {1..64})" "$WORK/image"

# --- while it is mounted ---

start() { # OPTION...
  "$AMBER" mount -f --digest="$digest" "$@" "$WORK/image" "$mnt" >/dev/null 2>"$WORK/log" &
  server=$!
  processes+=("$server")
  wait_for 10 mounted "$mnt"
}
stop() {
  umount "$mnt"
  wait "$server" || fail "the server ended with status $?"
}
# Each file is right, or cannot be read. Sets `failed` to how many could not.
nothing_wrong() {
  local file
  failed=0
  for file in a b dir/c large; do
    if cat "$mnt/$file" >"$WORK/got" 2>/dev/null; then
      cmp -s "$WORK/got" "$tree/$file" || fail "$1: $file is wrong, without an error"
    else
      failed=$((failed + 1))
    fi
  done
}
fresh() { cp "$WORK/good" "$WORK/image"; }
inode_of() { stat -c %i "$mnt/$1"; }

note "rewritten in place"
start
size=$(stat -c %s "$WORK/image")
head -c "$size" /dev/urandom | dd of="$WORK/image" bs=1M conv=notrunc status=none
nothing_wrong "rewritten"
((failed > 0)) || fail "a rewritten image was read"
grep -q "not verified (rule VER-1 at byte" "$WORK/log" || fail "no line in the log names the rule"
dd if="$WORK/good" of="$WORK/image" bs=1M conv=notrunc status=none
nothing_wrong "restored"
equal "$failed" 0 "what is right again can be read again"
stop

note "one byte: its neighbours stay readable"
start
# The last block of the large file, wherever it lies.
at=$(grep -obUaF 'a block of its own' "$WORK/image" | cut -d: -f 1)
cp "$WORK/image" "$WORK/before"
printf '\x00\x00\x00\x00\x00\x00\x00\x00' | dd of="$WORK/image" bs=1 seek="$at" conv=notrunc status=none
expect_error "Input/output error" cat "$mnt/large"
for file in a b dir/c; do cmp "$mnt/$file" "$tree/$file" || fail "$file suffers from its neighbour"; done
cmp -n 8000000 "$mnt/large" "$tree/large" || fail "the blocks before it suffer"
stop

note "cut short, and extended"
fresh
start
truncate -s 65536 "$WORK/image"
nothing_wrong "cut short"
((failed > 0)) || fail "an image that is cut was read"
truncate -s "$size" "$WORK/image"
nothing_wrong "cut and filled with zeros"
truncate -s $((size * 2)) "$WORK/image"
nothing_wrong "extended"
stop
fresh
start
head -c 1M /dev/urandom >>"$WORK/image"
nothing_wrong "extended"
equal "$failed" 0 "what follows the image does not matter"
stop

note "replaced by another file"
fresh
start
head -c "$size" /dev/urandom >"$WORK/new"
mv "$WORK/new" "$WORK/image"
nothing_wrong "replaced"
equal "$failed" 0 "the file that was opened is the one that is read"
stop

note "toggled and cut while it is read"
fresh
touch "$WORK/go"
(
  for ((turn = 0; ; ++turn)); do
    [[ -e $WORK/go ]] || break
    for block in 250 1000 1001 2000; do
      dd if=/dev/urandom of="$WORK/image" bs=4096 count=3 seek="$block" conv=notrunc status=none
    done
    ((turn % 4)) || truncate -s 4000000 "$WORK/image"
    dd if="$WORK/good" of="$WORK/image" bs=1M conv=notrunc status=none
  done
) &
writer=$!
processes+=("$writer")
mounts=0 reads_failed=0
for ((round = 0; round < 60; ++round)); do
  # The kernel keeps what it was told: each round asks anew. The mount itself may be refused.
  "$AMBER" mount --digest="$digest" "$WORK/image" "$mnt" >/dev/null 2>"$WORK/err" || {
    grep -qE "rule (VER|SEAL|SB)-|Input/output" "$WORK/err" || fail "refused: $(cat "$WORK/err")"
    continue
  }
  mounts=$((mounts + 1))
  nothing_wrong "round $round"
  reads_failed=$((reads_failed + failed))
  umount "$mnt"
done
rm "$WORK/go"
wait "$writer"
note "$mounts of 60 mounts, $reads_failed reads failed"
((mounts > 10 && reads_failed > 0)) || fail "the writer was never met"

note "--on-corruption=stop"
fresh
start --on-corruption=stop
printf 'x' | dd of="$WORK/image" bs=1 seek="$at" conv=notrunc status=none
# EIO for the read that met it; those on their way then are aborted.
expect_status 1 cat "$mnt/large"
wait_for 10 not_mounted "$mnt"
status=0
wait "$server" || status=$?
equal "$status" 32 "the server's status"
grep -q "the mount has ended" "$WORK/log" || fail "it does not say why"
