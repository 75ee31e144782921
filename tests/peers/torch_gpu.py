#!/usr/bin/env python3
"""On one GPU: DavidNet's training step in PyTorch and in davidnet, in turns (by hand; no part of make test).

    tests/peers/torch_gpu.py [--batch 512] [--steps 50] [--rounds 5] [--mode max-autotune] [--try]

Needs a Python with torch that sees the GPU, and a davidnet with its CUDA engine (DAVIDNET_BIN: ./davidnet, or
build/headless/davidnet of make HEADLESS=1). PyTorch gets what makes it fast: f16 weights beside float32 masters by
autocast, channels_last, cuDNN's own search, torch.compile with CUDA graphs (mode max-autotune), the fused optimiser;
its images are made once and not augmented. davidnet is `bench --step --device cuda --precision f16`, augmentation
included. Both take turns, a round each; medians over rounds of each round's median. No images are needed. airbench94 has a script of its own, airbench.py. --try: small and
on the CPU, to see that the script works.
"""
import argparse
import json
import os
import statistics
import subprocess
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from torch_step import davidnet79

PROGRAM = os.path.abspath(os.environ.get("DAVIDNET_BIN", "./davidnet"))


class Torch:
    """A compiled step that is run again and again."""

    def __init__(self, args):
        import torch

        self.torch, self.gpu = torch, not args.small
        if self.gpu and not torch.cuda.is_available():
            sys.exit("this Python's torch sees no GPU; --try runs the script on the CPU")
        device = "cuda" if self.gpu else "cpu"
        torch.backends.cudnn.benchmark = True
        torch.manual_seed(0)
        model = davidnet79(torch).to(device).to(memory_format=torch.channels_last)
        optimizer = torch.optim.SGD(model.parameters(), lr=1e-4, momentum=0.9, nesterov=True, weight_decay=1e-4,
                                    fused=self.gpu or None)
        run = torch.compile(model, mode=args.mode) if self.gpu else model
        x = torch.randn(args.batch, 3, 32, 32, device=device).to(memory_format=torch.channels_last)
        y = torch.randint(0, 10, (args.batch,), device=device)
        scale = 1.0 / args.batch # of the summed loss, so that gradients fit into f16

        def step():
            with torch.autocast(device, dtype=torch.float16 if self.gpu else torch.bfloat16, enabled=self.gpu):
                logits = run(x)
            loss = torch.nn.functional.cross_entropy(logits.float(), y, reduction="sum") * scale
            optimizer.zero_grad(set_to_none=True)
            loss.backward()
            optimizer.step()
            return loss

        self.step = step
        for _ in range(10 if self.gpu else 1):
            loss = step()
        if not torch.isfinite(loss):
            sys.exit("PyTorch's loss is not finite")
        name = torch.cuda.get_device_name() if self.gpu else "CPU"
        print("PyTorch %s on %s, %s, channels_last" % (torch.__version__, name,
                                                       "f16, " + args.mode if self.gpu else "f32"))

    def seconds(self, steps):
        """The median of a step. On the GPU between events, with nothing waited for in between."""
        if not self.gpu:
            times = []
            for _ in range(steps):
                begin = time.perf_counter()
                self.step()
                times.append(time.perf_counter() - begin)
            return statistics.median(times)
        cuda = self.torch.cuda
        events = [cuda.Event(enable_timing=True) for _ in range(steps + 1)]
        events[0].record()
        for i in range(steps):
            self.step()
            events[i + 1].record()
        cuda.synchronize()
        return statistics.median(a.elapsed_time(b) for a, b in zip(events, events[1:])) / 1000


def davidnet_step(args):
    command = [PROGRAM, "bench", "--step", "--json", "--steps", str(args.steps), "--preset", "davidnet-79", "--data",
               "synthetic:1:%d" % (2 * args.batch), "--set", "batch=%d" % args.batch]
    command += ["--device", "cpu"] if args.small else ["--device", "cuda", "--precision", "f16"]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True)
    if done.returncode:
        sys.exit("davidnet bench failed (see above)")
    return json.loads(done.stdout)["median_seconds"]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--batch", type=int, default=512)
    parser.add_argument("--steps", type=int, default=50, help="of one round")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--mode", default="max-autotune", help="torch.compile's; reduce-overhead compiles much faster")
    parser.add_argument("--try", dest="small", action="store_true")
    args = parser.parse_args()
    if args.small:
        args.batch, args.steps, args.rounds = 16, 2, 2
    torch, theirs, ours = Torch(args), [], []
    for i in range(args.rounds):
        theirs.append(torch.seconds(args.steps))
        ours.append(davidnet_step(args))
        print("round %d: PyTorch %.2f ms, davidnet %.2f ms" % (i + 1, 1e3 * theirs[-1], 1e3 * ours[-1]), flush=True)
    a, b = statistics.median(theirs), statistics.median(ours)
    print("step of %d images, median: PyTorch %.2f ms, davidnet %.2f ms: %.2f times as fast" % (
        args.batch, 1e3 * a, 1e3 * b, a / b))


if __name__ == "__main__":
    main()
