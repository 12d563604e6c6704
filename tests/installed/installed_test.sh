#!/bin/sh
# What a user's program sees: fovea is installed into an empty folder, and the programs of the documentation are compiled against that
# alone and run, in both precisions. Modules whose parameters would not be found do not compile, with a sentence.
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
  awk -v base="$folder/$name" '/^```cpp program$/ { inside = 1; ++n; next } /^```$/ { inside = 0 }
    inside { print > (base "-" n ".cpp") }' "$page"
  [ -s "$folder/$name-1.cpp" ] || { echo "$page has no program"; exit 1; }
  for program in "$folder/$name"-*.cpp; do
    for package in fovea fovea64; do
      flags=$(pkg-config --cflags --libs "$package")
      $compiler -std=c++20 -O1 -Wall -Wextra -Werror "$program" -o "${program%.cpp}" $flags
      echo "$(basename "$program" .cpp) with $package:"
      "${program%.cpp}"
      programs=$((programs + 1))
    done
  done
done

flags=$(pkg-config --cflags fovea)
refused=0
# Arguments: what the compiler says, or nothing where it takes it; the members and parameters of a module.
module() {
  printf '#include <map>\n#include <memory>\n#include <fovea/fovea.hpp>\nusing namespace fovea;\nstruct Part {\n  Dense dense{2};\n  Tensor operator()(const Tensor& x, const Context& = {}) const { return dense(x); }\n%s\n};\nint main() { return static_cast<int>(parameters_of(Part{}).size()); }\n' "$2" >"$folder/part.cpp"
  if $compiler -std=c++20 -fsyntax-only "$folder/part.cpp" $flags 2>"$folder/log"; then
    [ -z "$1" ] || { echo "compiles, and its parameters are not found: $2"; exit 1; }
  else
    [ -n "$1" ] || { echo "does not compile: $2"; cat "$folder/log"; exit 1; }
    grep -q "static assertion.*$1\|static_assert.*$1" "$folder/log" || { echo "does not compile, without the sentence: $2"; cat "$folder/log"; exit 1; }
    refused=$((refused + 1))
  fi
}
hidden='its parameters would not be found and not learn'
list='static void parameters(auto& self, auto&& visit) { visit("dense", self.dense);'
module '' "$list }"
module '' "$list visit(\"more\", self.more); } std::vector<Dense> more; "
module '' "$list visit(\"more\", self.more); } std::array<Residual<Dense>, 2> more = {Residual<Dense>{Dense{2}}, Residual<Dense>{Dense{2}}};"
module "$hidden" "private: $list }"
module "$hidden" 'void parameters(auto&& visit) { visit("dense", dense); }'
module "$hidden" 'static void parameters(Part& self, auto&& visit) { visit("dense", self.dense); }'
module "$hidden" "$list visit(\"rate\", self.rate); } real rate = 1;"
module "$hidden" "$list visit(\"more\", self.more); } std::unique_ptr<Dense> more;"
module "$hidden" "$list visit(\"more\", self.more); } std::map<std::string, Dense> more;"
# The same of modules that cannot be called, or built.
wrong() {
  printf '#include <fovea/fovea.hpp>\nusing namespace fovea;\nstruct Part {\n%s\n};\nint main() { %s }\n' "$2" "$3" >"$folder/part.cpp"
  if $compiler -std=c++20 -fsyntax-only "$folder/part.cpp" $flags 2>"$folder/log"; then echo "compiles: $2"; exit 1; fi
  grep -q "static assertion.*$1\|static_assert.*$1" "$folder/log" || { echo "does not compile, without the sentence: $2"; cat "$folder/log"; exit 1; }
  refused=$((refused + 1))
}
form='Shape build(const Shape& sample, const Rng& random)'
without='Tensor operator()(const Tensor& x) const { return x; }'
wrong 'const Context&. last' "$without" 'Model model{Part{}};'
wrong 'const Context&. last' "$without" 'Sequential model{Part{}};'
wrong 'const Context&. last' 'Tensor operator()(const Array& x, const Context&) const { return x; }' 'Model model{Part{}};'
wrong 'gives a Tensor or a Signal' 'int operator()(const Tensor& x, const Context&) const { return 1; }' 'Model model{Part{}};'
called='Tensor operator()(const Tensor& x, const Context& = {}) const { return x; }'
for way in Model Sequential; do
  wrong "$form" "$called Shape build(Shape sample) { return sample; }" "$way model{Part{}};"
  wrong "$form" "$called void build(const Shape&, const Rng&) {}" "$way model{Part{}};"
done
# And of metrics.
named='static constexpr const char* name = "part";'
wrong 'a metric has Array operator' "$named real operator()(const Array&, const Samples&) const { return 1; }" 'Metric metric{Part{}};'
wrong 'a metric has Array operator' "$named using State = MeanState; double result(const State&) const { return 1; }" 'Metric metric{Part{}};'
echo "figure: modules refused by the compiler with a sentence = $refused"

# Each header, read alone as C++17, stops at a sentence that says what is missing.
headers=0
for header in "${pc%/lib/*}"/include/fovea/*.hpp "${pc%/lib/*}"/include/fovea/*/*.hpp; do
  printf '#include <%s>\n' "${header##*/include/}" >"$folder/alone.cpp"
  if $compiler -std=c++17 -Wfatal-errors -fsyntax-only "$folder/alone.cpp" $flags 2>"$folder/log"; then echo "${header##*/} is read as C++17"; exit 1; fi
  grep -m1 'error:' "$folder/log" | grep -q 'fovea needs C++20' || { echo "${header##*/}: C++17 is not what the compiler complains of first"; cat "$folder/log"; exit 1; }
  headers=$((headers + 1))
done
echo "figure: headers that stop at a sentence in C++17 = $headers"

echo "figure: documented programs against the installed library = $programs"
