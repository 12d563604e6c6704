#!/bin/sh
# Spelling to sounds on Debian's dictionary: a small model, after one epoch, is far better than letter by letter. Without the dictionary,
# which the package festlex-cmu brings, the test is skipped. Usage: g2p_dictionary_test.sh G2P
set -u
folder=$(mktemp -d) || exit 1
trap 'rm -rf "$folder"' EXIT
"$1" --epochs 1 --units 64 --batch-size 32 --model "$folder/g2p.safetensors" >"$folder/out" 2>"$folder/err"
code=$?
[ $code -eq 0 ] || { cat "$folder/err"; exit $code; }
result=$(tail -n 1 "$folder/out")
echo "figure: g2p after an epoch of a small model = ${result#result: }"
# Phoneme error rates of model and baseline, words with an error likewise, steps in which attention moves on.
echo "$result" | awk '{ gsub(/[^0-9.]+/, " "); $0 = $0; exit !($1 < 0.15 && $3 > 0.5 && $3 < 0.52 && $4 < 0.55 && $6 > 0.85) }' && exit
echo "not as it should be: $result"
exit 1
