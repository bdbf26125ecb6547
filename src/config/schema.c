/*
 * schema: see schema.h. The tables follow settings.h from top to bottom; the sentences are those of sekisho.conf(5).
 */
#include <ctype.h>
#include <string.h>

#include "config/schema.h"
#include "config/settings.h"

/* One row of a table: STRUCT is the struct that has FIELD, and the key is called like the field. */
#define TEXT(STRUCT, FIELD, ...) { .name = #FIELD, .kind = SCHEMA_TEXT, .offset = offsetof(struct STRUCT, FIELD), __VA_ARGS__ }
#define LIST(STRUCT, FIELD, ...) { .name = #FIELD, .kind = SCHEMA_TEXT_LIST, .offset = offsetof(struct STRUCT, FIELD), __VA_ARGS__ }
#define FLAG(STRUCT, FIELD, ...) { .name = #FIELD, .kind = SCHEMA_FLAG, .offset = offsetof(struct STRUCT, FIELD), __VA_ARGS__ }
#define PORT(STRUCT, FIELD, ...)                                                                                           \
	{ .name = #FIELD, .kind = SCHEMA_NUMBER, .offset = offsetof(struct STRUCT, FIELD), .minimum = 1, .maximum = 65535, \
	  .unit = "port", __VA_ARGS__ }
#define NUMBER(STRUCT, FIELD, MINIMUM, MAXIMUM, STANDARD, UNIT, ...)                                                       \
	{ .name = #FIELD, .kind = SCHEMA_NUMBER, .offset = offsetof(struct STRUCT, FIELD), .minimum = MINIMUM,             \
	  .maximum = MAXIMUM, .standard = STANDARD, .unit = UNIT, __VA_ARGS__ }
#define GROUP(STRUCT, FIELD, GROUP_STRUCT, KEYS, ...)                                                                      \
	{ .name = #FIELD, .kind = SCHEMA_GROUP, .offset = offsetof(struct STRUCT, FIELD),                                  \
	  .item_size = sizeof(struct GROUP_STRUCT), .keys = KEYS, __VA_ARGS__ }
/* A list of groups at the top: the key has a name of its own. */
#define RECORDS(NAME, FIELD, COUNT, ITEM_STRUCT, KEYS, ...)                                                                \
	{ .name = NAME, .kind = SCHEMA_RECORDS, .offset = offsetof(struct settings, FIELD),                                \
	  .count_offset = offsetof(struct settings, COUNT), .item_size = sizeof(struct ITEM_STRUCT), .keys = KEYS, __VA_ARGS__ }

static const struct schema_key uplink_keys[] = {
	LIST(uplink_settings, routers, .required = true,
	     .en = "The hosts that are the next hops; packets leave by no other.",
	     .ja = "次の中継先となるホスト。これ以外の経路では外に出られません。"),
	LIST(uplink_settings, dns,
	     .en = "The hosts that are the only resolvers of the Internet tier.",
	     .ja = "インターネット接続系が使える唯一の DNS サーバー(ホスト名)。"),
	LIST(uplink_settings, smtp,
	     .en = "The hosts that are the only mail exchangers of the Internet tier.",
	     .ja = "インターネット接続系が使える唯一のメールサーバー(ホスト名)。"),
	{ .name = NULL },
};

static const struct schema_key zone_keys[] = {
	TEXT(zone_settings, name, .required = true, .form = SCHEMA_FORM_ZONE,
	     .en = "The name of the zone: a small letter, then small letters, digits and hyphens, 15 at most.",
	     .ja = "ゾーンの名前。英小文字で始まる、英小文字・数字・ハイフンによる 15 文字以内の名前です。"),
	TEXT(zone_settings, label,
	     .en = "What people and reports call the zone.",
	     .ja = "画面や報告書で使う呼び名。"),
	TEXT(zone_settings, tier, .required = true, .choices = "mynumber|lgwan|internet",
	     .en = "The tier the zone belongs to; it decides which law applies.",
	     .ja = "ゾーンが属する領域(〜系)。どの規律に従うかがこれで決まります。"),
	LIST(zone_settings, interfaces, .required = true, .form = SCHEMA_FORM_PLAIN,
	     .en = "The network interfaces of the zone; an interface belongs to one zone only.",
	     .ja = "ゾーンのネットワークインターフェース。一つのインターフェースは一つのゾーンにだけ属します。"),
	LIST(zone_settings, networks, .required = true, .form = SCHEMA_FORM_PLAIN,
	     .en = "The address prefixes of the zone; they overlap with those of no other zone.",
	     .ja = "ゾーンのアドレス範囲(プレフィックス)。他のゾーンと重なってはいけません。"),
	FLAG(zone_settings, hairpin,
	     .en = "Whether packets may be forwarded from the zone back into it.",
	     .ja = "ゾーンの中での折り返し転送を許すかどうか。"),
	FLAG(zone_settings, wireless,
	     .en = "Whether an interface of the zone carries wireless terminals; never in the mynumber tier.",
	     .ja = "無線端末がつながるインターフェースかどうか。マイナンバー利用事務系では使えません。"),
	LIST(zone_settings, dhcp_servers,
	     .en = "The hosts that may give out addresses by DHCP in the zone; any other is an alarm (wrong wiring).",
	     .ja = "このゾーンで DHCP サーバーとして応答してよいホスト。ほかの機器が応答すると、誤接続として知らせます。"),
	LIST(zone_settings, ipv6_routers,
	     .en = "The hosts that may announce themselves as IPv6 routers in the zone; any other is an alarm (wrong wiring).",
	     .ja = "このゾーンで IPv6 ルーターとして広告を出してよいホスト。ほかの機器が出すと、誤接続として知らせます。"),
	GROUP(zone_settings, uplink, uplink_settings, uplink_keys,
	      .en = "The only way out of the Internet tier; one zone at most has it.",
	      .ja = "インターネット接続系から外へ出る唯一の経路。指定できるゾーンは一つまでです。"),
	{ .name = NULL },
};

static const struct schema_key host_keys[] = {
	TEXT(host_settings, name, .required = true, .form = SCHEMA_FORM_NAME,
	     .en = "The name of the host, as flows use it.",
	     .ja = "ホストの名前。通信許可ではこの名前で指定します。"),
	TEXT(host_settings, label,
	     .en = "What people and reports call the host.",
	     .ja = "画面や報告書で使う呼び名。"),
	TEXT(host_settings, zone, .required = true,
	     .en = "The zone the host is in.",
	     .ja = "ホストのあるゾーン。"),
	LIST(host_settings, addresses, .required = true, .form = SCHEMA_FORM_PLAIN,
	     .en = "Its IPv4 and IPv6 addresses.",
	     .ja = "ホストの IPv4 アドレスと IPv6 アドレス。"),
	LIST(host_settings, macs, .form = SCHEMA_FORM_PLAIN,
	     .en = "Its Ethernet addresses: packets with its addresses are let in from these only.",
	     .ja = "ホストの MAC アドレス。このホストのアドレスを名乗る通信は、この MAC からだけ受け付けます。"),
	LIST(host_settings, via,
	     .en = "The hosts that are the routers it lies behind; their MACs are bound instead of its own.",
	     .ja = "手前にあるルーター(ホスト名)。ホスト自身の代わりにルーターの MAC アドレスと結び付けます。"),
	FLAG(host_settings, sanitizer,
	     .en = "Whether the host is a file sanitizer; sanitized-file flows need one.",
	     .ja = "ファイル無害化装置かどうか。通信方式 sanitized-file の通信許可に必要です。"),
	{ .name = NULL },
};

static const struct schema_key network_keys[] = {
	TEXT(network_settings, name, .required = true, .form = SCHEMA_FORM_NAME,
	     .en = "The name of the group of addresses, as flows use it.",
	     .ja = "アドレスのまとまりの名前。通信許可ではこの名前で指定します。"),
	TEXT(network_settings, zone, .required = true,
	     .en = "The zone its addresses are in.",
	     .ja = "アドレスの属するゾーン。"),
	LIST(network_settings, prefixes, .required = true, .form = SCHEMA_FORM_PLAIN,
	     .en = "Addresses, prefixes or ranges (first-last).",
	     .ja = "アドレス、プレフィックス、または範囲(始め-終わり)。"),
	{ .name = NULL },
};

static const struct schema_key service_keys[] = {
	TEXT(service_settings, name, .required = true, .form = SCHEMA_FORM_NAME,
	     .en = "The name of the service, as flows use it.",
	     .ja = "サービスの名前。通信許可ではこの名前で指定します。"),
	TEXT(service_settings, protocol, .required = true, .form = SCHEMA_FORM_PLAIN,
	     .en = "tcp, udp, sctp, icmp (echo of both families), gre, esp, ah or a protocol number in quotes.",
	     .ja = "tcp、udp、sctp、icmp(IPv4・IPv6 の echo)、gre、esp、ah、または引用符で囲んだプロトコル番号。"),
	LIST(service_settings, ports, .form = SCHEMA_FORM_PLAIN,
	     .en = "Port numbers, or ranges in quotes (\"8000-8080\").",
	     .ja = "ポート番号。範囲は \"8000-8080\" のように引用符で囲みます。"),
	{ .name = NULL },
};

static const struct schema_key record_keys[] = {
	TEXT(record_settings, number,
	     .en = "The number of the record in the ledger.",
	     .ja = "台帳の番号。"),
	TEXT(record_settings, reason,
	     .en = "Why the flow is needed.",
	     .ja = "通信を必要とする理由。"),
	TEXT(record_settings, approver,
	     .en = "Who approved it.",
	     .ja = "承認者。"),
	TEXT(record_settings, approved,
	     .en = "The day of approval, 2026-04-01 or 令和8年4月1日.",
	     .ja = "承認日。2026-04-01 または 令和8年4月1日 の形で書きます。"),
	TEXT(record_settings, expires,
	     .en = "The last day it is valid, or \"nendo\": the end of the fiscal year of the approval.",
	     .ja = "有効期限の日。\"nendo\" と書くと、承認日の属する年度の末日になります。"),
	{ .name = NULL },
};

static const struct schema_key flow_keys[] = {
	TEXT(flow_settings, name, .required = true, .form = SCHEMA_FORM_NAME,
	     .en = "The name of the flow; logs and reports use it.",
	     .ja = "通信許可の名前。ログと報告書に現れます。"),
	TEXT(flow_settings, from, .required = true,
	     .en = "The zone that may begin the communication.",
	     .ja = "通信を始める側のゾーン。"),
	TEXT(flow_settings, to, .required = true,
	     .en = "The zone that is reached.",
	     .ja = "通信を受ける側のゾーン。"),
	TEXT(flow_settings, method, .required = true,
	     .choices = "specified|screen|sanitized-file|breakout|internal|exception",
	     .en = "On what ground the flow is allowed; the tiers decide which methods are possible.",
	     .ja = "通信方式。どの方式を使えるかは、両端の領域によって決まります。"),
	TEXT(flow_settings, peer,
	     .choices = "juki-net|intermediate-server|convenience|eltax|mynaportal|government-cloud|public-body",
	     .en = "The class of peer of a specified flow.",
	     .ja = "特定通信の相手先の区分。"),
	TEXT(flow_settings, peer_reason,
	     .en = "Why the peer is needed; demanded by peer = \"public-body\".",
	     .ja = "その相手先が必要な理由。peer = \"public-body\" のときに必要です。"),
	LIST(flow_settings, source, .required = true,
	     .en = "Who may begin: hosts, networks, addresses, prefixes, ranges, or \"any\".",
	     .ja = "送信元。ホスト、ネットワーク、アドレス、プレフィックス、範囲、または \"any\"。"),
	LIST(flow_settings, destination, .required = true,
	     .en = "Who is reached, written like source.",
	     .ja = "宛先。書き方は source と同じです。"),
	TEXT(flow_settings, service,
	     .en = "A service; or write protocol and ports here.",
	     .ja = "サービスの名前。代わりに protocol と ports を直接書くこともできます。"),
	TEXT(flow_settings, protocol, .form = SCHEMA_FORM_PLAIN,
	     .en = "The protocol, as in services.",
	     .ja = "プロトコル。書き方は services と同じです。"),
	LIST(flow_settings, ports, .form = SCHEMA_FORM_PLAIN,
	     .en = "The destination ports, as in services.",
	     .ja = "宛先ポート。書き方は services と同じです。"),
	GROUP(flow_settings, record, record_settings, record_keys,
	      .en = "The record in the ledger; specified flows and exceptions need one.",
	      .ja = "台帳記載。特定通信と例外措置には欠かせません。"),
	FLAG(flow_settings, critical,
	     .en = "Whether the flow must never stop: an expired record is an error then, and a flow that is closed is reported.",
	     .ja = "止めてはならない通信かどうか。期限切れはエラーになり、期限が近いときや閉じているときは知らせます。"),
	FLAG(flow_settings, life_safety,
	     .en = "Whether the flow goes on while a zone at one of its ends is isolated, because lives depend on it (J-ALERT, 119).",
	     .ja = "人命に関わる通信(Jアラート、119番など)かどうか。ゾーンを遮断(isolate)している間も通します。"),
	{ .name = NULL },
};

static const struct schema_key refusal_keys[] = {
	TEXT(refusal_settings, from, .required = true,
	     .en = "The zone the refused packet comes from.",
	     .ja = "遮断した通信の送信元ゾーン。"),
	TEXT(refusal_settings, to, .required = true,
	     .en = "The zone it would go to; of the same tier.",
	     .ja = "遮断した通信の宛先ゾーン。同じ領域に属するものに限ります。"),
	TEXT(refusal_settings, refuse, .required = true, .choices = "drop|reject",
	     .en = "drop: silence, the rule. reject: an ICMP answer, so that programs give up at once.",
	     .ja = "drop は黙って捨てます(原則)。reject は ICMP で拒否を知らせ、待たせずに終わらせます。"),
	{ .name = NULL },
};

static const struct schema_key limit_keys[] = {
	TEXT(limit_settings, from, .required = true,
	     .en = "The zone that begins the connections.",
	     .ja = "接続を始める側のゾーン。"),
	TEXT(limit_settings, to, .required = true,
	     .en = "The zone that is reached; the other direction has a limit of its own.",
	     .ja = "接続を受ける側のゾーン。逆向きの上限は別に数えます。"),
	NUMBER(limit_settings, connections, 1, 100000000, 0, "connections", .required = true,
	       .en = "The most connections that may be open, IPv4 and IPv6 together; then no other begins, but those of critical and life_safety flows.",
	       .ja = "同時に開いていてよい接続の数(IPv4 と IPv6 の合計)。達すると新しい接続は始められません(critical と life_safety の通信許可を除く)。"),
	{ .name = NULL },
};

static const struct schema_key local_keys[] = {
	TEXT(local_settings, name, .required = true, .form = SCHEMA_FORM_NAME,
	     .en = "The name of the permission; logs and reports use it.",
	     .ja = "許可の名前。ログと報告書に現れます。"),
	TEXT(local_settings, zone, .required = true,
	     .en = "The zone from which the gateway is reached.",
	     .ja = "このゲートウェイへ接続する側のゾーン。"),
	LIST(local_settings, source, .required = true,
	     .en = "Who may reach it: hosts, networks or addresses of the zone.",
	     .ja = "接続元。そのゾーンのホスト、ネットワーク、またはアドレス。"),
	TEXT(local_settings, service,
	     .en = "A service; or write protocol and ports here.",
	     .ja = "サービスの名前。代わりに protocol と ports を直接書くこともできます。"),
	TEXT(local_settings, protocol, .form = SCHEMA_FORM_PLAIN,
	     .en = "The protocol, as in services.",
	     .ja = "プロトコル。書き方は services と同じです。"),
	LIST(local_settings, ports, .form = SCHEMA_FORM_PLAIN,
	     .en = "The ports of the gateway, as in services.",
	     .ja = "ゲートウェイのポート。書き方は services と同じです。"),
	{ .name = NULL },
};

static const struct schema_key egress_keys[] = {
	TEXT(egress_settings, name, .required = true, .form = SCHEMA_FORM_NAME,
	     .en = "The name of the permission; logs and reports use it.",
	     .ja = "許可の名前。ログと報告書に現れます。"),
	TEXT(egress_settings, user, .required = true,
	     .en = "The local user whose processes may begin it.",
	     .ja = "通信を始めてよいプロセスの、このゲートウェイ上での利用者名。"),
	TEXT(egress_settings, zone, .required = true,
	     .en = "The zone that is reached.",
	     .ja = "宛先のゾーン。"),
	LIST(egress_settings, destination, .required = true,
	     .en = "Who is reached: hosts, networks or addresses of the zone.",
	     .ja = "宛先。そのゾーンのホスト、ネットワーク、またはアドレス。"),
	TEXT(egress_settings, service,
	     .en = "A service; or write protocol and ports here.",
	     .ja = "サービスの名前。代わりに protocol と ports を直接書くこともできます。"),
	TEXT(egress_settings, protocol, .form = SCHEMA_FORM_PLAIN,
	     .en = "The protocol, as in services.",
	     .ja = "プロトコル。書き方は services と同じです。"),
	LIST(egress_settings, ports, .form = SCHEMA_FORM_PLAIN,
	     .en = "The destination ports, as in services.",
	     .ja = "宛先ポート。書き方は services と同じです。"),
	{ .name = NULL },
};

static const struct schema_key relay_limits_keys[] = {
	NUMBER(relay_limits_settings, message_mib, 1, 200, 30, "MiB",
	       .en = "The largest message, as it is sent: an attachment grows by a third on its way.",
	       .ja = "受け取るメールの大きさの上限(MiB)。添付ファイルは送信時に三分の一ほど大きくなります。"),
	NUMBER(relay_limits_settings, recipients, 100, 1000, 100, "recipients",
	       .en = "The most recipients of one message; the sender offers those beyond again.",
	       .ja = "一通のメールの宛先の上限。超えた分は送信側が改めて送ります。"),
	NUMBER(relay_limits_settings, sessions, 1, 1024, 64, "sessions",
	       .en = "The most connections at the same time.",
	       .ja = "同時に受け付ける接続の上限。"),
	NUMBER(relay_limits_settings, sessions_per_client, 1, 1024, 32, "sessions",
	       .en = "The most connections at the same time from one address; never more than sessions.",
	       .ja = "一つのアドレスから同時に受け付ける接続の上限。sessions を超えることはありません。"),
	{ .name = NULL },
};

static const struct schema_key relay_text_keys[] = {
	TEXT(relay_text_settings, language, .choices = "ja|en",
	     .en = "The language of the relay's own sentences in a mail.",
	     .ja = "無害化中継がメールに書き加える文の言語。"),
	TEXT(relay_text_settings, links, .choices = "hxxp|brackets|host",
	     .en = "How the address of a link is shown so that nobody follows it by accident.",
	     .ja = "リンク先を、誤って開かれない形で示す方法。"),
	TEXT(relay_text_settings, subject_prefix,
	     .en = "What stands in front of every subject; at most 64 bytes.",
	     .ja = "すべての件名の前に付ける文字。64 バイト以内です。"),
	LIST(relay_text_settings, footer,
	     .en = "The town's own words at the end of every mail, a line each; at most 2000 bytes.",
	     .ja = "すべてのメールの末尾に添える自治体の文。一行ずつ並べ、合わせて 2000 バイト以内です。"),
	TEXT(relay_text_settings, notice_address,
	     .en = "The sender of the notice that is delivered in place of a mail that could not be made into text.",
	     .ja = "無害化できなかったメールの代わりに届ける通知の差出人アドレス。"),
	TEXT(relay_text_settings, authserv_id,
	     .en = "The name under which the relay passes on what trusted_authserv_id found out about the sender.",
	     .ja = "trusted_authserv_id が調べた送信元認証の結果を書き写すときの名義。"),
	TEXT(relay_text_settings, trusted_authserv_id,
	     .en = "The mail server whose Authentication-Results are believed; without it there are none in a mail.",
	     .ja = "送信元認証の結果(Authentication-Results)を信頼するメールサーバーの名義。書かなければ結果は載せません。"),
	{ .name = NULL },
};

static const struct schema_key relay_originals_keys[] = {
	NUMBER(relay_originals_settings, days, 1, 3660, 400, "days",
	       .en = "The days for which an original is kept; it is never deleted before.",
	       .ja = "原本を保管する日数。期限より前に削除することはありません。"),
	NUMBER(relay_originals_settings, free_mib, 64, 1048576, 1024, "MiB",
	       .en = "Below this much free space the relay takes no mail, and the senders keep it.",
	       .ja = "空き容量がこれ(MiB)を下回ると受け取りを止め、メールは送信側に留まります。"),
	{ .name = NULL },
};

static const struct schema_key relay_keys[] = {
	TEXT(relay_settings, name, .required = true, .form = SCHEMA_FORM_NAME,
	     .en = "The name of the relay; logs and reports use it.",
	     .ja = "無害化中継の名前。ログと報告書に現れます。"),
	TEXT(relay_settings, from, .required = true,
	     .en = "The zone the mail comes from.",
	     .ja = "メールの送信元のゾーン。"),
	TEXT(relay_settings, to, .required = true,
	     .en = "The zone the text of the mail goes to.",
	     .ja = "メールの本文を届ける先のゾーン。"),
	LIST(relay_settings, listen,
	     .en = "The addresses of the gateway at which the relay takes mail; all of them when nothing is written.",
	     .ja = "メールを受け取るゲートウェイのアドレス。書かなければ、すべてのアドレスで受け取ります。"),
	PORT(relay_settings, listen_port, .standard = 25,
	     .en = "The port on which the relay takes mail.",
	     .ja = "中継がメールを受け取るポート。"),
	LIST(relay_settings, accept_from, .required = true,
	     .en = "The hosts that may deliver mail to the relay.",
	     .ja = "中継にメールを渡してよいホスト。"),
	LIST(relay_settings, domains, .required = true, .form = SCHEMA_FORM_PLAIN,
	     .en = "The domains whose mail the relay takes; it refuses every other recipient.",
	     .ja = "受け取るメールの宛先ドメイン。ほかの宛先はすべて断ります。"),
	LIST(relay_settings, next_hops, .required = true,
	     .en = "The inner mail servers, tried in this order.",
	     .ja = "内側のメールサーバー。書いた順に試みます。"),
	PORT(relay_settings, next_hop_port, .standard = 25,
	     .en = "The port of the inner mail servers.",
	     .ja = "内側のメールサーバーのポート。"),
	TEXT(relay_settings, host_name, .form = SCHEMA_FORM_PLAIN,
	     .en = "What the relay calls itself towards other mail servers.",
	     .ja = "無害化中継がほかのメールサーバーに名乗る名前。"),
	GROUP(relay_settings, limits, relay_limits_settings, relay_limits_keys,
	      .en = "How much the relay takes at once.",
	      .ja = "一度に受け取る量の上限。"),
	GROUP(relay_settings, text, relay_text_settings, relay_text_keys,
	      .en = "The words of the mails that the relay writes.",
	      .ja = "無害化中継が書くメールの文面。"),
	GROUP(relay_settings, originals, relay_originals_settings, relay_originals_keys,
	      .en = "How the originals are kept, on the Internet side.",
	      .ja = "原本の保管。インターネット側に置きます。"),
	{ .name = NULL },
};

static const struct schema_key gateway_keys[] = {
	RECORDS("services", locals, local_count, local_settings, local_keys,
		.en = "Who may reach the gateway itself.",
		.ja = "このゲートウェイ自身への接続を許す相手。"),
	RECORDS("egress", egresses, egress_count, egress_settings, egress_keys,
		.en = "Whom the gateway itself may reach.",
		.ja = "このゲートウェイ自身から接続してよい相手。"),
	TEXT(settings, foreign_bypass, .choices = "alarm|remove",
	     .en = "What becomes of a table of nf_tables that another program makes and that leads packets past the rules.",
	     .ja = "ほかのプログラムが作った nf_tables のテーブルが、ルールを通らない経路になるときの扱い。"),
	{ .name = NULL },
};

const struct schema_key schema_root[] = {
	TEXT(settings, town, .required = true,
	     .en = "The name of the municipality, for reports.",
	     .ja = "自治体の名前。報告書に使います。"),
	TEXT(settings, model, .required = true, .choices = "alpha|alpha-prime|beta|beta-prime",
	     .en = "The model of the three tiers the municipality follows.",
	     .ja = "三層の対策の方式(α、α'、β、β')。"),
	FLAG(settings, two_person,
	     .en = "A change needs a second person, who approves it.",
	     .ja = "変更に二人目の承認を必要とするかどうか。"),
	RECORDS("zones", zones, zone_count, zone_settings, zone_keys, .required = true,
		.en = "The zones: interfaces and networks that are kept apart.",
		.ja = "ゾーン。互いに隔てるインターフェースとネットワークのまとまり。"),
	RECORDS("hosts", hosts, host_count, host_settings, host_keys,
		.en = "The machines that are named in flows.",
		.ja = "通信許可で名前を使う機器。"),
	RECORDS("networks", networks, network_count, network_settings, network_keys,
		.en = "Groups of addresses that are named in flows.",
		.ja = "通信許可で名前を使うアドレスのまとまり。"),
	RECORDS("services", services, service_count, service_settings, service_keys,
		.en = "Protocols and ports that are named in flows.",
		.ja = "通信許可で名前を使うプロトコルとポート。"),
	RECORDS("flows", flows, flow_count, flow_settings, flow_keys,
		.en = "What may be begun between zones; everything else is refused.",
		.ja = "通信許可。ここに書かない通信はすべて遮断します。"),
	RECORDS("refusals", refusals, refusal_count, refusal_settings, refusal_keys,
		.en = "Pairs of zones in which a refusal is answered.",
		.ja = "遮断を送信元に知らせるゾーンの組。"),
	RECORDS("limits", limits, limit_count, limit_settings, limit_keys,
		.en = "Pairs of zones between which only so many connections may be open.",
		.ja = "同時に開いていてよい接続の数を限るゾーンの組。"),
	{ .name = "gateway", .kind = SCHEMA_GROUP, .keys = gateway_keys,
	  .en = "Traffic of the gateway itself.",
	  .ja = "このゲートウェイ自身の通信。" },
	RECORDS("relays", relays, relay_count, relay_settings, relay_keys,
		.en = "The relays that carry the text of mail between zones.",
		.ja = "無害化中継。ゾーンの間でメールの本文だけを運びます。"),
	{ .name = NULL },
};

#define WHY_NAT_EN                                                                                                         \
	"Rewritten addresses cannot be audited: a record would no longer say who spoke with whom. "                        \
	"Give every terminal its own address and route to it."
#define WHY_NAT_JA                                                                                                         \
	"アドレスが書き換わると、誰が誰と通信したかを監査できなくなるためです。端末ごとに固有のアドレスを付け、経路の設定で届くようにしてください。"
#define WHY_PUBLISH_EN                                                                                                     \
	"Nothing behind the gateway is published by rewriting its address. "                                               \
	"Write a flow to the host itself, or ask the security cloud to publish it."
#define WHY_PUBLISH_JA                                                                                                     \
	"アドレスを書き換えて内側を公開することはしません。ホスト自身を宛先とする通信許可を書くか、自治体情報セキュリティクラウド側で公開してください。"
#define WHY_UPNP_EN "No program may open a path by itself. What is needed is written as a flow."
#define WHY_UPNP_JA "プログラムが自分で穴を開けることは認めないためです。必要な通信は flows に通信許可として書いてください。"
#define WHY_WIRELESS_EN                                                                                                    \
	"The gateway is no wireless access point. Connect the access point to an interface of a zone of its own "          \
	"and write wireless = true there; never in the mynumber tier."
#define WHY_WIRELESS_JA                                                                                                    \
	"このゲートウェイは無線の親機にはなりません。無線 LAN 装置は専用ゾーンのインターフェースにつなぎ、そのゾーンに wireless = true と書いてください(マイナンバー利用事務系では使えません)。"
#define WHY_ARP_EN "Addresses are answered by their owners only, so that a MAC can be trusted. Set a route instead."
#define WHY_ARP_JA "MAC アドレスを信頼できるよう、アドレスには持ち主だけが応答します。経路の設定で対応してください。"
#define WHY_DEFAULT_EN "What is not written is always refused; this cannot be changed. Write what is needed as a flow."
#define WHY_DEFAULT_JA "書かれていない通信は常に遮断し、これは変更できません。必要な通信は flows に通信許可として書いてください。"
#define WHY_DENY_EN "What is not written is refused already, so there is nothing to deny. Narrow or remove the flow that allows it."
#define WHY_DENY_JA "書かれていない通信は既に遮断されており、拒否を書く必要がありません。許可している通信許可を狭めるか、削除してください。"
#define WHY_ORDER_EN "The order of flows means nothing, so none can hide another. Remove the number."
#define WHY_ORDER_JA "通信許可の順序に意味はなく、ある許可が別の許可を隠すことはありません。優先順位の指定は不要です。"
#define WHY_BRIDGE_EN "Zones are never joined on layer 2; a bridge would carry packets past the check. Give each zone its own network."
#define WHY_BRIDGE_JA "ブリッジは検査を通らない経路になるため、ゾーンを L2 でつなぐことはしません。ゾーンごとに別のネットワークにしてください。"
#define WHY_OVERRIDE_EN "No switch turns the law of the three tiers off. Write a flow with method = \"exception\" and a record."
#define WHY_OVERRIDE_JA "三層の規律を無効にする設定はありません。やむを得ない場合は、method = \"exception\" の通信許可に台帳記載を添えてください。"
#define WHY_MANGLED_EN "Packets are let through as they are or not at all. Attachments are taken off by the relay (relays)."
#define WHY_MANGLED_JA "パケットはそのまま通すか、通さないかのどちらかです。添付ファイルの除去は無害化中継(relays)で行います。"

const struct schema_refused schema_refused[] = {
	{ "nat", WHY_NAT_EN, WHY_NAT_JA },
	{ "nat44", WHY_NAT_EN, WHY_NAT_JA },
	{ "nat64", WHY_NAT_EN, WHY_NAT_JA },
	{ "nat66", WHY_NAT_EN, WHY_NAT_JA },
	{ "napt", WHY_NAT_EN, WHY_NAT_JA },
	{ "snat", WHY_NAT_EN, WHY_NAT_JA },
	{ "masquerade", WHY_NAT_EN, WHY_NAT_JA },
	{ "ip_masquerade", WHY_NAT_EN, WHY_NAT_JA },
	{ "netmap", WHY_NAT_EN, WHY_NAT_JA },
	{ "dnat", WHY_PUBLISH_EN, WHY_PUBLISH_JA },
	{ "redirect", WHY_PUBLISH_EN, WHY_PUBLISH_JA },
	{ "port_forward", WHY_PUBLISH_EN, WHY_PUBLISH_JA },
	{ "port_forwards", WHY_PUBLISH_EN, WHY_PUBLISH_JA },
	{ "port_forwarding", WHY_PUBLISH_EN, WHY_PUBLISH_JA },
	{ "forward_port", WHY_PUBLISH_EN, WHY_PUBLISH_JA },
	{ "forward_ports", WHY_PUBLISH_EN, WHY_PUBLISH_JA },
	{ "virtual_server", WHY_PUBLISH_EN, WHY_PUBLISH_JA },
	{ "upnp", WHY_UPNP_EN, WHY_UPNP_JA },
	{ "nat_pmp", WHY_UPNP_EN, WHY_UPNP_JA },
	{ "pcp", WHY_UPNP_EN, WHY_UPNP_JA },
	{ "wifi", WHY_WIRELESS_EN, WHY_WIRELESS_JA },
	{ "wlan", WHY_WIRELESS_EN, WHY_WIRELESS_JA },
	{ "ssid", WHY_WIRELESS_EN, WHY_WIRELESS_JA },
	{ "wpa", WHY_WIRELESS_EN, WHY_WIRELESS_JA },
	{ "proxy_arp", WHY_ARP_EN, WHY_ARP_JA },
	{ "proxy_ndp", WHY_ARP_EN, WHY_ARP_JA },
	{ "default", WHY_DEFAULT_EN, WHY_DEFAULT_JA },
	{ "default_action", WHY_DEFAULT_EN, WHY_DEFAULT_JA },
	{ "default_policy", WHY_DEFAULT_EN, WHY_DEFAULT_JA },
	{ "policy", WHY_DEFAULT_EN, WHY_DEFAULT_JA },
	{ "action", WHY_DENY_EN, WHY_DENY_JA },
	{ "deny", WHY_DENY_EN, WHY_DENY_JA },
	{ "block", WHY_DENY_EN, WHY_DENY_JA },
	{ "blacklist", WHY_DENY_EN, WHY_DENY_JA },
	{ "blocklist", WHY_DENY_EN, WHY_DENY_JA },
	{ "priority", WHY_ORDER_EN, WHY_ORDER_JA },
	{ "order", WHY_ORDER_EN, WHY_ORDER_JA },
	{ "bridge", WHY_BRIDGE_EN, WHY_BRIDGE_JA },
	{ "bridges", WHY_BRIDGE_EN, WHY_BRIDGE_JA },
	{ "force", WHY_OVERRIDE_EN, WHY_OVERRIDE_JA },
	{ "override", WHY_OVERRIDE_EN, WHY_OVERRIDE_JA },
	{ "ignore_law", WHY_OVERRIDE_EN, WHY_OVERRIDE_JA },
	{ "tproxy", WHY_MANGLED_EN, WHY_MANGLED_JA },
	{ "transparent_proxy", WHY_MANGLED_EN, WHY_MANGLED_JA },
	{ "mangle", WHY_MANGLED_EN, WHY_MANGLED_JA },
	{ .name = NULL },
};

/* Names are compared as people confuse them: '-' for '_', capitals for small letters. */
static char name_byte_folded(char byte)
{
	return byte == '-' ? '_' : (char)tolower((unsigned char)byte);
}

static bool name_alike(const char *a, const char *b)
{
	while (*a && name_byte_folded(*a) == name_byte_folded(*b)) {
		a++;
		b++;
	}
	return *a == '\0' && *b == '\0';
}

const struct schema_refused *schema_refused_named(const char *name)
{
	for (const struct schema_refused *row = schema_refused; row->name; row++)
		if (name_alike(row->name, name))
			return row;
	return NULL;
}

const struct schema_key *schema_key_named(const struct schema_key *keys, const char *name)
{
	for (; keys->name; keys++)
		if (strcmp(keys->name, name) == 0)
			return keys;
	return NULL;
}

enum { NEAREST_BYTES_MAX = 64, NEAREST_DISTANCE_MAX = 3 };

static size_t smaller(size_t a, size_t b)
{
	return a < b ? a : b;
}

/* Edit distance: insert, delete, replace one byte, or exchange two neighbours ("teir"). Both at most NEAREST_BYTES_MAX long. */
static size_t edit_distance(struct span a, struct span b)
{
	size_t rows[3][NEAREST_BYTES_MAX + 1]; /* of this byte of a, the one before and the one before that */

	for (size_t i = 0; i <= a.length; i++) {
		size_t *row = rows[i % 3], *above = rows[(i + 2) % 3], *two_above = rows[(i + 1) % 3];

		row[0] = i;
		for (size_t j = 1; j <= b.length; j++) {
			char left = i ? name_byte_folded(a.data[i - 1]) : '\0', right = name_byte_folded(b.data[j - 1]);

			if (i == 0) {
				row[j] = j;
				continue;
			}
			row[j] = smaller(above[j - 1] + (left != right), 1 + smaller(above[j], row[j - 1]));
			if (i > 1 && j > 1 && left == name_byte_folded(b.data[j - 2]) && right == name_byte_folded(a.data[i - 2]))
				row[j] = smaller(row[j], two_above[j - 2] + 1);
		}
	}
	return rows[a.length % 3][b.length];
}

/* How far candidate is from word; SIZE_MAX when it is too far to be meant. */
static size_t distance_if_near(struct span word, struct span candidate)
{
	size_t distance;

	if (word.length > NEAREST_BYTES_MAX || candidate.length > NEAREST_BYTES_MAX)
		return SIZE_MAX;
	distance = edit_distance(word, candidate);
	return distance <= NEAREST_DISTANCE_MAX && distance * 2 < word.length ? distance : SIZE_MAX;
}

const char *schema_nearest(const struct schema_key *keys, const char *name)
{
	size_t best_distance = SIZE_MAX;
	const char *best = NULL;

	for (; keys->name; keys++) {
		size_t distance = distance_if_near(span_of(name), span_of(keys->name));

		if (distance < best_distance) {
			best_distance = distance;
			best = keys->name;
		}
	}
	return best;
}

/* Takes the first word off a list "a|b|c"; false at its end. */
static bool choice_next(const char **choices, struct span *ret_choice)
{
	if (**choices == '\0')
		return false;
	*ret_choice = (struct span){ *choices, strcspn(*choices, "|") };
	*choices += ret_choice->length;
	if (**choices == '|')
		(*choices)++;
	return true;
}

bool schema_choice_allowed(const char *choices, const char *word)
{
	struct span choice;

	while (choice_next(&choices, &choice))
		if (span_equal(choice, span_of(word)))
			return true;
	return false;
}

struct span schema_nearest_choice(const char *choices, const char *word)
{
	size_t best_distance = SIZE_MAX;
	struct span best = { .length = 0 }, choice;

	while (choice_next(&choices, &choice)) {
		size_t distance = distance_if_near(span_of(word), choice);

		if (distance < best_distance) {
			best_distance = distance;
			best = choice;
		}
	}
	return best;
}
