/* catalogue: what is found about who is connected where. */
#include "wiring/catalogue.h"

const struct finding_kind wiring_catalogue[WIRING_FINDING_COUNT] = {
	[WIRING_DECLARED_ELSEWHERE] = {
		"wiring-declared-elsewhere", SEVERITY_ERROR,
		"Device {0} is connected at {1}, but the zone file declares it in {2}.",
		"機器 {0} が {1} に接続されています。ゾーン定義ファイルでは {2} の機器です。",
		"Pull its cable there and connect it where it belongs; if it has moved for good, change its zone in hosts.",
		"そのケーブルを抜き、正しいゾーンに接続してください。移設した場合は hosts のゾーンを直してください。",
	},
	[WIRING_MOVED] = {
		"wiring-moved", SEVERITY_ERROR,
		"Device {0} is connected at {1}, but was seen at {2} before.",
		"これまで {2} にあった機器 {0} が {1} に接続されています。",
		"Find the device and put it back; if it is seen at both, a cable or a switch joins the zones. A router of both zones is declared in both.",
		"機器を探して元に戻してください。両方で見える場合は、ケーブルやスイッチがゾーンをつないでいます。両方のゾーンのルーターであれば、両方に登録してください。",
	},
	[WIRING_FOREIGN_ADDRESS] = {
		"wiring-foreign-address", SEVERITY_ERROR,
		"Device {0} at {1} uses the address {3}, which belongs to {2}.",
		"{1} の機器 {0} が、{2} のアドレス {3} を名乗っています。",
		"Find the device: it is connected to the wrong zone, or has a wrong address.",
		"機器を探してください。接続先のゾーンか、機器のアドレスの設定が誤っています。",
	},
	[WIRING_DUPLICATE_ADDRESS] = {
		"wiring-duplicate-address", SEVERITY_ERROR,
		"Two devices have the address {3}: {0} at {1}, and {2}.",
		"アドレス {3} を二つの機器が名乗っています: {0}({1})と {2}。",
		"Find out which of them should have it and give the other one an address of its own; if it was replaced, change its MAC in hosts.",
		"正しい機器を確かめ、もう一方に別のアドレスを付けてください。交換した場合は hosts の MAC を直してください。",
	},
	[WIRING_GATEWAY_ADDRESS] = {
		"wiring-gateway-address", SEVERITY_ERROR,
		"Device {0} at {1} claims the address {3} of the gateway itself ({2}).",
		"{1} の機器 {0} が、このゲートウェイ({2})のアドレス {3} を名乗っています。",
		"Disconnect the device at once: terminals may be sending it what is meant for the gateway.",
		"ただちに機器を切り離してください。端末が、ゲートウェイあての通信をその機器に送っているおそれがあります。",
	},
	[WIRING_OWN_FRAMES] = {
		"wiring-own-frames", SEVERITY_ERROR,
		"Frames that bear the MAC {0} of the gateway's own {2} come in at {1}.",
		"このゲートウェイの {2} の MAC アドレス {0} を送信元とするフレームが {1} に届いています。",
		"Look for a cable or a switch that joins the two, or a loop of the switch; or for a device that took this MAC.",
		"二つをつなぐケーブルやスイッチ、スイッチのループがないか、この MAC を名乗る機器がないか調べてください。",
	},
	[WIRING_STRAY_DHCP] = {
		"wiring-stray-dhcp", SEVERITY_ERROR,
		"Device {0} at {1} gives out addresses by DHCP as {3}; {2} declares no such server.",
		"{1} の機器 {0} が、DHCP サーバー({3})として応答しています。{2} に登録されていないサーバーです。",
		"Disconnect it (a broadband router, most often); if it is the zone's own, name it in dhcp_servers of the zone.",
		"切り離してください(多くは家庭用ルーターです)。正規のサーバーであれば、ゾーンの dhcp_servers に書いてください。",
	},
	[WIRING_STRAY_ROUTER] = {
		"wiring-stray-router", SEVERITY_ERROR,
		"Device {0} at {1} announces itself as an IPv6 router ({3}); {2} declares no such router.",
		"{1} の機器 {0} が、IPv6 ルーター({3})として広告を出しています。{2} に登録されていないルーターです。",
		"Disconnect it; if it is the zone's own, name it in ipv6_routers of the zone.",
		"切り離してください。正規のルーターであれば、ゾーンの ipv6_routers に書いてください。",
	},
	[WIRING_STRAY_VLAN] = {
		"wiring-stray-vlan", SEVERITY_ERROR,
		"Frames of VLAN {3} come in at {1}, from device {0} among others; {2} has no such VLAN there.",
		"{1} に、VLAN {3} のタグの付いたフレームが届いています(機器 {0} など)。{2} にこの VLAN はありません。",
		"Look at the switch: the port of the gateway carries another VLAN than it should. The frames are dropped.",
		"スイッチの設定を確認してください。ゲートウェイのポートに別の VLAN が流れています。フレームは遮断しています。",
	},
	[WIRING_MANY_DEVICES] = {
		"wiring-many-devices", SEVERITY_WARNING,
		"So many devices are heard at {1}, {0} the last of them, that older ones are forgotten: that one of those was moved is not noticed.",
		"{1} で見える機器が多すぎるため、古いものから忘れています(最後の機器 {0})。忘れた機器の移動には気付けません。",
		"Look for a device that makes up addresses, or a loop; devices that are declared in hosts with their MACs are never forgotten.",
		"アドレスを偽造する機器や、スイッチのループがないか調べてください。hosts に MAC を登録した機器は忘れません。",
	},
};
