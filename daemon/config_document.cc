// The text of carbond.yaml, before anything in it is understood.
#include <yaml-cpp/eventhandler.h>

#include <algorithm>
#include <sstream>

#include "daemon/config_reader.h"

namespace carbond {
namespace {

// Notes where documents begin, and nothing else.
class DocumentStarts : public YAML::EventHandler {
 public:
  std::vector<int> lines;

  void OnDocumentStart(const YAML::Mark& mark) override {
    lines.push_back(mark.line + 1);
  }
  void OnDocumentEnd() override {}
  void OnNull(const YAML::Mark&, YAML::anchor_t) override {}
  void OnAlias(const YAML::Mark&, YAML::anchor_t) override {}
  void OnScalar(const YAML::Mark&, const std::string&, YAML::anchor_t,
                const std::string&) override {}
  void OnSequenceStart(const YAML::Mark&, const std::string&, YAML::anchor_t,
                       YAML::EmitterStyle::value) override {}
  void OnSequenceEnd() override {}
  void OnMapStart(const YAML::Mark&, const std::string&, YAML::anchor_t,
                  YAML::EmitterStyle::value) override {}
  void OnMapEnd() override {}
};

// The lines on which the first two documents begin. LoadAll would read them
// all, but never ends on a text that begins with a comma (yaml-cpp 0.7).
//
// A quote that is left open is taken for text up to the end of the file. A
// document end behind the text turns that into an error.
std::vector<int> FirstDocuments(const std::string& yaml) {
  std::istringstream text(yaml + "\n...\n");
  YAML::Parser parser(text);
  DocumentStarts starts;
  while (starts.lines.size() < 2 && parser.HandleNextDocument(starts)) {
  }
  return starts.lines;
}

bool QuoteLeftOpen(const std::string& yaml) {
  try {
    FirstDocuments(yaml);
  } catch (const YAML::Exception& e) {
    return e.msg == YAML::ErrorMsg::DOC_IN_SCALAR;
  }
  return false;
}

// The line on which a quote is opened that nothing closes: the last line whose
// removal, with all that follows, mends it. Each try reads the file anew, so
// there is an end to them; 0 when the line was not found.
int LineOfOpenQuote(const std::string& yaml) {
  size_t end = yaml.size();
  for (int tries = 0; end > 0; ++tries) {
    if (tries == 200) return 0;
    const size_t line_begin = yaml.rfind('\n', end - 1);
    end = line_begin == std::string::npos ? 0 : line_begin;
    if (!QuoteLeftOpen(yaml.substr(0, end))) break;
  }
  const auto lines_before = std::count(
      yaml.begin(), yaml.begin() + static_cast<std::ptrdiff_t>(end), '\n');
  return static_cast<int>(lines_before) + (end == 0 ? 1 : 2);
}

}  // namespace

std::optional<YAML::Node> LoadDocument(ConfigFile& file,
                                       const std::string& yaml) {
  try {
    const std::vector<int> documents = FirstDocuments(yaml);
    if (documents.size() > 1) {
      file.Mistake(documents[1],
                   "not valid YAML: what stands here does not belong to what "
                   "stands above; check the indentation, and that there is "
                   "one document");
      return std::nullopt;
    }
    YAML::Node root = YAML::Load(yaml);
    if (root.IsNull()) {
      file.Mistake(0, "the file is empty; begin with `state_dir:`");
      return std::nullopt;
    }
    return root;
  } catch (const YAML::Exception& e) {
    if (e.msg == YAML::ErrorMsg::DOC_IN_SCALAR) {
      const int line = LineOfOpenQuote(yaml);
      file.Mistake(line, "not valid YAML: a quote is opened{} and never closed",
                   line > 0 ? " here" : "");
    } else {
      file.Mistake(std::max(e.mark.line + 1, 0), "not valid YAML: {}", e.msg);
    }
    return std::nullopt;
  }
}

}  // namespace carbond
