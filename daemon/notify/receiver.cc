#include "daemon/notify/receiver.h"

#include <sys/eventfd.h>

#include <atomic>
#include <cerrno>
#include <cstring>

#include "daemon/clock.h"
#include "daemon/exec/command.h"
#include "daemon/exec/descriptor.h"
#include "daemon/exec/slurm/program.h"
#include "daemon/grid/http.h"
#include "daemon/notify/signature.h"

namespace carbond {
namespace {

using What = Attempt::What;

// Of what a receiver prints or answers, for the log.
constexpr size_t kMostWords = 200;

std::string FirstLine(const std::string& text) {
  return text.substr(0, std::min(text.find('\n'), kMostWords));
}

// ---- A webhook -------------------------------------------------------------
// POST, signed as https://www.standardwebhooks.com has it: 2xx takes it, 410
// wants no more, and a redirect is not followed.

class Webhook : public Receiver {
 public:
  Webhook(const NotifyConfig& notify, Secret key)
      : url_(notify.webhook),
        key_(std::move(key)),
        door_(
            {.connect_timeout = std::min<Duration>(seconds(10), notify.timeout),
             .total_timeout = notify.timeout,
             .largest_body = 64 * 1024,
             .user_agent = "carbond/" CARBOND_VERSION,
             .ca_file = notify.ca_file}) {}

  Attempt Give(const NoticeMessage& message) override {
    const int64_t now_s = SystemClock::RealNow().millis() / 1000;
    HttpRequest request{
        url_,
        {{"Content-Type", Secret("application/json")},
         {"webhook-id", Secret(message.id)},
         {"webhook-timestamp", Secret(std::to_string(now_s))},
         {"webhook-signature",
          Secret(SignatureOf(key_, message.id, now_s, message.body))}},
        message.body};
    const Result<HttpAnswer> answer = door_.Send(request);
    if (answer.ok()) return Read(*answer);
    return {
        absl::IsCancelled(answer.status()) ? What::kAborted : What::kTrouble,
        WithoutPlace(url_, Message(answer.status()))};
  }

  void Abort() override { door_.Abort(); }

 private:
  Attempt Read(const HttpAnswer& answer) const {
    const int status = answer.status;
    if (status >= 200 && status < 300) return {What::kTaken};
    const std::string why = fmt::format("it answers with HTTP {}", status);
    if (status == 410) return {What::kGone, why + " (gone)"};
    if (status >= 300 && status < 400) {
      return {What::kTrouble,
              why +
                  ", a redirect, which is not followed: name the place where "
                  "it leads in `webhook`"};
    }
    // Of these a next notice may be taken; the others speak of the receiver.
    const bool of_this_one = status == 400 || status == 413 || status == 422;
    return {of_this_one ? What::kRefused : What::kTrouble, why,
            answer.retry_after};
  }
  // Fixed after construction
  const std::string url_;
  const Secret key_;

  CurlDoor door_;
};

// ---- A command -------------------------------------------------------------

class Command : public Receiver {
 public:
  Command(const NotifyConfig& notify, Environment environment, UniqueFd stop)
      : call_{notify.command.front(),
              {notify.command.begin() + 1, notify.command.end()},
              std::move(environment),
              notify.timeout,
              "",
              stop.get()},
        stop_(std::move(stop)) {}

  Attempt Give(const NoticeMessage& message) override {
    ProgramCall call = call_;
    call.input = message.body;
    call.environment["CARBON_EVENT"] = message.event;
    call.environment["CARBON_JOB_ID"] = message.job;
    call.environment["CARBON_NOTICE_ID"] = message.id;
    const Result<ProgramEnd> end = RunProgram(call);
    if (stopped_) return {What::kAborted};
    if (!end.ok()) {
      return {What::kTrouble, Message(end.status())};
    }
    if (end->timed_out) {
      return {What::kTrouble, fmt::format("it was killed, having run for {}",
                                          FormatDuration(call.limit))};
    }
    if (end->code == 0) return {What::kTaken};
    const std::string said = FirstLine(end->err);
    return {What::kRefused,
            (end->code ? fmt::format("it exits with code {}", *end->code)
                       : std::string("it was ended by a signal")) +
                (said.empty() ? "" : ": " + said)};
  }

  void Abort() override {
    stopped_ = true;
    ::eventfd_write(stop_.get(), 1);
  }

 private:
  // Fixed after construction
  const ProgramCall call_;
  const UniqueFd stop_;

  std::atomic<bool> stopped_{false};
};

Result<std::unique_ptr<Receiver>> MakeCommand(const NotifyConfig& notify,
                                              const Config& config) {
  Environment environment = OwnEnvironment();
  for (const std::string& name : SecretVariables(config)) {
    environment.erase(name);
  }
  UniqueFd stop(::eventfd(0, EFD_CLOEXEC));
  if (!stop) {
    return Trouble("notify {}: no descriptor is left: {}", notify.name,
                   std::strerror(errno));
  }
  return std::make_unique<Command>(notify, std::move(environment),
                                   std::move(stop));
}

}  // namespace

Result<std::unique_ptr<Receiver>> MakeReceiver(const NotifyConfig& notify,
                                               const Config& config) {
  if (!notify.command.empty()) return MakeCommand(notify, config);
  const auto refused = [&](const Status& why) {
    return Status(why.code(),
                  fmt::format("notify {}: {}", notify.name, Message(why)));
  };
  const Result<Secret> secret = FetchSecret(notify.secret);
  if (!secret.ok()) return refused(secret.status());
  Result<Secret> key = SigningKey(*secret);
  if (!key.ok()) return refused(key.status());
  return std::make_unique<Webhook>(notify, *std::move(key));
}

std::string WithoutPlace(const std::string& url, std::string text) {
  const std::string place = PlaceOf(url) + ": ";
  if (text.starts_with(place)) text.erase(0, place.size());
  return text;
}

std::vector<Status> UnusableReceivers(const Config& config) {
  std::vector<Status> unusable;
  for (const NotifyConfig& notify : config.notify) {
    const auto receiver = MakeReceiver(notify, config);
    if (!receiver.ok()) unusable.push_back(receiver.status());
  }
  return unusable;
}

}  // namespace carbond
