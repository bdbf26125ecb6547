/* backup: writing one. */
#include <archive.h>
#include <archive_entry.h>
#include <errno.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "sekisho/backup.h"

enum { COPY_BYTES = 64 << 10 };

struct backup {
	struct archive *archive;
	struct digest digest;		/* of the member at hand */
	json_t *members;
};

/* libarchive sets errno numbers, but not always. */
static int archive_error(struct archive *archive)
{
	int error = archive_errno(archive);

	return error > 0 ? -error : -EIO;
}

int backup_begin(int descriptor, struct backup **ret_backup)
{
	struct archive *archive = archive_write_new();
	struct backup *backup;
	int error;

	if (!archive)
		return -ENOMEM;
	if (archive_write_set_format_pax_restricted(archive) != ARCHIVE_OK || archive_write_add_filter_none(archive) != ARCHIVE_OK ||
	    archive_write_open_fd(archive, descriptor) != ARCHIVE_OK) {
		error = archive_error(archive);
		archive_write_free(archive);
		return error;
	}
	backup = calloc(1, sizeof(*backup));
	if (!backup)
		arena_exhausted();
	*backup = (struct backup){ .archive = archive, .members = json_array() };
	*ret_backup = backup;
	return 0;
}

static int header_put(struct backup *backup, const char *name, uint64_t length)
{
	struct archive_entry *entry;
	int result;

	if (!backup_is_member(name) && strcmp(name, BACKUP_MANIFEST) != 0)
		return -EINVAL;
	entry = archive_entry_new();
	if (!entry)
		return -ENOMEM;
	archive_entry_set_pathname(entry, name);
	archive_entry_set_filetype(entry, AE_IFREG);
	archive_entry_set_perm(entry, 0600);
	archive_entry_set_size(entry, (la_int64_t)length);
	archive_entry_set_mtime(entry, time(NULL), 0);
	result = archive_write_header(backup->archive, entry);
	archive_entry_free(entry);
	digest_begin(&backup->digest);
	return result == ARCHIVE_OK ? 0 : archive_error(backup->archive);
}

static int data_put(struct backup *backup, const void *bytes, size_t length)
{
	digest_add(&backup->digest, bytes, length);
	return archive_write_data(backup->archive, bytes, length) == (la_ssize_t)length ? 0 : archive_error(backup->archive);
}

/* The member is whole: its line of the manifest. */
static void member_note(struct backup *backup, const char *name, uint64_t length)
{
	uint8_t digest[DIGEST_BYTES];
	char text[DIGEST_TEXT_BYTES];

	digest_end(&backup->digest, digest);
	json_array_append_new(backup->members, json_pack("{s:s, s:I, s:s}", "name", name, "bytes", (json_int_t)length, "sha256",
							 digest_hex(digest, DIGEST_BYTES, text)));
}

int backup_put(struct backup *backup, const char *name, struct span bytes)
{
	int error = header_put(backup, name, bytes.length);

	if (!error && bytes.length > 0)
		error = data_put(backup, bytes.data, bytes.length);
	if (!error)
		member_note(backup, name, bytes.length);
	return error;
}

static int file_copy(struct backup *backup, int file, uint64_t length)
{
	char bytes[COPY_BYTES];
	uint64_t done = 0;
	int error = 0;

	while (!error && done < length) {
		size_t wanted = length - done < sizeof(bytes) ? (size_t)(length - done) : sizeof(bytes);
		ssize_t got = pread(file, bytes, wanted, (off_t)done);

		if (got <= 0)
			return got < 0 ? -errno : -EIO;
		error = data_put(backup, bytes, (size_t)got);
		done += (uint64_t)got;
	}
	return error;
}

int backup_put_file(struct backup *backup, const char *name, int file, uint64_t length)
{
	int error = header_put(backup, name, length);

	if (!error)
		error = file_copy(backup, file, length);
	if (!error)
		member_note(backup, name, length);
	return error;
}

static int manifest_put(struct backup *backup, const struct backup_about *about)
{
	json_t *manifest = json_pack("{s:i, s:I, s:s, s:s, s:O}", "sekisho-backup", BACKUP_VERSION, "time", (json_int_t)about->time, "host", about->host,
				     "config", about->config, "members", backup->members);
	char *text = json_dumps(manifest, JSON_INDENT(1) | JSON_SORT_KEYS);
	int error;

	json_decref(manifest);
	if (!text)
		return -EILSEQ; /* a name that is not UTF-8 */
	error = backup_put(backup, BACKUP_MANIFEST, span_of(text));
	free(text);
	return error;
}

int backup_end(struct backup *backup, const struct backup_about *about)
{
	int error = about ? manifest_put(backup, about) : 0;

	if (about && archive_write_close(backup->archive) != ARCHIVE_OK && !error)
		error = archive_error(backup->archive);
	if (!about)
		archive_write_fail(backup->archive);
	archive_write_free(backup->archive);
	json_decref(backup->members);
	free(backup);
	return error;
}
