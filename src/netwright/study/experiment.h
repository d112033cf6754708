// The experiment file: what to search, on which data, how long, how. docs/experiment-file.md describes every key.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "netwright/base/yaml.h"
#include "netwright/space/search_space.h"
#include "netwright/study/one_shot_options.h"
#include "netwright/trial/collapse_options.h"
#include "netwright/trial/data_options.h"
#include "netwright/trial/objective.h"
#include "netwright/trial/supernet_passes.h"

namespace netwright {

struct Budget {
  std::int64_t trials = 0;          // search trials that may be started; 0: no limit
  double seconds = 0;               // of searching; 0: no limit. One of the two must be set (or the strategy be finite)
  std::int64_t failed_trials = 10;  // more failures than this end the study (exit code 5)
};

struct RetrainOptions {
  std::int64_t top = 3;              // how many of the best; 0: no retraining
  std::int64_t seeds = 1;            // runs of each, with different seeds
  Yaml recipe;                       // what differs from the search recipe
  std::string baseline = "random";   // random, none
  std::int64_t random_networks = 0;  // of the baseline; 0: as many as are retrained of the best
};

struct ExecutionOptions {
  std::string fleet = "process";  // process: trainers of ours; external: whoever calls ask and tell
  int workers = 0;                // 0: one a core (2 at most two cores …)
  int threads = 0;                // a worker; 0: cores / workers
  std::string device = "cpu";
  std::vector<std::string> trainer;  // program and arguments; empty: netwright-torch trainer
  Location trainer_where;            // in the experiment file
  int retries = 1;                   // times a crashed trial is started again
  double timeout_seconds = 3600;     // silence after which a trainer is killed
  std::int64_t memory = 0;           // bytes that a search in a supernet may take; 0: what is free when it starts
  SupernetPasses passes;             // of a search in a supernet
};

// What `recipe` says of a one-shot search's batches besides their size.
struct SupernetBatch {
  bool automatic = false;       // batch: auto
  std::int64_t accumulate = 0;  // parts that a batch is computed in; 0: as few as fit
};

struct Experiment {
  std::string name;
  std::uint64_t seed = 0;
  DataOptions data;
  Yaml space;                                 // the space file's content (included), with `parameters` overridden
  Configuration fix;                          // choices fixed by `space.fix`
  std::map<std::string, Location> fix_where;  // in the experiment file
  Yaml narrow;                                // smaller domains of choices, by `space.narrow`
  Yaml recipe;
  std::vector<Objective> objectives;
  Yaml strategy;  // {name: …, options}
  Yaml schedule;
  CollapseOptions collapse;  // of a one-shot search
  DecodingOptions decoding;  // likewise
  SupernetBatch batch;       // likewise; taken out of `recipe`
  Budget budget;
  RetrainOptions retrain;
  ExecutionOptions execution;
  std::string storage;        // path of the SQLite file, default runs/netwright.db
  std::string runs = "runs";  // folder of the studies
  std::string full_text;      // YAML of all of it, self-contained: what `resume` and the report use
};

// Reads and checks the file; `settings` are --set key=value. Space files are found beside the experiment file, then
// among the shipped. Throws an invalid Error with file, line, column and remedy.
Experiment load_experiment(const std::string& path, const std::vector<std::string>& settings = {});
Experiment parse_experiment(const Yaml& root);

// The experiment that trains one configuration: every choice fixed, one trial, no baseline. `netwright run` accepts its
// dump.
Yaml experiment_of_configuration(const Experiment& experiment, const Configuration& configuration);

// The path of a shipped file ("spaces/darts.yaml", "examples/…"), or empty: looked for beside the program and in the
// install folder.
std::string shipped_file(const std::string& relative);

// The space with data's input and classes known.
SearchSpace make_space(const Experiment& experiment, std::optional<Shape> input, std::optional<std::int64_t> classes);

}  // namespace netwright
