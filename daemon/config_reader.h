#pragma once
// Reads YAML maps so that nothing in them is overlooked: a key nobody asked
// for, a value of the wrong type, without its unit or out of its range becomes
// a mistake with its line. The one header that knows yaml-cpp.

#include <yaml-cpp/yaml.h>

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "daemon/config.h"

namespace carbond {

// What all parts of one file share while it is read.
struct ConfigFile {
  std::string dir;  // relative paths begin here
  std::vector<ConfigMistake> mistakes;

  template <typename... A>
  void Mistake(int line, fmt::format_string<A...> text, A&&... args) {
    mistakes.push_back({line, fmt::format(text, std::forward<A>(args)...)});
  }
  std::string Resolve(const std::string& path) const;
};

// A file's text; refuses one that cannot be read, or is larger than any
// configuration, without naming it.
Result<std::string> ReadConfigText(const std::string& path);
// The absolute folder of a file, where its relative paths begin.
std::string FolderOf(const std::string& path);

// The one document of a YAML text; otherwise nothing, and a mistake is noted.
std::optional<YAML::Node> LoadDocument(ConfigFile& file,
                                       const std::string& yaml);

struct ConfigEntry {
  std::string key;
  int line = 0;  // of the key
  YAML::Node value;
};

int LineOf(const YAML::Node& node);
// "a list", "a map", "nothing", or the text itself between backquotes.
std::string Describe(const YAML::Node& node);
// The word most like a misspelt one, if any is near enough to be meant.
std::optional<std::string> Nearest(const std::string& word,
                                   const std::vector<std::string>& words);
// "; did you mean `regions`?", or nothing.
std::string DidYouMean(const std::string& word,
                       const std::vector<std::string>& words);

// One map of the file. Every Read leaves its target alone, and returns false,
// when the key is absent or its value is a mistake; the mistake is noted. What
// no Read asked for is reported by Finish.
class ConfigMap {
 public:
  // `name` stands before every message: "providers.rec"; empty for the whole
  // file. A node that is no map is a mistake and reads as an empty one.
  ConfigMap(ConfigFile& file, const YAML::Node& node, std::string name,
            int line);

  bool Read(const std::string& key, std::string& text);
  bool Read(const std::string& key, bool& value);
  bool Read(const std::string& key, int& value, int least, int most);
  bool Read(const std::string& key, double& value, double least, double most);
  bool Read(const std::string& key, Duration& value, Duration least,
            Duration most = hours(24 * 3650));
  bool Read(const std::string& key, Watts& value);
  bool ReadTimeOfDay(const std::string& key, Duration& value);  // 18:00, UTC
  bool ReadPath(const std::string& key, std::string& absolute);
  // A word, or a list of words; never an empty list.
  bool ReadWords(const std::string& key, std::vector<std::string>& words);
  template <typename T>
  bool ReadChoice(const std::string& key, T& value,
                  const std::map<std::string, T>& choices) {
    std::string word;
    if (!Read(key, word)) return false;
    const auto found = choices.find(word);
    if (found != choices.end()) {
      value = found->second;
      return true;
    }
    std::vector<std::string> words;
    for (const auto& choice : choices) words.push_back(choice.first);
    MistakeAt(key, "`{}` is none of {}{}", word, fmt::join(words, ", "),
              DidYouMean(word, words));
    return false;
  }
  // The value itself, for maps and lists; nothing when absent.
  const ConfigEntry* Find(const std::string& key);
  // Its absence is a mistake, with `what` saying what to write.
  bool Require(const std::string& key, const std::string& what);

  // A mistake in the value of a key, on its line (the map's, when absent).
  template <typename... A>
  void MistakeAt(const std::string& key, fmt::format_string<A...> text,
                 A&&... args) {
    file_.Mistake(LineFor(key), "{}: {}", Path(key),
                  fmt::format(text, std::forward<A>(args)...));
  }
  int LineFor(const std::string& key) const;
  std::string Path(const std::string& key) const;
  int line() const { return line_; }
  ConfigFile& file() { return file_; }
  const std::vector<ConfigEntry>& entries() const { return entries_; }

  // Reports every key that was not asked for.
  void Finish();

 private:
  const ConfigEntry* Lookup(const std::string& key) const;

  ConfigFile& file_;
  std::string name_;
  int line_;
  std::vector<ConfigEntry> entries_;
  std::vector<std::string> known_;  // keys asked for so far
};

}  // namespace carbond
