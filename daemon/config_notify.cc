// The `notify:` part of carbond.yaml.
#include <fmt/ranges.h>

#include <algorithm>
#include <filesystem>

#include "daemon/config_sections.h"

namespace carbond {
namespace {

// Scheme, host and port are shown to people; what follows them never is, since
// many services take their secret there.
struct Address {
  bool plain = false;  // no TLS
  std::string authority;
};

Result<Address> AddressOf(const std::string& url) {
  Address address;
  address.plain = url.starts_with("http://");
  if (!address.plain && !url.starts_with("https://")) {
    return Refused("begins neither with https:// nor with http://");
  }
  const std::string rest = url.substr(address.plain ? 7 : 8);
  address.authority = rest.substr(0, rest.find_first_of("/?"));
  if (address.authority.find('@') != std::string::npos) {
    return Refused("no user name or password may stand in an address");
  }
  if (address.authority.empty() ||
      rest.find_first_of("# \t\"'\\") != std::string::npos) {
    return Refused("is no address; write https://host/path");
  }
  return address;
}

void ReadWebhook(ConfigMap& map, NotifyConfig& notify) {
  if (map.Read("webhook", notify.webhook)) {
    const Result<Address> address = AddressOf(notify.webhook);
    if (!address.ok()) {
      map.MistakeAt("webhook", "{}", Message(address.status()));
    } else if (address->plain && !IsLoopback(address->authority)) {
      map.MistakeAt("webhook",
                    "http://{} would carry it over the network for everyone to "
                    "read; write https://",
                    address->authority);
    } else {
      notify.name = address->authority;
    }
  }
  ReadSecretPlace(map, "secret", notify.secret);
  ReadDataFile(map, "ca_file", notify.ca_file);
}

void ReadCommand(ConfigMap& map, NotifyConfig& notify) {
  if (!map.ReadWords("command", notify.command)) return;
  std::string& program = notify.command.front();
  notify.name = std::filesystem::path(program).filename();
  if (program.find('/') != std::string::npos) {
    program = map.file().Resolve(program);
  }
}

void ReadKinds(ConfigMap& map, std::set<NoticeKind>& kinds) {
  std::vector<std::string> words;
  if (!map.ReadWords("on", words)) {
    kinds = {std::begin(kAllNotices), std::end(kAllNotices)};
    return;
  }
  for (const std::string& word : words) {
    const Result<NoticeKind> kind = ParseNoticeKind(word);
    if (kind.ok()) {
      kinds.insert(*kind);
    } else {
      map.MistakeAt("on", "{}", Message(kind.status()));
    }
  }
}

NotifyConfig ReadOne(ConfigFile& file, const YAML::Node& node, size_t index) {
  NotifyConfig notify;
  notify.line = LineOf(node);
  ConfigMap map(file, node, fmt::format("notify[{}]", index), notify.line);
  const bool command = map.Find("command") != nullptr;
  if (command) {
    ReadCommand(map, notify);
  } else if (map.Require("webhook",
                         "write the https:// address that is told, or "
                         "`command: [PROGRAM, ...]`")) {
    ReadWebhook(map, notify);
  }
  if (command && map.Find("webhook") != nullptr) {
    map.MistakeAt("webhook",
                  "command is given as well; write two entries of the list");
  }
  map.Read("name", notify.name);
  ReadKinds(map, notify.on);
  map.Read("user", notify.user);
  map.Read("project", notify.project);
  map.Read("retry_for", notify.retry_for, Duration(0), hours(24 * 7));
  map.Read("timeout", notify.timeout, seconds(1), minutes(10));
  map.Finish();
  return notify;
}

}  // namespace

std::vector<NotifyConfig> ReadNotify(ConfigFile& file, ConfigMap& top) {
  std::vector<NotifyConfig> all;
  const ConfigEntry* entry = top.Find("notify");
  if (entry == nullptr) return all;
  if (!entry->value.IsSequence()) {
    top.MistakeAt("notify", "{}, where a list (`- command: [...]`) is owed",
                  Describe(entry->value));
    return all;
  }
  std::map<std::string, int> line_of;
  for (const YAML::Node& node : entry->value) {
    NotifyConfig notify = ReadOne(file, node, all.size());
    const auto [first, added] = line_of.emplace(notify.name, notify.line);
    if (!added && !notify.name.empty()) {
      file.Mistake(notify.line,
                   "notify.{}: what line {} tells has the name `{}` as well; "
                   "give one of them another with `name`",
                   all.size() + 1, first->second, notify.name);
    }
    all.push_back(std::move(notify));
  }
  return all;
}

}  // namespace carbond
