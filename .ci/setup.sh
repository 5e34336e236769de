# Sets up what is missing, and only that. Each need_* is idempotent and cheap when there is nothing to do.
# shellcheck source=lib.sh source=versions.sh

need_rust() {
  export PATH="$TOOLS:${CARGO_HOME:-$HOME/.cargo}/bin:$PATH"
  command -v cc >/dev/null || apt_need build-essential pkg-config ||
    fail "No C compiler found: install one (Debian: apt install build-essential) and run this again."
  if ! command -v cargo >/dev/null; then
    command -v curl >/dev/null || apt_need curl ca-certificates || fail "Rust is missing: install it from https://rustup.rs and run this again."
    long "Installing Rust (stable)" sh -c 'curl --proto "=https" --tlsv1.2 -fsS https://sh.rustup.rs | sh -s -- -y --profile minimal -c rustfmt -c clippy' ||
      fail "Rust could not be installed: install it from https://rustup.rs and run this again."
  fi
  cargo fmt --version >/dev/null 2>&1 && cargo clippy --version >/dev/null 2>&1 || rustup component add rustfmt clippy ||
    fail "rustfmt or clippy is missing: run 'rustup component add rustfmt clippy' and run this again."
}

# A compiler for wasm32: rustup's target where it can be had, Debian's compiler where it cannot.
need_wasm() {
  need_rust
  local libs; libs="$(rustc --print target-libdir --target wasm32-unknown-unknown 2>/dev/null)"
  compgen -G "$libs/libstd-*.rlib" >/dev/null && return 0
  if command -v rustup >/dev/null && long "Adding Rust's wasm32 target" rustup target add wasm32-unknown-unknown; then return 0; fi
  note "That target cannot be fetched here; falling back to Debian's Rust for the web."
  long "Laying down Debian's wasm toolchain (about 3 minutes, once)" bash "$ROOT/.ci/setup-wasm-toolchain.sh" ||
    fail "No wasm32 toolchain could be had: run 'rustup target add wasm32-unknown-unknown' where the network allows it, then run this again."
  WASM_TOOLCHAIN=rust-web
}

# wasm COMMAND…: runs with the toolchain that need_wasm found.
wasm() {
  if [ -n "${WASM_TOOLCHAIN:-}" ]; then
    RUSTUP_TOOLCHAIN="$WASM_TOOLCHAIN" CARGO_TARGET_DIR="${CARGO_TARGET_DIR:-$ROOT/target}/$WASM_TOOLCHAIN" "$@"
  else
    "$@"
  fi
}

# compile NAME VERSION [FLAG…]: a tool from its sources, without the link-time optimisation that triples the wait.
compile() {
  local name="$1" version="$2"; shift 2
  CARGO_PROFILE_RELEASE_LTO=off CARGO_PROFILE_RELEASE_CODEGEN_UNITS=16 CARGO_PROFILE_RELEASE_OPT_LEVEL=1 \
    cargo install "$name" --version "$version" --root "$CACHE/tools" --target-dir "$CACHE/build" --force "$@"
}

# prebuilt URL: unpacks a release archive's programs into the tool folder; fails fast where the network says no.
prebuilt() {
  local dir; dir="$(mktemp -d)"
  curl -fsSL --connect-timeout 5 --max-time 120 "$1" 2>/dev/null | tar -xz -C "$dir" 2>/dev/null || { rm -rf "$dir"; return 1; }
  mkdir -p "$TOOLS"; find "$dir" -type f -perm -u+x -exec cp {} "$TOOLS/" \;; rm -rf "$dir"
}

has_version() { "$1" "${3:---version}" 2>/dev/null | head -n 1 | grep -qF " $2"; }

need_bindgen() {
  local v; v="$(awk '/^name = "wasm-bindgen"$/ { getline; gsub(/[" ]|version|=/, ""); print; exit }' "$ROOT/Cargo.lock")"
  [ -n "$v" ] || fail "Cargo.lock does not name wasm-bindgen: run 'cargo update -p wasm-bindgen' and run this again."
  has_version wasm-bindgen "$v" && return 0
  prebuilt "https://github.com/wasm-bindgen/wasm-bindgen/releases/download/$v/wasm-bindgen-$v-x86_64-unknown-linux-musl.tar.gz" &&
    has_version wasm-bindgen "$v" && return 0
  long "Compiling wasm-bindgen $v (about 4 minutes, once)" compile wasm-bindgen-cli "$v" ||
    fail "wasm-bindgen could not be compiled: run 'cargo install wasm-bindgen-cli --version $v' and read what it says."
}

need_trunk() {
  has_version trunk "$TRUNK_VERSION" && return 0
  prebuilt "https://github.com/trunk-rs/trunk/releases/download/v$TRUNK_VERSION/trunk-x86_64-unknown-linux-gnu.tar.gz" &&
    has_version trunk "$TRUNK_VERSION" && return 0
  long "Compiling trunk $TRUNK_VERSION (about 8 minutes, once)" \
    compile trunk "$TRUNK_VERSION" --locked --ignore-rust-version --no-default-features --features rustls ||
    fail "trunk could not be compiled: run 'cargo install trunk --version $TRUNK_VERSION --locked' and read what it says."
}

need_nextest() {
  cargo nextest --version >/dev/null 2>&1 && return 0
  prebuilt "https://get.nexte.st/$NEXTEST_VERSION/linux" && cargo nextest --version >/dev/null 2>&1 && return 0
  long "Compiling cargo-nextest $NEXTEST_VERSION (about 8 minutes, once)" compile cargo-nextest "$NEXTEST_VERSION" --locked ||
    note "cargo-nextest could not be had; using cargo test instead."
}

need_node() {
  command -v node >/dev/null && command -v npm >/dev/null || apt_need nodejs npm ||
    fail "Node.js is missing: install version $NODE_MAJOR_MIN or newer and run this again."
  [ "$(node -p 'process.versions.node.split(".")[0]')" -ge "$NODE_MAJOR_MIN" ] ||
    fail "Node.js $(node --version) is too old: install version $NODE_MAJOR_MIN or newer and run this again."
  # The packages live in the cache under their lock's checksum, so that a fresh checkout finds them there.
  local sum dir; sum="$(cat "$ROOT"/tests/browser/package*.json | sha256sum | cut -c1-16)"; dir="$CACHE/npm-$sum"
  if [ ! -e "$dir/.complete" ]; then
    rm -rf "$dir"; mkdir -p "$dir"; cp "$ROOT"/tests/browser/package*.json "$ROOT/tests/browser/.npmrc" "$dir/"
    long "Installing the npm packages of tests/browser" npm ci --prefix "$dir" --no-audit --no-fund ||
      fail "The npm packages could not be installed: run 'npm ci' in tests/browser and read what it says."
    touch "$dir/.complete"
  fi
  [ "$(readlink "$ROOT/tests/browser/node_modules" 2>/dev/null)" = "$dir/node_modules" ] ||
    { rm -rf "$ROOT/tests/browser/node_modules"; ln -s "$dir/node_modules" "$ROOT/tests/browser/node_modules"; }
  export PATH="$dir/node_modules/.bin:$PATH"
}

need_chromium() {
  local c
  for c in "${KAIKI_CHROMIUM:-}" chromium chromium-browser google-chrome; do
    [ -n "$c" ] && command -v "$c" >/dev/null && { KAIKI_CHROMIUM="$(command -v "$c")"; export KAIKI_CHROMIUM; return 0; }
  done
  apt_need chromium || fail "Chromium is missing: install it, or set KAIKI_CHROMIUM to a browser's path, and run this again."
  KAIKI_CHROMIUM="$(command -v chromium)"; export KAIKI_CHROMIUM
}

need_web() { need_wasm; need_node; need_bindgen; need_trunk; }
