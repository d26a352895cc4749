#include "bench/report.h"

#include <cstdio>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "bench/peers.h"

namespace imageadapt::bench {
namespace {

constexpr const char* kNone = "n/a";

std::string TimeText(const std::optional<Time>& time) {
  if (!time) return kNone;
  const double ms = time->milliseconds;
  const int digits = ms < 1 ? 3 : ms < 10 ? 2 : ms < 100 ? 1 : 0;
  return absl::StrFormat("%s%.*f", time->is_estimate ? "~" : "", digits, ms);
}

std::string RatioText(const std::optional<Time>& over,
                      const std::optional<Time>& under) {
  if (!over || !under || under->milliseconds <= 0) return "";
  return absl::StrFormat("%.2fx", over->milliseconds / under->milliseconds);
}

std::string JsonMember(const char* name, const std::optional<Time>& time) {
  if (!time) return absl::StrFormat("\"%s\": null", name);
  return absl::StrFormat("\"%s\": %.6g", name, time->milliseconds);
}

std::string JsonObject(const ReportRow& row) {
  const RowTimes& times = row.times;
  std::vector<std::string> peers;
  std::vector<std::string> estimated;
  const auto note = [&](const char* name, const std::optional<Time>& time) {
    if (time && time->is_estimate) {
      estimated.push_back(absl::StrCat("\"", name, "\""));
    }
  };
  note("ours", times.ours);
  for (size_t i = 0; i < times.peers.size(); ++i) {
    if (!times.peers[i]) continue;
    peers.push_back(JsonMember(Peers()[i].name, times.peers[i]));
    note(Peers()[i].name, times.peers[i]);
  }
  std::vector<std::string> warnings;
  for (const std::string& each : times.disagreements) {
    warnings.push_back(absl::StrCat("\"", each, "\""));
  }
  std::vector<std::string> notes;
  for (const std::string& each : times.notes) {
    notes.push_back(absl::StrCat("\"", each, "\""));
  }
  return absl::StrFormat(
      "  {\"name\": \"%s\", \"target\": \"%s\", %s, %s, \"peers\": {%s}, "
      "\"estimated\": [%s], \"warnings\": [%s], \"notes\": [%s]}",
      row.name, row.target, JsonMember("ours_ms", times.ours),
      JsonMember("memcpy_ms", times.copy), absl::StrJoin(peers, ", "),
      absl::StrJoin(estimated, ", "), absl::StrJoin(warnings, ", "),
      absl::StrJoin(notes, ", "));
}

}  // namespace

std::string TableHead() {
  std::string head = absl::StrFormat("%-39s %8s %8s %7s", "milliseconds",
                                     "ours", "memcpy", "x mem");
  for (const Peer& peer : Peers()) {
    absl::StrAppendFormat(&head, "  %8s %8s", peer.name, "");
  }
  return head + "\n";
}

std::string TableLine(const ReportRow& row) {
  const RowTimes& times = row.times;
  std::string line =
      absl::StrFormat("%-39s %8s %8s %7s", row.name, TimeText(times.ours),
                      TimeText(times.copy), RatioText(times.ours, times.copy));
  for (const std::optional<Time>& peer : times.peers) {
    absl::StrAppendFormat(&line, "  %8s %8s", TimeText(peer),
                          RatioText(peer, times.ours));
  }
  line += "\n";
  for (const std::string& each : times.disagreements) {
    absl::StrAppend(&line, "  WARNING ", row.name, ": ", each, "\n");
  }
  for (const std::string& each : times.notes) {
    absl::StrAppend(&line, "  ", each, "\n");
  }
  return line;
}

std::string ToJson(const std::vector<ReportRow>& rows) {
  std::vector<std::string> objects;
  for (const ReportRow& row : rows) objects.push_back(JsonObject(row));
  return absl::StrCat("[\n", absl::StrJoin(objects, ",\n"), "\n]\n");
}

}  // namespace imageadapt::bench
