/*
 * parent_in_force: what is in force outlives us: its pins, by which an enforcer judges that was started again, and the text they are of.
 */
#include "sekishod/parent.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "daemon/notify.h"
#include "daemon/state.h"
#include "daemon/state_names.h"
#include "sekishod/messages.h"
#include "sekishod/pins.h"

/* True when the text that was read last is in force. */
static bool text_is_in_force(const struct parent *parent)
{
	char digest[DIGEST_TEXT_BYTES];

	return strcmp(digest_hex(parent->text_digest, DIGEST_BYTES, digest), parent->in_force) == 0;
}

void pins_in_force(const struct parent *parent, struct buf *out)
{
	__attribute__((cleanup(arena_freep))) struct arena *arena = arena_new();
	struct pins unused;

	/* What could not be kept is not what the disk has. */
	if (!text_is_in_force(parent) && pins_recall(parent->options->state_dir, out) == 0 && pins_unpack(arena, buf_span(out), &unused) == 0)
		return;
	out->length = 0;
	buf_put(out, parent->pins.data, parent->pins.length);
}

int zones_in_force(const struct parent *parent, struct arena *arena, struct program_input *ret_zones)
{
	__attribute__((cleanup(buf_free))) struct buf kept = buf_limited(0);

	if (!text_is_in_force(parent) && pins_recall(parent->options->state_dir, &kept) == 0 && pins_unpack_program(arena, buf_span(&kept), ret_zones) == 0)
		return 0;
	return pins_unpack_program(arena, buf_span(&parent->pins), ret_zones);
}

void pins_send(struct parent *parent)
{
	__attribute__((cleanup(buf_free))) struct buf pins = buf_limited(PINS_BYTES_MAX);

	pins_in_force(parent, &pins);
	if (pins.length > 0)
		crew_send(parent->crew, ROLE_ENFORCER, VERB_PINS, buf_span(&pins), -1);
}

/* The pins that were in force last. False when none were kept or they are damaged; parent->pins is empty then. */
static bool pins_remember(struct parent *parent)
{
	__attribute__((cleanup(arena_freep))) struct arena *arena = arena_new();
	struct pins unused;

	parent->pins.length = 0;
	if (pins_recall(parent->options->state_dir, &parent->pins) == 0 && pins_unpack(arena, buf_span(&parent->pins), &unused) == 0)
		return true;
	parent->pins.length = 0;
	return false;
}

void pins_begin(struct parent *parent)
{
	int error = pins_remember(parent) ? 0 : -ENOENT;

	if (error && access(parent->last_good_path, F_OK) == 0) {
		log_event(LOG_LEVEL_WARNING, "SKS-PINS", "the zones that were kept cannot be used, and are taken from the text that was in force last");
		error = pins_await(parent, parent->last_good_path);
	}
	if (error)
		error = pins_await(parent, parent->options->config);
	if (error)
		log_event(LOG_LEVEL_ERROR, "SKS-PINS", "the zones of the file cannot be used file=%s reason=\"%s\"", parent->options->config,
			  strerror(-error));
}

/* The text in force, for auditors; where their directory was not made, there are none. What was in force before is not left there for it. */
static void in_force_publish(struct parent *parent)
{
	char directory[STATE_PATH_BYTES];
	int error;

	if (snprintf(directory, sizeof(directory), "%s/" STATE_AUDIT_DIRECTORY, parent->options->state_dir) >= STATE_PATH_BYTES)
		return;
	error = state_publish(directory, STATE_AUDIT_NAME, buf_span(&parent->text));
	if (!error || error == -ENOENT)
		return;
	log_event(LOG_LEVEL_WARNING, "SKS-PINS", "what is in force could not be shown to auditors dir=%s reason=\"%s\"", directory, strerror(-error));
	(void)state_forget(directory, STATE_AUDIT_NAME);
}

void in_force_keep(struct parent *parent)
{
	int error;

	if (parent->text.length == 0 || !text_is_in_force(parent))
		return;
	in_force_publish(parent);
	error = pins_keep(parent->options->state_dir, buf_span(&parent->pins));
	if (!error)
		error = state_keep(parent->options->state_dir, STATE_LAST_GOOD_NAME, buf_span(&parent->text));
	if (!error) {
		buf_free(&parent->text);
		return;
	}
	log_event(LOG_LEVEL_WARNING, "SKS-PINS", "what is in force could not be kept for the next start dir=%s reason=\"%s\"", parent->options->state_dir,
		  strerror(-error));
	pins_forget(parent->options->state_dir);
	(void)state_forget(parent->options->state_dir, STATE_LAST_GOOD_NAME);
}

int ready_take(struct parent *parent, struct span payload)
{
	static const uint8_t no_digest[DIGEST_BYTES];
	char state[READY_STATUS_BYTES_MAX + 64];
	struct ready ready;
	int error = ready_unpack(payload, &ready);

	if (error)
		return error;
	snprintf(state, sizeof(state), "%sSTATUS=%.*s", parent->ready ? "" : "READY=1\n", (int)ready.status.length, ready.status.data);
	error = notify_send(getenv("NOTIFY_SOCKET"), state);
	if (error)
		log_event(LOG_LEVEL_WARNING, "SKS-NOTIFY", "the service manager could not be told reason=\"%s\"", strerror(-error));
	else
		parent->ready = true;
	if (memcmp(ready.digest, no_digest, sizeof(no_digest)) == 0)
		return 0;
	digest_hex(ready.digest, DIGEST_BYTES, parent->in_force);
	in_force_keep(parent);
	return 0;
}
