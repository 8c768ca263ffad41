#!/bin/bash
# Images in every form that one Debian's erofs-utils can make: our mount shows what Linux's shows,
# and, where the form keeps everything, what was put into it.
#
#   matrix.sh SUITE [WORDS]    only the images whose options contain WORDS
#
# One image that fails does not end the test; its last line counts them.
set -euo pipefail
# shellcheck source=tests/lib.sh
source "$(dirname "$0")/../lib.sh"
suite=${1:?which Debian}
words=${2:-}
need_fuse
need_kernel_erofs
need_tools_of "$suite"

version=$({ tool_of "$suite" mkfs.erofs -V 2>&1 || true; } | grep -oE '[0-9]+\.[0-9]+' | head -n 1)
note "erofs-utils $version of Debian $suite"
since() { [[ $(printf '%s\n' "$1" "$version" | sort -V | head -n 1) == "$1" ]]; }

# --- what goes into the images ---

# odd: one of everything, with the sizes around all borders.
# code: what compressors look for, and what they give up on: programs, the same shifted, text, noise,
# and all of that in one file, so that its clusters are stored in every way.
"$TOOLS/odd_tree" --small --tame "$WORK/odd"
code=$WORK/code
mkdir "$code" "$code/more"
cp /bin/bash "$code/program"
{ printf 'shifted'; cat /bin/bash; } >"$code/program-shifted"
head -c 700000 /bin/bash | cat - /bin/bash >"$code/program-twice"
find "$SOURCE_DIR"/{docs,base,format,image,mkfs} -type f -print0 | sort -z | xargs -0 cat >"$code/text"
cp "$SOURCE_DIR"/image/*.cc "$SOURCE_DIR"/docs/*.md "$code/more"
cat "$WORK"/odd/sizes/noise-{1048577,1048576,1048575,65537} >"$code/noise"
for size in 513 4097 65537 1048577; do
  cat "$WORK"/odd/sizes/{prose,noise,zeros}-$size
  head -c $((size * 3)) "$code/text"
done >"$code/mixed"
head -c 1 "$code/text" >"$code/one-byte"
: >"$code/empty"
# Not now: an inode of the second in which the image is made keeps no nanoseconds.
find "$code" -exec touch -d @1500000000.123456789 {} +
"$TOOLS/manifest" "$WORK/odd" >"$WORK/odd.source"
"$TOOLS/manifest" "$code" >"$WORK/code.source"

# The large ones are made when they are needed, and put into few images.
make_zeros() {
  mkdir "$WORK/zeros"
  truncate -s 1G "$WORK/zeros/gibibyte"
  head -c 20000000 /dev/zero | cat - "$WORK/odd/sizes/noise-4097" >"$WORK/zeros/then-noise"
}
make_sparse() {
  local place
  mkdir "$WORK/sparse"
  truncate -s 4500000000 "$WORK/sparse/large"
  for place in 1000000 2147483640 4294967290 4499999970; do
    printf 'there is data at byte %d\n' "$place" |
      dd of="$WORK/sparse/large" bs=1 seek="$place" conv=notrunc status=none
  done
}
make_tiny() {
  local i
  mkdir "$WORK/tiny"
  for i in {1..40}; do cat "$code/text"; done | awk 'NR <= 100000 { print NR ": " $0 }' |
    (cd "$WORK/tiny" && split -l 1 -a 5 -d - file-)
}

# --- one image ---

images=0 by_linux=0 by_erofsfuse=0 by_source=0 against_theirs=0 failed=0
mkdir "$WORK/theirs" "$WORK/ours"

wrong() { # WHAT [FILE]: and why, as far as that file knows
  ((++failed))
  printf 'WRONG: %s: %s\n' "$label" "$1" >&2
  [[ ! ${2:-} ]] || tail -n 20 "$2" | cut -c -300 >&2
}

# The bits of feature_incompat say whether the image really is of the form that was asked for.
expect_features() { # OPTIONS...
  local bits needed=0 options=" $* "
  bits=$(od -An -t u4 -j 1104 -N 4 "$WORK/image")
  case $options in *" -C"[0-9][0-9][0-9][0-9][0-9]*) ((needed |= 0x2)) ;; esac
  case $options in *--chunksize*) ((needed |= 0x4)) ;; esac
  case $options in *--blobdev* | *--tar=i*) ((needed |= 0x8)) ;; esac
  case $options in *fragments*) ;; *ztailpacking*) ((needed |= 0x10)) ;; esac  # tails are fragments
  case $options in *fragments* | *" -z"*dedupe* | *--zD*) ((needed |= 0x20)) ;; esac
  case $options in *--xattr-prefix*) ((needed |= 0x40)) ;; esac
  case $options in *48bit* | *dot-omitted*) ((needed |= 0x80)) ;; esac
  case $options in *" -m"[0-9]*) ((needed |= 0x100)) ;; esac
  (((bits & needed) == needed)) ||
    wrong "$(printf 'the form needs the feature bits %#x, and the image has %#x' "$needed" "$bits")"
}

# Linux's mount of $WORK/image, or, where this Linux does not know the form, erofsfuse's.
mount_theirs() { # DEVICE...
  local device loop loops=() options=() status=0
  for device; do
    loop=$(losetup --find --show --read-only "$device")
    loops+=("$loop")
    options+=("device=$loop")
  done
  kernel_mount "$WORK/image" "$WORK/theirs" "$(IFS=, && echo "${options[*]}")" 2>"$WORK/err" ||
    status=$?
  if ((${#loops[@]})); then losetup -d "${loops[@]}"; fi
  if ((status == 0)); then
    judge=Linux theirs_shows=
    return
  fi
  judge=erofsfuse theirs_shows='s/ mtime=(-?[0-9]+)\.[0-9]+/ mtime=\1/'  # it knows whole seconds only
  tool_of "$suite" erofsfuse "${@/#/--device=}" "$WORK/image" "$WORK/theirs" >>"$WORK/err" 2>&1
}

# show TREE: $WORK/image shows what Linux shows, and what TREE.source says but for what $loses, a sed
# script, takes out of it. "everything": the source says nothing about the image.
show() { # TREE [DEVICE...]
  local tree=$1
  shift
  ((++images))
  if ! mount_theirs "$@"; then
    wrong "neither Linux nor erofsfuse mounts it" "$WORK/err"
    return
  fi
  check "$@"
  if ! fuse_mount "$WORK/image" "$WORK/ours" "${@/#/--device=}" 2>"$WORK/err"; then
    wrong "we do not mount it" "$WORK/err"
    umount "$WORK/theirs"
    return
  fi
  "$TOOLS/manifest" "$WORK/theirs" >"$WORK/theirs.manifest" 2>"$WORK/theirs.err" &
  local reader=$! readable=1
  if ! "$TOOLS/manifest" "$WORK/ours" >"$WORK/ours.manifest" 2>"$WORK/err"; then
    wrong "we cannot read all of it" "$WORK/err"
    readable=
  elif ! "$TOOLS/holes" "$WORK/ours" >/dev/null 2>"$WORK/err"; then
    wrong "holes" "$WORK/err"
  fi
  wait "$reader" || cat "$WORK/theirs.err" >>"$WORK/theirs.manifest"
  if [[ $readable ]]; then compare "$tree"; fi
  if [[ $readable && ${random:-} ]]; then
    if "$TOOLS/random_reads" "$WORK/theirs" "$WORK/ours" >"$WORK/out" 2>"$WORK/err"; then
      note "   $(cat "$WORK/out")"
    else
      wrong "reads at random places" "$WORK/err"
    fi
  fi
  "$AMBER" umount "$WORK/ours"
  umount "$WORK/theirs"
}

check() { # [DEVICE...]: fsck finds nothing, and an owner for every byte that is not zero
  "$AMBER" fsck "${@/#/--device=}" "$WORK/image" >"$WORK/out" 2>"$WORK/err" ||
    wrong "fsck" "$WORK/out"
  # Where mkfs.erofs 1.9 pads an inode with attributes, it leaves bytes of one before it.
  if grep 'rule SPC-' "$WORK/out" | grep -qvE 'SPC-2 .* one of [12]?[0-9] bytes$'; then
    wrong "fsck" "$WORK/out"
  fi
}

compare() { # TREE: the manifests
  local like_theirs=1 like_source=
  diff <(sed -E "$theirs_shows" "$WORK/theirs.manifest") \
       <(sed -E "$theirs_shows" "$WORK/ours.manifest") >"$WORK/diff" || like_theirs=
  if [[ $loses != everything ]]; then
    # mkfs.erofs marks folders with whiteouts for overlayfs.
    if diff <(sed -E "$loses" "$WORK/$1.source") \
            <(sed -E "s/ trusted.overlay.origin=( |$)/\1/; $loses" "$WORK/ours.manifest") \
            >"$WORK/diff.source"; then
      like_source=1
      ((++by_source))
    else
      wrong "we see (>) another tree than was put in (<)" "$WORK/diff.source"
    fi
  fi
  if [[ $like_theirs ]]; then
    if [[ $judge == Linux ]]; then ((++by_linux)); else ((++by_erofsfuse)); fi
  elif [[ $like_source && ($judge == erofsfuse || $label == *ztailpacking,fragments*) ]]; then
    # erofsfuse fails where devices lie behind the image, and in other places. It and Linux misread
    # a plain tail that lies inline in a packed inode of interlaced plain clusters: they rotate it.
    ((++against_theirs))
    note "   $judge reads something else than was put in; we read that"
  else
    wrong "we see (>) another tree than $judge (<)" "$WORK/diff"
  fi
}

build() { # OPTIONS... IMAGE SOURCE...
  tool_of "$suite" mkfs.erofs "$@" >"$WORK/log" 2>&1 || {
    wrong "mkfs.erofs: status $?" "$WORK/log"
    return 1
  }
}

# Starts an image; false if it is not asked for.
begin() { # LABEL
  label=$1
  [[ $label == *"$words"* ]] || return 1
  note "$label"
  rm -f "$WORK/image"
}

# image OPTIONS...: of $tree. Set for one image in front of it: tree, loses, random.
tree=odd loses=
image() {
  begin "$*" || return 0
  if [[ ! -e $WORK/$tree ]]; then
    "make_$tree"
    "$TOOLS/manifest" "$WORK/$tree" >"$WORK/$tree.source"
  fi
  build "$@" "$WORK/image" "$WORK/$tree" || return 0
  expect_features "$@"
  show "$tree"
}

# What forms do not keep.
times='s/ mtime=[^ ]*//'
links='s/ nlink=[0-9]*//; s/ same=.*//'
attributes='s/ (user|trusted|security|system)\.[^ ]*=[0-9a-f]*//g'

# --- the forms: all versions ---

random=1 image --chunksize=65536 -Eforce-inode-blockmap
for size in 4096 16384 65536 1048576; do
  tree=code image -zlz4 -C$size
  image -zlz4 -C$size -Elegacy-compress  # full indexes; before 1.9 also without zero padding
done
image -zlz4
tree=code random=1 image -zlz4hc,12
image -zlz4 -Eztailpacking
tree=code random=1 image -zlz4 -Eztailpacking -C65536
image -zlz4 -Eztailpacking,legacy-compress
image -zlz4 -Enoinline_data
image -zlz4 -Eforce-inode-extended
tree=code loses=$times image -zlz4 -Eforce-inode-compact -T1000000000
image -zlz4 --max-extent-bytes=8192
loses=$attributes image -zlz4 -x-1
tree=zeros image -zlz4

# --- 1.8: more algorithms, fragments, deduplication, block sizes, tar files ---

if since 1.8; then
  for algorithm in lzma deflate libdeflate zstd; do
    image -z$algorithm
    tree=code random=1 image -z$algorithm -C65536
    tree=code image -z$algorithm -C1048576
    image -z$algorithm -C16384 -Elegacy-compress
    image -z$algorithm -C16384 -Eztailpacking
  done
  tree=code image -zlz4hc,level=0
  tree=code image -zlzma,level=109,dictsize=4096 -C65536
  tree=code image -zlzma,level=1,dictsize=8388608 -C1048576
  tree=code image -zdeflate,level=9,dictsize=256 -C65536
  tree=code image -zlibdeflate,level=9
  tree=code image -zzstd,level=1,dictsize=1048576 -C1048576
  tree=code image -zzstd,level=0,dictsize=1024

  for algorithm in lz4 lzma deflate zstd; do
    image -z$algorithm -Efragments
    tree=code random=1 image -z$algorithm -Efragments -C65536
    image -z$algorithm -Eall-fragments -C16384
    tree=code image -z$algorithm -Ededupe
    tree=code image -z$algorithm -Ededupe,ztailpacking,fragments -C16384
  done
  image -zlz4 -Efragments=65536,legacy-compress -C65536
  image -zlz4 -Eztailpacking,fragments
  image -zzstd -Eztailpacking,fragments -C16384
  tree=code random=1 image -zlz4 -Ededupe -C65536
  tree=code image -zlz4 -Ededupe,all-fragments -C65536
  image -zlz4 -Efragments,^fragdedupe
  image -zlz4 -Efragments,fragdedupe=inode
  image -zlz4 -Eall-fragments,fragdedupe=full
  tree=code image -zlz4 --zfeature-bits=22
  image -Ededupe

  for block in 512 1024 2048; do
    image -b$block --chunksize=$block
    for algorithm in lz4 lzma deflate zstd; do
      image -b$block -z$algorithm
      tree=code image -b$block -z$algorithm -C16384 -Eztailpacking,fragments
    done
    image -b$block -zlz4 -C16384 -Elegacy-compress,ztailpacking
  done

  image -zlz4 -Enosbcrc
  image -zlz4 --dsunit=16
  image -zlz4 --root-xattr-isize=256
  loses=$links image -zlz4 --hard-dereference
  loses=everything image -zlz4 --force-uid=7 --gid-offset=100000
  image -zlz4 -Exattr-name-filter --xattr-prefix=user.num --xattr-prefix=security.sel
  image -zlz4 -Efragments --xattr-prefix=user.num --xattr-prefix=security.sel

  tar_of() { tar --format=pax --xattrs --xattrs-include='*' --sort=name -C "$1" -c . 2>/dev/null; }
  tar_of "$WORK/odd" >"$WORK/odd.tar"
  tar_of "$code" >"$WORK/code.tar"
  tarred() { # OPTIONS...: $tree as a tar file
    begin "$*" || return 0
    build "$@" "$WORK/image" "$WORK/$tree.tar" || return 0
    expect_features "$@"
    if [[ $* == *--tar=i* ]]; then show "$tree" "$WORK/$tree.tar"; else show "$tree"; fi
  }
  # Sockets are not in tar files, and not all times and links come out of them.
  loses=everything tarred --tar=f
  loses=everything tarred --tar=i
  tree=code tarred --tar=f --sort=none
  tree=code tarred --tar=f -zzstd -C65536 -Efragments
  tree=code tarred --tar=i
  if begin "--tar=i, and the tar file behind the image"; then
    if build --tar=i "$WORK/image" "$WORK/code.tar"; then
      cat "$WORK/code.tar" >>"$WORK/image"
      show code
    fi
  fi
  rm "$WORK/odd.tar" "$WORK/code.tar"

  for chunk in 4096 65536; do
    if begin "--blobdev --chunksize=$chunk, and the device behind the image"; then
      : >"$WORK/blob"
      if build --blobdev="$WORK/blob" --chunksize=$chunk "$WORK/image" "$WORK/odd"; then
        cat "$WORK/blob" >>"$WORK/image"
        show odd
      fi
      rm "$WORK/blob"
    fi
  done
fi

# --- 1.8: images of images, and of layers ---

if since 1.8; then
  tool_of "$suite" mkfs.erofs -Enoinline_data "$WORK/odd.image" "$WORK/odd" >/dev/null 2>&1
  tool_of "$suite" mkfs.erofs -Enoinline_data "$WORK/code.image" "$code" >/dev/null 2>&1
  if begin "two images as devices of a third"; then
    if build "$WORK/image" "$WORK/odd.image" "$WORK/code.image"; then
      loses=everything show odd "$WORK/odd.image" "$WORK/code.image"
    fi
  fi
  if since 1.9 && begin "-zlz4 --clean=data, two images copied into a third"; then
    if build -zlz4 --clean=data "$WORK/image" "$WORK/odd.image" "$WORK/code.image"; then
      loses=everything show odd
    fi
  fi
  rm "$WORK/odd.image" "$WORK/code.image"

  mkdir -p "$WORK/layer/folder"
  cp "$code/text" "$WORK/layer/folder"
  touch "$WORK/layer/.wh.mixed" "$WORK/layer/folder/.wh..wh..opq"
  tar_of "$WORK/layer" >"$WORK/layer.tar"
  tree=layer loses=everything tarred --tar=f --aufs -zlz4
  if begin "-zlz4 --incremental=data, a layer on top of another"; then
    tar_of "$code" >"$WORK/code.tar"
    if build -zlz4 --tar=f "$WORK/image" "$WORK/code.tar" &&
       build -zlz4 --tar=f --aufs --incremental=data "$WORK/image" "$WORK/layer.tar"; then
      loses=everything show code
    fi
    rm "$WORK/code.tar"
  fi
  rm -r "$WORK/layer" "$WORK/layer.tar"

  # More than one algorithm in an image. 1.9 crashes when a hint says which.
  printf '%s\n' '4096 1 ^sizes/' '16384 0 ^xattrs/' '65536 2 ^(links|sparse)' >"$WORK/hints"
  if ! since 1.9; then
    random=1 image -zlz4:zstd:lzma -C65536 --compress-hints="$WORK/hints"
    image -zlz4:zstd:lzma -C65536 -Efragments --compress-hints="$WORK/hints"
  fi
fi

# --- 1.9: encoded extents, the metabox, the metadata zone, compressed directories ---

if since 1.9; then
  # Images with 48-bit addresses keep 32 bits of the time.
  loses=$times image -E48bit
  loses=$times image -Edot-omitted
  for algorithm in lz4 lzma deflate zstd; do
    loses=$times image -z$algorithm -E48bit
    tree=code loses=$times random=1 image -z$algorithm -E48bit -C65536
    tree=code loses=$times image -z$algorithm -E48bit,fragments -C65536 --max-extent-bytes=65536
    loses=$times image -z$algorithm -Edot-omitted,all-fragments -C16384
  done
  tree=code loses=$times image -zlz4 -E48bit,dedupe -C65536
  tree=code loses=$times image -zzstd -E48bit,dedupe,fragments -C65536
  loses=$times image -b512 -zzstd -E48bit -C16384
  tree=sparse loses=$times image -zlz4 -E48bit
  tree=zeros loses=$times image -zzstd -E48bit -C1048576

  for metabox in 4096 4096:lz4 4096:lzma 4096:zstd; do
    loses=$times image -m$metabox
    loses=$times image -zlz4 -m$metabox
    tree=code loses=$times image -zzstd -m$metabox -Efragments,dedupe
  done
  loses=$times image -zlz4 -m4096 -Eztailpacking
  loses=$times image -b512 -zlz4 -m512
  for place in "" ,plain-xattr-prefixes; do
    loses=$times image -zlz4 -m4096 -Efragments$place --xattr-prefix=user.num
    image -zlz4 -Efragments$place --xattr-prefix=user.num
  done
  image -zlz4 --MZ
  image -zlz4 --MZ=id
  image -zlz4 -Eztailpacking,fragments --MZ=id
  image -zlz4 --zD
  image -zzstd --zD -Eall-fragments,ztailpacking
  loses=$times image -zzstd --zD -m4096 --MZ=id -E48bit,fragments
  loses="s/ trusted.digest=[^ ]*//; $times" image -zzstd --xattr-inode-digest=trusted.digest
  tree=code image -zlzma,lc=0,lp=2,pb=0
  tree=code image -zlzma,lc=4,lp=0,pb=4 -C65536
  image -zlz4 --fsalignblks=16
  tree=tiny loses=$times image -zzstd -Eall-fragments -C65536 -T1000000000
  tree=zeros image -zlibdeflate -C65536
  tree=zeros image -zlzma -C1048576
fi

note "$images images: $by_linux as Linux shows them, $by_erofsfuse as erofsfuse does," \
     "$by_source as their sources, $against_theirs unlike Linux or erofsfuse"
((failed == 0)) || fail "$failed findings in $images images"
((images > 0)) || fail "no image has \"$words\" in its options"
