# Shared by ./play and the set-up scripts: how they talk, where they cache, how they run long commands.

CACHE="${KAIKI_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/kaiki}"
TOOLS="$CACHE/tools/bin"
LOGS="$CACHE/logs"

say()  { printf '\033[1m▸ %s\033[0m\n' "$*"; }
note() { printf '  %s\n' "$*"; }
# One sentence: what is wrong and what to do about it.
fail() { printf '\033[31m✗ %s\033[0m\n' "$*" >&2; exit 1; }

took() { local s=$(($(date +%s) - $1)); if [ $s -ge 60 ]; then printf '%d min %02d s' $((s / 60)) $((s % 60)); else printf '%d s' $s; fi; }

# long LABEL COMMAND…: runs quietly into a log, with a sign of life every 15 seconds; on failure shows the log's end.
long() {
  local label="$1" log start pid slept=0; shift
  mkdir -p "$LOGS"; log="$LOGS/$(printf %s "$label" | tr -cs 'A-Za-z0-9' '-' | cut -c1-40).log"; start=$(date +%s)
  say "$label"
  "$@" >"$log" 2>&1 </dev/null & pid=$!
  while kill -0 "$pid" 2>/dev/null; do
    sleep 1; slept=$((slept + 1))
    [ $((slept % 15)) -ne 0 ] || note "… $(took "$start"), last: $(tail -n 1 "$log" | tr -d '\r' | cut -c1-80)"
  done
  if wait "$pid"; then note "done in $(took "$start")"; return 0; fi
  tail -n 20 "$log" >&2; note "whole log: $log" >&2
  return 1
}

as_root() { if [ "$(id -u)" = 0 ]; then "$@"; else sudo "$@"; fi; }

# apt_need PACKAGE…: installs Debian packages; says so where there is no apt.
apt_need() {
  command -v apt-get >/dev/null || return 1
  long "Installing $* (Debian packages)" apt_install "$@"
}
apt_install() {
  as_root apt-get update -qq
  as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "$@"
}
