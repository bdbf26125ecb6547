/* backup: taking one apart. */
#include <archive.h>
#include <archive_entry.h>
#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/utf8.h"
#include "sekisho/backup.h"

enum { COPY_BYTES = 64 << 10 };

/* An archive that is being taken apart. */
struct unpacking {
	struct arena *arena;
	const char *directory;
	struct archive *archive;
	struct digest digest;
	struct backup_member *members;
	size_t count, capacity;
	uint64_t bytes;			/* of all members so far */
	struct buf manifest;
	bool manifest_seen;
	enum backup_fault fault;
	const char *where;
};

static int refuse(struct unpacking *unpacking, enum backup_fault fault, const char *where)
{
	unpacking->fault = fault;
	unpacking->where = arena_strdup(unpacking->arena, where ? where : "");
	return -EBADMSG;
}

/* ---- names */

/* One part of a path, of characters that can be seen. */
static bool is_part(struct span part)
{
	size_t offset = 0;
	uint32_t codepoint;

	if (part.length == 0 || span_equal(part, span_of(".")) || span_equal(part, span_of("..")))
		return false;
	while (offset < part.length) {
		if (utf8_next(part, &offset, &codepoint) != 0 || utf8_is_hidden(codepoint))
			return false;
	}
	return true;
}

static bool is_path(const char *path)
{
	for (;;) {
		size_t length = strcspn(path, "/");

		if (!is_part((struct span){ .data = path, .length = length }))
			return false;
		if (path[length] == '\0')
			return true;
		path += length + 1;
	}
}

static const char *behind(const char *name, const char *prefix)
{
	size_t length = strlen(prefix);

	return strncmp(name, prefix, length) == 0 ? name + length : NULL;
}

bool backup_is_member(const char *name)
{
	const char *config = behind(name, BACKUP_CONFIG), *state = behind(name, BACKUP_STATE);

	return strlen(name) <= BACKUP_NAME_BYTES_MAX && is_path(config ? config : state ? state : "");
}

static const struct backup_member *find(const struct unpacking *unpacking, const char *name)
{
	for (size_t i = 0; i < unpacking->count; i++) {
		if (strcmp(unpacking->members[i].name, name) == 0)
			return &unpacking->members[i];
	}
	return NULL;
}

/* ---- members */

static int file_write(int file, const char *bytes, size_t length)
{
	ssize_t written = write(file, bytes, length);

	return written == (ssize_t)length ? 0 : written < 0 ? -errno : -ENOSPC;
}

/* Reads the member at hand: into a file, or where file is -1 into the manifest. */
static int data_take(struct unpacking *unpacking, int file, struct backup_member *member)
{
	char bytes[COPY_BYTES];
	la_ssize_t got = 0;
	int error = 0;

	digest_begin(&unpacking->digest);
	while (!error && (got = archive_read_data(unpacking->archive, bytes, sizeof(bytes))) > 0) {
		unpacking->bytes += (uint64_t)got;
		member->bytes += (uint64_t)got;
		if (unpacking->bytes > BACKUP_BYTES_MAX || (file < 0 && member->bytes > BACKUP_MANIFEST_BYTES_MAX))
			return refuse(unpacking, BACKUP_TOO_LARGE, member->name);
		digest_add(&unpacking->digest, bytes, (size_t)got);
		if (file < 0)
			buf_put(&unpacking->manifest, bytes, (size_t)got);
		else
			error = file_write(file, bytes, (size_t)got);
	}
	digest_end(&unpacking->digest, member->digest);
	return error ? error : got == 0 ? 0 : refuse(unpacking, BACKUP_NO_ARCHIVE, member->name);
}

/* Makes the directories above a member. */
static int directories_make(const struct unpacking *unpacking, const char *name)
{
	for (const char *slash = strchr(name, '/'); slash; slash = strchr(slash + 1, '/')) {
		const char *path = arena_printf(unpacking->arena, "%s/%.*s", unpacking->directory, (int)(slash - name), name);

		if (mkdir(path, 0700) != 0 && errno != EEXIST)
			return -errno;
	}
	return 0;
}

static int file_take(struct unpacking *unpacking, struct backup_member *member)
{
	const char *path = arena_printf(unpacking->arena, "%s/%s", unpacking->directory, member->name);
	int error = directories_make(unpacking, member->name), file;

	if (error)
		return error;
	file = open(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (file < 0)
		return errno == EEXIST || errno == ENOTDIR ? refuse(unpacking, BACKUP_STRANGE_MEMBER, member->name) : -errno;
	error = data_take(unpacking, file, member);
	close(file);
	return error;
}

static int member_take(struct unpacking *unpacking, struct archive_entry *entry)
{
	const char *name = archive_entry_pathname(entry);
	struct backup_member member = { .name = name ? arena_strdup(unpacking->arena, name) : "" };
	bool regular = archive_entry_filetype(entry) == AE_IFREG && !archive_entry_hardlink(entry) && !archive_entry_symlink(entry);
	int error;

	if (!name || !regular || unpacking->manifest_seen)
		return refuse(unpacking, BACKUP_STRANGE_MEMBER, member.name);
	if (strcmp(name, BACKUP_MANIFEST) == 0) {
		unpacking->manifest_seen = true;
		return data_take(unpacking, -1, &member);
	}
	if (!backup_is_member(name) || find(unpacking, name))
		return refuse(unpacking, BACKUP_STRANGE_MEMBER, member.name);
	if (unpacking->count == BACKUP_MEMBERS_MAX)
		return refuse(unpacking, BACKUP_TOO_LARGE, member.name);
	error = file_take(unpacking, &member);
	if (error)
		return error;
	unpacking->members = arena_grow(unpacking->arena, unpacking->members, unpacking->count, &unpacking->capacity, sizeof(*unpacking->members));
	unpacking->members[unpacking->count++] = member;
	return 0;
}

static int members_take(struct unpacking *unpacking)
{
	struct archive_entry *entry;
	int result, error = 0;

	while (!error && (result = archive_read_next_header(unpacking->archive, &entry)) == ARCHIVE_OK)
		error = member_take(unpacking, entry);
	if (!error && result != ARCHIVE_EOF)
		error = refuse(unpacking, BACKUP_NO_ARCHIVE, "");
	if (!error && !unpacking->manifest_seen)
		error = refuse(unpacking, unpacking->count > 0 ? BACKUP_CUT_OFF : BACKUP_NO_ARCHIVE, "");
	return error;
}

/* ---- the manifest */

static int member_compare(struct unpacking *unpacking, const struct backup_member *member, const json_t *line)
{
	const char *name = json_string_value(json_object_get(line, "name")), *digest = json_string_value(json_object_get(line, "sha256"));
	char text[DIGEST_TEXT_BYTES];

	if (!name || strcmp(name, member->name) != 0 || !digest || json_integer_value(json_object_get(line, "bytes")) != (json_int_t)member->bytes ||
	    strcmp(digest_hex(member->digest, DIGEST_BYTES, text), digest) != 0)
		return refuse(unpacking, BACKUP_NOT_AS_WRITTEN, member->name);
	return 0;
}

static int manifest_judge(struct unpacking *unpacking, const json_t *manifest, struct backup_about *ret_about)
{
	const json_t *version = json_object_get(manifest, "sekisho-backup"), *members = json_object_get(manifest, "members"), *line;
	const char *host = json_string_value(json_object_get(manifest, "host")), *config = json_string_value(json_object_get(manifest, "config"));
	int error;
	size_t i;

	if (!json_is_integer(version))
		return refuse(unpacking, BACKUP_NO_ARCHIVE, BACKUP_MANIFEST);
	if (json_integer_value(version) != BACKUP_VERSION)
		return refuse(unpacking, BACKUP_NEWER, BACKUP_MANIFEST);
	if (!host || !config || !is_path(config) || json_array_size(members) != unpacking->count)
		return refuse(unpacking, BACKUP_NOT_AS_WRITTEN, BACKUP_MANIFEST);
	json_array_foreach(members, i, line) {
		error = member_compare(unpacking, &unpacking->members[i], line);
		if (error)
			return error;
	}
	*ret_about = (struct backup_about){ .time = json_integer_value(json_object_get(manifest, "time")),
					    .host = arena_strdup(unpacking->arena, host), .config = arena_strdup(unpacking->arena, config) };
	return 0;
}

static int manifest_take(struct unpacking *unpacking, struct backup_about *ret_about)
{
	json_t *manifest = json_loadb(unpacking->manifest.data, unpacking->manifest.length, JSON_REJECT_DUPLICATES, NULL);
	int error = json_is_object(manifest) ? manifest_judge(unpacking, manifest, ret_about) : refuse(unpacking, BACKUP_NOT_AS_WRITTEN, BACKUP_MANIFEST);

	json_decref(manifest);
	return error;
}

/* ---- the whole */

int backup_unpack(struct arena *arena, int descriptor, const char *directory, struct backup_content *ret_content, enum backup_fault *ret_fault,
		  const char **ret_member)
{
	struct unpacking unpacking = { .arena = arena, .directory = directory, .archive = archive_read_new(),
				       .manifest = buf_limited(BACKUP_MANIFEST_BYTES_MAX), .where = "" };
	int error = -ENOMEM;

	if (unpacking.archive) {
		archive_read_support_format_tar(unpacking.archive);
		error = archive_read_open_fd(unpacking.archive, descriptor, COPY_BYTES) == ARCHIVE_OK ? members_take(&unpacking)
										  : refuse(&unpacking, BACKUP_NO_ARCHIVE, "");
	}
	if (!error)
		error = manifest_take(&unpacking, &ret_content->about);
	ret_content->members = unpacking.members;
	ret_content->member_count = unpacking.count;
	*ret_fault = unpacking.fault;
	*ret_member = unpacking.where;
	archive_read_free(unpacking.archive);
	buf_free(&unpacking.manifest);
	return error;
}
