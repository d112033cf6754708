// YAML, space files, experiment files and lines of the trial protocol.
#include <optional>

#include "fuzz/fuzz.h"
#include "netwright/base/random.h"
#include "netwright/base/yaml.h"
#include "netwright/space/canonical.h"
#include "netwright/space/operation.h"
#include "netwright/space/relaxation.h"
#include "netwright/space/search_space.h"
#include "netwright/study/experiment.h"
#include "netwright/trial/protocol.h"

namespace netwright::fuzz {
namespace {

bool same(const Yaml& a, const Yaml& b) {
  if (a.kind != b.kind || a.text != b.text || a.items.size() != b.items.size() ||
      a.entries.size() != b.entries.size()) {
    return false;
  }
  for (std::size_t i = 0; i < a.items.size(); ++i) {
    if (!same(a.items[i], b.items[i])) return false;
  }
  for (std::size_t i = 0; i < a.entries.size(); ++i) {
    if (a.entries[i].key != b.entries[i].key || !same(a.entries[i].value, b.entries[i].value)) return false;
  }
  return true;
}

}  // namespace

void yaml(std::string_view bytes) {
  refuse_or([&] {
    const Yaml parsed = parse_yaml(bytes, "input.yaml");
    std::optional<Yaml> again;
    try {
      again = parse_yaml(dump_yaml(parsed), "dump.yaml");
    } catch (const Error& error) {
      expect(false, error.what());
    }
    expect(same(parsed, *again), "dump_yaml writes text that parses to the same tree");
  });
}

void space(std::string_view bytes) {
  refuse_or([&] {
    const SearchSpace space = SearchSpace::parse(parse_yaml(bytes, "space.yaml"), Yaml{}, Shape{3, 32, 32}, 10);
    Random random(1);
    for (int i = 0; i < 3; ++i) {
      const Configuration configuration = space.sample(random);
      try {
        space.validate(configuration);
      } catch (const Error& error) {
        expect(false, error.what());
      }
      refuse_or([&] {
        const Design design = space.fill(configuration);
        if (design.network.graph.nodes.empty()) return;
        expect(network_cost(design.network, space.table()).parameters >= 0, "parameters are counted");
        canonical_hash(design.network, space.table());
      });
    }
    refuse_or([&] { space.relax({}); });
  });
}

void experiment(std::string_view bytes) {
  refuse_or([&] {
    const Experiment experiment = parse_experiment(parse_yaml(bytes, "experiment.yaml"));
    std::string text;
    try {
      text = parse_experiment(parse_yaml(experiment.full_text, "again.yaml")).full_text;
    } catch (const Error& error) {
      expect(false, error.what());
    }
    expect(text == experiment.full_text, "an experiment's full text is that experiment");
    refuse_or([&] { make_space(experiment, Shape{1, 28, 28}, 10); });
  });
}

void protocol(std::string_view bytes) {
  const std::string line(bytes);
  refuse_or([&] {
    const std::string written = to_line(command_from_line(line));
    expect(to_line(command_from_line(written)) == written, "a command's line reads as that command");
  });
  refuse_or([&] {
    const std::string written = to_line(report_from_line(line));
    expect(to_line(report_from_line(written)) == written, "a report's line reads as that report");
  });
}

}  // namespace netwright::fuzz
