#!/bin/bash
# Linux's overlayfs above our mount, as root and as an ordinary user in a user namespace: copy-up
# keeps what it has to keep, deletions and renames work, and the image stays as it is.
set -euo pipefail
# shellcheck source=tests/lib.sh
source "$(dirname "$0")/../lib.sh"

# --- the part that runs in either place: overlay.sh inside MODE IMAGE FOLDER ---

inside() {
  local mode=$1 image=$2 dir=$3 options=xino=on hide=()
  local lower=$dir/lower upper=$dir/upper merged=$dir/merged
  if [[ $mode == user ]]; then
    options+=,userxattr
    hide=(--no-trusted)
  fi
  mkdir "$lower" "$upper" "$dir/work" "$merged"
  "$AMBER" mount "$image" "$lower"
  mount -t overlay overlay -o "lowerdir=$lower,upperdir=$upper,workdir=$dir/work,$options" "$merged"

  # facts PATH: what copy-up has to keep, from the manifest's line of it, of link counts apart.
  facts() { "$TOOLS/manifest" "${hide[@]}" --no-nlink "$merged" | grep -- "^$1 " || true; }
  whiteout() { [[ $(stat -c '%F %t %T' "$1") == "character special file 0 0" ]]; }

  echo "-- $mode: the merged view is the image's"
  # The top is the upper directory's, always.
  "$TOOLS/manifest" "${hide[@]}" --no-nlink "$lower" | grep -v '^\. ' >"$dir/lower.manifest"
  "$TOOLS/manifest" "${hide[@]}" --no-nlink "$merged" | grep -v '^\. ' >"$dir/merged.manifest"
  same "$dir/lower.manifest" "$dir/merged.manifest" "$mode: overlayfs sees another tree"
  [[ ! $(ls -A "$upper") ]] || fail "reading wrote to the upper directory"

  echo "-- $mode: copy-up keeps attributes, access lists, times and owners"
  local before after path
  for path in plain attributes listed owned setuid folder fifo; do
    before=$(facts "$path")
    [[ $before ]] || fail "$path is missing"
    touch -a "$merged/$path"
    chmod g+w "$merged/$path"
    [[ -e $upper/$path ]] || fail "$mode: $path was not copied up"
    chmod --reference="$lower/$path" "$merged/$path"
    after=$(facts "$path")
    equal "$after" "$before" "$mode: $path after copy-up"
  done
  equal "$(getfacl --absolute-names -c "$merged/listed" | grep user:1234:)" user:1234:r-- \
    "$mode: access list after copy-up"
  before=$(facts link)
  touch -ha "$merged/link"
  chown -h 3 "$merged/link"
  equal "$(readlink "$merged/link")" "a target" "$mode: link after copy-up"

  echo "-- $mode: contents"
  echo more >>"$merged/appended"
  equal "$(cat "$merged/appended")" "before"$'\n'"more" "$mode: after appending"
  equal "$(cat "$lower/appended")" before "$mode: the image's file after appending"
  printf X | dd of="$merged/large" bs=1 seek=500000 conv=notrunc status=none
  cp "$lower/large" "$dir/expected"
  printf X | dd of="$dir/expected" bs=1 seek=500000 conv=notrunc status=none
  cmp "$dir/expected" "$merged/large" || fail "$mode: after writing into the middle"
  : >"$merged/truncated"
  equal "$(stat -c %s "$merged/truncated")" 0 "$mode: after truncation"

  echo "-- $mode: holes stay holes"
  chmod 0640 "$merged/sparse"
  equal "$(stat -c %s "$upper/sparse")" 67108864 "$mode: size of the sparse file"
  # overlayfs copies a MiB at a time.
  (($(stat -c %b "$upper/sparse") * 512 <= 2097152)) ||
    fail "$mode: $(stat -c %b "$upper/sparse") sectors for a file of holes"
  cmp "$lower/sparse" "$merged/sparse" || fail "$mode: the sparse file changed"

  echo "-- $mode: deletions"
  rm "$merged/deleted"
  [[ ! -e $merged/deleted ]] || fail "$mode: deleted is still there"
  whiteout "$upper/deleted" || fail "$mode: no whiteout for deleted"
  ! grep -qx deleted < <(ls "$merged") || fail "$mode: deleted is still listed"
  rm -r "$merged/deleted-dir"
  whiteout "$upper/deleted-dir" || fail "$mode: no whiteout for deleted-dir"

  echo "-- $mode: an opaque directory"
  rm -r "$merged/replaced-dir"
  mkdir "$merged/replaced-dir"
  [[ ! $(ls -A "$merged/replaced-dir") ]] || fail "$mode: what was deleted came back"
  touch "$merged/replaced-dir/new"
  equal "$(ls -A "$merged/replaced-dir")" new "$mode: entries of the replaced directory"
  rm -r "$merged/file-to-dir"
  mkdir "$merged/file-to-dir"
  [[ -d $merged/file-to-dir ]] || fail "$mode: a directory in place of a file"

  echo "-- $mode: renames"
  mv "$merged/renamed" "$merged/renamed-away"
  equal "$(cat "$merged/renamed-away")" "its content" "$mode: after a rename"
  [[ ! -e $merged/renamed ]] || fail "$mode: the old name is still there"
  mv "$merged/folder-to-move" "$merged/folder-moved"  # mv copies where overlayfs says EXDEV
  equal "$(cat "$merged/folder-moved/inside")" inside "$mode: after renaming a directory"
  mv "$merged/exchange" "$merged/dir/exchange"
  equal "$(cat "$merged/dir/exchange")" exchange "$mode: after a move into another directory"

  echo "-- $mode: hard links"
  ln "$merged/plain" "$merged/plain-again"
  equal "$(stat -c %h "$merged/plain-again")" 2 "$mode: links"
  ln "$merged/dir/d" "$merged/d-again"
  equal "$(cat "$merged/d-again")" d "$mode: another name for a file of the image"

  echo "-- $mode: a deleted name comes back"
  echo again >"$merged/deleted"
  equal "$(cat "$merged/deleted")" again "$mode: the new file"
  rm "$merged/deleted"
  [[ ! -e $merged/deleted ]] || fail "$mode: the image's file came back with the new one's end"

  umount "$merged"
  "$AMBER" umount "$lower"

  echo "-- $mode: all of it after a remount"
  "$AMBER" mount "$image" "$lower"
  mount -t overlay overlay -o "lowerdir=$lower,upperdir=$upper,workdir=$dir/work,$options" "$merged"
  equal "$(cat "$merged/appended")" "before"$'\n'"more" "$mode: appended, after a remount"
  [[ ! -e $merged/deleted && ! -e $merged/renamed && -e $merged/renamed-away ]] ||
    fail "$mode: deletions and renames after a remount"
  equal "$(ls -A "$merged/replaced-dir")" new "$mode: the opaque directory, after a remount"
  umount "$merged"
  "$AMBER" umount "$lower"
}

if [[ ${1:-} == inside ]]; then
  inside "${@:2}"
  exit
fi

# --- the test ---

need_fuse
need_user
need setfacl getfacl setfattr setcap
grep -qw overlay /proc/filesystems || modprobe overlay 2>/dev/null ||
  skip "this kernel has no overlayfs"

tree=$WORK/tree
mkdir -p "$tree"/{folder,dir,deleted-dir/deeper,replaced-dir/deeper,folder-to-move}
for file in plain attributes listed owned setuid appended truncated deleted file-to-dir exchange \
  deleted-dir/deeper/a replaced-dir/b replaced-dir/deeper/c dir/d; do
  basename "$file" >"$tree/$file"
done
echo before >"$tree/appended"
echo "its content" >"$tree/renamed"
echo inside >"$tree/folder-to-move/inside"
setfattr -n user.first -v 1 "$tree/attributes"
setfattr -n user.second -v 0x00ff00 "$tree/attributes"
setcap cap_net_raw+ep "$tree/attributes"
setfattr -n trusted.hidden -v "from users" "$tree/attributes"
setfacl -m u:1234:r "$tree/listed"
setfacl -m u:1234:rx,d:g:77:rwx "$tree/folder"
setfattr -n user.on-a-folder -v yes "$tree/folder"
chown 1000:2000 "$tree/owned"
chmod 0444 "$tree/owned"
chmod 4755 "$tree/setuid"
mkfifo "$tree/fifo"
ln -s "a target" "$tree/link"
fill "$tree/large" 1000000 L
truncate -s 64M "$tree/sparse"
printf data | dd of="$tree/sparse" bs=1 seek=33554432 conv=notrunc status=none
find "$tree" -exec touch -hd '2001-02-03 04:05:06.789012345' {} +

image=$WORK/image
"$AMBER" mkfs -q "$image" "$tree"
sum=$(sha256sum <"$image")

mkdir "$WORK/root"
inside root "$image" "$WORK/root"
equal "$(sha256sum <"$image")" "$sum" "root: the image"

as_user mkdir "$USER_DIR/user"
# The test's files may lie where the user cannot look, and the image's ids must be in the namespace.
cp -r "$SOURCE_DIR/tests" "$USER_DIR/tests"
chmod 0644 "$image"
in_userns bash "$USER_DIR/tests/e2e/overlay.sh" inside user "$image" "$USER_DIR/user"
equal "$(sha256sum <"$image")" "$sum" "user: the image"
