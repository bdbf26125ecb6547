#!/bin/bash
# Boots a Debian 12 with the units installed, and treats them as an administrator would: boot, reload of a good file and of a bad one, reload
# over a connection that the edit would cut, kill -9, stop, and start again; the filter first, then the relay.
#
# usage: tests/install/systemd_unit.sh [--keep]	(root; `make` first)
#
# systemd-nspawn boots it in a network of its own. Mirrors are those of this machine.
set -euo pipefail
cd "$(dirname "$0")/../.."

readonly release=bookworm machine=sekisho-unit-$$
readonly runtime=systemd,systemd-sysv,dbus,nftables,iproute2,python3-minimal,libnftnl11,libmnl0,libnl-3-200,libnl-route-3-200,libconfig9,libevent-core-2.1-7,libssl3,libseccomp2,libcap-ng0,libjansson4,libsqlite3-0
readonly boot_seconds=60
readonly landlock="landlock_create_ruleset landlock_add_rule landlock_restrict_self"
keep=false
[ "${1:-}" != --keep ] || keep=true
[ "$(id -u)" -eq 0 ] || { echo "$0: root is needed" >&2; exit 1; }

parent=$(mktemp -d "${TMPDIR:-/tmp}/sekisho-unit.XXXXXX")
readonly parent root=$parent/root
nspawn=

leave() {
	[ -z "$nspawn" ] || { kill "$nspawn" 2>/dev/null; wait "$nspawn" 2>/dev/null; } || true
	$keep || rm -rf --one-file-system "$parent"
}
trap leave EXIT

say() { echo "systemd-unit: $*"; }
die() { say "FAILED: $*"; inside journalctl -b -u sekishod -u sekisho-relay --no-pager | tail -n 40 || true; exit 1; }
expect() { local what=$1; shift; if "$@" >"$parent/last" 2>&1; then say "ok: $what"; else cat "$parent/last"; die "$what"; fi; }
await() {
	local what=$1 deadline=$((SECONDS + boot_seconds))

	shift
	until "$@" >/dev/null 2>&1; do [ $SECONDS -lt $deadline ] || die "$what"; done
	say "ok: $what"
}
refuse() { local what=$1; shift; if "$@" >"$parent/last" 2>&1; then cat "$parent/last"; die "$what"; else say "ok: $what"; fi; }

make_root() {
	local mirror

	# shellcheck disable=SC2016 # apt's own variables
	mirror=$(apt-get indextargets --format '$(REPO_URI) $(CODENAME)' 'Created-By: Packages' |
		awk -v release=$release '$2 == release { print $1; exit }')
	debootstrap --variant=minbase --include=$runtime $release "$root" ${mirror:+"$mirror"} >"$parent/debootstrap.log" 2>&1 ||
		{ tail -n 20 "$parent/debootstrap.log"; return 1; }
	make install DESTDIR="$root" >"$parent/install.log" 2>&1 || { tail -n 20 "$parent/install.log"; return 1; }
	systemctl --root="$root" --quiet enable sekishod.service sekisho-relay.service
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
	systemctl --root="$root" --quiet enable town-links.service
}

# A command inside: in the namespaces of the container's init.
inside() {
	nsenter --target "$init" --mount --uts --ipc --net --pid -- env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin LANG=C.UTF-8 "$@"
}

# nspawn's child is the container's init.
find_init() {
	local deadline=$((SECONDS + boot_seconds))

	until init=$(pgrep --parent "$nspawn" --oldest); do
		[ $SECONDS -lt $deadline ] || return 1
	done
}

boot() {
	local deadline=$((SECONDS + boot_seconds * 3))

	# nspawn's own filter does not know Landlock.
	SYSTEMD_NSPAWN_API_VFS_WRITABLE=yes systemd-nspawn --quiet --boot --register=no --keep-unit --private-network --machine="$machine" \
		--system-call-filter="$landlock" --capability=all --directory="$root" --console=read-only </dev/null >"$parent/console" 2>&1 &
	nspawn=$!
	find_init || { cat "$parent/console"; return 1; }
	until inside systemctl is-system-running --wait >/dev/null 2>&1 || inside systemctl is-active --quiet multi-user.target; do
		[ $SECONDS -lt $deadline ] || { cat "$parent/console"; return 1; }
	done
}

# Kills every process of a unit; the service manager may lose one that dies by itself meanwhile, because its parent did.
kill_all() {
	inside systemctl kill --signal=SIGKILL "$1" >/dev/null 2>&1 || true
	await "$1 was killed" restarted "$1"
}
restarted() { [ "$(inside systemctl show -P NRestarts "$1")" -gt 0 ]; }

# The settings of a running unit, for comparisons.
monotonic() { inside systemctl show -P ActiveEnterTimestampMonotonic "$1"; }
digest() { inside nft list table inet sekisho | sed 's/expires [^ ]*//; s/timeout [^ ]*//; s/packets [0-9]* bytes [0-9]*//' | sha256sum; }
edit() { sed -i "$1" "$root/etc/sekisho/sekisho.conf"; }

say "Debian $release in $root"
make_root
boot
expect "it is active after boot" inside systemctl is-active sekishod
expect "before the network" [ "$(monotonic sekishod)" -le "$(monotonic network-pre.target)" ]
await "the relay is active after boot" inside systemctl is-active --quiet sekisho-relay
expect "behind the filter" [ "$(monotonic sekishod)" -le "$(monotonic sekisho-relay)" ]
expect "the interfaces that came later are in their zones" inside sh -c 'nft list set bridge sekisho ports | grep -q mn0'
expect "status says in force" inside sekisho status
await "what is refused is written down" inside sekisho refusals
expect "the log has its fields" inside sh -c 'journalctl -b -u sekishod --no-pager -o cat SKS_ID=SKS-START SKS_PART=parent | grep -q SKS-START'

# ---- who may do what
as() { local user=$1; shift; inside runuser -u "$user" -- "$@"; }
may_read() {
	as "$1" sekisho status && as "$1" sekisho journal && as "$1" sekisho journal verify && as "$1" sekisho refusals && as "$1" sekisho --config /var/lib/sekisho/audit/in-force.conf show
}
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

before=$(digest)
expect "reload of the same file" inside systemctl reload sekishod
[ "$before" = "$(digest)" ] || die "a reload of the same file changed rules"

cp "$root/etc/sekisho/sekisho.conf" "$parent/good.conf"
edit 's/ports       = \[ 3389 \]/ports       = [ 3389, 3390 ]/'
expect "reload of an edited file" inside systemctl reload sekishod
[ "$before" != "$(digest)" ] || die "the edit did not reach the kernel"
expect "the edit is in the kernel" inside sekisho why shokuin-pc gamen-server tcp 3390 --live
before=$(digest)

edit 's/to          = "lgwan"/to          = "internet"/'
refuse "reload of a forbidden edit fails" inside systemctl reload sekishod
expect "the finding is in the journal" inside sh -c 'journalctl -b -u sekishod --no-pager | grep -q sekisho.conf:'
expect "and the service stays active" inside systemctl is-active sekishod
[ "$before" = "$(digest)" ] || die "a refused reload changed rules"
cp "$parent/good.conf" "$root/etc/sekisho/sekisho.conf"
expect "the mended file" inside systemctl reload sekishod
before=$(digest)

kill_all sekishod
await "it comes back" inside sekisho status
[ "$before" = "$(digest)" ] || die "a crash changed rules"
say "ok: a crash changed nothing"
expect "stop" inside systemctl stop sekishod
[ "$before" = "$(digest)" ] || die "a stop changed rules"
say "ok: the rules stay after a stop"
expect "start on its own rules" inside systemctl start sekishod
expect "an operator reads after that" may_read soumu
expect "an auditor reads after that" may_read kansa
[ "$before" = "$(digest)" ] || die "a start on its own rules changed them"

# ---- the relay
relay_log() { inside journalctl -b -u sekisho-relay --no-pager -o cat; }
# True when the process of this role of the relay belongs to its user.
owned_by() {
	# shellcheck disable=SC2016 # expanded inside
	inside sh -c 'for p in /proc/[0-9]*; do tr "\0" " " <$p/cmdline | grep -q -- "sekisho-relay --role $0 " && stat -c %U $p; done; true' "$1" |
		grep -qx "sekisho-$1"
}
listens() { inside ss -Hltn 'sport = :25' | grep -q .; }
plans() { relay_log | grep -c 'in use for new sessions' || true; }
has_new_plan() { [ "$(plans)" -gt "$before" ]; }
expect "it listens" listens
for role in keeper front washer courier; do
	expect "$role is a user of its own" owned_by "$role"
done
# shellcheck disable=SC2016 # expanded inside
expect "originals belong to the keeper alone" inside sh -c '[ "$(stat -c %U%a /var/lib/sekisho-relay/originals)" = sekisho-keeper700 ]'
before=$(plans)
expect "reload of the filter" inside systemctl reload sekishod
await "it reloads the relay as well" has_new_plan
edit 's/domains     = \[ "town.unno.lg.jp" \]/domains     = [ "no such domain" ]/'
refuse "reload of a broken file fails" inside systemctl reload sekisho-relay
expect "the finding is in the journal" inside sh -c 'journalctl -b -u sekisho-relay --no-pager | grep -q sekisho.conf:'
expect "the relay goes on" listens
expect "a restart with the broken file relays by the last good one" inside systemctl restart sekisho-relay
expect "and says so" inside sh -c 'journalctl -b -u sekisho-relay --no-pager -o cat | grep -q "as the last good file said"'
expect "it listens again" listens
cp "$parent/good.conf" "$root/etc/sekisho/sekisho.conf"
expect "the mended file" inside systemctl reload sekisho-relay
kill_all sekisho-relay
await "the relay comes back" listens
expect "stop" inside systemctl stop sekisho-relay
for unit in sekishod sekisho-relay; do
	inside systemd-analyze security --no-pager $unit.service | tail -n 1
done
say "everything held"
