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
filler=63000 opened=65536
block=512
fill "$tree/A" "$filler" x
printf 'hello\n' >"$tree/a"
head -c 4000 /dev/urandom >"$tree/b"
head -c 512 /dev/urandom >"$tree/dir/c"
ln -s b "$tree/link"
"$AMBER" mkfs -q -b "$block" "$WORK/small" "$tree"
"$AMBER" verity build --format=append --block-size="$block" "$WORK/small" >"$WORK/built"
digest=$(awk '$1 == "digest" { print $2 }' "$WORK/built")
bytes=$(stat -c %s "$WORK/small")
data_bytes=$("$AMBER" verity show --json "$WORK/small" | jq .data_bytes)
# Behind the data: dm-verity's superblock, the tree with its root block first, then the rest of the
# seal. Only what the tree's last block vouches for is not looked at by opening.
hashes_end=$((data_bytes + block + (1 + (data_bytes / block + 15) / 16) * block))
lazy=$((hashes_end - block))
((data_bytes > opened + 4000 && data_bytes <= opened + 16 * block && hashes_end < bytes)) ||
  fail "the image is not what the sweep is made for"

# A sanitizer's program takes too long for every byte, and sees what there is to see in fewer.
step=1
if grep -qF __asan_init "$AMBER"; then step=29; fi

# reads_of WORKER WHAT: reads everything through the mount. Whatever can be read is right.
reads_of() {
  local mnt=$WORK/mnt.$1 file target
  for file in a b dir/c; do
    if cat "$mnt/$file" >"$WORK/got.$1" 2>"$WORK/why.$1"; then
      cmp -s "$WORK/got.$1" "$tree/$file" || fail "$2 changed: $file is wrong, without an error"
      right=$((right + 1))
    else
      grep -q "Input/output error" "$WORK/why.$1" || fail "$2: $(cat "$WORK/why.$1")"
      errors=$((errors + 1))
    fi
  done
  if target=$(readlink "$mnt/link"); then equal "$target" b "$2 changed: the link's target"; fi
}
# alone WORKER OFFSET: this byte only, of those that opening looks at.
alone() {
  "$TOOLS/flip" "$WORK/image.$1" "$(($2 % 8))" "$2"
  if "$AMBER" mount --digest="$digest" "$WORK/image.$1" "$WORK/mnt.$1" >/dev/null 2>"$WORK/err.$1"; then
    fail "byte $2 is changed, and nobody minds"
  fi
  grep -qE "rule (VER|SEAL|FSV|TRUST)-" "$WORK/err.$1" || fail "byte $2: $(cat "$WORK/err.$1")"
  refused=$((refused + 1))
  "$TOOLS/flip" "$WORK/image.$1" "$(($2 % 8))" "$2"
}
# together WORKER FROM TO OF: the same byte of every fourth block of [FROM, TO), for each byte of a
# block; a block is proven by itself, so the others must stay right.
together() {
  local at first offset offsets
  for ((at = $1; at < block; at += 2 * step)); do
    for first in 0 1 2 3; do
      offsets=()
      for ((offset = $2 + first * block; offset < $3; offset += 4 * block)); do
        offsets+=($((offset + at)))
      done
      ((${#offsets[@]})) || continue
      "$TOOLS/flip" "$WORK/image.$1" "$((at % 8))" "${offsets[@]}"
      if "$AMBER" mount --digest="$digest" "$WORK/image.$1" "$WORK/mnt.$1" >/dev/null 2>"$WORK/err.$1"; then
        reads_of "$1" "byte $at of blocks of the $4"
        umount "$WORK/mnt.$1"
      else
        grep -q "rule VER-" "$WORK/err.$1" || fail "byte $at of the $4: $(cat "$WORK/err.$1")"
        refused=$((refused + 1))
      fi
      "$TOOLS/flip" "$WORK/image.$1" "$((at % 8))" "${offsets[@]}"
      swept=$((swept + ${#offsets[@]}))
    done
  done
}
sweep() { # WORKER: one of two, each with half of the bytes
  local at refused=0 errors=0 right=0 swept=0
  cp "$WORK/small" "$WORK/image.$1"
  mkdir "$WORK/mnt.$1"
  for ((at = $1; at < bytes; )); do
    alone "$1" "$at"
    swept=$((swept + 1))
    # The next one of this worker's.
    at=$((at + (at > 2048 && at < opened ? 61 * step : 2 * step)))
    if ((at >= opened && at < data_bytes)); then at=$((data_bytes + $1)); fi
    if ((at >= lazy && at < hashes_end)); then at=$((hashes_end + $1)); fi
  done
  together "$1" "$opened" "$data_bytes" data
  together "$1" "$lazy" "$hashes_end" tree
  cmp "$WORK/small" "$WORK/image.$1" || fail "the sweep does not undo what it does"
  echo "$refused $errors $right $swept" >"$WORK/swept.$1"
}
sweep 1 &
other=$!
sweep 0
wait "$other" || fail "a byte that the other half of the sweep changed"
read -r refused errors right swept < <(awk '{ for (i = 1; i <= 4; ++i) sum[i] += $i }
  END { print sum[1], sum[2], sum[3], sum[4] }' "$WORK"/swept.*)
note "$swept of $bytes bytes, $data_bytes of data: $refused mounts refused, $errors reads failed, $right were right"
((refused * step > 4096 && errors * step > 1000 && right * step > 1000)) || fail "the sweep did not reach what it should"
rm -r "$WORK"/mnt.? "$WORK"/image.?

note "bytes of a compressed image"
need mkfs.erofs
mkdir "$WORK/texts"
for ((i = 0; i < 8; ++i)); do openssl enc -base64 -in <(head -c 60000 /dev/urandom) -out "$WORK/texts/$i"; done
mkfs.erofs --quiet -zlz4 -C16384 "$WORK/small" "$WORK/texts" >/dev/null 2>&1 || skip "mkfs.erofs does not compress"
digest=$("$AMBER" verity build --format=append "$WORK/small" | awk '$1 == "digest" { print $2 }')
cp "$WORK/small" "$WORK/image"
data_bytes=$("$AMBER" verity show --json "$WORK/small" | jq .data_bytes)
errors=0 right=0
for ((at = 65536 + 1237; at < data_bytes; at += 4999)); do
  "$TOOLS/flip" "$WORK/image" "$((at % 8))" "$at"
  for file in "$WORK"/texts/*; do
    if "$AMBER" cat --digest="$digest" "$WORK/image" "${file##*/}" >"$WORK/got" 2>"$WORK/err"; then
      cmp -s "$WORK/got" "$file" || fail "byte $at changed: $file is wrong, without an error"
      right=$((right + 1))
    else
      grep -qE "rule VER-1" "$WORK/err" || fail "byte $at: $(cat "$WORK/err")"
      errors=$((errors + 1))
    fi
  done
  "$TOOLS/flip" "$WORK/image" "$((at % 8))" "$at"
done
note "$errors reads failed, $right were right"
((errors > 20 && right > errors)) || fail "the sweep did not reach what it should"

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

note "exchanged while it is opened"
fresh
"$AMBER" mkfs -q "$WORK/other" "$SOURCE_DIR/docs"
truncate -s "$(stat -c %s "$WORK/image")" "$WORK/other"
"$TOOLS/swap" "$WORK/image" "$WORK/other" >"$WORK/swaps" &
swapper=$!
processes+=("$swapper")
mounts=0
for ((round = 0; round < 40; ++round)); do
  if "$AMBER" mount --digest="$digest" --seal="$WORK/image.seal" "$WORK/image" "$mnt" >/dev/null 2>"$WORK/err"; then
    nothing_wrong "exchanged, round $round"
    equal "$failed" 0 "the file that was opened is the one that is read"
    mounts=$((mounts + 1))
    umount "$mnt"
  else
    grep -q "rule VER-" "$WORK/err" || fail "refused: $(cat "$WORK/err")"
  fi
done
kill "$swapper"
wait "$swapper" || true
note "$mounts of 40 mounts, exchanged $(cat "$WORK/swaps") times"
((mounts > 0 && mounts < 40)) || fail "the exchange was never met"

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
