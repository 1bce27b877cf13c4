#!/usr/bin/env bash
# Fuzzes one target with libFuzzer, on the stable toolchain.
#
#   scripts/fuzz.sh TARGET [SECONDS] [LIBFUZZER OPTION …]
#
# Needs a C++ compiler; installs cargo-fuzz when it is missing. The corpus is
# made from this repository's own documents and grows in fuzz/corpus/; what
# fails is kept in fuzz/artifacts/. An input may take 20 s and 2 GiB, which is
# far beyond every bound: more is a finding.
set -euo pipefail
cd "$(dirname "$0")/.."
targets=$(basename -a -s .rs fuzz/fuzz_targets/*.rs)
usage() { printf 'usage: scripts/fuzz.sh TARGET [SECONDS] [OPTION …]\ntargets:\n%s\n' "$targets" >&2; exit 2; }
target=${1:-}
grep -qx -- "$target" <<<"$targets" || usage
seconds=${2:-600}
[[ $seconds =~ ^[0-9]+$ ]] || usage
shift $(($# < 2 ? $# : 2))
command -v c++ >/dev/null || { echo "a C++ compiler is missing: apt-get install g++" >&2; exit 2; }
command -v cargo-fuzz >/dev/null || cargo install cargo-fuzz --version '^0.13' --locked

corpus=fuzz/corpus/$target
mkdir -p "$corpus" "fuzz/artifacts/$target"
documents() { find capabilities gateway/tests/data -name '*.xml' -print0; }
case $target in
policy_*)
  dictionary=fuzz/policy.dict
  documents | while IFS= read -r -d '' file; do
    cp "$file" "$corpus/$(sha256sum <"$file" | cut -c1-16)"
  done
  ;;
expression)
  dictionary=fuzz/expression.dict
  # From each `@(` or `@{` on; the target finds the end.
  { documents; find gateway/src/expr/tests -name '*.rs' -print0; } | CORPUS=$corpus xargs -0 perl -0777 -MDigest::MD5=md5_hex -e '
    for my $file (@ARGV) {
      open my $in, "<", $file or die "$file: $!";
      my $text = <$in>;
      while ($text =~ /(?=(@[({].{0,1500}))/gs) {
        open my $out, ">", "$ENV{CORPUS}/" . substr(md5_hex($1), 0, 16) or die $!;
        print $out $1;
      }
    }'
  ;;
esac
echo "$target: $(find "$corpus" -type f | wc -l) inputs to start from, $seconds s"

# The sanitizer's flag is an unstable one of a stable compiler.
RUSTC_BOOTSTRAP=1 cargo fuzz run --sanitizer address "$target" "$corpus" -- \
  -max_total_time="$seconds" -timeout=20 -rss_limit_mb=2048 -max_len=8192 \
  -dict="$dictionary" -print_final_stats=1 "$@"
