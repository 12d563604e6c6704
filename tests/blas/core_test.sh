#!/bin/sh
# Runs a program with the kernels of one core of OpenBLAS; skipped (77) where the processor does not have what they need.
# Usage: core_test.sh CORE PROGRAM [ARGUMENT...]
core=$1
shift
case $core in
  Haswell) needs=avx2 ;;
  SkylakeX) needs=avx512vl ;;
  *) needs=sse2 ;;
esac
case " $(sed -n 's/^flags[^:]*: //p' /proc/cpuinfo 2>/dev/null | head -n 1) " in
  *" $needs "*) ;;
  *) exit 77 ;;
esac
OPENBLAS_CORETYPE=$core exec "$@"
