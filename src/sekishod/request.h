/*
 * request: what the sekisho command asks of the daemon, as JSON over the control socket.
 *
 * VERB_APPLY: {"reason": text, "force": bool, "break": [names], "dry_run": bool, "confirm": seconds,
 *              "approve": the first hexadecimal digits, at least 12, of the SHA-256 of the text that was proposed,
 *              "connections": [{"source": address, "source_port": n, "destination": address, "destination_port": n}]}
 * VERB_ISOLATE: {"zone": text, "except": [text], "reason": text, "drill": bool}; VERB_RELEASE: {"zone": text, "reason": text}
 * VERB_CONFIRM: {"reason": text}
 * Every member but "zone" may be missing. Who may ask for what says sekishod/access.h; nothing in a request is believed to be well formed.
 */
#ifndef SEKISHOD_REQUEST_H
#define SEKISHOD_REQUEST_H

#include "base/buf.h"
#include "ruleset/isolation.h"
#include "sekishod/confirmation.h"
#include "sekishod/critical.h"
#include "sekishod/lockout.h"

enum { REQUEST_BYTES_MAX = 64 << 10, REQUEST_REASON_BYTES_MAX = 1024, REQUEST_APPROVE_DIGITS_MIN = 12 };

struct apply_request {
	const char *reason;	/* "" when none was given */
	bool force;		/* do not look whether the terminal would be locked out */
	uint32_t confirm_seconds; /* in which it is to be confirmed; 0: it is for good */
	const char *breaks[CRITICAL_BREAKS_MAX]; /* names of critical flows that may stop */
	size_t break_count;
	bool dry_run;		/* say what would happen, and let nothing happen */
	const char *approves;	/* "": nothing; else what somebody else has proposed, named by the beginning of its digest */
	struct connection connections[LOCKOUT_CONNECTIONS_MAX];
	size_t connection_count;
};

/*
 * Reads the payload of VERB_APPLY; an empty payload is an empty request. 0; -EBADMSG: *ret_why is what is
 * wrong with it. Texts are in the arena. An IPv4 address in IPv6 clothes (::ffff:192.0.2.1), as sshd
 * reports it on a dual-stack socket, is undressed: packets of that connection are IPv4.
 */
int apply_request_parse(struct arena *arena, struct span payload, struct apply_request *ret_request, const char **ret_why);

/* Reads the payload of VERB_ISOLATE or VERB_RELEASE; since is not set. As apply_request_parse(). */
int isolation_request_parse(struct arena *arena, struct span payload, struct isolation *ret_isolation, bool *ret_drill, const char **ret_why);

#endif
