#!/bin/bash
# What a mounted image does, call by call, and what "amber mount" and "amber umount" do with their
# options.
set -euo pipefail
# shellcheck source=tests/lib.sh
source "$(dirname "$0")/../lib.sh"
need_root
need_fuse
need getfattr setfattr mkfs.erofs

tree=$WORK/tree image=$WORK/image mnt=$WORK/mnt
mkdir -p "$tree/dir/deeper" "$mnt"
echo hello >"$tree/hello"
ln -s hello "$tree/link"
mkfifo "$tree/fifo"
setfattr -n user.colour -v amber "$tree/hello"
setfattr -n trusted.secret -v s "$tree/hello"
for ((i = 0; i < 300; ++i)); do echo "$i" >"$tree/dir/file-$i"; done
truncate -s 4M "$tree/sparse"
printf data | dd of="$tree/sparse" bs=1M seek=2 conv=notrunc status=none
"$AMBER" mkfs -q "$image" "$tree"
fuse_mount "$image" "$mnt"

note "statfs"
blocks=$(($(stat -c %s "$image") / 4096))
equal "$(stat -f -c '%s %b %f %a %l' "$mnt")" "4096 $blocks 0 0 255" "block size, blocks, free, free, name"
# The tree, and the fifo: every inode counts, the root too.
equal "$(stat -f -c %c "$mnt")" "$(find "$tree" | wc -l)" "inodes"
equal "$(findmnt -no FSTYPE "$mnt")" fuse.amberfs "type"
equal "$(findmnt -no SOURCE "$mnt")" "$image" "source"

note "holes"
equal "$("$TOOLS/extents" "$mnt/sparse" | tr '\n' ' ')" "data 2097152 2101248 size 4194304 " "extents"
equal "$("$TOOLS/extents" "$mnt/hello" | tr '\n' ' ')" "data 0 6 size 6 " "extents of a tail"
same "$tree/sparse" "$mnt/sparse" "a sparse file's content"

note "attributes"
equal "$(getfattr --absolute-names --only-values -n user.colour "$mnt/hello")" amber "user attribute"
equal "$(getfattr --absolute-names --only-values -n trusted.secret "$mnt/hello")" s "trusted attribute, for root"
equal "$(getfattr --absolute-names -m - "$mnt/hello" | sed 1d | sort | xargs)" "trusted.secret user.colour" "attribute list"
expect_error "No such attribute" getfattr -n user.none "$mnt/hello"
# ENODATA, where EOPNOTSUPP would make the kernel's permission check fail.
expect_error "No such attribute" getfattr -n system.posix_acl_access "$mnt/hello"

note "nothing can be written"
read_only() { expect_error "Read-only file system" "$@"; }
read_only touch "$mnt/new"
read_only mkdir "$mnt/new"
read_only ln -s x "$mnt/new"
read_only ln "$mnt/hello" "$mnt/new"
read_only mknod "$mnt/new" p
read_only mv "$mnt/hello" "$mnt/new"
read_only rm "$mnt/hello"
read_only rmdir "$mnt/dir/deeper"
read_only chmod 0600 "$mnt/hello"
read_only chown 1 "$mnt/hello"
read_only touch -d @1 "$mnt/hello"
read_only truncate -s 0 "$mnt/hello"
read_only setfattr -n user.new -v x "$mnt/hello"
read_only setfattr -x user.colour "$mnt/hello"
# shellcheck disable=SC2016
read_only bash -c 'echo x >>"$0"' "$mnt/hello"

note "names that are absent, too long, or below what is no directory"
expect_error "No such file" stat "$mnt/none"
expect_error "File name too long" stat "$mnt/$(printf 'n%.0s' {1..256})"
expect_error "Not a directory" stat "$mnt/hello/x"
equal "$(readlink "$mnt/link")" hello "link"
equal "$(cat "$mnt/link")" hello "content behind the link"
equal "$(stat -c %F "$mnt/fifo")" fifo "fifo"

note "umount says who keeps it busy"
exec {busy}<"$mnt/hello"
expect_status 32 "$AMBER" umount "$mnt"
grep -q "busy.*$$ (" "$WORK/err" || { cat "$WORK/err" >&2; fail "the message does not name process $$"; }
note "... and umount --lazy lets it finish"
"$AMBER" umount --lazy "$mnt"
not_mounted "$mnt" || fail "still mounted"
equal "$(cat <&"$busy")" hello "reading an open file after a lazy umount"
exec {busy}<&-
expect_status 32 "$AMBER" umount "$mnt"
grep -q "nothing is mounted here" "$WORK/err" || fail "umount of nothing: $(cat "$WORK/err")"
mount -t tmpfs none "$mnt"
expect_status 32 "$AMBER" umount "$mnt"
grep -q "tmpfs" "$WORK/err" || fail "umount of a tmpfs: $(cat "$WORK/err")"
umount "$mnt"

note "-f stays in the foreground; a signal ends it and unmounts"
for signal in TERM INT; do
  # A shell's background job ignores SIGINT otherwise.
  env --default-signal=INT "$AMBER" mount -f "$image" "$mnt" &
  server=$!
  processes+=("$server")
  wait_for 10 mounted "$mnt"
  equal "$(cat "$mnt/hello")" hello "content"
  kill "-$signal" "$server"
  status=0
  wait "$server" || status=$?
  equal "$status" 0 "status after SIG$signal"
  not_mounted "$mnt" || fail "still mounted after SIG$signal"
done
"$AMBER" mount -f "$image" "$mnt" &
server=$!
wait_for 10 mounted "$mnt"
umount "$mnt"
wait "$server" || fail "status $? after umount"

note "-d shows every request: no OPEN, no RELEASE, and no name is looked up twice"
"$AMBER" mount -d "$image" "$mnt" >"$WORK/log" 2>&1 &
server=$!
wait_for 10 mounted "$mnt"
requests() { grep -c "opcode: $1 " "$WORK/log" || true; }
look_around() {
  ls -lR "$mnt" >/dev/null
  stat "$mnt/none" "$mnt/dir/none" >/dev/null 2>&1 || true
  find "$mnt" -type f -exec cat {} + >/dev/null
  find "$mnt" -type l -exec readlink {} + >/dev/null
}
look_around
lookups=$(requests LOOKUP) reads=$(requests READ) attributes=$(requests GETATTR)
links=$(requests READLINK) lists=$(($(requests READDIR) + $(requests READDIRPLUS)))
((reads > 0 && lists > 0)) || { cat "$WORK/log"; fail "the log shows no requests"; }
look_around
look_around
equal "$(requests LOOKUP)" "$lookups" "lookups after two more rounds"
equal "$(requests READ)" "$reads" "reads after two more rounds"
equal "$(requests GETATTR)" "$attributes" "getattrs after two more rounds"
equal "$(requests READLINK)" "$links" "readlinks after two more rounds"
note "first round: $lookups lookups, $reads reads, $attributes getattrs, $lists lists;" \
  "after three: $(($(requests READDIR) + $(requests READDIRPLUS))) lists"
# The first is answered with ENOSYS, which means: never ask again.
(($(requests OPEN) <= 1)) || fail "$(requests OPEN) OPEN requests"
(($(requests OPENDIR) <= 1)) || fail "$(requests OPENDIR) OPENDIR requests"
(($(requests FLUSH) <= 1)) || fail "$(requests FLUSH) FLUSH requests"
equal "$(requests RELEASE) $(requests RELEASEDIR)" "0 0" "RELEASE, RELEASEDIR"
umount "$mnt"
wait "$server" || fail "status $? after -d"

note "--offset: an image inside another file"
for offset in 4096 1M 1234; do
  bytes=${offset/M/*1048576}
  dd if="$image" of="$WORK/shifted" bs=64K oflag=seek_bytes seek=$((bytes)) status=none
  fuse_mount "$WORK/shifted" "$mnt" "--offset=$offset"
  equal "$(cat "$mnt/hello")" hello "content at offset $offset"
  same "$tree/sparse" "$mnt/sparse" "content at offset $offset"
  "$AMBER" umount "$mnt"
  rm "$WORK/shifted"
done
fuse_mount "$image" "$mnt" -o offset=0
"$AMBER" umount "$mnt"
expect_status 32 "$AMBER" mount --offset=1K "$image" "$mnt"
expect_status 32 "$AMBER" mount --offset=1T "$image" "$mnt"
expect_status 1 "$AMBER" mount --offset=many "$image" "$mnt"

note "--device and -o device=: blobs beside the image"
mkfs.erofs --quiet --chunksize=4096 --blobdev="$WORK/blob" "$WORK/with-blob" "$tree" >/dev/null
for arguments in "--device=$WORK/blob" "-odevice=$WORK/blob"; do
  fuse_mount "$WORK/with-blob" "$mnt" "$arguments"
  same "$tree/sparse" "$mnt/sparse" "content from a blob"
  equal "$(cat "$mnt/dir/file-7")" 7 "content from a blob"
  "$AMBER" umount "$mnt"
done
expect_status 32 "$AMBER" mount --device="$WORK/blob" --device="$WORK/blob" "$WORK/with-blob" "$mnt"
# Without the blob there are names and attributes, but never a wrong byte.
fuse_mount "$WORK/with-blob" "$mnt"
equal "$(stat -c %s "$mnt/dir/file-7")" 2 "size without the blob"
expect_status 1 cat "$mnt/dir/file-7"
[[ ! -s $WORK/out ]] || fail "data came from a missing blob"
grep -q "No such device" "$WORK/err" || fail "$(cat "$WORK/err")"
"$AMBER" umount "$mnt"
expect_status 32 "$AMBER" mount --device="$WORK/none" "$WORK/with-blob" "$mnt"

note "a block device as image"
loop=$(losetup --find --show --read-only "$image")
fuse_mount "$loop" "$mnt"
equal "$(cat "$mnt/hello")" hello "content"
"$AMBER" umount "$mnt"
losetup -d "$loop"

note "-o reaches FUSE and the kernel"
fuse_mount "$image" "$mnt" -o noexec,noatime,ro,nofail,x-systemd.automount
findmnt -no OPTIONS "$mnt" | grep -q noexec || fail "no noexec in $(findmnt -no OPTIONS "$mnt")"
"$AMBER" umount "$mnt"
fuse_mount "$image" "$mnt" -o allow_other
equal "$(setpriv --reuid 65534 --clear-groups cat "$mnt/hello")" hello "another user's read"
# trusted.* stays root's.
equal "$(setpriv --reuid 65534 --clear-groups getfattr --absolute-names -m - "$mnt/hello" | sed 1d | xargs)" user.colour \
  "another user's list of attributes"
"$AMBER" umount "$mnt"
expect_status 1 "$AMBER" mount -o no_such_option "$image" "$mnt"

note "what cannot be mounted, and the statuses"
not_mounted "$mnt" || fail "something is mounted"
expect_status 1 "$AMBER" mount
expect_status 1 "$AMBER" mount --no-such-option "$image" "$mnt"
expect_status 32 "$AMBER" mount "$WORK/none" "$mnt"
expect_status 32 "$AMBER" mount "$image" "$WORK/none"
expect_status 32 "$AMBER" mount "$image" "$tree/hello"
expect_status 32 "$AMBER" mount "$tree/sparse" "$mnt"
expect_status 32 "$AMBER" mount /dev/null "$mnt"
expect_status 32 "$AMBER" mount "$tree" "$mnt"
expect_status 0 "$AMBER" mount --help

note "mount(8) finds it by the name mount.amber; -f means fake there"
ln -s "$AMBER" "$WORK/mount.amber"
"$WORK/mount.amber" "$image" "$mnt" -f -o ro,user,_netdev
not_mounted "$mnt" || fail "a fake mount mounted"
"$WORK/mount.amber" "$image" "$mnt" -n -o rw,nodev,nosuid
equal "$(cat "$mnt/hello")" hello "content"
umount "$mnt"

note "a working directory that goes away does not matter"
(cd "$WORK" && "$AMBER" mount image mnt)
equal "$(cat "$mnt/hello")" hello "content"
(cd "$WORK" && "$AMBER" umount mnt/)
not_mounted "$mnt" || fail "still mounted"
