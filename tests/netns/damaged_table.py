#!/usr/bin/python3
"""sekishod starts on tables that somebody damaged while it was away: afterwards the kernel holds the intended rules.

Base chains that were intact are the same chains afterwards: replacing one would open a gap for the packets of that moment.
"""

import os
import re
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from town import SOURCE, Town, skip_unless_possible  # noqa: E402

SEKISHO = os.environ.get("SEKISHO") or os.path.join(SOURCE, "build", "sekisho")

FAMILIES = ("inet", "netdev", "bridge")

# what: the commands of nft, one per line; the base chains that may be made anew because they are damaged themselves
DAMAGES = (
    ("a rule was deleted", "delete rule inet sekisho forward handle {forward.first}", ()),
    ("the last refusal was deleted", "delete rule inet sekisho forward handle {forward.last}", ()),
    ("a chain was emptied", "flush chain inet sekisho source", ()),
    ("all chains were emptied", "flush table inet sekisho", ()),
    ("a rule was put first", "insert rule inet sekisho forward accept", ()),
    ("a rule was put last", "add rule inet sekisho input accept", ()),
    ("a rule of an unknown kind was put first", "insert rule inet sekisho forward meta length 100 accept", ()),
    ("a rule was put into a pair's chain", "insert rule inet sekisho mynumber.lgwan.4 accept", ()),
    ("a rule was put into the guard of an interface", "insert rule netdev sekisho ingress.mn0 accept", ()),
    ("the guard of an interface was emptied", "flush chain netdev sekisho ingress.mn0", ()),
    ("a refusal was emptied", "flush chain inet sekisho refuse.flow", ()),
    ("an element was added", "add element inet sekisho next-hops4 {{ 192.0.2.66 }}", ()),
    ("an element was deleted", "delete element inet sekisho next-hops4 {{ 192.0.2.1 }}", ()),
    ("a set was emptied", "flush set inet sekisho live", ()),
    ("a flow was added", "add element inet sekisho mynumber.lgwan.exact4 {{ 10.1.0.11 . 10.2.0.20 . tcp . 443 : 0x00000001 }}", ()),
    ("a range was added", "add element inet sekisho networks/mn0/4 {{ 10.9.0.0/16 }}", ()),
    ("a mark was made live elsewhere", "add element inet sekisho live {{ 0x00000001 . \"mn0\" . \"in0\" }}", ()),
    ("an interface left the guard of the bridge", "delete element bridge sekisho ports {{ \"mn0\" }}", ()),
    ("a set was removed with its rules",
     "delete rule inet sekisho admitted handle {admitted}\ndelete rule inet sekisho admitted handle {admitted2}\n"
     "delete rule inet sekisho admitted.in handle {admitted.in}\ndelete rule inet sekisho admitted.out handle {admitted.out}\n"
     "delete rule inet sekisho forward handle {forward}\ndelete rule inet sekisho forward handle {forward2}\n"
     "delete set inet sekisho isolated", ()),
    ("a set is of another kind",
     "delete rule inet sekisho admitted handle {admitted}\ndelete rule inet sekisho admitted handle {admitted2}\n"
     "delete rule inet sekisho admitted.in handle {admitted.in}\ndelete rule inet sekisho admitted.out handle {admitted.out}\n"
     "delete rule inet sekisho forward handle {forward}\ndelete rule inet sekisho forward handle {forward2}\n"
     "delete set inet sekisho isolated\nadd set inet sekisho isolated {{ type ipv4_addr; flags interval; }}", ()),
    ("a foreign set", "add set inet sekisho foreign {{ type ipv4_addr; }}", ()),
    ("a foreign set with a rule that uses it",
     "add set inet sekisho foreign {{ type ipv4_addr; elements = {{ 10.1.0.11 }} }}\ninsert rule inet sekisho forward ip saddr @foreign accept", ()),
    ("a foreign set of a kind we do not know", "add set inet sekisho foreign {{ type ipv4_addr; flags dynamic,timeout; size 9; }}", ()),
    ("a set that waits under a second name", "add map inet sekisho mynumber.lgwan.range4.b {{ type ipv4_addr . ipv4_addr . inet_proto . "
     "inet_service : mark; flags interval; elements = {{ 10.1.0.0/24 . 10.2.0.0/24 . tcp . 1-65535 : 0x00000001 }} }}", ()),
    ("a base chain that accepts", "add chain inet sekisho foreign {{ type filter hook forward priority -10; policy accept; }}\n"
     "add rule inet sekisho foreign accept", ()),
    ("a base chain at a hook we do not use", "add chain inet sekisho foreign {{ type filter hook postrouting priority 0; policy drop; }}", ()),
    ("a chain of addresses translated", "add chain inet sekisho foreign {{ type nat hook postrouting priority 100; }}\n"
     "add rule inet sekisho foreign masquerade", ()),
    ("a chain that is jumped to", "add chain inet sekisho foreign\nadd rule inet sekisho foreign accept\n"
     "insert rule inet sekisho forward jump foreign", ()),
    ("a counter", "add counter inet sekisho foreign", ()),
    ("a limit that a rule uses", "add limit inet sekisho foreign {{ rate 5/second }}\ninsert rule inet sekisho forward limit name foreign accept", ()),
    ("a policy became accept", "add chain inet sekisho forward {{ policy accept; }}", (("inet", "forward"),)),
    ("a policy of the first chain became accept", "add chain inet sekisho source {{ policy accept; }}", (("inet", "source"),)),
    ("a base chain was deleted", "flush chain inet sekisho forward\ndelete chain inet sekisho forward", (("inet", "forward"),)),
    ("the guard of an interface was deleted", "delete chain netdev sekisho ingress.mn0", (("netdev", "ingress.mn0"),)),
    ("a table is dormant", "add table inet sekisho {{ flags dormant; }}", ("inet",)),
    ("the table of the bridge is gone", "delete table bridge sekisho", ("bridge",)),
    ("all tables are gone", "delete table inet sekisho\ndelete table netdev sekisho\ndelete table bridge sekisho", FAMILIES),
    ("a table is another one",
     "delete table inet sekisho\nadd table inet sekisho\nadd chain inet sekisho forward {{ type filter hook forward priority 0; policy accept; }}\n"
     "add set inet sekisho live {{ type ipv4_addr; }}\nadd rule inet sekisho forward ip saddr @live accept", ("inet",)),
    ("a table of our name in a family we do not use", "add table ip sekisho\nadd chain ip sekisho forward {{ type filter hook forward priority 0; "
     "policy accept; }}\nadd rule ip sekisho forward accept", ()),
    ("somebody else's table", "add table inet foreign\nadd chain inet foreign forward {{ type filter hook forward priority 5; policy accept; }}", ()),
)


def check(what, condition, detail=""):
    if not condition:
        raise AssertionError(f"{what}\n{detail}")
    print(f"ok: {what}")


def listing(town, *options):
    """Our tables with handles, whole."""
    text = ""
    for family in FAMILIES:
        text += town.run("gateway", ["nft", "-s", *options, "list", "table", family, "sekisho"], check=False).stdout
    return text


def rules(town):
    """
    The rules as sekisho decodes them, with flows instead of their marks: after the marks were lost, flows get others, and maps of ranges their
    second names. Elements are sorted, because those of @live stand in the order of their marks.
    """
    shown = town.run("gateway", [SEKISHO, "show", "--nft"], check=False)
    if shown.returncode != 0:
        return shown.stderr
    text = re.sub(r"\b(range|portless|networks)([46])(\.b)+(?=[ \n])", r"\1\2", re.sub(r"timeout \d+s", "timeout", shown.stdout))
    flows = dict(re.findall(r"^\t\t\t(0x[0-9a-f]{8}) .* comment \"(.*) [0-9a-f]{32}\"", text, flags=re.M))
    text = re.sub(r"0x[0-9a-f]{8}", lambda match: flows.get(match[0], match[0]), text)
    return re.sub(r"(?<=elements = \{\n)(.*?)(?=\n\t\t\})", lambda match: sorted_elements(match[1]), text, flags=re.S)


def sorted_elements(text):
    return "\n".join(sorted(line.rstrip(",") for line in text.splitlines()))


def difference(a, b):
    return "\n".join(sorted(set(a.splitlines()) ^ set(b.splitlines()))[:20])


def handles(town):
    """(family, chain) -> handle of every base chain; and the handles that the damages speak of."""
    chains, words, family, chain, rules = {}, {}, None, None, {}
    for line in listing(town, "-a").splitlines():
        if match := re.match(r"table (\w+) sekisho", line):
            family = match[1]
        elif match := re.match(r"\tchain (\S+) \{ # handle (\d+)", line):
            chain, handle = match[1], int(match[2])
        elif "type filter hook" in line:
            chains[(family, chain)] = handle
        elif match := re.match(r"\t\t(.*) # handle (\d+)", line):
            rules.setdefault((family, chain), []).append((match[1], match[2]))
    forward = rules[("inet", "forward")]
    words["forward.first"], words["forward.last"] = forward[0][1], forward[-1][1]
    for name in ("admitted", "admitted.in", "admitted.out", "forward"):
        for number, (_, handle) in enumerate(rule for rule in rules[("inet", name)] if "@isolated" in rule[0]):
            words[name + ("2" if number else "")] = handle
    return chains, words


def spared(chains, replaced):
    """The base chains that had no reason to be made anew."""
    return {key: handle for key, handle in chains.items() if key not in replaced and key[0] not in replaced}


def damage(town, commands):
    before = listing(town) + town.run("gateway", ["nft", "list", "tables"]).stdout
    _, words = handles(town)
    town.run("gateway", ["nft", "-f", "-"], input=re.sub(r"\{([a-z0-9.]+)\}", lambda match: words[match[1]], commands)
             .replace("{{", "{").replace("}}", "}"))
    return listing(town) + town.run("gateway", ["nft", "list", "tables"]).stdout != before


def check_damage(town, what, commands, replaced):
    intended, (chains, _) = rules(town), handles(town)
    check(f"{what}: the daemon is away", town.stop_daemon() == 0)
    check(f"{what}: the kernel shows it", damage(town, commands))
    town.start_daemon()
    repaired = rules(town)
    check(f"{what}: the rules are the intended ones", repaired == intended, difference(repaired, intended))
    after, _ = handles(town)
    expected = spared(chains, replaced)
    check(f"{what}: no intact base chain was replaced", spared(after, replaced) == expected,
          {key: (handle, after.get(key)) for key, handle in expected.items() if after.get(key) != handle})
    check(f"{what}: the policy is in force", town.status()["state"] == "in-force", town.status())
    answer = town.apply()
    check(f"{what}: and nothing is left to do", answer["result"] == "unchanged", answer)


def check_foreign_tables(town):
    """What has our name is ours, and nothing else is."""
    tables = town.run("gateway", ["nft", "list", "tables"]).stdout
    check("a table of our name in another family is gone", "table ip sekisho\n" not in tables, tables)
    check("a table of another name stays", "table inet foreign\n" in tables, tables)


def main():
    skip_unless_possible("nft")
    with Town(hosts=[], owner=False) as town:
        town.start_daemon()
        for what, commands, replaced in DAMAGES:
            check_damage(town, what, commands, replaced)
        check_foreign_tables(town)


if __name__ == "__main__":
    main()
