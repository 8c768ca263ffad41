#!/bin/bash
# What amber info, ls, cat, stat and map say about an image is what coreutils say about its mount.
set -euo pipefail
# shellcheck source=tests/lib.sh
source "$(dirname "$0")/../lib.sh"
need_root
need_fuse
need jq getfattr

image=$WORK/image
mnt=$WORK/mnt
mkdir "$mnt"
"$TOOLS/odd_tree" --small "$WORK/tree"
"$AMBER" mkfs -q "$image" "$WORK/tree"
fuse_mount "$image" "$mnt"

note "cat"
# Not what lies beyond PATH_MAX, where cat does not get.
files() { (cd "$1" && find . -path ./far -prune -o -type f -size -16M -print0 | sort -z); }
files "$mnt" | (cd "$mnt" && xargs -0 cat) | sha256sum >"$WORK/by-cat"
files "$mnt" | xargs -0 "$AMBER" cat "$image" | sha256sum >"$WORK/by-amber"
same "$WORK/by-cat" "$WORK/by-amber" "contents differ"
letters=abcdefghijklmnopqrstuvwxyz
far=far
for ((level = 0; level < 40; ++level)); do
  far+=/$(head -c 200 /dev/zero | tr '\0' "${letters:level % 26:1}")
done
equal "$("$AMBER" cat "$image" "$far/bottom")" "no path leads here" "a file beyond PATH_MAX"
equal "$("$AMBER" cat "$image" symlinks/relative | sha256sum)" \
  "$(sha256sum <"$WORK/tree/sizes/prose-1024")" "a file through a link"

note "ls"
for folder in modes owners nodes times links-a sparse; do
  for zone in UTC0 America/St_Johns; do
    (cd "$mnt" && TZ=$zone ls -lnAR --time-style=long-iso "$folder") >"$WORK/by-ls"
    TZ=$zone "$AMBER" ls -lR "$image" "$folder" >"$WORK/by-amber"
    for list in "$WORK/by-ls" "$WORK/by-amber"; do
      grep -v '^total ' "$list" | tr -s ' ' >"$list.squeezed"
    done
    same "$WORK/by-ls.squeezed" "$WORK/by-amber.squeezed" "ls -l of $folder in zone $zone"
  done
done
for options in -a -ai -aR -aiR; do
  (cd "$mnt" && ls -1 $options deep large) | sed 's/^ *//' >"$WORK/by-ls"
  "$AMBER" ls $options "$image" deep large | sed 's/^ *//' >"$WORK/by-amber"
  same "$WORK/by-ls" "$WORK/by-amber" "ls $options"
done
equal "$("$AMBER" ls -aR --json "$image" | jq -s 'map(select(.path | tostring | test("/\\.\\.?$") | not)) | length')" \
  "$(find "$mnt" -mindepth 1 -printf x | wc -c)" "entries in all"

# Lines in which nothing had to be escaped.
text_only() { grep -a '^[[:print:][:space:]]*$' | grep -av '[\]'; }

note "the details of every file whose name is text"
# Of inodes in both: name, number, type, mode, links, owner, size (of directories it is each file
# system's own), time, target.
(cd "$mnt" && find . -mindepth 1 ! -path ./symlinks/bytes -printf '/%P\t%i\t%y\t%04m\t%n\t%U\t%G\t%s\t%T@\t%l\n') |
  text_only | sort >"$WORK/by-find"
"$AMBER" ls -aR --json "$image" |
  jq -r 'select(.path | type == "string" and (test("/\\.\\.?$") | not)) |
    select((.target // "") | type == "string") |
    [.path, .nid, ({"file": "f", "directory": "d", "symlink": "l", "char-device": "c",
      "block-device": "b", "fifo": "p", "socket": "s"}[.type]), .mode, .nlink, .uid, .gid, .size,
      "\(.mtime).\(.mtime_nsec | tostring | "000000000"[length:] + .)0", .target // ""] |
    map(tostring) | join("\t")' |
  text_only | sort >"$WORK/by-amber"
lines=$(wc -l <"$WORK/by-amber")
((lines > 4000)) || fail "only $lines names are text"
same "$WORK/by-find" "$WORK/by-amber" "details differ"

note "stat"
(cd "$mnt" && find modes owners nodes links-a symlinks times -print0 |
  xargs -0 stat -c '%n %i %f %h %u %g %s %b' | sed 's/^/\//' | sort) >"$WORK/by-stat"
(cd "$mnt" && find modes owners nodes links-a symlinks times -print0) |
  xargs -0 "$AMBER" stat --json "$image" |
  jq -r '[.path, .nid, .type, .mode, .nlink, .uid, .gid, .size, .blocks] | join(" ")' |
  while read -r path nid type mode rest; do
    case $type in
      file) bits=0100000 ;; directory) bits=040000 ;; symlink) bits=0120000 ;; fifo) bits=010000 ;;
      socket) bits=0140000 ;; char-device) bits=020000 ;; block-device) bits=060000 ;;
    esac
    printf '%s %s %x %s\n' "$path" "$nid" $((bits | 8#$mode)) "$rest"
  done | sort >"$WORK/by-amber"
same "$WORK/by-stat" "$WORK/by-amber" "stat differs"
# Attributes, all of whose values are UTF-8 here.
(cd "$mnt" && getfattr -h -d -m - -e base64 -R -P xattrs/shared xattrs/security xattrs/link) |
  grep '=' | sort >"$WORK/by-getfattr"
(cd "$mnt" && find xattrs/shared xattrs/security xattrs/link -print0) |
  xargs -0 "$AMBER" stat --json "$image" |
  jq -r '.xattrs[] | "\(.name)=0s\(.value | @base64)"' | sort >"$WORK/by-amber"
(($(wc -l <"$WORK/by-amber") > 800)) || fail "only $(wc -l <"$WORK/by-amber") attributes"
same "$WORK/by-getfattr" "$WORK/by-amber" "attributes differ"

note "map"
"$AMBER" map --json "$image" >"$WORK/map"
for holes in true false; do
  equal "$(jq -s "map(select((.kind == \"hole\") == $holes).length) | add" "$WORK/map")" \
    "$("$AMBER" fsck --json "$image" |
      jq "if $holes then .checked.hole_bytes else .checked.data_bytes end")" "bytes, holes: $holes"
done
# A file's extents follow one another from its first byte to its last.
jq -r -s 'group_by(.nid)[] |
  "\(.[0].nid) \(reduce sort_by(.pos)[] as $e (0; if . == $e.pos then . + $e.length else -1 end))"' \
  "$WORK/map" | sort >"$WORK/by-amber"
find "$mnt" -type f -size +0 -printf '%i %s\n' | sort -u >"$WORK/by-find"
grep -xFf "$WORK/by-find" "$WORK/by-amber" | sort >"$WORK/got"
same "$WORK/by-find" "$WORK/got" "extents do not cover their files"
# And the bytes are where it says.
for file in sizes/noise-8193 sparse/comb sparse/middle links-a/large; do
  "$AMBER" map --json "$image" "$file" | jq -r 'select(.offset) | "\(.pos) \(.length) \(.offset)"' |
    while read -r pos length offset; do
      cmp -n "$length" -i "$offset:$pos" "$image" "$mnt/$file" || fail "$file at $pos"
    done
done
"$AMBER" umount "$mnt"

note "info"
info=$("$AMBER" info --json "$image")
equal "$(jq .inodes <<<"$info")" "$("$AMBER" fsck --json "$image" | jq .checked.inodes)" "inodes"
equal "$(jq -r .verity <<<"$info")" null "nobody vouches for it"
cp "$image" "$WORK/sealed"
digest=$("$AMBER" verity build --format=append "$WORK/sealed" | awk '$1 == "digest" { print $2 }')
equal "$("$AMBER" info --json --digest="$digest" "$WORK/sealed" | jq -r '.verity | .level, .digest')" \
  "digest"$'\n'"$digest" "who vouches for a sealed image"
"$AMBER" info "$WORK/sealed" | grep -q '^  verity  *verified (integrity)' || fail "info's text"
expect_status 1 "$AMBER" info --digest="sha256-12:$(printf '0%.0s' {1..64})" "$WORK/sealed"

note "compressed files"
need mkfs.erofs dump.erofs
"$TOOLS/odd_tree" --small --tame "$WORK/tame"
mkfs.erofs --quiet -zlz4hc -C65536 "$image" "$WORK/tame" >"$WORK/log" 2>&1 ||
  { cat "$WORK/log" >&2; skip "mkfs.erofs does not compress"; }
equal "$("$AMBER" info --json "$image" | jq -r '.compression[]')" lz4 "what info says"
dump.erofs "$image" >"$WORK/by-dump"
equal "$("$AMBER" info --json "$image" | jq -r .uuid)" \
  "$(awk '/UUID/ { print $NF }' "$WORK/by-dump")" "the UUID"
files "$WORK/tame" | (cd "$WORK/tame" && xargs -0 cat) | sha256sum >"$WORK/by-cat"
files "$WORK/tame" | xargs -0 "$AMBER" cat "$image" | sha256sum >"$WORK/by-amber"
same "$WORK/by-cat" "$WORK/by-amber" "contents differ"
compressed=0
for file in "$WORK"/tame/sizes/*; do
  file=/sizes/${file##*/}
  "$AMBER" map --json "$image" "$file" |
    jq -r 'select(.kind == "encoded" and .algorithm == "lz4") |
      "\(.pos) \(.length) \(.offset) \(.encoded_bytes)"' >"$WORK/by-amber"
  [[ -s $WORK/by-amber ]] || continue
  ((++compressed))
  dump.erofs -e --path="$file" "$image" | tr -s ' :|.' ' ' | sed 's/^ //' |
    awk '/^[0-9]+ [0-9]+ [0-9]+ [0-9]+ [0-9]+ [0-9]+ [0-9]+ *$/ { print $2, $4, $5, $7 }' \
      >"$WORK/by-dump"
  ! grep -qvxFf "$WORK/by-dump" "$WORK/by-amber" || fail "$file: dump.erofs says otherwise"
done
((compressed > 10)) || fail "only $compressed files are compressed"
