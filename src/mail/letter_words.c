/*
 * letter_words: the sentences of a composed message that are ours. Constants only; what a stranger wrote is put beside them,
 * never into them.
 */
#include "mail/letter.h"

#define SENTENCE(name, en, ja) { .id = name, .text = { [LANGUAGE_EN] = en, [LANGUAGE_JA] = ja } }
#define COUNTED(name, en, ja) { .id = name, .counted = true, .text = { [LANGUAGE_EN] = en, [LANGUAGE_JA] = ja } }
#define DETAILED(name, en, ja) { .id = name, .detailed = true, .text = { [LANGUAGE_EN] = en, [LANGUAGE_JA] = ja } }
#define BOTH(name, en, ja) { .id = name, .counted = true, .detailed = true, .text = { [LANGUAGE_EN] = en, [LANGUAGE_JA] = ja } }

const struct letter_sentence letter_reasons[LETTER_REASON_COUNT] = {
	[LETTER_REASON_ATTACHMENT] = SENTENCE("attachment", "attached file",
		"添付ファイルのため"),
	[LETTER_REASON_INLINE] = SENTENCE("inline", "picture or object inside the text",
		"本文に埋め込まれた画像などのため"),
	[LETTER_REASON_TEXT_KIND] = SENTENCE("text-kind", "text of a kind that is not shown",
		"本文として表示しない形式の文書のため"),
	[LETTER_REASON_TRUNCATED] = SENTENCE("truncated", "long text, shown up to the limit",
		"長い本文のため、上限まで表示しています"),
	[LETTER_REASON_BINARY] = SENTENCE("binary", "declared as text but not text",
		"文書と申告されていますが、文字ではないデータのため"),
	[LETTER_REASON_ALTERNATIVE] = SENTENCE("alternative", "another form of the text that is shown",
		"表示した本文と同じ内容の別形式のため"),
	[LETTER_REASON_UNDECODABLE] = SENTENCE("undecodable", "unknown or damaged encoding",
		"符号化方式が不明か、データが壊れているため"),
	[LETTER_REASON_AMBIGUOUS] = SENTENCE("ambiguous", "contradictory headers: programs would disagree about what this is",
		"ヘッダーが矛盾しており、ソフトウェアによって解釈が変わるため"),
	[LETTER_REASON_DEPTH] = SENTENCE("depth", "nested too deeply",
		"入れ子が深すぎるため"),
	[LETTER_REASON_MESSAGE] = SENTENCE("message", "enclosed mail that is not shown",
		"表示しない転送メール(メールの添付)のため"),
	[LETTER_REASON_PARTIAL] = SENTENCE("partial", "piece of a divided mail",
		"分割送信されたメールの一部のため"),
	[LETTER_REASON_EXTERNAL] = SENTENCE("external", "refers to content stored elsewhere",
		"内容が外部に置かれているため"),
	[LETTER_REASON_TNEF] = SENTENCE("tnef", "winmail.dat: the sender used Outlook rich text",
		"winmail.dat のため(送信者が Outlook のリッチテキスト形式で送信しています)"),
	[LETTER_REASON_SIGNATURE] = SENTENCE("signature", "digital signature",
		"電子署名のデータのため"),
	[LETTER_REASON_SIGNED] = SENTENCE("signed", "content wrapped in a digital signature",
		"内容が電子署名で包まれているため"),
	[LETTER_REASON_ENCRYPTED] = SENTENCE("encrypted", "encrypted (S/MIME or PGP)",
		"暗号化(S/MIME または PGP)されているため"),
	[LETTER_REASON_ENCRYPTED_ARCHIVE] = SENTENCE("encrypted-archive", "file with a password (archive or document)",
		"パスワード付きのファイル(圧縮ファイルや文書)のため"),
	[LETTER_REASON_UUENCODE] = SENTENCE("uuencode", "file written into the text (uuencode or similar)",
		"本文に書き込まれたファイル(uuencode など)のため"),
	[LETTER_REASON_CALENDAR] = SENTENCE("calendar", "invitation (calendar data)",
		"予定表のデータ(会議出席依頼など)のため"),
};

const struct letter_sentence letter_notes[LETTER_NOTE_COUNT] = {
	[LETTER_NOTE_FROM_MISSING] = SENTENCE("from-missing", "The mail names no sender that can be shown",
		"差出人の記載がないか、表示できない形式です"),
	[LETTER_NOTE_FROM_SEVERAL] = BOTH("from-several", "Senders that are not shown",
		"表示していない差出人があります"),
	[LETTER_NOTE_ADDRESS_ODD] = BOTH("address-odd", "Addresses that cannot be shown as such",
		"宛先欄などに、アドレスとして表示できないものがあります"),
	[LETTER_NOTE_NAME_IMITATES] = COUNTED("name-imitates", "Display names that contain an address; beware of imitation",
		"表示名にメールアドレスが含まれています。なりすましに注意してください"),
	[LETTER_NOTE_HEADER_TWICE] = BOTH("header-twice", "Repeated header, the first one is shown",
		"同じヘッダーが重複しています。最初のものを表示しています"),
	[LETTER_NOTE_DATE_ODD] = DETAILED("date-odd", "The date cannot be read; the time of arrival is shown instead",
		"送信日時が読み取れないため、受信日時を表示しています"),
	[LETTER_NOTE_MESSAGE_ID_ODD] = DETAILED("message-id-odd", "The Message-ID breaks the rules and was replaced",
		"Message-ID が規則に合わないため、付け直しました"),
	[LETTER_NOTE_CHARSET] = DETAILED("charset", "The declared character set does not fit the text",
		"申告された文字コードと実際の文字コードが異なります"),
	[LETTER_NOTE_LINK_MISMATCH] = COUNTED("link-mismatch", "Links that show another address than they lead to",
		"表示と異なる接続先へのリンクがあります"),
	[LETTER_NOTE_HIDDEN_TEXT] = COUNTED("hidden-text", "Text the sender had made invisible is shown",
		"送信者が見えないようにしていた文字を表示しています"),
	[LETTER_NOTE_ALTERNATIVES_DIFFER] = SENTENCE("alternatives-differ", "Text and HTML of the mail differ; both are shown",
		"テキスト形式と HTML 形式の内容が異なるため、両方を表示しています"),
	[LETTER_NOTE_SIGNATURE_LOST] = SENTENCE("signature-lost", "The digital signature was removed and cannot be checked here",
		"電子署名を取り除いたため、ここでは署名を検証できません"),
	[LETTER_NOTE_PREAMBLE] = COUNTED("preamble", "Bytes outside of all parts are not shown",
		"どのパートにも属さないデータ(バイト数)は表示していません"),
	[LETTER_NOTE_STRUCTURE] = SENTENCE("structure", "The structure of the mail is damaged or contradictory",
		"メールの構造が壊れているか、矛盾しています"),
	[LETTER_NOTE_BIDI] = COUNTED("bidi", "Characters that change the direction of writing were removed",
		"文字の並び方向を変える制御文字を取り除きました"),
	[LETTER_NOTE_NAMES_DIFFER] = DETAILED("names-differ", "A file has another name as well",
		"ファイルに別の名前も付いています"),
	[LETTER_NOTE_FROM_OWN_DOMAIN] = SENTENCE("from-own-domain",
		"The sender uses an address of this organization, but the mail came from outside; beware of imitation",
		"差出人は当団体のアドレスを名乗っていますが、外部から届いたメールです。なりすましに注意してください"),
	[LETTER_NOTE_HEADER_LIMIT] = SENTENCE("header-limit", "A header exceeds a limit; the rest of it was not read",
		"ヘッダーが上限を超えているため、一部を読み取っていません"),
	[LETTER_NOTE_DAMAGED] = COUNTED("damaged", "Parts whose encoding is damaged; they may be incomplete",
		"符号化が壊れている部分があり、内容が欠けている可能性があります"),
};

const struct letter_sentence letter_stubs[LETTER_STUB_COUNT] = {
	[LETTER_STUB_LIMIT] = SENTENCE("limit",
		"The mail exceeds a limit (size, number of parts, nesting or headers), so its text was not taken over.",
		"メールが上限(大きさ、パートの数、入れ子の深さ、ヘッダーの量)を超えているため、本文を取り込めませんでした。"),
	[LETTER_STUB_TIMEOUT] = SENTENCE("timeout",
		"The mail took too long to process, so its text was not taken over.",
		"処理に時間がかかりすぎたため、本文を取り込めませんでした。"),
	[LETTER_STUB_DIED] = SENTENCE("washer-died",
		"The program that takes mail apart failed on this mail, so its text was not taken over.",
		"メールを分解する処理が異常終了したため、本文を取り込めませんでした。"),
	[LETTER_STUB_REFUSED] = SENTENCE("letter-refused",
		"The result of taking the mail apart was not acceptable, so its text was not taken over.",
		"分解した結果が受け入れ条件を満たさなかったため、本文を取り込めませんでした。"),
};

const char *const letter_counter_names[LETTER_COUNTERS] = {
	[LETTER_COUNT_PARTS] = "parts", [LETTER_COUNT_ROWS_OMITTED] = "rows-omitted",
	[LETTER_COUNT_ADDRESSES_OMITTED] = "addresses-omitted", [LETTER_COUNT_TEXT_OMITTED_BYTES] = "text-omitted",
	[LETTER_COUNT_REPLACED] = "replaced", [LETTER_COUNT_REMOVED] = "removed", [LETTER_COUNT_LINKS] = "links",
	[LETTER_COUNT_ROWS_OMITTED_BYTES] = "rows-omitted-bytes",
};

const char *const letter_verdict_names[LETTER_VERDICTS] = {
	[LETTER_VERDICT_NONE] = "none", [LETTER_VERDICT_PASS] = "pass", [LETTER_VERDICT_FAIL] = "fail",
	[LETTER_VERDICT_SOFTFAIL] = "softfail", [LETTER_VERDICT_NEUTRAL] = "neutral",
	[LETTER_VERDICT_TEMPERROR] = "temperror", [LETTER_VERDICT_PERMERROR] = "permerror",
};

const char *const letter_method_names[LETTER_METHODS] = {
	[LETTER_METHOD_SPF] = "spf", [LETTER_METHOD_DKIM] = "dkim", [LETTER_METHOD_DMARC] = "dmarc",
	[LETTER_METHOD_SPAM] = "x-spam",
};

const struct letter_words letter_words[2] = {
	[LANGUAGE_EN] = {
		.notice_id = "[sanitized] original ", .notice_received = ", received ", .notice_bytes = ", ",
		.notice_end = " bytes. The original is kept on the Internet side.",
		.text_omitted_bytes = "... the rest is omitted: ", .text_omitted_end = " bytes",
		.receipt_id = "[receipt] original ", .receipt_count = ": not delivered: ", .receipt_count_end = "",
		.receipt_nothing = ": nothing was removed",
		.row_bytes_end = " bytes", .row_reason = "   reason: ",
		.receipt_forms = ", other forms of the text: ", .receipt_forms_end = "",
		.rows_omitted = "and ", .rows_omitted_bytes = " more (", .rows_omitted_end = " bytes) that are not listed",
		.addresses_omitted = "recipients that are not listed: ", .addresses_omitted_end = "",
		.replaced = "characters that could not be read, shown as 〓: ", .replaced_end = "",
		.notes = "[notes]",
		.stub_subject = "[sanitized] A mail could not be converted", .stub_name = "Mail sanitizing relay",
		.stub_sender = "Sender (envelope): ", .stub_sender_none = "none (an automatic notice)",
		.stub_recipients = "Recipients: ", .stub_recipients_end = "",
		.stub_action = "If you need the content, tell the administrator the number of the original.",
	},
	[LANGUAGE_JA] = {
		.notice_id = "【無害化】原本番号 ", .notice_received = "、受信 ", .notice_bytes = "、原本 ",
		.notice_end = " バイト。原本はインターネット側に保管しています。",
		.text_omitted_bytes = "…以下省略(", .text_omitted_end = " バイト)",
		.receipt_id = "【無害化票】原本番号 ", .receipt_count = "：お届けしていないもの ", .receipt_count_end = " 件",
		.receipt_nothing = "：取り除いたものはありません",
		.row_bytes_end = " バイト", .row_reason = "   理由: ",
		.receipt_forms = "、表示した本文の別形式 ", .receipt_forms_end = " 件",
		.rows_omitted = "ほか ", .rows_omitted_bytes = " 件(", .rows_omitted_end = " バイト)は一覧に載せていません",
		.addresses_omitted = "記載しきれなかった宛先: ", .addresses_omitted_end = " 件",
		.replaced = "読み取れず〓で表示した文字: ", .replaced_end = " 件",
		.notes = "【注記】",
		.stub_subject = "【無害化】変換できなかったメールのお知らせ", .stub_name = "無害化中継",
		.stub_sender = "差出人(封筒): ", .stub_sender_none = "なし(自動通知)",
		.stub_recipients = "宛先: ", .stub_recipients_end = " 件",
		.stub_action = "内容が必要な場合は、原本番号を情報システム担当にお知らせください。",
	},
};
