/*
 * sekisho journal [--since DAY] [--dir DIRECTORY]: prints what was done to the gateway (wire/journal.h).
 * sekisho journal verify [--head HEX] [--dir DIRECTORY]: follows the chain, names every record that was changed, deleted or moved, and prints the
 * chain's head. --head: a head that was kept elsewhere must still be in the chain, which a journal that was cut off or written anew cannot show.
 *
 * --json: the records as an array; verify: {"records", "first", "last", "head", "kept_head", "gaps", "faults" ([{"record", "file", "fault"}])}.
 * Exit status: 0 fine, 1 verify found a fault, 3 the journal could not be read.
 */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/date.h"
#include "sekisho/command.h"
#include "sekisho/grid.h"
#include "sekisho/journal_files.h"
#include "wire/journal.h"

#define JOURNAL_PATH "/var/lib/sekisho/journal"

enum { FILE_BYTES_LIMIT = 64 << 20, REASON_COLUMNS_INDENT = 4, SECONDS_PER_DAY = 24 * 3600 };

struct journal_options {
	const char *directory;
	bool verify;
	int64_t since;			/* Unix time */
	const char *head;		/* NULL: none was given */
};

/* A journal that is being read. */
struct reading {
	struct context *context;
	const struct journal_options *options;
	const char *file;		/* the name of the one at hand */
	struct journal_chain chain;
	json_t *records;		/* --json */
	json_t *faults;
	uint64_t gaps;
	uint64_t retired_to;		/* the last record that the journal says was deleted by itself */
	bool head_seen;
};

/* ---- options */

static int take_since(struct context *context, const char *text, int64_t *ret_since)
{
	int32_t day;

	if (date_parse(text, &day) != 0)
		return complain_usage(context, "journal: \"%s\" is not a day such as 2027-03-31", "journal: 「%s」は日付(2027-03-31 など)ではありません", text);
	*ret_since = date_end_time(day) - SECONDS_PER_DAY;
	return 0;
}

static int take_head(struct context *context, const char *text)
{
	if (strlen(text) == 2 * DIGEST_BYTES && strspn(text, "0123456789abcdef") == 2 * DIGEST_BYTES)
		return 0;
	return complain_usage(context, "journal: a head has 64 hexadecimal digits, not \"%s\"", "journal: --head には 64 桁の 16 進数を指定してください(「%s」)", text);
}

static int take_words(struct context *context, int argc, char **argv, struct journal_options *options)
{
	if (optind < argc && strcmp(argv[optind], "verify") == 0) {
		options->verify = true;
		optind++;
	}
	if (optind < argc)
		return complain_usage(context, "journal: unexpected word \"%s\"", "journal: 余分な語「%s」があります", argv[optind]);
	if (options->head && !options->verify)
		return complain_usage(context, "journal: --head belongs to verify", "journal: --head は verify と一緒に指定してください");
	return 0;
}

static int parse_options(struct context *context, int argc, char **argv, struct journal_options *ret_options)
{
	static const struct option options[] = {
		{ "since", required_argument, NULL, 's' }, { "dir", required_argument, NULL, 'd' }, { "head", required_argument, NULL, 'h' },
		{ NULL, 0, NULL, 0 },
	};
	struct journal_options result = { .directory = JOURNAL_PATH, .since = INT64_MIN };
	int option, status = 0;

	optind = 0;
	while (!status && (option = getopt_long(argc, argv, "", options, NULL)) >= 0) {
		switch (option) {
		case 's': status = take_since(context, optarg, &result.since); break;
		case 'd': result.directory = optarg; break;
		case 'h': result.head = optarg; status = take_head(context, optarg); break;
		default: status = complain_usage(context, "journal: unknown option, or one without its value",
				"journal: 知らないオプションか、値のないオプションがあります");
		}
	}
	if (!status)
		status = take_words(context, argc, argv, &result);
	*ret_options = result;
	return status;
}

/* ---- one record in words */

static const struct event_words {
	const char *event, *en, *ja;
} event_words[] = {
	{ "start", "sekishod starts", "sekishod 起動" },
	{ "stop", "sekishod stops; the rules stay", "sekishod 停止(ルールは有効のまま)" },
	{ "commit", "other rules are in force", "設定を適用" },
	{ "confirm", "a change was confirmed", "変更を確認" },
	{ "return", "a change was not confirmed and went back", "確認されなかったため、変更前に戻した" },
	{ "last-good", "the file could not be put in force; what was in force before is", "ファイルを適用できず、以前の設定で動作" },
	{ "sealed", "sealed: nothing passes", "全遮断(すべての通信を停止)" },
	{ "refused", "an apply was refused", "適用を拒否" },
	{ "propose", "a change was proposed; a second person has to approve it", "変更の提案(二人目の承認待ち)" },
	{ "failed", "an apply came to no end", "適用に失敗" },
	{ "isolate", "a zone is isolated", "ゾーンを遮断" },
	{ "release", "a zone is released", "ゾーンの遮断を解除" },
	{ "drill", "a drill: isolating a zone was tried out", "遮断の訓練(実際には遮断していない)" },
	{ "drift", "somebody changed our rules; not repaired", "ルールが改変された(未修復)" },
	{ "repair", "somebody changed our rules; repaired", "ルールが改変され、修復した" },
	{ "remove", "a table past the rules; removed", "ルールを通らない経路のテーブルを取り除いた" },
	{ "alarm", "alarm", "警報" },
	{ "alarm-over", "an alarm is over", "警報の解消" },
	{ "gap", "records are missing here", "記録の欠落" },
	{ "retired", "old records were deleted", "古い記録を削除" },
	{ "restore", "a backup was restored before this start", "バックアップから復元された状態で起動" },
};

static const char *event_text(const struct context *context, const char *event)
{
	for (size_t i = 0; i < sizeof(event_words) / sizeof(event_words[0]); i++)
		if (strcmp(event_words[i].event, event) == 0)
			return phrase(context, event_words[i].en, event_words[i].ja);
	return event;
}

static const char *who_text(struct context *context, const json_t *who)
{
	const json_t *login = json_object_get(who, "login");
	long long uid = json_integer_value(json_object_get(who, "uid")), pid = json_integer_value(json_object_get(who, "pid"));
	const char *process = json_string_value(json_object_get(who, "process"));

	if (!json_is_object(who))
		return "sekishod";
	if (!json_is_integer(login))
		return arena_printf(context->arena, "uid %lld  %s[%lld]", uid, process ? process : "", pid);
	return arena_printf(context->arena, "uid %lld (login %lld)  %s[%lld]", uid, (long long)json_integer_value(login), process ? process : "", pid);
}

/*
 * Records are written in one language, for whatever reader comes later, and are never written anew. What of their details begins with words of the product is shown in
 * the reader's; the longer one of two that begin alike stands first.
 */
static const struct detail_words {
	const char *written, *ja;
} detail_words[] = {
	{ "opens with the rules that are installed next", "次に設定されるルールとともに開く" },
	{ "opens ", "開いた通信許可: " },
	{ "closes ", "閉じた通信許可: " },
	{ "expires ", "期限切れで閉じた通信許可: " },
	{ "loses-interface ", "インターフェースがなく閉じた通信許可: " },
	{ "changes ", "変わった通信許可: " },
	{ "new-expiry ", "期限が変わった通信許可: " },
	{ "renamed ", "名前が変わった通信許可(旧 to 新): " },
	{ "zone ", "ゾーン: " },
	{ "keeps ", "通し続けるもの: " },
	{ "unknown exception ", "例外として働かない名前: " },
	{ "interfaces that are cut off now: ", "遮断中のインターフェース: " },
	{ "in force after ", "遮断までの時間: " },
	{ "failed; nothing is forwarded", "失敗。何も転送していない" },
	{ "interfaces, date or a new enforcer", "インターフェースか日付の変化、または enforcer の再起動" },
	{ "not confirmed", "確認されなかったため" },
	{ "start", "起動" },
};

/* The detail, or a reason that is the daemon's own, in the reader's language. */
static const char *detail_text(struct context *context, const char *written)
{
	unsigned int added, deleted, rules;

	if (context->language != LANGUAGE_JA)
		return written;
	if (sscanf(written, "elements: %u added, %u deleted; rules written: %u", &added, &deleted, &rules) == 3)
		return arena_printf(context->arena, "要素: 追加 %u、削除 %u。ルールの書き込み: %u", added, deleted, rules);
	for (size_t i = 0; i < sizeof(detail_words) / sizeof(detail_words[0]); i++) {
		size_t length = strlen(detail_words[i].written);

		if (strncmp(written, detail_words[i].written, length) == 0)
			return arena_printf(context->arena, "%s%s", detail_words[i].ja, written + length);
	}
	return written;
}

static void print_text(struct context *context, const char *label, const char *text)
{
	if (text && text[0])
		buf_printf(&context->out, "%*s%s%s\n", REASON_COLUMNS_INDENT, "", label, visible_text(context->arena, span_of(text)));
}

static void print_record(struct context *context, const struct journal_line *line)
{
	const char *clock = json_string_value(json_object_get(line->root, "clock"));
	const json_t *details = json_object_get(line->root, "details"), *detail, *who = json_object_get(line->root, "who");
	const char *reason = json_string_value(json_object_get(line->root, "reason"));
	size_t i;

	buf_printf(&context->out, "%llu  %s%s  %s  [%s]\n", (unsigned long long)line->number, time_words(context, line->time),
		   clock && strcmp(clock, "free") == 0 ? phrase(context, " (clock not synchronised)", "(時計は未同期)") : "",
		   visible_text(context->arena, span_of(event_text(context, line->event))),
		   visible_text(context->arena, span_of(who_text(context, who))));
	print_text(context, phrase(context, "reason: ", "理由: "), reason && !json_is_object(who) ? detail_text(context, reason) : reason);
	print_text(context, phrase(context, "before: ", "変更前: "), json_string_value(json_object_get(line->root, "before")));
	print_text(context, phrase(context, "after:  ", "変更後: "), json_string_value(json_object_get(line->root, "after")));
	json_array_foreach(details, i, detail)
		if (json_is_string(detail))
			print_text(context, "- ", detail_text(context, json_string_value(detail)));
}

/* ---- reading */

static const char *const fault_words[][3] = {
	[JOURNAL_UNREADABLE] = { "unreadable", "is not a record", "記録として読めません" },
	[JOURNAL_MISNUMBERED] = { "misnumbered", "is not the next one: records were deleted, repeated or moved",
				  "番号が続いていません(削除・重複・入れ替え)" },
	[JOURNAL_UNCHAINED] = { "unchained", "does not fit to the one before: one of the two was changed", "直前の記録と一致しません(どちらかが書き換えられています)" },
};

static void note_fault(struct reading *reading, uint64_t number, enum journal_fault fault)
{
	struct context *context = reading->context;
	const char *const *words = fault_words[fault];

	json_array_append_new(reading->faults, json_pack("{s:I,s:o,s:s}", "record", (json_int_t)number, "file", json_visible(context, reading->file),
							 "fault", words[0]));
	if (!context->json && reading->options->verify)
		buf_printf(&context->out, phrase(context, "%s: record %llu %s\n", "%s: 記録 %llu: %s\n"), visible_text(context->arena, span_of(reading->file)),
			   (unsigned long long)number, phrase(context, words[1], words[2]));
}

/* The last record that a record of a deletion names. */
static void note_retired(struct reading *reading, const json_t *details)
{
	const char *text = json_string_value(json_array_get(details, 0));
	unsigned long long first, last;

	if (text && sscanf(text, "records %llu to %llu were deleted", &first, &last) == 2 && last > reading->retired_to)
		reading->retired_to = last;
}

static void take_record(struct reading *reading, struct journal_line *line)
{
	if (strcmp(line->event, journal_event_word(JOURNAL_GAP)) == 0)
		reading->gaps++;
	if (strcmp(line->event, journal_event_word(JOURNAL_RETIRED)) == 0)
		note_retired(reading, json_object_get(line->root, "details"));
	if (!reading->options->verify && line->time >= reading->options->since) {
		if (reading->context->json)
			json_array_append(reading->records, line->root);
		else
			print_record(reading->context, line);
	}
	json_decref(line->root);
}

static void take_line(struct reading *reading, struct span text)
{
	struct journal_line line;
	char head[DIGEST_TEXT_BYTES];
	uint64_t number;
	enum journal_fault fault = journal_chain_follow(&reading->chain, text, &number);

	if (fault != JOURNAL_SOUND)
		note_fault(reading, number ? number : reading->chain.last, fault);
	if (reading->options->head && strcmp(digest_hex(reading->chain.head, DIGEST_BYTES, head), reading->options->head) == 0)
		reading->head_seen = true;
	if (journal_line_parse(text, &line) == 0)
		take_record(reading, &line);
}

static int complain_reading(struct context *context, const char *path, int error)
{
	if (error == -EACCES || error == -EPERM)
		return complain(context, "only root and the groups sekisho-auditor and sekisho-operator may read the journal; run this with sudo",
				"操作の記録を読めるのは、root かグループ sekisho-auditor、sekisho-operator の利用者だけです。sudo を付けて実行してください");
	return complain(context, "the journal %s could not be read: %s", "記録 %s を読み込めませんでした: %s", path, strerror(-error));
}

static int take_file(struct reading *reading, const char *name)
{
	__attribute__((cleanup(arena_freep))) struct arena *arena = arena_new();
	const char *path = arena_printf(arena, "%s/%s", reading->options->directory, name);
	struct source source;
	int error = source_read(arena, path, FILE_BYTES_LIMIT, &source);
	size_t begin = 0;

	if (error)
		return complain_reading(reading->context, path, error);
	reading->file = name;
	while (begin < source.length) {
		const char *end = memchr(source.text + begin, '\n', source.length - begin);
		size_t stop = end ? (size_t)(end - source.text) : source.length;

		take_line(reading, (struct span){ .data = source.text + begin, .length = stop - begin });
		begin = stop + 1;
	}
	return 0;
}

static int read_all(struct reading *reading)
{
	const char *const *names;
	size_t count;
	int error = journal_files(reading->context->arena, reading->options->directory, &names, &count), status = 0;

	if (error)
		return complain_reading(reading->context, reading->options->directory, error);
	for (size_t i = 0; !status && i < count; i++)
		status = take_file(reading, names[i]);
	return status;
}

/* ---- verify */

/* What only the whole shows: that the beginning is there, and a head that was kept. */
static void judge_whole(struct reading *reading)
{
	struct context *context = reading->context;
	const struct journal_chain *chain = &reading->chain;

	if (chain->first > 1 && chain->first - 1 > reading->retired_to) {
		reading->file = "";
		json_array_append_new(reading->faults, json_pack("{s:I,s:s,s:s}", "record", (json_int_t)chain->first, "file", "", "fault", "beginning-missing"));
		if (!context->json)
			buf_printf(&context->out, phrase(context, "the records before %llu are missing, and no record says why\n",
							 "記録 %llu より前がなく、削除の記録もありません\n"), (unsigned long long)chain->first);
	}
	if (!reading->options->head || reading->head_seen)
		return;
	json_array_append_new(reading->faults, json_pack("{s:I,s:s,s:s}", "record", (json_int_t)chain->last, "file", "", "fault", "head-missing"));
	if (!context->json)
		buf_puts(&context->out, phrase(context, "the head that was kept is not in the chain: the end was cut off, or the journal was written anew\n",
					       "控えのチェーン先端が記録にありません(末尾が切り取られたか、記録全体が作り直されています)\n"));
}

static void print_verdict(struct reading *reading)
{
	struct context *context = reading->context;
	const struct journal_chain *chain = &reading->chain;
	char head[DIGEST_TEXT_BYTES];

	digest_hex(chain->head, DIGEST_BYTES, head);
	if (context->json) {
		print_json(context, json_pack("{s:I,s:I,s:I,s:s,s:o,s:I,s:O}", "records", (json_int_t)chain->count, "first", (json_int_t)chain->first,
					      "last", (json_int_t)chain->last, "head", head, "kept_head",
					      reading->options->head ? json_boolean(reading->head_seen) : json_null(), "gaps", (json_int_t)reading->gaps,
					      "faults", reading->faults));
		return;
	}
	buf_printf(&context->out, phrase(context, "%llu records (%llu to %llu), %llu gaps, %zu faults\nhead of the chain: %s\n",
					 "記録 %llu 件(%llu から %llu)、欠落 %llu 件、異常 %zu 件\nチェーンの先端: %s\n"),
		   (unsigned long long)chain->count, (unsigned long long)chain->first, (unsigned long long)chain->last, (unsigned long long)reading->gaps,
		   json_array_size(reading->faults), head);
}

/* What was found, and the exit status. */
static int conclude(struct reading *reading)
{
	struct context *context = reading->context;

	if (!reading->options->verify) {
		if (context->json)
			print_json(context, json_incref(reading->records));
		if (json_array_size(reading->faults) > 0)
			complain(context, "the journal has faults: sekisho journal verify", "記録に異常があります。sekisho journal verify で確認してください");
		return EXIT_FINE;
	}
	judge_whole(reading);
	print_verdict(reading);
	return json_array_size(reading->faults) > 0 ? EXIT_REFUSED : EXIT_FINE;
}

int command_journal(struct context *context, int argc, char **argv)
{
	struct journal_options options;
	struct reading reading = { .context = context, .options = &options };
	int status = parse_options(context, argc, argv, &options);

	if (status)
		return status;
	reading.records = json_array();
	reading.faults = json_array();
	status = read_all(&reading);
	if (!status)
		status = conclude(&reading);
	json_decref(reading.records);
	json_decref(reading.faults);
	return status;
}
