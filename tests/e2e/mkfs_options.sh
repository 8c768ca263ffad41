#!/bin/bash
# Each option of "amber mkfs" does what its manual page says, seen through a mount.
set -euo pipefail
# shellcheck source=tests/lib.sh
source "$(dirname "$0")/../lib.sh"
need_root
need_fuse
need jq setfattr getfattr
unset SOURCE_DATE_EPOCH

tree=$WORK/tree image=$WORK/image mnt=$WORK/mnt
mkdir -p "$tree/dir/sub" "$tree/other" "$mnt"
echo one >"$tree/one"
ln "$tree/one" "$tree/dir/one-too"
echo two >"$tree/dir/two.txt"
echo three >"$tree/dir/sub/three.txt"
echo four >"$tree/other/four"
head -c 5000 /dev/urandom >"$tree/tail"
chown 1000:2000 "$tree/one"
for ((i = 0; i < 4; ++i)); do
  echo "$i" >"$tree/other/shared-$i"
  setfattr -n user.shared -v "a value that four files have" "$tree/other/shared-$i"
done
find "$tree" -exec touch -h -d @1500000000.5 {} +
touch -d @1000000000.25 "$tree/one"

# with OPTIONS...: makes and mounts an image. What --json said is in $summary.
with() {
  if mounted "$mnt"; then "$AMBER" umount "$mnt"; fi
  note "mkfs $*"
  summary=$("$AMBER" mkfs --json "$@" "$image" "$tree")
  if fsck_works; then expect_status 0 "$AMBER" fsck "$image"; fi
  fuse_mount "$image" "$mnt"
}
field() { jq -r ".$1" <<<"$summary"; }
of() { stat -c "$1" "$mnt/$2"; }
super() { od -An -v -t "${3:-u1}" -j $((1024 + $1)) -N "$2" "$image" | tr -d ' \n'; }
times() { find "$mnt" -printf '%T@\n' | sort -u | xargs; }

with
equal "$(of %u:%g one) $(of %.Y one)" "1000:2000 1000000000.250000000" "owner and time"
equal "$(of %h one) $(of %i one)" "2 $(of %i dir/one-too)" "hard link"
equal "$(field image) $(field source)" "$image $tree" "names"
equal "$(field image_bytes) $(field block_bytes)" "$(stat -c %s "$image") 4096" "sizes"
equal "$(field inodes)" "$(find "$tree" -printf '%i\n' | sort -u | wc -l)" "inodes"
equal "$(field directories) $(field symlinks) $(field special_files) $(field hard_links)" "4 0 0 1" "counts"
equal "$(field files)" 9 "files"
equal "$(field shared_xattrs)" 1 "shared attributes"
equal "$(field source_bytes)" $((4 + 4 + 6 + 5 + 5000 + 4 * 2)) "bytes in files"
equal "$(field epoch)" 1500000000 "the most common time"
equal "$(super 12 1)" 12 "block bits"
# Version 8: made from the contents.
equal "$(field uuid | cut -c 15)" 8 "version of the UUID"
default_bytes=$(field image_bytes) default_uuid=$(field uuid) default_inline=$(field inline_bytes)

for bits in 9 10 11 13 16; do
  with -b $((1 << bits))
  equal "$(super 12 1) $(field block_bytes)" "$bits $((1 << bits))" "block bits"
  same "$tree/tail" "$mnt/tail" "content"
done

with -L my-volume
equal "$(super 64 16 c | tr -d '\\0')" my-volume "volume name"
with --label fifteen--bytes.
equal "$(super 64 16 c | sed 's/\\0//g')" fifteen--bytes. "volume name"

with -U 01234567-89ab-cdef-0123-456789abcdef
equal "$(super 48 16 x1)" 0123456789abcdef0123456789abcdef "UUID"
equal "$(field uuid)" 01234567-89ab-cdef-0123-456789abcdef "UUID"
with --uuid clear
equal "$(super 48 16 x1)" 00000000000000000000000000000000 "UUID"
with -U random
random=$(field uuid)
with -U random
[[ $(field uuid) != "$random" && $random != "$default_uuid" ]] || fail "random UUIDs are equal"

with -T 1234567890
equal "$(times)" 1234567890.0000000000 "times"
with -T -5
equal "$(times)" -5.0000000000 "times"
equal "$(field epoch)" -5 "epoch"
with -T 1234567890 --preserve-mtime
equal "$(of %.Y one) $(field epoch)" "1000000000.250000000 1234567890" "time and epoch"
with --ignore-mtime
equal "$(times)" 0.0000000000 "times"
(($(field image_bytes) <= default_bytes)) || fail "compact inodes made the image larger"
with --ignore-mtime -T 77
equal "$(times)" 77.0000000000 "times"
export SOURCE_DATE_EPOCH=1200000000
with
equal "$(of %.Y one) $(of %.Y tail)" "1000000000.250000000 1200000000.000000000" "SOURCE_DATE_EPOCH clamps"
equal "$(field epoch)" 1200000000 "epoch"
with -T 5
equal "$(times)" 5.0000000000 "-T before SOURCE_DATE_EPOCH"
unset SOURCE_DATE_EPOCH

with --all-root
equal "$(find "$mnt" -printf '%U:%G\n' | sort -u)" 0:0 "owners"
with --force-uid 7 --force-gid=8
equal "$(find "$mnt" -printf '%U:%G\n' | sort -u)" 7:8 "owners"
with --uid-offset 100000 --gid-offset=-2000 --force-gid 3
equal "$(of %u:%g one) $(of %u:%g tail)" "101000:3 100000:3" "owners"
with --gid-offset=5
equal "$(of %u:%g one)" 1000:2005 "owner"

with --exclude-path dir/sub --exclude-path=one
equal "$(cd "$mnt" && find . | sort | xargs)" \
  ". ./dir ./dir/one-too ./dir/two.txt ./other ./other/four ./other/shared-0 ./other/shared-1 ./other/shared-2 ./other/shared-3 ./tail" "tree"
equal "$(of %h dir/one-too)" 1 "links when a name is left out"
with --exclude-regex '\.txt$' --exclude-regex '^other'
equal "$(cd "$mnt" && find . | sort | xargs)" ". ./dir ./dir/one-too ./dir/sub ./one ./tail" "tree"

with -x -1
equal "$(getfattr -d "$mnt/other/shared-0" 2>/dev/null)" "" "attributes"
with -x 4
equal "$(field shared_xattrs)" 0 "shared attributes"
with -x 3
equal "$(field shared_xattrs)" 1 "shared attributes"
equal "$(getfattr --absolute-names --only-values -n user.shared "$mnt/other/shared-3")" \
  "a value that four files have" "a shared attribute"

with --hard-dereference
equal "$(of %h one) $(of %h dir/one-too) $(field hard_links)" "1 1 0" "links"
[[ $(of %i one) != "$(of %i dir/one-too)" ]] || fail "still one inode"
with --ignore-vanished

with -E noinline_data
equal "$(field inline_bytes | sed 's/^0$/none/')" none "bytes behind inodes"
((default_inline > 0)) || fail "no inline data by default"
with -E force-inode-extended
((($(od -An -t u2 -j $(($(super 40 4 u4) * 4096 + $(of %i one) * 32)) -N 2 "$image") & 1) == 1)) ||
  fail "one is no extended inode"
with -E force-inode-compact,noinline_data
((($(od -An -t u2 -j $(($(super 40 4 u4) * 4096 + $(of %i one) * 32)) -N 2 "$image") & 1) == 0)) ||
  fail "one is no compact inode"
equal "$(times)" 0.0000000000 "force-inode-compact implies --ignore-mtime"
"$AMBER" umount "$mnt"

note "output"
expect_status 0 "$AMBER" mkfs "$image" "$tree"
equal "$(wc -l <"$WORK/out")" 1 "lines without options"
expect_status 0 "$AMBER" mkfs -q "$image" "$tree"
[[ ! -s $WORK/out && ! -s $WORK/err ]] || fail "-q says something"
expect_status 0 "$AMBER" mkfs --version
expect_status 0 "$AMBER" mkfs --help
