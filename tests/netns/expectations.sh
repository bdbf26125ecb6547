#!/bin/sh
# The example zone file keeps its promises: each probe of expectations.txt passes or is refused as it says.
set -u
: "${SEKISHO_SOURCE:=$(cd "$(dirname "$0")/../.." && pwd)}" "${SEKISHO_BUILD:=$SEKISHO_SOURCE/build}"
exec "$SEKISHO_BUILD/sekisho" --lang en --config "$SEKISHO_SOURCE/conf/sekisho.conf" why \
	--batch "$SEKISHO_SOURCE/tests/netns/expectations.txt"
