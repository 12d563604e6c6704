#!/bin/sh
# The example programs from outside: bad input ends in one line on standard error and a small exit code, before any training; the
# trained weights are the same bits for any number of threads; the path of a learner comes to the results that it states.
# Usage: command_line_test.sh DOCUMENTED_LOOP DOCUMENTED_LISTING CAT_SAT PATH...
set -u
documented_loop=$1 documented_listing=$2 cat_sat=$3
folder=$(mktemp -d) || exit 1
trap 'rm -rf "$folder"' EXIT
failures=0
checks=0

fail() {
  echo "FAILED: $*"
  failures=$((failures + 1))
}

# run PROGRAM [ARGUMENT...]: exit code, and what was printed, in $code, $folder/out and $folder/err.
run() {
  checks=$((checks + 1))
  "$@" >"$folder/out" 2>"$folder/err" </dev/null
  code=$?
}

# succeeds TEXT PROGRAM [ARGUMENT...]: exit code 0, nothing on standard error, and TEXT among what is printed.
succeeds() {
  expected=$1
  shift
  run "$@"
  [ "$code" -eq 0 ] || fail "exit code $code: $*"
  [ ! -s "$folder/err" ] || fail "standard error of $*: $(cat "$folder/err")"
  grep -qF -e "$expected" "$folder/out" || fail "no \"$expected\" printed by $*"
}

# refuses CODE TEXT PROGRAM [ARGUMENT...]: this exit code, one line on standard error which holds TEXT, nothing on standard output.
refuses() {
  wanted=$1 expected=$2
  shift 2
  run "$@"
  [ "$code" -eq "$wanted" ] || fail "exit code $code, not $wanted: $*"
  [ "$(wc -l <"$folder/err")" -eq 1 ] || fail "not one line on standard error: $*: $(cat "$folder/err")"
  grep -qF -e "$expected" "$folder/err" || fail "no \"$expected\" in the error of $*: $(cat "$folder/err")"
  [ ! -s "$folder/out" ] || fail "something on standard output: $*: $(cat "$folder/out")"
}

# A data.noun of our own words: 60 definitions for each of the ten classes, 8 words each, two of which tell the class.
awk 'BEGIN {
  print "  1 This file was made up for a test; its words are its own.  "
  files = split("4 5 6 7 10 15 18 20 26 27", file)
  for (i = 0; i < 60; ++i)
    for (c = 1; c <= files; ++c) {
      printf "%08d %02d n 01 word%d 0 001 @ 00000000 n 0000 | ", i * files + c, file[c], i
      printf "a kind%d thing with %d parts of sort%d or %d  \n", c, i * 7 % 13, (c * 3 + i) % 11, i
    }
}' >"$folder/data.noun"

: >"$folder/empty"
awk 'BEGIN { for (i = 0; i < 400; ++i) printf "%c%c\n", 33 + i * 7919 % 90, 128 + i * 31 % 100 }' >"$folder/random"
printf '  1 This file was made up for a te' >"$folder/cut"
mkdir "$folder/folder"
two_lines='no such
file'

loop() { "$documented_loop" --wordnet "$folder/data.noun" "$@"; }
for value in -1 0 x 1.5 1e3 99999999999999999999 100001 0x10 ''; do
  refuses 2 "--epochs: must be a whole number from 1 to 100000, not \"$value\"" loop --epochs "$value"
done
for value in 0 -1 1025 x; do refuses 2 '--threads: must be a whole number from 1 to 1024' loop --threads "$value"; done
for value in 0 -32 99999999999999999999; do refuses 2 '--batch-size: must be a whole number from 1 to' loop --batch-size "$value"; done
for value in -1 x 1.5 18446744073709551616; do refuses 2 '--seed: must be a whole number from 0 to 18446744073709551615' loop --seed "$value"; done
refuses 2 '--epochs' loop --epochs
refuses 2 '--epochs' loop --epochs 1 --epochs 2
refuses 2 'not expected: --bogus' loop --bogus
refuses 2 'not expected: file' loop file
refuses 2 'not expected: --no such?file' loop "--$two_lines"
refuses 2 '--epochs' loop --epochs "$two_lines"
for program in "$documented_loop" "$documented_listing"; do
  refuses 77 'apt install wordnet-base' "$program" --wordnet "$folder/missing"
  refuses 77 'no such?file: there is no such file' "$program" --wordnet "$two_lines"
  refuses 1 'folder: cannot read: Is a directory' "$program" --wordnet "$folder/folder"
  refuses 1 'at byte 0: the file is empty' "$program" --wordnet "$folder/empty"
  refuses 1 'at byte 0: the line is no noun synset' "$program" --wordnet "$folder/random"
  refuses 1 'at byte 34: the file ends within a line' "$program" --wordnet "$folder/cut"
  refuses 2 '--epochs: must be a whole number' "$program" --epochs -1
done
refuses 1 '/nonexistent/x.svg: cannot write: No such file or directory' loop --attention-svg /nonexistent/x.svg
refuses 1 'folder: cannot write: Is a directory' loop --attention-svg "$folder/folder"
refuses 1 'cannot read' "$documented_loop" --wordnet "$folder/folder" --attention-svg "$folder/picture.svg"
[ ! -e "$folder/picture.svg" ] || fail 'a picture is left behind, though there are no data'
refuses 2 'not expected: sentence' "$cat_sat" sentence

for program in "$documented_loop" "$documented_listing" "$cat_sat"; do
  succeeds '--help' "$program" --help
  succeeds '--help' "$program" -h
done
succeeds 'The cat sat on the mat' "$cat_sat"
succeeds 'test: loss ' "$documented_listing" --wordnet "$folder/data.noun" --epochs 1
succeeds 'the same as a picture' loop --epochs 1 --attention-svg "$folder/picture.svg"
grep -q '</svg>' "$folder/picture.svg" || fail 'the picture is not whole'

# threads_agree NAME [VARIABLE=VALUE]: two epochs with 1, 2, 3 and 8 threads give the same weights.
threads_agree() {
  name=$1
  shift
  first=
  for threads in 1 2 3 8; do
    run env "$@" "$documented_loop" --wordnet "$folder/data.noun" --epochs 2 --seed 3 --threads "$threads"
    hash=$(sed -n 's/^weights xxh3: \([0-9a-f]\{16\}\)$/\1/p' "$folder/out")
    [ "$code" -eq 0 ] && [ -n "$hash" ] || fail "$name, $threads threads: exit code $code: $(cat "$folder/err")"
    echo "figure: documented_loop weights xxh3, $name, $threads threads = $hash"
    [ -n "$first" ] || first=$hash
    [ "$hash" = "$first" ] || fail "$name: $threads threads give $hash, 1 thread gives $first"
  done
}
threads_agree "this machine's kernels" LC_ALL=C
if grep -qs avx2 /proc/cpuinfo; then threads_agree 'OPENBLAS_CORETYPE=Haswell' OPENBLAS_CORETYPE=Haswell; fi

# arrives CONDITION PROGRAM [ARGUMENT...]: exit code 0, and a last line "result: ...", the same when run again, whose numbers $1, $2 ...
# satisfy the condition.
arrives() {
  condition=$1
  shift
  first=
  for again in '' again; do
    succeeds 'result: ' "$@"
    result=$(tail -n 1 "$folder/out")
    [ "${result#result: }" != "$result" ] || fail "the last line is no result: $*: $result"
    [ -z "$again" ] || [ "$result" = "$first" ] || fail "$* gives \"$first\", and again \"$result\""
    first=$result
  done
  echo "$result" | awk '{ gsub(/[^0-9.-]+/, " "); $0 = $0; exit !('"$condition"') }' || fail "not $condition: $*: $result"
}

shift 3
for program in "$@"; do
  succeeds '--seed' "$program" --help
  refuses 2 'not expected: --bogus' "$program" --bogus
  refuses 2 '--seed: must be a whole number' "$program" --seed -1
  case $program in
    *01_tensors) arrives '$1 == 10 && $2 == 10 && $3 == 10' "$program" ;;
    *02_gradients) arrives '$1 < 0.001' "$program" ;;
    *03_fit_a_line) arrives '$1 > 2.35 && $1 < 2.65 && $2 > -1.15 && $2 < -0.85' "$program" ;;
    *04_xor) arrives '$1 < 0.1 && $2 > 0.4' "$program" ;;
    *05_embedding_bigrams)
      arrives '$1 > 95 && $1 <= 100' "$program" --wordnet "$folder/data.noun"
      refuses 77 'apt install wordnet-base' "$program" --wordnet "$folder/missing"
      refuses 2 '--glosses: must be a whole number from 1000' "$program" --glosses 999 ;;
    *08_look_inside)
      arrives '$1 > 0.9 && $2 == 0.25' "$program" --folder "$folder"
      grep -q '^digraph fovea {$' "$folder/look_inside_graph.dot" || fail 'no graph'
      grep -q '</svg>' "$folder/look_inside_loss.svg" || fail 'no chart'
      grep -q '</html>' "$folder/look_inside_attention.html" || fail 'no page of attention'
      grep -q '</svg>' "$folder/look_inside_attention.svg" || fail 'no heat map'
      run "$program" --folder /nonexistent
      [ "$code" -eq 1 ] || fail "exit code $code for a folder that is not there" ;;
    *06_attention_classifier) arrives '$1 > 0.98 && $2 < 0.5 && $3 > 0.9' "$program" ;;
    *) fail "nothing is known about $program" ;;
  esac
done

echo "figure: example runs from the command line = $checks"
[ "$failures" -eq 0 ] || { echo "$failures failures"; exit 1; }
