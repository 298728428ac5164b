#include "client/job_file.h"

#include <fmt/format.h>
#include <yaml-cpp/yaml.h>

#include <cerrno>
#include <cstring>
#include <fstream>
#include <iostream>
#include <iterator>
#include <set>

#include "client/names.h"

namespace carbond::client {
namespace {

template <typename... Args>
absl::Status Refused(const YAML::Node& at, fmt::format_string<Args...> format,
                     Args&&... args) {
  return absl::InvalidArgumentError(
      fmt::format("line {}: {}", at.Mark().line + 1,
                  fmt::format(format, std::forward<Args>(args)...)));
}

absl::StatusOr<std::vector<std::string>> Scalars(const YAML::Node& node,
                                                 const std::string& key) {
  std::vector<std::string> values;
  if (node.IsScalar()) return std::vector{node.Scalar()};
  if (!node.IsSequence() || node.size() == 0) {
    return Refused(node, "{} is neither a value nor a list of values", key);
  }
  for (const YAML::Node& item : node) {
    if (!item.IsScalar()) {
      return Refused(item, "{} is not a list of plain values", key);
    }
    values.push_back(item.Scalar());
  }
  return values;
}

absl::StatusOr<std::vector<std::string>> Command(const YAML::Node& node) {
  auto words = Scalars(node, "command");
  if (words.ok() && node.IsScalar()) {
    return std::vector<std::string>{"/bin/sh", "-c", node.Scalar()};
  }
  return words;
}

// A map of variables, or a list of KEY=VALUE.
absl::StatusOr<std::vector<std::string>> Env(const YAML::Node& node) {
  if (!node.IsMap()) return Scalars(node, "env");
  std::vector<std::string> values;
  for (const auto& entry : node) {
    if (!entry.second.IsScalar()) {
      return Refused(entry.first, "env {} has no plain value",
                     entry.first.Scalar());
    }
    values.push_back(entry.first.Scalar() + "=" + entry.second.Scalar());
  }
  return values;
}

absl::Status UnknownKey(const YAML::Node& key) {
  std::vector<std::string> known{"command"};
  for (const JobField& field : JobFields()) known.push_back(field.name);
  std::string nearest = NearestWord(key.Scalar(), known);
  for (char& c : nearest) c = c == '-' ? '_' : c;
  return Refused(
      key, "unknown key `{}`{}", key.Scalar(),
      nearest.empty() ? std::string() : fmt::format(": is it `{}`?", nearest));
}

absl::StatusOr<Said> ParseField(const YAML::Node& key, const YAML::Node& value,
                                const std::string& folder) {
  const JobField* field = FindJobField(key.Scalar());
  if (field == nullptr) return UnknownKey(key);
  auto values =
      field->name == "env" ? Env(value) : Scalars(value, key.Scalar());
  if (!values.ok()) return values.status();
  if (values->size() > 1 && !field->repeats) {
    return Refused(value, "{} takes one value, not a list", key.Scalar());
  }
  if (field->name == "workdir" && !values->front().starts_with('/')) {
    values->front() = folder + "/" + values->front();
  }
  return Said{field, *std::move(values), key.Mark().line + 1};
}

absl::Status ParseEntry(const YAML::Node& key, const YAML::Node& value,
                        const std::string& folder, std::set<std::string>& seen,
                        JobWords& words) {
  if (!key.IsScalar()) return Refused(key, "a key is not plain text");
  std::string name = key.Scalar();
  for (char& c : name) c = c == '_' ? '-' : c;
  if (!seen.insert(name).second) {
    return Refused(key, "{} is given twice", key.Scalar());
  }
  if (name == "command") {
    words.command_said = true;
    auto command = Command(value);
    if (command.ok()) words.command = *std::move(command);
    return command.status();
  }
  if (value.IsNull()) return absl::OkStatus();  // `name:` says nothing
  auto said = ParseField(key, value, folder);
  // An empty map of variables says nothing either.
  if (said.ok() && !said->values.empty()) {
    words.said.push_back(*std::move(said));
  }
  return said.status();
}

Mistake MistakeAt(const YAML::Node& node, const absl::Status& status) {
  return {node.Mark().line + 1, std::string(status.message())};
}

JobWords ParseJob(const YAML::Node& node, const std::string& folder) {
  JobWords words;
  words.line = node.Mark().line + 1;
  if (!node.IsMap()) {
    words.mistakes.push_back(MistakeAt(
        node, Refused(node, "a job is a map of keys such as `duration: 2h`")));
    words.command_said = true;  // nothing more is to be said of it
    return words;
  }
  std::set<std::string> seen;
  for (const auto& entry : node) {
    const absl::Status status =
        ParseEntry(entry.first, entry.second, folder, seen, words);
    if (!status.ok()) words.mistakes.push_back(MistakeAt(entry.first, status));
  }
  return words;
}

absl::StatusOr<std::vector<JobWords>> ParseJobs(const YAML::Node& root,
                                                const std::string& folder) {
  if (root.IsNull()) return absl::InvalidArgumentError("there is no job");
  if (!root.IsSequence()) return std::vector<JobWords>{ParseJob(root, folder)};
  std::vector<JobWords> jobs;
  for (const YAML::Node& node : root) jobs.push_back(ParseJob(node, folder));
  if (jobs.empty()) return absl::InvalidArgumentError("the list has no job");
  return jobs;
}

std::string FolderOf(const std::string& path, const std::string& directory) {
  const size_t slash = path.rfind('/');
  if (slash == std::string::npos) return directory;
  const std::string folder = path.substr(0, slash);
  return path.starts_with('/') ? folder : directory + "/" + folder;
}

}  // namespace

absl::StatusOr<std::vector<JobWords>> ParseJobFile(const std::string& yaml,
                                                   const std::string& folder) {
  try {
    const std::vector<YAML::Node> documents = YAML::LoadAll(yaml);
    if (documents.size() > 1) {
      return Refused(documents[1],
                     "a second document begins: write several jobs as a list");
    }
    return ParseJobs(documents.empty() ? YAML::Node() : documents.front(),
                     folder);
  } catch (const YAML::Exception& e) {
    return absl::InvalidArgumentError(
        fmt::format("line {}: {}", e.mark.line + 1, e.msg));
  }
}

absl::StatusOr<std::vector<JobWords>> ReadJobFile(
    const std::string& path, const std::string& directory) {
  std::ifstream file;
  if (path != "-") {
    file.open(path);
    // A folder can be opened but not read.
    if (!file || (file.peek(), file.bad())) {
      return absl::NotFoundError(fmt::format("cannot read job file {}: {}",
                                             path, std::strerror(errno)));
    }
  }
  std::istream& in = path == "-" ? std::cin : file;
  const std::string yaml{std::istreambuf_iterator<char>(in), {}};
  auto jobs =
      ParseJobFile(yaml, path == "-" ? directory : FolderOf(path, directory));
  if (!jobs.ok()) {
    return absl::Status(
        jobs.status().code(),
        fmt::format("{}: {}", path, std::string(jobs.status().message())));
  }
  return jobs;
}

}  // namespace carbond::client
