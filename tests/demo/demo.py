#!/usr/bin/python3
"""sekisho shown to a person: a small town in network namespaces, real packets, and what the gateway says of them.

    make demo		(as root; --lang ja, en or both; LANG decides if it names one of them)

The town is that of conf/sekisho.conf, with the real sekishod at its gateway. Everything happens in network, mount and process
namespaces of its own: this machine's network is not touched, and whatever way this program ends, nothing is left. Exit status 0:
every expectation held.
"""

import hashlib
import json
import os
import re
import selectors
import signal
import subprocess
import sys
import time
import unicodedata

sys.dont_write_bytecode = True
DEMO = os.path.dirname(os.path.abspath(__file__))
SOURCE = os.path.dirname(os.path.dirname(DEMO))
sys.path.insert(0, os.path.join(SOURCE, "tests", "netns"))

import mail  # noqa: E402
from mail_town import RELAY, MailTown  # noqa: E402
from town import HOSTS, ZONES, fiscal_year_begin  # noqa: E402

PROGRAM = os.path.join(SOURCE, "build", "sekisho")
INSIDE = "SEKISHO_DEMO_INSIDE"  # set in the namespaces of our own
ANSWER_S = 15		# for what has to come; it takes milliseconds, but the machine may be busy
LINE_WIDTH = 110
SILENCE_S = 0.7		# what has not come so long after everything that had to come does not come

PLACES = ["jumin-tanmatsu", "zei-tanmatsu", "juki-cs", "shokuin-pc", "kanri-tanmatsu", "mail-naka", "gamen-server", "mukaika-sv", "inet-tanmatsu",
          "mail-soto", "cloud-router", "cloud-dns"]
NAMES = {"mynumber": ("マイナンバー利用事務系", "My Number tier"), "lgwan": ("LGWAN接続系", "LGWAN tier"),
         "internet": ("インターネット接続系", "Internet tier"), "cloud": ("セキュリティクラウド", "security cloud")}
SPEAKER = {"mynumber": "jumin-tanmatsu", "lgwan": "shokuin-pc", "internet": "inet-tanmatsu", "cloud": "cloud-dns"}
WEB_SITE = "198.51.100.80", "2001:db8:80::80"  # somewhere on the Internet, behind the router of the security cloud
SERVED = [("tcp", 443), ("tcp", 3389), ("tcp", 25), ("tcp", 53), ("udp", 53)]
MAIL_SERVER = "mail-naka", 25  # served by the mail server of mail.py
STRANGE_MAC = "02:00:00:01:00:99"

# What is tried in every direction, and what of it the file lets pass between the machines that speak for their zones.
TRIED = [("tcp", 443), ("udp", 53), ("icmp", 0)]
PASSING_PAIRS = {("internet", "cloud")}

# Flows of the file, and who uses them: (flow, from, to, protocol, port).
DECLARED = [
    ("juki-shokai", "jumin-tanmatsu", "juki-cs", "tcp", 443),
    ("gamen-tensou", "shokuin-pc", "gamen-server", "tcp", 3389),
    ("file-mukaika", "shokuin-pc", "mukaika-sv", "tcp", 443),
    ("ping-gamen", "kanri-tanmatsu", "gamen-server", "icmp", 0),
    ("web", "inet-tanmatsu", "web-site", "tcp", 443),
    ("dns", "inet-tanmatsu", "cloud-dns", "udp", 53),
]

# Why the gateway refuses, as short as a table needs it; `sekisho why` says it in a sentence.
REFUSALS = {"pair": ("このゾーン間に許可なし", "no flow between these zones"), "flow": ("この相手・ポートの許可なし", "no flow for this packet")}

NEW_FLOW = """
	{
		name        = "zei-shokai";
		from        = "mynumber";
		to          = "lgwan";
		method      = "specified";
		peer        = "juki-net";
		source      = "zei-tanmatsu";
		destination = "juki-cs";
		protocol    = "tcp";
		ports       = [ 443 ];
		record      = {
			number   = "特-002";
			reason   = "住民基本台帳ネットワークでの本人確認情報の照会(税務課)";
			approver = "情報政策課長";
			approved = "APPROVED";
			expires  = "nendo";
		};
	},
"""

FORBIDDEN_FLOW = """
	{
		name        = "gyaku-kaisen";
		from        = "internet";
		to          = "mynumber";
		method      = "exception";
		source      = "inet-tanmatsu";
		destination = "jumin-tanmatsu";
		protocol    = "tcp";
		ports       = [ 443 ];
	},
"""

FLOWS_BEGIN = "flows = (\n"


# ---- telling

class Teller:
    """Says everything in the languages wanted, and counts what was not as expected."""

    def __init__(self, language):
        self.japanese = language in ("ja", "both")
        self.english = language in ("en", "both")
        self.held = self.failed = 0

    def words(self, japanese, english):
        """One line if both fit into it, else two."""
        texts = ([japanese] if self.japanese else []) + ([english] if self.english else [])
        line = " / ".join(texts)
        return [line] if text_width(line) <= LINE_WIDTH else texts

    def say(self, japanese, english, indent="  "):
        for line in self.words(japanese, english):
            print(indent + line)

    def title(self, number, japanese, english):
        print(f"\n[{number}/7] " + " / ".join(self.words(japanese, english)))

    def pick(self, texts):
        """For tables: one language."""
        return texts[0] if self.japanese else texts[1]

    def show(self, text):
        """What a program printed."""
        for line in text.rstrip("\n").splitlines():
            print("      | " + line)

    def expect(self, held, japanese, english):
        self.held += bool(held)
        self.failed += not held
        first, *others = self.words(japanese, english)
        print(f"    {'○' if held else '×'} {first}")
        for line in others:
            print(f"      {line}")
        if not held:
            self.say("予想と違う結果です", "this is not as expected", "      !! ")

    def command_language(self):
        return "ja" if self.japanese else "en"


def text_width(text):
    return sum(2 if unicodedata.east_asian_width(char) in "WFA" else 1 for char in text)


def pad(text, width):
    return text + " " * (width - text_width(text))


def print_table(rows):
    widths = [max(text_width(row[i]) for row in rows) for i in range(len(rows[0]))]
    for row in rows:
        print("    " + "  ".join(pad(text, width) for text, width in zip(row, widths)).rstrip())


# ---- the machines of the town

class Machines:
    """A helper process at each machine (host.py), and the attempts that are made with them."""

    def __init__(self, town):
        self.selector = selectors.DefaultSelector()
        self.processes = {}
        self.number = 0
        self.owner = {}		# attempt -> machine
        self.results = {}	# attempt -> True: answered; False: an error came back
        self.events = []
        self.rests = {}		# machine -> the beginning of its next event
        for place in PLACES:
            process = subprocess.Popen(town.at(place, [sys.executable, os.path.join(DEMO, "host.py")]), stdin=subprocess.PIPE,
                                       stdout=subprocess.PIPE)
            self.processes[place] = process
            self.selector.register(process.stdout, selectors.EVENT_READ, place)
        served = [(place, protocol, port) for place in PLACES for protocol, port in SERVED if (place, port) != MAIL_SERVER]
        for place, protocol, port in served:
            self.tell(place, do="serve", protocol=protocol, port=port)
        self.wait(lambda: self.events.count("serving") == len(served), ANSWER_S)

    def tell(self, place, **task):
        self.processes[place].stdin.write(json.dumps(task).encode() + b"\n")
        self.processes[place].stdin.flush()

    def wait(self, question, seconds):
        """Takes events until the answer is true or the time is over."""
        end = time.monotonic() + seconds
        while not question() and time.monotonic() < end:
            for key, _ in self.selector.select(max(0, end - time.monotonic())):
                data = os.read(key.fileobj.fileno(), 65536)
                if not data:
                    raise RuntimeError(f"the machine {key.data} has died")
                *lines, self.rests[key.data] = (self.rests.get(key.data, b"") + data).split(b"\n")
                for line in lines:
                    self.take(json.loads(line))

    def take(self, event):
        self.events.append(event["event"])
        if "id" in event:
            self.results[event["id"]] = event["event"] == "answer"

    def begin(self, place, protocol, address, port):
        """Begins an attempt and returns its number."""
        self.number += 1
        self.owner[self.number] = place
        self.tell(place, do="try", id=self.number, protocol=protocol, address=address, port=port)
        return self.number

    def end(self, number):
        self.tell(self.owner[number], do="end", id=number)

    def outcome(self, wanted):
        """For attempts {number: whether it should pass} the numbers that passed: first all that should, then a while for the others."""
        self.wait(lambda: all(self.results.get(number) for number, passes in wanted.items() if passes), ANSWER_S)
        self.wait(lambda: all(number in self.results for number in wanted), SILENCE_S)
        return {number for number in wanted if self.results.get(number)}

    def attempt(self, place, protocol, address, port, passes):
        """Whether one attempt passes. passes: whether it should."""
        number = self.begin(place, protocol, address, port)
        passed = number in self.outcome({number: passes})
        self.end(number)
        return passed

    def still_speaks(self, number):
        """Whether a connection that is open carries data to and fro."""
        self.results.pop(number, None)
        self.tell(self.owner[number], do="say", id=number)
        self.wait(lambda: number in self.results, ANSWER_S)
        return self.results.get(number, False)

    def stop(self):
        for process in self.processes.values():
            process.stdin.close()
        for process in self.processes.values():
            process.wait(ANSWER_S)


def address_of(end, family):
    """The address of a machine or of the site; None if it has none of this family."""
    return WEB_SITE[family == 6] if end == "web-site" else HOSTS[end][3 if family == 6 else 2]


class Attempt:
    """One packet that is really sent, what is expected of it, and what became of it."""

    def __init__(self, start, end, family, protocol, port, passes):
        self.start, self.end, self.family, self.protocol, self.port, self.passes = start, end, family, protocol, port, passes
        self.passed = None
        self.said = ""		# the line of `sekisho why --batch`

    def probe(self):
        """The packet in the words of `sekisho why --batch`."""
        zone_from, mac, *_ = HOSTS[self.start]
        zone_to = HOSTS.get(self.end, ("cloud",))[0]
        hop = "cloud-router" if self.end == "web-site" else self.end
        words = {"iif": ZONES[zone_from][0], "oif": ZONES[zone_to][0], "smac": mac, "src": address_of(self.start, self.family),
                 "dst": address_of(self.end, self.family), "nexthop": address_of(hop, self.family), "proto": self.protocol}
        if self.protocol == "icmp":
            words.update(type=8) if self.family == 4 else words.update(proto=58, type=128)
        else:
            words.update(dport=self.port)
        words.update(ethertype="0x0800" if self.family == 4 else "0x86dd")
        return " ".join(f"{key}={value}" for key, value in words.items())

    def is_agreed(self):
        return self.passed == self.said.startswith("pass")

    def told(self, teller):
        """What the gateway says, in short: the flow, or the reason."""
        flow, refusal = re.search(r"flow=(\S*)", self.said), self.said.removeprefix("refuse ")
        if flow:
            return f"{outcome_word(True, teller)}({flow[1]})"
        return f"{outcome_word(False, teller)}({teller.pick(REFUSALS.get(refusal, (refusal, refusal)))})"


def outcome_word(passed, teller):
    return teller.pick(("とおる", "passes") if passed else ("とおらない", "refused"))


def try_together(gateway, machines, attempts):
    """Sends all of them at once, and asks the kernel's rules about each."""
    for attempt, said in zip(attempts, gateway.ask([attempt.probe() for attempt in attempts])):
        attempt.said = said
    numbers = {machines.begin(it.start, it.protocol, address_of(it.end, it.family), it.port): it for it in attempts}
    passed = machines.outcome({number: it.passes for number, it in numbers.items()})
    for number, attempt in numbers.items():
        attempt.passed = number in passed
        machines.end(number)


# ---- the gateway

class Gateway:
    def __init__(self, town, teller):
        self.town = town
        self.teller = teller

    def sekisho(self, *words, **more):
        """Runs sekisho at the gateway."""
        options = ["--lang", self.teller.command_language(), "--config", self.town.config, "--socket", os.path.join(self.town.run_dir, "control")]
        return self.town.run("gateway", [PROGRAM] + options + list(words), check=False, **more)

    def print_sekisho(self, *words):
        """Runs sekisho and shows how it was called and what it printed."""
        result = self.sekisho(*words)
        print("      $ sekisho " + " ".join(f'"{word}"' if " " in word else word for word in words))
        self.teller.show((result.stdout + result.stderr).replace(self.town.directory + "/", ""))
        return result

    def ask(self, probes):
        """What the rules in the kernel say to probes: the lines of `sekisho why --live --batch`."""
        return self.sekisho("why", "--live", "--batch", "-", input="\n".join(probes) + "\n").stdout.splitlines()

    def digest(self):
        """SHA-256 of all our rules as nft lists them."""
        return hashlib.sha256(self.town.rules().encode()).hexdigest()


# ---- the story

def tell_town(town, teller):
    teller.title(1, "町", "the town")
    teller.say("海野町(架空)の三つの領域と、外への出口です。あいだに立つのが関所(sekisho)です。",
               "Three zones of a small fictional town, its one way out, and the gateway between them.")
    for zone, (interface, ip4, ip6) in ZONES.items():
        machines = ", ".join(place for place in PLACES if HOSTS[place][0] == zone)
        print(f"    {interface}  {pad(zone, 10)}{pad(teller.pick(NAMES[zone]), 24)}{pad(ip4, 11)}{pad(ip6, 19)}{machines}")
    town.start_daemon()
    listing = town.run("gateway", ["nft", "list", "table", "inet", "sekisho"], check=False)
    teller.expect(town.notified.get("STATUS", "").startswith("in force"),
                  "sekishod が起動し、conf/sekisho.conf の設定が有効になりました",
                  "sekishod has started, and conf/sekisho.conf is in force")
    teller.expect("chain forward" in listing.stdout, f"カーネルのルールは {len(listing.stdout.splitlines())} 行で、nft でそのまま読めます",
                  f"the kernel holds its rules, {len(listing.stdout.splitlines())} lines, readable with nft")


def expect_agreement(teller, attempts):
    teller.expect(all(it.is_agreed() for it in attempts), f"実際に送った {len(attempts)} 件の結果は、すべて関所の答えと同じです",
                  f"all {len(attempts)} real attempts: as the gateway says")


def tell_pairs(gateway, machines, teller):
    """The table of all pairs: each cell is a real attempt, and beside it is what the kernel's rules were asked."""
    rows = [[Attempt(SPEAKER[start], SPEAKER[end], family, protocol, port, (start, end) in PASSING_PAIRS) for protocol, port in TRIED]
            for start in ZONES for end in ZONES if start != end for family in (4, 6)]
    attempts = [it for row in rows for it in row]
    try_together(gateway, machines, attempts)
    table = [list(teller.pick((("から -> へ", "IP", "TCP 443", "UDP 53", "ping", "関所の答え(sekisho why)"),
                               ("from -> to", "IP", "TCP 443", "UDP 53", "ping", "sekisho why says"))))]
    for row in rows:
        answers = [it.told(teller) for it in row]
        table.append([f"{HOSTS[row[0].start][0]} -> {HOSTS[row[0].end][0]}", f"v{row[0].family}"] + [outcome_word(it.passed, teller) for it in row]
                     + [" ".join(dict.fromkeys(answers))])
    print_table(table)
    expect_agreement(teller, attempts)
    teller.expect(all(it.passed == it.passes for it in attempts), "とおったのは、許可のある internet -> cloud だけです",
                  "only internet -> cloud, which has flows, has passed")


def tell_declared(gateway, machines, teller):
    teller.say("書いてある通信は、とおります。", "What is written passes.")
    attempts = [Attempt(start, end, family, protocol, port, True) for _, start, end, protocol, port in DECLARED for family in (4, 6)]
    try_together(gateway, machines, attempts)
    table = [list(teller.pick((("から -> へ", "通信", "IP", "結果", "関所の答え(sekisho why)"),
                               ("from -> to", "traffic", "IP", "result", "sekisho why says"))))]
    for it in attempts:
        table.append([f"{it.start} -> {it.end}", f"{it.protocol}/{it.port}" if it.port else "ping", f"v{it.family}", outcome_word(it.passed, teller),
                      it.told(teller)])
    print_table(table)
    flows = [flow for flow, *_ in DECLARED for _ in (4, 6)]
    teller.expect(all(it.passed and f"flow={flow}" in it.said for it, flow in zip(attempts, flows)), "書いてある通信は、すべてとおりました",
                  "everything that is written has passed")


def tell_wrong_mac(town, gateway, machines, teller):
    teller.say("正しいアドレスでも、別の MAC アドレスの端末(なりすまし、つなぎ間違い)からは、とおりません。",
               "The right address from another MAC (an impostor, a wrong cable) does not pass.")
    _, start, end, protocol, port = DECLARED[0]
    town.ip(start, f"link set eth0 address {STRANGE_MAC}")
    passed = machines.attempt(start, protocol, address_of(end, 4), port, passes=False)
    gateway.print_sekisho("why", address_of(start, 4), end, protocol, str(port), "--from-mac", STRANGE_MAC, "--live")
    town.ip(start, f"link set eth0 address {HOSTS[start][1]}")
    teller.expect(not passed, f"とおらない: {start} のアドレスを名乗る {STRANGE_MAC}", "refused from the strange MAC")
    teller.expect(machines.attempt(start, protocol, address_of(end, 4), port, passes=True), "とおる: 登録した MAC アドレスに戻すと", "passes from its own MAC")


def tell_who(town, gateway, machines, teller):
    teller.title(2, "だれが、だれと話せるか", "who may talk to whom")
    teller.expect(gateway.print_sekisho("matrix", "--live").returncode == 0, "カーネルのルールから作った表です。書いていない通信許可はありません",
                  "made from the rules in the kernel; nothing is there that the file does not say")
    teller.say("すべての向きで、TCP・UDP・ping を IPv4 と IPv6 で実際に送ります。", "Now real packets, in every direction, by IPv4 and IPv6.")
    tell_pairs(gateway, machines, teller)
    tell_declared(gateway, machines, teller)
    tell_wrong_mac(town, gateway, machines, teller)


def hold_connection(machines, teller):
    """Opens the screen transfer that has to go on through all changes."""
    number = machines.begin("shokuin-pc", "tcp", address_of("gamen-server", 4), 3389)
    teller.expect(machines.outcome({number: True}), "画面転送(gamen-tensou)の接続を一つ開いたままにします", "one screen transfer is opened and stays open")
    return number


def tell_edit(town, gateway, machines, teller, held):
    teller.title(3, "通信許可を一つ加える", "one flow is added")
    zei = ("zei-tanmatsu", "tcp", address_of("juki-cs", 4), 443)
    teller.expect(not machines.attempt(*zei, passes=False), "とおらない: zei-tanmatsu -> juki-cs tcp/443(まだ書いていない)", "refused, not yet written")
    town.edit_config(FLOWS_BEGIN, FLOWS_BEGIN + NEW_FLOW.replace("APPROVED", fiscal_year_begin()))
    gateway.print_sekisho("plan")
    applied = gateway.print_sekisho("apply", "--reason", "zei-shokai")
    teller.expect(applied.returncode == 0, "適用しました", "applied")
    teller.expect(machines.attempt(*zei, passes=True), "とおる: zei-tanmatsu -> juki-cs tcp/443", "now it passes")
    gateway.print_sekisho("why", "zei-tanmatsu", "juki-cs", "tcp", "443", "--live")
    teller.expect(machines.still_speaks(held), "開いていた画面転送は、そのまま続いています", "the open screen transfer has gone on")


def tell_mistake(town, gateway, machines, teller, held):
    teller.title(4, "書いてはならない通信を書く", "a flow that must never be")
    teller.say("インターネット接続系からマイナンバー利用事務系への通信許可を書いて、適用してみます。",
               "Somebody writes a flow from the Internet tier to the My Number tier.")
    before = gateway.digest()
    town.edit_config(FLOWS_BEGIN, FLOWS_BEGIN + FORBIDDEN_FLOW)
    applied = gateway.print_sekisho("apply")
    after = gateway.digest()
    teller.expect(applied.returncode == 1 and "[never]" in applied.stdout, "適用されませんでした。行番号と直し方が示されています",
                  "refused, with the line and what to do")
    teller.expect(before == after, f"ルールは一文字も変わっていません(SHA-256 {before[:16]}… = {after[:16]}…)", "not one byte of the rules has changed")
    teller.expect(not machines.attempt("inet-tanmatsu", "tcp", address_of("jumin-tanmatsu", 4), 443, passes=False),
                  "とおらない: inet-tanmatsu -> jumin-tanmatsu tcp/443", "refused")
    teller.expect(machines.still_speaks(held), "画面転送は続いています", "the screen transfer goes on")
    town.edit_config(FORBIDDEN_FLOW, "")
    teller.expect(gateway.print_sekisho("apply").returncode == 0, "その行を消すと、元どおりです", "without these lines all is as before")


def show_mail(teller, message):
    """A mail as its reader sees it."""
    print(f"      | From: {message['From']}\n      | Subject: {message['Subject']}\n      |")
    teller.show(message.get_content().replace("\r\n", "\n"))


def tell_direct_mail(gateway, machines, teller):
    for start, end in (("shokuin-pc", "mail-soto"), ("mail-soto", "mail-naka")):
        passed = machines.attempt(start, "tcp", address_of(end, 4), 25, passes=False)
        gateway.print_sekisho("why", address_of(start, 4), end, "tcp", "25", "--live")
        teller.expect(not passed, f"とおらない: {start} -> {end} tcp/25", "refused")


def tell_one_mail(town, teller, server, number, what, message):
    """Sends a mail to the relay, and shows what arrived inside."""
    code, words = mail.send(town, "mail-soto", RELAY[0], message)
    arrived = server.await_mail(number, ANSWER_S)
    teller.expect(code == 250 and arrived is not None, f"届きました: {what[0]}", f"arrived: {what[1]}")
    if not arrived:
        teller.show(f"{code} {words}")
        return ""
    show_mail(teller, arrived)
    teller.expect(arrived.get_content_type() == "text/plain" and not arrived.is_multipart(), "届いたのは文字だけの一つのメールです",
                  "what arrived is one mail of text")
    return arrived.get_content()


def tell_mail(town, gateway, machines, teller):
    teller.title(5, "メール", "mail")
    teller.say("メールを運ぶのは無害化中継(sekisho-relay)だけです。直接は、どちらの向きにもとおりません。",
               "Mail is for the relay alone; directly it passes in neither direction.")
    tell_direct_mail(gateway, machines, teller)
    town.start_relay()
    server = mail.MailServer(town, "mail-naka")
    text = tell_one_mail(town, teller, server, 1, ("ISO-2022-JP のメールと添付ファイル", "a mail in ISO-2022-JP with files"), mail.meeting())
    teller.expect("説明会資料.pdf" in text and "exe" in text, "取り除いた添付ファイルは、本当の拡張子とともに無害化票にあります",
                  "the files that were taken off are on the receipt, with their real extensions")
    text = tell_one_mail(town, teller, server, 2, ("HTML のメール", "a mail in HTML"), mail.newsletter())
    teller.expect("hxxp://evil[.]example" in text and "見えないように" in text, "偽のリンク先と、隠された文が見えます",
                  "the true target of the link and the hidden text can be seen")
    code, _ = mail.send(town, "mail-soto", RELAY[0], mail.meeting(), recipient="dareka@town.unno.lg.jp")
    teller.expect(code == 550, "いない人あてのメールは、送信側が待っている間に断ります(550)", "a mail to nobody is refused while its sender waits (550)")
    originals = len(town.originals())
    teller.expect(originals == 2, "原本はインターネット側に 2 通あります", "two originals are kept on the Internet side")
    teller.expect(town.stop_relay() == 0, "無害化中継を止めました", "the relay has stopped")


def tell_status(gateway, teller):
    teller.title(6, "いまの状態", "what is in force")
    teller.expect(gateway.print_sekisho("status").returncode == 0, "適用した設定のとおりに動いています", "what was applied is in force")


def tell_end(town, machines, teller):
    teller.title(7, "片付け", "tidying up")
    rules = town.rules()
    status = town.stop_daemon()
    teller.expect(status == 0 and town.rules() == rules, "sekishod を止めても、ルールはそのまま残ります", "sekishod has stopped, and the rules stay")
    teller.expect(not machines.attempt("jumin-tanmatsu", "tcp", address_of("inet-tanmatsu", 4), 443, passes=False),
                  "とおらない: jumin-tanmatsu -> inet-tanmatsu tcp/443(止めた後)", "still refused without sekishod")
    machines.stop()


def tell_story(teller):
    with MailTown(hosts=PLACES) as town:
        for address in WEB_SITE:
            town.ip("cloud-router", f"addr add {address} dev lo")
        machines, gateway = Machines(town), Gateway(town, teller)
        tell_town(town, teller)
        tell_who(town, gateway, machines, teller)
        held = hold_connection(machines, teller)
        tell_edit(town, gateway, machines, teller, held)
        tell_mistake(town, gateway, machines, teller, held)
        tell_mail(town, gateway, machines, teller)
        tell_status(gateway, teller)
        tell_end(town, machines, teller)
    left = subprocess.run(["ip", "netns", "list"], check=True, capture_output=True, text=True).stdout
    teller.expect(left == "", "町はすべて片付けました。この装置には何も残っていません", "the town is taken away; nothing is left on this machine")


# ---- the frame

def enter_namespaces():
    """Begins again in namespaces of our own, whose end is the end of everything in them."""
    script = 'mount -t tmpfs tmpfs /run && ip link set lo up && exec "$0" "$@"'
    environment = dict(os.environ, TMPDIR="/run", **{INSIDE: "1"})
    os.execvpe("unshare", ["unshare", "--net", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc", "sh", "-c", script, sys.executable,
                           os.path.abspath(__file__)] + sys.argv[1:], environment)


def choose_language(arguments):
    if len(arguments) == 2 and arguments[0] == "--lang" and arguments[1] in ("ja", "en", "both"):
        return arguments[1]
    if arguments:
        sys.exit("usage: demo.py [--lang ja|en|both]")
    locale = os.environ.get("LC_ALL") or os.environ.get("LC_MESSAGES") or os.environ.get("LANG") or ""
    return locale[:2] if locale[:2] in ("ja", "en") else "both"


def main():
    language = choose_language(sys.argv[1:])
    if os.geteuid() != 0:
        sys.exit("make demo: root が必要です / needs root")
    if not os.environ.get(INSIDE):
        enter_namespaces()
    sys.stdout.reconfigure(encoding="utf-8", line_buffering=True)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    teller, started = Teller(language), time.monotonic()
    try:
        tell_story(teller)
    except KeyboardInterrupt:
        sys.exit("\n中断しました。町は片付けました / interrupted; the town is taken away")
    seconds = round(time.monotonic() - started)
    print()
    if teller.failed:
        teller.say(f"予想と違うもの {teller.failed} 件、予想どおり {teller.held} 件({seconds} 秒)",
                   f"{teller.failed} not as expected, {teller.held} as expected", "")
    else:
        teller.say(f"すべて予想どおりでした({teller.held} 件、{seconds} 秒)。", f"All {teller.held} expectations held, in {seconds} s.", "")
    return 1 if teller.failed else 0


if __name__ == "__main__":
    sys.exit(main())
