# Functions for the tests that are shell scripts. A test starts with
#
#   set -euo pipefail
#   source "$(dirname "$0")/../lib.sh"
#
# and gets
#
#   $AMBER       the program under test          $TOOLS    where manifest and odd_tree are
#   $SOURCE_DIR  the repository                  $WORK     an empty directory of its own
#
# Run as root, a test works in a mount namespace of its own, so that nothing it mounts outlives it or
# is seen elsewhere. At its end everything below $WORK is unmounted and removed, whatever happened,
# and a sanitizer's report in any process that it started makes it fail.
#
# Run by hand: tests/e2e/NAME.sh, which takes the programs from build/dev or $BUILD_DIR.
# shellcheck shell=bash

SOURCE_DIR=${SOURCE_DIR:-$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)}
BUILD_DIR=${BUILD_DIR:-$SOURCE_DIR/build/dev}
AMBER=${AMBER:-$BUILD_DIR/bin/amber}
TOOLS=${TOOLS:-$BUILD_DIR/tests/tools}
TEST_NAME=${TEST_NAME:-$(basename "$0" .sh)}
# shellcheck disable=SC2034  # for the tests
CACHE=${AMBERFS_CACHE:-$SOURCE_DIR/.cache}
TEST_USER=amberfs-test
export SOURCE_DIR BUILD_DIR AMBER TOOLS TEST_NAME

if ((EUID == 0)) && [[ ! ${AMBERFS_IN_NAMESPACE:-} ]]; then
  AMBERFS_IN_NAMESPACE=1 exec unshare --mount --propagation private bash "$0" "$@"
fi

# --- verdicts ---

note() { printf -- '-- %s\n' "$*"; }

fail() {
  printf 'FAIL: %s: %s\n' "$TEST_NAME" "$*" >&2
  exit 1
}

# The test cannot run here. That is a failure where everything was asked for.
skip() {
  printf 'SKIP: %s: %s\n' "$TEST_NAME" "$*"
  if [[ ${AMBERFS_REQUIRE_ALL:-} ]]; then
    printf 'FAIL: %s: nothing may be skipped in this run\n' "$TEST_NAME" >&2
    exit 1
  fi
  exit 77
}

need_root() { ((EUID == 0)) || skip "needs root"; }

need() {
  local program
  for program in "$@"; do
    command -v "$program" >/dev/null || skip "$program is missing"
  done
}

# expect_status N COMMAND...: the command ends with this status. What it said on standard error is
# in $WORK/err then, what on standard output in $WORK/out.
expect_status() {
  local wanted=$1 status=0
  shift
  "$@" >"$WORK/out" 2>"$WORK/err" || status=$?
  if ((status != wanted)); then
    cat "$WORK/out" "$WORK/err" >&2
    fail "status $status instead of $wanted: $*"
  fi
}

# expect_error "Read-only file system" COMMAND...: fails with this message.
expect_error() {
  local wanted=$1
  shift
  if "$@" >"$WORK/out" 2>"$WORK/err"; then fail "should have failed: $*"; fi
  grep -qF -- "$wanted" "$WORK/err" || { cat "$WORK/err" >&2; fail "no '$wanted' from: $*"; }
}

# same A B WHAT: the files are equal; else shows the first differences.
same() {
  cmp -s "$1" "$2" && return
  diff "$1" "$2" | cut -c -400 | head -n 20 >&2 || true
  fail "$3"
}

equal() { [[ $1 == "$2" ]] || fail "$3: '$1' instead of '$2'"; }

# wait_for SECONDS COMMAND...: until the command succeeds.
wait_for() {
  local end=$((SECONDS + $1)) what="${*:2}"
  shift
  until "$@"; do
    ((SECONDS < end)) || fail "still not so: $what"
    sleep 0.05
  done
}

# --- the end ---

processes=()  # to be ended, if they still run

finish() {
  local status=$?
  trap - EXIT INT TERM ERR
  set +e
  cd /
  local process round i directories
  # Mounts first: a server ends when its mount is gone. Nothing here may need space on a disk, which
  # may be what the test ran out of.
  for ((round = 0; round < 3; ++round)); do
    mapfile -t directories < <(mounts_below "$WORK")
    for ((i = ${#directories[@]} - 1; i >= 0; --i)); do
      umount -l "${directories[i]}" 2>/dev/null || fusermount3 -uz "${directories[i]}"
    done
    ((${#directories[@]})) || break
  done
  for process in "${processes[@]}"; do kill "$process" 2>/dev/null; done
  losetup --noheadings --output NAME,BACK-FILE 2>/dev/null | grep -F " $WORK/" |
    while read -r device _; do losetup -d "$device"; done
  wait
  if compgen -G "$WORK/sanitizer.*" >/dev/null; then
    cat "$WORK"/sanitizer.* >&2
    echo "FAIL: $TEST_NAME: a sanitizer complained" >&2
    ((status != 0 && status != 77)) || status=1
  fi
  if [[ ${AMBERFS_KEEP:-} ]]; then
    echo "kept: $WORK"
  else
    rm -rf --one-file-system "$WORK"
  fi
  exit "$status"
}

# Mount points at or below a directory, in the order in which they were mounted.
mounts_below() {
  awk -v below="$1" '{ at = $5 } at == below || index(at, below "/") == 1 { print at }' \
    /proc/self/mountinfo
}

mounted() { [[ $(mounts_below "$1" | head -n 1) == "$1" ]]; }
not_mounted() { ! mounted "$1"; }

WORK=$(mktemp -d "${TMPDIR:-/tmp}/amberfs-$TEST_NAME.XXXXXX")
chmod 0755 "$WORK"
trap finish EXIT
set -E
trap 'echo "FAIL: $TEST_NAME: ${BASH_SOURCE[0]##*/}:$LINENO: status $?: $BASH_COMMAND" >&2' ERR
trap 'exit 130' INT
trap 'exit 143' TERM
# Any process, of any user, writes its report here rather than to a pipe that nobody reads.
export ASAN_OPTIONS=${ASAN_OPTIONS:+$ASAN_OPTIONS:}log_path=$WORK/sanitizer
export UBSAN_OPTIONS=${UBSAN_OPTIONS:+$UBSAN_OPTIONS:}log_path=$WORK/sanitizer:print_stacktrace=1
export TSAN_OPTIONS=${TSAN_OPTIONS:+$TSAN_OPTIONS:}log_path=$WORK/sanitizer
export LC_ALL=C

# --- the ordinary user ---

# Makes sure of $TEST_USER, who has 200 000 subordinate ids, enough for those of odd_tree, and can
# write to $USER_DIR.
need_user() {
  need_root
  need newuidmap setpriv
  exec {user_lock}>"/tmp/.amberfs-$TEST_USER.lock"
  flock "$user_lock"
  getent passwd "$TEST_USER" >/dev/null ||
    useradd --system --no-create-home --shell /bin/sh "$TEST_USER"
  local kind lines
  for kind in uid gid; do
    lines=$(awk -F: -v u="$TEST_USER" '$1 == u && $3 >= 200000' "/etc/sub$kind")
    [[ $lines ]] || usermod "--add-sub${kind}s" 2000000000-2000199999 "$TEST_USER"
  done
  flock -u "$user_lock"
  USER_DIR=$WORK/user
  mkdir -p "$USER_DIR"
  chown "$TEST_USER:" "$USER_DIR"
  # A sanitizer in one of the user's processes wants to write its report too.
  chmod 1777 "$WORK"
  # The repository may lie where only root can look, /root for example.
  if ! as_user test -x "$AMBER" -a -x "$TOOLS/manifest"; then
    mkdir "$WORK/bin"
    cp "$AMBER" "$TOOLS"/* "$WORK/bin"
    AMBER=$WORK/bin/amber
    TOOLS=$WORK/bin
  fi
}

as_user() { setpriv --reuid "$TEST_USER" --regid "$TEST_USER" --init-groups env HOME="$USER_DIR" "$@"; }

# The command runs as root of a user and mount namespace of $TEST_USER's: id 0 is the user outside,
# ids 1 to 199 999 are the user's subordinate ones.
in_userns() {
  local uid gid
  uid=$(awk -F: -v u="$TEST_USER" '$1 == u && $3 >= 200000 { print $2; exit }' /etc/subuid)
  gid=$(awk -F: -v u="$TEST_USER" '$1 == u && $3 >= 200000 { print $2; exit }' /etc/subgid)
  # The process namespace ends its processes, servers among them, with the command. Its own /proc is
  # what the leak sanitizer wants; some containers do not allow one.
  # shellcheck disable=SC2016
  as_user unshare --user --mount --pid --fork --kill-child --map-root-user \
    --map-users "$uid,1,199999" --map-groups "$gid,1,199999" \
    bash -c 'mount -t proc proc /proc 2>/dev/null || true; exec "$@"' - "$@"
}

# --- mounts ---

need_fuse() { [[ -w /dev/fuse ]] || skip "/dev/fuse is missing or closed"; }

need_kernel_erofs() {
  need_root
  grep -qw erofs /proc/filesystems || modprobe erofs 2>/dev/null ||
    skip "this kernel has no EROFS driver"
}

# kernel_mount IMAGE DIR [OPTIONS]: Linux's own driver. Only for images that our mkfs or Debian's
# made: never for damaged ones.
kernel_mount() { mount -t erofs -o "loop,ro${3:+,$3}" "$1" "$2"; }

# fuse_mount IMAGE DIR [ARGUMENTS...]: ours, by whoever calls it.
fuse_mount() {
  local image=$1 directory=$2
  shift 2
  "$AMBER" mount "$@" "$image" "$directory"
}

erofs_utils_version() { fsck.erofs -V 2>&1 | grep -oE '[0-9]+\.[0-9]+(\.[0-9]+)?' | head -n 1; }

# Whether this build's fsck does anything yet.
fsck_works() { "$AMBER" fsck --help >/dev/null 2>&1; }

# --- other Debians' tools ---

# tool_of SUITE PROGRAM ARGUMENTS...: that Debian's, on this one's files.
tool_of() { "$SOURCE_DIR/scripts/tool-of" "$@"; }

# need_tools_of SUITE: downloads them the first time.
need_tools_of() {
  (cd "$SOURCE_DIR" && source scripts/lib.sh && tools_tree "$1") >"$WORK/out" ||
    skip "cannot download the tools of Debian $1"
}

# --- trees ---

# fill FILE BYTES CHARACTER
fill() { head -c "$2" /dev/zero | tr '\0' "$3" >"$1"; }

# Prints the folder of a minimal Debian that must not be changed; skips if there is none in the
# cache and none can be downloaded.
cached_debian() {
  need debootstrap >&2
  (cd "$SOURCE_DIR" && source scripts/lib.sh && debian_tree bookworm) ||
    skip "cannot download a Debian" >&2
}
