// The machine-readable document of a study: show --json, best --json, compare --json, run --json.
#pragma once

#include "netwright/base/json.h"
#include "netwright/report/report.h"

namespace netwright {

constexpr int summary_schema = 1;  // raised when a key changes its meaning or goes

// {
//   "schema": 1, "name", "state", "seed", "created" (Unix seconds), "seconds" (of running),
//   "objectives": [{"metric", "goal", "constraint"?, "target"?}],
//   "trials": {"total", "search": {"complete": 20, "failed": 1, …}, "retrain": {…}, "baseline": {…}},
//   "best": trial or null            best search trial by the objectives, measured on validation data
//   "front": [ids]                   the Pareto front, where there are several objectives
//   "final": trial or null           whose network is handed over
//   "test_accuracy": share or null   of the final network, in [0, 1]
//   "comparison": null or {"text", "metric", "searched": {"values", "mean"}, "random": {…}, "difference",
//                 "interval", "confidence", "p", "smallest_p", "exact", "verdict": "better" | "not better" | "worse"}
//   "importance": null or {"metric", "trials", "explained", "fidelity"? (at which trials were compared),
//                 "choices": [{"choice", "share", "interval"}, …], "pairs": [{"choices", "share", "interval"}, …]}
//                 what share of the metric's variance each choice accounts for (report/importance.h), the largest first
// }
// A trial: {"id", "state", "purpose", "source"?, "configuration", "metrics", "fidelity", "seconds", "seed"}.
// Numbers that JSON cannot hold (nan, infinities) are null.
Json summary(const ReportInput& input);

// A trial as it stands in the summary; `metrics` are the last of each name.
Json trial_summary(const Trial& trial);

}  // namespace netwright
