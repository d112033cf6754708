// netwright narrow STUDY

#include <cmath>
#include <iostream>
#include <memory>

#include "apps/netwright/artefacts.h"
#include "apps/netwright/verb.h"
#include "netwright/base/file.h"
#include "netwright/report/format.h"
#include "netwright/study/narrow.h"

namespace netwright {
namespace {

struct Options {
  std::string study;
  std::string output;
  NarrowOptions narrow;
  std::string storage = default_storage();
  bool json = false;
};

std::string size_text(double log10_size) {
  return "10^" + fixed_text(log10_size, 1);
}

Json size_json(double log10_size) {
  return std::isinf(log10_size) ? Json() : Json(log10_size);
}

int narrow_study(Options options) {
  const StoredStudy stored = open_study(options.study, options.storage);
  const Narrowed result = narrow(stored.experiment, stored.space, stored.state.trials, options.narrow);
  const std::string name = result.experiment.find("name")->text;
  if (options.output.empty()) options.output = name + ".yaml";
  if (file_exists(options.output)) {
    throw invalid({options.output, 0, 0}, "the file exists", "remove it, or choose another with --output");
  }
  write_file_atomically(options.output, "# The space of study " + options.study + ", narrowed to the choices of its " +
                                            std::to_string(result.top) + " best trials.\n" +
                                            dump_yaml(result.experiment));
  if (options.json) {
    std::cout << json_text(Json{{"schema", 1},
                                {"study", options.study},
                                {"file", options.output},
                                {"name", name},
                                {"top", result.top},
                                {"choices_narrowed", result.choices},
                                {"log10_size_before", size_json(result.log10_before)},
                                {"log10_size_after", size_json(result.log10_after)}});
    return 0;
  }
  std::cout << options.output << ": the choices of the " << result.top << " best trials; " << result.choices << " of "
            << stored.space.choices().size() << " choices are narrower";
  if (!std::isinf(result.log10_after)) {
    std::cout << ", " << size_text(result.log10_before) << " configurations became " << size_text(result.log10_after);
  }
  std::cout << "\n  netwright " << (stored.experiment.execution.fleet == "external" ? "ask " : "run ") << options.output
            << '\n';
  return 0;
}

}  // namespace

std::function<int()> add_narrow(CLI::App& application) {
  const auto options = std::make_shared<Options>();
  CLI::App* verb = application.add_subcommand(
      "narrow", "A new experiment file whose choices are those of a study's best trials, to search again");
  verb->add_option("STUDY", options->study, "Name of the study")->required();
  verb->add_option("-o,--output", options->output, "File to write; default: <study>-narrow.yaml");
  verb->add_option("--top", options->narrow.top, "How many of the best trials; default: a fifth, five at least")
      ->check(CLI::PositiveNumber);
  verb->add_option("--name", options->narrow.name, "Of the new study; default: <study>-narrow");
  verb->add_option("--storage", options->storage, "SQLite file of the study")->capture_default_str();
  verb->add_flag("--json", options->json, "Print one JSON document");
  verb->footer(
      "A categorical choice keeps the options that occur among the best; a number keeps the range from their least to "
      "their\ngreatest value. The file is self-contained; edit it as you like.");
  return [options] { return narrow_study(*options); };
}

}  // namespace netwright
