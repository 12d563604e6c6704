#!/bin/sh
# Runs test programs in a process of another locale: run.sh LOCALE PROGRAM... A system that has no such locale gets it, from the sources of
# glibc's (Debian: apt-get install locales), in a folder that goes away. Without those the test is skipped.
set -eu
name=$1
shift
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
if localedef -i "$name" -f UTF-8 "$folder/$name.UTF-8" > "$folder/log" 2>&1; then
  export LOCPATH="$folder"
elif ! locale -a 2> /dev/null | grep -qi "^$name\.utf-\{0,1\}8$"; then
  cat "$folder/log"
  echo "skipped: there is no locale $name; Debian: apt-get install locales"
  exit 77
fi
unset LANGUAGE
export FOVEA_LOCALE="$name.UTF-8"
for program in "$@"; do "$program"; done
echo "figure: test programs under $name = $#"
