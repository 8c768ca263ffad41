#!/bin/bash
# Nothing in the repository speaks of one machine: no paths of somebody's home or working folder, no
# addresses of private hosts, no conflict markers, no carriage returns.
set -euo pipefail
cd "${SOURCE_DIR:-$(dirname "$0")/..}"

status=0
look() { # WHAT PATTERN
  if grep -rnIE --exclude-dir={.git,.cache,build} --exclude=.git \
       --exclude="$(basename "$0")" -e "$2" .; then
    echo "FAIL: portable_text: $1, above" >&2
    status=1
  fi
}
# The first pattern's "[^...]" keeps it from meeting things like "framework/x" and "$HOME/root/".
look "a path of one machine" '(^|[^[:alnum:]_./$}~-])/(work|home|Users|workspace|mnt/data)/[[:alnum:]]'
look "an address of a private network" '\b(10|192\.168|172\.(1[6-9]|2[0-9]|3[01]))\.[0-9]+\.[0-9]+\.?[0-9]*\b'
look "a host name of a private network" '[[:alnum:]]\.(internal|corp|lan|local)\b'
look "a conflict marker" '^(<<<<<<<|>>>>>>>)( |$)'
look "a carriage return" $'\r'
exit "$status"
