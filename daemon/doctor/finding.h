#pragma once
// What `carbond doctor` says: one line for each thing that was tried.

#include <string>
#include <vector>

namespace carbond {

struct Finding {
  enum class Kind {
    kGood,
    kNote,  // works, and is worth knowing
    kBad,   // to be mended
  };
  Kind kind = Kind::kGood;
  std::string text;
  friend bool operator==(const Finding&, const Finding&) = default;
};

// Of one provider or region.
struct Findings {
  std::string title;
  std::vector<Finding> lines = {};

  void Good(std::string text) {
    lines.push_back({Finding::Kind::kGood, std::move(text)});
  }
  void Note(std::string text) {
    lines.push_back({Finding::Kind::kNote, std::move(text)});
  }
  void Bad(std::string text) {
    lines.push_back({Finding::Kind::kBad, std::move(text)});
  }
};

}  // namespace carbond
