// netwright ls

#include <iostream>
#include <memory>

#include "apps/netwright/artefacts.h"
#include "apps/netwright/verb.h"
#include "netwright/base/file.h"
#include "netwright/base/text.h"
#include "netwright/report/format.h"
#include "netwright/report/table.h"
#include "netwright/storage/storage.h"

namespace netwright {
namespace {

int list_studies(const std::string& storage_path, bool json) {
  std::vector<StudyRecord> studies;
  std::unique_ptr<Storage> storage;
  if (file_exists(storage_path)) {
    storage = open_storage(storage_path);
    studies = storage->list_studies();
  }
  Json document = {{"schema", 1}, {"storage", storage_path}, {"studies", Json::array()}};
  Table table({{"study", false, true},
               {"state"},
               {"trials", true},
               {"complete", true},
               {"failed", true},
               {"created"},
               {"time", true}});
  for (const auto& study : studies) {
    std::int64_t complete = 0;
    std::int64_t failed = 0;
    const auto trials = storage->trials(study.name);
    for (const Trial& trial : trials) {
      complete += trial.state == TrialState::complete ? 1 : 0;
      failed += trial.state == TrialState::failed ? 1 : 0;
    }
    document["studies"].push_back({{"name", study.name},
                                   {"state", study.state},
                                   {"trials", trials.size()},
                                   {"complete", complete},
                                   {"failed", failed},
                                   {"created", study.created},
                                   {"seconds", study.elapsed}});
    table.add({study.name, study.state, std::to_string(trials.size()), std::to_string(complete), std::to_string(failed),
               date_text(study.created), human_seconds(study.elapsed)});
  }
  if (json) {
    std::cout << json_text(document);
  } else if (studies.empty()) {
    std::cout << "no studies in " << storage_path << "; start one with: netwright run FILE\n";
  } else {
    const Terminal out = terminal();
    std::cout << table.text(out.width, out.colour);
  }
  return 0;
}

}  // namespace

std::function<int()> add_ls(CLI::App& application) {
  struct Options {
    std::string storage = default_storage();
    bool json = false;
  };
  const auto options = std::make_shared<Options>();
  CLI::App* verb = application.add_subcommand("ls", "List the studies of a storage, newest last");
  verb->add_option("--storage", options->storage, "SQLite file")->capture_default_str();
  verb->add_flag("--json", options->json, "Print one JSON document");
  return [options] { return list_studies(options->storage, options->json); };
}

}  // namespace netwright
