/* policy/law: each line of the law, held against a file that breaks it by one edit. */
#include "policy_case.h"

#define COUNT(table) (int)(sizeof(table) / sizeof((table)[0]))
#define ADD_ZONE(REST) { "#zones", ", { " REST " }" }
#define ADD_HOST(REST) { "#hosts", ", { " REST " }" }
#define ADD_NETWORK(REST) { "#networks", ", { " REST " }" }
#define ADD_FLOW(REST) { "#flows", ", { name = 'x'; " REST " }" }
/* Each at a port of its own, so that nothing is wrong with it but what the row is about. */
#define ADD_RELAY(NAME, PORT, FROM, TO, ACCEPT, NEXT)                                                        \
	{ "#relays", ",\n{ name = '" NAME "'; from = '" FROM "'; to = '" TO "'; accept_from = '" ACCEPT "'; " \
		     "next_hops = '" NEXT "'; domains = 'town.unno.lg.jp'; listen_port = " PORT "; } #relays" }
#define HTTPS "protocol = 'tcp'; ports = 443; "
#define RECORD                                                                                               \
	"record = { number = '1'; reason = 'r'; approver = 'a'; approved = '2026-04-01'; expires = 'nendo'; }; "
#define SPECIFIED "from = 'mn'; to = 'lg'; method = 'specified'; peer = 'eltax'; "
#define LG_IN "from = 'lg'; to = 'in'; source = 'pcs'; destination = 'gamen'; "
#define IN_LG "from = 'in'; to = 'lg'; source = 'gamen'; destination = 'juki'; "
#define EXCEPTION "method = 'exception'; " RECORD
#define UPLINK "from = 'in'; to = 'up'; method = 'internal'; source = 'gamen'; "
#define MODEL(WORD) { "model = 'alpha'", "model = '" WORD "'" }
#define EXPIRES(DAY) { "expires = 'nendo'", "expires = '" DAY "'" }
/* The good file's specified flow with another source or destination host. */
#define OTHER_SOURCE(HOST) { "source = 'jumin'", "source = '" HOST "'" }
#define OTHER_DESTINATION(HOST) { "destination = 'juki'", "destination = '" HOST "'" }

static const struct policy_case rows[] = {
	{ .what = "the good file", .ids = "" },
	/* 1 mynumber <-> internet */
	{ "My Number to Internet", "never", .line = "from = 'mn'", .related = "mn0", .edits = {
	  ADD_FLOW("from = 'mn'; to = 'in'; method = 'internal'; source = 'jumin'; destination = 'gamen'; "
	           HTTPS) } },
	{ "Internet to My Number", "never", .line = "from = 'in'", .related = "in0", .edits = {
	  ADD_FLOW("from = 'in'; to = 'mn'; source = 'gamen'; destination = 'jumin'; " HTTPS EXCEPTION) } },
	{ "My Number to the uplink", "never", .line = "from = 'mn'", .related = "up0", .edits = {
	  ADD_FLOW("from = 'mn'; to = 'up'; source = 'jumin'; destination = 'mx'; " HTTPS EXCEPTION) } },
	{ "screen transfer from My Number to Internet", "never", .edits = {
	  MODEL("beta-prime"),
	  ADD_FLOW("from = 'mn'; to = 'in'; method = 'screen'; source = 'jumin'; destination = 'gamen'; "
	           HTTPS) } },
	{ "a process between Internet and My Number", "gateway-chain", .line = "'y'", .edits = {
	  { "#egress", ",\n{ name = 'y'; user = 'root'; zone = 'mn'; destination = 'jumin'; " HTTPS "}" } } },
	{ "a process between My Number and Internet", "gateway-chain", .line = "'y'", .related = "'z'", .edits = {
	  { "#locals", ",\n{ name = 'z'; zone = 'mn'; source = 'jumin'; " HTTPS "}" },
	  { "#egress", ",\n{ name = 'y'; user = 'root'; zone = 'in'; destination = 'soto'; " HTTPS "}" } } },
	{ "echo to My Number passes nothing on", "", .edits = {
	  { "#egress", ",\n{ name = 'y'; user = 'root'; zone = 'mn'; destination = 'jumin'; protocol = 'icmp'; }" } } },
	{ "a relay from Internet to My Number", "relay-never", .line = "'r'", .related = "mn0", .edits = {
	  ADD_RELAY("r", "2525", "in", "mn", "gamen", "jumin") } },
	{ "a relay from My Number to the uplink", "relay-never", .edits = {
	  ADD_RELAY("r", "2525", "mn", "up", "jumin", "mx") } },
	{ "a chain of relays from Internet to My Number",
	  "relay-chain relay-pair", .line = "'r'", .related = "'mail'", .edits = {
	  ADD_RELAY("r", "2525", "lg", "mn", "naka", "jumin") } },
	{ "a chain of relays from My Number to Internet",
	  "relay-chain relay-outward relay-pair", .line = "'r'", .related = "'s'", .edits = {
	  ADD_RELAY("r", "2525", "lg", "in", "naka", "soto"),
	  ADD_RELAY("s", "2526", "mn", "lg", "jumin", "kanri") } },
	{ "a chain over two zones of the LGWAN tier", "relay-chain relay-pair", .edits = {
	  ADD_ZONE("name = 'lg2'; tier = 'lgwan'; interfaces = 'l2'; networks = '10.9.0.0/24';"),
	  ADD_RELAY("r", "2525", "lg2", "mn", "10.9.0.1", "jumin") } },
	/* 2 mynumber <-> lgwan */
	{ "an exception between My Number and LGWAN",
	  "specified-only", .line = "exception", .related = "mn0", .edits = {
	  ADD_FLOW("from = 'mn'; to = 'lg'; source = 'jumin'; destination = 'kanri'; " HTTPS EXCEPTION) } },
	{ "internal from LGWAN to My Number", "specified-only", .related = "lg0", .edits = {
	  ADD_FLOW("from = 'lg'; to = 'mn'; method = 'internal'; source = 'juki'; destination = 'jumin'; "
	           HTTPS) } },
	{ "specified from LGWAN to My Number", "", .edits = {
	  ADD_FLOW("from = 'lg'; to = 'mn'; method = 'specified'; peer = 'government-cloud'; "
	           "source = 'juki'; destination = 'jumin'; " HTTPS RECORD) } },
	{ "an address instead of a source host", "specified-source", .edits = { OTHER_SOURCE("10.1.0.10") } },
	{ "any as specified source", "specified-source", .edits = { OTHER_SOURCE("any") } },
	{ "two source hosts", "specified-source", .edits = {
	  { "source = 'jumin'", "source = [ 'jumin', 'zei' ]" },
	  ADD_HOST("name = 'zei'; zone = 'mn'; addresses = '10.1.0.11'; macs = '02:00:00:01:00:11';") } },
	{ "a network as specified destination", "specified-destination", .edits = {
	  OTHER_DESTINATION("pcs") } },
	{ "two IPv4 addresses at the source", "specified-source-addresses", .related = "zei", .edits = {
	  OTHER_SOURCE("zei"),
	  ADD_HOST("name = 'zei'; zone = 'mn'; addresses = [ '10.1.0.11', '10.1.0.12' ]; "
	           "macs = '02:00:00:01:00:11';") } },
	{ "two IPv6 addresses at the destination",
	  "specified-destination-addresses", .related = "srv", .edits = {
	  OTHER_DESTINATION("srv"),
	  ADD_HOST("name = 'srv'; zone = 'lg'; addresses = [ 'fd00:0:0:2::a', '10.2.0.9', "
	           "'fd00:0:0:2::b' ]; macs = '02:00:00:02:00:11';") } },
	{ "a source without MAC", "host-unbound specified-source-mac", .edits = {
	  OTHER_SOURCE("zei"),
	  ADD_HOST("name = 'zei'; zone = 'mn'; addresses = '10.1.0.11';") } },
	{ "a destination without MAC", "specified-destination-mac", .edits = { OTHER_DESTINATION("naka") } },
	{ "a destination behind a router", "", .edits = {
	  OTHER_DESTINATION("cloud"),
	  ADD_HOST("name = 'cloud'; zone = 'lg'; addresses = '10.2.0.200'; via = 'kanri';") } },
	{ "a source behind PPP", "specified-no-ethernet", .related = "ppp0", .edits = {
	  OTHER_SOURCE("far"),
	  { "from = 'mn'", "from = 'mp'" },
	  ADD_HOST("name = 'far'; zone = 'mp'; addresses = '10.9.0.11';"),
	  ADD_ZONE("name = 'mp'; tier = 'mynumber'; interfaces = [ 'ppp0' ]; networks = '10.9.0.0/24';") } },
	{ "a specified ping", "specified-ports", .edits = {
	  { "protocol = 'tcp'; ports = 443;\n	  record", "protocol = 'icmp';\n	  record" } } },
	{ "specified esp", "specified-ports", .edits = {
	  { "protocol = 'tcp'; ports = 443;\n	  record", "protocol = 'esp';\n	  record" } } },
	{ "a specified range", "specified-port-range", .edits = {
	  { "ports = 443;\n	  record", "ports = [ '443', '8000-8001' ];\n	  record" } } },
	{ "two neighbouring ports are two ports", "", .edits = {
	  { "ports = 443;\n	  record", "ports = [ 443, 444 ];\n	  record" } } },
	{ "no peer", "specified-peer", .edits = { { "peer = 'juki-net';", "" } } },
	{ "a public body without reason", "specified-peer-reason", .edits = {
	  { "juki-net", "public-body" } } },
	{ "a public body with reason", "", .edits = {
	  { "'juki-net';", "'public-body'; peer_reason = '後期高齢者医療広域連合';" } } },
	{ "a specified flow without record", "record-missing", .edits = {
	  ADD_FLOW(SPECIFIED "source = 'jumin'; destination = 'kanri'; " HTTPS) } },
	{ "no number", "record-incomplete", .line = "住基", .related = "juki-shokai", .edits = {
	  { "number = '特-1'; ", "" } } },
	{ "an empty record",
	  "record-incomplete record-incomplete record-incomplete "
	  "record-incomplete record-incomplete", .related = "'x'", .edits = {
	  ADD_FLOW(SPECIFIED "source = 'jumin'; destination = 'kanri'; " HTTPS "\nrecord = { };") } },
	{ "everything missing of a specified flow",
	  "host-unused record-missing specified-destination "
	  "specified-peer specified-ports specified-source", .edits = {
	  ADD_HOST("name = 'lone'; zone = 'lg'; addresses = '10.2.0.77';"),
	  ADD_FLOW("from = 'mn'; to = 'lg'; method = 'specified'; source = 'any'; destination = 'any'; "
	           "protocol = 'gre';") } },
	/* 3 lgwan <-> internet */
	{ "internal between LGWAN and Internet",
	  "sanitized-method", .line = "internal", .related = "lg0", .edits = {
	  ADD_FLOW(LG_IN "method = 'internal'; " HTTPS) } },
	{ "specified between LGWAN and Internet", "sanitized-method", .edits = {
	  ADD_FLOW(LG_IN "method = 'specified'; " HTTPS RECORD) } },
	{ "screen transfer inward under alpha",
	  "screen-direction", .line = "'x'", .related = "model", .edits = {
	  ADD_FLOW(IN_LG "method = 'screen'; " HTTPS) } },
	{ "screen transfer inward under alpha-prime", "screen-direction", .edits = {
	  MODEL("alpha-prime"),
	  ADD_FLOW(IN_LG "method = 'screen'; " HTTPS) } },
	{ "screen transfer inward under beta", "", .edits = {
	  MODEL("beta"),
	  ADD_FLOW(IN_LG "method = 'screen'; " HTTPS) } },
	{ "screen transfer inward under beta-prime", "", .edits = {
	  MODEL("beta-prime"),
	  ADD_FLOW(IN_LG "method = 'screen'; " HTTPS) } },
	{ "screen transfer to two servers", "screen-server", .edits = {
	  ADD_FLOW("from = 'lg'; to = 'in'; source = 'pcs'; destination = [ 'gamen', 'soto' ]; "
	           "method = 'screen'; " HTTPS) } },
	{ "screen transfer by sctp", "screen-protocol", .edits = {
	  ADD_FLOW(LG_IN "method = 'screen'; protocol = 'sctp'; ports = 443;") } },
	{ "screen transfer by udp", "", .edits = {
	  ADD_FLOW(LG_IN "method = 'screen'; protocol = 'udp'; ports = 4172;") } },
	{ "sanitized files without a sanitizer", "sanitizer-missing", .related = "gamen", .edits = {
	  ADD_FLOW(LG_IN "method = 'sanitized-file'; " HTTPS) } },
	{ "sanitized files from the sanitizer", "", .edits = {
	  ADD_FLOW("from = 'in'; to = 'lg'; source = 'mukaika'; destination = 'naka'; "
	           "method = 'sanitized-file'; " HTTPS) } },
	{ "breakout under alpha", "breakout-model", .line = "'x'", .related = "alpha", .edits = {
	  ADD_NETWORK("name = 'saas'; zone = 'up'; prefixes = '198.51.100.0/24';"),
	  ADD_FLOW("from = 'lg'; to = 'up'; method = 'breakout'; source = 'pcs'; destination = 'saas'; "
	           HTTPS) } },
	{ "breakout under beta-prime", "breakout-model", .edits = {
	  MODEL("beta-prime"),
	  ADD_NETWORK("name = 'saas'; zone = 'up'; prefixes = '198.51.100.0/24';"),
	  ADD_FLOW("from = 'lg'; to = 'up'; method = 'breakout'; source = 'pcs'; destination = 'saas'; "
	           HTTPS) } },
	{ "breakout under alpha-prime", "", .edits = {
	  MODEL("alpha-prime"),
	  ADD_NETWORK("name = 'saas'; zone = 'up'; prefixes = '198.51.100.0/24';"),
	  ADD_FLOW("from = 'lg'; to = 'up'; method = 'breakout'; source = 'pcs'; destination = 'saas'; "
	           HTTPS) } },
	{ "breakout inward", "breakout-direction", .edits = {
	  MODEL("alpha-prime"),
	  ADD_FLOW(IN_LG "method = 'breakout'; " HTTPS) } },
	{ "breakout to any", "breakout-destination", .edits = {
	  MODEL("alpha-prime"),
	  ADD_FLOW("from = 'lg'; to = 'up'; method = 'breakout'; source = 'pcs'; destination = 'any'; "
	           HTTPS) } },
	{ "breakout to a prefix without name", "breakout-destination", .edits = {
	  MODEL("alpha-prime"),
	  ADD_FLOW("from = 'lg'; to = 'up'; method = 'breakout'; source = 'pcs'; "
	           "destination = '198.51.100.0/24'; " HTTPS) } },
	{ "an exception", "", .edits = { ADD_FLOW(LG_IN HTTPS EXCEPTION) } },
	{ "an exception needs no day of approval", "", .edits = {
	  ADD_FLOW(LG_IN HTTPS "method = 'exception'; record = { number = '1'; reason = 'r'; "
	           "approver = 'a'; expires = '2027-03-31'; };") } },
	{ "an exception without expiry", "record-incomplete", .edits = {
	  ADD_FLOW(LG_IN HTTPS "method = 'exception'; record = { number = '1'; reason = 'r'; "
	           "approver = 'a'; };") } },
	{ "an exception without record", "record-missing", .edits = {
	  ADD_FLOW(LG_IN HTTPS "method = 'exception';") } },
	{ "any at both ends", "any-twice", .edits = {
	  ADD_FLOW("from = 'lg'; to = 'in'; source = 'any'; destination = 'any'; " HTTPS EXCEPTION) } },
	{ "both zones whole by their prefixes are any at both ends", "any-twice", .edits = {
	  ADD_FLOW("from = 'lg'; to = 'in'; source = '10.2.0.0/24'; destination = '10.3.0.0/24'; " HTTPS EXCEPTION) } },
	{ "one address less than the whole zone", "", .edits = {
	  ADD_FLOW("from = 'lg'; to = 'in'; source = '10.2.0.0-10.2.0.254'; destination = '10.3.0.0/24'; " HTTPS
	           EXCEPTION) } },
	{ "mail by its port", "mail-ports", .edits = {
	  ADD_FLOW(IN_LG EXCEPTION "protocol = 'tcp'; ports = [ 80, 25 ];") } },
	{ "mail reading by its port", "mail-ports", .edits = {
	  ADD_FLOW(LG_IN EXCEPTION "protocol = 'tcp'; ports = 993;") } },
	{ "mail in a range of 1023 ports", "mail-ports", .edits = {
	  ADD_FLOW(LG_IN EXCEPTION "protocol = 'tcp'; ports = '1-1023';") } },
	{ "mail in a range of 1024 ports", "mail-ports-cut", .edits = {
	  ADD_FLOW(LG_IN EXCEPTION "protocol = 'tcp'; ports = '1-1024';") } },
	{ "a mail port beside a wide range", "mail-ports ports-many", .edits = {
	  ADD_FLOW(LG_IN EXCEPTION "protocol = 'tcp'; ports = [ '25', '26-2000' ];") } },
	{ "mail through the uplink from LGWAN", "mail-ports", .edits = {
	  ADD_FLOW("from = 'lg'; to = 'up'; source = 'naka'; destination = 'mx'; protocol = 'tcp'; "
	           "ports = 25; " EXCEPTION) } },
	{ "port 25 of another protocol", "", .edits = {
	  ADD_FLOW(LG_IN EXCEPTION "protocol = 'udp'; ports = 25;") } },
	/* 4 the same tier */
	{ "an exception inside a tier", "same-tier-method", .edits = {
	  ADD_FLOW("from = 'in'; to = 'up'; source = 'gamen'; destination = 'mx'; protocol = 'tcp'; "
	           "ports = 8443; " EXCEPTION) } },
	{ "from a zone to itself", "same-zone", .line = "'x'", .related = "in0", .edits = {
	  ADD_FLOW("from = 'in'; to = 'in'; method = 'internal'; source = 'gamen'; destination = 'soto'; "
	           HTTPS) } },
	/* 5 the uplink */
	{ "another DNS server", "uplink-dns", .related = "up0", .edits = {
	  ADD_FLOW(UPLINK "destination = '8.8.8.8'; protocol = 'udp'; ports = 53;") } },
	{ "the DNS server and another", "uplink-dns", .edits = {
	  ADD_FLOW(UPLINK "destination = [ 'dns', '8.8.8.8' ]; protocol = 'tcp'; ports = 853;") } },
	{ "DNS in a wide range", "uplink-dns", .edits = {
	  ADD_FLOW(UPLINK "destination = 'any'; protocol = 'udp'; ports = '1-1024';") } },
	{ "the DNS server by tcp", "", .edits = {
	  ADD_FLOW(UPLINK "destination = 'dns'; protocol = 'tcp'; ports = [ 53, 853 ];") } },
	{ "another mail server", "uplink-smtp", .edits = {
	  ADD_FLOW(UPLINK "destination = '198.51.100.25'; protocol = 'tcp'; ports = 587;") } },
	{ "the mail server", "", .edits = {
	  ADD_FLOW(UPLINK "destination = 'mx'; protocol = 'tcp'; ports = [ 25, 465, 587 ];") } },
	{ "everything by tcp", "uplink-dns uplink-smtp", .edits = {
	  ADD_FLOW(UPLINK "destination = 'any'; protocol = 'tcp'; ports = '1-65535';") } },
	{ "another DNS server from LGWAN", "uplink-dns", .edits = {
	  ADD_FLOW("from = 'lg'; to = 'up'; source = 'naka'; destination = 'mx'; protocol = 'udp'; "
	           "ports = 53; " EXCEPTION) } },
	{ "another DNS server for the gateway", "uplink-dns", .edits = {
	  { "#egress", ", { name = 'd'; user = 'root'; zone = 'up'; destination = '8.8.8.8'; "
	               "protocol = 'udp'; ports = 53; }" } } },
	{ "another mail server for the gateway", "uplink-smtp", .edits = {
	  { "#egress", ", { name = 'd'; user = 'root'; zone = 'up'; destination = '8.8.8.8'; "
	               "protocol = 'tcp'; ports = 25; }" } } },
	{ "an uplink of the LGWAN tier", "uplink-tier", .line = "z0", .edits = {
	  { "uplink = {", "} , { name = 'z'; tier = 'lgwan'; interfaces = 'z0'; "
	                  "networks = '198.51.100.0/24'; uplink = {" },
	  { "name = 'router'; zone = 'up'; addresses = [ '192.0.2.1' ]", "name = 'router'; zone = 'z'; "
	                                                                 "addresses = [ '198.51.100.1' ]" },
	  { "name = 'dns'; zone = 'up'; addresses = [ '192.0.2.53' ]", "name = 'dns'; zone = 'z'; "
	                                                               "addresses = [ '198.51.100.2' ]" },
	  { "name = 'mx'; zone = 'up'", "name = 'mx'; zone = 'z'" },
	  { "destination = 'dns'", "destination = '192.0.2.53'" } } },
	{ "hairpin at the uplink", "uplink-hairpin", .edits = {
	  { "uplink = {", "hairpin = true; uplink = {" } } },
	/* 6 the gateway */
	{ "ssh from a whole zone", "local-any", .edits = { { "source = 'kanri'", "source = 'any'" } } },
	{ "another mail server on the gateway, which would pass mail unwashed", "mail-ports", .edits = {
	  { "source = 'kanri'; protocol = 'tcp'; ports = 22", "source = 'kanri'; protocol = 'tcp'; ports = 587" } } },
	{ "ping from a whole zone", "", .edits = {
	  { "source = 'kanri'; protocol = 'tcp'; ports = 22", "source = 'any'; protocol = 'icmp'" } } },
	{ "the gateway to a whole zone", "egress-any", .edits = {
	  { "destination = '10.2.0.123'", "destination = 'any'" } } },
	{ "the gateway pings a whole zone", "", .edits = {
	  { "destination = '10.2.0.123'; protocol = 'udp'; ports = 123", "destination = 'any'; "
	                                                                 "protocol = 'icmp'" } } },
	{ "the front, which could reach something", "relay-user", .line = "'y'", .edits = {
	  { "#egress", ",\n{ name = 'y'; user = 'sekisho-front'; zone = 'lg'; destination = 'naka'; " HTTPS "}" } } },
	{ "the courier, which could reach more than its next hops", "relay-user", .edits = {
	  { "#egress", ",\n{ name = 'y'; user = 'sekisho-courier'; zone = 'lg'; destination = 'naka'; protocol = 'icmp'; }" } } },
	{ "the keeper, in a file without a relay", "host-unused host-unused relay-user", .edits = {
	  { "#egress", ",\n{ name = 'y'; user = 'sekisho-keeper'; zone = 'lg'; destination = 'kanri'; " HTTPS "}" },
	  { "relays = (", "relays = ( );\n/*" }, { "#relays\n);", "*/" } } },
	/* 7 relays */
	{ "a relay that takes mail from a whole zone by its prefix", "host-unused relay-accepts-any", .edits = {
	  { "accept_from = 'soto'", "accept_from = '10.3.0.0/24'" } } },
	{ "a relay that takes mail from half a zone", "host-unused", .edits = {
	  { "accept_from = 'soto'", "accept_from = '10.3.0.0/25'" } } },
	{ "a relay outward", "relay-outward", .edits = { ADD_RELAY("r", "2525", "lg", "in", "naka", "soto") } },
	{ "a relay inside a tier", "relay-pair", .edits = { ADD_RELAY("r", "2525", "up", "in", "mx", "soto") } },
	{ "mail of the relay's next hop through the gateway onward to My Number", "relay-chain relay-pair", .edits = {
	  ADD_RELAY("r", "2525", "lg", "mn", "naka", "jumin"),
	  { "#egress", ",\n{ name = 'y'; user = 'root'; zone = 'lg'; destination = 'naka'; " HTTPS "}" } } },
	{ "a way for the relay's mail from the gateway to My Number", "gateway-chain", .line = "'y'", .related = "'mail'", .edits = {
	  { "#egress", ",\n{ name = 'y'; user = 'root'; zone = 'mn'; destination = 'jumin'; protocol = 'tcp'; ports = 25; }" } } },
	{ "My Number delivers to the gateway beside a relay", "gateway-chain", .edits = {
	  { "#locals", ",\n{ name = 'z'; zone = 'mn'; source = 'jumin'; " HTTPS "}" },
	  { "#egress", ",\n{ name = 'y'; user = 'root'; zone = 'up'; destination = 'dns'; protocol = 'udp'; ports = 53; }" } } },
	{ "mail straight from LGWAN to Internet beside a relay", "mail-ports", .edits = {
	  ADD_FLOW(LG_IN EXCEPTION "protocol = 'tcp'; ports = [ 25, 465, 587, 110, 143, 993, 995 ];") } },
	{ "mail straight from Internet to LGWAN beside a relay", "mail-ports", .edits = {
	  ADD_FLOW(IN_LG EXCEPTION "protocol = 'tcp'; ports = 25;") } },
	{ "a wide flow with the ports of mail in it", "mail-ports-cut ports-many", .edits = {
	  ADD_FLOW(LG_IN EXCEPTION "protocol = 'tcp'; ports = '20-2000';") } },
	{ "a relay from the uplink", "", .edits = {
	  ADD_RELAY("r", "2525", "up", "lg", "mx", "kanri") } },
	/* 8 zones */
	{ "a wireless interface in My Number", "wireless-mynumber", .line = "mn0", .edits = {
	  { "interfaces = [ 'mn0' ]", "interfaces = [ 'mn0', 'wlan0' ]" } } },
	{ "a wireless network in My Number", "wireless-mynumber", .edits = {
	  { "interfaces = [ 'mn0' ]", "wireless = true; interfaces = [ 'mn0' ]" } } },
	{ "a wireless interface elsewhere", "", .edits = {
	  { "interfaces = [ 'in0' ]", "interfaces = [ 'wlp2s0' ]" } } },
	{ "hairpin in My Number", "hairpin-mynumber", .edits = {
	  { "interfaces = [ 'mn0' ]", "hairpin = true; interfaces = [ 'mn0' ]" } } },
	{ "reject between tiers", "reject-between-tiers", .line = "'mn'", .related = "lg0", .edits = {
	  { "#refusals", ", { from = 'mn'; to = 'lg'; refuse = 'reject'; }" } } },
	{ "drop between tiers", "", .edits = {
	  { "#refusals", ", { from = 'mn'; to = 'lg'; refuse = 'drop'; }" } } },
	/* 9 tiers and time */
	{ "no My Number tier", "tier-missing", .edits = {
	  { "tier = 'mynumber'", "tier = 'lgwan'" },
	  { "method = 'specified'; peer = 'juki-net'", "method = 'internal'" } } },
	{ "no uplink", "uplink-missing", .edits = {
	  { "uplink = { routers = [ 'router' ]; dns = [ 'dns' ]; smtp = [ 'mx' ]; };", "" },
	  { "'203.0.113.25'", "'192.0.2.25'" },
	  ADD_FLOW(UPLINK "destination = [ 'router', 'mx' ]; protocol = 'icmp';") } },
	{ "a record that is approved today", "", .edits = { { "approved = '2026-04-01'", "approved = '2026-11-21'" } } },
	{ "a record that is approved tomorrow", "record-early", .related = "特-1", .edits = {
	  { "approved = '2026-04-01'", "approved = '2026-11-22'" } } },
	{ "a record with 31 days left", "", .edits = { EXPIRES("2026-12-22") } },
	{ "a record with 30 days left", "record-expires", .related = "特-1", .edits = {
	  EXPIRES("2026-12-21") } },
	{ "a record that ends today", "record-expires", .edits = { EXPIRES("2026-11-21") } },
	{ "a critical flow with 30 days left", "critical-expires", .edits = {
	  EXPIRES("2026-12-21"),
	  { "peer = 'juki-net'", "critical = true; peer = 'juki-net'" } } },
	{ "a critical flow that is over", "critical-expired record-expired", .related = "特-1", .edits = {
	  EXPIRES("2026-11-20"),
	  { "peer = 'juki-net'", "critical = true; peer = 'juki-net'" } } },
	/* Lint */
	{ "a flow inside another", "flow-covered", .line = "'x'", .related = "'web'", .edits = {
	  ADD_FLOW(UPLINK "destination = 'mx'; " HTTPS) } },
	{ "a flow that outlives the wider one", "", .edits = {
	  { "service = 'web'; }", "service = 'web'; record = { expires = '2027-03-31'; }; }" },
	  ADD_FLOW(UPLINK "destination = 'mx'; " HTTPS) } },
	{ "a flow half inside another", "", .edits = {
	  ADD_FLOW(UPLINK "destination = 'mx'; protocol = 'tcp'; ports = '443-444';") } },
	{ "1024 ports between LGWAN and Internet", "", .edits = {
	  ADD_FLOW(LG_IN EXCEPTION "protocol = 'udp'; ports = '5000-6023';") } },
	{ "1025 ports between LGWAN and Internet", "ports-many", .edits = {
	  ADD_FLOW(LG_IN EXCEPTION "protocol = 'udp'; ports = [ '5000-6023', '7000' ];") } },
	{ "a My Number host with a MAC that is none", "mac-malformed", .edits = {
	  ADD_HOST("name = 'h'; zone = 'mn'; addresses = '10.1.0.99'; macs = '02:00';") } },
	{ "a My Number host without MAC", "host-unbound host-unused", .edits = {
	  ADD_HOST("name = 'zei'; zone = 'mn'; addresses = '10.1.0.11';") } },
};

static struct policy_world world_now(void)
{
	return (struct policy_world){ .now = policy_case_now() };
}

START_TEST(line_of_the_law_gives_findings)
{
	struct policy_world world = world_now();

	check_policy_case(&rows[_i], &world);
}
END_TEST

START_TEST(every_kind_of_the_law_is_expected_somewhere)
{
	for (int kind = LAW_TIER_MISSING; kind < POLICY_KIND_COUNT; kind++)
		ck_assert_msg(cases_expect(rows, COUNT(rows), policy_catalogue[kind].id), "no row expects %s",
			      policy_catalogue[kind].id);
}
END_TEST

static bool places_are_equal(const char *en, const char *ja)
{
	for (char place = '0'; place < '0' + FINDING_ARGUMENTS_MAX; place++) {
		const char text[] = { '{', place, '}', '\0' };

		if (!strstr(en, text) != !strstr(ja, text))
			return false;
	}
	return true;
}

START_TEST(catalogue_is_whole_in_both_languages)
{
	for (int i = 0; i < POLICY_KIND_COUNT; i++) {
		const struct finding_kind *kind = &policy_catalogue[i];

		ck_assert_msg(kind->id && kind->en && kind->ja && kind->action_en && kind->action_ja,
			      "row %d is not whole", i);
		ck_assert_msg(places_are_equal(kind->en, kind->ja), "%s: the sentences say different things",
			      kind->id);
		ck_assert_msg(places_are_equal(kind->action_en, kind->action_ja),
			      "%s: the actions say different things", kind->id);
		ck_assert_uint_eq(strspn(kind->id, "abcdefghijklmnopqrstuvwxyz-"), strlen(kind->id));
		for (int k = 0; k < i; k++)
			ck_assert_str_ne(kind->id, policy_catalogue[k].id);
	}
}
END_TEST

START_TEST(tiers_meet_as_the_law_says)
{
	for (enum tier from = TIER_MYNUMBER; from < TIER_COUNT; from++)
		for (enum tier to = TIER_MYNUMBER; to < TIER_COUNT; to++) {
			bool ends = (from == TIER_MYNUMBER && to == TIER_INTERNET) ||
				    (from == TIER_INTERNET && to == TIER_MYNUMBER);
			bool outer = (from == TIER_LGWAN && to == TIER_INTERNET) ||
				     (from == TIER_INTERNET && to == TIER_LGWAN);

			ck_assert_int_eq(law_tiers_may_meet(from, to), !ends);
			ck_assert_int_eq(law_bars_mail(from, to), ends || outer);
		}
	ck_assert_uint_eq(law_mail_port_count, 7);
}
END_TEST

static Suite *law_suite(void)
{
	Suite *suite = suite_create("policy/law");
	TCase *law = tcase_create("law");

	tcase_add_loop_test(law, line_of_the_law_gives_findings, 0, COUNT(rows));
	tcase_add_test(law, every_kind_of_the_law_is_expected_somewhere);
	tcase_add_test(law, catalogue_is_whole_in_both_languages);
	tcase_add_test(law, tiers_meet_as_the_law_says);
	suite_add_tcase(suite, law);
	return suite;
}

int main(void)
{
	SRunner *runner = srunner_create(law_suite());
	int failed;

	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
