#pragma once
// A kept statement in use: parameters bound from left to right, columns read
// from left to right into the domain's own types. Private to storage/; throws
// SQLite::Exception, or std::runtime_error on a value that means nothing, both
// caught by the Connection's transaction around it.

#include <optional>
#include <stdexcept>
#include <string>
#include <type_traits>
#include <utility>

#include "scheduler/emissions.h"
#include "scheduler/lifecycle.h"
#include "storage/connection.h"
#include "storage/utf8.h"

namespace carbond {

// Bytes, as opposed to text.
struct Blob {
  std::string bytes;
};

class Query {
 public:
  template <typename... A>
  Query(Connection& connection, const std::string& sql, A&&... values)
      : statement_(connection.Prepared(sql)) {
    Bind(std::forward<A>(values)...);
  }
  // A statement left half-way would keep its read transaction open.
  ~Query() { statement_.tryReset(); }
  Query(const Query&) = delete;
  Query& operator=(const Query&) = delete;

  // Named strings and blobs are not copied: they must live until the last
  // step. Temporaries are copied.
  template <typename... A>
  void Bind(A&&... values) {
    bound_ = 0;
    (Add(std::forward<A>(values)), ...);
  }
  // Binds the next parameter.
  template <typename T>
  void Add(T&& value) {
    Put(++bound_, std::forward<T>(value));
  }

  bool Step() { return statement_.executeStep(); }
  // Executes a statement that answers no rows, and makes it ready again.
  void Run() {
    statement_.exec();
    statement_.reset();
  }
  void Reset() { statement_.reset(); }

  // The current row's columns, from the first one on.
  template <typename... A>
  void Read(A&... values) {
    read_ = 0;
    (Next(values), ...);
  }
  // The same from column `first` on, counted from 0.
  template <typename... A>
  void ReadFrom(int first, A&... values) {
    read_ = first;
    (Next(values), ...);
  }
  SQLite::Column Column(int index) { return statement_.getColumn(index); }
  int columns() const { return statement_.getColumnCount(); }

 private:
  void Put(int at, const std::string& v) {
    if (IsUtf8(v)) {
      statement_.bindNoCopy(at, v);
    } else {
      statement_.bind(at, ValidUtf8(v));
    }
  }
  void Put(int at, std::string&& v) {
    statement_.bind(at, IsUtf8(v) ? v : ValidUtf8(v));
  }
  void Put(int at, const char* v) { statement_.bindNoCopy(at, v); }
  void Put(int at, const Blob& v) {
    statement_.bindNoCopy(at, v.bytes.data(), static_cast<int>(v.bytes.size()));
  }
  void Put(int at, Blob&& v) {
    statement_.bind(at, v.bytes.data(), static_cast<int>(v.bytes.size()));
  }
  void Put(int at, std::nullopt_t) { statement_.bind(at); }
  void Put(int at, Instant v) { statement_.bind(at, v.millis()); }
  void Put(int at, Duration v) {
    statement_.bind(at, static_cast<int64_t>(v.count()));
  }
  void Put(int at, Pue v) { statement_.bind(at, v.thousandths()); }
  template <typename Tag>
  void Put(int at, Quantity<Tag> v) {
    statement_.bind(at, v.thousandths());
  }
  template <typename T>
  void Put(int at, const std::optional<T>& v) {
    if (v) {
      Put(at, *v);
    } else {
      statement_.bind(at);
    }
  }
  void Put(int at, JobId v) { statement_.bind(at, Number(v)); }
  template <typename T>
  requires std::is_integral_v<T>
  void Put(int at, T v) { statement_.bind(at, static_cast<int64_t>(v)); }
  template <typename T>
  requires std::is_enum_v<T>
  void Put(int at, T v) {
    statement_.bindNoCopy(at, Name(v));  // names are literals
  }

  template <typename T>
  void Next(T& value) {
    Take(statement_.getColumn(read_++), value);
  }
  static void Take(const SQLite::Column& c, std::string& v) {
    v = c.getString();
  }
  static void Take(const SQLite::Column& c, Blob& v) {
    v.bytes.assign(static_cast<const char*>(c.getBlob()),
                   static_cast<size_t>(c.getBytes()));
  }
  static void Take(const SQLite::Column& c, bool& v) { v = c.getInt64() != 0; }
  static void Take(const SQLite::Column& c, Instant& v) {
    v = Instant::FromMillis(c.getInt64());
  }
  static void Take(const SQLite::Column& c, Duration& v) {
    v = Duration(c.getInt64());
  }
  static void Take(const SQLite::Column& c, Pue& v) {
    v = Pue::FromThousandths(c.getInt());
  }
  template <typename Tag>
  static void Take(const SQLite::Column& c, Quantity<Tag>& v) {
    v = Quantity<Tag>::FromThousandths(c.getInt64());
  }
  template <typename T>
  static void Take(const SQLite::Column& c, std::optional<T>& v) {
    if (c.isNull()) {
      v.reset();
    } else {
      Take(c, v.emplace());
    }
  }
  static void Take(const SQLite::Column& c, JobId& v) {
    v = JobId{c.getInt64()};
  }
  static void Take(const SQLite::Column& c, int64_t& v) { v = c.getInt64(); }
  static void Take(const SQLite::Column& c, int& v) { v = c.getInt(); }
  static void Take(const SQLite::Column& c, State& v) {
    v = Must(ParseState(c.getString()));
  }
  static void Take(const SQLite::Column& c, Outcome& v) {
    v = Must(ParseOutcome(c.getString()));
  }
  static void Take(const SQLite::Column& c, RunEnd& v) {
    v = Must(ParseRunEnd(c.getString()));
  }
  static void Take(const SQLite::Column& c, Purpose& v) {
    v = Must(ParsePurpose(c.getString()));
  }
  static void Take(const SQLite::Column& c, EnergySource& v) {
    v = Must(ParseEnergySource(c.getString()));
  }
  static void Take(const SQLite::Column& c, Quality& v) {
    v = Must(ParseQuality(c.getString()));
  }
  template <typename T>
  static T Must(Result<T> parsed) {
    if (!parsed.ok()) throw std::runtime_error(Message(parsed.status()));
    return *parsed;
  }

  SQLite::Statement& statement_;
  int bound_ = 0;
  int read_ = 0;
};

}  // namespace carbond
