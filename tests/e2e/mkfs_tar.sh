#!/bin/bash
# Images made of tar archives: those of the trees that the archives are made of, byte for byte; what
# archives alone can say; and archives that mean harm.
set -euo pipefail
# shellcheck source=tests/lib.sh
source "$(dirname "$0")/../lib.sh"
need_root
need_fuse
need tar bsdtar zstd xz bzip2 gzip setfattr setfacl
unset SOURCE_DATE_EPOCH

image=$WORK/image mnt=$WORK/mnt
mkdir "$mnt"

# --- what tar makes of a tree ---

tree=$WORK/tree
"$TOOLS/odd_tree" --small --tame "$tree"
# What tar leaves out, or does not know for hard links. libarchive loses the sign of times within the
# second before 1970.
find "$tree" -type s -delete
find "$tree" ! -type d ! -type f -links +1 -delete
find "$tree" -depth -newermt @-1 ! -newermt @0 -exec touch -h -d @-2.75 {} +
"$AMBER" mkfs -q "$WORK/directory" "$tree"

same_image() { # WHAT SOURCE [OPTION...]
  note "$1"
  "$AMBER" mkfs -q "${@:3}" "$image" "$2"
  cmp "$image" "$WORK/directory" || fail "$1: another image than the directory's"
}
gnu_tar() { tar -C "$tree" --numeric-owner --xattrs --xattrs-include='*' -cf "$WORK/tar" "$@" . 2>"$WORK/tar.err"; }
gnu_tar --format=pax
same_image "tar --format=pax" "$WORK/tar"
gnu_tar --format=pax --sparse
same_image "tar --format=pax --sparse" "$WORK/tar"
for version in 0.0 0.1; do
  gnu_tar --format=pax --sparse --sparse-version=$version
  same_image "sparse format $version" "$WORK/tar"
done
gnu_tar --format=pax --sort=inode
same_image "another order" "$WORK/tar"
for how in gzip zstd xz bzip2; do
  $how -c "$WORK/tar" >"$WORK/tar.$how"
  same_image "$how" "$WORK/tar.$how"
done
note "standard input"
"$AMBER" mkfs -q --tar=f "$image" <"$WORK/tar.gzip"
cmp "$image" "$WORK/directory" || fail "standard input: another image than the directory's"
# shellcheck disable=SC2002  # a pipe is meant
cat "$WORK/tar" | "$AMBER" mkfs -q "$image" -
cmp "$image" "$WORK/directory" || fail "a pipe: another image than the directory's"

note "compressed images of both"
"$AMBER" mkfs -q -z zstd,3 -E ztailpacking --file-digests "$WORK/directory" "$tree"
same_image "with -z zstd" "$WORK/tar" -z zstd,3 -E ztailpacking --file-digests
"$AMBER" mkfs -q --hard-dereference --exclude-path links-a --exclude-regex 'sizes/noise' "$WORK/directory" "$tree"
same_image "with --exclude and --hard-dereference" "$WORK/tar" --hard-dereference --exclude-path links-a \
  --exclude-regex 'sizes/noise'
rm -rf "$tree" "$WORK"/tar*

# Older formats know neither attributes nor parts of seconds nor long names.
mkdir -p "$tree/dir/sub" "$tree/empty"
echo text >"$tree/dir/file"
ln "$tree/dir/file" "$tree/dir/sub/link"
ln -s ../dir/file "$tree/empty/symlink"
mkfifo "$tree/fifo"
mknod "$tree/device" b 8 300
head -c 70000 /dev/urandom >"$tree/noise"
chown -R 1000:50 "$tree/dir"
chmod 4755 "$tree/noise"
find "$tree" -depth -exec touch -h -d @1500000000 {} +
"$AMBER" mkfs -q "$WORK/directory" "$tree"
for format in v7 oldgnu gnu ustar; do
  [[ $format != v7 ]] || { mkdir "$WORK/aside" && mv "$tree/fifo" "$tree/device" "$WORK/aside"; touch -d @1500000000 "$tree"; "$AMBER" mkfs -q "$WORK/directory" "$tree"; }
  tar -C "$tree" --numeric-owner --format=$format -cf "$WORK/tar" .
  same_image "tar --format=$format" "$WORK/tar"
  [[ $format != v7 ]] || { mv "$WORK"/aside/* "$tree"; touch -d @1500000000 "$tree"; "$AMBER" mkfs -q "$WORK/directory" "$tree"; }
done
setfacl -m u:12345:rx,g:54321:rwx,m:rx "$tree/dir/file"
setfacl -d -m u:12345:rwx "$tree/empty"
setfattr -n user.name -v value "$tree/noise"
find "$tree" -depth -exec touch -h -d @1500000000.25 {} +
"$AMBER" mkfs -q "$WORK/directory" "$tree"
bsdtar -C "$tree" --format=pax --numeric-owner -cf "$WORK/tar" .
same_image "bsdtar, with ACLs" "$WORK/tar"
tar -C "$tree" --numeric-owner --format=pax --acls --xattrs -cf "$WORK/tar" .
same_image "tar --acls" "$WORK/tar"

# --- what only an archive can say ---

member() { "$TOOLS/tar_member" "$@"; }
end() { head -c 1024 /dev/zero; }
of() { stat -c "$1" "$mnt/$2"; }
# from [OPTION...] <ARCHIVE: mounts its image.
from() {
  if mounted "$mnt"; then "$AMBER" umount "$mnt"; fi
  "$AMBER" mkfs -q "$@" "$image" -
  expect_status 0 "$AMBER" fsck --strict "$image"
  fuse_mount "$image" "$mnt"
}

note "names in all forms, parents that are missing, no root, a root"
{
  echo one | member /absolute 0
  echo two | member .//a/./b//c 0 uid=7
  member d/ 5 mode=700
  end
} | from
equal "$(cd "$mnt" && find . | sort | xargs)" ". ./a ./a/b ./a/b/c ./absolute ./d" "names"
equal "$(cat "$mnt/absolute" "$mnt/a/b/c" | xargs)" "one two" "contents"
equal "$(of %a:%u:%g:%Y a) $(of %a:%Y .) $(of %a d)" "755:0:0:0 755:0 700" "attributes"
{ member ./ 5 mode=1777 uid=5 mtime=77; end; } | from
equal "$(of %a:%u:%Y .)" "1777:5:77" "the root's attributes"
end | from
equal "$(find "$mnt" | wc -l)" 1 "names in an archive of nothing"

note "what comes later replaces"
{
  echo old | member file 0
  member file 1 link=other
  echo new | member file 0 mode=600
  echo other | member other 0
  member dir/ 5
  echo x | member dir/inside 0
  echo now-a-file | member dir 0
  echo a-file | member will-be-dir 0
  member will-be-dir/ 5
  echo y | member will-be-dir/y 0
  member kept/ 5 mode=700
  echo z | member kept/z 0
  member kept/ 5 mode=711
  echo linked | member a 0
  member b 1 link=a
  echo replaced | member a 0
  end
} | from
equal "$(cat "$mnt/file") $(of %a file) $(cat "$mnt/dir") $(cat "$mnt/will-be-dir/y")" "new 600 now-a-file y" "the last"
equal "$(cat "$mnt/kept/z") $(of %a kept)" "z 711" "a directory keeps what is in it"
equal "$(cat "$mnt/a" "$mnt/b" | xargs) $(of %h b)" "replaced linked 1" "another name keeps the file"

note "hard links before their target, in chains"
{
  member c 1 link=b
  member b 1 link=./a
  member d 1 link=/c
  echo content | member a 0
  end
} | from
equal "$(of %h d) $(cat "$mnt/d")" "4 content" "hard links"
[[ $(of %i a) == "$(of %i d)" ]] || fail "not one file"

note "numbers in base 256, times before 1970"
{ : | member big 0 uid=4294967294 gid=3000000000 mtime=18446744073709551516; end; } | from
equal "$(of %u:%g:%Y big)" "4294967294:3000000000:-100" "numbers"

note "whiteouts"
layer() {
  member dir/ 5
  : | member dir/.wh.gone 0 uid=3
  : | member opaque/.wh..wh..opq 0
  member opaque/ 5
  echo 1 | member opaque/file 0
  : | member .wh.replaced 0
  member replaced/ 5
  : | member .wh..wh.plnk 0
  end
}
opaque() { getfattr --absolute-names --only-values -n "$1.overlay.opaque" "$mnt/opaque" 2>/dev/null || echo none; }
need getfattr
layer | from
equal "$(cd "$mnt" && find . -name '.wh.*' | wc -l)" 4 "files of these names"
layer | from --aufs
equal "$(of '%F %t:%T %u' dir/gone)" "character special file 0:0 3" "a whiteout"
equal "$(opaque trusted) $(opaque user)" "y none" "an opaque directory"
equal "$(of %F replaced)" "directory" "gone, and there again"
equal "$(cd "$mnt" && find . | sort | xargs)" ". ./dir ./dir/gone ./opaque ./opaque/file ./replaced" "names"
layer | from --whiteout=user
equal "$(opaque trusted) $(opaque user)" "none y" "an opaque directory"
layer | from --whiteout both
equal "$(opaque trusted) $(opaque user)" "y y" "an opaque directory"

note "as a lower layer of overlayfs"
mkdir -p "$WORK/lower/dir" "$WORK/lower/opaque" "$WORK/lower/replaced" "$WORK/merged"
touch "$WORK"/lower/dir/{gone,stays} "$WORK/lower/opaque/hidden" "$WORK/lower/replaced/hidden"
layer | from --aufs
mount -t overlay -o "ro,lowerdir=$mnt:$WORK/lower" overlay "$WORK/merged"
equal "$(cd "$WORK/merged" && find . | sort | xargs)" ". ./dir ./dir/stays ./opaque ./opaque/file ./replaced" "the merged tree"
umount "$WORK/merged"
"$AMBER" umount "$mnt"

# --- what is refused ---

# refused "MESSAGE" [OPTION...] <ARCHIVE: quickly, in little memory, in one line, with nothing left over.
refused() {
  local wanted=$1 status=0
  shift
  rm -f "$image"
  cat >"$WORK/hostile"
  # A sanitizer needs terabytes of addresses.
  local limit=(prlimit --as=700000000)
  [[ ! $(nm -D "$AMBER" 2>/dev/null) == *__asan* ]] || limit=()
  timeout 20 "${limit[@]}" "$AMBER" mkfs "$@" "$image" "$WORK/hostile" >"$WORK/out" 2>"$WORK/err" || status=$?
  equal "$status" 1 "status for an archive with: $wanted"
  grep -qF -- "$wanted" "$WORK/err" || { cat "$WORK/err" >&2; fail "no '$wanted'"; }
  equal "$(wc -l <"$WORK/err")" 1 "lines about: $wanted"
  [[ ! -e $image ]] || fail "there is an image nevertheless"
}
note "what is refused"
{ : | member ../escape 0; end; } | refused "hostile: ../escape: a path with '..' in it"
{ : | member a/../../b 0; end; } | refused "a path with '..' in it"
{ member a 1 link=../../etc/passwd; end; } | refused "a hard link to a path with '..' in it"
{ member a 1 link=b; end; } | refused "a: a hard link to 'b', which is not there"
{ member a 1 link=b; member b 1 link=c; member c 1 link=a; end; } | refused "a hard link to itself"
{ member a 1 link=a; end; } | refused "a hard link to itself"
{ member d/ 5; member a 1 link=d; end; } | refused "a: a hard link to a directory"
{ : | member f 0; : | member f/below 0; end; } | refused "f/below: is below something that is no directory"
{ member l 2 link=/etc; : | member l/passwd 0; end; } | refused "l/passwd: is below something that is no directory"
{ : | member . 0; end; } | refused "the top is no directory"
{ member dev 3 major=4096; end; } | refused "dev: device number is too large"
{ member link 2; end; } | refused "link: link target is not 1 to 4095 bytes long"
{ : | member f 0 uid=4294967296; end; } | refused "f: an owner that no 32 bits hold"
{ : | member .wh. 0; end; } | refused "a whiteout of no name" --aufs
{ echo x | member f 0 checksum=1; end; } | refused "hostile: not a tar archive that can be read"
echo "no archive at all, but text" | refused "not a tar archive that can be read"
: | refused "not a tar archive that can be read"
{ end; end; head -c 2000000 /dev/zero; echo x; } | refused "not a tar archive that can be read: it begins with zeros"
refused "not a tar archive that can be read: it begins with zeros" <"$WORK/directory"
echo x | member f 0 size=8000000000 | refused "f: not a tar archive that can be read"
echo x | member f 0 size=9223372036854775807 | refused "not a tar archive that can be read"
head -c 3000 /dev/zero | member f 0 | head -c 2000 | refused "f: not a tar archive that can be read"

note "sparse maps that lie"
sparse() { # MAP SIZE: in GNU's pax format 1.0, of an archive that has 512 bytes of data
  local record="GNU.sparse.realsize=$2"
  { printf '22 GNU.sparse.major=1\n22 GNU.sparse.minor=0\n'; printf '%d %s\n' $((${#record} + 4)) "$record"; } |
    member x x
  { printf %b "$1"; head -c 512 /dev/zero; } | dd bs=512 conv=sync status=none | member f 0
  end
}
for map in '1\n999999999999\n5\n' '2\n100\n10\n50\n10\n'; do
  sparse "$map" 1000 | refused "f: data that does not fit into the size"
done
for map in '9999999999\n0\n1\n' '1\n-5\n5\n' 'x\n'; do
  sparse "$map" 1000 | refused "f: not a tar archive that can be read"
done
# Of data that is not there, libarchive says nothing: it is zeros.
sparse '1\n0\n99999999999\n' 1000 | from
equal "$(of %s f) $(tr -d '\0' <"$mnt/f" | wc -c)" "1000 0" "a file with less data than its map has"
"$AMBER" umount "$mnt"

note "headers that never end"
{ printf '25 path=%s\n' "$(printf 'x%.0s' {1..15})" | member x x size=9000000000; } | refused "not a tar archive that can be read"
{ head -c 300000000 /dev/zero | member x x; end; } | zstd -q | refused "not a tar archive that can be read"

note "10 000 directories deep"
path=$(printf 'd/%.0s' {1..10000})file
record=" path=$path"
length=$((${#record} + 1 + 5))
{
  printf '%d%s\n' "$length" "$record" | member x x
  echo deep | member f 0
  end
} >"$WORK/deep"
"$AMBER" mkfs -q "$image" "$WORK/deep"
equal "$("$AMBER" cat "$image" "$path")" deep "the file at the bottom"
expect_status 0 "$AMBER" fsck "$image"

note "a disk that is full, a signal"
mkdir "$WORK/full"
mount -t tmpfs -o size=4m tmpfs "$WORK/full"
{ head -c 9000000 /dev/urandom | member f 0; end; } >"$WORK/large"
expect_error "No space left on device" "$AMBER" mkfs "$WORK/full/image" "$WORK/large"
equal "$(find "$WORK/full" -type f | wc -l)" 0 "files left over"
mkfifo "$WORK/fifo"
"$AMBER" mkfs -q "$WORK/interrupted" - <"$WORK/fifo" 2>"$WORK/err" &
maker=$!
processes+=("$maker")
exec {writer}>"$WORK/fifo"
head -c 100000 "$WORK/large" >&"$writer"
sleep 0.5
kill -TERM "$maker"
status=0
wait "$maker" || status=$?
exec {writer}>&-
equal "$status $(grep -c interrupted "$WORK/err")" "143 1" "what a signal does"
[[ ! -e $WORK/interrupted ]] || fail "there is an image nevertheless"
