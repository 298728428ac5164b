#pragma once
// The one error language: absl's Status, with codes that mean what gRPC means
// by them. A message says what failed, on which thing, and what would mend it.

#include <absl/status/status.h>
#include <absl/status/statusor.h>
#include <fmt/format.h>

#include <cstdio>
#include <cstdlib>
#include <string>
#include <utility>

namespace carbond {

using Status = absl::Status;
template <typename T>
using Result = absl::StatusOr<T>;

inline Status Ok() { return absl::OkStatus(); }

// The request itself is wrong; sending it again changes nothing.
template <typename... A>
Status Refused(fmt::format_string<A...> text, A&&... args) {
  return absl::InvalidArgumentError(
      fmt::format(text, std::forward<A>(args)...));
}

// The request is fine, the thing it names is not in a state to allow it.
template <typename... A>
Status NotNow(fmt::format_string<A...> text, A&&... args) {
  return absl::FailedPreconditionError(
      fmt::format(text, std::forward<A>(args)...));
}

// The thing named does not exist.
template <typename... A>
Status Missing(fmt::format_string<A...> text, A&&... args) {
  return absl::NotFoundError(fmt::format(text, std::forward<A>(args)...));
}

// The world outside did not do its part; trying again later may help.
template <typename... A>
Status Trouble(fmt::format_string<A...> text, A&&... args) {
  return absl::UnavailableError(fmt::format(text, std::forward<A>(args)...));
}

inline std::string Message(const Status& status) {
  return std::string(status.message());
}

}  // namespace carbond

#define CARBOND_RETURN_IF_ERROR(expr)                                      \
  do {                                                                     \
    if (::carbond::Status status_ = (expr); !status_.ok()) return status_; \
  } while (false)

#define CARBOND_CONCAT_(a, b) a##b
#define CARBOND_CONCAT(a, b) CARBOND_CONCAT_(a, b)
#define CARBOND_ASSIGN_OR_RETURN(lhs, expr) \
  CARBOND_ASSIGN_OR_RETURN_(CARBOND_CONCAT(result_, __LINE__), lhs, expr)
#define CARBOND_ASSIGN_OR_RETURN_(tmp, lhs, expr) \
  auto tmp = (expr);                              \
  if (!tmp.ok()) return tmp.status();             \
  lhs = *std::move(tmp)

// A state that cannot be: going on would write nonsense into the ledger, so the
// process stops, in release builds too.
#define CARBOND_INVARIANT(condition, ...)                                  \
  do {                                                                     \
    if (!(condition)) {                                                    \
      std::fputs(                                                          \
          fmt::format("carbond: impossible: {} ({}:{}): {}\n", #condition, \
                      __FILE__, __LINE__, fmt::format(__VA_ARGS__))        \
              .c_str(),                                                    \
          stderr);                                                         \
      std::abort();                                                        \
    }                                                                      \
  } while (false)
