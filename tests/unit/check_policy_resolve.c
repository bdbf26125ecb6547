/* policy/resolve: what the words of a zone file mean, and what is said when they mean nothing. */
#include "policy_case.h"

#include <errno.h>

#include "policy/mail_name.h"
#include "policy/names.h"

#define COUNT(table) (int)(sizeof(table) / sizeof((table)[0]))
#define ADD_ZONE(REST) { "#zones", ", { " REST " }" }
#define ADD_HOST(REST) { "#hosts", ", { " REST " }" }
#define ADD_NETWORK(REST) { "#networks", ", { " REST " }" }
#define ADD_SERVICE(REST) { "#services", ", { " REST " }" }
/* One more flow inside the Internet tier. */
#define ADD_FLOW(REST) { "#flows", ", { name = 'x'; from = 'in'; to = 'up'; method = 'internal'; " REST " }" }
/* More keys of the zone lg. */
#define LG_SERVERS(KEYS) { "'fd00:0:0:2::/64' ];", "'fd00:0:0:2::/64' ]; " KEYS }
#define ADD_RELAY(REST) { "#relays", ", { " REST " }" }
#define RELAY(REST) { "#relay\n", REST "\n" }
#define ANOTHER_RELAY(NAME, REST)                                                                            \
	ADD_RELAY("name = '" NAME "'; from = 'in'; to = 'lg'; accept_from = 'gamen'; next_hops = 'kanri'; " \
		  "domains = 'mura.unno.lg.jp'; " REST)
#define LABEL_63 "abcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrstuvwxyzabcdefghijk"
#define DOMAIN(WORD) { "domains = 'town.unno.lg.jp'", "domains = '" WORD "'" }
/* 238 bytes of the longest domain, whose last is missing. */
#define DOMAIN_238 LABEL_63 "." LABEL_63 "." LABEL_63 ".abcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrst"
#define HTTPS "protocol = 'tcp'; ports = 443;"
#define RECORD(APPROVED, EXPIRES)                                                                            \
	"source = 'gamen'; destination = 'mx'; " HTTPS                                                       \
	" record = { number = '1'; approved = '" APPROVED "'; expires = '" EXPIRES "'; };"

static const struct policy_case rows[] = {
	{ .what = "the good file", .ids = "" },
	/* Names */
	{ "a zone twice", "name-twice", .line = "mn1", .related = "mn0", .edits = {
	  ADD_ZONE("name = 'mn'; tier = 'mynumber'; interfaces = 'mn1'; networks = '10.9.0.0/24';") } },
	{ "a host named like a network", "name-twice", .line = "10.3.0.99", .edits = {
	  ADD_NETWORK("name = 'gamen'; zone = 'in'; prefixes = '10.3.0.99';") } },
	{ "a gateway service named like a flow", "name-twice", .edits = {
	  { "#locals", ", { name = 'web'; zone = 'lg'; source = 'kanri'; protocol = 'tcp'; ports = 80; }" } } },
	{ "a relay twice", "name-twice", .edits = {
	  ADD_RELAY("name = 'mail'; from = 'in'; to = 'lg'; accept_from = 'soto'; next_hops = 'kanri'; domains = 'a.jp';") } },
	{ "a host called any", "name-reserved", .line = "any", .edits = {
	  ADD_HOST("name = 'any'; zone = 'in'; addresses = '10.3.0.99';") } },
	{ "a zone called local", "name-reserved", .edits = {
	  ADD_ZONE("name = 'local'; tier = 'lgwan'; interfaces = 'x0'; networks = '10.9.0.0/24';") } },
	{ "a host called like another's address", "name-reserved", .edits = {
	  ADD_HOST("name = '10.3.0.98'; zone = 'in'; addresses = '10.3.0.99';") } },
	{ "an unknown zone", "zone-unknown", .edits = {
	  ADD_HOST("name = 'h'; zone = 'lgw'; addresses = '10.2.0.99';") } },
	{ "an unknown host where one is needed", "host-unknown", .line = "routr", .edits = {
	  { "routers = [ 'router' ]", "routers = [ 'router', 'routr' ]" } } },
	{ "an unknown DHCP server", "host-unknown", .line = "jukii", .edits = { LG_SERVERS("dhcp_servers = 'jukii';") } },
	{ "an IPv6 router of another zone", "end-elsewhere", .line = "gamen", .edits = { LG_SERVERS("ipv6_routers = [ 'naka', 'gamen' ];") } },
	{ "a network where a host is needed", "host-expected", .related = "all-up", .edits = {
	  { "dns = [ 'dns' ]", "dns = [ 'dns', 'all-up' ]" },
	  ADD_NETWORK("name = 'all-up'; zone = 'up'; prefixes = '192.0.2.0/24';") } },
	{ "an unknown end", "end-unknown", .edits = {
	  ADD_FLOW("source = 'game'; destination = 'mx'; " HTTPS) } },
	{ "an end that looks like a name of digits", "end-unknown", .edits = {
	  ADD_FLOW("source = '42'; destination = 'mx'; " HTTPS) } },
	{ "an unknown service", "service-unknown", .edits = {
	  { "service = 'web'", "service = 'wbe'" } } },
	{ "an unknown user", "user-unknown", .line = "nobody-here", .edits = {
	  { "user = 'root'", "user = 'nobody-here'" } } },
	{ "what needs a broken thing is not told again", "address-malformed", .edits = {
	  { "addresses = [ '10.3.0.30' ]", "addresses = [ '10.3.0.300' ]" } } },
	{ "a broken network of a zone is not told at its hosts", "host-bits", .line = "mn0", .edits = {
	  { "interfaces = [ 'mn0' ];\n	  networks = [ '10.1.0.0/24',", "interfaces = [ 'mn0' ]; "
	                                                               "networks = [ '10.1.0.1/24'," } } },
	{ "a zone whose name is taken: what belongs to it is not told to be lost", "name-twice", .line = "in0", .edits = { { "{ name = 'in';", "{ name = 'lg';" } } },
	/* Interfaces and networks */
	{ "an interface name of 15 characters", "", .edits = { { "'mn0'", "'mn0123456789abc'" } } },
	{ "an interface name of 16 characters", "interface-malformed", .edits = {
	  { "'mn0'", "'mn0', 'mn0123456789abcd'" } } },
	{ "the loopback as an interface", "interface-malformed", .edits = { { "'mn0'", "'mn0', 'lo'" } } },
	{ "an interface in two zones", "interface-twice", .line = "lg0", .related = "mn0", .edits = {
	  { "'lg0'", "'lg0', 'mn0'" } } },
	{ "overlapping networks", "zone-overlap", .line = "10.2.0.0/16", .related = "10.2.0.0/24", .edits = {
	  ADD_ZONE("name = 'z'; tier = 'lgwan'; interfaces = 'z0'; networks = '10.2.0.0/16';") } },
	{ "a network over those of two zones", "zone-overlap zone-overlap", .edits = {
	  ADD_ZONE("name = 'z'; tier = 'lgwan'; interfaces = 'z0'; networks = '10.2.0.0/15';") } },
	{ "equal networks", "zone-overlap", .edits = {
	  ADD_ZONE("name = 'z'; tier = 'lgwan'; interfaces = 'z0'; networks = 'fd00:0:0:2::/64';") } },
	{ "an overlap with the uplink's own network", "zone-overlap", .edits = {
	  ADD_ZONE("name = 'z'; tier = 'lgwan'; interfaces = 'z0'; networks = '192.0.2.128/25';") } },
	{ "loopback as a network", "network-not-unicast", .edits = {
	  { "'10.1.0.0/24'", "'10.1.0.0/24', '127.0.0.0/8'" } } },
	{ "multicast as a network", "network-not-unicast", .edits = {
	  { "'10.1.0.0/24'", "'10.1.0.0/24', '224.0.0.0/4'" } } },
	{ "class E as a network", "network-not-unicast", .edits = {
	  { "'10.1.0.0/24'", "'10.1.0.0/24', '240.0.0.0/4'" } } },
	{ "IPv4 link-local as a network", "network-not-unicast", .edits = {
	  { "'10.1.0.0/24'", "'10.1.0.0/24', '169.254.0.0/16'" } } },
	{ "IPv6 link-local as a network", "network-not-unicast", .edits = {
	  { "'10.1.0.0/24'", "'10.1.0.0/24', 'fe80::/64'" } } },
	{ "mapped addresses as a network", "network-not-unicast", .edits = {
	  { "'10.1.0.0/24'", "'10.1.0.0/24', '::ffff:0:0/96'" } } },
	{ "the whole world as a network", "network-not-unicast", .edits = {
	  { "'10.1.0.0/24'", "'10.1.0.0/24', '0.0.0.0/0'" } } },
	{ "no network at all", "prefix-malformed", .edits = {
	  { "'10.1.0.0/24'", "'10.1.0.0/24', '10.1.0'" } } },
	{ "two uplinks", "uplink-twice", .line = "z0", .related = "up0", .edits = {
	  ADD_ZONE("name = 'z'; tier = 'internet'; interfaces = 'z0'; networks = '198.51.100.0/24'; "
	           "uplink = { routers = 'router'; };") } },
	/* Hosts */
	{ "a prefix as the address of a host", "address-malformed", .edits = {
	  ADD_HOST("name = 'h'; zone = 'in'; addresses = '10.3.0.0/24'; macs = '02:00:00:00:00:01';") } },
	{ "a host outside its zone",
	  "host-outside-zone", .line = "10.2.0.99", .related = "tier = 'internet'", .edits = {
	  ADD_HOST("name = 'h'; zone = 'in'; addresses = '10.2.0.99';") } },
	{ "a network outside its zone", "network-outside-zone", .edits = {
	  ADD_NETWORK("name = 'n'; zone = 'in'; prefixes = '10.3.0.0/23';") } },
	{ "an address twice", "address-twice", .line = "h", .related = "gamen", .edits = {
	  ADD_HOST("name = 'h'; zone = 'in'; addresses = '10.3.0.30'; macs = '02:00:00:00:00:01';") } },
	{ "a malformed MAC", "mac-malformed", .edits = {
	  ADD_HOST("name = 'h'; zone = 'in'; addresses = '10.3.0.99'; macs = '02:00:00:00:00';") } },
	{ "a group address as MAC", "mac-not-a-sender", .edits = {
	  ADD_HOST("name = 'h'; zone = 'in'; addresses = '10.3.0.99'; macs = '01:00:5e:00:00:01';") } },
	{ "a MAC twice in a zone", "mac-twice", .line = "h", .related = "kanri", .edits = {
	  ADD_HOST("name = 'h'; zone = 'lg'; addresses = '10.2.0.99'; macs = '02:00:00:02:00:05';") } },
	{ "a MAC in two zones is a layer 3 switch", "", .edits = {
	  ADD_HOST("name = 'h'; zone = 'in'; addresses = '10.3.0.99'; macs = '02:00:00:02:00:05';") } },
	{ "macs and via", "host-mac-and-via", .edits = {
	  ADD_HOST("name = 'h'; zone = 'lg'; addresses = '10.2.0.99'; macs = '02:00:00:00:00:01'; "
	           "via = 'kanri';") } },
	{ "via a host without MAC", "via-without-mac", .line = "h", .related = "naka", .edits = {
	  ADD_HOST("name = 'h'; zone = 'lg'; addresses = '10.2.0.99'; via = 'naka';") } },
	{ "via a host that lies behind another", "via-without-mac", .edits = {
	  ADD_HOST("name = 'h'; zone = 'lg'; addresses = '10.2.0.99'; via = 'kanri'; }, { name = 'i'; "
	           "zone = 'lg'; addresses = '10.2.0.98'; via = 'h';") } },
	{ "via itself", "via-without-mac", .edits = {
	  ADD_HOST("name = 'h'; zone = 'lg'; addresses = '10.2.0.99'; via = 'h';") } },
	{ "via a host of another zone", "end-elsewhere", .related = "jumin", .edits = {
	  ADD_HOST("name = 'h'; zone = 'lg'; addresses = '10.2.0.99'; via = 'jumin';") } },
	{ "a MAC behind PPP", "mac-without-ethernet", .related = "ppp0", .edits = {
	  ADD_ZONE("name = 'z'; tier = 'lgwan'; interfaces = 'ppp0'; networks = '10.9.0.0/24';"),
	  ADD_HOST("name = 'h'; zone = 'z'; addresses = '10.9.0.1'; macs = '02:00:00:00:00:01';") } },
	{ "a host nothing refers to", "host-unused", .line = "h", .edits = {
	  ADD_HOST("name = 'h'; zone = 'in'; addresses = '10.3.0.99';") } },
	{ "a network nothing refers to", "network-unused", .line = "n", .edits = {
	  ADD_NETWORK("name = 'n'; zone = 'in'; prefixes = '10.3.0.99';") } },
	/* Protocols, ports, ends */
	{ "neither service nor protocol", "protocol-missing", .edits = {
	  ADD_FLOW("source = 'gamen'; destination = 'mx';") } },
	{ "an unknown protocol", "protocol-unknown", .edits = {
	  ADD_FLOW("source = 'gamen'; destination = 'mx'; protocol = 'tpc'; ports = 443;") } },
	{ "protocol 0", "protocol-unknown", .edits = {
	  ADD_FLOW("source = 'gamen'; destination = 'mx'; protocol = '0';") } },
	{ "protocol 255", "", .edits = {
	  ADD_FLOW("source = 'gamen'; destination = 'mx'; protocol = '255';") } },
	{ "protocol 256", "protocol-unknown", .edits = {
	  ADD_FLOW("source = 'gamen'; destination = 'mx'; protocol = '256';") } },
	{ "service and protocol", "service-and-protocol", .edits = {
	  ADD_FLOW("source = 'gamen'; destination = 'mx'; service = 'web'; " HTTPS) } },
	{ "a service nothing refers to", "service-unused", .edits = {
	  ADD_SERVICE("name = 's'; protocol = 'icmp';") } },
	{ "tcp without ports", "ports-missing", .edits = {
	  ADD_FLOW("source = 'gamen'; destination = 'mx'; protocol = 'tcp';") } },
	{ "icmp with ports", "ports-not-expected", .edits = {
	  ADD_FLOW("source = 'gamen'; destination = 'mx'; protocol = 'icmp'; ports = 8;") } },
	{ "port 0", "port-malformed", .edits = {
	  ADD_FLOW("source = 'gamen'; destination = 'mx'; protocol = 'tcp'; ports = 0;") } },
	{ "port 65535", "", .edits = {
	  ADD_FLOW("source = 'gamen'; destination = 'mx'; protocol = 'tcp'; ports = 65535;") } },
	{ "port 65536", "port-malformed", .edits = {
	  ADD_FLOW("source = 'gamen'; destination = 'mx'; protocol = 'tcp'; ports = 65536;") } },
	{ "a port range backwards", "port-malformed", .edits = {
	  ADD_FLOW("source = 'gamen'; destination = 'mx'; protocol = 'tcp'; ports = '90-80';") } },
	{ "a port by name", "port-malformed", .edits = {
	  ADD_FLOW("source = 'gamen'; destination = 'mx'; protocol = 'tcp'; ports = 'https';") } },
	{ "any among others", "any-not-alone", .edits = {
	  ADD_FLOW("source = [ 'gamen', 'any' ]; destination = 'mx'; " HTTPS) } },
	{ "an address outside the zone", "end-outside-zone", .related = "in0", .edits = {
	  ADD_FLOW("source = '10.3.1.1'; destination = 'mx'; " HTTPS) } },
	{ "an address of another zone through the uplink", "end-outside-zone", .edits = {
	  ADD_FLOW("source = 'gamen'; destination = '10.1.0.10'; " HTTPS) } },
	{ "an address of the world through the uplink", "", .edits = {
	  ADD_FLOW("source = 'gamen'; destination = [ '198.51.100.7', '2001:db8:9::/48' ]; "
	           "protocol = 'tcp'; ports = 8080;") } },
	{ "a host of another zone", "end-elsewhere", .line = "kanri", .related = "10.2.0.5", .edits = {
	  ADD_FLOW("source = 'kanri'; destination = 'mx'; " HTTPS) } },
	{ "a range backwards", "range-backwards", .edits = {
	  ADD_FLOW("source = '10.3.0.9-10.3.0.1'; destination = 'mx'; " HTTPS) } },
	{ "a network that begins in its middle", "host-bits", .edits = {
	  ADD_FLOW("source = '10.3.0.9/25'; destination = 'mx'; " HTTPS) } },
	{ "a mask in dots", "mask-dotted", .edits = {
	  ADD_FLOW("source = '10.3.0.0/255.255.255.128'; destination = 'mx'; " HTTPS) } },
	{ "a mask that is none", "prefix-malformed", .edits = {
	  ADD_FLOW("source = '10.3.0.0/255.0.255.0'; destination = 'mx'; " HTTPS) } },
	{ "a malformed address", "prefix-malformed", .edits = {
	  ADD_FLOW("source = '10.3.0.0/33'; destination = 'mx'; " HTTPS) } },
	{ "families that never meet", "families-disjoint", .edits = {
	  ADD_FLOW("source = '10.3.0.1'; destination = '2001:db8::1'; " HTTPS) } },
	{ "a flow with the content of another", "flow-same", .line = "'x'", .related = "'web'", .edits = {
	  ADD_FLOW("source = 'any'; destination = 'any'; protocol = 'tcp'; ports = [ 80, 443 ];") } },
	{ "a pair refused twice", "refusal-twice", .line = "drop", .related = "reject", .edits = {
	  { "#refusals", ", { from = 'in'; to = 'up'; refuse = 'drop'; }" } } },
	{ "a pair limited twice", "limit-twice", .line = "200", .related = "100", .edits = {
	  { "gateway = {", "limits = ( { from = 'in'; to = 'up'; connections = 100; },\n{ from = 'in'; to = 'up'; connections = 200; } );\ngateway = {" } } },
	{ "the limit of a zone that is none", "zone-unknown", .line = "'uq'", .edits = {
	  { "gateway = {", "limits = ( { from = 'in';\nto = 'uq'; connections = 100; } );\ngateway = {" } } },
	/* Records */
	{ "a date that is none", "date-malformed", .edits = { ADD_FLOW(RECORD("2026-04-01", "soon")) } },
	{ "a day that does not exist", "date-impossible", .edits = {
	  ADD_FLOW(RECORD("2026-04-01", "2027-02-30")) } },
	{ "nendo without approval", "nendo-without-approved", .edits = {
	  ADD_FLOW("source = 'gamen'; destination = 'mx'; " HTTPS " record = { number = '1'; "
	           "expires = 'nendo'; };") } },
	{ "nendo with a broken approval", "date-malformed", .edits = {
	  ADD_FLOW(RECORD("spring", "nendo")) } },
	{ "expires before approved", "record-backwards", .edits = {
	  ADD_FLOW(RECORD("2027-04-01", "2027-03-31")) } },
	{ "a record that is good for a year", "flow-covered", .edits = {
	  ADD_FLOW(RECORD("2026-04-01", "2027-11-20")) } },
	{ "expired yesterday", "record-expired", .edits = { ADD_FLOW(RECORD("2026-04-01", "2026-11-20")) } },
	/* Relays */
	{ "a relay that takes mail from anybody", "relay-accepts-any", .edits = {
	  { "accept_from = 'soto'", "accept_from = 'any'" } } },
	{ "a network as next hop", "relay-next-hop-wide", .edits = {
	  { "next_hops = 'naka'", "next_hops = '10.2.0.24/31'" } } },
	{ "any as next hop", "relay-next-hop-wide", .edits = {
	  { "next_hops = 'naka'", "next_hops = 'any'" } } },
	{ "an outer host as next hop", "end-elsewhere", .edits = {
	  { "next_hops = 'naka'", "next_hops = 'soto'" } } },
	{ "two next hops with neighbouring addresses", "host-unused", .edits = {
	  { "next_hops = 'naka'", "next_hops = [ '10.2.0.26', '10.2.0.25' ]" } } },
	{ "a wide next hop among others", "relay-next-hop-wide", .line = "10.2.0.128/25", .edits = {
	  { "next_hops = 'naka'", "next_hops = [ 'naka',\n'10.2.0.128/25' ]" } } },
	{ "an address of the gateway", "", .edits = { RELAY("listen = [ '10.3.0.254', 'fd00:0:0:3::fe' ];") } },
	{ "an address in another zone", "relay-listen-outside", .line = "listen", .related = "in0", .edits = {
	  RELAY("listen = '10.2.0.254';") } },
	{ "an address of the world behind the uplink", "relay-listen-outside", .edits = {
	  { "from = 'in'; to = 'lg'; accept_from = 'soto'", "from = 'up'; to = 'lg'; accept_from = 'mx'" },
	  { "addresses = [ '10.3.0.25' ]", "addresses = [ '10.3.0.25' ]; macs = '02:00:00:03:00:25'" },
	  RELAY("listen = '203.0.113.254';") } },
	{ "a prefix to listen at", "address-malformed", .edits = { RELAY("listen = '10.3.0.0/24';") } },
	{ "a name to listen at", "address-malformed", .edits = { RELAY("listen = 'soto';") } },
	{ "two relays at all addresses", "relay-listen-twice", .line = "'r'", .related = "'mail'", .edits = {
	  ANOTHER_RELAY("r", "") } },
	{ "a relay at all addresses and one at one of them", "relay-listen-twice", .edits = {
	  ANOTHER_RELAY("r", "listen = '10.3.0.254';") } },
	{ "two relays at one address", "relay-listen-twice", .edits = {
	  RELAY("listen = [ '10.3.0.252', '10.3.0.254' ];"), ANOTHER_RELAY("r", "listen = [ '10.3.0.254', '10.3.0.253' ];") } },
	{ "two relays at two ports", "", .edits = { ANOTHER_RELAY("r", "listen_port = 2525;") } },
	{ "two relays at two addresses", "", .edits = {
	  RELAY("listen = '10.3.0.254';"), ANOTHER_RELAY("r", "listen = '10.3.0.253';") } },
	{ "a domain in capitals", "", .edits = { DOMAIN("Town.UNNO.lg.jp") } },
	{ "a domain as A-label", "", .edits = { DOMAIN("xn--n8jaaaaai5bhf7as8fsfk3jnknefdde3f.jp") } },
	{ "a domain in Japanese", "domain-not-ascii", .line = "海野", .edits = { DOMAIN("海野.jp") } },
	{ "a domain with an at sign", "domain-malformed", .edits = { DOMAIN("@town.unno.lg.jp") } },
	{ "a domain that ends with a dot", "domain-malformed", .edits = { DOMAIN("town.unno.lg.jp.") } },
	{ "a domain with an empty label", "domain-malformed", .edits = { DOMAIN("town..jp") } },
	{ "a label that begins with a hyphen", "domain-malformed", .edits = { DOMAIN("-town.jp") } },
	{ "a label that ends with a hyphen", "domain-malformed", .edits = { DOMAIN("town-.jp") } },
	{ "a domain of one label", "domain-malformed", .edits = { DOMAIN("town") } },
	{ "any domain", "domain-malformed", .edits = { DOMAIN("any") } },
	{ "a star", "domain-malformed", .edits = { DOMAIN("*.lg.jp") } },
	{ "an address as a domain", "domain-malformed", .edits = { DOMAIN("192.0.2.1") } },
	{ "the longest label", "", .edits = { DOMAIN(LABEL_63 ".jp") } },
	{ "a label that is too long", "domain-malformed", .edits = { DOMAIN("l" LABEL_63 ".jp") } },
	{ "the longest domain", "", .edits = { DOMAIN(DOMAIN_238 "u") } },
	{ "a domain that is too long", "domain-malformed", .edits = { DOMAIN(DOMAIN_238 "uv") } },
	{ "a domain twice", "domain-twice", .line = "TOWN", .related = "town", .edits = {
	  { "domains = 'town.unno.lg.jp'", "domains = [ 'town.unno.lg.jp',\n'TOWN.unno.lg.jp' ]" } } },
	{ "a host name that is none", "domain-malformed", .edits = { RELAY("host_name = 'relay';") } },
	{ "an address for notices", "", .edits = { RELAY("text = { notice_address = 'mail+notice@unno.lg.jp'; };") } },
	{ "an address for notices with a name", "mail-address-malformed", .edits = {
	  RELAY("text = { notice_address = 'Postmaster <postmaster@unno.lg.jp>'; };") } },
	{ "an address for notices without a domain", "mail-address-malformed", .edits = {
	  RELAY("text = { notice_address = 'postmaster'; };") } },
	{ "an address for notices without a local part", "mail-address-malformed", .edits = {
	  RELAY("text = { notice_address = '@unno.lg.jp'; };") } },
	{ "an address for notices in Japanese", "mail-address-malformed", .edits = {
	  RELAY("text = { notice_address = '係@unno.lg.jp'; };") } },
	{ "the longest local part", "", .edits = { RELAY("text = { notice_address = 'a" LABEL_63 "@unno.lg.jp'; };") } },
	{ "a local part that is too long", "mail-address-malformed", .edits = {
	  RELAY("text = { notice_address = 'ab" LABEL_63 "@unno.lg.jp'; };") } },
	{ "whose results are believed", "", .edits = { RELAY("text = { trusted_authserv_id = 'mx.unno.lg.jp'; };") } },
	{ "a name for results of nobody", "relay-authserv-alone", .edits = { RELAY("text = { authserv_id = 'unno.lg.jp'; };") } },
	{ "a name for results that is none", "domain-malformed domain-malformed", .edits = {
	  RELAY("text = { authserv_id = 'unno'; trusted_authserv_id = 'mx'; };") } },
	{ "the longest subject prefix", "", .edits = { RELAY("text = { subject_prefix = '" LABEL_63 "1'; };") } },
	{ "a subject prefix that is too long", "relay-text-long", .edits = { RELAY("text = { subject_prefix = '" LABEL_63 "12'; };") } },
	{ "a footer with a character of private use", "relay-text-private", .edits = {
	  RELAY("text = { footer = [ 'a', '\xee\x80\x80' ]; };") } },
	{ "a subject prefix with a character of the private planes", "relay-text-private", .edits = {
	  RELAY("text = { subject_prefix = '\xf3\xb0\x80\x80'; };") } },
	{ "twelve mistakes are told in one run",
	  "address-malformed end-unknown host-bits host-unknown interface-twice mac-malformed "
	  "name-twice port-malformed ports-missing protocol-unknown via-without-mac zone-unknown", .edits = {
	  ADD_ZONE("name = 'z'; tier = 'lgwan'; interfaces = [ 'z0', 'lg0' ]; networks = [ '10.9.0.0/24', "
	           "'10.8.0.1/24' ];"),
	  ADD_HOST("name = 'h'; zone = 'lg'; addresses = '10.2.0.999'; }, { name = 'i'; zone = 'lg'; "
	           "addresses = '10.2.0.98'; via = 'naka'; }, { name = 'j'; zone = 'lg'; "
	           "addresses = '10.2.0.97'; macs = '02'; }, { name = 'gamen'; zone = 'in'; "
	           "addresses = '10.3.0.9';"),
	  { "smtp = [ 'mx' ]", "smtp = [ 'mx', 'mmx' ]" },
	  ADD_FLOW("source = 'nobody'; destination = 'mx'; " HTTPS " }, { name = 'y'; from = 'inn'; "
	           "to = 'up'; method = 'internal'; source = 'any'; destination = 'mx'; " HTTPS),
	  ADD_SERVICE("name = 's'; protocol = 'tcp'; ports = 'http'; }, { name = 't'; protocol = 'tcp'; }, "
	              "{ name = 'u'; protocol = 'http';") } },
};

/*
 * Findings of the resolver that no text can give: the reader refuses the word first, or the file would be too
 * large for a row.
 */
static const char *const other_ids[] = {
	"model-unknown", "tier-unknown", "method-unknown", "peer-unknown", "refuse-unknown",
	"zones-too-many", "interfaces-too-many", "hosts-too-many", "flows-too-many", "relays-too-many", "relay-list-long",
	"limit-idle", "limit-beyond-table", "limits-beyond-table", /* check_policy_limits */
};

static int user_of_this_machine(void *context, const char *name, uint32_t *ret_uid)
{
	(void)context;
	if (strcmp(name, "root") == 0)
		*ret_uid = 0;
	else if (strcmp(name, "sekisho-courier") == 0)
		*ret_uid = 991;
	else if (strcmp(name, "sekisho-keeper") == 0)
		*ret_uid = 994;
	else if (strcmp(name, "sekisho-front") == 0)
		*ret_uid = 993;
	else if (strcmp(name, "sekisho-washer") == 0)
		*ret_uid = 992;
	else
		return -ENOENT;
	return 0;
}

static struct policy_world world_now(void)
{
	return (struct policy_world){ .now = policy_case_now(), .user_lookup = user_of_this_machine };
}

static struct policy_run run_good_file(void)
{
	struct policy_world world = world_now();

	return policy_run_text(policy_good_file, &world);
}

static const struct flow *flow_named(const struct policy *policy, const char *name)
{
	for (size_t i = 0; i < policy->flow_count; i++)
		if (strcmp(policy->flows[i].name, name) == 0)
			return &policy->flows[i];
	ck_abort_msg("no flow %s", name);
}

START_TEST(words_give_findings)
{
	struct policy_world world = world_now();

	check_policy_case(&rows[_i], &world);
}
END_TEST

START_TEST(every_kind_of_the_resolver_is_expected_somewhere)
{
	for (int kind = 0; kind < LAW_TIER_MISSING; kind++) {
		const char *id = policy_catalogue[kind].id;
		bool expected = cases_expect(rows, COUNT(rows), id);

		ck_assert_ptr_nonnull(id);
		for (int i = 0; i < COUNT(other_ids); i++)
			expected |= strcmp(other_ids[i], id) == 0;
		ck_assert_msg(expected, "no row expects %s", id);
	}
}
END_TEST

START_TEST(flows_stand_in_the_order_of_the_file)
{
	static const char *const names[] = { "juki-shokai", "screen",	     "files",
					     "web",	    "resolve",	     "ssh",
					     "ntp",	    "relay/mail/in", "relay/mail/out" };
	struct policy_run run = run_good_file();

	ck_assert_uint_eq(run.policy->flow_count, COUNT(names));
	for (int i = 0; i < COUNT(names); i++)
		ck_assert_str_eq(run.policy->flows[i].name, names[i]);
	arena_free(run.arena);
}
END_TEST

START_TEST(flow_has_what_was_written)
{
	struct policy_run run = run_good_file();
	const struct flow *flow = flow_named(run.policy, "juki-shokai");
	char text[ADDR_RANGE_TEXT_BYTES];

	ck_assert_int_eq(flow->kind, FLOW_FORWARD);
	ck_assert_int_eq(flow->method, METHOD_SPECIFIED);
	ck_assert_int_eq(flow->peer, PEER_JUKI_NET);
	ck_assert_ptr_eq(flow->source_host, &run.policy->hosts[0]);
	ck_assert_uint_eq(flow->sources.count, 2);
	ck_assert_str_eq(addr_range_format(&flow->destinations.items[1], text), "fd00:0:0:2::20");
	ck_assert_uint_eq(flow->protocol, 6);
	ck_assert_uint_eq(flow->port_count, 1);
	ck_assert_uint_eq(flow->ports[0].first, 443);
	ck_assert(flow->record && !flow->expired && !flow->critical);
	ck_assert_int_eq(flow->closes_at, date_end_time(flow->record->expires));
	flow = flow_named(run.policy, "web");
	ck_assert(flow->source_any && flow->destination_any && !flow->destination_named);
	ck_assert_uint_eq(flow->port_count, 2);
	ck_assert_uint_eq(flow->ports[0].first, 80);
	ck_assert(flow_named(run.policy, "files")->source_named);
	arena_free(run.arena);
}
END_TEST

START_TEST(gateway_and_relay_flows_have_their_ends)
{
	struct policy_run run = run_good_file();
	const struct flow *in = flow_named(run.policy, "relay/mail/in"),
			  *out = flow_named(run.policy, "relay/mail/out");

	ck_assert_int_eq(in->kind, FLOW_LOCAL);
	ck_assert_uint_eq(in->from, 2);
	ck_assert_uint_eq(in->destinations.count, 0);
	ck_assert_uint_eq(in->ports[0].first, 25);
	ck_assert_int_eq(out->kind, FLOW_EGRESS);
	ck_assert_uint_eq(out->to, 1);
	ck_assert_uint_eq(out->sources.count, 0);
	ck_assert_uint_eq(out->uid, 991);
	ck_assert_str_eq(out->user, "sekisho-courier");
	ck_assert_uint_eq(flow_named(run.policy, "ntp")->uid, 0);
	ck_assert(policy_pair_rejects(run.policy, 2, 3));
	ck_assert(!policy_pair_rejects(run.policy, 3, 2));
	ck_assert_uint_eq(run.policy->rejection_count, 1);
	arena_free(run.arena);
}
END_TEST

START_TEST(uplink_has_the_rest_of_the_world)
{
	static const struct {
		const char *address, *zone; /* NULL: nobody's */
	} addresses[] = {
		{ "10.1.0.0", "mn" }, { "10.1.0.255", "mn" }, { "10.1.1.0", "up" },
		{ "192.0.2.77", "up" }, { "203.0.113.1", "up" }, { "1.0.0.0", "up" },
		{ "0.255.255.255", NULL }, { "126.255.255.255", "up" }, { "127.0.0.1", NULL },
		{ "128.0.0.0", "up" }, { "169.253.255.255", "up" }, { "169.254.0.1", NULL },
		{ "169.255.0.0", "up" }, { "223.255.255.255", "up" }, { "224.0.0.0", NULL },
		{ "255.255.255.255", NULL }, { "fd00:0:0:1::1", "mn" }, { "fd00:0:0:4::1", "up" },
		{ "2001:db8::1", "up" }, { "1fff:ffff::", NULL }, { "3fff:ffff::", "up" },
		{ "4000::", NULL }, { "fbff::1", NULL }, { "fc00::1", "up" }, { "fe80::1", NULL },
		{ "ff02::1", NULL }, { "::1", NULL }, { "::ffff:10.1.0.1", NULL },
	};
	struct policy_run run = run_good_file();

	for (int i = 0; i < COUNT(addresses); i++) {
		const struct zone *zone;
		struct netaddr address;

		ck_assert_int_eq(netaddr_parse(addresses[i].address, &address), 0);
		zone = policy_zone_of_address(run.policy, &address);
		ck_assert_msg(zone ? addresses[i].zone && strcmp(zone->name, addresses[i].zone) == 0
				   : !addresses[i].zone,
			      "%s is in %s", addresses[i].address, zone ? zone->name : "no zone");
	}
	arena_free(run.arena);
}
END_TEST

START_TEST(uplink_hosts_become_next_hops_and_servers)
{
	struct policy_run run = run_good_file();
	const struct zone *uplink = policy_zone(run.policy, "up");
	char text[ADDR_RANGE_TEXT_BYTES];

	ck_assert(uplink && uplink->uplink);
	ck_assert_uint_eq(policy_zone_index(run.policy, uplink), 3);
	ck_assert_uint_eq(uplink->next_hops.count, 2); /* router and dns; mx is not on the link */
	ck_assert_str_eq(addr_range_format(&uplink->next_hops.items[1], text), "192.0.2.53");
	ck_assert_uint_eq(uplink->smtp.count, 1);
	ck_assert_str_eq(addr_range_format(&uplink->smtp.items[0], text), "203.0.113.25");
	ck_assert_ptr_null(policy_zone(run.policy, "nowhere"));
	arena_free(run.arena);
}
END_TEST

START_TEST(a_zone_names_who_serves_in_it)
{
	const struct policy_case row = { .what = "servers", .edits = { LG_SERVERS("dhcp_servers = 'juki'; ipv6_routers = [ 'naka', 'kanri' ];") } };
	const struct policy_world world = world_now();
	struct arena *arena = arena_new();
	struct policy_run run = policy_run_text(policy_edited(arena, &row), &world);
	const struct zone *zone = policy_zone(run.policy, "lg");

	ck_assert_uint_eq(run.findings.count, 0);
	ck_assert_uint_eq(zone->dhcp_servers.count, 2); /* juki has both families */
	ck_assert_uint_eq(zone->ipv6_routers.count, 2);
	ck_assert_uint_eq(policy_zone(run.policy, "mn")->dhcp_servers.count, 0);
	arena_free(run.arena);
	arena_free(arena);
}
END_TEST

/* What leads past the rules is removed only where the file says so. */
START_TEST(bypasses_are_removed_on_request)
{
	static const struct {
		const char *word;
		bool removes;
	} words[] = { { NULL, false }, { "alarm", false }, { "remove", true } };
	struct policy_world world = world_now();

	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		struct policy_run run = { .arena = arena_new() };
		const char *text = quoted(run.arena, policy_good_file);

		run.findings = findings_in(run.arena);
		ck_assert_int_eq(settings_read_text(run.arena, "case.conf", text, strlen(text), &run.findings, &run.settings), 0);
		run.settings->foreign_bypass.value = words[i].word;
		ck_assert(policy_resolve(run.arena, run.settings, &world, &run.findings)->removes_bypasses == words[i].removes);
		arena_free(run.arena);
	}
}
END_TEST

START_TEST(host_behind_routers_is_bound_to_their_macs)
{
	const struct policy_case row = { "via", "", .edits = {
	  ADD_HOST("name = 'far'; zone = 'lg'; addresses = [ '10.2.0.99', 'fd00:0:0:2::99' ]; "
		   "via = [ 'r1', 'r2' ]; }, "
		   "{ name = 'r1'; zone = 'lg'; addresses = '10.2.0.1'; "
		   "macs = [ '02:00:00:00:00:01', '00:00:5e:00:01:01' ]; }, "
		   "{ name = 'r2'; zone = 'lg'; addresses = '10.2.0.2'; macs = '02:00:00:00:00:02';") } };
	struct policy_world world = world_now();
	struct arena *arena = arena_new();
	struct policy_run run = policy_run_text(policy_edited(arena, &row), &world);
	const struct host *far = &run.policy->hosts[10];
	size_t by_router = 0;

	ck_assert_str_eq(finding_ids(&run), "");
	ck_assert_str_eq(far->name, "far");
	ck_assert(far->by_router);
	ck_assert_uint_eq(far->mac_count, 3);
	for (size_t i = 0; i < run.policy->binding_count; i++)
		by_router += run.policy->bindings[i].by_router;
	ck_assert_uint_eq(by_router, 6);
	ck_assert_uint_eq(run.policy->binding_count, 6 + 2 + 1 + 2 + 2 + 1);
	arena_free(run.arena);
	arena_free(arena);
}
END_TEST

START_TEST(hairpin_becomes_a_flow_of_its_own)
{
	const struct policy_case row = { "hairpin", "", .edits = {
	  { "networks = [ '10.2.0.0/24'", "hairpin = true; networks = [ '10.2.0.0/24'" } } };
	struct policy_world world = world_now();
	struct arena *arena = arena_new();
	struct policy_run run = policy_run_text(policy_edited(arena, &row), &world);
	const struct flow *flow = &run.policy->flows[run.policy->flow_count - 1];

	ck_assert_str_eq(finding_ids(&run), "");
	ck_assert_str_eq(flow->name, "lg/hairpin");
	ck_assert_uint_eq(flow->protocol, POLICY_ANY_PROTOCOL);
	ck_assert(flow->from == 1 && flow->to == 1 && flow->source_any && flow->destination_any &&
		  flow->kind == FLOW_FORWARD);
	ck_assert_ptr_eq(flow->sources.items, run.policy->zones[1].networks.items);
	arena_free(run.arena);
	arena_free(arena);
}
END_TEST

START_TEST(record_ends_with_its_last_day_in_japan)
{
	const struct policy_case row = { "expiry", "", .edits = {
	  ADD_FLOW(RECORD("2026-04-01", "令和8年11月21日")) } };
	struct policy_world world = world_now();
	struct arena *arena = arena_new();
	const char *text = policy_edited(arena, &row);
	struct policy_run run = policy_run_text(text, &world);
	int64_t closes_at = flow_named(run.policy, "x")->closes_at;

	ck_assert(!flow_named(run.policy, "x")->expired);
	arena_free(run.arena);
	world.now = closes_at - 1;
	run = policy_run_text(text, &world);
	ck_assert(!flow_named(run.policy, "x")->expired);
	arena_free(run.arena);
	world.now = closes_at;
	run = policy_run_text(text, &world);
	ck_assert(flow_named(run.policy, "x")->expired);
	ck_assert_int_eq((closes_at + 9 * 3600) % 86400, 0);
	arena_free(run.arena);
	arena_free(arena);
}
END_TEST

/*
 * The reader lets only known words through; a planner that was handed others must not take them for the first
 * of the enumeration.
 */
START_TEST(unknown_words_behind_the_reader_are_refused)
{
	struct policy_world world = world_now();
	struct policy_run run = { .arena = arena_new() };
	const char *text = quoted(run.arena, policy_good_file);

	run.findings = findings_in(run.arena);
	ck_assert_int_eq(settings_read_text(run.arena, "case.conf", text, strlen(text), &run.findings, &run.settings), 0);
	run.settings->model.value = "gamma";
	run.settings->zones[0].tier.value = "moon";
	run.settings->flows[1].method.value = "carrier-pigeon";
	run.settings->flows[2].peer.value = "internet";
	run.settings->refusals[0].refuse.value = "sing";
	policy_resolve(run.arena, run.settings, &world, &run.findings);
	ck_assert_str_eq(finding_ids(&run),
			 "method-unknown model-unknown peer-unknown refuse-unknown tier-unknown");
	arena_free(run.arena);
}
END_TEST

/* An include may stand in the middle of a flow: each part is in its own file, and what was not written is where the flow is. */
START_TEST(parts_of_a_flow_know_their_files)
{
	struct policy_world world = world_now();
	struct policy_run run = { .arena = arena_new() };
	struct source other = source_of_text(run.arena, "other.conf", "\n", 1);
	const char *text = quoted(run.arena, policy_good_file);
	struct flow_settings *written;
	const struct flow *flow;

	run.findings = findings_in(run.arena);
	ck_assert_int_eq(settings_read_text(run.arena, "case.conf", text, strlen(text), &run.findings, &run.settings), 0);
	written = &run.settings->flows[0];
	written->source.at = (struct origin){ &other, 7 };
	written->destination.at = (struct origin){ &other, 9 };
	written->ports.at = (struct origin){ .source = NULL };
	run.policy = policy_resolve(run.arena, run.settings, &world, &run.findings);
	flow = flow_named(run.policy, written->name.value);
	ck_assert_ptr_eq(flow_part_at(flow, FLOW_PART_SOURCE).source, &other);
	ck_assert_uint_eq(flow_part_at(flow, FLOW_PART_SOURCE).line, 7);
	ck_assert_ptr_eq(flow_part_at(flow, FLOW_PART_DESTINATION).source, &other);
	ck_assert_uint_eq(flow_part_at(flow, FLOW_PART_DESTINATION).line, 9);
	ck_assert_ptr_eq(flow_part_at(flow, FLOW_PART_FROM).source, written->from.at.source);
	ck_assert_uint_eq(flow_part_at(flow, FLOW_PART_FROM).line, written->from.at.line);
	ck_assert_ptr_eq(flow_part_at(flow, FLOW_PART_METHOD).source, written->at.source);
	ck_assert_uint_eq(flow_part_at(flow, FLOW_PART_METHOD).line, written->method.at.line);
	ck_assert_ptr_eq(flow_part_at(flow, FLOW_PART_PORTS).source, written->at.source);
	ck_assert_uint_eq(flow_part_at(flow, FLOW_PART_PORTS).line, written->at.line);
	arena_free(run.arena);
}
END_TEST

START_TEST(users_are_made_up_without_a_database)
{
	struct policy_world world = { .now = policy_case_now() };
	struct policy_run run = policy_run_text(policy_good_file, &world);

	ck_assert_str_eq(finding_ids(&run), "");
	ck_assert_uint_ne(flow_named(run.policy, "ntp")->uid, flow_named(run.policy, "relay/mail/out")->uid);
	ck_assert_uint_ge(flow_named(run.policy, "ntp")->uid, 0x40000000u);
	arena_free(run.arena);
}
END_TEST

START_TEST(nearest_name_is_told)
{
	const struct policy_case row = { "misspelled", "",
					 .edits = { { "destination = 'juki'", "destination = 'jukki'" } } };
	struct policy_world world = world_now();
	struct arena *arena = arena_new();
	struct policy_run run = policy_run_text(policy_edited(arena, &row), &world);

	ck_assert_str_eq(finding_ids(&run), "end-unknown");
	ck_assert_str_eq(run.findings.items[0].arguments[1], "juki");
	arena_free(run.arena);
	arena_free(arena);
}
END_TEST

/* Settings with one zone and count of something, made without text. */
static struct settings *settings_with_zones(struct arena *arena, struct source *source, size_t count,
					    size_t interfaces)
{
	struct settings *settings = arena_alloc(arena, sizeof(*settings));
	struct origin at = { source, 1 };

	settings->zones = arena_array(arena, count, sizeof(*settings->zones));
	settings->zone_count = count;
	for (size_t i = 0; i < count; i++) {
		struct zone_settings *zone = &settings->zones[i];

		zone->at = at;
		zone->name = (struct text){ arena_printf(arena, "z%zu", i), at };
		zone->tier = (struct text){ "lgwan", at };
		zone->interfaces.items = arena_array(arena, interfaces, sizeof(struct text));
		zone->interfaces.count = interfaces;
		for (size_t k = 0; k < interfaces; k++)
			zone->interfaces.items[k] = (struct text){ arena_printf(arena, "e%zu.%zu", i, k), at };
		zone->networks.items = arena_alloc(arena, sizeof(struct text));
		zone->networks.items[0] = (struct text){ arena_printf(arena, "10.%zu.0.0/16", i), at };
		zone->networks.count = 1;
	}
	return settings;
}

static struct text_list list_of(struct arena *arena, const char *value, struct origin at)
{
	struct text *item = arena_alloc(arena, sizeof(*item));

	*item = (struct text){ value, at };
	return (struct text_list){ item, 1, at };
}

static void add_hosts(struct arena *arena, struct settings *settings, size_t count)
{
	struct origin at = settings->zones[0].at;

	settings->hosts = arena_array(arena, count, sizeof(*settings->hosts));
	settings->host_count = count;
	for (size_t i = 0; i < count; i++) {
		struct host_settings *host = &settings->hosts[i];

		host->at = at;
		host->name = (struct text){ arena_printf(arena, "h%zu", i), at };
		host->zone = (struct text){ i % 2 ? "z1" : "z0", at };
		host->addresses = list_of(
			arena,
			arena_printf(arena, "10.%zu.%zu.%zu", i % 2, (i / 2 / 256) % 256, (i / 2) % 256), at);
		host->macs = list_of(
			arena,
			arena_printf(arena, "02:00:00:%02zx:%02zx:%02zx", i >> 16, (i >> 8) & 255, i & 255),
			at);
	}
}

static void add_flows(struct arena *arena, struct settings *settings, size_t count)
{
	struct origin at = settings->zones[0].at;

	settings->flows = arena_array(arena, count, sizeof(*settings->flows));
	settings->flow_count = count;
	for (size_t i = 0; i < count; i++) {
		struct flow_settings *flow = &settings->flows[i];
		size_t half = settings->host_count / 2;

		flow->at = at;
		flow->name = (struct text){ arena_printf(arena, "f%zu", i), at };
		flow->from = (struct text){ "z0", at };
		flow->to = (struct text){ "z1", at };
		flow->method = (struct text){ "internal", at };
		flow->source = list_of(arena, settings->hosts[2 * (i % half)].name.value, at);
		flow->destination =
			list_of(arena, settings->hosts[2 * ((i + i / half) % half) + 1].name.value, at);
		flow->protocol = (struct text){ "tcp", at };
		flow->ports = list_of(arena, "443", at);
	}
}

static const struct limit_row {
	const char *what, *ids;
	size_t zones, interfaces, hosts, flows;
} limit_rows[] = {
	{ "zones at the limit", "", POLICY_ZONES_MAX, 1, 0, 0 },
	{ "zones beyond it", "zones-too-many", POLICY_ZONES_MAX + 1, 1, 0, 0 },
	{ "interfaces at the limit", "", 2, POLICY_INTERFACES_MAX / 2, 0, 0 },
	{ "interfaces beyond it", "interfaces-too-many", 1, POLICY_INTERFACES_MAX + 1, 0, 0 },
	{ "hosts at the limit", "", 2, 1, POLICY_HOSTS_MAX, 0 },
	{ "hosts beyond it", "hosts-too-many", 2, 1, POLICY_HOSTS_MAX + 1, 0 },
	{ "flows at the limit", "", 2, 1, 2000, POLICY_FLOWS_MAX },
	{ "flows beyond it", "flows-too-many", 2, 1, 2000, POLICY_FLOWS_MAX + 1 },
};

START_TEST(limits_hold)
{
	const struct limit_row *row = &limit_rows[_i];
	struct policy_world world = world_now();
	struct policy_run run = { .arena = arena_new() };
	struct source source = source_of_text(run.arena, "limit.conf", "\n", 1);

	run.findings = findings_in(run.arena);
	run.settings = settings_with_zones(run.arena, &source, row->zones, row->interfaces);
	if (row->hosts)
		add_hosts(run.arena, run.settings, row->hosts);
	if (row->flows)
		add_flows(run.arena, run.settings, row->flows);
	run.policy = policy_resolve(run.arena, run.settings, &world, &run.findings);
	ck_assert_msg(strcmp(finding_ids(&run), row->ids) == 0, "%s: %s", row->what, finding_ids(&run));
	arena_free(run.arena);
}
END_TEST

/* The planner keeps the policy in force: of a flow between named hosts there is the flow, its name and its ports, and nothing of how it was resolved. */
START_TEST(policy_keeps_what_it_says_and_no_more)
{
	enum { HOSTS = 200, FLOWS = 9000, HOST_BYTES_MAX = 512, NAME_AND_PORTS_BYTES = 32, CHUNK_BYTES_MAX = 1 << 20 };
	const size_t flow_bytes = sizeof(struct flow) + NAME_AND_PORTS_BYTES;
	struct policy_world world = world_now();
	struct policy_run run = { .arena = arena_new() };
	struct source source = source_of_text(run.arena, "limit.conf", "\n", 1);
	struct arena *kept = arena_new();

	run.findings = findings_in(run.arena);
	run.settings = settings_with_zones(run.arena, &source, 2, 1);
	add_hosts(run.arena, run.settings, HOSTS);
	add_flows(run.arena, run.settings, FLOWS);
	run.policy = policy_resolve(kept, run.settings, &world, &run.findings);
	ck_assert_str_eq(finding_ids(&run), "");
	ck_assert_uint_le(arena_footprint(kept), FLOWS * flow_bytes + HOSTS * HOST_BYTES_MAX + CHUNK_BYTES_MAX);
	arena_free(kept);
	arena_free(run.arena);
}
END_TEST

/* Lists of a relay, filled. */
static const struct relay_row {
	const char *what, *ids;
	int relays, listen, domains, next_hops, footer_bytes;
} relay_rows[] = {
	{ "all at the limit", "", POLICY_RELAYS_MAX, POLICY_RELAY_LISTEN_MAX, POLICY_RELAY_DOMAINS_MAX, POLICY_RELAY_NEXT_HOPS_MAX,
	  POLICY_FOOTER_BYTES_MAX },
	{ "relays beyond it", "relays-too-many", POLICY_RELAYS_MAX + 2, 1, 1, 1, 1 },
	{ "listen beyond it", "relay-list-long", 1, POLICY_RELAY_LISTEN_MAX + 1, 1, 1, 1 },
	{ "domains beyond it", "relay-list-long", 1, 1, POLICY_RELAY_DOMAINS_MAX + 1, 1, 1 },
	{ "next hops beyond it", "relay-list-long", 1, 1, 1, POLICY_RELAY_NEXT_HOPS_MAX + 1, 1 },
	{ "footer beyond it", "relay-text-long", 1, 1, 1, 1, POLICY_FOOTER_BYTES_MAX + 1 },
};

/* "first1last, first2last, ...": count quoted texts. */
static const char *counted_list(struct arena *arena, const char *first, int count, const char *last)
{
	const char *list = "";

	for (int i = 1; i <= count; i++)
		list = arena_printf(arena, "%s%s'%s%d%s'", list, i > 1 ? ", " : "", first, i, last);
	return list;
}

/* One relay with lists as long as the row wants, in networks of its own number. */
static const char *counted_relay(struct arena *arena, const struct relay_row *row, int number)
{
	const char *listen = counted_list(arena, arena_printf(arena, "fd00:0:0:3:%d::", number), row->listen, "");
	const char *next_hops = counted_list(arena, arena_printf(arena, "fd00:0:0:2:%d::", number), row->next_hops, "");
	char footer[POLICY_FOOTER_BYTES_MAX + 2] = "";

	memset(footer, 'x', (size_t)row->footer_bytes);
	return arena_printf(arena, "%s{ name = 'r%d'; from = 'in'; to = 'lg'; accept_from = 'soto'; listen = [ %s ]; "
			    "domains = [ %s ]; next_hops = [ %s ]; text = { footer = '%s'; }; }",
			    number > 1 ? ",\n" : "", number, listen, counted_list(arena, "d", row->domains, ".jp"), next_hops, footer);
}

START_TEST(limits_of_relays_hold)
{
	const struct relay_row *row = &relay_rows[_i];
	struct policy_world world = world_now();
	struct arena *arena = arena_new();
	struct policy_case edited = { .what = row->what, .edits = { { "relays = (", "/*" }, { "#relays\n);\n", "*/ relays = ( " } } };
	const char *text = policy_edited(arena, &edited);
	struct policy_run run;

	for (int i = 1; i <= row->relays; i++)
		text = arena_printf(arena, "%s%s", text, counted_relay(arena, row, i));
	run = policy_run_text(arena_printf(arena, "%s );\n", text), &world);
	ck_assert_msg(strstr(finding_ids(&run), row->ids) && (*row->ids || !strstr(finding_ids(&run), "relay")), "%s: %s", row->what,
		      finding_ids(&run));
	arena_free(run.arena);
	arena_free(arena);
}
END_TEST

START_TEST(relay_has_what_was_written)
{
	static const struct policy_case row = { .what = "a relay with everything", .edits = {
		{ "next_hops = 'naka'", "next_hops = [ 'juki', '10.2.0.7', 'naka', '10.2.0.7', 'kanri' ]" },
		{ "'town.unno.lg.jp'", "[ 'Town.Unno.lg.jp', 'mura.unno.lg.jp' ]" },
		RELAY("listen = [ '10.3.0.254', 'fd00:0:0:3::fe' ]; listen_port = 2525; next_hop_port = 2526; host_name = 'GW.unno.lg.jp';\n"
		      "limits = { message_mib = 20; recipients = 200; sessions = 10; sessions_per_client = 20; };\n"
		      "text = { language = 'en'; links = 'brackets'; subject_prefix = '[out] '; footer = [ '一', ' ', '二  ' ];\n"
		      "notice_address = 'Kakari@Unno.lg.jp'; authserv_id = 'a.unno.lg.jp'; trusted_authserv_id = 'b.unno.lg.jp'; };\n"
		      "originals = { days = 30; free_mib = 100; };") } };
	static const char *const hops[] = { "10.2.0.20", "fd00:0:0:2::20", "10.2.0.7", "10.2.0.25", "10.2.0.5" };
	struct policy_world world = world_now();
	struct arena *arena = arena_new();
	struct policy_run run = policy_run_text(policy_edited(arena, &row), &world);
	const struct relay *relay = &run.policy->relays[0];
	char text[NETADDR_TEXT_BYTES];

	ck_assert_str_eq(finding_ids(&run), "");
	ck_assert_uint_eq(run.policy->relay_count, 1);
	ck_assert_uint_eq(relay->listen_count, 2);
	ck_assert_str_eq(netaddr_format(&relay->listen[1], text), "fd00:0:0:3::fe");
	ck_assert_uint_eq(relay->listen_port, 2525);
	ck_assert(relay->accept_from.count == 1 && addr_range_is_single(&relay->accept_from.items[0]));
	ck_assert_uint_eq(relay->next_hop_count, COUNT(hops));
	for (int i = 0; i < COUNT(hops); i++) {
		ck_assert_str_eq(netaddr_format(&relay->next_hops[i].address, text), hops[i]);
		ck_assert_uint_eq(relay->next_hops[i].port, 2526);
	}
	ck_assert_uint_eq(relay->domain_count, 2);
	ck_assert_str_eq(relay->domains[0], "town.unno.lg.jp");
	ck_assert_str_eq(relay->domains[1], "mura.unno.lg.jp");
	ck_assert_str_eq(relay->host_name, "gw.unno.lg.jp");
	ck_assert_uint_eq(relay->limits.message_bytes_max, 20 << 20);
	ck_assert_uint_eq(relay->limits.recipients_max, 200);
	ck_assert_uint_eq(relay->limits.sessions_max, 10);
	ck_assert_uint_eq(relay->limits.sessions_per_client_max, 10);
	ck_assert_int_eq(relay->text.language, LANGUAGE_EN);
	ck_assert_int_eq(relay->text.links, RELAY_LINKS_BRACKETS);
	ck_assert_str_eq(relay->text.subject_prefix, "[out] ");
	ck_assert_str_eq(relay->text.footer, "一\n\n二");
	ck_assert_str_eq(relay->text.notice_address, "Kakari@unno.lg.jp");
	ck_assert_str_eq(relay->text.authserv_id, "a.unno.lg.jp");
	ck_assert_str_eq(relay->text.trusted_authserv_id, "b.unno.lg.jp");
	ck_assert_uint_eq(relay->originals.retention_days, 30);
	ck_assert_uint_eq(relay->originals.free_bytes_min, 100 << 20);
	arena_free(run.arena);
	arena_free(arena);
}
END_TEST

START_TEST(relay_has_defaults)
{
	struct policy_run run = run_good_file();
	const struct relay *relay = &run.policy->relays[0];

	ck_assert_uint_eq(relay->listen_count, 0);
	ck_assert_uint_eq(relay->listen_port, 25);
	ck_assert_uint_eq(relay->next_hops[0].port, 25);
	ck_assert_str_eq(relay->host_name, "sekisho-relay.town.unno.lg.jp");
	ck_assert_uint_eq(relay->limits.message_bytes_max, 30 << 20);
	ck_assert_uint_eq(relay->limits.recipients_max, 100);
	ck_assert_uint_eq(relay->limits.sessions_max, 64);
	ck_assert_uint_eq(relay->limits.sessions_per_client_max, 32);
	ck_assert_int_eq(relay->text.language, LANGUAGE_JA);
	ck_assert_int_eq(relay->text.links, RELAY_LINKS_HXXP);
	ck_assert_str_eq(relay->text.subject_prefix, "");
	ck_assert_str_eq(relay->text.footer, "");
	ck_assert_str_eq(relay->text.notice_address, "postmaster@town.unno.lg.jp");
	ck_assert_ptr_null(relay->text.authserv_id);
	ck_assert_ptr_null(relay->text.trusted_authserv_id);
	ck_assert_uint_eq(relay->originals.retention_days, 400);
	ck_assert_uint_eq(relay->originals.free_bytes_min, 1 << 30);
	ck_assert_uint_eq(run.policy->relay_uids[RELAY_USER_KEEPER], 994);
	ck_assert_uint_eq(run.policy->relay_uids[RELAY_USER_COURIER], 991);
	arena_free(run.arena);
}
END_TEST

START_TEST(encoded_words_are_no_addresses)
{
	struct arena *arena = arena_new();
	const char *address = NULL;

	ck_assert_int_eq(mail_address_parse(arena, "=?utf-8?q?a?=@unno.lg.jp", &address), -EINVAL);
	ck_assert_int_eq(mail_address_parse(arena, "=a?@unno.lg.jp", &address), 0);
	ck_assert_str_eq(address, "=a?@unno.lg.jp");
	arena_free(arena);
}
END_TEST

START_TEST(results_are_passed_on_under_the_name_of_the_relay)
{
	static const struct policy_case row = { .what = "trusted", .edits = { RELAY("text = { trusted_authserv_id = 'mx.unno.lg.jp'; };") } };
	struct policy_world world = world_now();
	struct arena *arena = arena_new();
	struct policy_run run = policy_run_text(policy_edited(arena, &row), &world);

	ck_assert_str_eq(run.policy->relays[0].text.authserv_id, "sekisho-relay.town.unno.lg.jp");
	ck_assert_str_eq(run.policy->relays[0].text.trusted_authserv_id, "mx.unno.lg.jp");
	arena_free(run.arena);
	arena_free(arena);
}
END_TEST

START_TEST(words_and_values_are_each_others_inverse)
{
	enum method method;
	enum model model;
	enum tier tier;
	enum peer peer;

	for (enum tier i = TIER_MYNUMBER; i < TIER_COUNT; i++)
		ck_assert(tier_parse(tier_name(i), &tier) == 0 && tier == i && *tier_label(i, LANGUAGE_JA) &&
			  *tier_label(i, LANGUAGE_EN));
	for (enum model i = MODEL_ALPHA; i <= MODEL_BETA_PRIME; i++)
		ck_assert(model_parse(model_name(i), &model) == 0 && model == i);
	for (enum method i = METHOD_SPECIFIED; i <= METHOD_EXCEPTION; i++)
		ck_assert(method_parse(method_name(i), &method) == 0 && method == i &&
			  *method_label(i, LANGUAGE_JA));
	for (enum peer i = PEER_JUKI_NET; i <= PEER_PUBLIC_BODY; i++)
		ck_assert(peer_parse(peer_name(i), &peer) == 0 && peer == i && *peer_label(i, LANGUAGE_EN));
	ck_assert_int_eq(peer_parse("", &peer), -EINVAL);
	ck_assert_int_eq(tier_parse(NULL, &tier), -EINVAL);
	ck_assert_str_eq(method_label(METHOD_SPECIFIED, LANGUAGE_JA), "特定通信");
}
END_TEST

START_TEST(protocols_have_names_and_numbers)
{
	struct arena *arena = arena_new();
	uint16_t number;

	ck_assert(protocol_parse("58", &number) == 0 && number == 1);
	ck_assert(protocol_parse("icmp", &number) == 0 && number == 1);
	ck_assert(protocol_parse("132", &number) == 0 && number == 132 && protocol_has_ports(number));
	ck_assert(!protocol_has_ports(47) && !protocol_has_ports(POLICY_ANY_PROTOCOL));
	ck_assert_str_eq(protocol_name(arena, 51), "ah");
	ck_assert_str_eq(protocol_name(arena, 99), "99");
	ck_assert_str_eq(protocol_name(arena, POLICY_ANY_PROTOCOL), "any");
	ck_assert_int_eq(protocol_parse("006", &number), -EINVAL);
	ck_assert_int_eq(protocol_parse("", &number), -EINVAL);
	arena_free(arena);
}
END_TEST

static Suite *resolve_suite(void)
{
	Suite *suite = suite_create("policy/resolve");
	TCase *words = tcase_create("findings"), *values = tcase_create("values");

	tcase_add_loop_test(words, words_give_findings, 0, COUNT(rows));
	tcase_add_test(words, every_kind_of_the_resolver_is_expected_somewhere);
	tcase_add_test(words, unknown_words_behind_the_reader_are_refused);
	tcase_add_test(words, nearest_name_is_told);
	tcase_add_loop_test(words, limits_hold, 0, COUNT(limit_rows));
	tcase_add_test(words, policy_keeps_what_it_says_and_no_more);
	tcase_add_loop_test(words, limits_of_relays_hold, 0, COUNT(relay_rows));
	tcase_set_timeout(words, 60);
	suite_add_tcase(suite, words);

	tcase_add_test(values, flows_stand_in_the_order_of_the_file);
	tcase_add_test(values, flow_has_what_was_written);
	tcase_add_test(values, gateway_and_relay_flows_have_their_ends);
	tcase_add_test(values, relay_has_what_was_written);
	tcase_add_test(values, relay_has_defaults);
	tcase_add_test(values, encoded_words_are_no_addresses);
	tcase_add_test(values, results_are_passed_on_under_the_name_of_the_relay);
	tcase_add_test(values, uplink_has_the_rest_of_the_world);
	tcase_add_test(values, uplink_hosts_become_next_hops_and_servers);
	tcase_add_test(values, a_zone_names_who_serves_in_it);
	tcase_add_test(values, bypasses_are_removed_on_request);
	tcase_add_test(values, host_behind_routers_is_bound_to_their_macs);
	tcase_add_test(values, hairpin_becomes_a_flow_of_its_own);
	tcase_add_test(values, record_ends_with_its_last_day_in_japan);
	tcase_add_test(values, parts_of_a_flow_know_their_files);
	tcase_add_test(values, users_are_made_up_without_a_database);
	tcase_add_test(values, words_and_values_are_each_others_inverse);
	tcase_add_test(values, protocols_have_names_and_numbers);
	suite_add_tcase(suite, values);
	return suite;
}

int main(void)
{
	SRunner *runner = srunner_create(resolve_suite());
	int failed;

	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
