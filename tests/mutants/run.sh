#!/usr/bin/env bash
# Daemons that are broken on purpose, one patch each: the history checker has to catch every one of them, or a test that
# looks for just that.
#
#   tests/mutants/run.sh              all of them
#   tests/mutants/run.sh nonce eof    those whose names contain one of the words
#
# What is committed is cloned into target/mutants (or $MUTANTS_DIR) and tested there: the tests are built once, from the
# code as it is; each mutant is a binary that they are let loose on (SWITCHBOARD_BIN). A patch begins with what it
# breaks, and with these lines:
#
#   Test: <filter of the test that has to fail>
#   With: <variables for it, optional>
#   Breaks: <rules of tests/it/history/contract.rs, one of which it has to break, with | between>
#   Says: <for a test that the contract does not judge, instead: what its failure says, an extended regex>
#
# Fails if a mutant survives, if it fails otherwise than it ought to, or if a patch no longer applies: then make it anew.
set -euo pipefail
root="$(cd "$(dirname "$0")/../.." && pwd)"
work="${MUTANTS_DIR:-$root/target/mutants}"
tree="$work/tree" frozen="$work/frozen"
export CARGO_TARGET_DIR="${MUTANTS_TARGET_DIR:-$work/target}" CARGO_TERM_COLOR=never RUST_BACKTRACE=0
# A mutant that loses something is not waited for as long as a daemon that is only slow.
export HISTORY_PATIENCE_SECS="${HISTORY_PATIENCE_SECS:-12}" PATIENCE_SECS="${PATIENCE_SECS:-60}"

mkdir -p "$work"
rm -rf "$tree" "$frozen"
git clone --quiet "$root" "$tree"
mkdir -p "$frozen/deps" "$frozen/examples"
cd "$tree"

build() { cargo build --locked --quiet "$@"; }
build --bin switchboard --example fake_claude
test_binary="$(cargo test --locked --no-run --test it --message-format=json 2>/dev/null |
  grep -o '"executable":"[^"]*/deps/it-[^"]*"' | tail -1 | cut -d'"' -f4)"
# The tests look for the fake CLI beside themselves.
cp "$test_binary" "$frozen/deps/it"
cp "$CARGO_TARGET_DIR/debug/examples/fake_claude" "$frozen/examples/"

wanted() {
  [ $# -gt 1 ] || return 0
  local name="$1" word
  shift
  for word; do case "$name" in *"$word"*) return 0 ;; esac; done
  return 1
}

failed=0 caught=0
for patch in "$root"/tests/mutants/*.patch; do
  name="$(basename "$patch" .patch)"
  wanted "$name" "$@" || continue
  field() { sed -n "s/^$1: //p" "$patch" | head -1; }
  filter="$(field Test)" rules="$(field Breaks)" says="$(field Says)"
  [ -n "$says" ] || says="^($rules): "
  read -r -a with <<<"$(field With)"
  verdict=""
  mutant="$CARGO_TARGET_DIR/debug/switchboard"
  log="$work/$name.log"
  if ! git apply "$patch" 2>"$log"; then
    verdict="DOES NOT APPLY"
  elif ! build --bin switchboard 2>"$log"; then
    verdict="DOES NOT BUILD"
  elif env ${with[@]+"${with[@]}"} SWITCHBOARD_BIN="$mutant" SWITCHBOARD_FAIL_POINTS_BIN="$mutant" \
    timeout 600 "$frozen/deps/it" "$filter" --nocapture >"$log" 2>&1; then
    verdict="SURVIVED"
    grep -q '[1-9][0-9]* passed' "$log" || verdict="NO SUCH TEST"
  elif ! grep -qE "$says" "$log"; then
    verdict="FAILED OTHERWISE"
  fi
  git checkout --quiet .
  if [ -n "$verdict" ]; then
    failed=$((failed + 1))
    printf '%-34s %s (%s, see %s)\n' "$name" "$verdict" "$filter" "$log"
  else
    caught=$((caught + 1))
    printf '%-34s caught: %s\n' "$name" "$(grep -m1 -oE "($says).{0,110}" "$log")"
  fi
done
echo "$caught caught, $failed not"
[ "$failed" -eq 0 ] && [ "$caught" -gt 0 ]
