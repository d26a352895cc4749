// What a run says: a table for people, JSON for programs.
// SPDX-License-Identifier: Apache-2.0
#ifndef BENCH_REPORT_H_
#define BENCH_REPORT_H_

#include <string>
#include <vector>

#include "bench/measure.h"

namespace imageadapt::bench {

struct ReportRow {
  std::string name;
  std::string target;  // the kind of processor our kernels ran for
  RowTimes times;
};

// The lines above the table's rows.
std::string TableHead();

// A row of the table: milliseconds; ours over memcpy, peers over ours. Behind
// it a line for each disagreement and each note.
std::string TableLine(const ReportRow& row);

// A list of objects {name, target, ours_ms, memcpy_ms, peers: {NAME: ms}}. What
// was estimated is named in `estimated`, disagreements stand in `warnings`,
// notes in `notes`.
std::string ToJson(const std::vector<ReportRow>& rows);

}  // namespace imageadapt::bench

#endif  // BENCH_REPORT_H_
