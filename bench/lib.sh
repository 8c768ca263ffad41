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
