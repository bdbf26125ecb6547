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

/* What does not prove is never installed; what was read from the kernel and does not prove is a hole. */
#define PROOF_ACTION_EN \
	"Rules that do not prove are not installed. If sekisho verify says this of the kernel, treat it as a hole: restart sekishod, and find out who changed the rules."
#define PROOF_ACTION_JA \
	"証明できないルールは適用されません。sekisho verify がカーネルについてこれを示した場合は穴とみなし、sekishod を再起動して、誰がルールを変更したかを調べてください。"

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
		.en = "The flows need more address and port ranges than can be installed, which is {0}.",
		.ja = "通信許可に必要なアドレスやポートの範囲が、設定できる上限の {0} 個を超えています。",
		.action_en = "Join neighbouring ranges and remove flows that overlap others; the policy in force stays as it is.",
		.action_ja = "隣り合う範囲をまとめ、重なり合う通信許可を整理してください。現在のポリシーはそのまま有効です。",
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
	[RULESET_CRITICAL_NO_ROUTE] = {
		.id = "critical-no-route", .severity = SEVERITY_WARNING,
		.en = "There is no route to {1}: the critical flow {0} cannot pass.",
		.ja = "{1} への経路がありません。止めてはならない通信許可 {0} は通りません。",
		.action_en = "Look at the interface and the route (ip route get); the rules are not in the way.",
		.action_ja = "インターフェースと経路(ip route get)を確認してください。ルールが妨げているのではありません。",
	},
	[RULESET_CRITICAL_OTHER_ROUTE] = {
		.id = "critical-other-route", .severity = SEVERITY_WARNING,
		.en = "The route to {1} leads out by {2}, which is not of its zone: the critical flow {0} cannot pass.",
		.ja = "{1} への経路が、そのゾーンのものでない {2} に向いています。止めてはならない通信許可 {0} は通りません。",
		.action_en = "Correct the route (ip route get), or the zone of the address.",
		.action_ja = "経路(ip route get)、またはアドレスのゾーンを直してください。",
	},
	[RULESET_PROOF_NEVER] = {
		.id = "proof-never", .severity = SEVERITY_ERROR,
		.en = "The law does not hold: a packet between the My Number tier and the Internet tier would pass: {0}.",
		.ja = "規律が守られていません。マイナンバー利用事務系とインターネット接続系の間のパケットが通ります({0})。",
		.action_en = PROOF_ACTION_EN, .action_ja = PROOF_ACTION_JA,
	},
	[RULESET_PROOF_SPECIFIED] = {
		.id = "proof-specified", .severity = SEVERITY_ERROR,
		.en = "The law does not hold: a packet between the My Number tier and another tier would pass that belongs to no specified flow: {0}.",
		.ja = "規律が守られていません。マイナンバー利用事務系と他の領域の間で、特定通信でないパケットが通ります({0})。",
		.action_en = PROOF_ACTION_EN, .action_ja = PROOF_ACTION_JA,
	},
	[RULESET_PROOF_SANITIZED] = {
		.id = "proof-sanitized", .severity = SEVERITY_ERROR,
		.en = "The law does not hold: a packet between the LGWAN tier and the Internet tier would pass that belongs to no declared flow: {0}.",
		.ja = "規律が守られていません。LGWAN接続系とインターネット接続系の間で、定義にないパケットが通ります({0})。",
		.action_en = PROOF_ACTION_EN, .action_ja = PROOF_ACTION_JA,
	},
	[RULESET_PROOF_MAIL] = {
		.id = "proof-mail", .severity = SEVERITY_ERROR,
		.en = "The law does not hold: mail would pass directly between the LGWAN tier and the Internet tier: {0}.",
		.ja = "規律が守られていません。LGWAN接続系とインターネット接続系の間で、メールが直接通ります({0})。",
		.action_en = PROOF_ACTION_EN, .action_ja = PROOF_ACTION_JA,
	},
	[RULESET_PROOF_INTERNAL] = {
		.id = "proof-internal", .severity = SEVERITY_ERROR,
		.en = "The law does not hold: a packet inside a tier would pass that belongs to no declared flow: {0}.",
		.ja = "規律が守られていません。同じ領域の中で、定義にないパケットが通ります({0})。",
		.action_en = PROOF_ACTION_EN, .action_ja = PROOF_ACTION_JA,
	},
	[RULESET_PROOF_OUTSIDE] = {
		.id = "proof-outside", .severity = SEVERITY_ERROR,
		.en = "The law does not hold: a packet would pass by an interface that belongs to no zone: {0}.",
		.ja = "規律が守られていません。どのゾーンにも属さないインターフェースを通るパケットがあります({0})。",
		.action_en = PROOF_ACTION_EN, .action_ja = PROOF_ACTION_JA,
	},
	[RULESET_PROOF_UPLINK] = {
		.id = "proof-uplink", .severity = SEVERITY_ERROR,
		.en = "The law does not hold: a packet would leave by the uplink to a next hop that is not declared: {0}.",
		.ja = "規律が守られていません。上位回線の、登録されていない機器へ出るパケットがあります({0})。",
		.action_en = PROOF_ACTION_EN, .action_ja = PROOF_ACTION_JA,
	},
	[RULESET_PROOF_INPUT] = {
		.id = "proof-input", .severity = SEVERITY_ERROR,
		.en = "The law does not hold: a packet would reach the gateway itself that belongs to no declared service: {0}.",
		.ja = "規律が守られていません。関所そのものに、定義にないパケットが届きます({0})。",
		.action_en = PROOF_ACTION_EN, .action_ja = PROOF_ACTION_JA,
	},
	[RULESET_PROOF_OUTPUT] = {
		.id = "proof-output", .severity = SEVERITY_ERROR,
		.en = "The law does not hold: the gateway itself could send a packet that belongs to no declared way out: {0}.",
		.ja = "規律が守られていません。関所そのものから、定義にないパケットを送れます({0})。",
		.action_en = PROOF_ACTION_EN, .action_ja = PROOF_ACTION_JA,
	},
	[RULESET_PROOF_CHAIN] = {
		.id = "proof-chain", .severity = SEVERITY_ERROR,
		.en = "The law does not hold: a process on the gateway could join the My Number tier and the Internet tier: {0}.",
		.ja = "規律が守られていません。関所上のプロセスが、マイナンバー利用事務系とインターネット接続系をつなげます({0})。",
		.action_en = PROOF_ACTION_EN, .action_ja = PROOF_ACTION_JA,
	},
	[RULESET_PROOF_SOURCE] = {
		.id = "proof-source", .severity = SEVERITY_ERROR,
		.en = "The law does not hold: a packet would pass whose source does not belong to the zone it comes from: {0}.",
		.ja = "規律が守られていません。送信元が入口のゾーンのものでないパケットが通ります({0})。",
		.action_en = PROOF_ACTION_EN, .action_ja = PROOF_ACTION_JA,
	},
	[RULESET_PROOF_MAC] = {
		.id = "proof-mac", .severity = SEVERITY_ERROR,
		.en = "The law does not hold: a packet of a host with a registered MAC would pass with another MAC: {0}.",
		.ja = "規律が守られていません。MAC を登録した機器のアドレスのパケットが、別の MAC で通ります({0})。",
		.action_en = PROOF_ACTION_EN, .action_ja = PROOF_ACTION_JA,
	},
	[RULESET_PROOF_EXPIRY] = {
		.id = "proof-expiry", .severity = SEVERITY_ERROR,
		.en = "The law does not hold: a packet would pass after the record of its flow has expired: {0}.",
		.ja = "規律が守られていません。台帳記載の期限を過ぎても通るパケットがあります({0})。",
		.action_en = PROOF_ACTION_EN, .action_ja = PROOF_ACTION_JA,
	},
	[RULESET_PROOF_NAT] = {
		.id = "proof-nat", .severity = SEVERITY_ERROR,
		.en = "The law does not hold: a connection with translated addresses would pass: {0}.",
		.ja = "規律が守られていません。アドレス変換(NAT)された通信が通ります({0})。",
		.action_en = PROOF_ACTION_EN, .action_ja = PROOF_ACTION_JA,
	},
	[RULESET_PROOF_SILENCE] = {
		.id = "proof-silence", .severity = SEVERITY_ERROR,
		.en = "The law does not hold: a refused packet between two tiers would be answered: {0}.",
		.ja = "規律が守られていません。領域をまたいで遮断したパケットに応答が返ります({0})。",
		.action_en = PROOF_ACTION_EN, .action_ja = PROOF_ACTION_JA,
	},
	[RULESET_PROOF_FRAMES] = {
		.id = "proof-frames", .severity = SEVERITY_ERROR,
		.en = "The law does not hold: a frame would enter that is neither IPv4, IPv6 nor ARP: {0}.",
		.ja = "規律が守られていません。IPv4、IPv6、ARP 以外のフレームが入ります({0})。",
		.action_en = PROOF_ACTION_EN, .action_ja = PROOF_ACTION_JA,
	},
	[RULESET_PROOF_BRIDGE] = {
		.id = "proof-bridge", .severity = SEVERITY_ERROR,
		.en = "The law does not hold: an interface of a zone would carry bridged frames: {0}.",
		.ja = "規律が守られていません。ゾーンのインターフェースがブリッジのフレームを通します({0})。",
		.action_en = PROOF_ACTION_EN, .action_ja = PROOF_ACTION_JA,
	},
	[RULESET_PROOF_ISOLATED] = {
		.id = "proof-isolated", .severity = SEVERITY_ERROR,
		.en = "The law does not hold: a packet would pass by an isolated interface: {0}.",
		.ja = "規律が守られていません。遮断中のインターフェースをパケットが通ります({0})。",
		.action_en = PROOF_ACTION_EN, .action_ja = PROOF_ACTION_JA,
	},
	[RULESET_PROOF_TOO_COMPLEX] = {
		.id = "proof-too-complex", .severity = SEVERITY_ERROR,
		.en = "The line {0} of the law could not be proved: the rules are too many or too entangled.",
		.ja = "規律「{0}」を証明できません。ルールが多すぎるか、複雑すぎます。",
		.action_en = "Name single hosts and ports where possible; if the file is small, suspect foreign rules: sekisho show --nft.",
		.action_ja = "できるだけ個別のホストとポートで書いてください。ファイルが小さい場合は、関所のものでないルールを疑ってください(sekisho show --nft)。",
	},
	[RULESET_PROOF_UNCONFIRMED] = {
		.id = "proof-unconfirmed", .severity = SEVERITY_ERROR,
		.en = "The line {0} of the law could not be proved: packets may break it, though none that was tried passed.",
		.ja = "規律「{0}」を証明できません。違反するパケットがあり得ますが、試したものは通りませんでした。",
		.action_en = PROOF_ACTION_EN, .action_ja = PROOF_ACTION_JA,
	},
	[RULESET_PROOF_UNREADABLE] = {
		.id = "proof-unreadable", .severity = SEVERITY_ERROR,
		.en = "The line {0} of the law could not be proved: there is something in our tables that is not of sekisho ({1}).",
		.ja = "規律「{0}」を証明できません。関所のテーブルに、関所のものでない項目があります({1})。",
		.action_en = PROOF_ACTION_EN, .action_ja = PROOF_ACTION_JA,
	},
};
