// A made-up study that looks like a real one: 24 trials with failures, three retrained networks against three random.
#pragma once

#include "netwright/report/report.h"

namespace netwright {

ReportInput example_study();

// Successive halving of 27 trials over 1, 3 and 9 epochs on three workers, with its log of events.
ReportInput halving_study();

// `trials` complete trials over twenty choices of every kind, of which two matter, some of them not always active.
ReportInput large_study(int trials);

// The example with hostile text wherever a user can put text.
ReportInput hostile_study(const std::string& text);

// A search of fifty epochs in a supernet of the DARTS cells, still running; its normal cell fills with skip
// connections.
ReportInput one_shot_study();

}  // namespace netwright
