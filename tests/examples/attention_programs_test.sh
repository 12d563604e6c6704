#!/bin/sh
# The examples that attention is needed for: what they learn in seconds, what they write, and what they say to bad input. The
# dictionary is made up. Usage: attention_programs_test.sh G2P SEQUENCE_TASKS
set -u
g2p=$(realpath "$1") tasks=$(realpath "$2")
folder=$(mktemp -d) || exit 1
trap 'rm -rf "$folder"' EXIT
cd "$folder" || exit 1
failures=0
fail() {
  echo "FAILED: $*"
  failures=$((failures + 1))
}

# A language in which a letter sounds as its successor's place says: before a vowel one way, else another, and never twice.
awk 'BEGIN {
  srand(1)
  print "MNCL"
  for (i = 0; i < 3000; ++i) {
    n = 3 + int(rand() * 5)
    word = ""
    for (t = 0; t < n; ++t) word = word substr("abcdefgh", 1 + int(rand() * 8), 1)
    if (seen[word]++) continue
    sounds = ""
    for (t = 1; t <= n; ++t) {
      c = substr(word, t, 1)
      d = substr(word, t + 1, 1)
      if (c != d) sounds = sounds " " c (d ~ /[ae]/ ? "x" : "y")
    }
    printf "(\"%s\" nil (((%s) 1)))\n", word, substr(sounds, 2)
  }
}' >words.out

learn() { "$g2p" --dictionary words.out --units 32 --batch-size 16 --epochs 6 "$@" >out.txt 2>err.txt; }
learn --model a.safetensors --picture a.html || fail "g2p: $(cat err.txt)"
[ -s err.txt ] && fail "standard error: $(cat err.txt)"
grep -q '</script>' a.html || fail 'a page that is not whole'
result=$(tail -n 1 out.txt)
echo "figure: g2p on a made-up language = ${result#result: }"
echo "$result" | awk '{ gsub(/[^0-9.-]+/, " "); $0 = $0; exit !($1 < 0.05 && $3 > 0.25 && $4 < 0.2 && $6 > 0.9) }' || fail "$result"
learn --model b.safetensors --threads 1 || fail "g2p: $(cat err.txt)"
cmp -s a.safetensors b.safetensors || fail 'another number of threads gives another model'

"$g2p" ABA bbf --model a.safetensors --picture a.svg >out.txt || fail 'g2p does not speak'
[ "$(head -n 2 out.txt)" = "$(printf 'aba: ay bx ay\nbbf: by fy')" ] || fail "it says $(cat out.txt)"
grep -q '</svg>' a.svg || fail 'a picture that is not whole'
"$g2p" aba bbf --model a.safetensors --beam 5 | head -n 1 | grep -q '^aba: ay bx ay$' || fail 'a beam says something else'

# refuses CODE TEXT PROGRAM [ARGUMENT...]: this exit code, and one line on standard error which holds TEXT.
refuses() {
  wanted=$1 expected=$2
  shift 2
  "$@" >out.txt 2>err.txt
  code=$?
  [ "$code" -eq "$wanted" ] || fail "exit code $code, not $wanted: $*"
  [ "$(wc -l <err.txt)" -eq 1 ] && grep -qF -e "$expected" err.txt || fail "no \"$expected\" in: $(cat err.txt)"
}
refuses 1 '"it?s" is not a word of letters a to z' "$g2p" "$(printf 'it\ns')" --model a.safetensors
refuses 1 'none.safetensors' "$g2p" word --model none.safetensors
refuses 1 'words.out' "$g2p" word --model words.out
refuses 1 'cannot write' "$g2p" --dictionary words.out --picture /nonexistent/x.svg
refuses 77 'apt install festlex-cmu' "$g2p" --dictionary missing
refuses 2 '--beam: must be a whole number' "$g2p" --beam 0

"$tasks" --task recall --steps 20 --width 16 --batch-size 8 --picture b.svg >out.txt 2>err.txt || fail "sequence_tasks: $(cat err.txt)"
grep -q '</svg>' b.svg || fail 'a picture that is not whole'
[ "$(grep -c '^recall  *[amr]' out.txt)" -eq 3 ] || fail "not three rows: $(cat out.txt)"
tail -n 1 out.txt | grep -q '^result: sequences exact: recall: attention ' || fail "no result: $(tail -n 1 out.txt)"
refuses 1 'use copy, reverse, recall or all' "$tasks" --task other
refuses 2 '--steps: must be a whole number from 10' "$tasks" --steps 9

[ $failures -eq 0 ] && echo 'both programs did as they say'
exit $failures
