#!/bin/bash
# Each rule of base/rules.def has its sentence in docs/format.md, code that looks, and an image in
# tests/bad/ that breaks it.
set -euo pipefail
cd "${SOURCE_DIR:-$(dirname "$0")/..}"

status=0
complain() {
  echo "FAIL: rules: $*" >&2
  status=1
}

# Sentences are broken over lines: all of it as one line.
document=$(tr -s '\n ' ' ' <docs/format.md)
used=$(find format io image fsck fuse -name '*.cc' ! -name '*_test.cc' -exec cat {} + |
         grep -oE 'Rule::k[A-Za-z0-9]+' | sort -u)
images=$(cat tests/bad/*.cc 2>/dev/null | grep -oE 'BAD_(COMPRESSED_)?IMAGE\([A-Z]+[0-9]+' |
           sed 's/.*(//' | sort -u) || true

rules=0
while read -r enumerator id sentence; do
  rules=$((rules + 1))
  [[ $document == *"**$id** $sentence"* ]] ||
    complain "$id: docs/format.md does not say '**$id** $sentence'"
  grep -qx "Rule::$enumerator" <<<"$used" || complain "$id: no library uses Rule::$enumerator"
  grep -qx "${id//-/}" <<<"$images" || complain "$id: no image in tests/bad breaks it"
done < <(sed -nE 's/^AMBERFS_RULE\((k[A-Za-z0-9]+), "([A-Z]+-[0-9]+)", [A-Za-z]+, "(.*)"\)$/\1 \2 \3/p' \
           base/rules.def | sed 's/\\"/"/g')
((rules == $(grep -c '^AMBERFS_RULE' base/rules.def))) ||
  complain "a line of base/rules.def has another form than the others"

# The other way round: nobody speaks of a rule that is not there.
known=$(sed -nE 's/^AMBERFS_RULE\(k[A-Za-z0-9]+, "([^"]*)".*/\1/p' base/rules.def)
for id in $(grep -oE '\*\*[A-Z]+-[0-9]+\*\*' docs/format.md | tr -d '*' | sort -u); do
  grep -qx -- "$id" <<<"$known" || complain "docs/format.md has $id, base/rules.def does not"
done
for image in $images; do
  tr -d '-' <<<"$known" | grep -qx -- "$image" ||
    complain "tests/bad breaks $image, base/rules.def has no such rule"
done

((status)) || echo "$rules rules"
exit "$status"
