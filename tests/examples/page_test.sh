#!/bin/sh
# The page of attention in a browser: each view draws itself, from a file, as the address says.
# Usage: page_test.sh BROWSER LOOK_INSIDE
set -u
browser=$1 look_inside=$(realpath "$2")
folder=$(mktemp -d) || exit 1
trap 'rm -rf "$folder"' EXIT
"$look_inside" --folder "$folder" >"$folder/out" 2>&1 || { cat "$folder/out"; exit 1; }
failures=0
# Arguments: what the address says; patterns that the page must have once its program has run.
shows() {
  address=$1
  shift
  timeout 60 "$browser" --headless --no-sandbox --disable-gpu --user-data-dir="$folder/profile" --virtual-time-budget=2000 \
    --dump-dom "file://$folder/look_inside_attention.html#$address" >"$folder/page" 2>/dev/null
  for pattern in "$@"; do
    grep -q "$pattern" "$folder/page" && continue
    echo "FAILED: no \"$pattern\" on the page of $address"
    failures=$((failures + 1))
  done
}
shows 'view=heat&layer=1&query=0&key=2' 'aria-pressed="true">heat map' 'Weights of 1 queries' '<bdi>key 2: ' '<bdi>weight</bdi><b> ' '<bdi>gradient'
shows 'view=lines&layer=2' 'aria-pressed="true">lines' 'Lines from queries' 'are not drawn'
shows 'view=all' 'aria-pressed="true">all heads' 'class="thumb" title="sentence 3, class'
shows 'view=none&layer=99&head=-7' 'aria-pressed="true">heat map'
[ $failures -eq 0 ] && echo 'each view of the page is drawn'
exit $failures
