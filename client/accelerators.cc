#include "client/accelerators.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

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

std::string Quoted(const std::string& name) {
  return name.empty() ? name : fmt::format("`{}`", name);
}

}  // namespace

const std::vector<Accelerator>& Accelerators() {
  static const std::vector<Accelerator> all = ReadTable();
  return all;
}

absl::StatusOr<Accelerator> FindAccelerator(const std::string& name) {
  std::vector<std::string> known;
  std::vector<std::string> kinds;  // of what was named in general
  for (const Accelerator& each : Accelerators()) {
    if (Plain(each.name) == Plain(name)) return each;
    known.push_back(each.name);
    if (!Plain(name).empty() && Plain(each.name).starts_with(Plain(name))) {
      kinds.push_back(Quoted(each.name));
    }
  }
  if (kinds.size() > 1) {
    return absl::NotFoundError(fmt::format("`{}` may be any of {}: which?",
                                           name, fmt::join(kinds, ", ")));
  }
  const std::string nearest =
      kinds.empty() ? Quoted(NearestWord(name, known)) : kinds.front();
  return absl::NotFoundError(fmt::format(
      "`{}` is not in the table{}; `carbonctl estimate --list hardware` prints "
      "it, --power takes your figure",
      name, nearest.empty() ? "" : fmt::format(": did you mean {}?", nearest)));
}

}  // namespace carbond::client
