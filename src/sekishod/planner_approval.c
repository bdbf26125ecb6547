/*
 * planner_approval: a change that a second person has to approve (R25). Where the policy in force says two_person, an apply only proposes; what is proposed is put in force
 * when somebody else approves the very text that was looked at. Proposals live in this process: when it ends, they are made again.
 */
#include <stdlib.h>
#include <string.h>

#include "config/reader.h"
#include "sekishod/planner.h"

enum { LAST_GOOD_BYTES_MAX = 512 << 20 };

struct proposal {
	struct arena *arena;
	struct caller by;
	struct apply_request request;	/* what he wanted besides; without connections */
	char digest[DIGEST_TEXT_BYTES];	/* of the text */
	int64_t since;			/* Unix time */
};

/* Who somebody is: the user who logged in, whatever he has become since; else the user he is. */
static uint32_t person_of(const struct caller *caller)
{
	return caller->logged_in ? caller->login : caller->uid;
}

bool approval_is_wanted(const struct planner *planner, const struct policy *policy)
{
	return planner->in_force ? planner->in_force->policy->two_person : policy->two_person;
}

void approval_propose(struct planner *planner, const struct caller *by, const struct apply_request *request, const char *digest)
{
	struct arena *arena = arena_new();
	struct proposal *proposal = arena_alloc(arena, sizeof(*proposal));

	approval_drop(planner);
	*proposal = (struct proposal){ .arena = arena, .by = *by, .request = *request, .since = planner_now(planner) };
	proposal->request.reason = arena_strdup(arena, request->reason);
	proposal->request.connection_count = 0;
	for (size_t i = 0; i < request->break_count; i++)
		proposal->request.breaks[i] = arena_strdup(arena, request->breaks[i]);
	snprintf(proposal->digest, sizeof(proposal->digest), "%s", digest);
	planner->proposal = proposal;
}

void approval_drop(struct planner *planner)
{
	if (planner->proposal)
		arena_free(planner->proposal->arena);
	planner->proposal = NULL;
}

bool approval_prepare(const struct planner *planner, struct arena *arena, struct apply_request *request)
{
	const struct proposal *proposal = planner->proposal;

	if (!proposal)
		return false;
	request->force = proposal->request.force;
	request->confirm_seconds = proposal->request.confirm_seconds;
	request->break_count = proposal->request.break_count;
	for (size_t i = 0; i < proposal->request.break_count; i++)
		request->breaks[i] = arena_strdup(arena, proposal->request.breaks[i]);
	return true;
}

const char *approval_who(const struct planner *planner, struct arena *arena)
{
	const struct proposal *proposal = planner->proposal;
	const char *login = proposal->by.logged_in ? arena_printf(arena, " (login %u)", proposal->by.login) : "";

	return arena_printf(arena, "user %u%s", proposal->by.uid, login);
}

const char *approval_reason(const struct planner *planner)
{
	return planner->proposal->request.reason;
}

enum daemon_finding approval_judge(const struct planner *planner, const struct caller *by, const char *approves, const char *digest)
{
	const struct proposal *proposal = planner->proposal;

	if (strncmp(proposal->digest, approves, strlen(approves)) != 0)
		return DAEMON_APPROVAL_OTHER;
	if (strcmp(proposal->digest, digest) != 0)
		return DAEMON_APPROVAL_FILE_CHANGED;
	if (person_of(by) == person_of(&proposal->by))
		return DAEMON_APPROVAL_SAME_PERSON;
	return DAEMON_FINDING_COUNT;
}

json_t *approval_json(const struct planner *planner)
{
	const struct proposal *proposal = planner->proposal;
	json_t *json;

	if (!proposal)
		return json_null();
	json = json_pack("{s:s, s:I, s:s, s:I}", "digest", proposal->digest, "uid", (json_int_t)proposal->by.uid, "reason", proposal->request.reason, "since",
			 (json_int_t)proposal->since);
	if (json && proposal->by.logged_in)
		json_object_set_new(json, "login", json_integer(proposal->by.login));
	return json ? json : json_null();
}

/* The text that was in force last wanted two persons, and this is another one. */
static bool text_is_unapproved(const struct settings *settings, const struct source *last_good)
{
	__attribute__((cleanup(arena_freep))) struct arena *arena = arena_new();
	struct findings findings = findings_in(arena);
	struct settings *kept;

	return settings_read_text(arena, last_good->path, last_good->text, last_good->length, &findings, &kept) == 0 && kept->two_person.value &&
	       !settings_equal(kept, settings);
}

/* The text that was in force last, if it has the word: most texts do not, and need not be understood. */
static bool last_good_wants_two(const struct planner *planner, struct arena *arena, struct source *ret_last_good)
{
	return source_read(arena, arena_printf(arena, "%s/%s", planner->options->state_dir, STATE_LAST_GOOD_NAME), LAST_GOOD_BYTES_MAX, ret_last_good) == 0 &&
	       memmem(ret_last_good->text, ret_last_good->length, "two_person", strlen("two_person"));
}

bool approval_may_be_missing(const struct planner *planner)
{
	__attribute__((cleanup(arena_freep))) struct arena *arena = arena_new();
	struct source last_good;

	return last_good_wants_two(planner, arena, &last_good);
}

bool approval_is_missing(const struct planner *planner, const struct generation *generation)
{
	__attribute__((cleanup(arena_freep))) struct arena *arena = arena_new();
	struct source last_good;

	/* What cannot be compared was not approved. */
	return last_good_wants_two(planner, arena, &last_good) && (!generation->settings || text_is_unapproved(generation->settings, &last_good));
}
