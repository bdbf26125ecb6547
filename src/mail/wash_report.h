/*
 * wash_report: what a delivery report (RFC 3464) or a receipt (RFC 8098) says, in words. The report itself is shown below.
 *
 *	結果: 配送できませんでした(宛先のアドレスが存在しません): taro@example.jp
 */
#ifndef MAIL_WASH_REPORT_H
#define MAIL_WASH_REPORT_H

#include "base/finding.h"
#include "mail/wash_lines.h"

enum { WASH_REPORT_LINES_MAX = 20, WASH_REPORT_VALUE_BYTES_MAX = 320 };

struct wash_report {
	struct wash_lines lines;
	enum language language;
	struct buf *out;	/* UTF-8, LF; what is written is not filtered */
	uint32_t written;
	struct buf recipient, action, status;	/* of the group at hand */
};

/* At the beginning of a report; the words are appended to out. */
void wash_report_begin(struct wash_report *report, enum language language, struct buf *out);

/* The next piece of it (UTF-8). */
void wash_report_feed(struct wash_report *report, struct span text);

/* It is complete; the memory is given back. */
void wash_report_finish(struct wash_report *report);

#endif
