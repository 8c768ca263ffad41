#!/bin/bash
# A folder includes only itself and the floors below it: the table of docs/architecture.md.
set -euo pipefail
cd "${SOURCE_DIR:-$(dirname "$0")/..}"

declare -A floors=(
  [base]=""
  [format]="base"
  [codec]="base"
  [io]="base"
  [verity]="base io"
  [image]="base format codec io"
  [mkfs]="base format codec verity"
  [fsck]="base format io verity image"
  [extract]="base format io image"
  [fuse]="base format io image"
  [amber]="base format codec io verity image mkfs fsck extract fuse"
)
anything="tests fuzz bench"

status=0
complain() {
  echo "FAIL: layers: $*" >&2
  status=1
}

shopt -s nullglob
for folder in "${!floors[@]}"; do
  allowed=" $folder ${floors[$folder]} "
  files=("$folder"/*.h "$folder"/*.cc "$folder"/*.def)
  [[ -d $folder ]] || complain "$folder/ is missing"
  for file in "${files[@]}"; do
    [[ $file == *_test.cc ]] && continue
    while read -r included; do
      below=${included%%/*}
      [[ $included == */* ]] || complain "$file includes \"$included\": write it from the root"
      [[ $allowed == *" $below "* ]] || complain "$file includes \"$included\""
      [[ -e $included ]] || complain "$file includes \"$included\", which does not exist"
    done < <(sed -nE 's/^[[:space:]]*#[[:space:]]*include[[:space:]]+"([^"]*)".*/\1/p' "$file")
    if [[ $folder != fuse ]] && grep -nE '#[[:space:]]*include[[:space:]]+<fuse' "$file"; then
      complain "$file includes libfuse's headers, which only fuse/ may"
    fi
    if [[ $folder != mkfs ]] && grep -nE '#[[:space:]]*include[[:space:]]+<archive' "$file"; then
      complain "$file includes libarchive's headers, which only mkfs/ may"
    fi
    if [[ $folder != codec ]] &&
      grep -nE '#[[:space:]]*include[[:space:]]+<(lz4|lzma|libdeflate|zlib|zstd|zdict)' "$file"; then
      complain "$file includes a compression library's headers, which only codec/ may"
    fi
  done
done

# Two classes of one name would be one for the linker.
twice=$(sed -nE 's/^class (\[\[nodiscard\]\] )?([A-Za-z0-9_]+)( final)?( : .*)? \{$/\2/p' [a-z]*/*.h | sort | uniq -d)
[[ ! $twice ]] || complain "several headers define a class ${twice//$'\n'/, }"

# A folder with sources that is in neither list escapes this test.
for file in */*.cc */*.h; do
  folder=${file%%/*}
  [[ -v floors[$folder] || " $anything build " == *" $folder "* ]] ||
    complain "$folder/ is on no floor: add it here and to docs/architecture.md"
done

# The table that people read says the same.
for folder in "${!floors[@]}"; do
  line=$(sed -nE "s/^\| \`$folder\` \| ([^|]*) \|.*/\1/p" docs/architecture.md)
  case $line in
    "") complain "docs/architecture.md does not say what $folder may include" ;;
    – ) line= ;;
    "all of them") line=${floors[amber]} ;;
  esac
  [[ ${line//,/} == "${floors[$folder]}" ]] ||
    complain "docs/architecture.md lets $folder include '${line//,/}', this test '${floors[$folder]}'"
done
exit "$status"
