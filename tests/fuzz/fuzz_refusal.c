/*
 * fuzz: a packet that was refused, as the kernel logs it (kernel/nflog.h), and its headers (ruleset/headers.h). What is read points into the
 * message, and of what comes out addresses are addresses of one family.
 */
#include <stdlib.h>
#include <string.h>

#include "kernel/nflog.h"
#include "ruleset/headers.h"
#include "ruleset/program.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void demand(bool holds)
{
	if (!holds)
		abort();
}

static void headers_exercise(struct span packet)
{
	char text[NETADDR_TEXT_BYTES];
	struct headers headers;

	if (!headers_read(packet, &headers))
		return;
	demand(headers.source.family == headers.destination.family);
	demand(packet.length >= (headers.source.family == 4 ? 20 : 40));
	netaddr_format(&headers.source, text);
	netaddr_format(&headers.destination, text);
}

static bool lies_in(struct span inner, struct span outer)
{
	return inner.length == 0 || (inner.data >= outer.data && inner.data + inner.length <= outer.data + outer.length);
}

static void message_exercise(struct span body)
{
	struct nflog_packet packet;
	enum refusal reason;

	if (!nflog_packet_read(body, &packet))
		return;
	demand(lies_in(packet.head, body) && lies_in(packet.prefix, body));
	if (refusal_of_prefix(packet.prefix, &reason))
		demand(reason < REFUSE_COUNT);
	headers_exercise(packet.head);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	/* Attributes are aligned in a message that was received. */
	char *bytes = malloc(size + 1);

	demand(bytes != NULL);
	if (size > 0)
		memcpy(bytes, data, size);
	headers_exercise((struct span){ .data = bytes, .length = size });
	message_exercise((struct span){ .data = bytes, .length = size });
	free(bytes);
	return 0;
}
