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

# Prints the folder of a minimal Debian of this suite, which nobody may change. Downloads it on the
# first call, from the mirror of this machine's apt. The log goes to standard error if that fails.
debian_tree() { # SUITE
  local suite=$1 cache tree log mirror lock
  cache=$(cache_folder)
  tree=$cache/minbase-$suite
  mkdir -p "$cache"
  exec {lock}>"$tree.lock"
  flock "$lock"
  if [[ ! -d $tree ]]; then
    mirror=$(scripts/debian-mirror)
    [[ $mirror ]] || { echo "debian_tree: apt names no Debian mirror here" >&2; return 1; }
    # Whatever an earlier run left half done.
    rm -rf --one-file-system "$tree.new"
    log=$tree.log
    if ! debootstrap --variant=minbase --include=ca-certificates "$suite" "$tree.new" "$mirror" \
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
