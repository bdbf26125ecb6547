/* refusal_words: what to do about a refusal, and what a gap in its record means. */
#include "sekisho/refusal_words.h"

#include <string.h>

static const struct {
	const char *en, *ja;
} actions[REFUSE_COUNT] = {
	[REFUSE_SOURCE] = { "Find the machine by its MAC (--json); it has an address of another network, or its cable is in the wrong place.",
			    "MAC アドレス(--json で表示)から機器を探してください。別のネットワークのアドレスが設定されているか、ケーブルの接続先が違います。" },
	[REFUSE_MAC] = { "If the machine was replaced, write its new MAC address into the zone file and apply it; if not, find out who uses this address.",
			 "機器を交換した場合は、新しい MAC アドレスをゾーン定義ファイルに書いて適用してください。そうでなければ、誰がこのアドレスを使っているか調べてください。" },
	[REFUSE_ROUTING_HEADER] = { "No ordinary program sends this; look at the machine it comes from.",
				    "通常のプログラムは送りません。送信元の機器を調べてください。" },
	[REFUSE_ISOLATED] = { "The zone was isolated on purpose; release it when the reason is over.",
			      "ゾーンは意図して遮断されています。理由がなくなったら解除してください。" },
	[REFUSE_INVALID] = { "Single packets late in a connection are normal; many of one sender are not: look at that machine.",
			     "通信の終わりに少数現れるのは正常です。一つの送信元から多数ある場合は、その機器を調べてください。" },
	[REFUSE_NAT] = { "Find the foreign NAT rules (nft list ruleset) and remove them.",
			 "NAT のルールを探し(nft list ruleset)、取り除いてください。" },
	[REFUSE_NEXT_HOP] = { "Compare the routes (ip route) with next_hops of the uplink in the zone file.",
			      "経路(ip route)と、ゾーン定義ファイルの上位回線の next_hops を照合してください。" },
	[REFUSE_RELATED] = { "If many: look at the machine that sends them; a few after a connection was cut are normal.",
			     "通信を切った後の少数は正常です。多数ある場合は、送信元の機器を調べてください。" },
	[REFUSE_MIDSTREAM] = { "After a restart of the gateway this is normal for some minutes: programs connect anew. Else look at the sender.",
			       "関所の再起動後しばらくは正常です(プログラムが接続し直します)。それ以外の場合は送信元を調べてください。" },
	[REFUSE_PAIR] = { "If this traffic is needed, it needs a flow with a record; if the law forbids it, the machine has the wrong settings or is attacked.",
			  "必要な通信であれば、台帳記載のある通信許可が必要です。三層の規律で許されない通信であれば、機器の設定誤りか不正な動作です。" },
	[REFUSE_FLOW] = { "See what is allowed: sekisho flows, sekisho why. If this traffic is needed, add a flow and apply it.",
			  "許可の内容は sekisho flows と sekisho why で確認できます。必要な通信であれば、通信許可を追加して適用してください。" },
	[REFUSE_LOCAL] = { "If this machine may use a service of the gateway, write it into gateway.services of the zone file.",
			   "この機器に関所のサービスを使わせる場合は、ゾーン定義ファイルの gateway.services に書いてください。" },
	[REFUSE_EGRESS] = { "If a program of the gateway needs this, write it into gateway.egress of the zone file; else find the program.",
			    "関所のプログラムに必要な通信であれば、ゾーン定義ファイルの gateway.egress に書いてください。そうでなければ、どのプログラムか調べてください。" },
	[REFUSE_LOOPBACK] = { "A process of the mail relay behaves as it should not: keep the journal and restart sekisho-relay.",
			      "無害化中継のプロセスが想定外の動作をしています。ジャーナルを保存し、sekisho-relay を再起動してください。" },
	[REFUSE_CONNECTIONS] = { "See who has so many open (conntrack -L on the gateway): a machine out of order or infected. If they are all needed, raise connections in "
				 "limits of the zone file.",
				 "どの機器が多くの接続を開いているか調べてください(関所で conntrack -L)。故障か感染の疑いがあります。すべて必要な接続であれば、"
				 "ゾーン定義ファイルの limits の connections を増やしてください。" },
};

bool refusal_of_word(const char *word, enum refusal *ret_refusal)
{
	for (int i = 0; i < REFUSE_COUNT; i++) {
		if (strcmp(refusal_name((enum refusal)i), word) == 0) {
			*ret_refusal = (enum refusal)i;
			return true;
		}
	}
	return false;
}

const char *refusal_action(enum refusal refusal, enum language language)
{
	return language == LANGUAGE_JA ? actions[refusal].ja : actions[refusal].en;
}

const char *gap_words(const char *what, enum language language)
{
	static const struct {
		const char *what, *en, *ja;
	} gaps[] = {
		{ "witness", "nobody took down detail; counts are complete", "詳しい記録がありません(件数は漏れていません)" },
		{ "detail", "too much at once: detail is missing; counts are complete", "量が多く、詳しい記録の一部がありません(件数は漏れていません)" },
		{ "counters", "counters began anew: some refusals may not be counted", "カウンターが作り直されたため、件数の一部が数えられていない可能性があります" },
	};

	for (size_t i = 0; i < sizeof(gaps) / sizeof(gaps[0]); i++)
		if (strcmp(gaps[i].what, what) == 0)
			return language == LANGUAGE_JA ? gaps[i].ja : gaps[i].en;
	return "?";
}
