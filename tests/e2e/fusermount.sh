#!/bin/bash
# An ordinary user mounts and unmounts through fusermount3, which is set-user-id root.
set -euo pipefail
# shellcheck source=tests/lib.sh
source "$(dirname "$0")/../lib.sh"
need_fuse
need_user
need fusermount3
[[ -u $(readlink -f "$(command -v fusermount3)") ]] || skip "fusermount3 is not set-user-id"

mkdir -p "$WORK/tree/dir"
as_user mkdir "$USER_DIR/mnt"
echo hello >"$WORK/tree/hello"
echo secret >"$WORK/tree/secret"
chmod 0600 "$WORK/tree/secret"
"$AMBER" mkfs -q "$WORK/image" "$WORK/tree"
chmod 0644 "$WORK/image"
mnt=$USER_DIR/mnt

note "mount, read, unmount"
as_user "$AMBER" mount "$WORK/image" "$mnt"
mounted "$mnt" || fail "not mounted"
equal "$(as_user cat "$mnt/hello")" hello "content"
equal "$(as_user ls "$mnt" | tr '\n' ' ')" "dir hello secret " "list"
grep -q " $mnt ro,nosuid,nodev" /proc/self/mountinfo || fail "not mounted ro,nosuid,nodev"

note "the kernel checks the image's permissions, and nobody else gets in"
expect_error "Permission denied" as_user cat "$mnt/secret"
expect_error "Permission denied" setpriv --reuid 65534 --clear-groups ls "$mnt"

note "no write gets through"
expect_error "Read-only file system" as_user touch "$mnt/dir/new"

note "amber umount"
as_user "$AMBER" umount "$mnt"
not_mounted "$mnt" || fail "still mounted"

note "fusermount3 -u works too, and ends the server"
as_user "$AMBER" mount "$WORK/image" "$mnt"
server() { pgrep -u "$TEST_USER" -f "mount $WORK/image" >/dev/null; }
server || fail "no server"
as_user fusermount3 -u "$mnt"
no_server() { ! server; }
wait_for 10 no_server

note "allow_other needs the administrator's consent in fuse.conf; if it is given, it works"
if grep -qs '^user_allow_other' /etc/fuse.conf; then
  as_user "$AMBER" mount -o allow_other "$WORK/image" "$mnt"
  equal "$(setpriv --reuid 65534 --clear-groups cat "$mnt/hello")" hello "another user's read"
  as_user "$AMBER" umount "$mnt"
else
  expect_status 32 as_user "$AMBER" mount -o allow_other "$WORK/image" "$mnt"
  grep -q user_allow_other "$WORK/err" || fail "the message does not name user_allow_other"
  not_mounted "$mnt" || fail "mounted all the same"
fi

note "another user cannot unmount it"
as_user "$AMBER" mount "$WORK/image" "$mnt"
expect_status 32 setpriv --reuid 65534 --clear-groups "$AMBER" umount "$mnt"
as_user "$AMBER" umount "$mnt"
