#!/bin/bash
# Boots a Debian 12 with the units installed, and treats them as an administrator would: boot, reload of a good file and of a bad one, somebody else's flush
# of the ruleset, kill -9, a daemon that hangs, stop, start, and a reboot while a zone is isolated and the file is broken; the filter first, then the relay.
#
# usage: tests/systemd/units.sh [--keep]	(root; `make` first)
#
# systemd-nspawn boots it in a network of its own, so a boot is one for the kernel's tables as well. The Debian below is made once, in build/, from the mirrors
# of this machine; what the test changes lies over it.
set -euo pipefail
cd "$(dirname "$0")/../.."

readonly release=bookworm machine=sekisho-unit-$$
readonly packages=systemd,systemd-sysv,dbus,nftables,iproute2,python3-minimal,libnftnl11,libmnl0,libnl-3-200,libnl-route-3-200,libconfig9,libevent-core-2.1-7,libnettle8,libseccomp2,libcap-ng0,libjansson4,libsqlite3-0,libarchive13
readonly boot_seconds=60
readonly landlock="landlock_create_ruleset landlock_add_rule landlock_restrict_self"
readonly watchdog_seconds=6
readonly exposure_max=30 # tenths, as systemd-analyze security gives it
readonly daemons="sekishod sekisho-relay"
keep=false
[ "${1:-}" != --keep ] || keep=true

skip() { echo "SKIP: $*"; exit 77; }
[ "$(id -u)" -eq 0 ] || skip "needs root"
for program in systemd-nspawn debootstrap nsenter; do
	command -v $program >/dev/null || skip "absent: $program"
done

parent=$(mktemp -d "${TMPDIR:-/tmp}/sekisho-unit.XXXXXX")
readonly parent root=$parent/root
nspawn=

leave() {
	[ -z "$nspawn" ] || { kill "$nspawn" 2>/dev/null; wait "$nspawn" 2>/dev/null; } || true
	umount "$root" 2>/dev/null || true
	$keep || rm -rf --one-file-system "$parent"
}
trap leave EXIT
trap 'say "FAILED in line $LINENO: $BASH_COMMAND"' ERR

say() { echo "systemd-unit: $*"; }
die() {
	say "FAILED: $*"
	inside journalctl -b -o short-monotonic --no-pager | tail -n "${log_lines:-60}" || true
	exit 1
}
expect() { local what=$1; shift; if "$@" >"$parent/last" 2>&1; then say "ok: $what"; else cat "$parent/last"; die "$what"; fi; }
refuse() { local what=$1; shift; if "$@" >"$parent/last" 2>&1; then cat "$parent/last"; die "$what"; else say "ok: $what"; fi; }
await() {
	local what=$1 deadline=$((SECONDS + boot_seconds))

	shift
	until "$@" >/dev/null 2>&1; do
		[ $SECONDS -lt $deadline ] || die "$what"
		sleep 0.1
	done
	say "ok: $what"
}

# ---- the machine

# The Debian below everything, whole or not at all. Its name says which packages it has.
make_base() {
	local mirror new

	base=build/systemd-root/$release-$(echo "$packages" | sha256sum | cut -c 1-12)
	[ ! -d "$base" ] || return 0
	mkdir -p build/systemd-root
	new=$(mktemp -d build/systemd-root/new.XXXXXX)
	# shellcheck disable=SC2016 # apt's own variables
	mirror=$(apt-get indextargets --format '$(REPO_URI) $(CODENAME)' 'Created-By: Packages' |
		awk -v release=$release '$2 == release { print $1; exit }')
	if ! debootstrap --variant=minbase --include=$packages $release "$new" ${mirror:+"$mirror"} >"$parent/debootstrap.log" 2>&1; then
		tail -n 20 "$parent/debootstrap.log"
		rm -rf --one-file-system "$new"
		skip "absent: a Debian $release to boot; debootstrap cannot make one here"
	fi
	chmod 755 "$new"
	rm -rf "$new"/var/cache/apt/archives/*.deb "$new"/var/lib/apt/lists/*
	mv "$new" "$base"
}

# What the test changes lies over the base; where the kernel cannot do that, it is copied.
make_root() {
	mkdir "$root" "$parent/upper" "$parent/work"
	mount -t overlay overlay -o "lowerdir=$base,upperdir=$parent/upper,workdir=$parent/work" "$root" 2>/dev/null || cp -a "$base/." "$root"
	make install DESTDIR="$root" >"$parent/install.log" 2>&1 || { tail -n 20 "$parent/install.log"; return 1; }
	mkdir -p "$root/var/log/journal" "$root/etc/systemd/system/sekishod.service.d"
	printf '[Service]\nWatchdogSec=%s\n' $watchdog_seconds >"$root/etc/systemd/system/sekishod.service.d/watchdog.conf"
	# The town's interfaces come late, as real ones do.
	cat >"$root/etc/systemd/system/town-links.service" <<-UNIT
		[Unit]
		After=network-pre.target
		Wants=network-pre.target
		[Service]
		Type=oneshot
		RemainAfterExit=yes
		ExecStart=/bin/sh -c 'for l in mn0 lg0 in0 up0; do ip link add \$l type veth peer name far-\$l; ip link set \$l up; ip link set far-\$l up; done'
		[Install]
		WantedBy=multi-user.target
	UNIT
	# nftables.service begins with a flush of the ruleset.
	systemctl --root="$root" --quiet enable sekisho-seal.service sekishod.service sekisho-relay.service nftables.service systemd-networkd.service town-links.service
}

# A command inside: in the namespaces of the container's init.
inside() {
	nsenter --target "$init" --mount --uts --ipc --net --pid -- env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin LANG=C.UTF-8 "$@"
}

# The container's init is the child of nspawn that is process 1 in its own namespace; nspawn has another one for a moment before.
find_init() {
	local pid

	for pid in $(pgrep --parent "$nspawn"); do
		if grep -qs '^NSpid:.*[[:space:]]1$' "/proc/$pid/status"; then
			init=$pid
			return 0
		fi
	done
	return 1
}
is_up() { kill -0 "$nspawn" && find_init && inside systemctl is-active --quiet multi-user.target; }

boot() {
	local deadline=$((SECONDS + boot_seconds * 2))

	init=
	# nspawn's own filter does not know Landlock.
	SYSTEMD_NSPAWN_API_VFS_WRITABLE=yes systemd-nspawn --quiet --boot --register=no --keep-unit --private-network --machine="$machine" \
		--system-call-filter="$landlock" --capability=all --directory="$root" --console=read-only </dev/null >"$parent/console" 2>&1 &
	nspawn=$!
	until is_up 2>/dev/null; do
		if ! kill -0 "$nspawn" 2>/dev/null && [ -z "$init" ]; then
			cat "$parent/console"
			nspawn=
			skip "absent: a container to boot in; systemd-nspawn says: $(tail -n 1 "$parent/console")"
		fi
		[ $SECONDS -lt $deadline ] || { cat "$parent/console"; exit 1; }
		sleep 0.1
	done
	# What is still being started when the target is reached is waited for.
	inside systemctl is-system-running --wait >/dev/null 2>&1 || true
}

shut_down() {
	inside systemctl poweroff >/dev/null 2>&1 || true
	wait "$nspawn" || true
	nspawn=
}

# ---- questions

# Reads to the end: who is written to by a pipe that was closed dies, and with him, by pipefail, the answer.
holds() { grep -- "$1" >/dev/null; }

shown() { inside systemctl show -P "$2" "$1"; }
since() { shown "$1" ActiveEnterTimestampMonotonic; }
comes_before() { [ "$(since "$1")" -gt 0 ] && [ "$(since "$1")" -le "$(since "$2")" ]; }
restarted() { [ "$(shown "$1" NRestarts)" -gt 0 ]; }
restarted_again() { [ "$(shown "$1" NRestarts)" -gt "$restarts" ]; }
digest() {
	inside nft list table inet sekisho | sed 's/expires [^ ]*//; s/timeout [^ ]*//; s/packets [0-9]* bytes [0-9]*//; s/ # progname.*//; /^\tflags/d' |
		sha256sum
}
is_as_before() { [ "$before" = "$(digest)" ]; }
is_changed() { ! is_as_before; }
edit() { sed -i "$1" "$root/etc/sekisho/sekisho.conf"; }
restore() { cp "$parent/good.conf" "$root/etc/sekisho/sekisho.conf"; }
has_owner() { inside nft list table inet sekisho | holds 'flags.*owner'; }
status_says() { { inside sekisho --lang en status || true; } | holds "$1"; }
in_journal() { inside journalctl -b -u "$1" --no-pager | holds "$2"; }
# systemd-analyze's "OK", 2.3, below the bound.
is_shut_in() {
	local level

	level=$(inside systemd-analyze security --no-pager "$1" | sed -n 's/.*exposure level for .*: \([0-9]*\)\.\([0-9]\).*/\1\2/p')
	[ -n "$level" ] && [ "$level" -le $exposure_max ]
}

# ---- the filter

check_boot() {
	local unit

	for unit in sekisho-seal sekishod; do
		await "$unit is active" inside systemctl is-active $unit
	done
	expect "nftables.service, which flushes, before the seal" comes_before nftables sekisho-seal
	expect "the seal before the daemon" comes_before sekisho-seal sekishod
	expect "the daemon before the network" comes_before sekishod network-pre.target
	expect "and before networkd" comes_before sekishod systemd-networkd
	expect "at the first try" [ "$(shown sekishod NRestarts)" = 0 ]
	await "the relay is active" inside systemctl is-active --quiet sekisho-relay
	expect "behind the filter" comes_before sekishod sekisho-relay
	await "the interfaces that came later are in their zones" inside sh -c 'nft list set bridge sekisho ports | grep mn0'
}

check_reload() {
	before=$(digest)
	expect "reload of the same file" inside systemctl reload sekishod
	expect "changes nothing" is_as_before
	cp "$root/etc/sekisho/sekisho.conf" "$parent/good.conf"
	edit 's/ports       = \[ 3389 \]/ports       = [ 3389, 3390 ]/'
	expect "reload of an edited file" inside systemctl reload sekishod
	expect "reaches the kernel" is_changed
	expect "as it says" inside sekisho why shokuin-pc gamen-server tcp 3390 --live
	before=$(digest)
	edit 's/to          = "lgwan"/to          = "internet"/'
	refuse "reload of a forbidden edit fails" inside systemctl reload sekishod
	expect "the finding is in the journal" in_journal sekishod sekisho.conf:
	expect "the service stays active" inside systemctl is-active sekishod
	expect "no rule changed" is_as_before
	restore
	expect "the mended file" inside systemctl reload sekishod
	before=$(digest)
}

# Who may do what.
as() { local user=$1; shift; inside runuser -u "$user" -- "$@"; }
may_read() {
	as "$1" sekisho status && as "$1" sekisho journal && as "$1" sekisho journal verify && as "$1" sekisho refusals &&
		as "$1" sekisho --config /var/lib/sekisho/audit/in-force.conf show
}
check_people() {
	local user

	inside useradd --create-home --groups sekisho-operator soumu
	inside useradd --create-home --groups sekisho-auditor kansa
	inside useradd --create-home nobody-else
	expect "an operator reads" may_read soumu
	expect "an operator applies" as soumu sekisho apply
	expect "an operator isolates" as soumu sekisho isolate internet
	expect "and releases" as soumu sekisho release internet
	expect "an auditor reads" may_read kansa
	refuse "an auditor does not apply" as kansa sekisho apply
	refuse "an auditor does not isolate" as kansa sekisho isolate internet
	refuse "who is in no group sees nothing" as nobody-else sekisho status
	refuse "and reads nothing" as nobody-else sekisho journal
	for user in soumu kansa nobody-else; do
		# shellcheck disable=SC2016 # expanded inside
		refuse "$user writes nothing" as "$user" sh -c '[ -n "$(find /var/lib/sekisho /run/sekisho -writable ! -type s 2>/dev/null)" ]'
	done
}

# Somebody flushes: where the kernel knows owners nothing happens, elsewhere it is repaired.
check_flush() {
	if inside sekisho --json status | holds '"ownership": *"own"'; then
		owned=true
		expect "the tables belong to the daemon" has_owner
		expect "nftables.service flushes the ruleset" inside systemctl restart nftables
		expect "which passes the tables by" is_as_before
	else
		owned=false
		expect "nftables.service flushes the ruleset" inside systemctl restart nftables
		await "and the rules are put back" is_as_before
	fi
}

check_kill() {
	inside systemctl kill --signal=SIGKILL sekishod || true
	if $owned; then expect "a flush while no daemon is there" inside nft flush ruleset; fi
	await "a killed daemon is restarted" restarted sekishod
	await "and answers" inside sekisho status
	expect "no rule changed" is_as_before
	if $owned; then expect "the tables still belong to it" has_owner; fi
}

check_watchdog() {
	restarts=$(shown sekishod NRestarts)
	inside systemctl kill --kill-who=main --signal=SIGSTOP sekishod
	await "a daemon that hangs is restarted" restarted_again sekishod
	await "and answers" inside sekisho status
	expect "by the watchdog" in_journal sekishod 'Watchdog timeout'
	expect "no rule changed" is_as_before
	if $owned; then expect "the tables still belong to it" has_owner; fi
}

check_stop() {
	expect "stop" inside systemctl stop sekishod
	expect "the rules stay" is_as_before
	expect "the seal does nothing where rules are" inside systemctl restart sekisho-seal
	expect "they stay" is_as_before
	expect "start on its own rules" inside systemctl start sekishod
	expect "an operator reads after that" may_read soumu
	expect "an auditor reads after that" may_read kansa
	expect "changes nothing" is_as_before
	if $owned; then expect "the tables belong to it again" has_owner; fi
}

# Power fails while a zone is isolated, and somebody has broken the file.
check_reboot() {
	expect "isolate" inside sekisho isolate mynumber --reason test
	edit 's/model/modell/'
	shut_down
	boot
	check_boot
	refuse "status after a reboot says that not all is well" inside sekisho status
	expect "the zone is still isolated" status_says 'ISOLATED *mynumber'
	expect "in the kernel as well" inside sh -c 'nft list set inet sekisho isolated | grep mn0'
	expect "and the last good file is in force" status_says 'the rules of before are in force'
	restore
	expect "the mended file" inside systemctl reload sekishod
	expect "release" inside sekisho release mynumber
	expect "all is well" inside sekisho status
}

# ---- the relay

relay_log() { inside journalctl -b -u sekisho-relay --no-pager -o cat; }
# True when the process of this role of the relay belongs to its user.
owned_by() {
	# shellcheck disable=SC2016 # expanded inside
	inside sh -c 'for p in /proc/[0-9]*; do tr "\0" " " <$p/cmdline | grep -q -- "sekisho-relay --role $0 " && stat -c %U $p; done; true' "$1" |
		holds "^sekisho-$1$"
}
listens() { inside ss -Hltn 'sport = :25' | holds .; }
plans() { relay_log | grep -c 'in use for new sessions' || true; }
has_new_plan() { [ "$(plans)" -gt "$plans_before" ]; }

check_relay() {
	local role

	expect "it listens" listens
	for role in keeper front washer courier; do
		expect "$role is a user of its own" owned_by "$role"
	done
	# shellcheck disable=SC2016 # expanded inside
	expect "originals belong to the keeper alone" inside sh -c '[ "$(stat -c %U%a /var/lib/sekisho-relay/originals)" = sekisho-keeper700 ]'
	plans_before=$(plans)
	expect "reload of the filter" inside systemctl reload sekishod
	await "it reloads the relay as well" has_new_plan
	edit 's/domains     = \[ "town.unno.lg.jp" \]/domains     = [ "no such domain" ]/'
	refuse "reload of a broken file fails" inside systemctl reload sekisho-relay
	expect "the finding is in the journal" in_journal sekisho-relay sekisho.conf:
	expect "the relay goes on" listens
	expect "a restart with the broken file relays by the last good one" inside systemctl restart sekisho-relay
	expect "and says so" in_journal sekisho-relay 'as the last good file said'
	expect "it listens again" listens
	restore
	expect "the mended file" inside systemctl reload sekisho-relay
	inside systemctl kill --signal=SIGKILL sekisho-relay || true
	await "a killed relay is restarted" restarted sekisho-relay
	await "and listens" listens
	expect "stop" inside systemctl stop sekisho-relay
}

make_base
make_root
say "Debian $release in $root"
boot
check_boot
expect "status says in force" inside sekisho status
await "what is refused is written down" inside sekisho refusals
# shellcheck disable=SC2016 # expanded inside
await "the wires of the zones are watched" inside sh -c '[ "$(grep -c " 0003 " /proc/net/packet)" -eq 4 ]'
expect "the log has its fields" inside sh -c 'journalctl -b -u sekishod --no-pager -o cat SKS_ID=SKS-START SKS_PART=parent | grep SKS-START'
check_people
check_reload
check_flush
check_kill
check_watchdog
check_stop
check_relay
for unit in $daemons sekisho-seal; do
	expect "$unit is shut in" is_shut_in "$unit.service"
done
check_reboot
shut_down
say "everything held"
