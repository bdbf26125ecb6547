#!/bin/bash
# Every command of sekisho, and the way of a zone file into the kernel and back, under valgrind: no invalid access, nothing uninitialised, nothing
# lost. The programs are those that are installed; those with sanitizers see other things. (The daemon's roles shut themselves in too tightly for
# valgrind; they run with sanitizers instead.)
set -u
cd "$(dirname "$0")/../.." || exit 1

readonly build=${SEKISHO_BUILD:-build}
scratch=$(mktemp -d) || exit 1
readonly example=$scratch/example.conf
trap 'rm -rf "$scratch"' EXIT
failed=0

[ "$(id -u)" -eq 0 ] || { echo "SKIP: needs root"; exit 77; }
for program in valgrind nft ip; do
	command -v $program >/dev/null || { echo "SKIP: absent: $program"; exit 77; }
done

# libmnl 1.0.4 leaves the bytes between attributes as they are, and the bench sends what libnftnl makes with it.
cat >"$scratch/known" <<'EOF'
{
	padding
	Memcheck:Param
	socketcall.sendto(msg)
	fun:sendto
	fun:naked_send
	fun:objects_load
}
EOF

# usage: examine WHAT STATUS COMMAND...	the command ends with this status, and valgrind finds nothing
examine() {
	local what=$1 expected=$2 status

	shift 2
	valgrind --quiet --leak-check=full --show-leak-kinds=definite,indirect,possible --errors-for-leak-kinds=definite,indirect,possible \
		--suppressions="$scratch/known" --error-exitcode=99 "$@" >"$scratch/output" 2>"$scratch/errors" </dev/null
	status=$?
	if [ $status -eq "$expected" ] && ! grep -q '^==' "$scratch/errors"; then
		echo "ok: $what"
		return
	fi
	echo "failed: $what: exit status $status instead of $expected"
	cat "$scratch/errors"
	failed=1
}

make_interfaces() {
	local interface

	for interface in mn0 lg0 in0 up0; do
		ip link add $interface type veth peer name p-$interface || exit 1
	done
}

# The example without the relay, whose user this machine may not have; the same with another port, so that something changes; and one with a mistake.
make_files() {
	sed '/^relays = /,$d' conf/sekisho.conf >"$example"
	sed 's/ports       = \[ 3389 \]/ports       = [ 3390 ]/' "$example" >"$scratch/edited.conf"
	cmp -s "$example" "$scratch/edited.conf" && { echo "failed: the edit changes nothing"; exit 1; }
	sed 's/"10.1.0.10"/"10.1.0.300"/' "$example" >"$scratch/mistake.conf"
}

make_interfaces
make_files
examine "check" 0 "$build/sekisho" check "$example"
examine "check, with a mistake" 1 "$build/sekisho" check "$scratch/mistake.conf"
examine "check, in Japanese and JSON" 1 "$build/sekisho" --lang ja --json check "$scratch/mistake.conf"
examine "flows" 0 "$build/sekisho" flows "$example"
examine "matrix" 0 "$build/sekisho" matrix --file "$example"
examine "show" 0 "$build/sekisho" show --file "$example"
examine "show --nft" 0 "$build/sekisho" show --nft --file "$example"
examine "show --nft without rules in the kernel" 3 "$build/sekisho" show --nft
examine "the way into the kernel" 0 "$build/tests/bench/load" "$example" "$scratch/edited.conf" 1 "$scratch/rules.nft"
nft -f "$scratch/rules.nft" || { echo "failed: nft does not load what was shown"; failed=1; }
examine "show --nft from the kernel" 0 "$build/sekisho" show --nft
examine "plan against the kernel" 0 "$build/sekisho" plan "$scratch/edited.conf"
examine "matrix from the kernel" 0 "$build/sekisho" matrix --live --file "$example"
examine "a daemon that is not there" 3 "$build/sekisho" --socket "$scratch/control" status
exit $failed
