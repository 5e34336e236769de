#!/usr/bin/env bash
# A Rust compiler for wasm32-unknown-unknown made of Debian packages, for machines whose rustup cannot fetch the target.
#
# Debian ships the compiler (rustc-web) and the sources of its standard library (rust-web-src), but no library built for
# wasm32: that is compiled here once (about a minute), and the whole is registered with rustup as toolchain "rust-web".
# Does nothing when it is already there. PREFIX says where it goes.
set -euo pipefail

PREFIX="${PREFIX:-$HOME/.local/share/rust-web}"
NAME=rust-web
WASM=wasm32-unknown-unknown
HOST=x86_64-unknown-linux-gnu

as_root() { if [ "$(id -u)" = 0 ]; then "$@"; else sudo "$@"; fi; }

register() { rustup toolchain link "$NAME" "$PREFIX"; rustc "+$NAME" --version; }

if [ -s "$PREFIX/.version" ] && [ -x "$(readlink -f "$PREFIX/lib/rustlib/$HOST/bin/rust-lld")" ]; then
  register; exit 0
fi

as_root apt-get update -qq
version="$(apt-cache policy rustc-web | awk '/Candidate:/ { print $2 }')"
[ -n "$version" ] && [ "$version" != "(none)" ] || { echo "Debian's rustc-web is not offered by this machine's package sources." >&2; exit 1; }
release="${version%%+*}"; release="${release%.*}"
std="libstd-rust-web-$release"
llvm="$(apt-cache depends "$std" | grep -om1 'libllvm[0-9]*' | tr -dc 0-9)"
as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "libllvm$llvm" "lld-$llvm"

work="$(mktemp -d)"; trap 'rm -rf "$work"' EXIT
cd "$work"
apt-get download -qq "rustc-web=$version" "$std=$version" "libstd-rust-web-dev=$version" "rust-web-src=$version" "rust-web-clippy=$version"
for deb in rustc-web_*.deb libstd-rust-web-*.deb rust-web-clippy_*.deb; do dpkg -x "$deb" root; done
# Of the large source package only the library is wanted.
dpkg --fsys-tarfile rust-web-src_*.deb | tar -x -C root --wildcards './usr/src/rustc-*/library'

rm -rf "$PREFIX"; mkdir -p "$PREFIX/bin" "$PREFIX/lib"
cp -a root/usr/bin/rustc root/usr/bin/rustdoc "$PREFIX/bin/"
find root/usr -name clippy-driver -o -name cargo-clippy | while read -r tool; do cp -a "$tool" "$PREFIX/bin/"; done
cp -a root/usr/lib/x86_64-linux-gnu/librustc_driver-*.so "$PREFIX/lib/"
cp -a root/usr/lib/rustlib "$PREFIX/lib/"; rm -rf "$PREFIX/lib/rustlib/src"
# Without a cargo of its own the toolchain would borrow whichever rustup finds first.
ln -s "$(rustup which cargo --toolchain stable)" "$PREFIX/bin/cargo"
mkdir -p "$PREFIX/lib/rustlib/$HOST/bin"; ln -s "/usr/lib/llvm-$llvm/bin/lld" "$PREFIX/lib/rustlib/$HOST/bin/rust-lld"
rustup toolchain link "$NAME" "$PREFIX"

# "dist" is the profile with which Rust itself is released.
library="$(echo "$work"/root/usr/src/rustc-*/library)"
RUSTC_BOOTSTRAP=1 CARGO_TARGET_DIR="$work/target" \
RUSTFLAGS="-Zforce-unstable-if-unmarked --remap-path-prefix=$library=/rustc/library --remap-path-prefix=${CARGO_HOME:-$HOME/.cargo}/registry/src=/rustc/deps" \
  cargo "+$NAME" build --locked --manifest-path "$library/sysroot/Cargo.toml" --profile dist --target "$WASM"
mkdir -p "$PREFIX/lib/rustlib/$WASM/lib"
cp "$work/target/$WASM"/dist/deps/*.rlib "$PREFIX/lib/rustlib/$WASM/lib/"
echo "$version" > "$PREFIX/.version"
register
