#pragma once
// The servers that are measured, each a process of its own: the real daemon,
// and the same service with a ledger in memory.

#include <sys/types.h>

#include <string>

namespace carbond::bench {

// A daemon with a state directory, a Unix socket and a TCP port of its own;
// ended and removed with this object.
class DaemonProcess {
 public:
  enum class Kind { kCarbond, kInMemory };
  // Under `directory`, which must be on the disk that is to be measured.
  // `self` is this program, which serves from memory when asked to.
  // `ledger`, on the same disk, is what a carbond then begins with, by a second
  // name: it stays, with what was added.
  DaemonProcess(Kind kind, const std::string& directory,
                const std::string& self, const std::string& ledger = "");
  ~DaemonProcess();
  DaemonProcess(const DaemonProcess&) = delete;
  DaemonProcess& operator=(const DaemonProcess&) = delete;

  std::string unix_address() const { return "unix:" + dir_ + "/socket"; }
  std::string tcp_address() const { return tcp_; }
  std::string ledger() const { return dir_ + "/state/ledger.db"; }

  double CpuSeconds() const;
  double ResidentMb() const;

 private:
  void WriteConfiguration() const;
  void AwaitAnswer() const;

  std::string dir_;
  std::string tcp_;
  pid_t pid_ = -1;
};

// Serves from memory until SIGTERM. `directory` holds an empty ledger for the
// threads that read.
int ServeFromMemory(const std::string& directory, const std::string& address);

}  // namespace carbond::bench
