"""Zone files made by a test: the zones of tests/netns/town.py, and whatever hosts and flows the test wants.

    policy = town_policy()
    policy["flows"].append(internal_flow("web", ("internet", "cloud"), "10.3.0.0/25", "any", "tcp", 443))
    write(path, policy)

A policy is what libconfig knows: dictionaries are groups, lists of dictionaries are lists, other lists are arrays.
"""

import datetime

NETWORKS = {
    "mynumber": ("mn0", ["10.1.0.0/16", "fd00:0:0:1::/64"]),
    "lgwan": ("lg0", ["10.2.0.0/16", "fd00:0:0:2::/64"]),
    "internet": ("in0", ["10.3.0.0/16", "fd00:0:0:3::/64"]),
    "cloud": ("up0", ["192.0.2.0/24", "2001:db8:ffff::/64"]),
}


def render(value, indent=0):
    """A value as libconfig writes it."""
    tabs = "\t" * (indent + 1)
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, dict):
        items = "".join(f"{tabs}{key} = {render(item, indent + 1)};\n" for key, item in value.items())
        return "{\n" + items + tabs[1:] + "}"
    if isinstance(value, list) and value and isinstance(value[0], dict):
        return "(\n" + ",\n".join(tabs + render(item, indent + 1) for item in value) + "\n" + tabs[1:] + ")"
    if isinstance(value, list):
        return "[ " + ", ".join(render(item) for item in value) + " ]" if value else "()"
    return f'"{value}"' if isinstance(value, str) else str(value)


def write(path, policy):
    """Writes the zone file of a policy."""
    with open(path, "w", encoding="utf-8") as file:
        for key, value in policy.items():
            file.write(f"{key} = {render(value, 0)};\n")


def town_policy():
    """The zones of the town and what they cannot do without, and no flow at all."""
    zones = [{"name": zone, "tier": "internet" if zone == "cloud" else zone, "interfaces": [interface], "networks": list(networks)}
             for zone, (interface, networks) in NETWORKS.items()]
    zones[-1]["uplink"] = {"routers": ["cloud-router"], "dns": ["cloud-dns"]}
    return {
        "town": "試験町",
        "model": "alpha",
        "zones": zones,
        "hosts": [
            host("cloud-router", "cloud", ["192.0.2.1", "2001:db8:ffff::1"], "02:00:00:04:00:01"),
            host("cloud-dns", "cloud", ["192.0.2.53", "2001:db8:ffff::53"], "02:00:00:04:00:35"),
        ],
        "flows": [],
    }


def host(name, zone, addresses, mac):
    return {"name": name, "zone": zone, "addresses": addresses, "macs": [mac]}


def record(days=60):
    """A whole record that expires so many days from now."""
    today = datetime.date.today()
    return {"number": "試-1", "reason": "試験", "approver": "試験者", "approved": (today - datetime.timedelta(days=2)).isoformat(),
            "expires": (today + datetime.timedelta(days=days)).isoformat()}


def flow(name, ends, method, source, destination, protocol, *ports):
    """A flow between ends (from, to). Ports are numbers, or texts "first-last"."""
    result = {"name": name, "from": ends[0], "to": ends[1], "method": method, "source": source, "destination": destination,
              "protocol": protocol}
    if ports:
        result["ports"] = [str(port) for port in ports]
    return result


def internal_flow(name, ends, source, destination, protocol, *ports):
    return flow(name, ends, "internal", source, destination, protocol, *ports)


def exception_flow(name, ends, source, destination, protocol, *ports):
    return dict(flow(name, ends, "exception", source, destination, protocol, *ports), record=record())


def specified_flow(name, ends, source, destination, protocol, *ports):
    return dict(flow(name, ends, "specified", source, destination, protocol, *ports), peer="juki-net", record=record())
