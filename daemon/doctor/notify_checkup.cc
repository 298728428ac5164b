#include "daemon/doctor/notify_checkup.h"

#include <unistd.h>

#include <filesystem>

#include "daemon/exec/command.h"
#include "daemon/exec/slurm/program.h"
#include "daemon/grid/http.h"
#include "daemon/notify/receiver.h"

namespace carbond {
namespace {

void CheckUpCommand(const std::string& program, Findings& findings) {
  const std::string file = FindInPath(program, OwnEnvironment());
  std::error_code error;
  if (file.empty()) {
    findings.Bad(fmt::format("{} was not found in PATH", program));
  } else if (!std::filesystem::exists(file, error)) {
    findings.Bad(fmt::format("{} does not exist", file));
  } else if (!std::filesystem::is_regular_file(file, error) ||
             ::access(file.c_str(), X_OK) != 0) {
    findings.Bad(fmt::format("{} cannot be executed by this user", file));
  } else {
    findings.Good(fmt::format("{} is there; it was not run", file));
  }
}

void CheckUpWebhook(const NotifyConfig& notify, Findings& findings) {
  CurlDoor door(
      {.connect_timeout = std::min<Duration>(seconds(10), notify.timeout),
       .total_timeout = notify.timeout,
       .largest_body = 64 * 1024,
       .user_agent = "carbond/" CARBOND_VERSION,
       .ca_file = notify.ca_file});
  const Result<HttpAnswer> answer = door.Send({notify.webhook, {}});
  if (absl::IsResourceExhausted(answer.status())) {  // it talks a lot
    findings.Good(fmt::format("{} answers; nothing was told", notify.name));
  } else if (!answer.ok()) {
    findings.Bad(WithoutPlace(notify.webhook, Message(answer.status())));
  } else if (answer->status == 410) {
    findings.Bad(fmt::format("{} says that it is gone (HTTP 410); take it out",
                             notify.name));
  } else {
    findings.Good(
        fmt::format("{} answers a GET with HTTP {} ({}); nothing was told",
                    notify.name, answer->status, FormatDuration(answer->took)));
  }
}

}  // namespace

Findings CheckUpReceiver(const Config& config, const NotifyConfig& notify) {
  Findings findings{fmt::format("notify {}", notify.name)};
  const auto receiver = MakeReceiver(notify, config);
  if (!receiver.ok()) findings.Bad(Message(receiver.status()));
  if (notify.webhook.empty()) {
    CheckUpCommand(notify.command.front(), findings);
  } else {
    CheckUpWebhook(notify, findings);
  }
  return findings;
}

}  // namespace carbond
