/* command: what the commands of sekisho share. */
#include "sekisho/command.h"

#include <assert.h>
#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/date.h"
#include "base/width.h"
#include "kernel/links.h"
#include "kernel/nfnl.h"
#include "kernel/view.h"
#include "sekisho/control.h"
#include "sekisho/grid.h"
#include "wire/report.h"

void context_free(struct context *context)
{
	for (size_t i = 0; i < context->generation_count; i++)
		generation_free(context->generations[i]);
	buf_free(&context->out);
	buf_free(&context->complaint);
	arena_free(context->arena);
}

const char *phrase(const struct context *context, const char *en, const char *ja)
{
	return context->language == LANGUAGE_JA ? ja : en;
}

static void put_complaint(struct context *context, const char *format, va_list args)
{
	buf_puts(&context->complaint, "sekisho: ");
	buf_put_visible(&context->complaint, span_of(arena_vprintf(context->arena, format, args)));
	buf_putc(&context->complaint, '\n');
}

int complain(struct context *context, const char *en, const char *ja, ...)
{
	va_list args;

	va_start(args, ja);
	put_complaint(context, phrase(context, en, ja), args);
	va_end(args);
	return EXIT_UNABLE;
}

int complain_usage(struct context *context, const char *en, const char *ja, ...)
{
	va_list args;

	va_start(args, ja);
	put_complaint(context, phrase(context, en, ja), args);
	va_end(args);
	buf_printf(&context->complaint, phrase(context, "  > see: sekisho help%s%s\n", "  > 使い方: sekisho help%s%s\n"), context->command ? " " : "",
		   context->command ? context->command : "");
	return EXIT_USAGE;
}

static const struct generation *load(struct context *context, const char *path, const struct generation_world *world)
{
	struct generation *generation = generation_load(path, world);

	assert(context->generation_count < CONTEXT_GENERATIONS_MAX);
	context->generations[context->generation_count++] = generation;
	return generation;
}

const struct generation *load_offline(struct context *context, const char *path)
{
	struct generation_world world = { .now = context->now, .offline = true, .prove = context->prove };

	return load(context, path, &world);
}

const struct generation *load_for_live(struct context *context, const char *path, const struct live *live)
{
	struct mark_book marks = mark_book_of(context->arena, live->snapshot.ruleset, NULL, 0);
	struct generation_world world = { .now = context->now, .links = live->links, .marks = &marks, .prove = context->prove, .routes = context->prove };

	return load(context, path, &world);
}

bool print_findings(struct context *context, const struct generation *generation)
{
	for (size_t i = 0; i < generation->findings.count; i++)
		finding_render(&context->out, &generation->findings, &generation->findings.items[i], context->language);
	return generation->findings.errors > 0;
}

bool is_usable(struct context *context, const char *path, const struct generation *generation)
{
	if (generation->compiled.ruleset)
		return true;
	if (context->json) {
		print_json(context, json_pack("{s:o, s:o}", "file", json_visible(context, path), "findings",
					      findings_to_json(&generation->findings)));
	} else {
		print_findings(context, generation);
		buf_puts(&context->out, phrase(context, "The file has errors; until they are mended there is nothing more to say about it.\n",
					       "ファイルに誤りがあります。直してから、もう一度実行してください。\n"));
	}
	return false;
}

json_t *json_visible(struct context *context, const char *text)
{
	json_t *value = json_string(visible_text(context->arena, span_of(text)));

	return value ? value : json_string("?");
}

const char *date_words(struct context *context, int32_t day)
{
	char text[DATE_WAREKI_TEXT_BYTES];

	return arena_strdup(context->arena, context->language == LANGUAGE_JA ? date_format_wareki(day, text) : date_format(day, text));
}

const char *time_words(struct context *context, int64_t unix_seconds)
{
	int32_t day = date_of_time(unix_seconds);
	int64_t minutes = (unix_seconds - (date_end_time(day) - 86400)) / 60;

	return arena_printf(context->arena, "%s %02d:%02d", date_words(context, day), (int)(minutes / 60), (int)(minutes % 60));
}

void print_json(struct context *context, json_t *value)
{
	char *text = json_dumps(value, JSON_INDENT(2));

	if (!text)
		arena_exhausted();
	buf_puts(&context->out, text);
	buf_putc(&context->out, '\n');
	free(text);
	json_decref(value);
}

static int complain_kernel(struct context *context, int error)
{
	if (error == -EPERM || error == -EACCES)
		return complain(context, "the kernel's rules can be read by root only; run this with sudo",
				"カーネルのルールを読めるのは root だけです。sudo を付けて実行してください");
	return complain(context, "the kernel's rules could not be read: %s",
			"カーネルのルールを読めませんでした: %s", strerror(-error));
}

static int kernel_read(struct context *context, struct live *live)
{
	struct nfnl nfnl;
	int error = nfnl_open(&nfnl);

	if (error)
		return error;
	error = snapshot_read(context->arena, &nfnl, &live->links, (int64_t)time(NULL), NULL, &live->snapshot);
	nfnl_close(&nfnl);
	return error;
}

static int complain_withheld(struct context *context, const struct snapshot *snapshot)
{
	complain(context, "there is something in the kernel's tables that is not of sekisho; have root look: sudo sekisho verify",
		 "カーネルのテーブルに、関所のものでない項目があります。root で確認してください: sudo sekisho verify");
	for (size_t i = 0; i < snapshot->alien_count; i++)
		complain(context, "  %s: %s", "  %s: %s", snapshot->aliens[i].where, snapshot->aliens[i].what);
	return EXIT_REFUSED;
}

/* What the daemon says the kernel holds. */
static int view_read(struct context *context, int kernel_error, struct live *live)
{
	bool withheld = false;
	struct span bytes;
	int error;

	if (control_ask_view(context, &bytes) != 0)
		return complain_kernel(context, kernel_error);
	error = view_unpack(context->arena, bytes, &live->snapshot, &withheld);
	if (error)
		return complain_kernel(context, error);
	live->by_view = true;
	return withheld ? complain_withheld(context, &live->snapshot) : 0;
}

int live_read(struct context *context, struct live *ret_live)
{
	struct live live = { .by_view = false };
	int error, status = 0;

	if (context->live) {
		*ret_live = *context->live;
		return 0;
	}
	error = links_read(context->arena, &live.links);
	if (!error)
		error = kernel_read(context, &live);
	if (error == -EPERM || error == -EACCES)
		status = view_read(context, error, &live);
	else if (error)
		status = complain_kernel(context, error);
	live.read_at = (int64_t)time(NULL);
	*ret_live = live;
	return status;
}
