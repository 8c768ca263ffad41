# What the benchmarks share. Sourced from the repository's top folder.
# shellcheck shell=bash

# Prints the comment at the top of the script.
print_usage() { sed -n '2,/^set/{/^#/s/^# \{0,1\}//p}' "$0"; }

die() {
  echo "bench: $*" >&2
  exit 2
}

# Sets $amber, the program that is measured, and $built, where the rest of its build is.
need_release() {
  built=$PWD/${AMBERFS_BUILD_DIR:-build}/release
  amber=$built/bin/amber
  [[ -x $amber ]] || die "build the preset release first"
}

need_root() { ((EUID == 0)) || die "must be root, for the Linux driver's mount"; }

median() { sort -n | awk '{v[NR] = $1} END {print v[int((NR + 1) / 2)]}'; }

# What the figures depend on, in one line.
machine() { echo "$(nproc) processors; Linux $(uname -r)"; }

# use_tools_of SUITE: from then on "tool PROGRAM ARGUMENT..." is that Debian's, as with scripts/tool-of
# but without the shell around it, which would be timed as well. Needs scripts/lib.sh.
use_tools_of() {
  tools=$(tools_tree "$1")
  tools_loader=$(echo "$tools"/lib/*/ld-linux*.so.[0-9] "$tools"/usr/lib/*/ld-linux*.so.[0-9] | tr ' ' '\n' | grep -v '\*' | head -n 1)
  tools_libraries=$(echo "$tools"/usr/lib/*-linux-gnu* | tr ' ' ':')
}
tool() {
  local program
  for program in "$tools"/usr/{bin,sbin}/"$1"; do [[ ! -x $program ]] || break; done
  "$tools_loader" --library-path "$tools_libraries" "$program" "${@:2}"
}

# measure ROW COMMAND...: adds how long it took to the file $work/ROW.
measure() {
  local row=$1 TIMEFORMAT='%R %U %S'
  shift
  { time "$@" >"$work/out" 2>&1 || { cat "$work/out" >&2; exit 1; }; } 2>>"${work:?}/$row"
}

# medians ROW: of the times that measure noted, of the wall and of the processors, in seconds.
medians() {
  local wall cpu
  wall=$(awk '{print $1}' "$work/$1" | median)
  cpu=$(awk '{print $2 + $3}' "$work/$1" | median)
  echo "$wall $cpu"
}
