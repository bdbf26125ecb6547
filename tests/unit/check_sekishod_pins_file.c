/* What was read of a zone file comes over as bytes; bytes that are not whole are no reading. */
#include <check.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/arena.h"
#include "sekishod/pins_file.h"

static const char zones[] = "town = \"test\"; model = \"alpha\";\n"
			    "zones = ( { name = \"lgwan\"; tier = \"lgwan\"; interfaces = [ \"lg0\" ]; networks = [ \"10.2.0.0/24\" ]; } );\n";

/* A file that can be believed; its path, to be unlinked. */
static const char *file_make(char path[static 32], const char *text)
{
	int file;

	strcpy(path, "/tmp/sekisho-pins-XXXXXX");
	file = mkstemp(path);
	ck_assert_int_ge(file, 0);
	ck_assert_int_eq((int)write(file, text, strlen(text)), (int)strlen(text));
	close(file);
	return path;
}

static void read_into(struct buf *out, const char *path)
{
	struct arena *arena = arena_new();
	struct findings findings = findings_in(arena);

	ck_assert_int_eq(pins_read(path, 0, &findings, out), 0);
	arena_free(arena);
}

START_TEST(a_reading_comes_over)
{
	struct buf bytes = buf_limited(1 << 20);
	struct pins_reading reading;
	char path[32];

	file_make(path, zones);
	buf_puts(&bytes, "head");
	read_into(&bytes, path);
	ck_assert_int_eq(pins_reading_unpack(&bytes, 4, &reading), 0);
	ck_assert_ptr_null(bytes.data);
	ck_assert_uint_eq(reading.source_count, 1);
	ck_assert_str_eq(reading.sources[0].path, path);
	ck_assert_mem_eq(reading.sources[0].digest, reading.digest, DIGEST_BYTES);
	ck_assert_uint_gt(reading.pins.length, 0);
	ck_assert_ptr_nonnull(strstr(buf_text(&reading.text), "networks"));
	ck_assert_int_eq(pins_reading_holds(&reading, path), true);
	ck_assert_int_eq(pins_reading_holds(&reading, "/etc/passwd"), false);
	unlink(path);
	ck_assert_int_eq(pins_reading_holds(&reading, path), false);
	pins_reading_free(&reading);
}
END_TEST

START_TEST(what_is_not_whole_is_none)
{
	struct buf whole = buf_limited(1 << 20);
	struct pins_reading reading;
	size_t text;
	char path[32];

	file_make(path, zones);
	read_into(&whole, path);
	unlink(path);
	text = (size_t)((const char *)memmem(whole.data, whole.length, "town", 4) - whole.data);
	for (size_t length = 0; length < text; length++) {
		struct buf part = buf_limited(1 << 20);

		buf_put(&part, whole.data, length);
		ck_assert_int_eq(pins_reading_unpack(&part, 0, &reading), -EIO);
		buf_free(&part);
	}
	buf_free(&whole);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("sekishod/pins_file");
	TCase *cases = tcase_create("pins_file");
	SRunner *runner = srunner_create(suite);
	int failed;

	tcase_add_test(cases, a_reading_comes_over);
	tcase_add_test(cases, what_is_not_whole_is_none);
	suite_add_tcase(suite, cases);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
