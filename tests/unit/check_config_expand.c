/*
 * Files and what they include: every line keeps its place, nothing outside of the directory is read, every
 * failure is said.
 */
#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "config/reader.h"

#define MINIMAL                                                                                                            \
	"town = \"t\"; model = \"alpha\"; "                                                                                \
	"zones = ( { name = \"a\"; tier = \"lgwan\"; interfaces = \"e0\"; networks = \"10.0.0.0/8\"; } );\n"
#define HOST(NAME) "{ name = \"" NAME "\"; zone = \"a\"; addresses = \"10.0.0.1\"; }"

enum { FILES_MAX = 4, NOBODY = 65534 };

struct directory {
	char path[64];
	struct arena *arena;
};

static struct directory directory_make(void)
{
	struct directory directory = { .path = "/tmp/check_config_expand.XXXXXX", .arena = arena_new() };

	ck_assert_ptr_nonnull(mkdtemp(directory.path));
	ck_assert_int_eq(chmod(directory.path, 0755), 0);
	return directory;
}

static const char *directory_file(const struct directory *directory, const char *name)
{
	return arena_printf(directory->arena, "%s/%s", directory->path, name);
}

static void file_write(const struct directory *directory, const char *name, const char *text)
{
	FILE *file = fopen(directory_file(directory, name), "w");

	ck_assert_ptr_nonnull(file);
	ck_assert_int_ge(fputs(text, file), 0);
	ck_assert_int_eq(fclose(file), 0);
}

static void directory_remove(struct directory *directory)
{
	const char *command = arena_printf(directory->arena, "rm -r '%s'", directory->path);

	ck_assert_int_eq(system(command), 0);
	arena_free(directory->arena);
}

/* "id:file:line id:file:line", files without their directory. */
static const char *findings_summary(struct findings *findings)
{
	__attribute__((cleanup(buf_free))) struct buf text = buf_limited(0);

	findings_sort(findings);
	for (size_t i = 0; i < findings->count; i++) {
		const struct origin *origin = &findings->items[i].origin;
		const char *slash = origin->source ? strrchr(origin->source->path, '/') : NULL;

		buf_printf(&text, "%s%s:%s:%u", i ? " " : "", findings->items[i].kind->id, slash ? slash + 1 : "",
			   (unsigned int)origin->line);
	}
	return arena_strdup(findings->arena, buf_text(&text));
}

struct row {
	const char *what;
	struct {
		const char *name, *text;
	} files[FILES_MAX];	/* the first is the main file */
	const char *expected;
	int result;
};

static const struct row rows[] = {
	{ "included file", { { "main", MINIMAL "@include \"b\"\n" }, { "b", "hosts = ( " HOST("h") " );" } }, "", 0 },
	{ "included file inside a list", { { "main", MINIMAL "hosts = (\n\t@include \"b\"\n);\n" }, { "b", HOST("h") "," HOST("i") } }, "", 0 },
	{ "empty included file", { { "main", MINIMAL "@include \"b\"" }, { "b", "" } }, "", 0 },
	{ "included file with byte order mark", { { "main", MINIMAL "@include \"b\"" }, { "b", "\xef\xbb\xbfhosts = ( );" } }, "", 0 },
	{ "same file twice", { { "main", MINIMAL "hosts = (\n@include \"b\"\n,\n@include \"b\"\n);" }, { "b", HOST("h") } }, "", 0 },
	{ "path with a dot", { { "main", MINIMAL "@include \"./b\"" }, { "b", "" } }, "", 0 },
	{ "something after the include", { { "main", MINIMAL "@include \"b\" relays = ( ); # x\nnat = 1;" }, { "b", "hosts = ( )" } },
	  "key-refused:main:3", 0 },
	{ "mistake in the included file", { { "main", MINIMAL "\n@include \"b\"\ncolor = 1;" }, { "b", "\n\nnat = 1;\n" } },
	  "key-refused:b:3 key-unknown:main:4", 0 },
	{ "mistake behind two included files", { { "main", MINIMAL "@include \"b\"\n@include \"b\"\ncolor = 1;" }, { "b", "\n\n\n" } },
	  "key-unknown:main:4", 0 },
	{ "grammar of the included file", { { "main", MINIMAL "@include \"b\"" }, { "b", "\nhosts ( );" } }, "equals-missing:b:2", -EBADMSG },
	{ "quote not closed in the included file", { { "main", MINIMAL "@include \"b\"\ntown = \"x\";" }, { "b", "\ntown = \"x;\n" } },
	  "text-not-closed:b:2", -EBADMSG },
	{ "bracket opened here, closed there", { { "main", MINIMAL "hosts = (\n@include \"b\"\n" }, { "b", ");\nnat = 1;" } },
	  "key-refused:b:2", 0 },
	{ "second include on the line of the first is not libconfig's", { { "main", MINIMAL "@include \"b\" @include \"b\"" }, { "b", "" } },
	  "include-form:main:2", -EBADMSG },
	{ "missing file", { { "main", "\n@include \"nowhere\"\n" } }, "file-missing:main:2", -ENOENT },
	{ "two missing files", { { "main", "\n@include \"nowhere\"\n@include \"nothing\"\n" } }, "file-missing:main:2 file-missing:main:3", -ENOENT },
	{ "directory", { { "main", "@include \".\"" } }, "file-not-regular:main:1", -EISDIR },
	{ "way up", { { "main", "@include \"../etc/passwd\"" } }, "include-outside:main:1", -EBADMSG },
	{ "way up in the middle", { { "main", "@include \"a/../../b\"" } }, "include-outside:main:1", -EBADMSG },
	{ "way up at the end", { { "main", "@include \"a/..\"" } }, "include-outside:main:1", -EBADMSG },
	{ "two dots in a name are none", { { "main", MINIMAL "@include \"..b\"" }, { "..b", "" } }, "", 0 },
	{ "absolute path elsewhere", { { "main", "@include \"/etc/passwd\"" } }, "include-outside:main:1", -EBADMSG },
	{ "empty path", { { "main", "@include \"\"" } }, "include-path:main:1", -EBADMSG },
	{ "backslash in the path", { { "main", "@include \"a\\\\b\"" } }, "include-path:main:1", -EBADMSG },
	{ "file that includes itself", { { "main", "\n@include \"main\"" } }, "include-loop:main:2", -EBADMSG },
	{ "two files that include each other", { { "main", "@include \"b\"" }, { "b", "\n\n@include \"main\"" } }, "include-loop:b:3", -EBADMSG },
	{ "included file in Shift_JIS", { { "main", MINIMAL "@include \"b\"" }, { "b", "\n# \x8a\x43\n" } }, "file-encoding:b:2", -EBADMSG },
};

static void row_run(const struct row *row, const struct directory *directory)
{
	struct findings findings = findings_in(directory->arena);
	struct settings *settings;
	const char *summary;
	int result;

	for (size_t i = 0; i < FILES_MAX && row->files[i].name; i++)
		file_write(directory, row->files[i].name, row->files[i].text);
	result = settings_read(directory->arena, directory_file(directory, "main"), &findings, &settings);
	summary = findings_summary(&findings);
	ck_assert_msg(result == row->result, "%s: result %d, findings %s", row->what, result, summary);
	ck_assert_msg(strcmp(summary, row->expected) == 0, "%s: got \"%s\", expected \"%s\"", row->what,
		      summary, row->expected);
}

START_TEST(files_are_read_with_their_includes)
{
	struct directory directory = directory_make();

	row_run(&rows[_i], &directory);
	directory_remove(&directory);
}
END_TEST

/* Without a directory in its name the main file is in the current one. */
START_TEST(current_directory_is_a_directory_too)
{
	struct directory directory = directory_make();
	struct findings findings = findings_in(directory.arena);
	char before[PATH_MAX];
	struct settings *settings;

	file_write(&directory, "main", MINIMAL "@include \"b\"\n");
	file_write(&directory, "b", "hosts = ( " HOST("h") " );");
	ck_assert_ptr_nonnull(getcwd(before, sizeof(before)));
	ck_assert_int_eq(chdir(directory.path), 0);
	ck_assert_int_eq(settings_read(directory.arena, "main", &findings, &settings), 0);
	ck_assert_int_eq(chdir(before), 0);
	ck_assert_uint_eq(settings->source_count, 2);
	ck_assert_str_eq(settings->sources[1].path, "b");
	ck_assert_uint_eq(settings->hosts[0].at.line, 1);
	ck_assert_ptr_eq(settings->hosts[0].at.source, &settings->sources[1]);
	directory_remove(&directory);
}
END_TEST

/* Who wants only the zones gets no mistake of the rest told, but that it cannot be read at all. */
/* The texts of all files go where the findings quote from, and nothing else does. */
START_TEST(texts_go_before_findings)
{
	struct directory directory = directory_make();
	struct findings findings = findings_in(directory.arena);
	struct settings *settings;

	findings.quoted = arena_new();
	file_write(&directory, "main", MINIMAL "@include \"b\"\n");
	file_write(&directory, "b", "hosts = ( " HOST("h") " );");
	ck_assert_int_eq(settings_read(directory.arena, directory_file(&directory, "main"), &findings, &settings), 0);
	ck_assert_uint_gt(settings->sources[1].length, 0);
	for (size_t i = 0; i < settings->source_count; i++)
		source_forget(&settings->sources[i]);
	arena_free(findings.quoted);
	ck_assert_str_eq(settings->hosts[0].at.source->path, directory_file(&directory, "b"));
	ck_assert_uint_eq(settings->hosts[0].at.line, 1);
	ck_assert_str_eq(settings->hosts[0].name.value, "h");
	directory_remove(&directory);
}
END_TEST

START_TEST(zones_alone)
{
	struct directory directory = directory_make();
	struct findings findings = findings_in(directory.arena);
	struct settings *settings;

	file_write(&directory, "main", "hosts = ( { name = 1; }, 2 ); unheard = 3;\n@include \"b\"\n");
	file_write(&directory, "b", MINIMAL);
	ck_assert_int_eq(settings_read_zones(directory.arena, directory_file(&directory, "main"), &findings, &settings), 0);
	ck_assert_str_eq(findings_summary(&findings), "");
	ck_assert_uint_eq(settings->source_count, 2);
	ck_assert_uint_eq(settings->zone_count, 1);
	ck_assert_uint_eq(settings->host_count, 0);
	ck_assert_ptr_null(settings->town.value);
	file_write(&directory, "main", MINIMAL "hosts = 1 2;\n");
	ck_assert_int_eq(settings_read_zones(directory.arena, directory_file(&directory, "main"), &findings, &settings), -EBADMSG);
	file_write(&directory, "main", "town = \"t\";\n");
	ck_assert_int_eq(settings_read_zones(directory.arena, directory_file(&directory, "main"), &findings, &settings), 0);
	ck_assert_uint_eq(settings->zone_count, 0);
	directory_remove(&directory);
}
END_TEST

START_TEST(absolute_path_inside_is_allowed)
{
	struct directory directory = directory_make();
	struct findings findings = findings_in(directory.arena);
	struct settings *settings;

	file_write(&directory, "main",
		   arena_printf(directory.arena, MINIMAL "@include \"%s/b\"\n", directory.path));
	file_write(&directory, "b", "");
	ck_assert_int_eq(
		settings_read(directory.arena, directory_file(&directory, "main"), &findings, &settings), 0);
	ck_assert_str_eq(settings->sources[1].path, directory_file(&directory, "b"));
	directory_remove(&directory);
}
END_TEST

/* level 0 is the main file; each includes the next. */
static const char *chain_summary(const struct directory *directory, unsigned int levels)
{
	struct findings findings = findings_in(directory->arena);
	struct settings *settings;

	for (unsigned int i = 0; i < levels; i++)
		file_write(directory, arena_printf(directory->arena, "%u", i),
			   arena_printf(directory->arena, "@include \"%u\"", i + 1));
	file_write(directory, arena_printf(directory->arena, "%u", levels), MINIMAL);
	settings_read(directory->arena, directory_file(directory, "0"), &findings, &settings);
	return findings_summary(&findings);
}

START_TEST(depth_of_includes_is_limited)
{
	struct directory directory = directory_make();

	ck_assert_str_eq(chain_summary(&directory, READER_INCLUDE_DEPTH_MAX), "");
	ck_assert_str_eq(chain_summary(&directory, READER_INCLUDE_DEPTH_MAX + 1), "include-deep:10:1");
	directory_remove(&directory);
}
END_TEST

static const char *many_summary(const struct directory *directory, size_t files)
{
	struct findings findings = findings_in(directory->arena);
	struct buf text = buf_limited(0);
	struct settings *settings;

	buf_puts(&text, MINIMAL);
	for (size_t i = 1; i < files; i++)
		buf_puts(&text, "@include \"b\"\n");
	file_write(directory, "main", buf_text(&text));
	file_write(directory, "b", "");
	buf_free(&text);
	settings_read(directory->arena, directory_file(directory, "main"), &findings, &settings);
	return findings_summary(&findings);
}

START_TEST(number_of_files_is_limited)
{
	struct directory directory = directory_make();

	ck_assert_str_eq(many_summary(&directory, READER_FILES_MAX), "");
	ck_assert_str_eq(many_summary(&directory, READER_FILES_MAX + 1), "include-many:main:257");
	directory_remove(&directory);
}
END_TEST

/* A sparse file: its first byte is NUL, so that it is refused as soon as it was read. */
START_TEST(size_of_a_file_is_limited)
{
	static const char *const expected[] = { "file-control:main:1", "file-too-large::0" };
	struct directory directory = directory_make();
	struct findings findings = findings_in(directory.arena);
	const char *path = directory_file(&directory, "main");
	struct settings *settings;

	file_write(&directory, "main", "");
	ck_assert_int_eq(truncate(path, (off_t)READER_FILE_BYTES_MAX + _i), 0);
	ck_assert_int_eq(settings_read(directory.arena, path, &findings, &settings), _i ? -EFBIG : -EBADMSG);
	ck_assert_str_eq(findings_summary(&findings), expected[_i]);
	directory_remove(&directory);
}
END_TEST

/* The main file itself cannot be read: there is no line to show, but the path is named. */
static void unreadable_check(const struct directory *directory, const char *path, int result,
			     const char *expected)
{
	struct findings findings = findings_in(directory->arena);
	struct settings *settings;

	ck_assert_int_eq(settings_read(directory->arena, path, &findings, &settings), result);
	ck_assert_str_eq(findings_summary(&findings), expected);
	ck_assert_ptr_nonnull(strstr(finding_sentence(&findings, &findings.items[0], LANGUAGE_JA), path));
}

START_TEST(file_that_cannot_be_read_is_said_so)
{
	struct directory directory = directory_make();
	const char *loop = directory_file(&directory, "loop");
	const char *pipe = directory_file(&directory, "pipe");

	ck_assert_int_eq(symlink("loop", loop), 0);
	ck_assert_int_eq(mkfifo(pipe, 0600), 0);
	unreadable_check(&directory, directory_file(&directory, "nowhere"), -ENOENT, "file-missing::0");
	unreadable_check(&directory, directory_file(&directory, "pipe/main"), -ENOTDIR, "file-missing::0");
	unreadable_check(&directory, directory.path, -EISDIR, "file-not-regular::0");
	unreadable_check(&directory, pipe, -EISDIR, "file-not-regular::0");
	unreadable_check(&directory, "/dev/zero", -EISDIR, "file-not-regular::0");
	unreadable_check(&directory, loop, -ELOOP, "file-unreadable::0");
	directory_remove(&directory);
}
END_TEST

START_TEST(file_without_permission_is_said_so)
{
	struct directory directory = directory_make();
	bool is_root = geteuid() == 0;

	file_write(&directory, "main", MINIMAL);
	ck_assert_int_eq(chmod(directory_file(&directory, "main"), 0), 0);
	if (is_root)
		ck_assert_int_eq(seteuid(NOBODY), 0);
	unreadable_check(&directory, directory_file(&directory, "main"), -EACCES, "file-forbidden::0");
	if (is_root)
		ck_assert_int_eq(seteuid(0), 0);
	directory_remove(&directory);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("config/expand");
	TCase *cases = tcase_create("expand");
	SRunner *runner = srunner_create(suite);
	int failed;

	tcase_set_timeout(cases, 60);
	tcase_add_loop_test(cases, files_are_read_with_their_includes, 0, sizeof(rows) / sizeof(rows[0]));
	tcase_add_test(cases, current_directory_is_a_directory_too);
	tcase_add_test(cases, absolute_path_inside_is_allowed);
	tcase_add_test(cases, texts_go_before_findings);
	tcase_add_test(cases, zones_alone);
	tcase_add_test(cases, depth_of_includes_is_limited);
	tcase_add_test(cases, number_of_files_is_limited);
	tcase_add_loop_test(cases, size_of_a_file_is_limited, 0, 2);
	tcase_add_test(cases, file_that_cannot_be_read_is_said_so);
	tcase_add_test(cases, file_without_permission_is_said_so);
	suite_add_tcase(suite, cases);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
