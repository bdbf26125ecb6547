/* restored: that a backup was brought back while sekishod did not run. */
#include "sekishod/restored.h"

#include <string.h>

#include "daemon/state.h"
#include "daemon/state_names.h"

enum { NOTE_BYTES_MAX = 8 << 10, NOTE_LINES_MAX = 8 };

/* A line of the note is a detail of the record. */
static void note_read(struct span note, struct journal_record *record)
{
	while (note.length > 0 && record->detail_count < NOTE_LINES_MAX) {
		const char *end = memchr(note.data, '\n', note.length);
		size_t length = end ? (size_t)(end - note.data) : note.length;

		journal_record_add(record, span_part(note, 0, length));
		note = span_part(note, end ? length + 1 : length, note.length);
	}
}

void restored_record(const char *state_directory, struct journal_book *journal)
{
	__attribute__((cleanup(buf_free))) struct buf note = buf_limited(0);
	struct journal_record record = { .event = JOURNAL_RESTORE };

	if (state_recall(state_directory, STATE_RESTORED_NAME, NOTE_BYTES_MAX, &note) != 0)
		return;
	note_read(buf_span(&note), &record);
	if (journal_book_write(journal, &record) == 0)
		(void)state_forget(state_directory, STATE_RESTORED_NAME);
}
