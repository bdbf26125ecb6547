/*
 * sekisho matrix [--file FILE] [--live]: who may begin to talk to whom, from row to column.
 *
 * --json: {"file", "live", "zones": [names, then "gateway"], "cells": [{"from", "to", "never", "flows",
 * "methods": {"specified": 1, ...}}]}. Methods are those of the zone file, "service" and "egress" for the
 * gateway, and "unknown" for what only the kernel has. Exit status 1: something begins where the law says
 * never, or the kernel has what the file does not know.
 */
#include <getopt.h>

#include "sekisho/grid.h"
#include "sekisho/matrix.h"

struct matrix_options {
	const char *path;
	bool live;
};

static const char *kind_word(size_t kind)
{
	switch (kind) {
	case MATRIX_SERVICE: return "service";
	case MATRIX_EGRESS: return "egress";
	case MATRIX_UNKNOWN: return "unknown";
	default: return method_name((enum method)kind);
	}
}

static const char *kind_label(const struct context *context, size_t kind)
{
	switch (kind) {
	case MATRIX_SERVICE: return phrase(context, "service", "サービス");
	case MATRIX_EGRESS: return phrase(context, "egress", "発信");
	case MATRIX_UNKNOWN: return phrase(context, "not in the file", "ファイルになし");
	default: return method_label((enum method)kind, context->language);
	}
}

static const char *matrix_name(const struct matrix *matrix, size_t index)
{
	return index < matrix->policy->zone_count ? matrix->policy->zones[index].name : "gateway";
}

static const char *cell_text(struct context *context, const struct matrix_cell *cell)
{
	const char *text = NULL;

	if (cell->total == 0)
		return cell->never ? phrase(context, "never", "禁止") : "-";
	for (size_t kind = 0; kind < MATRIX_KIND_COUNT; kind++) {
		if (cell->counts[kind] > 0)
			text = arena_printf(context->arena, "%s%s%s %zu", text ? text : "", text ? phrase(context, ", ", "、") : "",
					    kind_label(context, kind), cell->counts[kind]);
	}
	return cell->never ? arena_printf(context->arena, phrase(context, "NEVER, BUT %s",
			"禁止違反!%s"), text) : text;
}

static void print_matrix(struct context *context, const struct matrix *matrix)
{
	struct grid grid = grid_make(context->arena, matrix->size + 1);

	grid_add(&grid, phrase(context, "FROM \\ TO", "から \\ へ"));
	for (size_t to = 0; to < matrix->size; to++)
		grid_add(&grid, matrix_name(matrix, to));
	for (size_t from = 0; from < matrix->size; from++) {
		grid_add(&grid, matrix_name(matrix, from));
		for (size_t to = 0; to < matrix->size; to++)
			grid_add(&grid, from + 1 == matrix->size && to == from ? "" : cell_text(context, &matrix->cells[from * matrix->size + to]));
	}
	grid_print(&context->out, &grid, 0);
	buf_puts(&context->out, phrase(context,
		"\nNumbers count open flows by method. \"-\": nothing may begin. never: the law of the three tiers, no flow can change it.\n",
		"\n数は有効な通信許可の件数です。「-」は許可なし、「禁止」は三層の分離の原則により許可できない組み合わせです。\n"));
}

static json_t *cell_to_json(const struct matrix *matrix, size_t from, size_t to)
{
	const struct matrix_cell *cell = &matrix->cells[from * matrix->size + to];
	json_t *methods = json_object();

	for (size_t kind = 0; kind < MATRIX_KIND_COUNT; kind++) {
		if (cell->counts[kind] > 0)
			json_object_set_new(methods, kind_word(kind), json_integer((json_int_t)cell->counts[kind]));
	}
	return json_pack("{s:s, s:s, s:b, s:I, s:o}", "from", matrix_name(matrix, from), "to", matrix_name(matrix, to), "never", cell->never,
			 "flows", (json_int_t)cell->total, "methods", methods);
}

static void print_matrix_json(struct context *context, const struct matrix *matrix, const struct matrix_options *options)
{
	json_t *zones = json_array(), *cells = json_array();

	for (size_t from = 0; from < matrix->size; from++) {
		json_array_append_new(zones, json_string(matrix_name(matrix, from)));
		for (size_t to = 0; to < matrix->size; to++) {
			if (from + 1 < matrix->size || to != from)
				json_array_append_new(cells, cell_to_json(matrix, from, to));
		}
	}
	print_json(context, json_pack("{s:o, s:b, s:o, s:o}", "file", json_visible(context, options->path), "live", options->live, "zones", zones,
				      "cells", cells));
}

/* True when nothing begins that must not, and nothing is there that the file does not know. */
static bool is_as_it_should(const struct matrix *matrix)
{
	bool fine = matrix->stranger == NULL;

	for (size_t i = 0; i < matrix->size * matrix->size; i++)
		fine &= (!matrix->cells[i].never || matrix->cells[i].total == 0) && matrix->cells[i].counts[MATRIX_UNKNOWN] == 0;
	return fine;
}

static int parse_options(struct context *context, int argc, char **argv, struct matrix_options *ret_options)
{
	static const struct option options[] = {
		{ "file", required_argument, NULL, 'f' }, { "live", no_argument, NULL, 'l' }, { NULL, 0, NULL, 0 },
	};
	struct matrix_options result = { .path = context->config_path };
	int option;

	optind = 0;
	while ((option = getopt_long(argc, argv, "", options, NULL)) >= 0) {
		if (option == 'f')
			result.path = optarg;
		else if (option == 'l')
			result.live = true;
		else
			return complain_usage(context, "matrix: unknown option, or one without its value",
					      "matrix: 知らないオプションか、値のないオプションがあります");
	}
	if (optind < argc)
		return complain_usage(context, "matrix: unexpected word \"%s\"",
				"matrix: 余分な語「%s」があります", argv[optind]);
	*ret_options = result;
	return 0;
}

static int make_matrix(struct context *context, const struct matrix_options *options, struct matrix *ret_matrix)
{
	const struct generation *generation;
	struct live live;
	int status;

	if (!options->live) {
		generation = load_offline(context, options->path);
		if (!is_usable(context, options->path, generation))
			return EXIT_REFUSED;
		*ret_matrix = matrix_of_file(context->arena, generation);
		return 0;
	}
	status = live_read(context, &live);
	if (status)
		return status;
	if (!live.snapshot.ruleset)
		return complain(context, "the kernel holds no rules of sekisho",
				"カーネルに関所のルールはありません");
	generation = load_for_live(context, options->path, &live);
	if (!is_usable(context, options->path, generation))
		return EXIT_REFUSED;
	*ret_matrix = matrix_of_kernel(context->arena, generation, live.snapshot.ruleset, context->now);
	if (live.snapshot.alien_count > 0)
		complain(context, "the kernel's tables hold %zu things that are not of sekisho; see: sekisho show --nft",
			 "カーネルのテーブルに、関所のものでない項目が %zu 件あります。sekisho show --nft で確認してください", live.snapshot.alien_count);
	return 0;
}

int command_matrix(struct context *context, int argc, char **argv)
{
	struct matrix_options options = { .path = NULL };
	struct matrix matrix = { .size = 0 };
	int status = parse_options(context, argc, argv, &options);

	if (!status)
		status = make_matrix(context, &options, &matrix);
	if (status)
		return status;
	if (context->json)
		print_matrix_json(context, &matrix, &options);
	else
		print_matrix(context, &matrix);
	if (matrix.stranger)
		complain(context, "the kernel has a map of zones that the file does not know: %s",
				"ファイルにないゾーンの対応表がカーネルにあります: %s",
			 matrix.stranger);
	return is_as_it_should(&matrix) ? EXIT_FINE : EXIT_REFUSED;
}
