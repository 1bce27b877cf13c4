#!/usr/bin/env python3
"""What the gateway adds to a request, beside nginx as a plain reverse proxy.

    scripts/bench-gateway.py [--rate 300] [--seconds 20] [--rounds 1] [--bin target/release]

Needs the release binaries (cargo build --release) and nginx (apt-get install
nginx-light). The harness drives every target with arrivals at a fixed rate in
real time, so a slow answer delays no later request, and latency counts from the
time a request was due. Direct, nginx and gateway take turns in the order
A B C C B A, so that a machine that becomes slower is slower for all. CPU is what
/proc says the proxy's processes used, divided by the requests they passed on.

The last part of stdout is a table in Markdown for docs/performance.md.
"""

import argparse
import json
import os
import pathlib
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request

ROOT = pathlib.Path(__file__).resolve().parent.parent
OWN = ROOT / "scripts" / "bench-gateway"
GATEWAY, NGINX, SIMULATOR = 18000, 18080, 18001
TARGET_RATIO = 2.0

# Name, gateway configuration, path at the gateway, calls made once before.
CONFIGURATIONS = [
    ("pass-through", OWN / "pass-through.toml", "/openai", []),
    (
        "latency routing",
        ROOT / "capabilities/latency-routing/gateway.toml",
        "/latency-routing/openai",
        [("/helpers/set-preferred-backends", {"preferredBackends": ["payg-backend-1", "payg-backend-2"]})],
    ),
    (
        "prioritization",
        ROOT / "capabilities/prioritization/gateway.toml",
        "/prioritization-token-tracking/openai",
        [],
    ),
]

SCENARIO = """
version = 1
name = "bench"
seed = 1

[topology]
gateway_url = {{ url = "http://127.0.0.1:{port}", journal = "none" }}

[topology.simulator_urls]
ptu1 = {{ url = "http://127.0.0.1:18001", key = "simulator-key" }}
payg1 = {{ url = "http://127.0.0.1:18002", key = "simulator-key" }}
payg2 = {{ url = "http://127.0.0.1:18003", key = "simulator-key" }}

[[workloads]]
name = "completions"
path = "{path}/deployments/bench/completions"
query = {{ api-version = "2024-10-21" }}
headers = {{ api-key = "{key}" }}
body = {{ prompt = "Once upon a time", max_tokens = 10 }}
timeout = "10s"

[[stages]]
name = "warm"
duration = "3s"
[[stages.load]]
workload = "completions"
arrivals = {{ process = "constant", rate = "{rate}/s" }}

[[stages]]
name = "measured"
duration = "{seconds}s"
[[stages.load]]
workload = "completions"
arrivals = {{ process = "constant", rate = "{rate}/s" }}

[[assertions]]
id = "answered"
claim = "Every request is answered with 200"
status = {{ code = 200, share = {{ equals = 1.0 }} }}
"""


def cpu_seconds(pid):
    """User and system time of a process and its children, living."""
    total = 0
    tree = [pid]
    while tree:
        one = tree.pop()
        fields = pathlib.Path(f"/proc/{one}/stat").read_text().rpartition(")")[2].split()
        total += int(fields[11]) + int(fields[12])
        tree += map(int, pathlib.Path(f"/proc/{one}/task/{one}/children").read_text().split())
    return total / os.sysconf("SC_CLK_TCK")


def wait_for(port):
    for _ in range(200):
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.05)
    sys.exit(f"nothing listens on port {port}")


class Process:
    def __init__(self, port, command, **environment):
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                sys.exit(f"port {port} is taken")
        self.process = subprocess.Popen(command, env={**os.environ, **environment})
        wait_for(port)

    def __enter__(self):
        return self.process.pid

    def __exit__(self, *_):
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(30)


def drive(options, port, path, key, folder):
    scenario = folder / "bench.toml"
    scenario.write_text(SCENARIO.format(port=port, path=path, key=key, rate=options.rate, seconds=options.seconds))
    command = [options.bin / "harness", "run", scenario, "--quiet", "--output", folder / "out"]
    for _ in range(6):
        done = subprocess.run(command, capture_output=True, text=True)
        # 1: a proxy that is not ours keeps no journal to reconcile with. 4: the
        # harness itself was late, and measured the machine: once more.
        if done.returncode in (0, 1):
            break
        print(f"a run was not valid ({done.returncode}): again", file=sys.stderr)
    else:
        sys.exit(f"no run was valid:\n{done.stdout[-3000:]}{done.stderr[-3000:]}")
    result = json.loads((folder / "out" / "result.json").read_text())
    stages = {stage["name"]: stage for stage in result["stages"]}
    requests = sum(stage["requests"] for stage in stages.values())
    if any(stage["unanswered"] or set(stage["statuses"]) != {"200"} for stage in stages.values()):
        sys.exit(f"not every request was answered with 200:\n{done.stdout[-3000:]}")
    latency = stages["measured"]["latency"]
    return latency["p50"] * 1e6, latency["p99"] * 1e6, requests


def measure(options, name, config, path, calls, nginx_pid, folder):
    rounds = {"direct": [], "nginx": [], "gateway": []}
    urls = {f"{n}_URL": f"http://127.0.0.1:{p}" for n, p in (("PTU1", 18001), ("PAYG1", 18002), ("PAYG2", 18003))}
    command = [options.bin / "gateway", "--config", config, "--listen", f"127.0.0.1:{GATEWAY}", "--seed", "1"]
    with Process(GATEWAY, command, SIMULATOR_API_KEY="simulator-key", **urls) as gateway_pid:
        for call, body in calls:
            request = urllib.request.Request(
                f"http://127.0.0.1:{GATEWAY}{call}",
                json.dumps(body).encode(),
                {"api-key": "subscription-key-one", "content-type": "application/json"},
            )
            urllib.request.urlopen(request).read()
        targets = {
            "direct": (SIMULATOR, "/openai", "simulator-key", None),
            "nginx": (NGINX, "/openai", "any", nginx_pid),
            "gateway": (GATEWAY, path, "subscription-key-one", gateway_pid),
        }
        order = ["direct", "nginx", "gateway", "gateway", "nginx", "direct"] * options.rounds
        for target in order:
            port, at, key, pid = targets[target]
            before = cpu_seconds(pid) if pid else 0
            p50, p99, requests = drive(options, port, at, key, folder)
            used = (cpu_seconds(pid) - before) / requests * 1e6 if pid else 0
            rounds[target].append((p50, p99, used))
            print(f"{name:16} {target:8} p50 {p50:7.0f} us  p99 {p99:7.0f} us  CPU {used:5.0f} us/request", flush=True)
    # The median over rounds: one disturbed round does not decide.
    return {target: [statistics.median(column) for column in zip(*rows)] for target, rows in rounds.items()}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rate", type=int, default=300, help="requests per second")
    parser.add_argument("--seconds", type=int, default=20, help="length of each measured stage")
    parser.add_argument("--rounds", type=int, default=1, help="how often A B C C B A is repeated")
    parser.add_argument("--bin", type=pathlib.Path, default=ROOT / "target/release", help="folder of the binaries")
    parser.add_argument("--only", help="one configuration by name")
    options = parser.parse_args()
    for binary in ("gateway", "simulator", "harness"):
        if not (options.bin / binary).exists():
            sys.exit(f"{options.bin / binary} is missing: cargo build --release")
    if subprocess.run(["nginx", "-v"], capture_output=True).returncode != 0:
        sys.exit("nginx is missing: apt-get install nginx-light")
    results = {}
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        folder.chmod(0o755)
        conf = (OWN / "nginx.conf").read_text()
        for word, value in (("PORT", NGINX), ("UPSTREAM", f"127.0.0.1:{SIMULATOR}"), ("FOLDER", folder)):
            conf = conf.replace(word, str(value))
        (folder / "nginx.conf").write_text(conf)
        simulator = [options.bin / "simulator", "--config", OWN / "simulator.toml"]
        nginx = ["nginx", "-c", folder / "nginx.conf", "-e", folder / "error.log"]
        with Process(SIMULATOR, simulator), Process(NGINX, nginx) as nginx_pid:
            for name, config, path, calls in CONFIGURATIONS:
                if options.only not in (None, name):
                    continue
                if not config.exists():
                    print(f"SKIPPED: {name}: there is no {config.relative_to(ROOT)}", file=sys.stderr)
                    continue
                results[name] = measure(options, name, config, path, calls, nginx_pid, folder)

    load = " ".join(pathlib.Path("/proc/loadavg").read_text().split()[:3])
    print(f"\n{options.rate} requests/s, {options.seconds} s a run, {2 * options.rounds} runs each;", end=" ")
    print(f"{os.cpu_count()} cores, load average at the end {load}\n")
    print("| Configuration | | p50 | p99 | added p50 | added p99 | CPU a request |")
    print("|---|---|---|---|---|---|---|")
    verdicts = []
    for name, rows in results.items():
        direct = rows["direct"]
        for target, (p50, p99, cpu) in rows.items():
            added = [f"{now - then:.0f} µs" for now, then in zip((p50, p99), direct)] if target != "direct" else ["", ""]
            used = f"{cpu:.0f} µs" if target != "direct" else ""
            print(f"| {name} | {target} | {p50:.0f} µs | {p99:.0f} µs | {added[0]} | {added[1]} | {used} |")
        nginx, gateway = rows["nginx"], rows["gateway"]
        added = (gateway[0] - direct[0]) / max(nginx[0] - direct[0], 1e-9)
        verdict = "met" if added <= TARGET_RATIO and nginx[0] > direct[0] else "not met"
        verdicts.append(
            f"{name}: added p50 is {added:.2f} times nginx's, target {TARGET_RATIO:g}: {verdict}; CPU {gateway[2] / nginx[2]:.2f} times"
        )
    print("\n" + "\n".join(f"- {verdict}" for verdict in verdicts))


if __name__ == "__main__":
    main()
