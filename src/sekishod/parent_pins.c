/*
 * parent_pins: what the enforcer judges by is read from the zone file, past the planner.
 *
 * A file of many flows takes long to read, so a child does it (parent_reading.c), and orders, roles and timers are served meanwhile. What waits for what:
 *
 *     planner RENEW_AHEAD -> a child reads the zone file, in case its pins are wanted
 *     planner RENEW_PINS -> a child reads the file, unless one does already or has -> pins to the enforcer -> answer to the planner
 *
 * Nothing but the planner's answer waits for a child. There is one at a time: a newer request ends it, unless it is of the same file, and so do the end of the
 * change (VERB_RECORD), another planner, and our own end; then nobody gets an answer, because nobody waits for one. When a child ends and has not said what it
 * read, the planner gets a refusal. The pins that the enforcer has are those of the last answer that was not a refusal.
 */
#include "sekishod/parent.h"

#include <errno.h>
#include <string.h>

#include "base/log.h"
#include "sekishod/catalogue.h"
#include "sekishod/messages.h"

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

int pins_await(struct parent *parent, const char *path)
{
	struct pins_reading reading;
	int error = reading_await(parent, path, &reading);

	if (!error)
		pins_take(parent, &reading);
	return error;
}

/* An empty answer would say that all is well; so a refusal whose reasons do not fit, or that has none, is an empty list. */
static void renew_refuse(struct parent *parent, const struct buf *why)
{
	crew_send(parent->crew, ROLE_PLANNER, VERB_RENEW_PINS, why->length > 0 && !why->overflow ? buf_span(why) : span_of("[]"), -1);
}

/* The planner gets one finding, and no pins are renewed; argument may be NULL. */
static void renew_refuse_for(struct parent *parent, enum daemon_finding kind, const char *argument)
{
	__attribute__((cleanup(arena_freep))) struct arena *arena = arena_new();
	struct findings findings = findings_in(arena);
	__attribute__((cleanup(buf_free))) struct buf why = buf_limited(READING_WHY_BYTES_MAX);

	log_finding(&findings, finding_add(&findings, &daemon_catalogue[kind], (struct origin){ .source = NULL }, argument, NULL));
	findings_put(&why, &findings);
	renew_refuse(parent, &why);
}

/*
 * The planner gets its answer, and before it the enforcer the pins. digest: of the text that the planner has read; where the file says something else by now,
 * somebody has written it since.
 */
static void renew_grant(struct parent *parent, struct pins_reading *reading, const uint8_t digest[static DIGEST_BYTES])
{
	if (memcmp(reading->digest, digest, DIGEST_BYTES) != 0) {
		pins_reading_free(reading);
		renew_refuse_for(parent, DAEMON_FILE_CHANGED, NULL);
		return;
	}
	pins_take(parent, reading);
	crew_send(parent->crew, ROLE_ENFORCER, VERB_PINS, buf_span(&parent->pins), -1);
	crew_send(parent->crew, ROLE_PLANNER, VERB_RENEW_PINS, (struct span){ .length = 0 }, -1);
}

/* The planner waits for what is being read. */
static void renew_wait(struct parent *parent, const uint8_t digest[static DIGEST_BYTES])
{
	parent->reading.wanted = true;
	memcpy(parent->reading.digest, digest, DIGEST_BYTES);
}

static void renew_read(struct parent *parent, const char *path, const uint8_t digest[static DIGEST_BYTES])
{
	int error = reading_begin(parent, path, false);

	if (error)
		renew_refuse_for(parent, DAEMON_READING_FAILED, strerror(-error));
	else
		renew_wait(parent, digest);
}

/* The planner asks for the pins of a file. They may be there, or coming. */
static void renew_answer(struct parent *parent, const char *path, const uint8_t digest[static DIGEST_BYTES])
{
	struct pins_reading ahead = parent->ahead;

	if (parent->reading.readable && parent->reading.ahead && strcmp(parent->reading.path, path) == 0) {
		renew_wait(parent, digest);
		return;
	}
	parent->ahead = (struct pins_reading){ .arena = NULL };
	if (pins_reading_holds(&ahead, path)) {
		reading_drop(parent);
		renew_grant(parent, &ahead, digest);
		return;
	}
	pins_reading_free(&ahead);
	renew_read(parent, path, digest);
}

/* The planner has begun to read the zone file, and will ask for its pins unless it finds something wrong with it. */
static void pins_read_ahead(struct parent *parent)
{
	pins_reading_free(&parent->ahead);
	/* Where there can be no child, that is told when the pins are wanted. */
	(void)reading_begin(parent, parent->options->config, true);
}

void pins_came(struct parent *parent, const struct reading *reading, int error, struct pins_reading *pins, const struct buf *why)
{
	if (reading->ahead) {
		pins_reading_free(&parent->ahead);
		parent->ahead = *pins;
		/* It may have been edited since. And what is wrong with it is told to whoever wants to know. */
		if (reading->wanted)
			renew_answer(parent, reading->path, reading->digest);
	} else if (!error) {
		renew_grant(parent, pins, reading->digest);
	} else if (error == -EIO) {
		renew_refuse_for(parent, DAEMON_READING_FAILED, strerror(-error));
	} else {
		renew_refuse(parent, why);
	}
}

void pins_forget_ahead(struct parent *parent)
{
	pins_reading_free(&parent->ahead);
	reading_drop(parent);
}

/* The text in force is put aside before the change is made, so that no crash in between is without a way back. */
static void renew_confirmed(struct parent *parent, uint32_t seconds, const uint8_t *digest)
{
	int error = confirmation_begin(&parent->confirmation, seconds);

	if (error) {
		/* There is nothing to go back to. */
		renew_refuse_for(parent, DAEMON_CONFIRM_NO_RETURN, strerror(-error));
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
