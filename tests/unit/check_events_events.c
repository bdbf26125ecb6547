/* events/events.h: what is written can be read, once, after every end of the writer; and it keeps to its size. */
#include <check.h>
#include <dirent.h>
#include <errno.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/date.h"
#include "events/events.h"

enum { NOW = 1800000000, DAY_SECONDS = 86400 };

struct place {
	char directory[64], path[160];
};

static struct place place_make(void)
{
	struct place place = { .directory = "/tmp/sekisho-events-XXXXXX" };

	ck_assert_ptr_nonnull(mkdtemp(place.directory));
	snprintf(place.path, sizeof(place.path), "%s/" EVENTS_FILE, place.directory);
	return place;
}

static void place_remove(const struct place *place)
{
	DIR *directory = opendir(place->directory);
	struct dirent *entry;

	ck_assert_ptr_nonnull(directory);
	while ((entry = readdir(directory)))
		if (entry->d_name[0] != '.')
			ck_assert_int_eq(unlinkat(dirfd(directory), entry->d_name, 0), 0);
	closedir(directory);
	ck_assert_int_eq(rmdir(place->directory), 0);
}

static struct events *opened(const struct place *place, const char *boot)
{
	struct arena *arena = arena_new();
	struct events *events;
	struct events_aside aside;

	ck_assert_int_eq(events_open(arena, place->directory, boot, &events, &aside), 0);
	ck_assert_ptr_null(aside.path);
	arena_free(arena);
	return events;
}

static struct events_refusal sample(const char *source)
{
	return (struct events_refusal){ .reason = "flow", .from = "lgwan", .to = "internet", .source = source, .destination = "10.3.0.1", .mac = "",
					.protocol = 6, .port = 443, .first = NOW, .last = NOW, .packets = 1 };
}

static void write_at(struct events *events, int64_t now, uint64_t packets, struct events_refusal *refusal)
{
	static const struct events_reading reading = { 1, true, 2, 3, UINT64_C(1) << 40, 5 };
	const struct events_count count = { "flow", "lgwan", "internet", packets };
	struct events_batch batch = { .now = now, .counts = &count, .count_count = 1, .readings = &reading, .reading_count = 1, .refusals = refusal,
				      .refusal_count = refusal ? 1 : 0 };

	ck_assert_int_eq(events_write(events, &batch), 0);
}

struct sums {
	uint64_t counted, logged;
	size_t days, rows;
};

static void add_day(const struct events_day *day, void *to)
{
	struct sums *sums = to;

	sums->days++;
	sums->counted += day->packets;
}

static void add_refusal(const struct events_refusal *refusal, void *to)
{
	struct sums *sums = to;

	sums->rows++;
	sums->logged += refusal->packets;
}

static struct sums sums_of(const struct place *place, const struct events_query *query)
{
	struct sums sums = { 0 };
	struct events *events;

	ck_assert_int_eq(events_open_reading(place->path, &events), 0);
	ck_assert_int_eq(events_days_each(events, query, add_day, &sums), 0);
	ck_assert_int_eq(events_refusals_each(events, query, add_refusal, &sums), 0);
	events_close(events);
	return sums;
}

START_TEST(repetitions_add_up_and_talkers_are_new_once)
{
	const struct events_query all = { .since = 0 }, other = { .zone = "mynumber" }, ours = { .zone = "internet" };
	struct place place = place_make();
	struct events *events = opened(&place, "a");
	struct events_refusal first = sample("10.2.0.5"), again = first, port = first;
	struct sums sums;

	write_at(events, NOW, 3, &first);
	write_at(events, NOW + 1, 4, &again);
	port.port = 80;
	write_at(events, NOW + DAY_SECONDS, 5, &port);
	ck_assert(first.new_talker && !again.new_talker && !port.new_talker);
	sums = sums_of(&place, &all);
	ck_assert_uint_eq(sums.counted, 12);
	ck_assert_uint_eq(sums.days, 2);
	ck_assert_uint_eq(sums.rows, 2);
	ck_assert_uint_eq(sums.logged, 3);
	ck_assert_uint_eq(sums_of(&place, &ours).rows, 2);
	ck_assert_uint_eq(sums_of(&place, &other).days, 0);
	events_close(events);
	place_remove(&place);
}
END_TEST

START_TEST(changes_are_shown_once)
{
	struct place place = place_make();
	struct events *events = opened(&place, "a");
	struct events_refusal refusal = sample("10.2.0.5");
	struct events_query changes = { .changed = true };

	write_at(events, NOW, 1, &refusal);
	changes.through = events_last_change(events);
	ck_assert_uint_eq(sums_of(&place, &changes).rows, 1);
	changes.after = changes.through;
	ck_assert_uint_eq(sums_of(&place, &changes).rows, 0);
	write_at(events, NOW, 1, &refusal);
	ck_assert_uint_eq(sums_of(&place, &changes).rows, 0);
	changes.through = events_last_change(events);
	ck_assert_uint_eq(sums_of(&place, &changes).rows, 1);
	events_close(events);
	place_remove(&place);
}
END_TEST

START_TEST(readings_are_of_one_boot)
{
	struct place place = place_make();
	struct arena *arena = arena_new();
	struct events *events = opened(&place, "a");
	struct events_reading *readings;
	size_t count;
	int64_t alive;

	ck_assert_int_eq(events_recall(events, arena, &readings, &count, &alive), 0);
	ck_assert(count == 0 && alive == 0);
	write_at(events, NOW, 1, NULL);
	events_close(events);
	events = opened(&place, "a");
	ck_assert_int_eq(events_recall(events, arena, &readings, &count, &alive), 0);
	ck_assert(count == 1 && alive == NOW);
	ck_assert_uint_eq(readings[0].handle, UINT64_C(1) << 40);
	events_close(events);
	events = opened(&place, "b");
	ck_assert_int_eq(events_recall(events, arena, &readings, &count, &alive), 0);
	ck_assert(count == 0 && alive == NOW);
	events_close(events);
	arena_free(arena);
	place_remove(&place);
}
END_TEST

/* Many rows, so that much is written. */
static int write_many(struct events *events, int64_t now)
{
	enum { MANY = 4000, ADDRESS_BYTES = 32 };
	struct events_refusal *refusals = calloc(MANY, sizeof(*refusals));
	char (*sources)[ADDRESS_BYTES] = calloc(MANY, ADDRESS_BYTES);
	struct events_batch batch = { .now = now, .refusals = refusals, .refusal_count = MANY };
	int error;

	for (int i = 0; i < MANY; i++) {
		snprintf(sources[i], ADDRESS_BYTES, "10.%d.%d.%d", (int)(now % 200), i / 250, i % 250);
		refusals[i] = sample(sources[i]);
		refusals[i].first = refusals[i].last = now;
	}
	error = events_write(events, &batch);
	free(refusals);
	free(sources);
	return error;
}

static off_t log_bytes(const struct place *place)
{
	char path[sizeof(place->path) + 8];
	struct stat status;

	snprintf(path, sizeof(path), "%s-wal", place->path);
	return stat(path, &status) == 0 ? status.st_size : 0;
}

START_TEST(a_reader_that_never_lets_go_fills_no_disk)
{
	struct place place = place_make();
	struct events *events = opened(&place, "boot");
	sqlite3 *reader;
	int64_t now = NOW;
	int error = 0;

	ck_assert_int_eq(write_many(events, now), 0);
	ck_assert_int_eq(sqlite3_open_v2(place.path, &reader, SQLITE_OPEN_READONLY, NULL), SQLITE_OK);
	ck_assert_int_eq(sqlite3_exec(reader, "BEGIN; SELECT count(*) FROM refusals", NULL, NULL, NULL), SQLITE_OK);
	for (int i = 0; i < 200 && !error; i++)
		error = write_many(events, ++now);
	ck_assert_msg(error == -EBUSY, "it is held up when there is too much, not %d", error);
	ck_assert_int_lt(log_bytes(&place), 2 * EVENTS_LOG_BYTES_MAX);
	ck_assert_int_eq(sqlite3_exec(reader, "COMMIT", NULL, NULL, NULL), SQLITE_OK);
	ck_assert_msg(write_many(events, ++now) == 0, "and goes on when he lets go");
	ck_assert_int_lt(log_bytes(&place), EVENTS_LOG_BYTES_MAX);
	sqlite3_close(reader);
	events_close(events);
	place_remove(&place);
}
END_TEST

START_TEST(what_is_past_its_retention_goes)
{
	const struct events_query all = { .since = 0 };
	struct place place = place_make();
	struct events *events = opened(&place, "a");
	struct events_refusal old = sample("10.2.0.5"), new = sample("10.2.0.6");
	struct sums sums;

	write_at(events, NOW, 1, &old);
	new.first = new.last = NOW + (EVENTS_RETENTION_DAYS - 1) * (int64_t)DAY_SECONDS;
	write_at(events, new.last, 1, &new);
	ck_assert_uint_eq(sums_of(&place, &all).rows, 2);
	write_at(events, NOW + (EVENTS_RETENTION_DAYS + 1) * (int64_t)DAY_SECONDS, 1, &new);
	sums = sums_of(&place, &all);
	ck_assert_uint_eq(sums.rows, 1);
	ck_assert_uint_eq(sums.days, 2);
	events_close(events);
	place_remove(&place);
}
END_TEST

/* Opens where a file has to be put aside, and writes a batch; the file is then where it is said to be. */
static void expect_aside(const struct place *place, const char *tail, bool newer)
{
	struct arena *arena = arena_new();
	struct events_aside aside;
	struct events *events;
	struct stat status;

	ck_assert_int_eq(events_open(arena, place->directory, "a", &events, &aside), 0);
	ck_assert_ptr_nonnull(aside.path);
	ck_assert_str_eq(aside.path, arena_printf(arena, "%s%s", place->path, tail));
	ck_assert(aside.newer == newer);
	ck_assert_int_eq(stat(aside.path, &status), 0);
	ck_assert_int_gt(status.st_size, 0);
	write_at(events, NOW, 1, NULL);
	events_close(events);
	arena_free(arena);
}

/* Runs SQL on the file, as another version would. */
static void database_do(const char *path, const char *text)
{
	sqlite3 *database;

	ck_assert_int_eq(sqlite3_open(path, &database), SQLITE_OK);
	ck_assert_int_eq(sqlite3_exec(database, text, NULL, NULL, NULL), SQLITE_OK);
	ck_assert_int_eq(sqlite3_close(database), SQLITE_OK);
}

/* Files that somebody wrote over are put aside, each under a name of its own, and the record goes on. */
START_TEST(a_damaged_database_is_put_aside)
{
	static const char nonsense[] = "this is no database, and it is longer than the header of one, so that SQLite has to look at it and says so itself....";
	static const char *const tails[] = { ".damaged", ".damaged.2", ".damaged.3" };
	struct place place = place_make();
	struct events *events;

	for (size_t i = 0; i < sizeof(tails) / sizeof(tails[0]); i++) {
		FILE *file = fopen(place.path, "w");

		ck_assert_ptr_nonnull(file);
		ck_assert_uint_eq(fwrite(nonsense, 1, sizeof(nonsense), file), sizeof(nonsense));
		fclose(file);
		ck_assert_int_eq(events_open_reading(place.path, &events), -EBADMSG);
		expect_aside(&place, tails[i], false);
	}
	place_remove(&place);
}
END_TEST

/* What a newer version wrote is kept as it is, what it had not yet taken up from its log included; a reader does not guess at it. */
START_TEST(a_database_of_a_newer_version_is_put_aside_whole)
{
	const struct events_query all = { .since = 0 };
	struct place place = place_make(), newer;
	struct events *events = opened(&place, "a");
	struct events_refusal refusal = sample("10.2.0.1");

	write_at(events, NOW, 3, &refusal);
	events_close(events);
	database_do(place.path, "PRAGMA user_version = 7");
	ck_assert_int_eq(events_open_reading(place.path, &events), -EPROTONOSUPPORT);
	expect_aside(&place, ".newer", true);
	ck_assert_uint_eq(sums_of(&place, &all).rows, 0);
	snprintf(newer.path, sizeof(newer.path), "%s/" EVENTS_FILE ".newer", place.directory);
	database_do(newer.path, "PRAGMA user_version = 1");
	ck_assert_uint_eq(sums_of(&newer, &all).rows, 1);
	place_remove(&place);
}
END_TEST

/* A file from before versions is one of ours afterwards, with all that was in it. */
START_TEST(a_database_of_an_older_version_is_gone_on_with)
{
	const struct events_query all = { .since = 0 };
	struct place place = place_make();
	struct events *events = opened(&place, "a");
	struct events_refusal refusal = sample("10.2.0.1"), second = sample("10.2.0.2");

	write_at(events, NOW, 3, &refusal);
	events_close(events);
	database_do(place.path, "DROP TABLE faults; PRAGMA user_version = 0");
	ck_assert_int_eq(events_open_reading(place.path, &events), -EPROTONOSUPPORT);
	events = opened(&place, "a");
	write_at(events, NOW, 1, &second);
	events_close(events);
	ck_assert_uint_eq(sums_of(&place, &all).rows, 2);
	place_remove(&place);
}
END_TEST

static struct events_fault fault_sample(uint8_t mac, int64_t at)
{
	return (struct events_fault){
		.fault = { .kind = WIRING_DUPLICATE_ADDRESS, .mac = { { 2, 0, 0, 0, 0, mac } }, .address = { .family = 4, .bytes = { 10, 1, 0, 9 } },
			   .zone = "mynumber", .interface = "mn0", .other_zone = "mynumber", .other_interface = "mn1", .has_other_mac = true,
			   .other_mac = { { 2, 0, 0, 0, 0, 2 } }, .count = 1 },
		.first = at, .last = at, .count = 2,
	};
}

struct faults_seen {
	size_t rows;
	struct events_fault last;
};

static void add_fault(const struct events_fault *fault, void *to)
{
	struct faults_seen *seen = to;

	seen->rows++;
	seen->last = *fault;
}

static struct faults_seen faults_of(const struct place *place, const struct events_query *query)
{
	struct faults_seen seen = { 0 };
	struct events *events;

	ck_assert_int_eq(events_open_reading(place->path, &events), 0);
	ck_assert_int_eq(events_faults_each(events, query, add_fault, &seen), 0);
	events_close(events);
	return seen;
}

static void faults_write(struct events *events, int64_t now, const struct events_fault *faults, size_t count)
{
	struct events_batch batch = { .now = now, .faults = faults, .fault_count = count };

	ck_assert_int_eq(events_write(events, &batch), 0);
}

START_TEST(wrong_wirings_read_back_and_repetitions_add_up)
{
	const struct events_query all = { .since = 0 }, later = { .since = NOW + 1 }, elsewhere = { .zone = "lgwan" };
	struct place place = place_make();
	struct events *events = opened(&place, "a");
	struct events_fault faults[] = { fault_sample(1, NOW), fault_sample(3, NOW) }, vlan = { .fault = { .kind = WIRING_STRAY_VLAN, .mac = { { 2 } },
		.vlan = 20, .zone = "lgwan", .interface = "lg0", .other_zone = "lgwan" }, .first = NOW, .last = NOW, .count = 1 };
	struct faults_seen seen;

	faults_write(events, NOW, faults, 2);
	faults[0].last = NOW + 5;
	faults_write(events, NOW + 5, faults, 1);
	seen = faults_of(&place, &later);
	ck_assert_uint_eq(seen.rows, 1);
	ck_assert(seen.last.count == 4 && seen.last.first == NOW && seen.last.last == NOW + 5);
	ck_assert(seen.last.fault.kind == WIRING_DUPLICATE_ADDRESS && seen.last.fault.mac.bytes[5] == 1 && seen.last.fault.other_mac.bytes[5] == 2);
	ck_assert_str_eq(seen.last.fault.other_interface, "mn1");
	ck_assert_uint_eq(faults_of(&place, &all).rows, 2);
	ck_assert_uint_eq(faults_of(&place, &elsewhere).rows, 0);
	faults_write(events, NOW + 6, &vlan, 1);
	seen = faults_of(&place, &elsewhere);
	ck_assert(seen.rows == 1 && seen.last.fault.vlan == 20 && seen.last.fault.address.family == 0 && !seen.last.fault.has_other_mac);
	faults_write(events, NOW + (EVENTS_RETENTION_DAYS + 2) * (int64_t)DAY_SECONDS, NULL, 0);
	ck_assert_uint_eq(faults_of(&place, &all).rows, 0);
	events_close(events);
	place_remove(&place);
}
END_TEST

/* The file may come from a process that was broken into. */
START_TEST(a_row_that_cannot_be_a_wrong_wiring_is_passed_over)
{
	static const char *const lies[] = {
		"UPDATE faults SET kind = 'no-such-kind'", "UPDATE faults SET mac = 'x'", "UPDATE faults SET address = '10.1'", "UPDATE faults SET vlan = 4096",
		"UPDATE faults SET zone = 'a name of sixteen'", "UPDATE faults SET other_mac = '02'",
	};
	const struct events_query all = { .since = 0 };

	for (size_t i = 0; i < sizeof(lies) / sizeof(lies[0]); i++) {
		struct place place = place_make();
		struct events *events = opened(&place, "a");
		const struct events_fault fault = fault_sample(1, NOW);
		sqlite3 *database;

		faults_write(events, NOW, &fault, 1);
		events_close(events);
		ck_assert_int_eq(sqlite3_open(place.path, &database), SQLITE_OK);
		ck_assert_int_eq(sqlite3_exec(database, lies[i], NULL, NULL, NULL), SQLITE_OK);
		ck_assert_msg(sqlite3_total_changes(database) == 1, "%s", lies[i]);
		sqlite3_close(database);
		ck_assert_msg(faults_of(&place, &all).rows == 0, "%s", lies[i]);
		place_remove(&place);
	}
}
END_TEST

START_TEST(there_may_be_none_yet)
{
	struct events *events;

	ck_assert_int_eq(events_open_reading("/nonexistent/" EVENTS_FILE, &events), -ENOENT);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("events");
	TCase *cases = tcase_create("events");
	SRunner *runner = srunner_create(suite);
	int failed;

	tcase_set_timeout(cases, 60);
	tcase_add_test(cases, repetitions_add_up_and_talkers_are_new_once);
	tcase_add_test(cases, changes_are_shown_once);
	tcase_add_test(cases, readings_are_of_one_boot);
	tcase_add_test(cases, a_reader_that_never_lets_go_fills_no_disk);
	tcase_add_test(cases, what_is_past_its_retention_goes);
	tcase_add_test(cases, a_damaged_database_is_put_aside);
	tcase_add_test(cases, a_database_of_a_newer_version_is_put_aside_whole);
	tcase_add_test(cases, a_database_of_an_older_version_is_gone_on_with);
	tcase_add_test(cases, wrong_wirings_read_back_and_repetitions_add_up);
	tcase_add_test(cases, a_row_that_cannot_be_a_wrong_wiring_is_passed_over);
	tcase_add_test(cases, there_may_be_none_yet);
	suite_add_tcase(suite, cases);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
