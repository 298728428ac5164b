#include "daemon/reads.h"

#include <utility>

namespace carbond {

Result<std::unique_ptr<Reads>> Reads::Open(const std::string& ledger_path,
                                           int threads, size_t most_waiting) {
  std::unique_ptr<Reads> reads(new Reads(most_waiting));
  for (int i = 0; i < threads; ++i) {
    CARBOND_ASSIGN_OR_RETURN(reads->readers_.emplace_back(),
                             LedgerReader::Open(ledger_path));
  }
  for (auto& reader : reads->readers_) {
    reads->threads_.emplace_back(
        [r = reads.get(), &reader = *reader] { r->Run(reader); });
  }
  return reads;
}

Reads::~Reads() { Stop(); }

bool Reads::Post(Task task) {
  {
    std::lock_guard lock(mutex_);
    if (stop_ || ready_.size() >= most_waiting_) return false;
    ready_.push_back(std::move(task));
  }
  posted_.notify_one();
  return true;
}

bool Reads::PostAfter(std::chrono::milliseconds rest, Task task) {
  {
    std::lock_guard lock(mutex_);
    if (stop_ || later_.size() >= most_waiting_) return false;
    later_.emplace(Steady::now() + rest, std::move(task));
  }
  posted_.notify_one();
  return true;
}

void Reads::Stop() {
  {
    std::lock_guard lock(mutex_);
    stop_ = true;
  }
  posted_.notify_all();
  for (std::thread& thread : threads_) thread.join();
  threads_.clear();
}

void Reads::Run(LedgerReader& reader) {
  while (Task task = Next()) task(reader);
}

Reads::Task Reads::Next() {
  std::unique_lock lock(mutex_);
  for (;;) {
    if (!later_.empty() && (stop_ || later_.begin()->first <= Steady::now())) {
      return std::move(later_.extract(later_.begin()).mapped());
    }
    if (!ready_.empty()) {
      Task task = std::move(ready_.front());
      ready_.pop_front();
      return task;
    }
    if (stop_) return nullptr;
    if (later_.empty()) {
      posted_.wait(lock);
    } else {
      posted_.wait_until(lock, Steady::time_point(later_.begin()->first));
    }
  }
}

}  // namespace carbond
