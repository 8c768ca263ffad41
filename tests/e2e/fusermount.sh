#!/bin/bash
# What somebody without any privilege does: make an image of the own files, mount it by way of
# fusermount3, look, unmount. Ids are those of the host here, so the image's files must be the user's
# own for all to be readable.
set -euo pipefail
# shellcheck source=tests/lib.sh
source "$(dirname "$0")/../lib.sh"
need_fuse
need_user
need fusermount3
uid=$(id -u "$TEST_USER")
gid=$(id -g "$TEST_USER")
image=$USER_DIR/odd.img
mnt=$USER_DIR/mnt
as_user mkdir "$mnt"

note "an odd tree as this user's"
"$TOOLS/odd_tree" --small "$WORK/tree"
# The kernel enforces modes, and an owner is bound by them too.
find "$WORK/tree" -type d ! -perm -500 -exec chmod u+rx {} +
find "$WORK/tree" -type f ! -perm -400 -exec chmod u+r {} +
# A denial in an access list does not bind owners, whoever they become.
"$AMBER" mkfs -q --force-uid "$uid" --force-gid "$gid" "$image" "$WORK/tree"
as_user "$AMBER" mount "$image" "$mnt"
as_user "$TOOLS/manifest" "$mnt" >"$WORK/mounted"
"$TOOLS/manifest" --no-trusted --owner="$uid:$gid" "$WORK/tree" >"$WORK/source"
same "$WORK/source" "$WORK/mounted" "the user sees another tree"

note "what such a mount must not allow"
options=$(awk -v at="$mnt" '$5 == at { print $6 }' /proc/self/mountinfo)
for option in ro nosuid nodev; do
  [[ ,$options, == *,$option,* ]] || fail "mounted without $option: $options"
done
# Not even root looks into it, which protects root from the server.
expect_error "Permission denied" ls "$mnt/"
expect_error "Read-only file system" as_user touch "$mnt/new"
as_user "$AMBER" umount "$mnt"
not_mounted "$mnt" || fail "still mounted"

note "the user's own tree, all the way without root"
as_user cp -a "$SOURCE_DIR/docs" "$USER_DIR/docs"
as_user "$AMBER" mkfs -q "$USER_DIR/docs.img" "$USER_DIR/docs"
! fsck_works || as_user "$AMBER" fsck "$USER_DIR/docs.img" >/dev/null
as_user "$AMBER" mount "$USER_DIR/docs.img" "$mnt"
as_user diff -r --no-dereference "$USER_DIR/docs" "$mnt"
as_user "$AMBER" umount "$mnt"

note "what others may not read stays unreadable, also with allow_other"
as_user mkdir "$USER_DIR/private"
echo secret >"$USER_DIR/private/secret"
chmod 0600 "$USER_DIR/private/secret"
chown "$TEST_USER:" "$USER_DIR/private/secret"
as_user "$AMBER" mkfs -q "$USER_DIR/private.img" "$USER_DIR/private"
"$AMBER" mkfs -q --force-uid 0 "$USER_DIR/root.img" "$USER_DIR/private"
chmod 0644 "$USER_DIR/root.img"
as_user "$AMBER" mount "$USER_DIR/root.img" "$mnt"
expect_error "Permission denied" as_user cat "$mnt/secret"
as_user "$AMBER" umount "$mnt"
"$AMBER" mount -o allow_other "$USER_DIR/root.img" "$mnt"
expect_error "Permission denied" as_user cat "$mnt/secret"
equal "$(cat "$mnt/secret")" secret "root reads the file"
"$AMBER" umount "$mnt"
