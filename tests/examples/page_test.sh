#!/bin/sh
# The page of attention in a browser: each view draws itself, from a file, as the address says.
# Usage: page_test.sh BROWSER LOOK_INSIDE VIZ_TEST
set -u
browser=$1 look_inside=$(realpath "$2") viz_test=$(realpath "$3")
folder=$(mktemp -d) || exit 1
trap 'rm -rf "$folder"' EXIT
"$look_inside" --folder "$folder" >"$folder/out" 2>&1 || { cat "$folder/out"; exit 1; }
FOVEA_PAGE="$folder/heads.html" "$viz_test" -tc='a page of heads*' >"$folder/out" 2>&1 || { cat "$folder/out"; exit 1; }
failures=0
page=look_inside_attention.html
# Arguments: what the address says; patterns that the page must have once its program has run.
shows() {
  address=$1
  shift
  timeout 60 "$browser" --headless --no-sandbox --disable-gpu --user-data-dir="$folder/profile" --virtual-time-budget=2000 \
    --dump-dom "file://$folder/$page#$address" >"$folder/page" 2>/dev/null
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
# Several heads; tokens that would end a script, and one of 100,000 letters.
page=heads.html
shows 'view=lines&head=1' 'aria-pressed="false" title="Head 0;' 'aria-pressed="true" title="Head 1;'
shows 'view=lines' 'aria-pressed="true" title="Head 0;' 'aria-pressed="true" title="Head 2;' 'are not drawn'
shows 'view=lines&shown=0.2' 'aria-pressed="false" title="Head 1;' 'aria-pressed="true" title="Head 2;'
shows 'view=heat&query=0&key=13' '&lt;/script&gt;' 'key 13: x\{300\}…</bdi>'
shows 'view=heat&layer=1' 'no tokens'
shows 'view=lines&layer=1' 'no tokens'
shows 'view=all' 'class="thumb" title="layer, head 2: entropy' 'head 1: entropy 0.00 nats'
[ $failures -eq 0 ] && echo 'each view of the page is drawn'
exit $failures
