/*
 * parent_pins: what the enforcer judges by is read from the zone file, past the planner.
 */
#include "sekishod/parent.h"

#include <errno.h>
#include <malloc.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "sekishod/catalogue.h"
#include "sekishod/messages.h"
#include "wire/report.h"

enum { WHY_BYTES_MAX = 60 << 10 };	/* the planner takes 64 KiB */

/* Appends findings as JSON. */
static void findings_put(struct buf *out, const struct findings *findings)
{
	json_t *array = findings_to_json(findings);
	char *json = json_dumps(array, JSON_COMPACT);

	buf_puts(out, json ? json : "[]");
	free(json);
	json_decref(array);
}

/* These are the pins now. */
static void pins_take(struct parent *parent, const struct pins_reading *reading)
{
	buf_free(&parent->pins);
	buf_free(&parent->text);
	arena_free(reading->arena);
	parent->pins = reading->pins;
	parent->text = reading->text;
	memcpy(parent->text_digest, reading->digest, DIGEST_BYTES);
}

/* Somebody has written the file since the planner has read it. */
static int text_refuse(struct pins_reading *reading, struct findings *findings)
{
	finding_add(findings, &daemon_catalogue[DAEMON_FILE_CHANGED], (struct origin){ .source = NULL }, NULL);
	pins_reading_free(reading);
	return -ESTALE;
}

int pins_renew(struct parent *parent, const char *path, const uint8_t *digest, struct buf *why)
{
	__attribute__((cleanup(arena_freep))) struct arena *arena = arena_new();
	struct findings findings = findings_in(arena);
	struct pins_reading reading = parent->ahead;
	int error = 0;

	parent->ahead = (struct pins_reading){ .arena = NULL };
	if (!pins_reading_holds(&reading, path)) {
		pins_reading_free(&reading);
		error = pins_read(path, clock_now(&parent->clock), &findings, &reading);
	}
	if (!error && digest && memcmp(reading.digest, digest, DIGEST_BYTES) != 0)
		error = text_refuse(&reading, &findings);
	for (size_t i = 0; i < findings.count; i++)
		log_finding(&findings, &findings.items[i]);
	if (!error)
		pins_take(parent, &reading);
	else if (why && findings.count > 0)
		findings_put(why, &findings);
	/* The file's tree was large, and this process does nothing else for days. */
	malloc_trim(0);
	return error;
}

/* The planner has begun to read the zone file, and will ask for its pins unless it finds something wrong with it. What is wrong is told then. */
static void pins_read_ahead(struct parent *parent)
{
	__attribute__((cleanup(arena_freep))) struct arena *arena = arena_new();
	struct findings unused = findings_in(arena);

	pins_reading_free(&parent->ahead);
	if (pins_read(parent->options->config, clock_now(&parent->clock), &unused, &parent->ahead) != 0)
		parent->ahead = (struct pins_reading){ .arena = NULL };
}

/* The planner asks for the pins to be read again: the enforcer gets them before the planner gets the answer. */
static void renew_answer(struct parent *parent, const char *path, const uint8_t *digest)
{
	__attribute__((cleanup(buf_free))) struct buf why = buf_limited(WHY_BYTES_MAX);

	if (pins_renew(parent, path, digest, &why) == 0) {
		crew_send(parent->crew, ROLE_ENFORCER, VERB_PINS, buf_span(&parent->pins), -1);
		crew_send(parent->crew, ROLE_PLANNER, VERB_RENEW_PINS, (struct span){ .length = 0 }, -1);
		return;
	}
	/* An empty answer would say that all is well; so a refusal whose reasons do not fit, or that has none, is an empty list. */
	crew_send(parent->crew, ROLE_PLANNER, VERB_RENEW_PINS, why.length > 0 && !why.overflow ? buf_span(&why) : span_of("[]"), -1);
}

/* There is nothing to go back to: the planner gets the finding, and no pins are renewed. */
static void confirmation_refuse(struct parent *parent, int error)
{
	__attribute__((cleanup(arena_freep))) struct arena *arena = arena_new();
	struct findings findings = findings_in(arena);
	__attribute__((cleanup(buf_free))) struct buf why = buf_limited(0);

	finding_add(&findings, &daemon_catalogue[DAEMON_CONFIRM_NO_RETURN], (struct origin){ .source = NULL }, strerror(-error), NULL);
	findings_put(&why, &findings);
	crew_send(parent->crew, ROLE_PLANNER, VERB_RENEW_PINS, buf_span(&why), -1);
}

/* The text in force is put aside before the change is made, so that no crash in between is without a way back. */
static void renew_confirmed(struct parent *parent, uint32_t seconds, const uint8_t *digest)
{
	int error = confirmation_begin(&parent->confirmation, seconds);

	if (error) {
		confirmation_refuse(parent, error);
		return;
	}
	confirmation_send(parent);
	confirmation_wait(parent);
	renew_answer(parent, parent->options->config, digest);
}

/* The pins of one of the files are wanted. */
static int renew_file(struct parent *parent, uint8_t which, uint32_t seconds, struct span digest)
{
	const uint8_t *bytes = (const uint8_t *)digest.data;

	if (digest.length != DIGEST_BYTES)
		return -EBADMSG;
	if (which == RENEW_FILE)
		renew_answer(parent, parent->options->config, bytes);
	else if (which == RENEW_LAST_GOOD)
		renew_answer(parent, parent->last_good_path, bytes);
	else if (which == RENEW_PREVIOUS)
		renew_answer(parent, parent->previous_path, bytes);
	else if (which == RENEW_CONFIRM && seconds <= CONFIRM_SECONDS_MAX)
		renew_confirmed(parent, seconds, bytes);
	else
		return -EBADMSG;
	return 0;
}

int renew_take(struct parent *parent, struct span payload)
{
	uint32_t seconds = 0;
	uint8_t which;

	in_force_keep(parent);
	if (!span_take_u8(&payload, &which) || (which == RENEW_CONFIRM && !span_take_u32(&payload, &seconds)))
		return -EBADMSG;
	if (which != RENEW_AHEAD)
		return renew_file(parent, which, seconds, payload);
	if (payload.length != 0)
		return -EBADMSG;
	pins_read_ahead(parent);
	return 0;
}
