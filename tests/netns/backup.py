#!/usr/bin/python3
"""A gateway is saved in one file while it runs, and comes back from it: on a new machine with its policy, its isolated zones, its journal and its refusals; on the
same one without losing what happened since. What is no sound backup changes nothing.
"""

import hashlib
import io
import json
import os
import shutil
import socket
import subprocess
import sys
import tarfile
import tempfile

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from town import SOURCE, Town, await_true, inside, skip_unless_possible  # noqa: E402

PROGRAM = os.environ.get("SEKISHO") or os.path.join(SOURCE, "build", "sekisho")
PORT, OTHER_PORT = "ports       = [ 3389 ]", "ports       = [ 3390 ]"
INCLUDED = "台帳/追加.conf"
FLOWS = "flows = ("


def expect(what, condition, detail=""):
    if not condition:
        raise AssertionError(f"{what} {detail}")
    print(f"ok: {what}")


def sekisho(town, *words):
    result = town.run("gateway", [PROGRAM, "--lang", "en", "--json", "--config", town.config, "--socket", os.path.join(town.run_dir, "control"), *words],
                      check=False)
    return result.returncode, json.loads(result.stdout) if result.stdout.startswith(("{", "[")) else result.stdout + result.stderr


def backup(town, path):
    return sekisho(town, "backup", path, "--state-dir", town.state_dir)


def restore(town, path, *words):
    return sekisho(town, "restore", path, "--state-dir", town.state_dir, *words)


def records(town):
    return sekisho(town, "journal", "--dir", os.path.join(town.state_dir, "journal"))[1]


def saved(path, name):
    with tarfile.open(path) as archive:
        return archive.extractfile(name).read()


def snapshot(town):
    """Every file of configuration and state, by its bytes."""
    found = {}
    for top in (town.config_dir, town.state_dir):
        for directory, _, names in os.walk(top):
            for name in names:
                path = os.path.join(directory, name)
                with open(path, "rb") as file:
                    found[path] = hashlib.sha256(file.read()).hexdigest()
    return found


def move_config(town):
    """The zone file gets a directory of its own."""
    town.config_dir = os.path.join(town.directory, "etc")
    os.makedirs(town.config_dir)
    town.config = shutil.move(town.config, os.path.join(town.config_dir, "sekisho.conf"))


def with_include(town):
    """A part of the zone file is in another file, with a name in Japanese."""
    move_config(town)
    os.makedirs(os.path.join(town.config_dir, os.path.dirname(INCLUDED)))
    with open(os.path.join(town.config_dir, INCLUDED), "w", encoding="utf-8") as file:
        file.write("# 追加分\n")
    with open(town.config, "a", encoding="utf-8") as file:
        file.write(f'@include "{INCLUDED}"\n')


def check_refusal(town):
    """One packet that is refused, and in the database."""
    with inside(town.namespace("inet-tanmatsu")), socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
        sender.sendto(b"knock", ("10.2.0.10", 9))
    await_true("the refusal is written down", lambda: sekisho(town, "refusals", "--events", os.path.join(town.state_dir, "events", "events.db"))[1]["refusals"])


def check_backup(town, path):
    town.start_daemon()
    check_refusal(town)
    town.edit_config(PORT, OTHER_PORT)
    expect("a change is applied", town.apply(reason="年度更新")["result"] == "committed")
    expect("a zone is isolated", sekisho(town, "isolate", "internet", "--reason", "疑わしい通信")[1]["result"] == "isolated")
    status, answer = backup(town, path)
    expect("the running gateway is saved", status == 0 and answer["result"] == "written" and not answer["missing"], answer)
    expect("in a file that root alone reads", os.stat(path).st_mode & 0o777 == 0o600)
    expect("and nothing is left beside it", not [name for name in os.listdir(town.state_dir) if name.startswith("backup.")])
    listing = subprocess.run(["tar", "tf", path], capture_output=True, text=True, check=True, env={**os.environ, "LC_ALL": "C.UTF-8", "TAR_OPTIONS": "--quoting-style=literal"})
    names = listing.stdout.split("\n")
    expect("which tar can list without a word", listing.stderr == "", listing.stderr)
    wanted = ["config/sekisho.conf", f"config/{INCLUDED}", "state/last-good.conf", "state/isolated", "state/newest", "state/events/events.db"]
    expect("with all that belongs to it", set(wanted) < set(names) and any(name.startswith("state/journal/") for name in names), names)


def check_new_machine(town, path):
    """Another gateway, which has run before with another policy, becomes the one that was saved."""
    move_config(town)
    town.start_daemon()
    status, answer = restore(town, path)
    expect("a running gateway is not restored", status == 3 and "systemctl stop sekishod" in answer, answer)
    expect("it stops", town.stop_daemon() == 0)
    before = snapshot(town)
    status, answer = restore(town, path, "--dry-run")
    expect("a dry run looks at it", status == 0 and answer["result"] == "dry-run" and answer["isolates"] and not answer["same_machine"], answer)
    expect("and changes nothing", snapshot(town) == before)
    status, answer = restore(town, path)
    expect("it is restored", status == 0 and answer["result"] == "restored" and answer["files"] > 5, answer)
    expect("what was here is kept", answer["aside"] and os.path.exists(os.path.join(answer["aside"], "config", "sekisho.conf")), answer)
    with open(town.config, "rb") as file:
        expect("the zone file is the one that was saved", file.read() == saved(path, "config/sekisho.conf"))
    with open(os.path.join(town.config_dir, INCLUDED), encoding="utf-8") as file:
        expect("with what it includes", file.read() == "# 追加分\n")
    expect("no staging is left", not [name for name in os.listdir(town.state_dir) if name.startswith("restore.")])
    town.start_daemon()
    expect("its policy is in force", town.status()["state"] == "in-force" and "3390" in town.rules(), town.status())
    expect("the zone is isolated on the new machine", [item["zone"] for item in town.status()["isolated"]] == ["internet"], town.status())
    events = [record["event"] for record in records(town)]
    expect("the journal of the old one goes on", "年度更新" in [record["reason"] for record in records(town)] and events[events.index("restore") - 1] == "start", events)
    restored = [record for record in records(town) if record["event"] == "restore"][-1]
    expect("and says from where", restored["details"][0] == path and restored["details"][2] == "by user 0", restored)
    expect("and is whole", sekisho(town, "journal", "verify", "--dir", os.path.join(town.state_dir, "journal"))[0] == 0)
    status, answer = sekisho(town, "refusals", "--events", os.path.join(town.state_dir, "events", "events.db"))
    expect("the refusals of the old one are there", any(row["source"] == "10.3.0.10" for row in answer["refusals"]), answer)


def check_same_machine(town, path):
    """What happened since the backup is newer than it: only the policy goes back."""
    expect("the zone is released meanwhile", sekisho(town, "release", "internet")[1]["result"] == "released")
    town.edit_config(OTHER_PORT, PORT)
    expect("the policy is changed meanwhile", town.apply(reason="その後", confirm=600)["result"] == "committed")
    expect("it stops", town.stop_daemon() == 0)
    status, answer = restore(town, path)
    expect("it is restored", status == 0 and answer["same_machine"] and not answer["isolates"], answer)
    with open(os.path.join(answer["aside"], "config", "sekisho.conf"), encoding="utf-8") as file:
        expect("the newer zone file is kept aside", PORT in file.read())
    town.start_daemon()
    expect("the old policy is in force", "3390" in town.rules() and "3389" not in town.rules())
    expect("a zone that was released stays so", not town.status()["isolated"], town.status())
    expect("nobody waits for a confirmation", sekisho(town, "confirm")[0] != 0)
    expect("the journal has everything", {"年度更新", "その後"} <= {record["reason"] for record in records(town)})
    expect("and is whole", sekisho(town, "journal", "verify", "--dir", os.path.join(town.state_dir, "journal"))[0] == 0)


def check_newest(town, path):
    """Time does not go back with a backup: what was over stays over."""
    expect("it stops", town.stop_daemon() == 0)
    newest = os.path.join(town.state_dir, "newest")
    with open(newest, "wb") as file:
        file.write((2**33).to_bytes(8, "little"))
    expect("it is restored", restore(town, path)[0] == 0)
    with open(newest, "rb") as file:
        expect("the later time stays", int.from_bytes(file.read(), "little") == 2**33)
    os.unlink(newest)
    expect("and where there is none", restore(town, path)[0] == 0)
    expect("the one of the backup comes", os.path.exists(newest))


def check_cut_off(town, path):
    """A restore that could not go on is made again, and nothing is lost meanwhile."""
    place = os.path.join(town.state_dir, "last-good.conf")
    os.unlink(place)
    os.mkdir(place)
    status, answer = restore(town, path)
    expect("what is in the way ends it with the place", status == 3 and place in answer, answer)
    os.rmdir(place)
    expect("and it is made again", restore(town, path)[0] == 0)
    expect("whole", os.path.isfile(place))


def rewrite(path, out, change):
    """Copies an archive through change(members), a list of (TarInfo, bytes)."""
    with tarfile.open(path) as archive:
        members = [(info, archive.extractfile(info).read()) for info in archive]
    with tarfile.open(out, "w", format=tarfile.PAX_FORMAT) as archive:
        for info, data in change(members):
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))


def member(name, data=b"", **more):
    info = tarfile.TarInfo(name)
    for key, value in more.items():
        setattr(info, key, value)
    return info, data


def newer(members):
    manifest = json.loads(members[-1][1])
    manifest["sekisho-backup"] = 2
    return members[:-1] + [(members[-1][0], json.dumps(manifest).encode())]


def swapped(members):
    """The line of one member twice, that of another not at all."""
    manifest = json.loads(members[-1][1])
    manifest["members"][1] = manifest["members"][0]
    return members[:-1] + [(members[-1][0], json.dumps(manifest).encode())]


def longer(members):
    manifest = json.loads(members[-1][1])
    manifest["config"] = "../../etc/passwd"
    return members[:-1] + [(members[-1][0], json.dumps(manifest).encode())]


def changed(members):
    info, data = members[0]
    return [(info, data.replace(b"3390", b"3391"))] + members[1:]


STRANGE = (
    ("no-archive", None, lambda whole: b"no tar at all"),
    ("no-archive", None, lambda whole: b""),
    ("cut-off", None, lambda whole: whole[:whole.index(b"manifest.json")]),
    ("no-archive", None, lambda whole: whole[:4096]),
    ("no-archive", None, lambda whole: whole[:20000]),
    ("not-as-written", changed, None),
    ("not-as-written", lambda members: members[1:], None),
    ("not-as-written", swapped, None),
    ("not-as-written", longer, None),
    ("newer", newer, None),
    ("strange-member", lambda members: [member("config/../../escape")] + members, None),
    ("strange-member", lambda members: [member("/etc/escape")] + members, None),
    ("strange-member", lambda members: [member("state/a", type=tarfile.SYMTYPE, linkname="/etc")] + members, None),
    ("strange-member", lambda members: [member("state/a", type=tarfile.LNKTYPE, linkname="config/sekisho.conf")] + members, None),
    ("strange-member", lambda members: [member("state/a", type=tarfile.DIRTYPE)] + members, None),
    ("strange-member", lambda members: [member("state/a", type=tarfile.CHRTYPE)] + members, None),
    ("strange-member", lambda members: [member("elsewhere/a")] + members, None),
    ("strange-member", lambda members: [members[0]] + members, None),
    ("strange-member", lambda members: members + [member("state/behind")], None),
    ("strange-member", lambda members: [member("state/a\u202eb")] + members, None),
    ("strange-member", lambda members: [member("config/sekisho.conf/below")] + members, None),
)


def check_strange(town, path):
    """What is no sound backup is refused by what is wrong with it, and changes nothing."""
    with open(path, "rb") as file:
        whole = file.read()
    strange, before = path + ".strange", snapshot(town)
    for number, (fault, change, cut) in enumerate(STRANGE):
        if change:
            rewrite(path, strange, change)
        else:
            with open(strange, "wb") as file:
                file.write(cut(whole))
        os.chmod(strange, 0o600)
        status, answer = restore(town, strange)
        expect(f"strange backup {number} is refused: {fault}", status == 1 and answer["fault"] == fault, answer)
        expect("and nothing is changed", snapshot(town) == before and not [name for name in os.listdir(town.state_dir) if name.startswith("restore.")])
    shutil.copy(path, strange)
    os.chmod(strange, 0o666)
    expect("a backup that everybody may write is not believed", restore(town, strange)[0] == 1 and snapshot(town) == before)
    os.chmod(strange, 0o600)
    expect("made ours alone, it is", restore(town, strange, "--dry-run")[0] == 0)


def check_broken_file(town, path):
    """A file with mistakes is saved as it is, beside the text that is in force."""
    town.start_daemon()
    town.edit_config('"10.1.0.10"', '"10.1.0.300"')
    with open(town.config, "a", encoding="utf-8") as file:
        file.write('@include "missing.conf"\n')
    status, answer = backup(town, path)
    expect("what can be read is saved, and it is said that something is missing", status == 1, answer)
    expect("it stops", town.stop_daemon() == 0)
    status, answer = restore(town, path)
    expect("it is restored with its mistakes told", status == 0 and answer["findings"], answer)
    town.start_daemon()
    expect("and what was in force last is", town.status()["state"] == "last-good" and "10.1.0.10" in town.rules(), town.status())
    expect("it stops", town.stop_daemon() == 0)


def check_writing(town):
    """A backup that cannot be written leaves the older one."""
    small = os.path.join(town.directory, "small")
    os.makedirs(small)
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64k,huge=never", "tmpfs", small], check=True)
    try:
        older = os.path.join(small, "backup.tar")
        with open(older, "wb") as file:
            file.write(b"older")
        status, answer = backup(town, older)
        with open(older, "rb") as file:
            expect("a full disk leaves the older backup", status == 3 and file.read() == b"older" and os.listdir(small) == ["backup.tar"], answer)
    finally:
        subprocess.run(["umount", small], check=True)


def main():
    skip_unless_possible("tar")
    with tempfile.TemporaryDirectory(prefix="sekisho-backup-") as place:
        path = os.path.join(place, "gateway.tar")
        with Town() as old:
            with_include(old)
            check_backup(old, path)
            check_same_machine(old, path)
            check_newest(old, path)
            check_cut_off(old, path)
            check_strange(old, path)
            check_writing(old)
            check_broken_file(old, os.path.join(place, "broken.tar"))
        with Town() as new:
            check_new_machine(new, path)
    print("all held")


main()
