/*
 * catalogue: what the daemon finds, beyond what the floors below find.
 */
#ifndef SEKISHOD_CATALOGUE_H
#define SEKISHOD_CATALOGUE_H

#include "base/finding.h"

enum daemon_finding {
	/* requests and links; the planner */
	DAEMON_REQUEST_MALFORMED,	/* what is wrong */
	DAEMON_ACCESS,			/* group */
	DAEMON_CROWDED,
	DAEMON_BUSY,
	DAEMON_CONFIRM_PENDING,
	DAEMON_CONFIRM_NOTHING,
	DAEMON_CONFIRM_NO_RETURN,	/* reason */
	DAEMON_APPROVAL_NOTHING,
	DAEMON_APPROVAL_OTHER,
	DAEMON_APPROVAL_FILE_CHANGED,
	DAEMON_APPROVAL_SAME_PERSON,
	DAEMON_LOCKOUT,			/* client address, port, name of the service that allowed it */
	DAEMON_CRITICAL_STOPS,		/* flow */
	DAEMON_ZONE_UNKNOWN,		/* zone */
	DAEMON_NOT_ISOLATED,		/* zone */
	DAEMON_ISOLATIONS_MANY,
	DAEMON_ISOLATION_FAILED,	/* zone */
	DAEMON_RELEASE_LATER,		/* zone */
	DAEMON_ISOLATION_LOST,		/* zone */
	DAEMON_EXCEPTION_UNKNOWN,	/* name */
	DAEMON_RENAMED_INTO_ZONE,	/* interface, its former name */
	DAEMON_ENFORCER_GONE,
	DAEMON_ANSWER_MALFORMED,
	DAEMON_READING_FAILED,		/* reason */
	DAEMON_UNRECORDED,
	/* proposals; the enforcer */
	DAEMON_NO_PINS,
	DAEMON_FILE_CHANGED,
	DAEMON_PROPOSAL_MALFORMED,
	DAEMON_LINK_DIFFERS,		/* interface */
	DAEMON_KERNEL_UNREADABLE,	/* reason */
	DAEMON_KERNEL_REFUSED,		/* sentence */
	DAEMON_TABLES_TAKEN,
	DAEMON_KERNEL_RESTLESS,
	DAEMON_READBACK_DIFFERS,
	/* ways past the rules */
	DAEMON_PORT_OF_BRIDGE,		/* interface, zone, bridge */
	DAEMON_PROGRAM_AT_INTERFACE,	/* interface, zone */
	DAEMON_TC_AT_INTERFACE,		/* interface, zone */
	DAEMON_FILTER_AT_INTERFACE,	/* interface, zone */
	DAEMON_POLICY_ROUTE,		/* priority */
	DAEMON_TCX_AT_INTERFACE,	/* interface, zone */
	DAEMON_INTERFACE_ENSLAVED,	/* interface, zone, master, its kind */
	DAEMON_INTERFACE_CHILD,		/* interface, zone, what sits on it, its kind */
	DAEMON_INTERFACE_SHARED,	/* interface, zone, MAC */
	DAEMON_INTERFACE_HIDDEN,	/* interface, zone */
	DAEMON_FRAME_SOCKET,		/* interface, zone, number of the user */
	DAEMON_FRAME_SOCKET_XDP,
	DAEMON_INTERFACE_PROXY,		/* interface, zone, switch */
	DAEMON_INTERFACE_NO_ZONE,	/* interface */
	DAEMON_TUNNEL,			/* interface, its kind */
	DAEMON_ROUTE_ENCAP,		/* interface */
	DAEMON_LEGACY_TABLE,		/* iptables or ip6tables, table */
	DAEMON_IPSEC,
	DAEMON_IPVS,			/* the first service */
	DAEMON_HOOK,			/* function, module, where */
	DAEMON_HOOK_PROGRAM,		/* where */
	DAEMON_NETWORK_PROGRAM,		/* sk_lookup or flow_dissector */
	DAEMON_FOREIGN_REDIRECT,	/* family and table, chain, expression */
	DAEMON_FOREIGN_HANDOVER,	/* see DAEMON_FOREIGN_REDIRECT */
	DAEMON_FOREIGN_REWRITE,		/* see DAEMON_FOREIGN_REDIRECT */
	DAEMON_FOREIGN_NAT,		/* see DAEMON_FOREIGN_REDIRECT */
	DAEMON_FOREIGN_MARK,		/* see DAEMON_FOREIGN_REDIRECT */
	DAEMON_FOREIGN_FLOWTABLE,	/* family and table */
	DAEMON_FOREIGN_FILTER,		/* see DAEMON_FOREIGN_REDIRECT */
	/* interfaces of zones */
	DAEMON_INTERFACE_MISSING,	/* interface, zone */
	DAEMON_INTERFACE_SILENT,	/* interface, zone, since when */
	DAEMON_INTERFACE_OFF,		/* see DAEMON_INTERFACE_SILENT */
	DAEMON_ADDRESS_OUTSIDE,		/* interface, zone, address */
	DAEMON_ADDRESS_OF_ZONE,		/* interface, zone, address, the address's zone */
	DAEMON_FINDING_COUNT
};

/* One row per enum daemon_finding. */
extern const struct finding_kind daemon_catalogue[DAEMON_FINDING_COUNT];

#endif
