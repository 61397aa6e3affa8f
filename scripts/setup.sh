#!/usr/bin/env bash
# Sees that the machine has what `make` needs, and installs what is missing where it may (root, on a system with apt-get).
#   scripts/setup.sh build   a C compiler, for SQLite
#   scripts/setup.sh bench   that, and HAProxy to compare with
#   scripts/setup.sh test    that, a Chromium for the tests of the pages, and, where this script may install them,
#                            ip and HAProxy for the lab, real servers for the probes to ask and the AWS CLI for the
#                            simulator: their tests are skipped where these are missing
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

# As on Debian, where only root's PATH leads to servers.
has() { PATH=$PATH:/usr/sbin:/sbin command -v "$1" >/dev/null; }

may_install=false
[ "$(id -u)" = 0 ] && command -v apt-get >/dev/null && may_install=true

needed=() # without these nothing goes on
wanted=() # without these something is skipped
has_compiler || needed+=(gcc libc6-dev)
if [ "$what" = bench ]; then
	has haproxy || needed+=(haproxy)
fi
if [ "$what" = test ]; then
	has_chromium || needed+=(chromium)
	if $may_install; then
		has haproxy || wanted+=(haproxy)
		has ip || wanted+=(iproute2)
		has nginx || wanted+=(nginx)
		has openssl || wanted+=(openssl)
		has knotd || wanted+=(knot)
		has unbound || wanted+=(unbound)
		has aws || wanted+=(awscli)
	fi
fi
[ $((${#needed[@]} + ${#wanted[@]})) -gt 0 ] || exit 0

if ! $may_install; then
	echo "setup: missing here: ${needed[*]}; install them with this system's package manager (as root where there is apt-get, this script does it)." >&2
	exit 1
fi

log=$(mktemp)
policy=/usr/sbin/policy-rc.d
own_policy=
trap 'rm -f "$log" $own_policy' EXIT
# Only the programs are wanted, not the services that their packages would start now (invoke-rc.d(8)) ...
if [ ! -e "$policy" ]; then
	own_policy=$policy
	printf '#!/bin/sh\nexit 101\n' >"$policy"
	chmod 755 "$policy"
fi

export DEBIAN_FRONTEND=noninteractive
get() { apt-get install -y -qq --no-install-recommends "$@" >>"$log" 2>&1; }

# ... and whenever the machine starts. Services that were here before are left as they are.
quiet() {
	local service
	case "$1" in
	haproxy | nginx | knot) set -- "$1" ;;
	unbound) set -- unbound unbound-resolvconf ;;
	*) return 0 ;;
	esac
	for service in "$@"; do
		if [ -d /run/systemd/system ]; then
			systemctl disable --quiet --now "$service" >>"$log" 2>&1 || true
		else
			update-rc.d "$service" disable >>"$log" 2>&1 || true
		fi
	done
}

all=("${needed[@]}" "${wanted[@]}")
echo "setup: apt-get install ${all[*]}" >&2
apt-get update -qq >>"$log" 2>&1 || true # where it fails, what is known already may do
if [ ${#needed[@]} -gt 0 ] && ! get "${needed[@]}"; then
	tail -n 20 "$log" >&2
	echo "setup: apt-get could not install ${needed[*]}; its last lines are above." >&2
	exit 1
fi
# One by one, so that one that cannot be had does not keep the others away.
for package in "${wanted[@]}"; do
	get "$package" || echo "setup: apt-get could not install $package; the tests that need it are skipped." >&2
done
for package in "${all[@]}"; do
	quiet "$package"
done
