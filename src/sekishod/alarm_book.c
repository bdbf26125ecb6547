/* alarm_book: which alarms are recorded one by one. */
#include "sekishod/alarm_book.h"

#include <string.h>
#include <time.h>

#include "sekishod/roles.h"
#include "wire/fields.h"

enum { HOUR_S = 3600 };

/* What makes an alarm this one: everything but whether it is over, and what its sentence adds. */
static void alarm_digest(enum role role, const struct alarm *alarm, uint8_t digest[static DIGEST_BYTES])
{
	__attribute__((cleanup(buf_free))) struct buf bytes = buf_limited(0);

	buf_put_u8(&bytes, (uint8_t)role);
	buf_put_text(&bytes, alarm->id);
	for (size_t i = 0; i < alarm->field_count; i++) {
		buf_put_text(&bytes, alarm->fields[i].key);
		buf_put_text(&bytes, alarm->fields[i].value);
	}
	digest_bytes(bytes.data, bytes.length, digest);
}

/* The memory of the alarm, or the one that is to be given up for it: one that is free, or the oldest. */
static struct alarm_memory *memory_find(struct alarm_book *book, const uint8_t digest[static DIGEST_BYTES])
{
	struct alarm_memory *oldest = &book->memories[0];

	for (size_t i = 0; i < ALARMS_REMEMBERED; i++) {
		struct alarm_memory *memory = &book->memories[i];

		if (memory->used && memcmp(memory->digest, digest, DIGEST_BYTES) == 0)
			return memory;
		if (oldest->used && (!memory->used || memory->recorded_s < oldest->recorded_s))
			oldest = memory;
	}
	oldest->used = false;
	return oldest;
}

/* An hour begins with the first alarm after the one before. */
static bool role_has_room(struct alarm_book *book, enum role role, int64_t now_s)
{
	if (book->recorded[role] == 0 || now_s - book->hour_began_s[role] >= HOUR_S) {
		book->hour_began_s[role] = now_s;
		book->recorded[role] = 0;
	}
	return book->recorded[role] < ALARMS_PER_HOUR;
}

bool alarm_book_admits(struct alarm_book *book, enum role role, const struct alarm *alarm, int64_t now_s)
{
	uint8_t digest[DIGEST_BYTES];
	struct alarm_memory *memory;

	if (!role_has_room(book, role, now_s)) {
		book->held_back[role]++;
		return false;
	}
	alarm_digest(role, alarm, digest);
	memory = memory_find(book, digest);
	if (memory->used && memory->over == alarm->over && now_s - memory->recorded_s < ALARM_FOLD_S) {
		book->held_back[role]++;
		return false;
	}
	*memory = (struct alarm_memory){ .over = alarm->over, .recorded_s = now_s, .used = true };
	memcpy(memory->digest, digest, DIGEST_BYTES);
	book->recorded[role]++;
	return true;
}

unsigned int alarm_book_settle(struct alarm_book *book, enum role role)
{
	unsigned int held_back = book->held_back[role];

	book->held_back[role] = 0;
	return held_back;
}

struct journal_record alarm_record(struct arena *arena, enum role role, const struct alarm *alarm, unsigned int held_back)
{
	struct journal_record record = { .event = alarm->over ? JOURNAL_ALARM_OVER : JOURNAL_ALARM };

	journal_record_add(&record, alarm->id);
	if (alarm->sentence.length > 0)
		journal_record_add(&record, alarm->sentence);
	for (size_t i = 0; i < alarm->field_count; i++) {
		const struct alarm_field *field = &alarm->fields[i];

		journal_record_add(&record, span_of(arena_printf(arena, "%.*s=%.*s", (int)field->key.length, field->key.data, (int)field->value.length,
								 field->value.data)));
	}
	if (held_back > 0)
		journal_record_add(&record, span_of(arena_printf(arena, "%u more alarms of the %s were not recorded since its last one", held_back,
								 role_name(role))));
	return record;
}

static int64_t monotonic_s(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec;
}

void alarm_book_note(struct alarm_book *book, struct journal_book *journal, enum role role, const struct alarm *alarm)
{
	__attribute__((cleanup(arena_freep))) struct arena *arena = arena_new();
	struct journal_record record;

	if (!alarm_book_admits(book, role, alarm, monotonic_s()))
		return;
	record = alarm_record(arena, role, alarm, alarm_book_settle(book, role));
	journal_book_write(journal, &record);
}

void alarm_book_close(struct alarm_book *book, struct journal_book *journal)
{
	const struct alarm rest = { .id = span_of("SKS-ALARM"), .sentence = span_of("alarms were counted and not recorded one by one") };

	for (int role = 0; role < ROLE_COUNT; role++) {
		__attribute__((cleanup(arena_freep))) struct arena *arena = arena_new();
		unsigned int held_back = alarm_book_settle(book, (enum role)role);
		struct journal_record record = alarm_record(arena, (enum role)role, &rest, held_back);

		if (held_back > 0)
			journal_book_write(journal, &record);
	}
}
