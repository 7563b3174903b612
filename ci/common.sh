# Sourced by every step: strict shell, the repository's root as the current folder, one target
# folder for all builds. It starts nothing by itself.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
export CARGO_TARGET_DIR="${CARGO_TARGET_DIR:-$PWD/target}"
export CARGO_TERM_COLOR="${CARGO_TERM_COLOR:-auto}"
# Property tests try the same cases each time, so that a change is judged by what it changed. A deep
# run names another seed, and how many cases (PROPTEST_CASES).
export PROPTEST_RNG_SEED="${PROPTEST_RNG_SEED:-20261123}"
# A fresh machine has no rustup in the path until the next login.
PATH="$PATH:${CARGO_HOME:-$HOME/.cargo}/bin"

say() { printf '%s: %s\n' "$(basename "$0")" "$*"; }
fail() { printf '%s: %s\n' "$(basename "$0")" "$*" >&2; exit 1; }

# Builds the binaries that the steps run against, and names them in VKD and VKCTL. Binaries that
# are already named are taken as they are.
binaries() {
    if [ -n "${VKD:-}" ] && [ -n "${VKCTL:-}" ]; then
        return
    fi
    cargo build --locked --profile quick --package vkd --package vkctl
    export VKD="$CARGO_TARGET_DIR/quick/vkd" VKCTL="$CARGO_TARGET_DIR/quick/vkctl"
}
