/* isolation_messages: what planner, parent and enforcer tell each other about isolated zones. */
#include "sekishod/isolation_messages.h"

#include <errno.h>
#include <string.h>

#include "daemon/state.h"
#include "daemon/state_names.h"
#include "wire/fields.h"

enum { NAME_BYTES_MAX = RULESET_NAME_BYTES_MAX, EFFECT_NAMES_MAX = 128 };

/* ---- names */

static bool name_take(struct arena *arena, struct span *payload, size_t bytes_max, const char **ret_name)
{
	struct span text;

	if (!span_take_text(payload, &text) || text.length > bytes_max || memchr(text.data ? text.data : "", '\0', text.length))
		return false;
	*ret_name = arena_strndup(arena, text.data, text.length);
	return true;
}

static void names_put(struct buf *out, const char *const *names, size_t count)
{
	buf_put_u16(out, (uint16_t)count);
	for (size_t i = 0; i < count; i++)
		buf_put_text(out, span_of(names[i]));
}

static bool names_take(struct arena *arena, struct span *payload, size_t count_max, const char ***ret_names, size_t *ret_count)
{
	const char **names;
	uint16_t count;

	if (!span_take_u16(payload, &count) || count > count_max)
		return false;
	names = arena_array(arena, count, sizeof(*names));
	for (size_t i = 0; i < count; i++)
		if (!name_take(arena, payload, NAME_BYTES_MAX, &names[i]))
			return false;
	*ret_names = names;
	*ret_count = count;
	return true;
}

/* ---- isolations */

static void isolation_put(struct buf *out, const struct isolation *isolation)
{
	buf_put_text(out, span_of(isolation->zone));
	names_put(out, isolation->except, isolation->except_count);
	buf_put_text(out, span_of(isolation->reason));
	buf_put_u64(out, (uint64_t)isolation->since);
}

static bool isolation_take(struct arena *arena, struct span *payload, struct isolation *isolation)
{
	const char **except;
	uint64_t since;

	if (!name_take(arena, payload, NAME_BYTES_MAX, &isolation->zone) || isolation->zone[0] == '\0' ||
	    !names_take(arena, payload, ISOLATION_EXCEPT_MAX, &except, &isolation->except_count) ||
	    !name_take(arena, payload, ISOLATION_REASON_BYTES_MAX, &isolation->reason) || !span_take_u64(payload, &since))
		return false;
	isolation->except = except;
	isolation->since = (int64_t)since;
	return true;
}

static void isolations_put(struct buf *out, const struct isolations *isolations)
{
	buf_put_u16(out, (uint16_t)isolations->count);
	for (size_t i = 0; i < isolations->count; i++)
		isolation_put(out, &isolations->items[i]);
}

static bool isolations_take(struct arena *arena, struct span *payload, struct isolations *ret_isolations)
{
	struct isolations isolations = { .count = 0 };
	uint16_t count;

	if (!span_take_u16(payload, &count) || count > ISOLATIONS_MAX)
		return false;
	isolations.items = arena_array(arena, count, sizeof(*isolations.items));
	while (isolations.count < count) {
		struct isolation isolation;

		if (!isolation_take(arena, payload, &isolation) || isolation_of_zone(&isolations, isolation.zone))
			return false;
		isolations.items[isolations.count++] = isolation;
	}
	*ret_isolations = isolations;
	return true;
}

/* There is always room for every zone, which is what is left to do when there is none for another one. */
static bool isolations_have_room(const struct isolations *isolations)
{
	__attribute__((cleanup(buf_free))) struct buf bytes = buf_limited(ISOLATIONS_NAMED_BYTES_MAX);
	const size_t every = isolation_of_zone(isolations, ISOLATION_EVERY_ZONE) != NULL;

	isolations_put(&bytes, isolations);
	return isolations->count - every <= ISOLATIONS_MAX - 1 && !bytes.overflow;
}

enum isolation_outcome isolations_change(struct arena *arena, const struct isolations *isolations, const struct isolation_order *order,
					 struct isolations *ret_isolations)
{
	const struct isolation *present = isolation_of_zone(isolations, order->isolation.zone);
	struct isolations changed = { .items = arena_array(arena, isolations->count + 1, sizeof(*changed.items)) };

	if (order->action == ISOLATION_RELEASE && !present)
		return ISOLATION_NOT_ISOLATED;
	for (size_t i = 0; i < isolations->count; i++)
		if (&isolations->items[i] != present)
			changed.items[changed.count++] = isolations->items[i];
	if (order->action != ISOLATION_RELEASE) {
		changed.items[changed.count] = order->isolation;
		if (present)
			changed.items[changed.count].since = present->since;
		changed.count++;
		if (strcmp(order->isolation.zone, ISOLATION_EVERY_ZONE) != 0 && !isolations_have_room(&changed))
			return ISOLATION_TOO_MANY;
	}
	*ret_isolations = changed;
	return ISOLATION_DONE;
}

/* ---- payloads */

static void who_put(struct buf *out, const struct journal_who *who)
{
	buf_put_u8(out, who->known);
	buf_put_u8(out, who->logged_in);
	buf_put_u32(out, who->pid);
	buf_put_u32(out, who->uid);
	buf_put_u32(out, who->login);
	buf_put_text(out, who->process);
}

static bool who_take(struct span *payload, struct journal_who *who)
{
	uint8_t known, logged_in;

	if (!span_take_u8(payload, &known) || !span_take_u8(payload, &logged_in) || known > 1 || logged_in > 1 || !span_take_u32(payload, &who->pid) ||
	    !span_take_u32(payload, &who->uid) || !span_take_u32(payload, &who->login) || !span_take_text(payload, &who->process) ||
	    who->process.length > JOURNAL_PROCESS_BYTES_MAX)
		return false;
	who->known = known;
	who->logged_in = logged_in;
	return true;
}

void isolation_order_pack(struct buf *out, const struct isolation_order *order)
{
	buf_put_u8(out, (uint8_t)order->action);
	isolation_put(out, &order->isolation);
	who_put(out, &order->who);
}

int isolation_order_unpack(struct arena *arena, struct span payload, struct isolation_order *ret_order)
{
	struct isolation_order order = { .action = ISOLATION_CUT };
	uint8_t action;

	if (payload.length > ISOLATION_ORDER_BYTES_MAX || !span_take_u8(&payload, &action) || action > ISOLATION_DRILL ||
	    !isolation_take(arena, &payload, &order.isolation) || !who_take(&payload, &order.who) || payload.length != 0)
		return -EBADMSG;
	order.action = (enum isolation_action)action;
	*ret_order = order;
	return 0;
}

void isolation_state_pack(struct buf *out, const struct isolation_state *state)
{
	buf_put_u32(out, state->number);
	buf_put_u8(out, (uint8_t)state->action);
	isolations_put(out, &state->isolations);
}

int isolation_state_unpack(struct arena *arena, struct span payload, struct isolation_state *ret_state)
{
	struct isolation_state state = { .number = 0 };
	uint8_t action;

	if (!span_take_u32(&payload, &state.number) || !span_take_u8(&payload, &action) || action > ISOLATION_DRILL || !isolations_take(arena, &payload, &state.isolations) ||
	    payload.length != 0)
		return -EBADMSG;
	state.action = (enum isolation_action)action;
	*ret_state = state;
	return 0;
}

static size_t names_shown(size_t count)
{
	return count < EFFECT_NAMES_MAX ? count : EFFECT_NAMES_MAX;
}

void isolation_answer_pack(struct buf *out, const struct isolation_answer *answer)
{
	buf_put_u32(out, answer->number);
	buf_put_u8(out, (uint8_t)answer->outcome);
	buf_put_u8(out, answer->kept);
	buf_put_u32(out, (uint32_t)answer->effect.interfaces);
	names_put(out, answer->effect.keeps, names_shown(answer->effect.keep_count));
	names_put(out, answer->effect.unknown, names_shown(answer->effect.unknown_count));
}

int isolation_answer_unpack(struct arena *arena, struct span payload, struct isolation_answer *ret_answer)
{
	struct isolation_answer answer = { .number = 0 };
	uint8_t outcome, kept;
	uint32_t interfaces;

	if (!span_take_u32(&payload, &answer.number) || !span_take_u8(&payload, &outcome) || outcome > ISOLATION_LATER || !span_take_u8(&payload, &kept) ||
	    kept > 1 || !span_take_u32(&payload, &interfaces) ||
	    !names_take(arena, &payload, EFFECT_NAMES_MAX, &answer.effect.keeps, &answer.effect.keep_count) ||
	    !names_take(arena, &payload, EFFECT_NAMES_MAX, &answer.effect.unknown, &answer.effect.unknown_count) ||
	    payload.length != 0)
		return -EBADMSG;
	answer.outcome = (enum isolation_outcome)outcome;
	answer.kept = kept;
	answer.effect.interfaces = interfaces;
	*ret_answer = answer;
	return 0;
}

/* ---- on the disk */

int isolations_keep(const char *directory, const struct isolations *isolations)
{
	__attribute__((cleanup(buf_free))) struct buf bytes = buf_limited(0);

	if (isolations->count == 0) {
		int error = state_forget(directory, STATE_ISOLATED_NAME);

		return error == -ENOENT ? 0 : error;
	}
	state_put_version(&bytes, STATE_ISOLATED_NAME, ISOLATED_VERSION);
	isolations_put(&bytes, isolations);
	/* On a full disk; a list that a crash has left in pieces isolates every zone. */
	return state_keep(directory, STATE_ISOLATED_NAME, buf_span(&bytes)) == 0 ? 0 : state_rewrite(directory, STATE_ISOLATED_NAME, buf_span(&bytes));
}

int isolations_recall(struct arena *arena, const char *directory, int64_t now, struct isolations *ret_isolations)
{
	__attribute__((cleanup(buf_free))) struct buf bytes = buf_limited(0);
	struct isolation every = { .zone = ISOLATION_EVERY_ZONE, .reason = "the list of isolated zones could not be read", .since = now };
	int error = state_recall(directory, STATE_ISOLATED_NAME, ISOLATIONS_BYTES_MAX, &bytes);
	struct span rest = buf_span(&bytes);

	*ret_isolations = (struct isolations){ .count = 0 };
	if (error == -ENOENT)
		return 0;
	if (!error)
		error = state_take_version(&rest, STATE_ISOLATED_NAME, ISOLATED_VERSION);
	if (!error && isolations_take(arena, &rest, ret_isolations) && rest.length == 0)
		return 0;
	*ret_isolations = (struct isolations){ .items = arena_alloc(arena, sizeof(every)), .count = 1 };
	ret_isolations->items[0] = every;
	return error ? error : -EBADMSG;
}
