#!/bin/sh
# What a user's program sees: fovea is installed into an empty folder, and the programs of the documentation are compiled against that
# alone and run, in both precisions.
# Usage: installed_test.sh BUILD_FOLDER COMPILER PAGE...
set -eu
build=$1 compiler=$2
shift 2
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
DESTDIR=$folder meson install -C "$build" --no-rebuild >"$folder/log" 2>&1 || { cat "$folder/log"; exit 1; }
pc=$(find "$folder" -name fovea.pc)
export PKG_CONFIG_PATH="${pc%/*}${PKG_CONFIG_PATH:+:$PKG_CONFIG_PATH}"
programs=0
for page in "$@"; do
  name=$(basename "$page" .md)
  awk '/^```cpp program$/ { inside = 1; next } /^```$/ { inside = 0 } inside' "$page" >"$folder/$name.cpp"
  [ -s "$folder/$name.cpp" ] || { echo "$page has no program"; exit 1; }
  for package in fovea fovea64; do
    # The prefix of the package is moved to the folder; those of what it requires stay.
    flags=$(pkg-config --define-variable=prefix="${pc%/lib/*}" --cflags --libs "$package")
    $compiler -std=c++20 -O1 -Wall -Wextra -Werror "$folder/$name.cpp" -o "$folder/$name" $flags
    echo "$name with $package:"
    "$folder/$name"
    programs=$((programs + 1))
  done
done
echo "figure: documented programs against the installed library = $programs"
