// Keeps the "Never" list of how this code is shaped: reads every source, and
// names the file, the line and the rule it breaks. Comments and texts are no
// code, and are not read.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <functional>
#include <regex>
#include <set>
#include <sstream>
#include <string>
#include <vector>

namespace carbond {
namespace {

namespace fs = std::filesystem;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

struct Include {
  int line = 0;
  std::string path;
  bool angled = false;
};

struct Source {
  std::string path;               // from the root, with '/'
  std::vector<std::string> code;  // by line, without comments and texts
  std::vector<std::string> full;  // by line, without comments
  std::vector<Include> includes;
  bool of_runner = false;  // a part of carbon-runner, a program of its own

  bool In(const std::string& folder) const {
    return path.rfind(folder + "/", 0) == 0;
  }
  std::string Stem() const { return fs::path(path).stem().string(); }
};

// Blanks out comments; with `texts` also what stands between quotes.
std::string WithoutComments(const std::string& text, bool texts) {
  enum { kCode, kLine, kBlock, kString, kChar, kRaw } in = kCode;
  std::string out = text, raw_end;
  for (size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    const char next = i + 1 < text.size() ? text[i + 1] : '\0';
    const auto blank = [&](size_t at) {
      if (out[at] != '\n') out[at] = ' ';
    };
    switch (in) {
      case kCode:
        if (c == '/' && (next == '/' || next == '*')) {
          in = next == '/' ? kLine : kBlock;
          blank(i);
          blank(++i);
        } else if (c == 'R' && next == '"' &&
                   (i == 0 || !std::isalnum(text[i - 1]))) {
          const size_t open = text.find('(', i);
          if (open == std::string::npos) break;
          raw_end = ")" + text.substr(i + 2, open - i - 2) + "\"";
          in = kRaw;
          i = open;
        } else if (c == '"') {
          in = kString;
        } else if (c == '\'' && (i == 0 || !std::isalnum(text[i - 1]))) {
          in = kChar;
        }
        break;
      case kLine:
        if (c == '\n') in = kCode;
        if (c != '\n') blank(i);
        break;
      case kBlock:
        blank(i);
        if (c == '*' && next == '/') {
          blank(++i);
          in = kCode;
        }
        break;
      case kString:
      case kChar:
        if (c == '\\') {
          if (texts) blank(i);
          if (texts) blank(i + 1);
          ++i;
        } else if (c == (in == kString ? '"' : '\'')) {
          in = kCode;
        } else if (texts) {
          blank(i);
        }
        break;
      case kRaw:
        if (text.compare(i, raw_end.size(), raw_end) == 0) {
          i += raw_end.size() - 1;
          in = kCode;
        } else if (texts) {
          blank(i);
        }
        break;
    }
  }
  return out;
}

std::vector<std::string> Lines(const std::string& text) {
  std::vector<std::string> lines;
  std::istringstream in(text);
  for (std::string line; std::getline(in, line);) lines.push_back(line);
  return lines;
}

Source Read(const fs::path& file, const fs::path& root) {
  std::ifstream in(file);
  std::stringstream text;
  text << in.rdbuf();
  Source source;
  source.path = fs::relative(file, root).generic_string();
  source.code = Lines(WithoutComments(text.str(), true));
  source.full = Lines(WithoutComments(text.str(), false));
  static const std::regex include(R"(^\s*#\s*include\s*([<"])([^>"]+)[>"])");
  for (size_t i = 0; i < source.full.size(); ++i) {
    std::smatch match;
    if (source.full[i].find("include") != std::string::npos &&
        std::regex_search(source.full[i], match, include)) {
      source.includes.push_back(
          {static_cast<int>(i) + 1, match[2], match[1] == "<"});
    }
  }
  return source;
}

// The sources of carbon-runner and carbon-meter, as daemon/CMakeLists.txt names
// them. They stay with a job while the daemon may be away: they read clocks and
// wait by themselves.
std::set<std::string> RunnerSources(const fs::path& root) {
  std::ifstream in(root / "daemon" / "CMakeLists.txt");
  std::stringstream text;
  text << in.rdbuf();
  const std::string build = text.str();
  std::set<std::string> sources;
  for (const char* program :
       {"add_executable(carbon-runner", "add_library(carbon_meter_parts"}) {
    const size_t begin = build.find(program);
    if (begin == std::string::npos) continue;
    std::istringstream names(
        build.substr(begin, build.find(')', begin) - begin));
    for (std::string name; names >> name;) sources.insert("daemon/" + name);
  }
  return sources;
}

std::vector<Source> ReadAll(const fs::path& root) {
  const std::set<std::string> runner = RunnerSources(root);
  std::vector<Source> sources;
  for (const char* folder :
       {"scheduler", "storage", "daemon", "client", "tests"}) {
    if (!fs::exists(root / folder)) continue;
    for (const auto& entry : fs::recursive_directory_iterator(root / folder)) {
      const std::string extension = entry.path().extension().string();
      if (extension == ".cc" || extension == ".h") {
        sources.push_back(Read(entry.path(), root));
        sources.back().of_runner = runner.contains(sources.back().path);
      }
    }
  }
  std::sort(sources.begin(), sources.end(),
            [](const Source& a, const Source& b) { return a.path < b.path; });
  return sources;
}

using Complaints = std::vector<std::string>;

void Complain(Complaints& complaints, const Source& source, int line,
              const std::string& what) {
  complaints.push_back(source.path + ":" + std::to_string(line) + ": " + what);
}

bool StartsWith(const std::string& text, const std::string& start) {
  return text.rfind(start, 0) == 0;
}

// ---- Who may include whom
// -----------------------------------------------------------

bool IsStandard(const std::string& path) {
  // The C++ library and its C headers have no folder and no ending; of files
  // and threads more below.
  return path.find('/') == std::string::npos &&
         path.find('.') == std::string::npos;
}

bool IsGenerated(const std::string& path) {
  return path.find(".pb.h") != std::string::npos;
}

void CheckScheduler(const Source& source, Complaints& complaints) {
  static const std::set<std::string> kWorldly = {
      "thread", "mutex",   "shared_mutex", "condition_variable", "future",
      "atomic", "fstream", "filesystem",   "semaphore",          "stop_token",
      "latch",  "barrier", "csignal"};
  for (const Include& include : source.includes) {
    const bool ours = StartsWith(include.path, "scheduler/");
    const bool status = StartsWith(include.path, "absl/status/");
    const bool fmt = StartsWith(include.path, "fmt/");
    if (!ours && !status && !fmt && !IsStandard(include.path)) {
      Complain(complaints, source, include.line,
               "scheduler/ includes " + include.path +
                   ": it may use the standard library, fmt and absl's Status");
    }
    // Signals have names there, and are sent by nobody.
    const bool names_signals =
        include.path == "csignal" && source.Stem() == "job";
    if (kWorldly.contains(include.path) && !names_signals) {
      Complain(complaints, source, include.line,
               "scheduler/ includes <" + include.path +
                   ">: it decides, and touches no file, thread or lock");
    }
  }
}

void CheckStorage(const Source& source, Complaints& complaints) {
  for (const Include& include : source.includes) {
    const bool forbidden =
        StartsWith(include.path, "daemon/") ||
        StartsWith(include.path, "client/") || IsGenerated(include.path) ||
        StartsWith(include.path, "grpc") || StartsWith(include.path, "spdlog/");
    if (forbidden) {
      Complain(complaints, source, include.line,
               "storage/ includes " + include.path +
                   ": it may use scheduler/, SQLite and JSON");
    }
  }
}

void CheckClient(const Source& source, Complaints& complaints) {
  for (const Include& include : source.includes) {
    for (const char* folder : {"scheduler/", "storage/", "daemon/"}) {
      if (StartsWith(include.path, folder)) {
        Complain(complaints, source, include.line,
                 "client/ includes " + include.path +
                     ": of ours it may use generated proto alone");
      }
    }
  }
}

void CheckDaemon(const Source& source, Complaints& complaints) {
  static const std::set<std::string> kSpeakProto = {"service", "wire", "reads",
                                                    "server",  "hub",  "watch"};
  for (const Include& include : source.includes) {
    if (StartsWith(include.path, "client/")) {
      Complain(complaints, source, include.line, "daemon/ includes client/");
    }
    if (IsGenerated(include.path)) {
      const std::string stem = source.Stem();
      const bool speaks = std::any_of(
          kSpeakProto.begin(), kSpeakProto.end(),
          [&](const std::string& name) { return StartsWith(stem, name); });
      if (!speaks) {
        Complain(complaints, source, include.line,
                 "generated proto beyond the service: " + include.path);
      }
    }
    for (const char* room : {"daemon/grid", "daemon/exec", "daemon/meter"}) {
      for (const char* other : {"daemon/grid", "daemon/exec", "daemon/meter"}) {
        if (room != std::string(other) && source.In(room) &&
            StartsWith(include.path, std::string(other) + "/")) {
          Complain(complaints, source, include.line,
                   std::string(room) + "/ includes " + include.path +
                       ": providers, executors and meters know nothing of "
                       "each other");
        }
      }
    }
  }
}

void CheckIncludes(const Source& source, Complaints& complaints) {
  if (source.In("scheduler")) CheckScheduler(source, complaints);
  if (source.In("storage")) CheckStorage(source, complaints);
  if (source.In("client")) CheckClient(source, complaints);
  if (source.In("daemon")) CheckDaemon(source, complaints);
  if (source.In("tests")) return;
  for (const Include& include : source.includes) {
    if (StartsWith(include.path, "tests/")) {
      Complain(complaints, source, include.line, "product includes tests/");
    }
    if (StartsWith(include.path, "daemon/") && !source.In("daemon") &&
        !source.In("storage") && !source.In("client")) {
      Complain(complaints, source, include.line,
               "daemon/ is included from outside: " + include.path);
    }
  }
}

// ---- Words that belong to few
// -------------------------------------------------------

struct WordRule {
  const char* word;  // that every match holds: most lines need no more
  const char* pattern;
  std::function<bool(const Source&)> allowed;
  const char* rule;
};

bool IsMain(const Source& source) {
  const std::string stem = source.Stem();
  return stem == "main" ||
         (stem.size() > 5 && stem.compare(stem.size() - 5, 5, "_main") == 0);
}

const std::vector<WordRule>& WordRules() {
  static const std::vector<WordRule> rules = {
      {"system_clock", R"(\bsystem_clock\s*::\s*now\b)",
       [](const Source& s) {
         return s.path == "daemon/clock.cc" || s.of_runner ||
                s.In("tests/e2e") || s.In("tests/bench");
       },
       "the system's time is read by daemon/clock.cc alone"},
      {"_clock", R"(\b(steady_clock|high_resolution_clock)\s*::\s*now\b)",
       [](const Source& s) {
         // leftovers.cc waits, within bounds, for processes to be gone.
         return s.path == "daemon/clock.cc" || s.path == "daemon/loop.cc" ||
                s.path == "daemon/exec/leftovers.cc" || s.of_runner ||
                s.In("tests");
       },
       "steady time is read by the clock, the loop and the runner"},
      {"time",
       R"(\b(clock_gettime|gettimeofday|time)\s*\(\s*(NULL|nullptr|0|CLOCK))",
       [](const Source& s) {
         return s.path == "daemon/clock.cc" || s.of_runner || s.In("tests");
       },
       "the system's time is read by daemon/clock.cc alone"},
      {"sleep",
       R"(\b(sleep_for|sleep_until|usleep|nanosleep)\b|[^\w.>:]sleep\s*\()",
       [](const Source& s) {
         return IsMain(s) || s.of_runner || s.In("tests/e2e") ||
                s.In("tests/bench");
       },
       "nobody sleeps: wait on a condition, or move the clock"},
      {"env", R"(\b(getenv|secure_getenv|setenv|putenv)\s*\()",
       [](const Source& s) {
         return IsMain(s) || s.path == "daemon/secret.cc" || s.of_runner ||
                s.In("tests");
       },
       "the environment is read by mains, and for secrets by secret.cc"},
      {"exit", R"((^|[^\w.>])(std\s*::\s*)?(exit|quick_exit)\s*\()",
       [](const Source& s) {
         return IsMain(s) || s.of_runner || s.In("tests");
       },
       "only a main ends the process"},
  };
  return rules;
}

void CheckWords(const Source& source, Complaints& complaints) {
  for (const WordRule& rule : WordRules()) {
    if (rule.allowed(source)) continue;
    const std::regex pattern(rule.pattern);
    for (size_t i = 0; i < source.code.size(); ++i) {
      if (source.code[i].find(rule.word) == std::string::npos) continue;
      std::smatch match;
      if (std::regex_search(source.code[i], match, pattern)) {
        Complain(complaints, source, static_cast<int>(i) + 1,
                 "`" + match.str() + "`: " + rule.rule);
      }
    }
  }
}

// SQL is found in texts, so here they are read.
void CheckSql(const Source& source, Complaints& complaints) {
  if (source.In("storage") || source.In("tests")) return;
  constexpr const char* kSqlWords[] = {"SELECT", "INSERT", "UPDATE",
                                       "DELETE", "CREATE", "PRAGMA"};
  static const std::regex sql(
      R"((SELECT\s[^"]*\sFROM\s|INSERT\s+(OR\s+\w+\s+)?INTO\s|UPDATE\s+\w+\s+SET\s|DELETE\s+FROM\s|CREATE\s+(TABLE|INDEX|VIEW)\s|PRAGMA\s))");
  for (size_t i = 0; i < source.full.size(); ++i) {
    // Words of SQL in capitals are rare enough to look no closer at the rest.
    const bool capitals = std::any_of(
        std::begin(kSqlWords), std::end(kSqlWords), [&](const char* word) {
          return source.full[i].find(word) != std::string::npos;
        });
    if (capitals && std::regex_search(source.full[i], sql)) {
      Complain(complaints, source, static_cast<int>(i) + 1,
               "SQL stands only in storage/");
    }
  }
  for (const Include& include : source.includes) {
    if (StartsWith(include.path, "SQLiteCpp/") || include.path == "sqlite3.h") {
      Complain(complaints, source, include.line,
               "SQLite is spoken to only by storage/");
    }
  }
}

// A job's state is assigned by lifecycle.cc alone (and read from the ledger).
void CheckState(const Source& source, Complaints& complaints) {
  if (source.In("tests") || source.path == "scheduler/lifecycle.cc" ||
      source.In("storage") || source.In("client")) {
    return;
  }
  static const std::regex assigns(R"((\.|->)state\s*=\s*State::k)");
  for (size_t i = 0; i < source.code.size(); ++i) {
    if (source.code[i].find("State::k") != std::string::npos &&
        std::regex_search(source.code[i], assigns)) {
      Complain(complaints, source, static_cast<int>(i) + 1,
               "a job's state is changed by lifecycle.cc alone");
    }
  }
}

void CheckShape(const Source& source, Complaints& complaints) {
  static const std::set<std::string> kSayNothing = {
      "utils", "util", "common", "helper", "helpers", "misc", "manager"};
  const std::string stem = source.Stem();
  for (const std::string& word : kSayNothing) {
    if (stem == word || stem == word + "_test" ||
        (stem.size() > word.size() &&
         stem.compare(stem.size() - word.size() - 1, std::string::npos,
                      "_" + word) == 0)) {
      Complain(complaints, source, 1,
               "a file is called by the noun it holds, not " + word);
    }
  }
  const bool header = source.path.ends_with(".h");
  const bool once =
      std::any_of(source.code.begin(), source.code.end(),
                  [](const std::string& l) { return l == "#pragma once"; });
  if (header && !once) Complain(complaints, source, 1, "no #pragma once");
}

Complaints Check(const fs::path& root) {
  Complaints complaints;
  for (const Source& source : ReadAll(root)) {
    CheckIncludes(source, complaints);
    CheckWords(source, complaints);
    CheckSql(source, complaints);
    CheckState(source, complaints);
    CheckShape(source, complaints);
  }
  return complaints;
}

// ---- The sources
// --------------------------------------------------------------------

TEST(Tidy, TheSourcesKeepTheRules) {
  const fs::path root = CARBOND_SOURCE_DIR;
  ASSERT_GT(ReadAll(root).size(), 30u) << "where are the sources? " << root;
  for (const std::string& complaint : Check(root)) ADD_FAILURE() << complaint;
}

// ---- The checker itself
// -------------------------------------------------------------

class TidyChecker : public ::testing::Test {
 protected:
  void SetUp() override {
    const std::string name =
        ::testing::UnitTest::GetInstance()->current_test_info()->name();
    root_ = fs::path(::testing::TempDir()) / ("tidy-" + name);
    fs::remove_all(root_);
  }
  void TearDown() override { fs::remove_all(root_); }

  void Write(const std::string& path, const std::string& text) {
    fs::create_directories((root_ / path).parent_path());
    std::ofstream(root_ / path) << text;
  }
  // What is said of a single file.
  Complaints About(const std::string& path, const std::string& text) {
    fs::remove_all(root_);
    Write(path, text);
    return Check(root_);
  }

  fs::path root_;
};

TEST_F(TidyChecker, SaysNothingOfTidySources) {
  EXPECT_THAT(About("scheduler/planner.cc",
                    "#include <vector>\n#include <fmt/format.h>\n"
                    "#include <absl/status/status.h>\n"
                    "#include \"scheduler/planner.h\"\n"),
              IsEmpty());
  EXPECT_THAT(About("daemon/clock.cc", "auto t = system_clock::now();\n"),
              IsEmpty());
  EXPECT_THAT(About("daemon/main.cc", "const char* e = getenv(\"X\");\n"),
              IsEmpty());
}

TEST_F(TidyChecker, NamesTheFileAndTheLine) {
  EXPECT_THAT(About("scheduler/planner.cc",
                    "#include <vector>\n\n#include <grpcpp/grpcpp.h>\n"),
              ElementsAre(HasSubstr("scheduler/planner.cc:3: ")));
}

TEST_F(TidyChecker, FindsEveryPlantedOffender) {
  const struct {
    const char* path;
    const char* text;
    const char* rule;
  } offenders[] = {
      {"scheduler/a.cc", "#include <grpcpp/grpcpp.h>\n", "grpcpp"},
      {"scheduler/a.cc", "#include \"carbond/v1/carbond.pb.h\"\n", "pb.h"},
      {"scheduler/a.cc", "#include <SQLiteCpp/SQLiteCpp.h>\n", "SQLite"},
      {"scheduler/a.cc", "#include <nlohmann/json.hpp>\n", "nlohmann"},
      {"scheduler/a.cc", "#include <spdlog/spdlog.h>\n", "spdlog"},
      {"scheduler/a.cc", "#include <curl/curl.h>\n", "curl"},
      {"scheduler/a.cc", "#include <thread>\n", "thread"},
      {"scheduler/a.cc", "#include <mutex>\n", "mutex"},
      {"scheduler/a.cc", "#include <fstream>\n", "fstream"},
      {"scheduler/a.cc", "#include <unistd.h>\n", "unistd"},
      {"scheduler/a.cc", "#include <absl/strings/str_cat.h>\n", "absl/strings"},
      {"scheduler/a.cc", "#include \"storage/schema.h\"\n", "storage/"},
      {"storage/a.cc", "#include \"daemon/loop.h\"\n", "daemon/loop.h"},
      {"storage/a.cc", "#include \"client/table.h\"\n", "client/"},
      {"storage/a.cc", "#include \"carbond/v1/carbond.pb.h\"\n", "pb.h"},
      {"storage/a.cc", "#include <spdlog/spdlog.h>\n", "spdlog"},
      {"client/a.cc", "#include \"scheduler/time.h\"\n", "scheduler/"},
      {"client/a.cc", "#include \"daemon/wire.h\"\n", "daemon/"},
      {"daemon/a.cc", "#include \"client/table.h\"\n", "client/"},
      {"daemon/loop.cc", "#include \"carbond/v1/carbond.grpc.pb.h\"\n",
       "generated proto"},
      {"daemon/grid/a.cc", "#include \"daemon/exec/local.h\"\n", "each other"},
      {"daemon/exec/a.cc", "#include \"daemon/meter/modelled.h\"\n",
       "each other"},
      {"daemon/meter/a.cc", "#include \"daemon/grid/board.h\"\n", "each other"},
      {"daemon/a.cc", "#include \"tests/a.h\"\n", "tests/"},
      {"daemon/a.cc", "auto t = std::chrono::system_clock::now();\n",
       "daemon/clock.cc"},
      {"daemon/a.cc", "auto t = steady_clock :: now();\n", "steady"},
      {"scheduler/a.cc", "auto t = time(nullptr);\n", "daemon/clock.cc"},
      {"daemon/a.cc", "std::this_thread::sleep_for(1s);\n", "sleeps"},
      {"tests/daemon/a_test.cc", "usleep(100);\n", "sleeps"},
      {"tests/daemon/a_test.cc", "  sleep(1);\n", "sleeps"},
      {"daemon/a.cc", "const char* e = std::getenv(name);\n", "environment"},
      {"client/a.cc", "if (bad) exit(1);\n", "ends the process"},
      {"client/a.cc", "  std::exit(1);\n", "ends the process"},
      {"daemon/a.cc", "const char* q = \"SELECT id FROM jobs\";\n", "SQL"},
      {"daemon/a.cc", "auto q = R\"(\nDELETE FROM jobs WHERE id = ?)\";\n",
       "SQL"},
      {"daemon/a.cc", "#include <SQLiteCpp/Database.h>\n", "SQLite"},
      {"daemon/a.cc", "job.state = State::kDone;\n", "lifecycle.cc"},
      {"daemon/job_utils.cc", "int x;\n", "noun"},
      {"daemon/a.h", "int x;\n", "pragma once"},
  };
  for (const auto& offender : offenders) {
    SCOPED_TRACE(std::string(offender.path) + ": " + offender.text);
    const Complaints complaints = About(offender.path, offender.text);
    ASSERT_FALSE(complaints.empty()) << "not found";
    EXPECT_THAT(complaints[0], HasSubstr(offender.path));
    EXPECT_THAT(complaints[0], HasSubstr(offender.rule));
  }
}

TEST_F(TidyChecker, LetsTheRunnerKeepItsOwnTime) {
  Write("daemon/CMakeLists.txt",
        "add_executable(carbon-runner exec/runner_main.cc exec/keeper.cc)\n"
        "add_library(x exec/local.cc)\n");
  Write("daemon/exec/keeper.cc", "auto t = steady_clock::now();\n");
  EXPECT_THAT(Check(root_), IsEmpty());
  Write("daemon/exec/local.cc", "auto t = steady_clock::now();\n");
  EXPECT_THAT(Check(root_), ElementsAre(HasSubstr("daemon/exec/local.cc:1")));
}

TEST_F(TidyChecker, ReadsNoCommentsAndNoTexts) {
  EXPECT_THAT(About("daemon/a.cc",
                    "// system_clock::now is not called here, nor exit(1)\n"
                    "/* sleep_for(1s);\n   getenv(\"X\") */\n"
                    "const char* a = \"sleep_for(1s)\";\n"
                    "const char* b = R\"(exit(1);)\";\n"
                    "const char c = '\"';\n"
                    "int million = 1'000'000;  // exit(1)\n"
                    "pool.exit(1); job->exit(2); on_exit(3);\n"),
              IsEmpty());
}

}  // namespace
}  // namespace carbond
