#!/bin/sh
# Runs a program with the kernels of one core of OpenBLAS; skipped (77) where the processor does not have what they need, or
# OpenBLAS does not have them.
# Usage: core_test.sh CORE BLAS_PROGRAM PROGRAM [ARGUMENT...]
core=$1 blas_program=$2
shift 2
case $core in
  Haswell) needs=avx2 ;;
  SkylakeX) needs=avx512vl ;;
  *) needs=sse2 ;;
esac
case " $(sed -n 's/^flags[^:]*: //p' /proc/cpuinfo 2>/dev/null | head -n 1) " in
  *" $needs "*) ;;
  *) exit 77 ;;
esac
export OPENBLAS_CORETYPE=$core
"$blas_program" | grep -qx "core $core" || exit 77
exec "$@"
