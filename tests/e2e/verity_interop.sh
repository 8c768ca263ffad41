#!/bin/bash
# Digests, trees, superblocks and signatures against fsverity, veritysetup and openssl, both ways; and
# sealed images in the hands of Linux and of erofs-utils.
set -euo pipefail
# shellcheck source=tests/lib.sh
source "$(dirname "$0")/../lib.sh"
need fsverity veritysetup openssl jq fsck.erofs

data=$WORK/data
stream() { openssl enc -aes-128-ctr -nosalt -K "$(printf '0%.0s' {1..32})" -iv "$(printf '0%.0s' {1..32})" \
             -in /dev/zero 2>/dev/null | head -c "$1" >"$data" || true; }
field() { awk -v name="$1" '$1 == name { print $2 }'; }  # of what build prints
their_root() { sed -n 's/^Root hash:[[:space:]]*//p'; }

note "fsverity digest, trees"
for bytes in 1 4095 4096 4097 524288 524289 3000000; do
  stream "$bytes"
  for algorithm in sha256 sha512; do
    for block in 64 512 1024 4096 8192 65536 131072; do
      [[ $algorithm == sha256 || $block != 64 ]] || continue
      for salt in "" abcd "$(printf '5a%.0s' {1..32})"; do
        [[ $bytes -le 524289 || -z $salt ]] || continue
        what="$bytes bytes, $algorithm, blocks of $block, salt '$salt'"
        theirs=$(fsverity digest --compact --hash-alg="$algorithm" --block-size="$block" \
                   ${salt:+--salt="$salt"} --out-merkle-tree="$WORK/their.tree" "$data")
        ours=$("$AMBER" verity digest --algorithm="$algorithm" --block-size="$block" \
                 ${salt:+--salt="$salt"} "$data")
        equal "$ours" "$algorithm:$theirs $data" "$what"
        "$AMBER" verity build --format=tree --algorithm="$algorithm" --block-size="$block" \
          ${salt:+--salt="$salt"} -o "$WORK/our.tree" "$data" >/dev/null
        same "$WORK/their.tree" "$WORK/our.tree" "tree of $what"
      done
    done
  done
done

note "veritysetup format"
uuid=01234567-89ab-cdef-0123-456789abcdef
for bytes in 4096 524288 528384 3002368; do
  stream "$bytes"
  for algorithm in sha256 sha512; do
    for sizes in "4096 4096" "1024 1024" "4096 1024" "512 4096"; do
      read -r block hash_block <<<"$sizes"
      for salt in - 00 "$(printf '5a%.0s' {1..256})"; do
        what="$bytes bytes, $algorithm, blocks of $sizes, salt '${salt::8}'"
        rm -f "$WORK/their.verity"
        theirs=$(veritysetup format --hash="$algorithm" --data-block-size="$block" \
                   --hash-block-size="$hash_block" --salt="$salt" --uuid="$uuid" \
                   "$data" "$WORK/their.verity" | their_root)
        ours=$("$AMBER" verity build --format=dmverity --algorithm="$algorithm" \
                 --block-size="$block" --hash-block-size="$hash_block" --salt="$salt" \
                 --uuid="$uuid" -o "$WORK/our.verity" "$data" | field root-hash)
        equal "$ours" "$theirs" "root hash of $what"
        same "$WORK/their.verity" "$WORK/our.verity" "hash file of $what"
      done
    done
  done
done
stream 528384
rm "$WORK/their.verity"
veritysetup format --no-superblock --salt=- "$data" "$WORK/their.verity" >/dev/null
"$AMBER" verity build --format=dmverity --no-superblock -o "$WORK/our.verity" "$data" >/dev/null
same "$WORK/their.verity" "$WORK/our.verity" "hash file without a superblock"
cp "$data" "$WORK/theirs.img"
cp "$data" "$WORK/ours.img"
veritysetup format --salt=- --uuid="$uuid" --hash-offset=528384 "$WORK/theirs.img" \
  "$WORK/theirs.img" >/dev/null
"$AMBER" verity build --format=dmverity --append --uuid="$uuid" "$WORK/ours.img" >"$WORK/built"
same "$WORK/theirs.img" "$WORK/ours.img" "a tree behind the data"
equal "$(field hash-offset <"$WORK/built")" 528384 "where it is"

note "theirs, read by us"
root=$(veritysetup format "$data" "$WORK/their.verity" | their_root)  # a random salt
"$AMBER" verity verify --root-hash="$root" --hash-file="$WORK/their.verity" --data-size=528384 \
  "$data" >/dev/null
expect_status 3 "$AMBER" verity verify --root-hash="$root" --hash-file="$WORK/their.verity" "$data"
grep -q TRUST-3 "$WORK/err" || fail "a bare root hash without a size was accepted"
root=$(field root-hash <"$WORK/built")
"$AMBER" verity verify --root-hash="$root" --hash-offset=528384 "$WORK/theirs.img" >/dev/null
printf 'x' | dd of="$WORK/theirs.img" bs=1 seek=5000 conv=notrunc status=none
expect_status 1 "$AMBER" verity verify --root-hash="$root" --hash-offset=528384 "$WORK/theirs.img"

note "the level shift, which veritysetup accepts"
stream 70004736
root=$("$AMBER" verity build --format=dmverity --uuid="$uuid" -o "$WORK/whole.verity" "$data" |
         field root-hash)
# The blocks of level 0 as data, under the upper levels: 134 of 17091 blocks.
tail -c $((134 * 4096)) "$WORK/whole.verity" >"$WORK/fake"
head -c $((4 * 4096)) "$WORK/whole.verity" >"$WORK/fake.verity"
printf '\x86\x00\x00\x00' | dd of="$WORK/fake.verity" bs=1 seek=72 conv=notrunc status=none
veritysetup verify "$WORK/fake" "$WORK/fake.verity" "$root" || fail "the fake is not a good one"
expect_status 3 "$AMBER" verity verify --root-hash="$root" --hash-file="$WORK/fake.verity" \
  --data-size=70004736 "$WORK/fake"
for blocks in 17090 17000 16385; do
  cp "$WORK/whole.verity" "$WORK/fake.verity"
  printf '%b' "$(printf '\\x%02x\\x%02x' $((blocks & 255)) $((blocks >> 8)))" |
    dd of="$WORK/fake.verity" bs=1 seek=72 conv=notrunc status=none
  expect_status 3 "$AMBER" verity verify --root-hash="$root" --hash-file="$WORK/fake.verity" \
    --data-size=70004736 "$data"
done

note "containerd's flavour"
stream 524000
"$AMBER" verity build --format=containerd "$data" >"$WORK/built"
root=$(field root-hash <"$WORK/built")
equal "$(jq -r .roothash "$data.dmverity")" "$root" "roothash"
equal "$(jq .hashoffset "$data.dmverity")" 524288 "hashoffset"
veritysetup verify "$data" "$data" --hash-offset=524288 "$root"
veritysetup dump --hash-offset=524288 "$data" | grep -qE "Salt:[[:space:]]+0{64}$" || fail "its salt"
"$AMBER" verity verify --root-hash-file="$data.dmverity" "$data" >/dev/null

note "signatures"
# openssl knows no way to put a certificate into place without a key: one of each kind.
openssl req -x509 -newkey rsa:3072 -nodes -keyout "$WORK/rsa.key" -out "$WORK/rsa.crt" \
  -subj /CN=rsa -days 10 2>/dev/null
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout "$WORK/ec.key" \
  -out "$WORK/ec.crt" -subj /CN=ec -days 10 2>/dev/null
stream 524288
"$AMBER" verity digest --message "$data" | tr -d '\n' | xxd -r -p >"$WORK/message"
equal "$("$AMBER" verity digest --message "$data")" \
  "$(fsverity digest --for-builtin-sig --compact "$data")" "what is signed"
for kind in rsa ec; do
  key=$WORK/$kind.key certificate=$WORK/$kind.crt
  "$AMBER" verity sign --key="$key" --cert="$certificate" --detached="$WORK/our.sig" "$data"
  openssl cms -verify -in "$WORK/our.sig" -inform DER -content "$WORK/message" -binary \
    -certfile "$certificate" -CAfile "$certificate" -purpose any -out /dev/null 2>/dev/null ||
    fail "openssl cms does not accept our $kind signature"
  fsverity sign "$data" "$WORK/their.sig" --key="$key" --cert="$certificate" >/dev/null
  [[ $kind == ec ]] || same "$WORK/our.sig" "$WORK/their.sig" "our RSA signature is fsverity's"
  "$AMBER" verity build --format=systemd --key="$key" --cert="$certificate" --salt=- "$data" \
    >/dev/null
  openssl smime -verify -in "$data.roothash.p7s" -inform DER -content "$data.roothash" -binary \
    -certfile "$certificate" -CAfile "$certificate" -purpose any -noverify -out /dev/null \
    2>/dev/null || fail "openssl smime does not accept our $kind signature of a root hash"
  "$AMBER" verity verify --require-signature --trust="$certificate" --data-size=524288 \
    --root-hash-file="$data.verity-sig" --hash-file="$data.verity" "$data" >/dev/null
  # Theirs in the same place.
  openssl smime -sign -in "$data.roothash" -signer "$certificate" -inkey "$key" -nocerts -noattr \
    -binary -outform der -out "$WORK/root.p7s"
  jq -n --arg root "$(cat "$data.roothash")" --arg signature "$(base64 -w 0 "$WORK/root.p7s")" \
    '{rootHash: $root, signature: $signature}' >"$WORK/theirs.json"
  "$AMBER" verity verify --require-signature --trust="$certificate" --data-size=524288 \
    --root-hash-file="$WORK/theirs.json" --hash-file="$data.verity" "$data" >/dev/null
done

note "sealed images"
mkdir "$WORK/tree" "$WORK/mnt"
head -c 300000 /dev/urandom >"$WORK/tree/file"
cp -r "$SOURCE_DIR/docs" "$WORK/tree/"
"$AMBER" mkfs -q "$WORK/plain.img" "$WORK/tree"
cp "$WORK/plain.img" "$WORK/sealed.img"
size=$(stat -c %s "$WORK/plain.img")
"$AMBER" verity build "$WORK/plain.img" >"$WORK/built"
"$AMBER" verity build --format=append "$WORK/sealed.img" >"$WORK/built.append"
same "$WORK/built" "$WORK/built.append" "the seal does not depend on its place"
cat "$WORK/plain.img" "$WORK/plain.img.seal" | cmp - "$WORK/sealed.img" ||
  fail "image and sidecar are not the sealed image"
root=$(field root-hash <"$WORK/built")
veritysetup verify "$WORK/plain.img" "$WORK/plain.img.seal" --hash-offset=0 "$root"
veritysetup verify "$WORK/sealed.img" "$WORK/sealed.img" --hash-offset="$size" "$root"
equal "sha256-12:$(fsverity digest --compact "$WORK/plain.img")" "$(field digest <"$WORK/built")" \
  "fsverity's digest of the image"
fsck.erofs "$WORK/sealed.img" >/dev/null 2>&1 || fail "fsck.erofs minds the seal"

note "sealed by mkfs, while it writes"
"$TOOLS/odd_tree" --small "$WORK/odd"  # with files that are written, found to be sparse, and taken back
for block in 512 4096 65536; do
  "$AMBER" mkfs -q -b "$block" "$WORK/alone" "$WORK/odd"
  "$AMBER" verity build "$WORK/alone" >"$WORK/built"
  "$AMBER" mkfs -b "$block" --verity "$WORK/sealed" "$WORK/odd" >"$WORK/out"
  same "$WORK/alone" "$WORK/sealed" "an image that is sealed while it is written"
  same "$WORK/alone.seal" "$WORK/sealed.seal" "its seal"
  grep -qx "$(grep ^digest "$WORK/built")" "$WORK/out" || fail "mkfs does not print the digest"
  "$AMBER" mkfs -q -b "$block" --verity=append "$WORK/sealed" "$WORK/odd"
  truncate -s %4096 "$WORK/alone"
  rm "$WORK"/{alone,sealed}.seal
  "$AMBER" verity build --format=append "$WORK/alone" >/dev/null
  same "$WORK/alone" "$WORK/sealed" "an appended seal"
  "$AMBER" fsck -q "$WORK/sealed"
done
"$AMBER" mkfs --json --sign-key="$WORK/ec.key" --sign-cert="$WORK/ec.crt" "$WORK/signed" "$WORK/odd" \
  >"$WORK/out"
"$AMBER" verity verify -q --require-signature --trust="$WORK/ec.crt" \
  --digest="$(jq -r .digest "$WORK/out")" "$WORK/signed"
rm "$WORK/signed"
expect_status 2 "$AMBER" mkfs --sign-key="$WORK/none" --sign-cert="$WORK/ec.crt" "$WORK/signed" "$WORK/odd"
expect_status 2 "$AMBER" mkfs --verity=elsewhere "$WORK/signed" "$WORK/odd"
rm "$WORK/signed.seal"
mkfifo "$WORK/signed.seal"
expect_status 1 "$AMBER" mkfs --verity "$WORK/signed" "$WORK/odd"
[[ ! -e $WORK/signed ]] || fail "an image whose seal cannot be written is there"

note "digests of files"
"$TOOLS/odd_tree" --small --tame "$WORK/tame"
truncate -s 3T "$WORK/tame/zeros"
{ head -c 5M /dev/zero; head -c 700000 /dev/urandom; } >"$WORK/tame/late"
cp "$WORK/tame/late" "$WORK/tame/same"
"$AMBER" mkfs -q --file-digests "$WORK/image" "$WORK/tame"
"$AMBER" fsck -q --data "$WORK/image"
# fsverity reads every zero of a hole.
(cd "$WORK/tame" && find . -type f -size +0 -size -2G -print0 | sort -z |
   xargs -0 fsverity digest --compact --hash-alg=sha256 | sed 's/^/00240001/') >"$WORK/theirs"
(cd "$WORK/tame" && find . -type f -size +0 -size -2G -print0 | sort -z) |
  xargs -0 "$AMBER" stat --json "$WORK/image" |
  jq -r '.xattrs[] | select(.name == "user.amberfs.fsverity").value.hex' >"$WORK/ours"
(($(wc -l <"$WORK/ours") > 50)) || fail "only $(wc -l <"$WORK/ours") files have a digest"
same "$WORK/theirs" "$WORK/ours" "digests of files"
at=$("$AMBER" map --json "$WORK/image" late | jq -s 'map(select(.offset))[0].offset')
printf 'not what it was' | dd of="$WORK/image" bs=1 seek="$((at + 9000))" conv=notrunc status=none
expect_status 4 "$AMBER" fsck --data "$WORK/image"
grep -q "XA-12" "$WORK/out" || fail "fsck does not name the rule: $(cat "$WORK/out")"
"$AMBER" fsck -q "$WORK/image"
expect_status 2 "$AMBER" mkfs --file-digests -x -1 "$WORK/image" "$WORK/tame"

if ((EUID == 0)) && grep -qw erofs /proc/filesystems; then
  kernel_mount "$WORK/sealed.img" "$WORK/mnt"
  diff -r "$WORK/tree" "$WORK/mnt" || fail "Linux reads something else from a sealed image"
  umount "$WORK/mnt"
fi
