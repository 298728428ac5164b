#include "client/accelerators.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "client/names.h"

namespace carbond::client {

extern const char* const kAcceleratorsJson;  // built_in_data.cc.in

namespace {

std::vector<Accelerator> ReadTable() {
  std::vector<Accelerator> all;
  for (const auto& row : nlohmann::json::parse(kAcceleratorsJson)) {
    Accelerator each;
    each.name = row.at("name");
    if (row.contains("tdp_w")) each.tdp_w = row["tdp_w"].get<double>();
    if (row.contains("system_w")) each.system_w = row["system_w"].get<double>();
    each.note = row.value("note", "");
    all.push_back(std::move(each));
  }
  return all;
}

// "NVIDIA Tesla V100-SXM2-32GB" -> "v100sxm232gb".
std::string Plain(const std::string& name) {
  std::string plain;
  for (const char c : name) {
    if (c >= 'A' && c <= 'Z') plain += static_cast<char>(c - 'A' + 'a');
    if ((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9')) plain += c;
  }
  for (const std::string maker : {"nvidia", "amd", "intel", "tesla"}) {
    if (plain.starts_with(maker)) plain.erase(0, maker.size());
  }
  return plain;
}

}  // namespace

const std::vector<Accelerator>& Accelerators() {
  static const std::vector<Accelerator> all = ReadTable();
  return all;
}

absl::StatusOr<Accelerator> FindAccelerator(const std::string& name) {
  std::vector<std::string> known;
  for (const Accelerator& each : Accelerators()) {
    if (Plain(each.name) == Plain(name)) return each;
    known.push_back(each.name);
  }
  const std::string nearest = NearestWord(name, known);
  return absl::NotFoundError(fmt::format(
      "`{}` is not in the table{}; `carbonctl estimate --list hardware` prints "
      "it, --power takes your figure",
      name,
      nearest.empty() ? "" : fmt::format(": did you mean `{}`?", nearest)));
}

}  // namespace carbond::client
