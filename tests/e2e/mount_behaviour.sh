#!/bin/bash
# What a mount looks like to programs and to those who administer it.
set -euo pipefail
# shellcheck source=tests/lib.sh
source "$(dirname "$0")/../lib.sh"
need_fuse
need_root

mnt=$WORK/mnt
image=$WORK/image
mkdir "$mnt"
"$TOOLS/odd_tree" --small "$WORK/tree"
"$AMBER" mkfs -q "$image" "$WORK/tree"

# The options of the mount at $mnt: its own and those of the file system, and its type and source.
mount_line() { awk -v at="$mnt" '$5 == at' /proc/self/mountinfo; }

note "in the mount table"
fuse_mount "$image" "$mnt"
line=$(mount_line)
[[ $line == *" - fuse.amberfs $image ro,"* ]] || fail "type, source or ro: $line"
[[ $line == *nosuid* && $line == *nodev* ]] || fail "without nosuid, nodev: $line"

note "statfs"
equal "$(stat -f -c '%S %a %f %d %l' "$mnt")" "4096 0 0 0 255" \
  "block size, blocks available and free, inodes free, longest name"
equal "$(stat -f -c %b "$mnt")" $(($(stat -c %s "$image") / 4096)) "blocks"
equal "$(stat -f -c %c "$mnt")" "$(find "$WORK/tree" -printf '%i\n' | sort -u | wc -l)" "inodes"

note "holes"
"$TOOLS/holes" "$mnt" >"$WORK/holes"
cat "$WORK/holes"
"$TOOLS/holes" "$WORK/tree" >/dev/null
read -r _ _ _ _ bytes _ <"$WORK/holes"
((bytes > 8 << 30)) || fail "only $bytes bytes are in holes: the tree has more than 8 GiB of them"

note "extended attributes"
get() { getfattr --absolute-names --only-values -n "$1" "$2"; }
equal "$(get user.plain "$mnt/xattrs/user")" value "an attribute"
expect_error "No such attribute" get user.absent "$mnt/xattrs/user"
expect_error "No such attribute" get user.absent "$mnt/sizes/noise-1"
equal "$(get trusted.secret "$mnt/xattrs/trusted")" "only for root" "trusted.*, for root"

# ENODATA: with EOPNOTSUPP the kernel's own permission check would fail.
expect_error "No such attribute" get system.posix_acl_access "$mnt/sizes/noise-1"

note "names that are absent, too long, or below what is no directory"
expect_error "No such file" stat "$mnt/none"
expect_error "File name too long" stat "$mnt/$(printf 'n%.0s' {1..256})"
expect_error "Not a directory" stat "$mnt/sizes/noise-1/x"

note "writing"
read_only="Read-only file system"
expect_error "$read_only" touch "$mnt/new"
expect_error "$read_only" mkdir "$mnt/new"
expect_error "$read_only" ln -s x "$mnt/new"
expect_error "$read_only" ln "$mnt/sizes/noise-1" "$mnt/new"
expect_error "$read_only" mkfifo "$mnt/new"
expect_error "$read_only" rm -f "$mnt/sizes/noise-1"
expect_error "$read_only" rmdir "$mnt/empty"
expect_error "$read_only" mv "$mnt/sizes/noise-1" "$mnt/new"
expect_error "$read_only" chmod 0600 "$mnt/sizes/noise-1"
expect_error "$read_only" chown 1 "$mnt/sizes/noise-1"
expect_error "$read_only" touch "$mnt/sizes/noise-1"
expect_error "$read_only" truncate -s 0 "$mnt/sizes/noise-1"
expect_error "$read_only" setfattr -n user.new -v x "$mnt/sizes/noise-1"
expect_error "$read_only" setfattr -x user.plain "$mnt/xattrs/user"
expect_error "$read_only" dd if=/dev/null of="$mnt/sizes/noise-1" conv=notrunc status=none

note "programs run, and map files"
umount "$mnt"
mkdir "$WORK/bin"
cp /bin/true "$WORK/bin/true"
"$AMBER" mkfs -q "$WORK/bin.img" "$WORK/bin"
fuse_mount "$WORK/bin.img" "$mnt"
"$mnt/true"
"$AMBER" umount "$mnt"

note "in the foreground, until a signal"
for signal in TERM INT HUP; do
  # A shell starts background commands with SIGINT ignored.
  env --default-signal=INT "$AMBER" mount -f "$image" "$mnt" &
  pid=$!
  processes=("$pid")
  wait_for 10 mounted "$mnt"
  [[ -e $mnt/sizes ]]
  kill -s "$signal" "$pid"
  status=0
  wait "$pid" || status=$?
  processes=()
  equal "$status" 0 "status after SIG$signal"
  not_mounted "$mnt" || fail "still mounted after SIG$signal"
done

note "in the foreground, until umount"
"$AMBER" mount -f "$image" "$mnt" &
processes=($!)
wait_for 10 mounted "$mnt"
"$AMBER" umount "$mnt"
wait "${processes[0]}"
processes=()

note "in the background: no open descriptors keep the caller waiting"
# The substitution ends when the last holder of the pipe does.
output=$(timeout 20 "$AMBER" mount "$image" "$mnt" 2>&1) || fail "hangs or fails: $output"
equal "$output" "" "what a mount prints"
"$AMBER" umount "$mnt"

# --- what is asked only once ---

requests() { grep -cE "(^|[^A-Z])$1 \(|opcode: $1[^A-Z]" "$WORK/debug" || true; }

note "no round trip for open, no second one for anything"
"$AMBER" mount -d "$image" "$mnt" >"$WORK/debug" 2>&1 &
processes=($!)
wait_for 10 mounted "$mnt"
wait_for 10 grep -q INIT "$WORK/debug"
look() {
  "$TOOLS/manifest" --no-xattrs "$mnt/sizes" >/dev/null
  "$TOOLS/manifest" --no-xattrs "$mnt/symlinks" >/dev/null
  for name in absent-1 absent-2; do [[ ! -e $mnt/sizes/$name ]] || fail "there is no $name"; done
}
look
(($(requests READ) > 0 && $(requests LOOKUP) + $(requests READDIRPLUS) > 0)) ||
  { tail -n 20 "$WORK/debug" >&2; fail "this log is not what the test expects"; }
(($(requests OPEN) <= 1)) || fail "$(requests OPEN) OPEN requests"
(($(requests OPENDIR) <= 1)) || fail "$(requests OPENDIR) OPENDIR requests"
for request in RELEASE RELEASEDIR FLUSH ACCESS; do
  (($(requests "$request") <= 1)) || fail "$(requests "$request") $request requests"
done
# Linux may drop pages whenever it likes, and then asks again: one look of five must ask for nothing.
for ((attempt = 1; attempt <= 5; ++attempt)); do
  : >"$WORK/debug"
  look
  again=
  for request in LOOKUP GETATTR READ READLINK OPEN OPENDIR; do
    (($(requests "$request") == 0)) || again+=" $(requests "$request") $request"
  done
  [[ $again ]] || break
done
equal "$again" "" "requests on a look after the first, five times"
"$AMBER" umount "$mnt"
wait "${processes[0]}"
processes=()

# --- options ---

note "options go through"
fuse_mount "$image" "$mnt" -o noexec,noatime -o allow_other
line=$(mount_line)
equal "$(setpriv --reuid 65534 --clear-groups cat "$mnt/sizes/prose-1")" \
  "$(cat "$WORK/tree/sizes/prose-1")" "what another user reads"
equal "$(setpriv --reuid 65534 --clear-groups getfattr --absolute-names -m - "$mnt/xattrs/trusted" |
         sed 1d | xargs)" user.beside "another user's list of attributes"
[[ $line == *noexec* && $line == *noatime* && $line == *allow_other* ]] || fail "options: $line"
"$AMBER" umount "$mnt"
fuse_mount "$image" "$mnt" -o rw,auto,nofail,_netdev,x-systemd.automount,defaults
[[ $(mount_line) == *" ro,"* ]] || fail "rw made it writable: $(mount_line)"
"$AMBER" umount "$mnt"
fuse_mount "$image" "$mnt" -o suid,dev
[[ $(mount_line) != *nosuid* && $(mount_line) != *nodev* ]] || fail "suid,dev: $(mount_line)"
"$AMBER" umount "$mnt"

note "as mount(8) calls its helper"
ln -s "$AMBER" "$WORK/mount.amber"
"$WORK/mount.amber" "$image" "$mnt" -o ro,nosuid
mounted "$mnt" || fail "not mounted"
"$AMBER" umount "$mnt"
"$WORK/mount.amber" -f "$image" "$mnt" -o rw
not_mounted "$mnt" || fail "-f of a mount helper only pretends"

note "relative paths, spaces and commas in names"
mkdir "$WORK/a, b"
cp "$WORK/bin.img" "$WORK/a, b/the image"
(cd "$WORK/a, b" && mkdir here && "$AMBER" mount "the image" here && test -e here/true && "$AMBER" umount here)

# --- what cannot be mounted ---

# refuses STATUS TEXT ARGUMENTS...: one line on standard error; nothing is mounted.
refuses() {
  local status=$1 text=$2
  shift 2
  expect_status "$status" "$AMBER" mount "$@"
  grep -qiF -- "$text" "$WORK/err" || fail "does not say '$text': $(cat "$WORK/err")"
  grep -q '^amber mount: ' "$WORK/err" || fail "does not say who complains: $(cat "$WORK/err")"
  not_mounted "$mnt" || fail "mounted all the same: $*"
}

note "refused"
refuses 32 "$WORK/absent" "$WORK/absent" "$mnt"
refuses 32 "$WORK/absent" "$image" "$WORK/absent"
refuses 32 "$image" "$image" "$image"
refuses 32 "directory" "$WORK" "$mnt"
head -c 100000 /dev/urandom >"$WORK/noise"
refuses 32 SB-2 "$WORK/noise" "$mnt"
: >"$WORK/nothing"
refuses 32 SB-1 "$WORK/nothing" "$mnt"
refuses 32 SB-2 --offset=512 "$image" "$mnt"
refuses 32 "$image" --offset=1T "$image" "$mnt"
refuses 1 offset --offset=many "$image" "$mnt"
refuses 1 "" "$image"
refuses 1 "" --nonsense "$image" "$mnt"
expect_status 1 "$AMBER" mount -o nonsense "$image" "$mnt"
not_mounted "$mnt" || fail "mounted with an unknown option"

note "umount"
expect_status 32 "$AMBER" umount "$mnt"
grep -qi "nothing is mounted" "$WORK/err" || fail "umount of nothing: $(cat "$WORK/err")"
expect_status 32 "$AMBER" umount /proc
expect_status 32 "$AMBER" umount "$WORK/absent"
expect_status 1 "$AMBER" umount
fuse_mount "$image" "$mnt"
exec {held}<"$mnt/sizes/noise-1"
expect_status 32 "$AMBER" umount "$mnt"
grep -q "$$ (bash)" "$WORK/err" || fail "does not say that $$ (bash) keeps it busy: $(cat "$WORK/err")"
mounted "$mnt" || fail "a busy mount was unmounted"
[[ -e $mnt/sizes ]] || fail "a busy mount stopped working"
"$AMBER" umount --lazy "$mnt"
not_mounted "$mnt" || fail "still mounted after a lazy umount"
cmp "$WORK/tree/sizes/noise-1" - <&"$held" || fail "an open file ends with a lazy umount"
exec {held}<&-
fuse_mount "$image" "$mnt"
"$AMBER" umount "$mnt/"
mount -t tmpfs none "$mnt"
expect_status 32 "$AMBER" umount "$mnt"
grep -q tmpfs "$WORK/err" || fail "umount of a tmpfs: $(cat "$WORK/err")"
umount "$mnt"

note "a server that was killed"
"$AMBER" mount -f "$image" "$mnt" &
pid=$!
wait_for 10 mounted "$mnt"
kill -KILL "$pid"
wait "$pid" 2>/dev/null || true
expect_error "Transport endpoint is not connected" ls "$mnt"
"$AMBER" umount "$mnt"
not_mounted "$mnt" || fail "a dead mount stays"
