#!/usr/bin/python3
"""Seconds of a first-order DARTS search in plain PyTorch, written as one writes it in Python.

The counterpart of bench/search_step.cpp; run by bench/search_step --python: the search network of Liu, Simonyan and Yang 2019 in NCHW, one module and one
tensor an operation; a step is the architecture's update on one batch and the weights' on another. With --images it goes
once through so many Fashion-MNIST images, half of them for the weights and half for the architecture, as one epoch of a
search does. Needs Debian's python3-torch, and for --images dataset-fashion-mnist.
"""

import argparse
import gzip
import json
import resource
import time

import torch
from torch import nn
from torch.nn import functional as F

OPERATIONS = ("none", "max_pool", "avg_pool", "skip", "sep_3", "sep_5", "dil_3", "dil_5")


def norm(channels):
    return nn.BatchNorm2d(channels, affine=False)


class Reduce(nn.Module):
    def __init__(self, channels_in, channels_out):
        super().__init__()
        self.even = nn.Conv2d(channels_in, channels_out // 2, 1, 2, bias=False)
        self.odd = nn.Conv2d(channels_in, channels_out // 2, 1, 2, bias=False)
        self.norm = norm(channels_out)

    def forward(self, x):
        x = F.relu(x)
        return self.norm(torch.cat([self.even(x), self.odd(x[:, :, 1:, 1:])], 1))


class Zero(nn.Module):
    def __init__(self, stride):
        super().__init__()
        self.stride = stride

    def forward(self, x):
        return x[:, :, :: self.stride, :: self.stride] * 0


def separable(channels, kernel, stride, dilation):
    padding = (kernel - 1) // 2 * dilation
    return [
        nn.ReLU(),
        nn.Conv2d(channels, channels, kernel, stride, padding, dilation, groups=channels, bias=False),
        nn.Conv2d(channels, channels, 1, bias=False),
        norm(channels),
    ]


def operation(name, channels, stride):
    if name == "none":
        return Zero(stride)
    if name == "skip":
        return nn.Identity() if stride == 1 else Reduce(channels, channels)
    if name == "max_pool":
        return nn.Sequential(nn.MaxPool2d(3, stride, 1), norm(channels))
    if name == "avg_pool":
        return nn.Sequential(nn.AvgPool2d(3, stride, 1, count_include_pad=False), norm(channels))
    kernel = int(name[-1])
    if name.startswith("dil"):
        return nn.Sequential(*separable(channels, kernel, stride, 2))
    return nn.Sequential(*separable(channels, kernel, stride, 1), *separable(channels, kernel, 1, 1))


class Edge(nn.Module):
    def __init__(self, channels, stride):
        super().__init__()
        self.operations = nn.ModuleList(operation(name, channels, stride) for name in OPERATIONS)

    def forward(self, x, weights):
        return sum(w * op(x) for w, op in zip(weights, self.operations))


def pointwise(channels_in, channels_out):
    return nn.Sequential(nn.ReLU(), nn.Conv2d(channels_in, channels_out, 1, bias=False), norm(channels_out))


class Cell(nn.Module):
    def __init__(self, channels_0, channels_1, channels, reduces, reduced_before):
        super().__init__()
        self.first = Reduce(channels_0, channels) if reduced_before else pointwise(channels_0, channels)
        self.second = pointwise(channels_1, channels)
        self.edges = nn.ModuleList(
            Edge(channels, 2 if reduces and source < 2 else 1) for node in range(4) for source in range(2 + node)
        )

    def forward(self, s0, s1, weights):
        states = [self.first(s0), self.second(s1)]
        offset = 0
        for _ in range(4):
            states.append(sum(self.edges[offset + i](s, weights[offset + i]) for i, s in enumerate(states)))
            offset += len(states) - 1
        return torch.cat(states[2:], 1)


class SearchNetwork(nn.Module):
    def __init__(self, channels, layers, channels_in=3, classes=10):
        super().__init__()
        stem = 3 * channels
        self.stem = nn.Sequential(nn.Conv2d(channels_in, stem, 3, padding=1, bias=False), nn.BatchNorm2d(stem))
        self.cells = nn.ModuleList()
        self.reduces = []
        before, last, reduced_before = stem, stem, False
        for layer in range(layers):
            reduces = layer in (layers // 3, 2 * layers // 3)
            channels *= 2 if reduces else 1
            self.cells.append(Cell(before, last, channels, reduces, reduced_before))
            self.reduces.append(reduces)
            before, last, reduced_before = last, 4 * channels, reduces
        self.head = nn.Linear(last, classes)
        self.alphas = [(1e-3 * torch.randn(14, len(OPERATIONS))).requires_grad_() for _ in range(2)]

    def forward(self, x):
        s0 = s1 = self.stem(x)
        for cell, reduces in zip(self.cells, self.reduces):
            s0, s1 = s1, cell(s0, s1, F.softmax(self.alphas[int(reduces)], -1))
        return self.head(s1.mean((2, 3)))


class Search:
    def __init__(self, net):
        self.net = net
        self.weights = torch.optim.SGD(net.parameters(), 0.025, 0.9, weight_decay=3e-4)
        self.architecture = torch.optim.Adam(net.alphas, 3e-4, (0.5, 0.999), weight_decay=1e-3)

    def step(self, train, valid):
        self.architecture.zero_grad()
        F.cross_entropy(self.net(valid[0]), valid[1]).backward()
        self.architecture.step()
        self.weights.zero_grad()
        F.cross_entropy(self.net(train[0]), train[1]).backward()
        nn.utils.clip_grad_norm_(self.net.parameters(), 5)
        self.weights.step()


def fashion_mnist(count, folder="/usr/share/datasets/fashion-mnist"):
    def read(name, skip):
        with gzip.open(f"{folder}/{name}") as file:
            return torch.frombuffer(bytearray(file.read()[skip:]), dtype=torch.uint8)

    images = read("train-images-idx3-ubyte.gz", 16).reshape(-1, 1, 28, 28)[:count].float() / 255
    return (images - 0.286) / 0.353, read("train-labels-idx1-ubyte.gz", 8)[:count].long()


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--channels", type=int, default=16)
    parser.add_argument("--layers", type=int, default=8)
    parser.add_argument("--batch", type=int, default=16)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--steps", type=int, default=3)
    parser.add_argument("--images", type=int, default=0)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    search = Search(SearchNetwork(options.channels, options.layers, 1 if options.images else 3))
    if options.images:
        images, labels = fashion_mnist(options.images)
        half = options.images // 2
        began = time.perf_counter()
        for at in range(0, half, options.batch):
            ours, theirs = slice(at, min(at + options.batch, half)), slice(half + at, min(half + at + options.batch, 2 * half))
            search.step((images[ours], labels[ours]), (images[theirs], labels[theirs]))
        seconds = [time.perf_counter() - began]
    else:
        batch = [(torch.randn(options.batch, 3, 32, 32), torch.randint(10, (options.batch,))) for _ in range(2)]
        search.step(*batch)
        seconds = []
        for _ in range(options.steps):
            began = time.perf_counter()
            search.step(*batch)
            seconds.append(time.perf_counter() - began)
    seconds.sort()
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(json.dumps({"least": round(seconds[0], 4), "median": round(seconds[len(seconds) // 2], 4), "peak_mib": round(peak)}))


main()
