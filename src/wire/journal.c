/* journal: records, their lines, and the chain that holds the lines together. */
#include "wire/journal.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/width.h"
#include "wire/fields.h"

/* Room in a line for all that is not details. */
enum { LINE_OTHER_BYTES = 16 << 10, JSON_ESCAPE_BYTES_MAX = 6, DETAIL_QUOTE_BYTES = 3 };

static const char *const event_words[JOURNAL_EVENT_COUNT] = {
	[JOURNAL_START] = "start", [JOURNAL_STOP] = "stop", [JOURNAL_COMMIT] = "commit", [JOURNAL_CONFIRM] = "confirm", [JOURNAL_RETURN] = "return", [JOURNAL_LAST_GOOD] = "last-good", [JOURNAL_SEALED] = "sealed", [JOURNAL_REFUSED] = "refused", [JOURNAL_PROPOSE] = "propose", [JOURNAL_FAILED] = "failed",
	[JOURNAL_ISOLATE] = "isolate", [JOURNAL_RELEASE] = "release", [JOURNAL_DRILL] = "drill",
	[JOURNAL_DRIFT] = "drift", [JOURNAL_REPAIR] = "repair", [JOURNAL_REMOVE] = "remove", [JOURNAL_ALARM] = "alarm",
	[JOURNAL_ALARM_OVER] = "alarm-over", [JOURNAL_GAP] = "gap", [JOURNAL_RETIRED] = "retired",
	[JOURNAL_RESTORE] = "restore",
};

const char *journal_event_word(enum journal_event event)
{
	return event_words[event];
}

void journal_record_add(struct journal_record *record, struct span detail)
{
	if (record->detail_count < JOURNAL_DETAILS_MAX)
		record->details[record->detail_count++] = detail;
}

/* ---- as a payload */

void journal_record_pack(struct buf *out, const struct journal_record *record)
{
	buf_put_u8(out, (uint8_t)record->event);
	buf_put_u8(out, (uint8_t)((record->who.known ? 1 : 0) | (record->who.logged_in ? 2 : 0)));
	buf_put_u32(out, record->who.pid);
	buf_put_u32(out, record->who.uid);
	buf_put_u32(out, record->who.login);
	buf_put_text(out, record->who.process);
	buf_put_text(out, record->reason);
	buf_put_text(out, record->before);
	buf_put_text(out, record->after);
	buf_put_u16(out, (uint16_t)record->detail_count);
	for (size_t i = 0; i < record->detail_count; i++)
		buf_put_text(out, record->details[i]);
}

static bool who_take(struct span *payload, struct journal_who *who)
{
	uint8_t flags;

	if (!span_take_u8(payload, &flags) || flags > 3 || !span_take_u32(payload, &who->pid) || !span_take_u32(payload, &who->uid) ||
	    !span_take_u32(payload, &who->login) || !span_take_text(payload, &who->process))
		return false;
	who->known = flags & 1;
	who->logged_in = flags & 2;
	return who->process.length <= JOURNAL_PROCESS_BYTES_MAX;
}

static bool details_take(struct span *payload, struct journal_record *record)
{
	uint16_t count;

	if (!span_take_u16(payload, &count) || count > JOURNAL_DETAILS_MAX)
		return false;
	while (record->detail_count < count)
		if (!span_take_text(payload, &record->details[record->detail_count++]))
			return false;
	return true;
}

int journal_record_unpack(struct span payload, struct journal_record *ret_record)
{
	struct journal_record record = { .detail_count = 0 };
	uint8_t event;

	if (payload.length > JOURNAL_RECORD_BYTES_MAX || !span_take_u8(&payload, &event) || event >= JOURNAL_EVENT_COUNT)
		return -EBADMSG;
	record.event = (enum journal_event)event;
	if (!who_take(&payload, &record.who) || !span_take_text(&payload, &record.reason) || !span_take_text(&payload, &record.before) ||
	    !span_take_text(&payload, &record.after) || !details_take(&payload, &record) || payload.length != 0)
		return -EBADMSG;
	*ret_record = record;
	return 0;
}

/* ---- as a line */

static json_t *json_demand(json_t *json)
{
	if (!json)
		arena_exhausted();
	return json;
}

static json_t *text_json(struct span text)
{
	__attribute__((cleanup(buf_free))) struct buf visible = buf_limited(0);

	buf_put_visible(&visible, text);
	return json_demand(json_stringn(visible.length ? visible.data : "", visible.length));
}

static json_t *who_json(const struct journal_who *who)
{
	if (!who->known)
		return json_demand(json_null());
	return json_demand(json_pack("{s:I,s:I,s:o,s:o}", "pid", (json_int_t)who->pid, "uid", (json_int_t)who->uid, "login",
				     who->logged_in ? json_integer(who->login) : json_null(), "process", text_json(who->process)));
}

static json_t *details_json(const struct journal_record *record)
{
	json_t *array = json_demand(json_array());
	size_t bytes = 0;

	for (size_t i = 0; i < record->detail_count; i++) {
		bytes += record->details[i].length * JSON_ESCAPE_BYTES_MAX + DETAIL_QUOTE_BYTES;
		if (bytes > JOURNAL_LINE_BYTES_MAX - 2 * LINE_OTHER_BYTES) {
			json_array_append_new(array, json_demand(json_sprintf("and %zu more", record->detail_count - i)));
			break;
		}
		json_array_append_new(array, text_json(record->details[i]));
	}
	return array;
}

void journal_line_put(struct buf *out, const struct journal_record *record, const struct journal_stamp *stamp)
{
	char previous[DIGEST_TEXT_BYTES], *text;
	json_t *root = json_demand(json_pack("{s:I,s:I,s:s,s:s,s:o,s:o,s:o,s:o,s:o,s:s}", "n", (json_int_t)stamp->number, "time", (json_int_t)stamp->time,
					     "clock", stamp->synchronised ? "synchronised" : "free", "event", event_words[record->event], "who",
					     who_json(&record->who), "reason", text_json(record->reason), "before", text_json(record->before),
					     "after", text_json(record->after), "details", details_json(record), "prev",
					     digest_hex(stamp->previous, DIGEST_BYTES, previous)));

	text = json_dumps(root, JSON_COMPACT);
	json_decref(root);
	if (!text)
		arena_exhausted();
	buf_puts(out, text);
	buf_putc(out, '\n');
	free(text);
}

static int hex_digit(char digit)
{
	if (digit >= '0' && digit <= '9')
		return digit - '0';
	return digit >= 'a' && digit <= 'f' ? digit - 'a' + 10 : -1;
}

static bool digest_take(const json_t *json, uint8_t digest[static DIGEST_BYTES])
{
	const char *text = json_string_value(json);

	if (!text || json_string_length(json) != 2 * DIGEST_BYTES)
		return false;
	for (size_t i = 0; i < DIGEST_BYTES; i++) {
		int high = hex_digit(text[2 * i]), low = hex_digit(text[2 * i + 1]);

		if (high < 0 || low < 0)
			return false;
		digest[i] = (uint8_t)(high << 4 | low);
	}
	return true;
}

int journal_line_parse(struct span line, struct journal_line *ret_line)
{
	json_t *root = line.length > 0 && line.length <= JOURNAL_LINE_BYTES_MAX ? json_loadb(line.data, line.length, JSON_REJECT_DUPLICATES, NULL) : NULL;
	const json_t *number = json_object_get(root, "n"), *time = json_object_get(root, "time");
	struct journal_line result = { .event = json_string_value(json_object_get(root, "event")), .root = root };

	if (!json_is_integer(number) || json_integer_value(number) < 1 || !json_is_integer(time) || !result.event ||
	    !digest_take(json_object_get(root, "prev"), result.previous)) {
		json_decref(root);
		return -EBADMSG;
	}
	result.number = (uint64_t)json_integer_value(number);
	result.time = json_integer_value(time);
	*ret_line = result;
	return 0;
}

/* ---- the chain */

static enum journal_fault line_judge(const struct journal_chain *chain, const struct journal_line *line)
{
	static const uint8_t nothing[DIGEST_BYTES];

	if (chain->last == 0)
		return line->number == 1 && memcmp(line->previous, nothing, DIGEST_BYTES) != 0 ? JOURNAL_UNCHAINED : JOURNAL_SOUND;
	if (line->number != chain->last + 1)
		return JOURNAL_MISNUMBERED;
	return memcmp(line->previous, chain->head, DIGEST_BYTES) == 0 ? JOURNAL_SOUND : JOURNAL_UNCHAINED;
}

enum journal_fault journal_chain_follow(struct journal_chain *chain, struct span line, uint64_t *ret_number)
{
	enum journal_fault fault = JOURNAL_UNREADABLE;
	struct journal_line parsed = { .number = 0 };

	if (journal_line_parse(line, &parsed) == 0) {
		fault = line_judge(chain, &parsed);
		json_decref(parsed.root);
		chain->count++;
		if (chain->first == 0)
			chain->first = parsed.number;
		chain->last = parsed.number;
	} else if (chain->last > 0) {
		/* It stands for the record whose place it has. */
		chain->last++;
	}
	digest_bytes(line.data, line.length, chain->head);
	if (ret_number)
		*ret_number = parsed.number;
	return fault;
}
