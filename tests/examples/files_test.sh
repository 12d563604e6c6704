#!/bin/sh
# The examples that read and write files: a training that is killed and started again ends in the bits of one that was not; a
# classifier and a table's model answer from their file alone; what is wrong with a user's files is told in one line.
# Usage: files_test.sh SAVE_AND_RESUME OWN_CSV TEXT_CLASSIFIER
set -u
resume=$(realpath "$1") csv=$(realpath "$2") texts=$(realpath "$3")
folder=$(mktemp -d) || exit 1
trap 'rm -rf "$folder"' EXIT
cd "$folder" || exit 1
failures=0
fail() {
  echo "FAILED: $*"
  failures=$((failures + 1))
}

# 600 definitions for each of the ten classes, two words of which tell the class.
awk 'BEGIN {
  print "  1 This file was made up for a test; its words are its own.  "
  files = split("4 5 6 7 10 15 18 20 26 27", file)
  for (i = 0; i < 600; ++i)
    for (c = 1; c <= files; ++c) {
      printf "%08d %02d n 01 word%d 0 001 @ 00000000 n 0000 | ", i * files + c, file[c], i
      printf "a kind%d thing with %d parts of sort%d or %d  \n", c, i * 7 % 13, (c * 3 + i) % 11, i
    }
}' >data.noun

train() { "$resume" --wordnet data.noun --epochs 6 --every 3 "$@" 2>&1; }
whole=$(train --folder whole | grep '^checksum') || fail "a training without an interruption"
kills=0
while [ $kills -lt 3 ]; do
  kills=$((kills + 1))
  "$resume" --wordnet data.noun --epochs 6 --every 3 --folder killed --threads $((1 + kills % 2)) >killed.txt 2>&1 &
  sleep 0.4
  kill -KILL $!
  wait $! 2>/dev/null
done
killed=$(train --folder killed | grep '^checksum')
[ -n "$whole" ] && [ "$whole" = "$killed" ] || fail "killed and resumed: \"$killed\", without: \"$whole\""
cmp -s whole/log.csv killed/log.csv || fail 'the log of the resumed training is another one'
[ ! -e killed/backup ] || [ -z "$(ls killed/backup)" ] || fail 'backups of a complete training stay'

mkdir -p pets/cat pets/dog
for i in $(seq 60); do
  echo "the cat $i purrs and sleeps" >"pets/cat/$i.txt"
  echo "a dog $i barks at night" >"pets/dog/$i.txt"
done
"$texts" --data pets --model pets.safetensors >out.txt 2>&1 || fail "text_classifier: $(tail -n 3 out.txt)"
grep -q '^result: accuracy 1.000' out.txt || fail "text_classifier: $(tail -n 1 out.txt)"
"$texts" --model pets.safetensors --text 'it purrs' | grep -q '^cat' || fail 'a text about a cat'
"$texts" --data none_there --wordnet none >out.txt 2>&1
[ $? -eq 77 ] || fail 'texts that are missing'
"$texts" --model data.noun --text x >out.txt 2>&1
[ $? -eq 1 ] && [ "$(wc -l <out.txt)" -eq 1 ] || fail "a file that is no model: $(cat out.txt)"

awk 'BEGIN {
  print "width,colour,id,size"
  for (i = 0; i < 300; ++i)
    printf "%d.5,%s,row %d,%s\n", i * 37 % 100, (i % 3 ? "red" : "blue"), i, (i * 37 % 100 > 50 ? "large" : "small")
}' >table.csv
"$csv" --csv table.csv --target size --model table.safetensors >out.txt 2>&1 || fail "own_csv: $(tail -n 3 out.txt)"
grep -q 'left out, neither numbers nor at most 50 texts: id' out.txt || fail 'a column of other texts'
"$csv" --model table.safetensors --predict table.csv >out.txt || fail 'predictions of a table'
[ "$(wc -l <out.txt)" -eq 301 ] && grep -q '^large,' out.txt || fail "predictions: $(head -n 3 out.txt)"
printf 'a,b\n1,2\n3\n' >ragged.csv
"$csv" --csv ragged.csv --target a >out.txt 2>&1
[ $? -eq 1 ] && grep -q 'ragged.csv' out.txt && [ "$(wc -l <out.txt)" -eq 1 ] || fail "a ragged table: $(cat out.txt)"

[ $failures -eq 0 ] && echo 'all examples with files did as they say'
exit $failures
