/* catalogue: the sentences of the ruleset floor. */
#include "ruleset/catalogue.h"

/*
 * Every fault of the audit has the same next step: nothing was changed, and the cause is a fault or an
 * intruder in the machine itself.
 */
#define AUDIT_ACTION_EN \
	"The kernel was left as it is. Restart sekishod; if this comes back, suspect tampering and call those who maintain the machine."
#define AUDIT_ACTION_JA \
	"カーネルのルールは変更していません。sekishod を再起動してください。再発する場合は改ざんの疑いがあるため、保守業者に連絡してください。"

const struct finding_kind ruleset_catalogue[RULESET_FINDING_COUNT] = {
	[RULESET_AUDIT_PROGRAM_DIFFERS] = {
		.id = "audit-program-differs", .severity = SEVERITY_ERROR,
		.en = "The ruleset is not the one that follows from the zones of this machine: {0} differs.",
		.ja = "ルールセットが、この装置のゾーン定義から導かれるものと一致しません(相違箇所:{0})。",
		.action_en = AUDIT_ACTION_EN, .action_ja = AUDIT_ACTION_JA,
	},
	[RULESET_AUDIT_PAIR_UNKNOWN] = {
		.id = "audit-pair-unknown", .severity = SEVERITY_ERROR,
		.en = "The ruleset opens a path that belongs to no pair of zones: {0}.",
		.ja = "ルールセットに、どのゾーンの組にも属さない経路があります({0})。",
		.action_en = AUDIT_ACTION_EN, .action_ja = AUDIT_ACTION_JA,
	},
	[RULESET_AUDIT_PAIR_FORBIDDEN] = {
		.id = "audit-pair-forbidden", .severity = SEVERITY_ERROR,
		.en = "The ruleset joins {0} and {1}: the My Number tier and the Internet tier must never meet.",
		.ja = "ルールセットが {0} と {1} をつないでいます。マイナンバー利用事務系とインターネット接続系の通信は認められません。",
		.action_en = AUDIT_ACTION_EN, .action_ja = AUDIT_ACTION_JA,
	},
	[RULESET_AUDIT_REJECT_FORBIDDEN] = {
		.id = "audit-reject-forbidden", .severity = SEVERITY_ERROR,
		.en = "The ruleset answers refused packets from {0} to {1}: between tiers the gateway keeps silent.",
		.ja = "ルールセットが {0} から {1} への遮断に応答を返します。領域をまたぐ遮断では応答を返してはいけません。",
		.action_en = AUDIT_ACTION_EN, .action_ja = AUDIT_ACTION_JA,
	},
	[RULESET_AUDIT_LIVE_FORBIDDEN] = {
		.id = "audit-live-forbidden", .severity = SEVERITY_ERROR,
		.en = "The set {0} holds {1}, an open connection path that no flow between these interfaces accounts for.",
		.ja = "集合 {0} に、通信許可の裏付けがない通信路 {1} があります。",
		.action_en = AUDIT_ACTION_EN, .action_ja = AUDIT_ACTION_JA,
	},
	[RULESET_AUDIT_MARK_INVALID] = {
		.id = "audit-mark-invalid", .severity = SEVERITY_ERROR,
		.en = "The map {0} gives a mark that no flow may have: {1}.",
		.ja = "対応表 {0} に、通信許可には使えないマークがあります({1})。",
		.action_en = AUDIT_ACTION_EN, .action_ja = AUDIT_ACTION_JA,
	},
	[RULESET_AUDIT_MARK_SHARED] = {
		.id = "audit-mark-shared", .severity = SEVERITY_ERROR,
		.en = "The mark {0} is given by both {1} and {2}: a mark must stand for one flow only.",
		.ja = "マーク {0} が {1} と {2} の両方で使われています。一つのマークは一つの通信許可だけを表さなければなりません。",
		.action_en = AUDIT_ACTION_EN, .action_ja = AUDIT_ACTION_JA,
	},
	[RULESET_AUDIT_ELEMENT_FOREIGN] = {
		.id = "audit-element-foreign", .severity = SEVERITY_ERROR,
		.en = "The set {0} names an interface that belongs to no zone: {1}.",
		.ja = "集合 {0} に、どのゾーンにも属さないインターフェースを指す項目があります({1})。",
		.action_en = AUDIT_ACTION_EN, .action_ja = AUDIT_ACTION_JA,
	},
	[RULESET_AUDIT_PROTOCOL_UNFIT] = {
		.id = "audit-protocol-unfit", .severity = SEVERITY_ERROR,
		.en = "The map {0} holds a protocol that it must not hold: {1}. Its ports would not be looked at, or are no ports.",
		.ja = "対応表 {0} に、置いてはならないプロトコルがあります({1})。ポートが正しく検査されなくなります。",
		.action_en = AUDIT_ACTION_EN, .action_ja = AUDIT_ACTION_JA,
	},
	[RULESET_AUDIT_MAIL_PORT] = {
		.id = "audit-mail-port", .severity = SEVERITY_ERROR,
		.en = "The map {0} lets mail pass directly between the LGWAN tier and the Internet tier: {1}.",
		.ja = "対応表 {0} が、LGWAN接続系とインターネット接続系の間でメールを直接通します({1})。",
		.action_en = AUDIT_ACTION_EN, .action_ja = AUDIT_ACTION_JA,
	},
	[RULESET_AUDIT_SPECIFIED_WIDE] = {
		.id = "audit-specified-wide", .severity = SEVERITY_ERROR,
		.en = "The map {0} opens the My Number tier to more than one source, destination, protocol and port: {1}.",
		.ja = "マイナンバー利用事務系に関わる対応表 {0} で、送信元・宛先・プロトコル・ポートが一つに定まっていません({1})。",
		.action_en = AUDIT_ACTION_EN, .action_ja = AUDIT_ACTION_JA,
	},
	[RULESET_AUDIT_SPECIFIED_UNBOUND] = {
		.id = "audit-specified-unbound", .severity = SEVERITY_ERROR,
		.en = "The map {0} opens the My Number tier to a host whose Ethernet address (MAC) is not checked: {1}.",
		.ja = "マイナンバー利用事務系に関わる対応表 {0} に、MAC アドレスを照合しない相手があります({1})。",
		.action_en = AUDIT_ACTION_EN, .action_ja = AUDIT_ACTION_JA,
	},
	[RULESET_AUDIT_SOURCE_AMBIGUOUS] = {
		.id = "audit-source-ambiguous", .severity = SEVERITY_ERROR,
		.en = "The addresses {0} are accepted as senders both in {1} and in {2}.",
		.ja = "アドレス {0} が、{1} と {2} の両方で送信元として認められています。",
		.action_en = AUDIT_ACTION_EN, .action_ja = AUDIT_ACTION_JA,
	},
	[RULESET_AUDIT_MORE] = {
		.id = "audit-more", .severity = SEVERITY_NOTE,
		.en = "{1} more of the kind {0} are not shown.",
		.ja = "{0} の指摘はほかに {1} 件ありますが、表示を省略しました。",
		.action_en = "", .action_ja = "",
	},
	[RULESET_COMPILE_MANY_RANGES] = {
		.id = "compile-many-ranges", .severity = SEVERITY_WARNING,
		.en = "The flows need {0} address and port ranges; beyond {1}, packets and changes get slower.",
		.ja = "通信許可に必要なアドレスやポートの範囲が {0} 個あります。{1} 個を超えると、転送と設定変更が遅くなります。",
		.action_en = "Name single hosts and single ports where possible, or join neighbouring ranges.",
		.action_ja = "できるだけ個別のホストと個別のポートで書くか、隣り合う範囲をまとめてください。",
	},
	[RULESET_COMPILE_TOO_MANY_RANGES] = {
		.id = "compile-too-many-ranges", .severity = SEVERITY_ERROR,
		.en = "The flows need {0} address and port ranges; at most {1} can be installed.",
		.ja = "通信許可に必要なアドレスやポートの範囲が {0} 個あります。設定できるのは {1} 個までです。",
		.action_en = "Join neighbouring ranges and remove flows that overlap others; the policy in force stays as it is.",
		.action_ja = "隣り合う範囲をまとめ、重なり合う通信許可を整理してください。現在のポリシーはそのまま有効です。",
	},
	[RULESET_COMPILE_MARKS_EXHAUSTED] = {
		.id = "compile-marks-exhausted", .severity = SEVERITY_ERROR,
		.en = "No free mark is left for the flow {0}: running connections still hold them all.",
		.ja = "通信許可 {0} に割り当てるマークがありません。残っている接続がすべてのマークを使っています。",
		.action_en = "Apply again when old connections have ended; the policy in force stays as it is.",
		.action_ja = "古い接続が終わってから、もう一度適用してください。現在のポリシーはそのまま有効です。",
	},
	[RULESET_COMPILE_INTERFACE_MISSING] = {
		.id = "compile-interface-missing", .severity = SEVERITY_WARNING,
		.en = "The interface {0} of the zone {1} does not exist now; the zone is closed there.",
		.ja = "ゾーン {1} のインターフェース {0} が現在ありません。このインターフェースでの通信は閉じています。",
		.action_en = "Check the cable, the driver and the name; it opens by itself when the interface appears.",
		.action_ja = "配線、ドライバー、名前を確認してください。インターフェースが現れると自動的に開きます。",
	},
	[RULESET_COMPILE_CRITICAL_CLOSED] = {
		.id = "compile-critical-closed", .severity = SEVERITY_WARNING,
		.en = "The critical flow {0} is closed now: a zone at one of its ends has no interface.",
		.ja = "止めてはならない通信許可 {0} が閉じています。両端のゾーンのどちらかにインターフェースがありません。",
		.action_en = "Bring the interface back; the flow opens by itself when it appears.",
		.action_ja = "インターフェースを復旧してください。現れると自動的に開きます。",
	},
};
