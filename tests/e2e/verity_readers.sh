#!/bin/bash
# What reads a verified image: the commands that look into one, images with extra devices, and
# compressed ones, whose data is fetched ahead of the reader.
set -euo pipefail
# shellcheck source=tests/lib.sh
source "$(dirname "$0")/../lib.sh"
need openssl jq mkfs.erofs
cd "$WORK"

mkdir tree mnt
head -c 300000 /dev/urandom >tree/file
ln -s file tree/link
for name in signer other; do
  openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout "$name.key" \
    -out "$name.crt" -subj "/CN=$name" -days 10 2>/dev/null
done
field() { awk -v name="$1" '$1 == name { print $2 }' built; }
flip() { # FILE OFFSET
  local byte
  byte=$((0x$(xxd -p -s "$2" -l 1 "$1") ^ 1))
  # shellcheck disable=SC2059  # an escape
  printf "\\x$(printf '%02x' "$byte")" | dd of="$1" bs=1 seek="$2" conv=notrunc status=none
}
place() { # FILE PATH POSITION: where that byte lies in the image
  "$AMBER" map --json --verity=ignore "$1" "$2" |
    jq -s --argjson pos "$3" '.[] | select(.pos <= $pos and $pos < .pos + .length) | .offset + $pos - .pos'
}

note "ls, cat, stat and map"
"$AMBER" mkfs -q image tree
"$AMBER" verity build --key=signer.key --cert=signer.crt image >built
digest=$(field digest)
for vouched in "--digest=$digest" "--require-signature --trust=signer.crt" ""; do
  # shellcheck disable=SC2086  # words
  {
    "$AMBER" cat $vouched image link | cmp - tree/file
    "$AMBER" ls $vouched image >out
    "$AMBER" stat $vouched image file >>out
    "$AMBER" map $vouched image file >>out
  }
  grep -q '^file$' out || fail "ls lists nothing with '$vouched'"
done
for command in ls cat stat map; do
  expect_status 1 "$AMBER" "$command" --require-signature --trust=other.crt image file
  grep -q SIG-4 err || fail "$command: $(cat err)"
  expect_status 1 "$AMBER" "$command" --digest="sha256:$(printf '0%.0s' {1..64})" image file
  grep -q TRUST-1 err || fail "$command: $(cat err)"
done
flip image "$(place image file 200000)"
expect_status 1 "$AMBER" cat image file
grep -q 'VER-1' err || fail "cat: $(cat err)"
cmp <(head -c 196608 out) <(head -c "$(stat -c %s out)" tree/file) || fail "cat printed what is not proven"
"$AMBER" ls image >/dev/null

note "extra devices"
: >blob
mkfs.erofs --blobdev=blob --chunksize=4096 main tree >/dev/null 2>&1 || skip "no --blobdev"
truncate -s %4096 blob
"$AMBER" verity build --device=blob --key=signer.key --cert=signer.crt main >built
digest=$(field digest)
equal "$(field device)" "$("$AMBER" verity digest --id blob | cut -d ' ' -f 1)" "the device's digest"
[[ -e blob.seal ]] || fail "the device has no seal"
equal "$("$AMBER" verity show --json main | jq -r .salt)" \
  "$(printf '%s\n' "$(field device)" | sha256sum | cut -d ' ' -f 1)" "the salt"
equal "${digest#*:}" "$(fsverity digest --compact \
  --salt="$("$AMBER" verity show --json main | jq -r .salt)" main)" "fsverity's digest"
for vouched in "--digest=$digest" "--require-signature --trust=signer.crt" ""; do
  # shellcheck disable=SC2086
  {
    "$AMBER" cat $vouched --device=blob main file | cmp - tree/file
    "$AMBER" verity verify -q $vouched --device=blob main
  }
done
"$AMBER" fsck -q --digest="$digest" --device=blob main
# Another blob of the same size, sealed and signed by the same signer.
head -c "$(stat -c %s blob)" /dev/urandom >swapped
"$AMBER" verity build --key=signer.key --cert=signer.crt swapped >/dev/null
for vouched in "--digest=$digest" "--require-signature --trust=signer.crt" ""; do
  # shellcheck disable=SC2086
  expect_status 1 "$AMBER" cat $vouched --device=swapped main file
  grep -q TRUST-1 err || fail "a swapped device: $(cat err)"
done
cp blob other
cp blob.seal other.seal
flip other 250000
expect_status 1 "$AMBER" cat --device=other main file
grep -q VER-1 err || fail "a changed device: $(cat err)"
expect_status 1 "$AMBER" verity verify --device=other main
rm other.seal
expect_status 4 "$AMBER" verity verify --device=other main
grep -q TRUST-6 err || fail "a device without a seal: $(cat err)"
# A seal that names nothing: its maker is trusted, the device is anybody's.
rm main.seal
"$AMBER" verity build --key=signer.key --cert=signer.crt main >built
expect_status 1 "$AMBER" cat --require-signature --trust=signer.crt --device=blob main file
grep -q TRUST-7 err || fail "a device that is not named: $(cat err)"
"$AMBER" cat --device=blob main file | cmp - tree/file
"$AMBER" verity verify --device=blob main | grep -q 'extra devices are not verified' ||
  fail "nothing says that the device is not verified"
# A device that has a seal keeps it, if it is one of this device.
rm main.seal
sum=$(sha256sum <swapped.seal)
"$AMBER" verity build --device=swapped main >built
equal "$(sha256sum <swapped.seal)" "$sum" "a seal that was there"
rm main.seal
flip swapped 0
expect_status 5 "$AMBER" verity build --device=swapped main
[[ ! -e main.seal ]] || fail "a seal names a device that is another"
for wrong in --format=dmverity --salt=00; do
  expect_status 2 "$AMBER" verity build --device=blob "$wrong" main
done

need_root
need_fuse
note "compressed, and read ahead"
rm -r tree
mkdir tree
# Compresses, but no two places are the same.
seq -f 'line %.0f of a file that is long enough to be read ahead of' 700000 >tree/long
if ! mkfs.erofs -zlz4 -C65536 packed tree >/dev/null 2>&1; then skip "mkfs.erofs has no lz4"; fi
"$AMBER" verity build packed >built
digest=$(field digest)
"$AMBER" mount --digest="$digest" packed mnt >/dev/null
cmp tree/long mnt/long || fail "a compressed file differs"
"$AMBER" umount mnt
cp packed good
for position in 8000000 20000000 30000000; do
  flip packed "$(place packed long $position)"
  "$AMBER" mount --digest="$digest" packed mnt >/dev/null
  if cat mnt/long >got 2>err; then fail "a changed pcluster was decoded"; fi
  grep -q "Input/output error" err || fail "$(cat err)"
  cmp -n "$(stat -c %s got)" got tree/long || fail "what came before the changed pcluster is wrong"
  # All that does not need the changed block is still there, also from behind it.
  cmp <(tail -c 1000000 mnt/long) <(tail -c 1000000 tree/long) || fail "the end of the file is lost"
  "$AMBER" umount mnt
  cp good packed
done
