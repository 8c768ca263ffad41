#!/bin/bash
# Linux's overlayfs on top of our mount, which is how a container writes: as root with trusted.*
# marks, and in an ordinary user's namespace with user.* marks.
set -euo pipefail
# Everything that is done above a mounted image, in a directory with lower/, upper/, work/ and
# merged/, by whoever is root here: overlay.sh inside DIRECTORY root|user.
if [[ ${1:-} == inside ]]; then
  set -x
  cd "$2"
  marks=$3
  show() { echo "FAIL: overlay as $marks: $*" >&2; exit 1; }
  options=lowerdir=lower,upperdir=upper,workdir=work,xino=on
  [[ $marks == root ]] || options+=,userxattr
  "$AMBER" mount image lower
  mount -t overlay -o "$options" overlay merged
  cd merged

  # What is below shows through.
  diff -r --no-dereference ../lower . || show "the merged tree differs"

  # Copy-up: an append and a chmod keep everything else.
  echo more >>file
  [[ $(cat file) == $'hello\nmore' ]] || show "append"
  [[ $(stat -c '%a %u:%g' file) == "640 7:8" ]] || show "owner or mode after copy-up: $(stat file)"
  chmod 0600 attributed
  [[ $(getfattr --only-values -n user.colour attributed) == amber ]] || show "attribute"
  [[ $(stat -c %Y attributed) == 1500000000 ]] || show "time after copy-up"
  getfacl -cn acl | grep -q '^user:1000:rw-' || show "ACL before copy-up"
  touch -d @5 acl
  getfacl -cn acl | grep -q '^user:1000:rw-' || show "ACL lost by copy-up"
  chown -h 3:4 symlink
  [[ $(readlink symlink) == file ]] || show "symlink"
  # A hole stays a hole.
  touch -d @6 sparse
  (($(stat -c %b ../upper/sparse) <= 64)) ||
    show "64 MiB of hole became $(stat -c %b ../upper/sparse) blocks"
  # An image's root-only attributes do not stand in the way.
  touch -d @7 trusted

  # Whiteouts, and a name that comes back.
  rm dir/gone
  [[ ! -e dir/gone && -c ../upper/dir/gone ]] || show "whiteout"
  echo again >dir/gone
  [[ $(cat dir/gone) == again ]] || show "a removed name that came back"
  rm -r tree
  mkdir tree
  [[ -z $(ls -A tree) ]] || show "an opaque directory lets the image through"

  # Renames, of files and of a directory (which mv copies where the kernel says EXDEV).
  mv dir/moved dir/there
  [[ $(cat dir/there) == moved && ! -e dir/moved ]] || show "rename"
  mv olddir newdir
  [[ $(cat newdir/a/b) == deep && ! -e olddir ]] || show "rename of a directory"

  # Hard links.
  ln file file-2
  [[ $(cat file-2) == $'hello\nmore' ]] || show "hard link"
  [[ $(stat -c %h file-2) == 2 ]] || show "link count"
  ln untouched untouched-2
  [[ $(cat untouched-2) == untouched ]] || show "hard link to a file of the image"

  # Whole-tree work, as package managers do it.
  cp -a dir dir-copy
  diff -r dir dir-copy || show "cp -a"
  find . -printf '%P %y %m %s\n' | sort >../view
  cd ..

  # The same upper directory again: the view survives.
  umount merged
  mount -t overlay -o "$options" overlay merged
  (cd merged && find . -printf '%P %y %m %s\n' | sort) >view-again
  diff view view-again || show "the view after mounting again"
  # The lower tree itself has not moved.
  [[ $(cat lower/file) == hello && -e lower/dir/gone && -e lower/tree/x ]] || show "the image's own view"
  umount merged
  "$AMBER" umount lower
  exit 0
fi

# shellcheck source=tests/lib.sh
source "$(dirname "$0")/../lib.sh"

need_user
need_fuse
need setfattr getfattr setfacl getfacl
grep -qw overlay /proc/filesystems || modprobe overlay 2>/dev/null || skip "this kernel has no overlayfs"

tree=$WORK/tree
mkdir -p "$tree"/{dir,tree/sub,olddir/a}
echo hello >"$tree/file"
chown 7:8 "$tree/file"
chmod 0640 "$tree/file"
echo attributed >"$tree/attributed"
setfattr -n user.colour -v amber "$tree/attributed"
touch -d @1500000000 "$tree/attributed"
echo acl >"$tree/acl"
setfacl -m u:1000:rw "$tree/acl"
echo trusted >"$tree/trusted"
setfattr -n trusted.secret -v s "$tree/trusted"
ln -s file "$tree/symlink"
truncate -s 64M "$tree/sparse"
echo gone >"$tree/dir/gone"
echo moved >"$tree/dir/moved"
echo x >"$tree/tree/x"
echo y >"$tree/tree/sub/y"
echo deep >"$tree/olddir/a/b"
echo untouched >"$tree/untouched"
for ((i = 0; i < 200; ++i)); do echo "$i" >"$tree/dir/$i"; done

for marks in root user; do
  note "as $marks"
  place=$WORK/$marks
  mkdir -p "$place"/{lower,upper,work,merged}
  "$AMBER" mkfs -q "$place/image" "$tree"
  before=$(sha256sum <"$place/image")
  status=0
  if [[ $marks == root ]]; then
    bash "$0" inside "$place" root >"$WORK/log" 2>&1 || status=$?
  else
    chown -R "$TEST_USER:" "$place"
    in_userns bash "$0" inside "$place" user >"$WORK/log" 2>&1 || status=$?
  fi
  ((status == 0)) || { tail -n 30 "$WORK/log" >&2; fail "as $marks: status $status"; }
  equal "$(sha256sum <"$place/image")" "$before" "the image's bytes"
done
