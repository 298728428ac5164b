#pragma once
// A server of real sockets for one test: every connection is handed to the
// test's own function, one after the other.

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <functional>
#include <mutex>
#include <string>
#include <thread>
#include <utility>

namespace carbond {

class Peer {
 public:
  explicit Peer(int fd) : fd_(fd) {}
  ~Peer() { close(fd_); }
  Peer(const Peer&) = delete;
  Peer& operator=(const Peer&) = delete;

  // Up to the empty line that ends a request's headers.
  std::string ReadRequest() const {
    std::string text;
    char c = 0;
    while (!text.ends_with("\r\n\r\n") && recv(fd_, &c, 1, 0) == 1) text += c;
    return text;
  }
  // What follows the headers of `request`, as they say how much.
  std::string ReadBody(const std::string& request) const {
    const std::string name = "Content-Length: ";
    const size_t at = request.find(name);
    if (at == std::string::npos) return "";
    std::string body(std::stoul(request.substr(at + name.size())), '\0');
    size_t got = 0;
    while (got < body.size()) {
      const ssize_t n = recv(fd_, body.data() + got, body.size() - got, 0);
      if (n <= 0) break;
      got += static_cast<size_t>(n);
    }
    return body;
  }
  // Whether the other side still takes it.
  bool Write(const std::string& text) const {
    size_t sent = 0;
    while (sent < text.size()) {
      const ssize_t n =
          send(fd_, text.data() + sent, text.size() - sent, MSG_NOSIGNAL);
      if (n <= 0) return false;
      sent += static_cast<size_t>(n);
    }
    return true;
  }
  // Until the other side leaves.
  void WaitForEnd() const {
    char c = 0;
    while (recv(fd_, &c, 1, 0) > 0) {
    }
  }

 private:
  int fd_;
};

// A text that a test and its server both touch.
class SharedText {
 public:
  void operator=(std::string text) {
    std::lock_guard lock(mutex_);
    text_ = std::move(text);
  }
  std::string get() const {
    std::lock_guard lock(mutex_);
    return text_;
  }

 private:
  mutable std::mutex mutex_;
  std::string text_;
};

class SocketServer {
 public:
  using Serve = std::function<void(const Peer&)>;

  explicit SocketServer(Serve serve) : serve_(std::move(serve)) {
    listener_ = socket(AF_INET, SOCK_STREAM, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof(address);
    auto* const plain = reinterpret_cast<sockaddr*>(&address);
    EXPECT_EQ(bind(listener_, plain, size), 0);
    EXPECT_EQ(listen(listener_, 16), 0);
    EXPECT_EQ(getsockname(listener_, plain, &size), 0);
    port_ = ntohs(address.sin_port);
    thread_ = std::thread([this] { Run(); });
  }
  ~SocketServer() {
    shutdown(listener_, SHUT_RDWR);  // ends accept
    thread_.join();
    close(listener_);
  }
  SocketServer(const SocketServer&) = delete;
  SocketServer& operator=(const SocketServer&) = delete;

  std::string url() const {
    return "http://127.0.0.1:" + std::to_string(port_);
  }
  int connections() const { return connections_; }

 private:
  void Run() {
    for (;;) {
      const int fd = accept(listener_, nullptr, nullptr);
      if (fd < 0) return;
      ++connections_;
      serve_(Peer(fd));
    }
  }

  Serve serve_;
  int listener_ = -1;
  int port_ = 0;
  std::atomic<int> connections_{0};
  std::thread thread_;
};

// A whole answer that ends its connection.
inline std::string AnswerOf(const std::string& status,
                            const std::string& headers,
                            const std::string& body) {
  return "HTTP/1.1 " + status + "\r\nConnection: close\r\nContent-Length: " +
         std::to_string(body.size()) + "\r\n" + headers + "\r\n" + body;
}

}  // namespace carbond
