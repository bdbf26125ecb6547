/* wash_words: our own words between the texts of a mail. They may be imitated by a text; the receipt may not. */
#include "base/finding.h"
#include "mail/wash_work.h"

const struct wash_words wash_words[2] = {
	[LANGUAGE_EN] = {
		.attached_text = "---- attached text: ", .attached_text_end = " ----",
		.attached_unnamed = "---- attached text ----",
		.html = "---- HTML form ----",
		.message = "---- enclosed mail ----",
		.from = "From: ", .to = "To: ", .subject = "Subject: ", .date = "Date: ",
		.undivided = "---- parts that could not be divided ----",
		.report = "---- delivery report ----", .report_header = "---- header of the returned mail ----",
	},
	[LANGUAGE_JA] = {
		.attached_text = "──── 添付のテキスト: ", .attached_text_end = " ────",
		.attached_unnamed = "──── 添付のテキスト ────",
		.html = "──── HTML 形式の本文 ────",
		.message = "──── 添付されたメール ────",
		.from = "差出人: ", .to = "宛先: ", .subject = "件名: ", .date = "日時: ",
		.undivided = "──── 分割できなかった部分 ────",
		.report = "──── 配送状況の通知 ────", .report_header = "──── 返送されたメールのヘッダー ────",
	},
};
