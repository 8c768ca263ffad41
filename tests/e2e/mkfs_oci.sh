#!/bin/bash
# An image of an OCI layout shows what overlayfs shows of its layers, each an image of its own; and
# layouts that are not what they say are refused.
set -euo pipefail
# shellcheck source=tests/lib.sh
source "$(dirname "$0")/../lib.sh"
need_root
need_fuse
need tar jq sha256sum gzip zstd

image=$WORK/image mnt=$WORK/mnt layout=$WORK/layout
mkdir -p "$mnt" "$WORK/merged" "$layout/blobs/sha256"
member() { "$TOOLS/tar_member" "$@"; }
end() { head -c 1024 /dev/zero; }

# blob TYPE <BYTES: puts it there and prints its descriptor.
blob() {
  local digest
  cat >"$WORK/blob"
  digest=$(sha256sum <"$WORK/blob" | cut -d' ' -f1)
  cp "$WORK/blob" "$layout/blobs/sha256/$digest"
  jq -nc --arg type "$1" --arg digest "sha256:$digest" --argjson size "$(stat -c %s "$WORK/blob")" \
    '{mediaType: $type, digest: $digest, size: $size}'
}
manifest() { # LAYER...: descriptors
  printf '%s\n' "$@" | jq -sc --argjson config "$(echo '{}' | blob application/vnd.oci.image.config.v1+json)" \
    '{schemaVersion: 2, mediaType: "application/vnd.oci.image.manifest.v1+json", config: $config, layers: .}' |
    blob application/vnd.oci.image.manifest.v1+json
}
tagged() { jq -c --arg tag "$1" '. + {annotations: {"org.opencontainers.image.ref.name": $tag}}'; }
index() { printf '%s\n' "$@" | jq -sc '{schemaVersion: 2, manifests: .}' >"$layout/index.json"; }
echo '{"imageLayoutVersion": "1.0.0"}' >"$layout/oci-layout"

# --- layers ---

# The lowest: one of everything.
"$TOOLS/odd_tree" --small --tame "$WORK/tree"
# Those would be taken for whiteouts.
rm "$WORK"/tree/names/.wh.{whiteout,.wh..opq} "$WORK/tree/nodes/char-0-0"
find "$WORK/tree" -type s -delete
mkdir -p "$WORK/tree/over"/{dir/deep,opaque/sub,replaced/sub,file-later,kept/sub}
for name in over/{dir/{a,b,deep/c},opaque/{a,sub/b},replaced/{a,sub/b},kept/{a,sub/b},file,gone,dir-later,linked}; do
  echo "lowest $name" >"$WORK/tree/$name"
done
ln -s dir "$WORK/tree/over/link"
find "$WORK/tree/over" -exec touch -h -d @1400000000.5 {} +
tar -C "$WORK/tree" --format=pax --numeric-owner --xattrs --xattrs-include='*' -cf "$WORK/1.tar" . 2>"$WORK/err"
# The next takes out, hides, replaces, adds. As real layers do, it has the directories above.
{
  for directory in . links-a over over/dir; do member $directory/ 5 mtime=1500000001; done
  : | member over/.wh.gone 0
  : | member over/dir/.wh.a 0
  : | member over/dir/.wh.never-was 0
  : | member over/opaque/.wh..wh..opq 0
  member over/opaque/ 5 mode=711
  echo new | member over/opaque/new 0
  member over/replaced/ 5 mode=700
  echo new | member over/replaced/new 0
  : | member over/.wh.replaced 0
  echo "a file now" | member over/file-later 0
  member over/dir-later/ 5
  echo in | member over/dir-later/in 0
  member over/kept/ 5 mode=500
  echo new | member over/file 0 uid=5
  member over/again 1 link=over/file
  member over/link/ 5
  echo below | member over/link/below 0
  : | member links-a/.wh.file 0
  end
} >"$WORK/2.tar"
# And the last takes out what the second has brought.
{
  for directory in . over over/replaced over/kept over/kept/sub; do member $directory/ 5 mtime=1500000002; done
  : | member over/replaced/.wh.new 0
  : | member over/kept/.wh..wh..opq 0
  echo last | member over/kept/sub/last 0
  : | member over/.wh.dir 0
  echo back | member over/gone 0 mode=600
  end
} >"$WORK/3.tar"

note "three layers, plain, gzip and zstd, put together"
one=$(blob application/vnd.oci.image.layer.v1.tar <"$WORK/1.tar")
two=$(gzip -c "$WORK/2.tar" | blob application/vnd.oci.image.layer.v1.tar+gzip)
three=$(zstd -qc "$WORK/3.tar" | blob application/vnd.oci.image.layer.v1.tar+zstd)
index "$(manifest "$one" "$two" "$three" | tagged all)" "$(manifest "$one" | tagged first)"
"$AMBER" mkfs -q "$image" "oci:$layout:all"
expect_status 0 "$AMBER" fsck --strict "$image"
fuse_mount "$image" "$mnt"
"$TOOLS/manifest" "$mnt" >"$WORK/ours"
"$AMBER" umount "$mnt"

note "the same layers, each an image, put together by overlayfs"
for layer in 1 2 3; do
  mkdir "$WORK/layer-$layer"
  "$AMBER" mkfs -q --aufs "$WORK/image-$layer" "$WORK/$layer.tar"
  expect_status 0 "$AMBER" fsck --strict "$WORK/image-$layer"
  mount -t erofs -o loop,ro "$WORK/image-$layer" "$WORK/layer-$layer"
done
mount -t overlay -o "ro,lowerdir=$WORK/layer-3:$WORK/layer-2:$WORK/layer-1" overlay "$WORK/merged"
"$TOOLS/manifest" "$WORK/merged" >"$WORK/theirs"
# overlayfs does not show its own attributes, nor links counts of merged directories and of files whose
# other name is hidden.
for whose in ours theirs; do sed -E 's/ nlink=[0-9]+//' "$WORK/$whose" >"$WORK/$whose.shown"; done
same "$WORK/theirs.shown" "$WORK/ours.shown" "another tree than overlayfs's"
umount "$WORK/merged"

note "tags, one image, an index for several machines"
"$AMBER" mkfs -q "$image" "oci:$layout:first"
"$AMBER" mkfs -q --aufs "$WORK/alone" "$WORK/1.tar"
cmp "$image" "$WORK/alone" || fail "a layer alone is another image than its archive"
case $(uname -m) in x86_64) machine=amd64 ;; aarch64) machine=arm64 ;; *) machine=$(uname -m) ;; esac
platform() { jq -c --arg machine "$1" '. + {platform: {os: "linux", architecture: $machine}}'; }
several=$(printf '%s\n' "$(manifest "$two" | platform other)" "$(manifest "$one" | platform "$machine")" |
  jq -sc '{schemaVersion: 2, manifests: .}' | blob application/vnd.oci.image.index.v1+json)
index "$several"
"$AMBER" mkfs -q "$image" "oci:$layout"
cmp "$image" "$WORK/alone" || fail "not the image for this machine"

# --- what is refused ---

# refused MESSAGE: in one line, with nothing left over.
refused() {
  rm -f "$image"
  expect_status 1 timeout 20 "$AMBER" mkfs "$image" "oci:$layout${2:-}"
  grep -qF -- "$1" "$WORK/err" || { cat "$WORK/err" >&2; fail "no '$1'"; }
  equal "$(wc -l <"$WORK/err")" 1 "lines about: $1"
  [[ ! -e $image ]] || fail "there is an image nevertheless"
}
note "what is refused"
index "$(manifest "$one" | tagged a)" "$(manifest "$two" | tagged b)"
refused "has several images; say which, of: a, b"
refused "has no image 'c', of: a, b" :c
index "$(manifest "$one" | jq -c '.digest = "sha256:" + ("0" * 64)')"
refused "0000: cannot open: No such file or directory"
index "$(manifest "$one" | jq -c '.digest = "sha512:00"')"
refused "which is no sha256 digest"
index "$(manifest "$one" | jq -c '.digest = "sha256:../../../../etc/passwd"')"
refused "which is no sha256 digest"
index "$(manifest "$one" | jq -c '.size += 1')"
refused "is not what its digest says"
index "$(manifest "$one" | jq -c '.mediaType = "text/html"')"
refused "names something of type 'text/html', which is no image"
index "$(manifest "$(jq -c '.mediaType += "+secret"' <<<"$one")")"
refused "has a layer of type 'application/vnd.oci.image.layer.v1.tar+secret', which is not supported"
index "$(manifest "$(jq -c '.size -= 1' <<<"$two")")"
refused "is not what its digest says"
index "$(manifest "$(jq -c 'del(.size)' <<<"$two")")"
refused "names a blob without its size"
index "$(manifest "$two")"
file=$layout/blobs/$(jq -r '.digest | sub(":"; "/")' <<<"$two")
cp "$file" "$WORK/kept"
printf x >>"$file"
refused "is not what its digest says"
{ head -c 80 "$WORK/kept"; printf '\377'; tail -c +82 "$WORK/kept"; } >"$file"
refused "$(basename "$file")"
rm "$file"
mkfifo "$file"
refused "is no file"
rm "$file"
refused "cannot open: No such file or directory"
echo '[' >"$layout/index.json"
refused "index.json: is no JSON object"
printf '[%.0s' {1..100000} >"$layout/index.json"
refused "index.json: is no JSON object"
head -c 5000000 /dev/zero >"$layout/index.json"
refused "index.json: is larger than 4 MiB"
echo '{"imageLayoutVersion": "2.0.0"}' >"$layout/oci-layout"
refused "is of no OCI layout of version 1.0.0"
