#!/usr/bin/python3
"""Steps a second of a NAS-Bench-201 network trained with plain PyTorch in channels_last.

The counterpart of bench/throughput.cpp: the same network, batch, loss and optimizer, written the
way one writes it in Python. Needs Debian's python3-torch.
"""

import argparse
import time

import torch
from torch import nn


class ReLUConvBN(nn.Sequential):
    def __init__(self, channels_in, channels_out, stride=1):
        super().__init__(
            nn.ReLU(),
            nn.Conv2d(channels_in, channels_out, 3, stride, 1, bias=False),
            nn.BatchNorm2d(channels_out),
        )


class Cell(nn.Module):
    """|nor_conv_3x3~0|+|nor_conv_3x3~0|nor_conv_3x3~1|+|skip_connect~0|nor_conv_3x3~1|nor_conv_3x3~2|"""

    def __init__(self, channels):
        super().__init__()
        self.edge_0_1 = ReLUConvBN(channels, channels)
        self.edge_0_2 = ReLUConvBN(channels, channels)
        self.edge_1_2 = ReLUConvBN(channels, channels)
        self.edge_1_3 = ReLUConvBN(channels, channels)
        self.edge_2_3 = ReLUConvBN(channels, channels)

    def forward(self, x):
        node1 = self.edge_0_1(x)
        node2 = self.edge_0_2(x) + self.edge_1_2(node1)
        return x + self.edge_1_3(node1) + self.edge_2_3(node2)


class ReductionBlock(nn.Module):
    def __init__(self, channels_in, channels_out):
        super().__init__()
        self.conv_a = ReLUConvBN(channels_in, channels_out, 2)
        self.conv_b = ReLUConvBN(channels_out, channels_out)
        self.shortcut = nn.Sequential(
            nn.AvgPool2d(2, 2), nn.Conv2d(channels_in, channels_out, 1, bias=False)
        )

    def forward(self, x):
        return self.conv_b(self.conv_a(x)) + self.shortcut(x)


def nas_bench_201(channels=16, cells=5, classes=10):
    layers = [nn.Conv2d(3, channels, 3, padding=1, bias=False), nn.BatchNorm2d(channels)]
    for stage in range(3):
        if stage > 0:
            layers.append(ReductionBlock(channels, 2 * channels))
            channels *= 2
        layers += [Cell(channels) for _ in range(cells)]
    layers += [nn.BatchNorm2d(channels), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten()]
    return nn.Sequential(*layers, nn.Linear(channels, classes))


class ResnetBlock(nn.Module):
    def __init__(self, channels):
        super().__init__()
        self.conv_a = nn.Conv2d(channels, channels, 3, padding=1, bias=False)
        self.norm_a = nn.BatchNorm2d(channels)
        self.conv_b = nn.Conv2d(channels, channels, 3, padding=1, bias=False)
        self.norm_b = nn.BatchNorm2d(channels)

    def forward(self, x):
        y = torch.relu(self.norm_a(self.conv_a(x)))
        return torch.relu(self.norm_b(self.conv_b(y)) + x)


def small(classes=10):
    """Three stages of 16, 32 and 64 channels on 28x28 grey images."""
    layers = []
    for channels_in, channels in [(1, 16), (16, 32), (32, 64)]:
        stride = 1 if channels_in == 1 else 2
        layers += [
            nn.Conv2d(channels_in, channels, 3, stride, 1, bias=False),
            nn.BatchNorm2d(channels),
            nn.ReLU(),
            ResnetBlock(channels),
        ]
    return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(64, classes))


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--batch", type=int, default=64)
    parser.add_argument("--steps", type=int, default=10)
    parser.add_argument("--memory-format", choices=["channels_last", "contiguous"], default="channels_last")
    parser.add_argument("--network", choices=["nas-bench-201", "small"], default="nas-bench-201")
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    torch.manual_seed(1)
    layout = torch.channels_last if arguments.memory_format == "channels_last" else torch.contiguous_format

    is_small = arguments.network == "small"
    network = (small() if is_small else nas_bench_201()).to(memory_format=layout)
    optimizer = torch.optim.SGD(
        network.parameters(), lr=0.1, momentum=0.9, weight_decay=5e-4, nesterov=True
    )
    loss_function = nn.CrossEntropyLoss()
    shape = (1, 28, 28) if is_small else (3, 32, 32)
    images = torch.randn(arguments.batch, *shape).to(memory_format=layout)
    labels = torch.randint(10, (arguments.batch,))

    def step():
        optimizer.zero_grad(set_to_none=True)
        loss = loss_function(network(images), labels)
        loss.backward()
        optimizer.step()
        return loss.item()

    for _ in range(3):
        step()
    start, cpu = time.perf_counter(), time.process_time()
    for _ in range(arguments.steps):
        loss = step()
    seconds, cpu = time.perf_counter() - start, time.process_time() - cpu
    parameters = sum(p.numel() for p in network.parameters())
    print(
        f"steps/s {arguments.steps / seconds:.4f} ms/step {1000 * seconds / arguments.steps:.1f} "
        f"cpu-ms/step {1000 * cpu / arguments.steps:.1f} parameters {parameters} loss {loss:.4f}"
    )


if __name__ == "__main__":
    main()
