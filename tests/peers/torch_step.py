#!/usr/bin/env python3
"""DavidNet's training step in PyTorch and in davidnet, side by side (by hand; not part of make test).

    tests/peers/torch_step.py [--precision f32|bf16] [--batch 512] [--threads 2] [--steps 5] [--rounds 5] [--compile]

Needs a Python with torch; DAVIDNET_BIN names the program (./davidnet). Both train the same nine-layer network at the
same batch: forward, loss, backward, SGD with Nesterov momentum. PyTorch gets what makes it fast on a CPU: channels_last,
autocast for bf16, gradients set to None, tcmalloc preloaded where it is installed, and torch.compile if asked for; its
images are made once and not augmented. davidnet is `bench --step`, augmentation included. The two take turns, a round
each, so that whatever else the machine does hits both alike; medians over rounds of each round's median, and the ratio.
CPU seconds are told beside the clock's: on a busy machine they say more (waiting threads sleep: OMP_WAIT_POLICY).
"""
import argparse
import ctypes.util
import glob
import json
import os
import statistics
import subprocess
import sys
import time

PROGRAM = os.path.abspath(os.environ.get("DAVIDNET_BIN", "./davidnet"))


def davidnet79(torch):
    nn, width = torch.nn, 64

    def conv_bn(i, o):
        return nn.Sequential(nn.Conv2d(i, o, 3, padding=1, bias=False), nn.BatchNorm2d(o), nn.ReLU(inplace=True))

    class Residual(nn.Module):
        def __init__(self, c):
            super().__init__()
            self.inner = nn.Sequential(conv_bn(c, c), conv_bn(c, c))

        def forward(self, x):
            return x + self.inner(x)

    class Head(nn.Module):
        def __init__(self):
            super().__init__()
            self.linear = nn.Linear(8 * width, 10, bias=False)

        def forward(self, x):
            return 0.125 * self.linear(torch.nn.functional.adaptive_max_pool2d(x, 1).flatten(1))

    def layer(i, o, residual):
        parts = [conv_bn(i, o), nn.MaxPool2d(2)] + ([Residual(o)] if residual else [])
        return nn.Sequential(*parts)

    return nn.Sequential(conv_bn(3, width), layer(width, 2 * width, True), layer(2 * width, 4 * width, False),
                         layer(4 * width, 8 * width, True), Head())


def child(args):
    """Runs a round of steps for each line on stdin; answers with a line of JSON."""
    import torch

    torch.set_num_threads(args.threads)
    torch.manual_seed(0)
    model = davidnet79(torch).to(memory_format=torch.channels_last)
    optimizer = torch.optim.SGD(model.parameters(), lr=1e-4, momentum=0.9, nesterov=True, weight_decay=1e-4)
    run = torch.compile(model) if args.compile else model
    x = torch.randn(args.batch, 3, 32, 32).to(memory_format=torch.channels_last)
    y = torch.randint(0, 10, (args.batch,))

    def step():
        with torch.autocast("cpu", dtype=torch.bfloat16, enabled=args.precision == "bf16"):
            logits = run(x)
        loss = torch.nn.functional.cross_entropy(logits.float(), y, reduction="sum")
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        optimizer.step()
        return loss

    step(), step()
    print(json.dumps({"version": torch.__version__}), flush=True)
    for _ in sys.stdin:
        wall, cpu = [], []
        for _ in range(args.steps):
            begin, cpu_begin = time.perf_counter(), time.process_time()
            if not torch.isfinite(step()):
                raise SystemExit("the loss is not finite")
            wall.append(time.perf_counter() - begin)
            cpu.append(time.process_time() - cpu_begin)
        print(json.dumps({"wall": statistics.median(wall), "minimum": min(wall), "cpu": min(cpu)}), flush=True)


def tcmalloc():
    for name in ("tcmalloc_minimal", "tcmalloc"):
        file = ctypes.util.find_library(name)
        for folder in ("/usr/lib/x86_64-linux-gnu", "/usr/lib64", "/usr/lib", "/usr/local/lib"):
            if file and os.path.exists(os.path.join(folder, file)):
                return os.path.join(folder, file)
    found = glob.glob("/usr/lib/*/libtcmalloc*.so.4")
    return found[0] if found else None


def start_torch(args, env):
    preload = tcmalloc()
    if preload:
        env = dict(env, LD_PRELOAD=preload)
    command = [sys.executable, os.path.abspath(__file__), "--child"] + sys.argv[1:]
    torch = subprocess.Popen(command, env=env, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    line = torch.stdout.readline()
    if not line:
        sys.exit("PyTorch did not start (see above); run this script by a Python that has it")
    print("PyTorch %s, %s, channels_last%s, %s" % (
        json.loads(line)["version"], args.precision, ", torch.compile" if args.compile else "",
        "preloaded %s" % os.path.basename(preload) if preload else "no tcmalloc here: the default allocator"))
    return torch


def round_of_torch(torch):
    torch.stdin.write("go\n")
    torch.stdin.flush()
    line = torch.stdout.readline()
    if not line:
        sys.exit("PyTorch's side ended (see above)")
    return json.loads(line)


def round_of_davidnet(args, env):
    command = [PROGRAM, "bench", "--step", "--json", "--steps", str(args.steps), "--preset", "davidnet-79",
               "--data", "synthetic:1:%d" % (2 * args.batch), "--set", "batch=%d" % args.batch,
               "--precision", args.precision, "--threads", str(args.threads)]
    done = subprocess.run(command, env=env, stdout=subprocess.PIPE, text=True)
    if done.returncode:
        sys.exit("davidnet bench failed (see above)")
    return json.loads(done.stdout)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--precision", choices=("f32", "bf16"), default="f32")
    parser.add_argument("--batch", type=int, default=512)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--steps", type=int, default=5, help="of one round")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--compile", action="store_true")
    parser.add_argument("--child", action="store_true", help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.child:
        return child(args)
    env = dict(os.environ, OMP_NUM_THREADS=str(args.threads))
    torch, theirs, ours = start_torch(args, env), [], []
    for i in range(args.rounds):
        theirs.append(round_of_torch(torch))
        ours.append(round_of_davidnet(args, env))
        if i == 0:
            print("davidnet: %s, isa %s; batch %d, %d threads each, %d rounds of %d steps" % (
                ours[0]["library"], ours[0]["isa"], args.batch, args.threads, args.rounds, args.steps))
        print("round %d: PyTorch %.3f s (CPU %.3f), davidnet %.3f s (CPU %.3f)" % (
            i + 1, theirs[-1]["wall"], theirs[-1]["cpu"], ours[-1]["median_seconds"], ours[-1]["cpu_seconds"]), flush=True)
    torch.stdin.close()
    torch.wait()
    wall = [statistics.median(r["wall"] for r in theirs), statistics.median(r["median_seconds"] for r in ours)]
    cpu = [min(r["cpu"] for r in theirs), min(r["cpu_seconds"] for r in ours)]
    print("step, median: PyTorch %.3f s, davidnet %.3f s: %.2f times as fast" % (*wall, wall[0] / wall[1]))
    print("CPU seconds of a step, least: PyTorch %.3f, davidnet %.3f: %.2f times less" % (*cpu, cpu[0] / cpu[1]))


if __name__ == "__main__":
    main()
