#!/usr/bin/env bash
# Sees that the machine has what `make` needs, and installs what is missing where it may (root, on a system with apt-get).
#   scripts/setup.sh build   a C compiler, for SQLite
#   scripts/setup.sh bench   that, and HAProxy to compare with
#   scripts/setup.sh test    that, a Chromium for the tests of the pages, and HAProxy and ip for the lab (Linux, root)
# Says nothing when all is there.
set -euo pipefail

case "${1:-}" in
build | bench | test) what=$1 ;;
*)
	echo "usage: scripts/setup.sh build|bench|test" >&2
	exit 2
	;;
esac

command -v go >/dev/null || {
	echo "setup: Go is missing: install the version that go.mod names (https://go.dev/dl) and run this again." >&2
	exit 1
}

# A compiler without the C library's headers is of no use, so it is asked to read one.
has_compiler() {
	local cc
	cc=$(go env CC)
	printf '#include <stdlib.h>\n' | $cc -E -x c - >/dev/null 2>&1
}

has_chromium() {
	local name
	for name in headless_shell headless-shell chromium chromium-browser google-chrome google-chrome-stable; do
		command -v "$name" >/dev/null && return
	done
	[ -x "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome" ]
}

missing=()
has_compiler || missing+=(gcc libc6-dev)
# As on Debian, where only root's PATH leads to it.
has_haproxy() { PATH=$PATH:/usr/sbin command -v haproxy >/dev/null; }
if [ "$what" = bench ]; then
	has_haproxy || missing+=(haproxy)
fi
if [ "$what" = test ]; then
	has_chromium || missing+=(chromium)
	# Without root the lab's tests are skipped, and need nothing.
	if [ "$(uname)" = Linux ] && [ "$(id -u)" = 0 ]; then
		has_haproxy || missing+=(haproxy)
		command -v ip >/dev/null || missing+=(iproute2)
	fi
fi
[ ${#missing[@]} -gt 0 ] || exit 0

if [ "$(id -u)" != 0 ] || ! command -v apt-get >/dev/null; then
	echo "setup: missing here: ${missing[*]}; install them with this system's package manager (as root where there is apt-get, this script does it)." >&2
	exit 1
fi

echo "setup: apt-get install ${missing[*]}" >&2
log=$(mktemp)
trap 'rm -f "$log"' EXIT
export DEBIAN_FRONTEND=noninteractive
if ! { apt-get update -qq && apt-get install -y -qq --no-install-recommends "${missing[@]}"; } >"$log" 2>&1; then
	tail -n 20 "$log" >&2
	echo "setup: apt-get could not install ${missing[*]}; its last lines are above." >&2
	exit 1
fi
# Only the program is wanted, not the service that the package starts where there is a systemd.
if [[ " ${missing[*]} " == *" haproxy "* && -d /run/systemd/system ]]; then
	systemctl disable --quiet --now haproxy
fi
