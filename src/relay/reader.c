/*
 * reader: reads the zone file for the relay, once, and ends.
 *
 * It runs as root, because the file is root's, and without a capability. What is an error for sekishod is one here as well: both read a file by the
 * same rules, so a relay never runs by a file that the filter would refuse.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/log.h"
#include "config/reader.h"
#include "config/trust.h"
#include "daemon/crew.h"
#include "policy/law.h"
#include "relay/plan.h"
#include "relay/roles.h"
#include "wire/report.h"

/* The users of the file are not looked up: whom the kernel's rules admit is sekishod's business. */
static const struct policy *policy_read(const char *path, struct findings *findings)
{
	struct policy_world world = { .now = (int64_t)time(NULL) };
	struct settings *settings;
	struct policy *policy;

	if (source_trust(path, findings) != 0 || settings_read(findings->arena, path, findings, &settings) != 0)
		return NULL;
	for (size_t i = 1; i < settings->source_count; i++)
		source_trust(settings->sources[i].path, findings);
	policy = policy_resolve(findings->arena, settings, &world, findings);
	law_check(policy, world.now, findings);
	findings_sort(findings);
	return findings->errors == 0 ? policy : NULL;
}

static int frame_tell(enum verb verb, struct span payload)
{
	struct frame frame = { .verb = verb, .payload = payload, .descriptor = -1 };

	return frame_send(CREW_CHANNEL, &frame);
}

static int findings_tell(const struct findings *findings)
{
	json_t *array = findings_to_json(findings);
	char *text = json_dumps(array, JSON_COMPACT);
	int error = frame_tell(VERB_REFUSED, span_of(text ? text : "[]"));

	free(text);
	json_decref(array);
	return error;
}

static int plan_tell(const struct policy *policy)
{
	__attribute__((cleanup(buf_free))) struct buf relays = buf_limited(PLAN_BYTES_MAX);

	plan_pack(&relays, policy->relays, policy->relay_count);
	return relays.overflow ? -EMSGSIZE : frame_tell(VERB_PLAN, buf_span(&relays));
}

int reader_run(const struct options *options)
{
	__attribute__((cleanup(arena_freep))) struct arena *arena = arena_new();
	struct findings findings = findings_in(arena);
	const struct policy *policy;
	int error = sandbox_keep_capabilities(NULL, 0);

	if (!error)
		error = crew_role_begin();
	if (!error)
		error = sandbox_renounce();
	if (error) {
		log_event(LOG_LEVEL_ERROR, "SKS-START", "the reader could not start reason=\"%s\"", strerror(-error));
		return EXIT_FAILURE;
	}
	policy = policy_read(options->config, &findings);
	error = findings_tell(&findings);
	if (!error && policy)
		error = plan_tell(policy);
	if (error)
		log_event(LOG_LEVEL_ERROR, "SKS-START", "the reader could not say what it read reason=\"%s\"", strerror(-error));
	return error ? EXIT_FAILURE : EXIT_SUCCESS;
}
