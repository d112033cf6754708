// report.html: one self-contained page about a study, to be shown to a colleague, printed or mailed.
//
// Nothing is loaded from elsewhere and no script is needed; light and dark follow the reader's setting. All text that
// comes from users is escaped. Plots are inline SVG (report/plot.h). Works at any point of a study's life: sections
// that have nothing to show yet are left out or say so.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "netwright/base/json.h"
#include "netwright/base/statistics.h"
#include "netwright/space/choice.h"
#include "netwright/storage/storage.h"
#include "netwright/trial/objective.h"
#include "netwright/trial/trial.h"

namespace netwright {

// How often a network took one class for another: counts[true class][predicted class].
struct ConfusionMatrix {
  std::vector<std::string> classes;  // names; may be fewer than rows, numbers stand in
  std::vector<std::vector<std::int64_t>> counts;
};

// A file that the study left beside the report.
struct Artefact {
  std::string path;  // relative to the report: becomes a link
  std::string description;
};

struct ReportInput {
  StudyRecord study;                  // notes: machine, versions, data; shown under "Reproduce"
  std::vector<Trial> trials;          // all of the study, by id: search, retrain and baseline
  std::vector<Objective> objectives;  // empty: maximize accuracy
  std::vector<Choice> choices;        // of the space, parents first; empty: nothing is said about choices
  std::vector<StudyEvent> events;     // of the search, in order; tell when trials were paused and resumed

  std::int64_t final_trial = 0;              // id of the trial whose network is handed over; 0: none yet
  std::string architecture_svg;              // of the final network, as draw_svg makes it; empty: none
  std::optional<ConfusionMatrix> confusion;  // of the final network on the test data
  std::optional<Comparison> comparison;      // searched against random, seeds averaged first
  ComparisonWords words;                     // how the comparison is told
  std::string comparison_metric = "test_accuracy";

  std::string space, strategy, schedule, data;  // one name or short phrase each; empty ones are left out
  std::string fidelity_unit = "epochs";
  std::vector<std::string> commands;  // that run the study again, resume it, …; one line each
  std::vector<Artefact> artefacts;
};

std::string html_report(const ReportInput& input);

// The last measured test_accuracy of the final trial, in [0, 1].
std::optional<double> final_test_accuracy(const ReportInput& input);

// The trial of `input.final_trial`; null when there is none.
const Trial* final_trial_of(const ReportInput& input);

}  // namespace netwright
