# What several scripts need. Sourced from the repository's top folder.
# shellcheck shell=bash

# Where downloaded things are kept between runs.
cache_folder() { realpath -m "${AMBERFS_CACHE:-.cache}"; }

# Makes /dev/fuse usable by ordinary users, or says what stands in the way. PROGRAM is who speaks;
# with "look" as the second argument nothing is changed.
open_dev_fuse() { # PROGRAM [look]
  if [[ ! -e /dev/fuse ]]; then
    echo "$1: there is no /dev/fuse here: the fuse module is not loaded, or this container was" \
         "started without --device /dev/fuse. Everything works but mounting." >&2
  elif [[ $(stat -c %a /dev/fuse) == *[67][67][67] ]]; then
    return
  elif ((EUID == 0)) && [[ ${2:-} != look ]]; then
    echo "$1: /dev/fuse was $(stat -c %A /dev/fuse): ordinary users could not mount; now 0666"
    chmod 0666 /dev/fuse
  else
    echo "$1: /dev/fuse is $(stat -c %A /dev/fuse): ordinary users cannot mount." \
         "As root: chmod 0666 /dev/fuse" >&2
  fi
}

# Prints the folder of a minimal Debian of this suite, which nobody may change. Given a name and
# packages, of one that has those too, and is kept under that name. Downloads it on the first call,
# from the mirror of this machine's apt. The log goes to standard error if that fails.
debian_tree() { # SUITE [NAME PACKAGE...]
  local suite=$1 name=${2:-minbase} packages=ca-certificates cache tree log mirror lock
  shift $(($# > 2 ? 2 : $#))
  packages=$(IFS=, && echo "$packages${*:+,$*}")
  cache=$(cache_folder)
  tree=$cache/$name-$suite
  mkdir -p "$cache"
  exec {lock}>"$tree.lock"
  flock "$lock"
  if [[ ! -d $tree ]]; then
    mirror=$(scripts/debian-mirror)
    [[ $mirror ]] || { echo "debian_tree: apt names no Debian mirror here" >&2; return 1; }
    # Whatever an earlier run left half done.
    rm -rf --one-file-system "$tree.new"
    log=$tree.log
    if ! debootstrap --variant=minbase --include="$packages" "$suite" "$tree.new" "$mirror" \
         >"$log" 2>&1 </dev/null; then
      tail -n 20 "$log" >&2
      return 1
    fi
    rm -f "$tree.new"/var/cache/apt/archives/*.deb "$log"
    mv "$tree.new" "$tree"
  fi
  exec {lock}>&-
  printf '%s\n' "$tree"
}

# Prints the folder that holds the filesystem tools of this Debian suite and every library that they
# load, unpacked, not installed. Downloads it on the first call, some 15 MB, from the mirror of this
# machine's apt, with a state of apt's own below the cache: nothing of this machine changes, and
# root is not needed. The log goes to standard error if that fails.
tools_tree() { # SUITE
  local suite=$1 cache tree lock
  cache=$(cache_folder)
  tree=$cache/tools-$suite
  mkdir -p "$cache"
  exec {lock}>"$tree.lock"
  flock "$lock"
  if [[ ! -d $tree ]]; then
    rm -rf "$tree.new"
    if ! unpack_tools "$suite" "$tree.new" >"$tree.log" 2>&1 </dev/null; then
      tail -n 20 "$tree.log" >&2
      return 1
    fi
    rm -rf "$tree.new/apt" "$tree.log"
    mv "$tree.new" "$tree"
  fi
  exec {lock}>&-
  printf '%s\n' "$tree"
}

unpack_tools() { # SUITE FOLDER
  local suite=$1 tree=$2 mirror package
  local packages=(erofs-utils squashfuse squashfs-tools)
  mirror=$(scripts/debian-mirror)
  [[ $mirror ]] || { echo "tools_tree: apt names no Debian mirror here"; return 1; }
  mkdir -p "$tree"/apt/{lists,archives}/partial || return 1
  : >"$tree/apt/status"
  printf 'deb [signed-by=%s] %s %s main\n' \
    /usr/share/keyrings/debian-archive-keyring.gpg "$mirror" "$suite" >"$tree/apt/sources.list"
  # The rest of apt's configuration, a proxy for instance, stays this machine's.
  local apt=(
    -o Dir::Etc::SourceList="$tree/apt/sources.list" -o Dir::Etc::SourceParts=/dev/null
    -o Dir::Etc::Preferences=/dev/null -o Dir::Etc::PreferencesParts=/dev/null
    -o Dir::State="$tree/apt" -o Dir::State::Status="$tree/apt/status" -o Dir::Cache="$tree/apt"
    -o APT::Install-Recommends=false -o APT::Sandbox::User=root -o Acquire::Languages=none
    -o Acquire::Retries=3 -o Dpkg::Use-Pty=0
  )
  apt-get "${apt[@]}" -qq update || return 1
  # Older suites do not have it.
  if apt-cache "${apt[@]}" show erofsfuse >/dev/null; then packages+=(erofsfuse); fi
  apt-get "${apt[@]}" -y -qq --download-only install "${packages[@]}" || return 1
  for package in "$tree"/apt/archives/*.deb; do
    dpkg-deb --extract "$package" "$tree" || return 1
  done
}
