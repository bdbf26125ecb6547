/*
 * report: findings as JSON, both languages in it, and back, for control answers and --json.
 *
 * A finding as JSON:
 *   {"id","severity":"error"|"warning"|"note","file","line","column","width","excerpt","related":[{"file","line"}],
 *   "en":{"sentence","action"},"ja":{"sentence","action"}}. file is absent when the finding belongs to no
 *   file; line, column, width and excerpt are absent when it belongs to no line. column (from 1) and width
 *   count bytes of the excerpt. Bytes of a file that are not UTF-8 become '?'.
 */
#ifndef WIRE_REPORT_H
#define WIRE_REPORT_H

#include <jansson.h>

#include "base/finding.h"

/* A new JSON array of all findings, in their order. The caller owns the reference. */
json_t *findings_to_json(const struct findings *findings);

enum { REPORT_LINE_MAX = 1 << 24 };	/* larger line numbers are printed without their line */

/*
 * Prints the findings of such an array as finding_render() would have printed the findings it was made of.
 * Foreign bytes: what is not of that form is skipped. array may be NULL.
 */
void findings_render_json(struct buf *out, const json_t *array, enum language language);

#endif
