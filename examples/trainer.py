#!/usr/bin/env python3
"""A trainer for netwright: softmax regression on three made-up clouds of points, in plain Python.

Speaks docs/trial-protocol.md. The configuration may set learning_rate and weight_decay.
"""
import json, math, os, random, sys

def clouds(seed, count):  # points around the corners of a triangle, each with the number of its corner
    noise = random.Random(seed)
    labels = [i % 3 for i in range(count)]
    return [([1.0] + [c + noise.gauss(0, 0.7) for c in [(0, 1), (1, -1), (-1, -1)][k]], k) for k in labels]

def probabilities(weights, x):
    powers = [math.exp(min(50.0, sum(w * v for w, v in zip(row, x)))) for row in weights]
    return [p / sum(powers) for p in powers]

def say(**message):
    print(json.dumps(message), flush=True)

def train(start):
    trial, settings = start["trial"], start["configuration"]
    rate, decay = settings.get("learning_rate", 0.1), settings.get("weight_decay", 0.0)
    epoch, weights = 0, [[0.0] * 3 for _ in range(3)]
    if start["checkpoint"]:  # a paused trial goes on where it was
        epoch, weights = json.load(open(start["checkpoint"]))
    while epoch < start["fidelity"]:
        for x, label in random.Random(start["seed"] + epoch).sample(training, len(training)):
            for k, p in enumerate(probabilities(weights, x)):
                slope = p - (k == label)
                weights[k] = [w - rate * (slope * v + decay * w) for w, v in zip(weights[k], x)]
        epoch += 1
        found = [(probabilities(weights, x), label) for x, label in validation]
        loss = -sum(math.log(max(p[k], 1e-9)) for p, k in found) / len(found)
        accuracy = sum(p[k] == max(p) for p, k in found) / len(found)
        say(type="measured", trial=trial, fidelity=epoch, metrics={"loss": loss, "accuracy": accuracy})
        if json.loads(sys.stdin.readline() or '{"type": "quit"}')["type"] != "continue":
            break
    os.makedirs(start["folder"], exist_ok=True)
    path = os.path.join(start["folder"], "weights.json")
    json.dump([epoch, weights], open(path, "w"))
    say(type="finished", trial=trial, state="complete" if epoch >= start["fidelity"] else "paused", checkpoint=path)

training, validation, held_out = clouds(1, 300), clouds(2, 300), clouds(3, 300)
for message in map(json.loads, sys.stdin):
    if message["type"] == "hello":
        say(type="ready", trainer="softmax regression in Python", classes=3, about={"training": len(training)})
    elif message["type"] == "start":
        train(message)
    elif message["type"] == "test":
        weights = json.load(open(message["checkpoint"]))[1]
        right = sum(max(p := probabilities(weights, x)) == p[k] for x, k in held_out)
        say(type="finished", trial=message["trial"], state="complete", metrics={"test_accuracy": right / len(held_out)})
    elif message["type"] == "quit":
        break
