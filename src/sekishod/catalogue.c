/* catalogue: what the daemon finds. */
#include "sekishod/catalogue.h"

const struct finding_kind daemon_catalogue[DAEMON_FINDING_COUNT] = {
	[DAEMON_REQUEST_MALFORMED] = {
		"request-malformed", SEVERITY_ERROR,
		"The request was not understood: {0}.", "要求を解釈できませんでした: {0}。",
		"Use the sekisho command of the same version as sekishod.", "sekishod と同じ版の sekisho コマンドを使ってください。",
	},
	[DAEMON_BUSY] = {
		"apply-busy", SEVERITY_ERROR,
		"Another apply is being worked on.", "ほかの適用処理が進行中です。",
		"Wait a moment and try again.", "少し待ってから、もう一度実行してください。",
	},
	[DAEMON_CONFIRM_PENDING] = {
		"confirm-pending", SEVERITY_ERROR,
		"A change waits for its confirmation; until then no other is made.", "確認を待っている変更があるため、ほかの変更はできません。",
		"Run sekisho confirm, or wait until it has gone back.", "sekisho confirm を実行するか、元に戻るまで待ってください。",
	},
	[DAEMON_CONFIRM_NOTHING] = {
		"confirm-nothing", SEVERITY_ERROR,
		"No change waits for a confirmation.", "確認を待っている変更はありません。",
		"See what is in force: sekisho status", "現在の状態は sekisho status で確認できます。",
	},
	[DAEMON_CONFIRM_NO_RETURN] = {
		"confirm-no-return", SEVERITY_ERROR,
		"There is nothing the change could go back to ({0}); nothing was changed.", "元に戻すための設定を用意できないため({0})、何も変更していません。",
		"Apply without --confirm, at the console.", "コンソールで、--confirm を付けずに適用してください。",
	},
	[DAEMON_LOCKOUT] = {
		"lockout", SEVERITY_ERROR,
		"This change would cut the connection it is given over: {0} could no longer reach port {1} of the gateway, which \"{2}\" allows now.",
		"この変更を行うと、いま操作している接続が切れます。{0} から関所のポート {1} への通信は、現在「{2}」で許可されています。",
		"Keep that service for this terminal, or apply with --force if you can reach the console.",
		"この端末のための許可を残してください。コンソールで操作できる場合は --force を付けて適用できます。",
	},
	[DAEMON_ZONE_UNKNOWN] = {
		"zone-unknown", SEVERITY_ERROR,
		"There is no zone {0} in what is in force.", "有効な設定に、ゾーン {0} はありません。",
		"Look up its name (sekisho matrix), or isolate every zone: sekisho isolate '*'",
		"名前を確認してください(sekisho matrix)。すべてのゾーンを遮断するには sekisho isolate '*' を実行します。",
	},
	[DAEMON_NOT_ISOLATED] = {
		"not-isolated", SEVERITY_ERROR,
		"{0} is not isolated; nothing was changed.", "{0} は遮断されていません。何も変更していません。",
		"See what is isolated: sekisho status", "遮断中のゾーンは sekisho status で確認できます。",
	},
	[DAEMON_ISOLATIONS_MANY] = {
		"isolations-many", SEVERITY_ERROR,
		"So many zones are isolated already that no other can be noted.", "遮断中のゾーンが多すぎるため、これ以上記録できません。",
		"Isolate every zone instead: sekisho isolate '*'", "代わりにすべてのゾーンを遮断してください: sekisho isolate '*'",
	},
	[DAEMON_ISOLATION_FAILED] = {
		"isolation-failed", SEVERITY_ERROR,
		"The kernel did not take the change for zone {0}; therefore nothing at all is forwarded now.",
		"ゾーン {0} の変更をカーネルに設定できませんでした。そのため、現在はすべての転送を止めています。",
		"Look at the journal of sekishod; if a zone must be cut off by hand, pull its cable.",
		"sekishod のジャーナルを確認してください。手で切り離す必要があれば、そのゾーンのケーブルを抜いてください。",
	},
	[DAEMON_EXCEPTION_UNKNOWN] = {
		"exception-unknown", SEVERITY_WARNING,
		"No flow or service in force has the name {0}; it is an exception in vain.", "{0} という名前の通信許可・サービスは有効でないため、例外として働きません。",
		"Look up the name (sekisho flows) and isolate again with the right one.", "名前を確認し(sekisho flows)、正しい名前でもう一度遮断してください。",
	},
	[DAEMON_RENAMED_INTO_ZONE] = {
		"interface-renamed-into-zone", SEVERITY_WARNING,
		"Interface {1} was renamed to {0}, which is an interface of a zone; it does not become a member of the zone by that.",
		"インターフェース {1} の名前が、ゾーンのインターフェース名 {0} に変更されました。名前の変更だけではゾーンに加わりません。",
		"If this was intended, run: sekisho apply. If not, find out who renamed it.",
		"意図した変更であれば sekisho apply を実行してください。そうでなければ、変更した人を確認してください。",
	},
	[DAEMON_ENFORCER_GONE] = {
		"enforcer-gone", SEVERITY_ERROR,
		"The process that installs the rules ended before it answered; it is being started again.",
		"ルールを設定するプロセスが、応答する前に終了しました。自動的に再起動します。",
		"Try again in a moment; if it happens again, look at the journal of sekishod.",
		"少し待ってから再実行してください。繰り返す場合は sekishod のジャーナルを確認してください。",
	},
	[DAEMON_ANSWER_MALFORMED] = {
		"answer-malformed", SEVERITY_ERROR,
		"An answer inside sekishod was not understood.", "sekishod の内部の応答を解釈できませんでした。",
		"Restart sekishod; the rules stay in force meanwhile.", "sekishod を再起動してください。その間もルールは有効です。",
	},
	[DAEMON_UNRECORDED] = {
		"not-recorded", SEVERITY_WARNING,
		"What was done could not be written to the journal.", "実行した内容を記録に書き込めませんでした。",
		"Look whether the disk of the state directory is full (df), and keep the journal of sekishod; a record of the gap follows when there is room.",
		"状態ディレクトリのディスクに空きがあるか(df)を確認し、sekishod のジャーナルを保存してください。空きができると、欠落の記録が残ります。",
	},
	[DAEMON_NO_PINS] = {
		"zones-unknown", SEVERITY_ERROR,
		"The zones of the zone file are not known, so that no policy can be judged.",
		"ゾーン定義ファイルのゾーンが確認できないため、ポリシーを検査できません。",
		"Mend the zones of the file and run: sekisho apply", "ファイルのゾーンの定義を直し、sekisho apply を実行してください。",
	},
	[DAEMON_PROPOSAL_MALFORMED] = {
		"proposal-malformed", SEVERITY_ERROR,
		"The proposed ruleset is not well formed; nothing was changed.", "設定しようとしたルールの形式が正しくないため、何も変更していません。",
		"Restart sekishod. If it happens again, keep its journal and ask for help.",
		"sekishod を再起動してください。繰り返す場合はジャーナルを保存し、保守の担当に連絡してください。",
	},
	[DAEMON_LINK_DIFFERS] = {
		"link-differs", SEVERITY_ERROR,
		"Interface {0} is not the one the ruleset was made for; nothing was changed.",
		"インターフェース {0} が、ルールを作成した時点のものと異なるため、何も変更していません。",
		"Try again; interfaces changed while the policy was being compiled.", "処理中にインターフェースが変わりました。もう一度実行してください。",
	},
	[DAEMON_KERNEL_UNREADABLE] = {
		"kernel-unreadable", SEVERITY_ERROR,
		"The rules in the kernel could not be read: {0}.", "カーネル内のルールを読み取れませんでした: {0}。",
		"Look at the journal of sekishod and of the kernel.", "sekishod とカーネルのジャーナルを確認してください。",
	},
	[DAEMON_KERNEL_REFUSED] = {
		"kernel-refused", SEVERITY_ERROR,
		"The kernel refused the rules; nothing was changed: {0}", "カーネルがルールを受け付けなかったため、何も変更していません: {0}",
		"Look at the journal of sekishod and of the kernel.", "sekishod とカーネルのジャーナルを確認してください。",
	},
	[DAEMON_KERNEL_RESTLESS] = {
		"kernel-restless", SEVERITY_ERROR,
		"Somebody else kept changing rules in the kernel, so that ours could not be installed.",
		"ほかのプログラムがカーネルのルールを変更し続けているため、ルールを設定できませんでした。",
		"Find the program that changes rules (nft monitor) and stop it.",
		"ルールを変更しているプログラムを(nft monitor などで)調べ、止めてください。",
	},
	[DAEMON_READBACK_DIFFERS] = {
		"readback-differs", SEVERITY_ERROR,
		"What the kernel holds after the commit is not what was committed.", "設定後にカーネルから読み戻したルールが、設定した内容と一致しません。",
		"Somebody else changes our tables: find out who (nft monitor).",
		"ほかのプログラムがこのルールを変更しています。(nft monitor などで)調べてください。",
	},
	[DAEMON_PORT_OF_BRIDGE] = {
		"interface-in-bridge", SEVERITY_WARNING,
		"Interface {0} of zone \"{1}\" is a port of {2}: what is bridged there does not meet the rules; bridging between zones is dropped, but the zone is cut off.",
		"ゾーン「{1}」のインターフェース {0} が {2} に組み込まれています。ブリッジされるパケットはルールを通りません(ゾーン間のブリッジは遮断しますが、このゾーンは通信できません)。",
		"Take it out: ip link set {0} nomaster",
		"ip link set {0} nomaster を実行して外してください。",
	},
	[DAEMON_PROGRAM_AT_INTERFACE] = {
		"interface-xdp", SEVERITY_ERROR,
		"A program (XDP) takes the packets of interface {0} of zone \"{1}\" before the rules see them, and may send them to any other zone.",
		"ゾーン「{1}」のインターフェース {0} に、ルールより先にパケットを処理するプログラム(XDP)があります。別のゾーンへ送ることもできます。",
		"Find out who attached it (bpftool net), and take it away: ip link set {0} xdp off",
		"取り付けた人を調べ(bpftool net)、ip link set {0} xdp off などで取り外してください。",
	},
	[DAEMON_TC_AT_INTERFACE] = {
		"interface-tc", SEVERITY_ERROR,
		"Traffic control at interface {0} of zone \"{1}\" (clsact or ingress) may send packets to another zone past the rules.",
		"ゾーン「{1}」のインターフェース {0} に、ルールを通さずにパケットを別のゾーンへ送れる設定(tc の clsact または ingress)があります。",
		"Look at it (tc filter show dev {0} ingress), and remove it: tc qdisc del dev {0} clsact",
		"tc filter show dev {0} ingress で内容を確認し、tc qdisc del dev {0} clsact などで取り除いてください。",
	},
	[DAEMON_POLICY_ROUTE] = {
		"policy-route", SEVERITY_WARNING,
		"There is a policy routing rule (priority {0}): packets may take another way than the routes show. The zones of a flow are checked all the same.",
		"ポリシールーティングのルール(優先度 {0})があります。経路表とは別の経路が使われることがあります(通信許可のゾーンは、その場合も検査します)。",
		"See what it is for (ip rule), and remove it if it is not needed.",
		"ip rule で用途を確認し、不要であれば取り除いてください。",
	},
};
