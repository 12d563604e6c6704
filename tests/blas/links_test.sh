#!/bin/sh
# OpenBLAS in all the ways in which a program may get it: shared, static, in a plug-in, as a build that cannot choose its core,
# and as one that multiplies wrongly. Each time the right core runs or the person is told, and the environment stays as it was.
# Usage: links_test.sh PROGRAM PLUGIN_HOST FAKE_FOLDER OLD_CORE [STATIC_PROGRAM]
set -u
program=$1 plugin_host=$2 fake_folder=$3 old_core=$4 static_program=${5:-}
folder=$(mktemp -d) || exit 1
trap 'rm -rf "$folder"' EXIT
unset OPENBLAS_CORETYPE LD_LIBRARY_PATH
failures=0
checks=0

fail() {
  echo "FAILED: $*"
  sed 's/^/    /' "$folder/out"
  failures=$((failures + 1))
}

# run CODE COMMAND...: its output in $folder/out.
run() {
  wanted=$1
  shift
  checks=$((checks + 1))
  "$@" >"$folder/out" 2>&1
  code=$?
  [ "$code" -eq "$wanted" ] || fail "exit code $code, not $wanted: $*"
}

value() { sed -n "s/^$1 //p" "$folder/out"; }
equals() {
  checks=$((checks + 1))
  [ "$2" = "$3" ] || fail "$1: \"$2\", not \"$3\""
}
prints() {
  checks=$((checks + 1))
  [ "$(grep -cF -e "$2" "$folder/out")" -eq "$1" ] || fail "not $1 lines with \"$2\""
}

flags=" $(sed -n 's/^flags[^:]*: //p' /proc/cpuinfo 2>/dev/null | head -n 1) "
case $flags in
  *" avx512vl "*) best=SkylakeX ;;
  *" avx2 "*) best=Haswell ;;
  *) best= ;;
esac

# A build that cannot choose its core: advice once, from the first fit that prints, and never from a silent one.
fake() { env LD_LIBRARY_PATH="$fake_folder" "$@"; }
run 0 fake "$program"
equals 'core of the fake' "$(value core)" Prescott
equals environment "$(value environment)" kept
if [ -n "$best" ]; then
  prints 1 "fovea: OpenBLAS 0.3.99 uses its kernels for Prescott, which are slower than others on this processor; start the program with OPENBLAS_CORETYPE=$best, or install a newer OpenBLAS"
  checks=$((checks + 1))
  [ "$(grep -n 'silent fit done' "$folder/out" | cut -d: -f1)" -lt "$(grep -n '^fovea: ' "$folder/out" | cut -d: -f1)" ] || fail 'advice from a silent fit'
  run 0 fake env FAKE_OPENBLAS_FIXED=1 "$program"
  prints 1 'fovea: OpenBLAS 0.3.99 uses its kernels for Prescott, which are slower than others on this processor; install an OpenBLAS that is built with DYNAMIC_ARCH'
  run 0 fake env OPENBLAS_CORETYPE=prescott "$program"
  prints 0 'fovea: OpenBLAS'
  run 0 fake env OPENBLAS_CORETYPE=Pentium "$program"
  prints 1 'fovea: OpenBLAS 0.3.99 uses its kernels for Prescott'
fi
run 77 fake "$program" down Prescott

# A library that multiplies wrongly: an error before anything is computed.
run 3 fake env FAKE_OPENBLAS_SPOILS=1 "$program"
prints 1 'StateError: matmul: OpenBLAS 0.3.99 multiplies wrongly with its kernels for Prescott on this processor: 14 of 14 known products are wrong; '
equals 'products of a wrong library' "$(value products)" ''

# The real one, in each way of linking.
run 0 "$program"
equals environment "$(value environment)" kept
prints 0 'fovea: OpenBLAS'
"$program" down Prescott >/dev/null 2>&1
if [ $? -eq 77 ] || [ -z "$best" ]; then
  echo "figure: checks of OpenBLAS' links = $checks (its core cannot be chosen here)"
  [ "$failures" -eq 0 ] || exit 1
  exit 0
fi
run 0 env OPENBLAS_CORETYPE="$best" "$program"
equals 'core that the user chose' "$(value core)" "$best"
best_products=$(value products) best_early=$(value early) best_weights=$(value weights)
checks=$((checks + 1))
[ -n "$best_early" ] && [ -n "$best_products" ] && [ -n "$best_weights" ] || fail 'no products or weights'
# OpenBLAS that has chosen an old core by itself: another runs before main, and nothing can be told from the right one.
for host in "$program" "$plugin_host"; do
  run 0 env LD_PRELOAD="$old_core" "$host"
  equals 'core that was found' "$(value found)" Prescott
  equals 'core that runs' "$(value core)" "$best"
  [ "$host" = "$plugin_host" ] || equals 'a product before main' "$(value early)" "$best_early"
  equals products "$(value products)" "$best_products"
  equals weights "$(value weights)" "$best_weights"
done

run 0 "$program"
natural=$(value found)
for host in "$program" "$plugin_host" $static_program; do
  run 0 "$host"
  equals "core that OpenBLAS finds in $host" "$(value found)" "$natural"
  case $natural in
    Haswell | Zen | SkylakeX | Cooperlake | SapphireRapids) equals "a good core of $host" "$(value core)" "$natural" ;;
  esac
  equals "environment of $host" "$(value environment)" kept
  for core in Prescott Nehalem Sandybridge; do
    run 0 "$host" down $core
    equals 'forced core' "$(value forced)" $core
    equals "core after $core" "$(value core)" "$best"
    equals "products after $core" "$(value products)" "$best_products"
    equals "weights after $core" "$(value weights)" "$best_weights"
    equals environment "$(value environment)" kept
    run 0 "$host" keep $core
    equals "core that is kept" "$(value core)" $core
  done
  # What the user chose stays, whatever it is.
  for core in Prescott Haswell; do
    run 0 env OPENBLAS_CORETYPE=$core "$host"
    equals 'core that the user chose' "$(value core)" $core
    prints 0 'fovea: OpenBLAS'
  done
  run 0 env OPENBLAS_CORETYPE= "$host"
  equals environment "$(value environment)" kept
done
echo "figure: checks of OpenBLAS' links = $checks"
[ "$failures" -eq 0 ]
