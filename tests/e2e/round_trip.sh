# check_round_trip LABEL TREE [MKFS OPTIONS...]: what goes into an image comes out of it again, whoever
# reads it. Sourced by tests.
#
# The manifest of the source tree must equal that of
#
#   * the image mounted by Linux (not for blocks larger than a page, which Linux does not mount),
#   * the image mounted by root with amberfs, which shows trusted.* attributes too,
#   * the image mounted by an ordinary user with amberfs in a user namespace. Ids of the image are
#     ids of that namespace, so its map must have an entry for each; unmapped ones would all be
#     shown as 65534. trusted.* belongs to the real root and is left out on both sides.
# shellcheck shell=bash

check_round_trip() {
  local label=$1 tree=$2 block=4096 argument previous=
  shift 2
  local image=$WORK/$label.img manifest=$WORK/$label.manifest hide=()
  for argument in "$@"; do
    case $previous$argument in
      -b[0-9]*) block=${argument} ;;
      -x-1) hide=(--no-xattrs) ;;
    esac
    previous=$argument
  done
  note "$label: amber mkfs $*"
  "$AMBER" mkfs -q "$@" "$image" "$tree"
  local before
  before=$(sha256sum <"$image")

  "$TOOLS/manifest" "${hide[@]}" "$tree" >"$manifest.source"
  if fsck_works; then expect_status 0 "$AMBER" fsck "$image"; fi
  # Debian 12's knows one block size only.
  # Newer ones give up, with status 1, on a path beyond PATH_MAX.
  if ((block == 4096)) && ! fsck.erofs "$image" >"$WORK/out" 2>"$WORK/err"; then
    grep -q "path is too long" "$WORK/err" || fail "fsck.erofs: $(cat "$WORK/err")"
    note "fsck.erofs does not follow paths that long"
  fi

  mkdir -p "$WORK/mnt"
  if ((block <= $(getconf PAGE_SIZE))); then
    kernel_mount "$image" "$WORK/mnt"
    "$TOOLS/manifest" "$WORK/mnt" >"$manifest.kernel"
    umount "$WORK/mnt"
    same "$manifest.source" "$manifest.kernel" "$label: Linux sees another tree"
  fi

  fuse_mount "$image" "$WORK/mnt"
  "$TOOLS/manifest" "$WORK/mnt" >"$manifest.fuse"
  "$AMBER" umount "$WORK/mnt"
  same "$manifest.source" "$manifest.fuse" "$label: root sees another tree through FUSE"

  "$TOOLS/manifest" "${hide[@]}" --no-trusted "$tree" >"$manifest.source"
  mkdir -p "$USER_DIR/mnt"
  # shellcheck disable=SC2016
  in_userns bash -c '
    set -e
    "$AMBER" mount "$0" "$1/mnt"
    "$TOOLS/manifest" "$1/mnt"
    "$AMBER" umount "$1/mnt"' "$image" "$USER_DIR" >"$manifest.user"
  same "$manifest.source" "$manifest.user" "$label: a user sees another tree through FUSE"

  equal "$(sha256sum <"$image")" "$before" "$label: reading changed the image"
  rm -f "$image" "$manifest".*
}
