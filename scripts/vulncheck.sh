#!/usr/bin/env bash
# Looks for known vulnerabilities in the code that rrwatch really calls. A finding fails the run.
# Where the vulnerability database cannot be reached, it says so and lets the run go on: a machine without a way out
# must still be able to test.
#   scripts/vulncheck.sh TAGS
# GOVULNDB names another database (an https or a file URL).
set -uo pipefail

tags=${1:?usage: scripts/vulncheck.sh TAGS}
out=$(mktemp)
trap 'rm -f "$out"' EXIT

go tool -modfile=tools/govulncheck.mod govulncheck -db "${GOVULNDB:-https://vuln.go.dev}" -tags "$tags" ./... >"$out" 2>&1
status=$?
# A finding ends with 3, so it can never be taken for an unreachable database, which ends with 1.
if [ "$status" -eq 1 ] && grep -E '^govulncheck: fetching vulnerabilities: ' "$out" >&2; then
	echo "govulncheck: NOT CHECKED: the vulnerability database cannot be reached from here; set GOVULNDB to one that can." >&2
	exit 0
fi
cat "$out"
exit "$status"
