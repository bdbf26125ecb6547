/* alarm: what an administrator has to hear of, as a payload. */
#include "wire/alarm.h"

#include <errno.h>
#include <string.h>

#include "wire/fields.h"

/* At most so many bytes, not ending within a character of UTF-8. */
static struct span text_cut(struct span text, size_t bytes_max)
{
	size_t end = text.length < bytes_max ? text.length : bytes_max;

	while (end < text.length && end > 0 && ((unsigned char)text.data[end] & 0xc0) == 0x80)
		end--;
	return span_part(text, 0, end);
}

void alarm_pack(struct buf *out, const struct alarm *alarm)
{
	buf_put_u8(out, alarm->over);
	buf_put_text(out, alarm->id);
	buf_put_text(out, text_cut(alarm->sentence, ALARM_TEXT_BYTES_MAX));
	buf_put_u8(out, (uint8_t)alarm->field_count);
	for (size_t i = 0; i < alarm->field_count; i++) {
		buf_put_text(out, alarm->fields[i].key);
		buf_put_text(out, text_cut(alarm->fields[i].value, ALARM_TEXT_BYTES_MAX));
	}
}

static bool is_word(struct span text, const char *others, size_t bytes_max)
{
	if (text.length == 0 || text.length > bytes_max)
		return false;
	for (size_t i = 0; i < text.length; i++) {
		char byte = text.data[i];

		if (!(byte >= 'a' && byte <= 'z') && !(byte >= '0' && byte <= '9') && !(byte != '\0' && strchr(others, byte)))
			return false;
	}
	return true;
}

static bool field_take(struct span *payload, struct alarm_field *field)
{
	return span_take_text(payload, &field->key) && span_take_text(payload, &field->value) && is_word(field->key, "-_", ALARM_KEY_BYTES_MAX) &&
	       field->value.length <= ALARM_TEXT_BYTES_MAX;
}

int alarm_unpack(struct span payload, struct alarm *ret_alarm)
{
	struct alarm alarm = { .field_count = 0 };
	uint8_t over, count;

	if (!span_take_u8(&payload, &over) || over > 1 || !span_take_text(&payload, &alarm.id) || !span_take_text(&payload, &alarm.sentence) ||
	    !span_take_u8(&payload, &count) || count > ALARM_FIELDS_MAX)
		return -EBADMSG;
	if (!is_word(alarm.id, "-ABCDEFGHIJKLMNOPQRSTUVWXYZ", ALARM_ID_BYTES_MAX) || alarm.sentence.length > ALARM_TEXT_BYTES_MAX)
		return -EBADMSG;
	alarm.over = over;
	while (alarm.field_count < count)
		if (!field_take(&payload, &alarm.fields[alarm.field_count++]))
			return -EBADMSG;
	if (payload.length != 0)
		return -EBADMSG;
	*ret_alarm = alarm;
	return 0;
}
