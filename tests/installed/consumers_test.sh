#!/bin/sh
# A user's project in each way in which it may get fovea: pkg-config, Meson's dependency and subproject, CMake's find_package and FetchContent.
# The first three use an installation that was moved. Subproject and FetchContent are configured; FOVEA_CONSUMERS=build compiles the library
# in them too. Without CMake its two ways are skipped.
# Usage: consumers_test.sh BUILD_FOLDER SOURCE_FOLDER COMPILER
set -eu
build=$1 source=$2
export CXX="$3" CXXFLAGS= CMAKE_GENERATOR=Ninja  # which Meson has brought; make need not be there
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
consumer=$source/tests/installed/consumer
ways=0

fail() {
  echo "FAILED: $*"
  exit 1
}
# Its output is shown where it fails.
quietly() { "$@" >"$folder/log" 2>&1 || { cat "$folder/log"; fail "$*"; }; }
# Arguments: a way, and the folder of the programs in both precisions.
trains() {
  [ "$("$2/consumer")" = "$version of 4 bytes" ] || fail "$1"
  [ ! -e "$2/consumer64" ] || [ "$("$2/consumer64")" = "$version of 8 bytes" ] || fail "$1, in double precision"
  ways=$((ways + 1))
}

quietly env DESTDIR="$folder/first" meson install -C "$build" --no-rebuild
pc=$(find "$folder/first" -name fovea.pc)
libdir=${pc#"$folder/first"} && libdir=${libdir%/pkgconfig/fovea.pc}
mv "$folder/first" "$folder/moved"
export PKG_CONFIG_PATH="$folder/moved$libdir/pkgconfig${PKG_CONFIG_PATH:+:$PKG_CONFIG_PATH}"
export LD_LIBRARY_PATH="$folder/moved$libdir${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}"
version=$(pkg-config --modversion fovea)

# pkg-config: no flag of a library that programs do not see.
mkdir "$folder/programs"
for package in fovea fovea64; do
  flags=$(pkg-config --cflags "$package")
  case $flags in *HWY* | *openblas*) fail "pkg-config --cflags $package is $flags" ;; esac
  program=$folder/programs/consumer${package#fovea}
  quietly $CXX -std=c++20 -O1 -Wall -Wextra -Werror $flags "$consumer/main.cpp" -o "$program" $(pkg-config --static --libs "$package")
  trains "pkg-config --static" "$folder/programs"
  quietly $CXX -std=c++20 $flags "$consumer/main.cpp" -o "$program" $(pkg-config --libs "$package")
done
trains pkg-config "$folder/programs"
if [ -e "$folder/moved$libdir/libfovea.so" ]; then
  name=$(objdump -p "$folder/moved$libdir/libfovea.so" | sed -n 's/.*SONAME *//p')
  [ "$name" = "libfovea.so.${version%%.*}" ] || fail "the soname is $name"
fi

cp -r "$consumer" "$folder/dependency"
quietly meson setup "$folder/dependency/build" "$folder/dependency"
quietly meson compile -C "$folder/dependency/build"
trains "Meson's dependency" "$folder/dependency/build"

# A subproject has the library alone: no tests, no second precision, and fast loops in a debug build.
cp -r "$consumer" "$folder/subproject"
mkdir "$folder/subproject/subprojects"
mkdir "$folder/subproject/subprojects/fovea"
for part in include src cmake meson.build meson_options.txt; do cp -r "$source/$part" "$folder/subproject/subprojects/fovea/"; done
quietly meson setup "$folder/subproject/build" "$folder/subproject" --force-fallback-for=fovea -Din_double=false -Dbuildtype=debug
targets=$(meson introspect "$folder/subproject/build" --targets | python3 -c '
import json, sys
print(*sorted(target["name"] for target in json.load(sys.stdin) if target["build_by_default"]))')
[ "$targets" = "consumer fovea" ] || fail "the targets of a project with the subproject are: $targets"
grep -q '"command": .*-O2 .*gemm\.cpp"' "$folder/subproject/build/compile_commands.json" || fail "the loops of a subproject are not optimised"
if [ "${FOVEA_CONSUMERS:-}" = build ]; then
  quietly meson compile -C "$folder/subproject/build"
  trains "Meson's subproject" "$folder/subproject/build"
fi

if ! command -v cmake >/dev/null; then
  echo "skipped: find_package and FetchContent; Debian: apt-get install cmake"
else
  quietly cmake -S "$consumer" -B "$folder/package" -Dfovea_DIR="$folder/moved$libdir/cmake/fovea"
  quietly cmake --build "$folder/package"
  trains "CMake's find_package" "$folder/package"
  sed 's/find_package(fovea 0.1 /find_package(fovea 99.1 /' "$consumer/CMakeLists.txt" >"$folder/package/CMakeLists.txt"
  cp "$consumer/main.cpp" "$folder/package"
  if cmake -S "$folder/package" -B "$folder/newer" -Dfovea_DIR="$folder/moved$libdir/cmake/fovea" >"$folder/log" 2>&1; then fail "find_package takes what is older than 99.1"; fi
  grep -q "version: $version" "$folder/log" || { cat "$folder/log"; fail "find_package of a newer version"; }
  sed 's/find_package(fovea 0.1 /find_package(fovea 0 /' "$consumer/CMakeLists.txt" >"$folder/package/CMakeLists.txt"
  quietly cmake -S "$folder/package" -B "$folder/major" -Dfovea_DIR="$folder/moved$libdir/cmake/fovea"
  quietly cmake -S "$consumer" -B "$folder/fetched" -DFETCH="$source" -DCMAKE_BUILD_TYPE=Debug -DCMAKE_EXPORT_COMPILE_COMMANDS=ON
  # The sources of Meson's library are those of CMake's.
  listed() { sed -n 's/.*"file": "\(.*\)src\/\([a-z0-9_/]*\.cpp\)".*/\2/p' "$1" | LC_ALL=C sort -u; }
  listed "$folder/fetched/compile_commands.json" >"$folder/of_cmake"
  listed "$folder/subproject/build/compile_commands.json" >"$folder/of_meson"
  quietly diff "$folder/of_meson" "$folder/of_cmake"
  [ "$(wc -l <"$folder/of_cmake")" -gt 150 ] || fail "CMake finds few sources"
  if [ "${FOVEA_CONSUMERS:-}" = build ]; then
    quietly cmake --build "$folder/fetched" -j 2
    trains FetchContent "$folder/fetched"
  fi
fi
echo "figure: ways in which a program got the library = $ways"
