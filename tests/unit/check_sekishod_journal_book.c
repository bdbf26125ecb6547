/* The journal on the disk: the chain goes on over files and openings, old files are retired and told of, a torn record is taken away. */
#include <check.h>
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "sekishod/journal_book.h"

enum { SMALL_FILE_BYTES = 1000, RECORDS = 20, FILES_MAX = 64, OLD_DAYS = JOURNAL_KEPT_DAYS + 1 };

static char directory[] = "/tmp/check-journal-XXXXXX";
static struct dirent **files;
static int file_count;

static int is_file(const struct dirent *entry)
{
	return entry->d_name[0] != '.';
}

static void files_look(void)
{
	file_count = scandir(directory, &files, is_file, alphasort);
	ck_assert_int_ge(file_count, 0);
}

static void files_forget(bool unlinked)
{
	for (int i = 0; i < file_count; i++) {
		char path[PATH_MAX];

		snprintf(path, sizeof(path), "%s/%s", directory, files[i]->d_name);
		if (unlinked)
			unlink(path);
		free(files[i]);
	}
	free(files);
}

static void setup(void)
{
	strcpy(directory + strlen(directory) - 6, "XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(directory));
}

static void teardown(void)
{
	files_look();
	files_forget(true);
	rmdir(directory);
}

static void records_write(int count)
{
	const struct journal_record record = { .event = JOURNAL_COMMIT, .reason = { "because", 7 } };
	struct journal_book book = journal_book_at(directory);

	book.file_bytes_max = SMALL_FILE_BYTES;
	for (int i = 0; i < count; i++)
		ck_assert_int_eq(journal_book_write(&book, &record), 0);
	journal_book_close(&book);
}

/* Follows the chain through all files; every line must be sound. text may be NULL: the last line that holds it goes to *ret_found. */
static struct journal_chain chain_follow_all(const char *text, bool *ret_found)
{
	struct journal_chain chain = { .count = 0 };

	files_look();
	for (int i = 0; i < file_count; i++) {
		char path[PATH_MAX], line[JOURNAL_LINE_BYTES_MAX];
		FILE *file;

		snprintf(path, sizeof(path), "%s/%s", directory, files[i]->d_name);
		file = fopen(path, "re");
		ck_assert_ptr_nonnull(file);
		while (fgets(line, sizeof(line), file)) {
			ck_assert_int_eq(journal_chain_follow(&chain, (struct span){ .data = line, .length = strlen(line) - 1 }, NULL), JOURNAL_SOUND);
			if (text && strstr(line, text))
				*ret_found = true;
		}
		fclose(file);
	}
	files_forget(false);
	return chain;
}

START_TEST(the_chain_goes_on_over_files_and_openings)
{
	struct journal_chain chain;

	for (int i = 0; i < RECORDS; i += 4)
		records_write(4);
	chain = chain_follow_all(NULL, NULL);
	ck_assert_uint_eq(chain.count, RECORDS);
	ck_assert_uint_eq(chain.first, 1);
	ck_assert_int_gt(file_count, 2);
}
END_TEST

START_TEST(a_file_that_was_only_begun_does_not_break_the_chain)
{
	char path[PATH_MAX];

	records_write(4);
	snprintf(path, sizeof(path), "%s/%012d.jsonl", directory, 5);
	close(open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600));
	records_write(1);
	ck_assert_uint_eq(chain_follow_all(NULL, NULL).last, 5);
}
END_TEST

START_TEST(old_files_are_retired_and_a_record_says_so)
{
	const struct timespec long_ago = { .tv_sec = time(NULL) - (time_t)OLD_DAYS * 24 * 3600 }, old[2] = { long_ago, long_ago };
	char path[PATH_MAX];
	bool told = false;
	struct journal_chain chain;

	records_write(RECORDS);
	files_look();
	snprintf(path, sizeof(path), "%s/%s", directory, files[0]->d_name);
	files_forget(false);
	ck_assert_int_eq(utimensat(AT_FDCWD, path, old, 0), 0);
	records_write(RECORDS);
	chain = chain_follow_all("records 1 to ", &told);
	ck_assert(told && chain.first > 1);
	ck_assert_int_ne(access(path, F_OK), 0);
}
END_TEST

START_TEST(a_torn_record_is_taken_away_and_told_of)
{
	char path[PATH_MAX];
	bool told = false;
	FILE *file;

	records_write(2);
	snprintf(path, sizeof(path), "%s/%012d.jsonl", directory, 1);
	file = fopen(path, "ae");
	fputs("{\"n\":3,", file);
	fclose(file);
	records_write(1);
	ck_assert_uint_eq(chain_follow_all("a record of 7 bytes was cut off", &told).last, 4);
	ck_assert(told);
}
END_TEST

START_TEST(what_cannot_be_written_is_counted_and_told_later)
{
	const struct journal_record record = { .event = JOURNAL_STOP };
	struct journal_book book = journal_book_at(directory);
	char away[PATH_MAX];
	bool told = false;
	int file;

	/* A file in the place of the directory: nobody, not even root, can write into it. */
	snprintf(away, sizeof(away), "%s.away", directory);
	ck_assert_int_eq(rename(directory, away), 0);
	file = open(directory, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	close(file);
	ck_assert_int_ne(journal_book_write(&book, &record), 0);
	ck_assert_int_ne(journal_book_write(&book, &record), 0);
	unlink(directory);
	ck_assert_int_eq(rename(away, directory), 0);
	ck_assert_int_eq(journal_book_write(&book, &record), 0);
	journal_book_close(&book);
	ck_assert_uint_eq(chain_follow_all("2 records could not be written", &told).last, 2);
	ck_assert(told);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("sekishod/journal_book");
	TCase *cases = tcase_create("journal_book");
	SRunner *runner = srunner_create(suite);
	int failed;

	tcase_add_checked_fixture(cases, setup, teardown);
	tcase_add_test(cases, the_chain_goes_on_over_files_and_openings);
	tcase_add_test(cases, a_file_that_was_only_begun_does_not_break_the_chain);
	tcase_add_test(cases, old_files_are_retired_and_a_record_says_so);
	tcase_add_test(cases, a_torn_record_is_taken_away_and_told_of);
	tcase_add_test(cases, what_cannot_be_written_is_counted_and_told_later);
	suite_add_tcase(suite, cases);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
