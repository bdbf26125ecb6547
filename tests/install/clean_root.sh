#!/bin/bash
# Tries the two commands of the README in a new Debian 12 that has only git and make besides the base system.
#
# usage: tests/install/clean_root.sh [--keep] [COMMAND...]	(default: "make demo" "make check"; as root)
#
# The checkout is cloned: what is not committed is not tried. Mirrors and proxies are those of this machine. The container shares
# this machine's network because apt needs it; the tests make network namespaces of their own. --keep leaves the directory for a look.
set -euo pipefail
cd "$(dirname "$0")/../.."

readonly release=bookworm
keep=false
[ "${1:-}" != --keep ] || { keep=true; shift; }
[ $# -gt 0 ] || set -- "make demo" "make check"

[ "$(id -u)" -eq 0 ] || { echo "$0: root is needed" >&2; exit 1; }

# The mirror that this machine has the release from.
find_mirror() {
	# shellcheck disable=SC2016 # apt's own variables
	apt-get indextargets --format '$(REPO_URI) $(CODENAME)' 'Created-By: Packages' |
		awk -v release=$release '$2 == release { print $1; exit }'
}

make_root() {
	local mirror

	mirror=$(find_mirror)
	echo "clean-root: Debian $release from ${mirror:-the default mirror} in $root"
	debootstrap --variant=minbase --include=git,make,ca-certificates $release "$root" ${mirror:+"$mirror"} >"$root.log" 2>&1 ||
		{ tail -n 20 "$root.log" >&2; return 1; }
}

# Package sources and proxies of this machine. Its credentials are not copied.
copy_apt_settings() {
	local path

	rm -f "$root/etc/apt/sources.list"
	for path in /etc/apt/sources.list /etc/apt/sources.list.d/*.list /etc/apt/sources.list.d/*.sources; do
		[ ! -e "$path" ] || install -D -m 644 "$path" "$root$path"
	done
	for path in /etc/apt/apt.conf /etc/apt/apt.conf.d/*; do
		! grep -qs '^[[:space:]]*Acquire' "$path" || install -D -m 644 "$path" "$root$path"
	done
}

# /proc/sys must be writable: each network namespace has its own forwarding switches there.
run_inside() {
	SYSTEMD_NSPAWN_API_VFS_WRITABLE=yes systemd-nspawn --quiet --register=no --keep-unit --directory="$root" --machine="$machine" \
		--capability=all --resolv-conf=copy-host --console=pipe --chdir=/root/sekisho --setenv=CI=true /bin/sh -c "$1" </dev/null
}

parent=$(mktemp -d "${TMPDIR:-/tmp}/sekisho-clean-root.XXXXXX")
readonly parent root=$parent/root machine=sekisho-clean-root-$$
trap '$keep || rm -rf --one-file-system "$parent"' EXIT
mkdir "$root"

make_root
copy_apt_settings
git clone --quiet --no-local . "$root/root/sekisho"

failures=0
for command in "$@"; do
	echo "clean-root: $command"
	if run_inside "$command"; then
		echo "clean-root: ok: $command"
	else
		echo "clean-root: FAILED: $command"
		failures=$((failures + 1))
	fi
done
$keep && echo "clean-root: kept in $root"
[ $failures -eq 0 ]
