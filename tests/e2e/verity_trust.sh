#!/bin/bash
# Who may sign, and how: signatures of every wrong shape that openssl can make, the machine's anchors,
# deny lists and policy, keys of all kinds.
set -euo pipefail
# shellcheck source=tests/lib.sh
source "$(dirname "$0")/../lib.sh"
need openssl jq

image=$WORK/image
"$AMBER" mkfs -q "$image" "$SOURCE_DIR/docs"
"$AMBER" verity build "$image" >/dev/null
cp "$image.seal" "$WORK/unsigned"
"$AMBER" verity digest --message "$image" | xxd -r -p >"$WORK/message"
cd "$WORK"

# certificate NAME KIND EXTENSION...: NAME.key and NAME.crt, signed by itself
certificate() {
  local name=$1 kind=$2 extension arguments=()
  shift 2
  for extension in "$@"; do arguments+=(-addext "$extension"); done
  case $kind in
    rsa*) arguments+=(-newkey "rsa:${kind#rsa}") ;;
    *) arguments+=(-newkey ec -pkeyopt "ec_paramgen_curve:$kind") ;;
  esac
  openssl req -x509 "${arguments[@]}" -nodes -keyout "$name.key" -out "$name.crt" \
    -subj "/CN=$name" -days 10 2>/dev/null
}
# issue NAME ISSUER DAYS EXTENSION...: NAME.key and NAME.crt, signed by ISSUER
issue() {
  local name=$1 issuer=$2 days=$3
  shift 3
  openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout "$name.key" \
    -out "$name.csr" -subj "/CN=$name" 2>/dev/null
  printf '%s\n' "$@" >"$name.ext"
  openssl x509 -req -in "$name.csr" -CA "$issuer.crt" -CAkey "$issuer.key" -CAcreateserial \
    -days "$days" -extfile "$name.ext" -out "$name.crt" 2>/dev/null
}
leaf=basicConstraints=critical,CA:FALSE
certificate good P-256 "$leaf"
certificate rsa rsa2048 "$leaf"

sign_with() { # SIGNATURE: puts it into a fresh seal
  cp unsigned "$image.seal"
  "$AMBER" verity sign --add="$1" "$image"
}
accepts() { # WHAT CERTIFICATE
  sign_with sig
  "$AMBER" verity verify -q --require-signature --trust="$2" "$image" || fail "refused: $1"
}
refuses() { # RULE WHAT CERTIFICATE
  sign_with sig
  expect_status 3 "$AMBER" verity verify -q --require-signature --trust="$3" "$image"
  grep -q "rule $1)" err || fail "$2: instead of $1: $(cat err)"
}
# make SIGNER OPTION...: sig, over the message
make() {
  local signer=$1
  shift
  openssl cms -sign -in message -binary -signer "$signer.crt" -inkey "$signer.key" -outform DER \
    -out sig "$@"
}
usual=(-noattr -nocerts -md sha256)

note "shapes that are accepted"
make good "${usual[@]}" && accepts "openssl cms, ECDSA" good.crt
make rsa "${usual[@]}" && accepts "openssl cms, RSA" rsa.crt
make rsa "${usual[@]}" -keyopt rsa_padding_mode:pss && accepts "RSA-PSS" rsa.crt
make good -noattr -nocerts -md sha384 && accepts "SHA-384" good.crt
make rsa -noattr -nocerts -md sha512 && accepts "SHA-512" rsa.crt
make good "${usual[@]}" -keyid && accepts "signer by key id" good.crt
make good -noattr -md sha256 && accepts "certificate embedded" good.crt
certificate p384 P-384 "$leaf"
make p384 "${usual[@]}" && accepts "P-384" p384.crt
certificate purposed P-256 "$leaf" keyUsage=digitalSignature extendedKeyUsage=codeSigning
make purposed "${usual[@]}" && accepts "a key for code" purposed.crt

note "shapes that are not"
make good "${usual[@]}" && printf 'x' >>sig && refuses SIG-1 "a byte behind it" good.crt
make good "${usual[@]}" -stream -indef && refuses SIG-1 "indefinite length" good.crt
head -c 1000 message >sig && refuses SIG-1 "no signature at all" good.crt
make good "${usual[@]}" -nodetach && refuses SIG-2 "content inside" good.crt
openssl cms -data_create -in message -outform DER -out sig && refuses SIG-2 "no signed data" good.crt
for ((i = 1; i <= 5; ++i)); do certificate "s$i" P-256 "$leaf"; done
openssl cms -sign -in message -binary "${usual[@]}" -outform DER -out sig \
  -signer s1.crt -inkey s1.key -signer s2.crt -inkey s2.key -signer s3.crt -inkey s3.key \
  -signer s4.crt -inkey s4.key -signer s5.crt -inkey s5.key
cat s?.crt >all.crt
refuses SIG-2 "five signers" all.crt
openssl crl2pkcs7 -nocrl -certfile good.crt -outform DER -out sig
refuses SIG-2 "no signer" good.crt
make good -nocerts -md sha256 && refuses SIG-3 "signed attributes" good.crt
make good -noattr -nocerts -md sha1 && refuses SIG-3 "SHA-1" good.crt
certificate attacker P-256 "$leaf"
make attacker -noattr -md sha256 && refuses SIG-4 "a stranger who brings the certificate" good.crt
openssl cms -sign -in message -binary "${usual[@]}" -outform DER -out sig \
  -signer good.crt -inkey good.key -signer attacker.crt -inkey attacker.key
refuses SIG-4 "one of two signers is a stranger" good.crt
certificate short rsa1024 "$leaf"
make short "${usual[@]}" && refuses SIG-5 "RSA of 1024 bits" short.crt
certificate server P-256 "$leaf" extendedKeyUsage=serverAuth
make server "${usual[@]}" && refuses SIG-5 "a key for servers" server.crt
certificate cipher rsa2048 "$leaf" keyUsage=keyEncipherment
make cipher "${usual[@]}" && refuses SIG-5 "a key for encryption" cipher.crt
printf 'something else' >other
openssl cms -sign -in other -binary "${usual[@]}" -signer good.crt -inkey good.key -outform DER -out sig
refuses SIG-6 "another message" good.crt
"$AMBER" verity sign --detached=sig --sign-root-hash --key=good.key --cert=good.crt "$image"
refuses SIG-6 "the form for dm-verity" good.crt

note "several signatures: one good one is enough"
make attacker "${usual[@]}" && sign_with sig
make good "${usual[@]}" && "$AMBER" verity sign --add=sig "$image"
"$AMBER" verity verify -q --require-signature --trust=good.crt "$image"
"$AMBER" verity verify -q --require-signature --trust=attacker.crt "$image"
expect_status 3 "$AMBER" verity verify -q --require-signature --trust=rsa.crt "$image"
"$AMBER" verity sign --replace --key=rsa.key --cert=rsa.crt "$image"
"$AMBER" verity verify -q --require-signature --trust=rsa.crt "$image"
expect_status 3 "$AMBER" verity verify -q --require-signature --trust=good.crt "$image"

note "chains"
certificate root P-256 basicConstraints=critical,CA:TRUE
issue middle root 10 basicConstraints=critical,CA:TRUE
issue issued middle 10 "$leaf" extendedKeyUsage=codeSigning
issue expired middle -1 "$leaf"
rm "$image.seal"
"$AMBER" verity build --key=issued.key --cert=issued.crt --add-cert=middle.crt \
  --add-cert=issued.crt "$image" >/dev/null
"$AMBER" verity verify --require-signature --trust=root.crt "$image" | grep -q 'CN=issued' ||
  fail "the signer is not named"
expect_status 3 "$AMBER" verity verify --require-signature --trust=good.crt "$image"
rm "$image.seal"
"$AMBER" verity build --key=issued.key --cert=issued.crt --add-cert=issued.crt "$image" >/dev/null
expect_status 3 "$AMBER" verity verify --require-signature --trust=root.crt "$image"
rm "$image.seal"
"$AMBER" verity build --key=expired.key --cert=expired.crt --add-cert=middle.crt \
  --add-cert=expired.crt "$image" >/dev/null
expect_status 3 "$AMBER" verity verify --require-signature --trust=root.crt "$image"
"$AMBER" verity verify -q --require-signature --trust=expired.crt "$image"

note "keys"
openssl pkcs12 -export -in good.crt -inkey good.key -passout pass:secret -out good.p12
openssl pkey -in good.key -aes256 -passout pass:secret -out encrypted.key
echo secret >passphrase
echo wrong >wrong
for arguments in "--key=good.p12 --passphrase-file=passphrase" \
                 "--key=encrypted.key --cert=good.crt --passphrase-file=passphrase" \
                 "--key=file:$WORK/good.key --cert=good.crt"; do
  cp unsigned "$image.seal"
  # shellcheck disable=SC2086  # words
  "$AMBER" verity sign $arguments "$image"
  "$AMBER" verity verify -q --require-signature --trust=good.crt "$image"
done
for arguments in "--key=good.p12 --passphrase-file=wrong" "--key=good.p12" \
                 "--key=encrypted.key --cert=good.crt" "--key=none --cert=good.crt" \
                 "--key=good.key" "--key=good.key --cert=none" "--key=good.key --cert=rsa.crt" \
                 "--key=message --cert=good.crt" ""; do
  # shellcheck disable=SC2086
  expect_status 2 "$AMBER" verity sign $arguments "$image"
  [[ $(grep -c . err) == 1 ]] || fail "more than a line about: $arguments"
done
cat good.crt good.key >both.pem
"$AMBER" verity sign --key=both.pem "$image"
expect_status 5 "$AMBER" verity sign --key=server.key --cert=server.crt "$image"
grep -q SIG-5 err || fail "a signature that nobody accepts was made"

note "keys in a token"
need softhsm2-util
mkdir tokens
printf 'directories.tokendir = %s\nobjectstore.backend = file\n' "$WORK/tokens" >softhsm.conf
export SOFTHSM2_CONF=$WORK/softhsm.conf
# Where OpenSSL's provider looks, and its engine.
PKCS11_PROVIDER_MODULE=$(find /usr/lib -name libsofthsm2.so | head -n 1)
export PKCS11_PROVIDER_MODULE PKCS11_MODULE_PATH=$PKCS11_PROVIDER_MODULE
softhsm2-util --init-token --free --label amber --so-pin 123456 --pin 654321 >/dev/null
echo 654321 >pin
echo 111111 >wrong
number=0
for signer in good rsa; do
  openssl pkcs8 -topk8 -nocrypt -in "$signer.key" -out "$signer.pk8"
  softhsm2-util --import "$signer.pk8" --token amber --label "$signer" --id "0$((++number))" \
    --pin 654321 >/dev/null
  cp unsigned "$image.seal"
  "$AMBER" verity sign --key="pkcs11:token=amber;object=$signer;type=private" --cert="$signer.crt" \
    --passphrase-file=pin "$image"
  "$AMBER" verity verify -q --require-signature --trust="$signer.crt" "$image"
done
for arguments in "--key=pkcs11:token=amber;object=good;type=private --cert=good.crt --passphrase-file=wrong" \
                 "--key=pkcs11:token=amber;object=none;type=private --cert=good.crt --passphrase-file=pin" \
                 "--key=pkcs11:token=amber;object=good;type=private --cert=rsa.crt --passphrase-file=pin"; do
  # shellcheck disable=SC2086
  expect_status 2 "$AMBER" verity sign $arguments "$image"
  grep -qE "no private key can be read|not the certificate of this key" err ||
    fail "instead of what is wrong with $arguments: $(cat err)"
done

note "a seal of another image is not signed"
cp "$image" changed
cp "$image.seal" changed.seal
printf 'x' | dd of=changed bs=1 seek=50000 conv=notrunc status=none
expect_status 5 "$AMBER" verity sign --key=good.key --cert=good.crt changed
grep -q "of another image" err

note "choosing a seal"
cp "$image" both
"$AMBER" verity build --format=append both >/dev/null
echo nonsense >both.seal
"$AMBER" verity verify -q both                          # the appended one
expect_status 4 "$AMBER" verity verify --seal=both.seal both
head -c -1 both >"cut"                                  # the sidecar's turn, and no other try
echo nonsense >cut.seal
expect_status 4 "$AMBER" verity verify cut
rm cut.seal
expect_status 4 "$AMBER" verity verify cut
grep -q TRUST-6 err
cp "$image.seal" swapped.seal
"$AMBER" mkfs -q swapped "$SOURCE_DIR/scripts"
expect_status 4 "$AMBER" verity verify swapped
truncate -s "$(stat -c %s "$image")" swapped
expect_status 1 "$AMBER" verity verify swapped

note "statuses"
cp unsigned "$image.seal"
expect_status 0 "$AMBER" verity verify "$image"
expect_status 2 "$AMBER" verity verify --verity=none "$image"
expect_status 2 "$AMBER" verity verify --digest=abc "$image"
expect_status 2 "$AMBER" verity
expect_status 2 "$AMBER" verity nonsense
expect_status 3 "$AMBER" verity verify --digest="sha256:$(printf '0%.0s' {1..64})" "$image"
expect_status 5 "$AMBER" verity verify none
expect_status 5 "$AMBER" verity digest none
mkfifo fifo
expect_status 5 timeout 10 "$AMBER" verity digest fifo  # not the digest of an empty file
expect_status 5 timeout 10 "$AMBER" verity digest /dev/stdin </dev/null
equal "$("$AMBER" verity verify --json "$image" | jq -r .level)" integrity "level in JSON"
digest=$("$AMBER" verity show --json "$image" | jq -r .digest)
echo "$digest  $image" >digest.txt
equal "$("$AMBER" verity verify --json --digest-file=digest.txt "$image" | jq -r .level)" digest \
  "level with a digest from a file"

note "the environment names no module"
mkfifo openssl.cnf
OPENSSL_CONF=$WORK/openssl.cnf timeout 20 "$AMBER" verity verify -q "$image" ||
  fail "OPENSSL_CONF was opened"

note "an image that is sealed while the disk is full stays as it was"
if ((EUID == 0)); then
  mkdir full
  mount -t tmpfs -o size=188k tmpfs full
  head -c 184320 /dev/urandom >full/image
  sum=$(sha256sum <full/image)
  expect_status 5 "$AMBER" verity build --format=append full/image
  equal "$(sha256sum <full/image)" "$sum" "the image after a failure"
  umount full
fi

((EUID == 0)) || skip "the machine's policy needs root"

# --- the machine's anchors and policy ---
mkdir etc
mount -t tmpfs tmpfs etc
mkdir etc/upper etc/work
mount -t overlay overlay -o "lowerdir=/etc,upperdir=$WORK/etc/upper,workdir=$WORK/etc/work" /etc ||
  skip "no overlay on /etc"
rm -rf /etc/amberfs
mkdir -p /etc/amberfs/verity.d
machine() { # POLICY LINE...
  printf '%s\n' "$@" >/etc/amberfs/verity.conf
}
export HOME=$WORK/home XDG_CONFIG_HOME=
mkdir -p home/.config/amberfs/verity.d
"$AMBER" verity sign --key=good.key --cert=good.crt "$image"

note "the machine's anchors"
expect_status 3 "$AMBER" verity verify --require-signature "$image"
cp good.crt /etc/amberfs/verity.d/
"$AMBER" verity verify -q --require-signature "$image"
expect_status 3 "$AMBER" verity verify --require-signature --trust=rsa.crt "$image"
mv /etc/amberfs/verity.d/good.crt home/.config/amberfs/verity.d/
"$AMBER" verity verify -q --require-signature "$image"
machine 'user-anchors = no'
expect_status 3 "$AMBER" verity verify --require-signature "$image"
expect_status 2 "$AMBER" verity verify --require-signature --trust=good.crt "$image"
machine
chmod 0777 home/.config/amberfs/verity.d
expect_status 2 "$AMBER" verity verify --require-signature "$image"
chmod 0755 home/.config/amberfs/verity.d
ln -s "$WORK/rsa.crt" /etc/amberfs/verity.d/link.crt
expect_status 2 "$AMBER" verity verify --require-signature "$image"
rm /etc/amberfs/verity.d/link.crt
chown "$TEST_USER" /etc/amberfs/verity.d 2>/dev/null || chown 12345 /etc/amberfs/verity.d
expect_status 2 "$AMBER" verity verify --require-signature "$image"
chown 0 /etc/amberfs/verity.d

note "in a user namespace, where root's files belong to nobody"
cp good.crt /etc/amberfs/verity.d/
machine 'min-level = signature'
unshare --user --map-user=1000 "$AMBER" verity verify -q "$image" || fail "refused: root's certificates"
unshare --user --map-root-user "$AMBER" verity verify -q "$image"
expect_status 3 unshare --user --map-user=1000 "$AMBER" verity verify --trust=rsa.crt "$image"
chown 12345 /etc/amberfs/verity.conf
expect_status 2 "$AMBER" verity verify "$image"
grep -q "others can write" err || fail "a policy of somebody else: $(cat err)"
chown 0 /etc/amberfs/verity.conf
machine
rm /etc/amberfs/verity.d/good.crt

note "denied"
deny() { printf '%s\n' "# revoked" "$@" >/etc/amberfs/verity.d/deny; }
fingerprint=$(openssl x509 -in good.crt -outform DER | sha256sum | cut -d ' ' -f 1)
spki=$(openssl x509 -in good.crt -pubkey -noout | openssl pkey -pubin -outform DER | sha256sum |
         cut -d ' ' -f 1)
root=$("$AMBER" verity show --json "$image" | jq -r .root_hash)
for line in "cert:sha256:$fingerprint" "spki:sha256:$spki" "digest:sha256:${digest#*:}" \
            "root:sha256:$root"; do
  deny "$line"
  # Also for those who name their own anchors: a user can trust more, and not undo a revocation.
  expect_status 3 "$AMBER" verity verify --require-signature "$image"
  expect_status 3 "$AMBER" verity verify --require-signature --trust=good.crt "$image"
done
expect_status 3 "$AMBER" verity verify --digest="$digest" "$image"
expect_status 3 "$AMBER" verity verify "$image"
"$AMBER" verity build --format=dmverity -o tree "$image" >/dev/null
expect_status 3 "$AMBER" verity verify --root-hash="$root" --hash-file=tree \
  --data-size="$(stat -c %s "$image")" "$image"
grep -q TRUST-5 err || fail "a denied root hash: $(cat err)"
deny nonsense
expect_status 2 "$AMBER" verity verify "$image"
rm /etc/amberfs/verity.d/deny

note "the policy: raised, never lowered"
machine 'min-level = signature'
"$AMBER" verity verify -q --verity=integrity "$image"  # which is signed
rm home/.config/amberfs/verity.d/good.crt
expect_status 3 "$AMBER" verity verify "$image"
mkdir -p mnt
for option in --verity=none --verity=integrity "--digest=$digest"; do
  expect_status 32 "$AMBER" mount "$option" "$image" mnt
  expect_status 8 "$AMBER" fsck "$option" "$image"
done
expect_status 1 "$AMBER" mount --verity=ignore "$image" mnt
expect_status 16 "$AMBER" fsck --verity=ignore "$image"
expect_status 32 "$AMBER" mount swapped mnt
rm swapped.seal
expect_status 32 "$AMBER" mount swapped mnt
grep -q TRUST-6 err
machine 'algorithms = sha512'
expect_status 3 "$AMBER" verity verify "$image"
grep -q TRUST-4 err
"$AMBER" verity build --algorithm=sha512 --key=rsa.key --cert=rsa.crt "$image" >/dev/null
"$AMBER" verity verify -q --require-signature --trust=rsa.crt "$image"
machine 'min-rsa-bits = 3072'
expect_status 3 "$AMBER" verity verify --require-signature --trust=rsa.crt "$image"
grep -q SIG-5 err
machine 'min-level = everything'
expect_status 2 "$AMBER" verity verify "$image"
expect_status 16 "$AMBER" fsck "$image"
expect_status 1 "$AMBER" mount "$image" mnt
