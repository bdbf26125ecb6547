/* journal_book: the journal on the disk. */
#include "sekishod/journal_book.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/timex.h>
#include <time.h>
#include <unistd.h>

#include "base/log.h"
#include "daemon/crew.h"

enum { FILE_NAME_BYTES = 32, NUMBER_DIGITS = 12, DETAIL_BYTES_MAX = 160 };

static const char file_suffix[] = ".jsonl";

static void descriptor_drop(int *descriptor)
{
	if (*descriptor >= 0)
		close(*descriptor);
	*descriptor = -1;
}

static void file_name(uint64_t number, char name[static FILE_NAME_BYTES])
{
	snprintf(name, FILE_NAME_BYTES, "%0*" PRIu64 "%s", NUMBER_DIGITS, number, file_suffix);
}

static int is_journal_file(const struct dirent *entry)
{
	return strspn(entry->d_name, "0123456789") == NUMBER_DIGITS && strcmp(entry->d_name + NUMBER_DIGITS, file_suffix) == 0;
}

/* The files, the oldest first; the caller frees each and the list. Their number, or negative errno. */
static int files_list(const struct journal_book *book, struct dirent ***ret_files)
{
	int count = scandirat(book->directory, ".", ret_files, is_journal_file, alphasort);

	return count < 0 ? -errno : count;
}

static void files_free(struct dirent **files, int count)
{
	for (int i = 0; i < count; i++)
		free(files[i]);
	free(files);
}

struct journal_book journal_book_at(const char *path)
{
	return (struct journal_book){ .path = path, .directory = -1, .file = -1, .file_bytes_max = JOURNAL_FILE_BYTES_MAX, .next_number = 1 };
}

void journal_book_close(struct journal_book *book)
{
	descriptor_drop(&book->file);
	descriptor_drop(&book->directory);
}

/* ---- opening: where the chain ends */

/* Reads a file whole. 0 or negative errno. */
static int file_read(int file, struct buf *out)
{
	struct stat status;
	char *room;
	ssize_t got;

	if (fstat(file, &status) != 0)
		return -errno;
	room = buf_reserve(out, (size_t)status.st_size);
	if (!room)
		return -EFBIG;
	got = pread(file, room, (size_t)status.st_size, 0);
	if (got < 0)
		return -errno;
	out->length += (size_t)got;
	return 0;
}

/* Follows the chain through the whole lines of a file, and returns how many bytes they have. */
static size_t lines_follow(struct span bytes, struct journal_chain *chain)
{
	size_t begin = 0;

	for (const char *end; begin < bytes.length && (end = memchr(bytes.data + begin, '\n', bytes.length - begin)); begin = (size_t)(end - bytes.data) + 1)
		journal_chain_follow(chain, span_part(bytes, begin, (size_t)(end - bytes.data)), NULL);
	return begin;
}

/* Goes on behind the last whole line; what stands behind that was never answered for and is taken away. */
static int end_find(struct journal_book *book, const char *name)
{
	__attribute__((cleanup(buf_free))) struct buf bytes = buf_limited(JOURNAL_FILE_BYTES_MAX + 2 * JOURNAL_LINE_BYTES_MAX);
	struct journal_chain chain = { .count = 0 };
	size_t whole;
	int error = file_read(book->file, &bytes);

	if (error)
		return error;
	whole = lines_follow(buf_span(&bytes), &chain);
	if (whole < bytes.length && ftruncate(book->file, (off_t)whole) != 0)
		return -errno;
	book->torn_bytes += bytes.length - whole;
	book->length = (off_t)whole;
	if (chain.last == 0) {
		/* A file that was only begun. Its chain is that of the file before, which is full and whole. */
		book->next_number = strtoull(name, NULL, 10);
		return 0;
	}
	book->next_number = chain.last + 1;
	memcpy(book->head, chain.head, DIGEST_BYTES);
	return 0;
}

static int file_open(struct journal_book *book, const char *name)
{
	descriptor_drop(&book->file);
	book->file = openat(book->directory, name, O_RDWR | O_NOFOLLOW | O_CLOEXEC);
	return book->file < 0 ? -errno : end_find(book, name);
}

/* The last two files, because the last one may have been begun and hold nothing. */
static int last_file_open(struct journal_book *book)
{
	struct dirent **files;
	int count = files_list(book, &files), error = count < 0 ? count : 0;

	if (error)
		return error;
	for (int i = count > 2 ? count - 2 : 0; !error && i < count; i++)
		error = file_open(book, files[i]->d_name);
	files_free(files, count);
	return error;
}

int journal_book_open(struct journal_book *book)
{
	int error = crew_directory_make(book->path, 0750);

	if (!error) {
		book->directory = open(book->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		error = book->directory < 0 ? -errno : last_file_open(book);
	}
	if (error)
		journal_book_close(book);
	return error;
}

/* ---- writing */

/* True when the kernel's clock follows a reference. */
static bool clock_is_synchronised(void)
{
	struct timex clock = { .modes = 0 };
	int state = adjtimex(&clock);

	return state >= 0 && state != TIME_ERROR && !(clock.status & STA_UNSYNC);
}

static int line_write(struct journal_book *book, struct span line)
{
	ssize_t written = pwrite(book->file, line.data, line.length, book->length);
	int error = written < 0 ? -errno : 0;

	if (!error && (size_t)written != line.length)
		error = -ENOSPC;
	if (!error && fdatasync(book->file) != 0)
		error = -errno;
	if (error && ftruncate(book->file, book->length) != 0)
		journal_book_close(book);
	return error;
}

static int record_append(struct journal_book *book, const struct journal_record *record)
{
	__attribute__((cleanup(buf_free))) struct buf line = buf_limited(0);
	struct journal_stamp stamp = { .number = book->next_number, .time = time(NULL), .synchronised = clock_is_synchronised() };
	char head[DIGEST_TEXT_BYTES];
	int error;

	memcpy(stamp.previous, book->head, DIGEST_BYTES);
	journal_line_put(&line, record, &stamp);
	error = line_write(book, buf_span(&line));
	if (error)
		return error;
	book->length += (off_t)line.length;
	book->next_number++;
	digest_bytes(line.data, line.length - 1, book->head);
	log_event(LOG_LEVEL_NOTICE, "SKS-JOURNAL", "recorded n=%" PRIu64 " event=%s head=%s", stamp.number, journal_event_word(record->event),
		  digest_hex(book->head, DIGEST_BYTES, head));
	return 0;
}

/* A record of the journal about itself. */
static int note_append(struct journal_book *book, enum journal_event event, const char *detail)
{
	const struct journal_record record = { .event = event, .details = { span_of(detail) }, .detail_count = 1 };

	return record_append(book, &record);
}

/* Deletes a file. Its records end where the next file begins. */
static int file_retire(struct journal_book *book, const char *name, const char *next_name)
{
	char detail[DETAIL_BYTES_MAX];

	if (unlinkat(book->directory, name, 0) != 0 || fsync(book->directory) != 0)
		return -errno;
	snprintf(detail, sizeof(detail), "records %llu to %llu were deleted", strtoull(name, NULL, 10), strtoull(next_name, NULL, 10) - 1);
	return note_append(book, JOURNAL_RETIRED, detail);
}

static bool file_is_old(const struct journal_book *book, const char *name)
{
	struct stat status;

	return fstatat(book->directory, name, &status, AT_SYMLINK_NOFOLLOW) == 0 && time(NULL) - status.st_mtime > (time_t)JOURNAL_KEPT_DAYS * 24 * 3600;
}

/* Retires the oldest file, unless it is the current one or, when only the old are meant, not old. -ENOENT: there is none. */
static int oldest_retire(struct journal_book *book, bool old_only)
{
	struct dirent **files;
	int count = files_list(book, &files), error = count < 0 ? count : -ENOENT;

	if (count < 0)
		return error;
	if (count > 1 && (!old_only || file_is_old(book, files[0]->d_name)))
		error = file_retire(book, files[0]->d_name, files[1]->d_name);
	files_free(files, count);
	return error;
}

static int file_begin(struct journal_book *book)
{
	char name[FILE_NAME_BYTES];
	int file;

	file_name(book->next_number, name);
	file = openat(book->directory, name, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0640);
	if (file < 0)
		return -errno;
	/* Whatever the umask: the group of the directory reads it. */
	if (fchmod(file, 0640) != 0) {
		close(file);
		return -errno;
	}
	descriptor_drop(&book->file);
	book->file = file;
	book->length = 0;
	return fsync(book->directory) == 0 ? 0 : -errno;
}

/* Makes the book ready for a line: open, and with a file that is not full. */
static int book_ready(struct journal_book *book)
{
	int error = book->directory < 0 ? journal_book_open(book) : 0;

	if (error || (book->file >= 0 && book->length < book->file_bytes_max))
		return error;
	error = file_begin(book);
	while (!error && oldest_retire(book, true) == 0)
		;
	return error;
}

/* What was lost before is told first. */
static int gaps_append(struct journal_book *book)
{
	char detail[DETAIL_BYTES_MAX];
	int error = 0;

	if (book->torn_bytes > 0) {
		snprintf(detail, sizeof(detail), "a record of %" PRIu64 " bytes was cut off before it was whole", book->torn_bytes);
		error = note_append(book, JOURNAL_GAP, detail);
		if (!error)
			book->torn_bytes = 0;
	}
	if (!error && book->lost_count > 0) {
		snprintf(detail, sizeof(detail), "%" PRIu64 " records could not be written since %" PRId64, book->lost_count, book->lost_since);
		error = note_append(book, JOURNAL_GAP, detail);
		if (!error)
			book->lost_count = 0;
	}
	return error;
}

static int write_try(struct journal_book *book, const struct journal_record *record)
{
	int error = book_ready(book);

	if (!error)
		error = gaps_append(book);
	return error ? error : record_append(book, record);
}

int journal_book_write(struct journal_book *book, const struct journal_record *record)
{
	int error = write_try(book, record);

	if (error == -ENOSPC && book->directory >= 0 && oldest_retire(book, false) == 0)
		error = write_try(book, record);
	if (!error)
		return 0;
	if (book->lost_count++ == 0)
		book->lost_since = time(NULL);
	log_event(LOG_LEVEL_ERROR, "SKS-JOURNAL", "a record could not be written event=%s uid=%u pid=%u lost=%" PRIu64 " reason=\"%s\"",
		  journal_event_word(record->event), record->who.uid, record->who.pid, book->lost_count, strerror(-error));
	return error;
}
