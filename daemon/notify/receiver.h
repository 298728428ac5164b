#pragma once
// The doors to those who are told: a webhook, a command. One thread gives, one
// notice at a time; Abort may come from any thread.

#include <memory>
#include <string>

#include "daemon/config.h"
#include "daemon/notify/outbox.h"

namespace carbond {

struct NoticeMessage {
  std::string id;
  std::string event;
  std::string job;
  std::string body;  // JSON
};

class Receiver {
 public:
  virtual ~Receiver() = default;
  // Within its timeout. No reason holds a secret.
  virtual Attempt Give(const NoticeMessage& message) = 0;
  // Ends what is under way within a moment, and all that follows.
  virtual void Abort() = 0;
};

// Reads its secret. Refused, naming what mends it.
Result<std::unique_ptr<Receiver>> MakeReceiver(const NotifyConfig& notify,
                                               const Config& config);

// What HttpDoor says of a webhook, without its address: many services take
// their secret as a part of the path.
std::string WithoutPlace(const std::string& url, std::string text);

// One sentence for each receiver that cannot be told as things are.
std::vector<Status> UnusableReceivers(const Config& config);

}  // namespace carbond
