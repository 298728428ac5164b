#include "storage/verify.h"

#include <limits>
#include <map>
#include <optional>
#include <type_traits>
#include <vector>

#include "storage/event_codec.h"
#include "storage/figures.h"
#include "storage/job_rows.h"
#include "storage/query.h"
#include "storage/schema.h"

namespace carbond {
namespace {

// Jobs looked at in one snapshot: a longer one would keep the write-ahead log
// of a running daemon from being reset.
constexpr int kJobsPerSnapshot = 256;

// ---- Cells as text
// ------------------------------------------------------------

std::string Cell(const std::string& v) { return ValidUtf8(v); }
std::string Cell(JobId v) { return std::to_string(Number(v)); }
std::string Cell(Instant v) { return std::to_string(v.millis()); }
std::string Cell(Duration v) { return std::to_string(v.count()); }
template <typename Tag>
std::string Cell(Quantity<Tag> v) {
  return std::to_string(v.thousandths());
}
template <typename T>
requires std::is_integral_v<T> std::string Cell(T v) {
  return std::to_string(static_cast<int64_t>(v));
}
template <typename T>
requires std::is_enum_v<T> std::string Cell(T v) { return Name(v); }
std::string Cell(Pue v) { return std::to_string(v.thousandths()); }
template <typename T>
std::string Cell(const std::optional<T>& v) {
  return v ? Cell(*v) : "null";
}

// ---- One job
// --------------------------------------------------------------------

class JobProof {
 public:
  JobProof(Connection& connection, JobId id, VerifySummary& summary)
      : connection_(connection), id_(id), summary_(summary) {}

  Status Check() {
    CARBOND_RETURN_IF_ERROR(Replay());
    CARBOND_RETURN_IF_ERROR(CheckJob());
    CARBOND_RETURN_IF_ERROR(CheckRuns());
    CARBOND_RETURN_IF_ERROR(CheckEnergy());
    CARBOND_RETURN_IF_ERROR(CheckFigures());
    ++summary_.jobs;
    return Ok();
  }

 private:
  struct MeteredAt {
    int seq = 0;
    EnergyMetered metered;
  };

  template <typename... A>
  Status Differs(fmt::format_string<A...> text, A&&... args) const {
    return connection_.Damaged("job {}: {}", Number(id_),
                               fmt::format(text, std::forward<A>(args)...));
  }

  // Compares the current row, column by column, with what `each` calls out.
  template <typename Each>
  Status CompareRow(Query& row, const std::string& table, Each&& each) const {
    int column = 0;
    Status status = Ok();
    each([&](const char* name, const auto& expected) {
      const SQLite::Column cell = row.Column(column++);
      const std::string found = cell.isNull() ? "null" : cell.getString();
      const std::string due = Cell(expected);
      if (status.ok() && found != due) {
        status = Differs("{}.{} is `{}`, but its events say `{}`", table, name,
                         found, due);
      }
    });
    return status;
  }

  Status Replay() {
    Query row(connection_,
              "SELECT seq, at_ms, kind, body FROM events WHERE job = ? "
              "ORDER BY seq",
              id_);
    while (row.Step()) {
      Event event;
      std::string kind, body;
      event.job = id_;
      row.Read(event.seq, event.at, kind, body);
      Result<Fact> fact = DecodeFact(kind, body);
      if (!fact.ok()) return Broken(event.seq, fact.status());
      event.fact = *std::move(fact);
      CARBOND_RETURN_IF_ERROR(Replay(event));
      ++summary_.events;
    }
    if (!job_) return Differs("it is in table jobs, but has no events");
    return Ok();
  }

  Status Replay(const Event& event) {
    if (!job_) {
      Result<Job> first = ApplyFirst(event);
      if (!first.ok()) return Broken(event.seq, first.status());
      job_ = *std::move(first);
      return Ok();
    }
    if (Status status = Apply(*job_, event); !status.ok()) {
      return Broken(event.seq, status);
    }
    const auto* metered = std::get_if<EnergyMetered>(&event.fact);
    if (metered == nullptr) return Ok();
    Instant& until =
        metered_until_.try_emplace(metered->run, metered->interval.begin)
            .first->second;
    if (metered->interval.begin < until) {
      return Differs("event {} meters energy of run {} that was metered before",
                     event.seq, metered->run);
    }
    until = metered->interval.end;
    readings_.push_back({event.seq, *metered});
    return Ok();
  }

  Status Broken(int seq, const Status& status) const {
    return Differs("event {} does not apply: {}", seq, Message(status));
  }

  Status CheckJob() const {
    static const std::string sql = [] {
      std::string columns;
      EachJobColumn(Job(), [&](const char* name, const auto&) {
        columns += columns.empty() ? name : std::string(", ") + name;
      });
      return fmt::format("SELECT {} FROM jobs WHERE id = ?", columns);
    }();
    Query row(connection_, sql, id_);
    if (!row.Step()) return Differs("it has events, but no row in table jobs");
    return CompareRow(row, "jobs", [&](auto&& f) { EachJobColumn(*job_, f); });
  }

  Status CheckRuns() const {
    static const std::string sql = [] {
      std::string columns;
      EachRunColumn(Job(), Run(), [&](const char* name, const auto&) {
        columns += columns.empty() ? name : std::string(", ") + name;
      });
      return fmt::format("SELECT {} FROM runs WHERE job = ? ORDER BY run",
                         columns);
    }();
    Query row(connection_, sql, id_);
    for (const Run& run : job_->runs) {
      if (!row.Step()) {
        return Differs("run {} is in its events, but not in table runs",
                       run.number);
      }
      CARBOND_RETURN_IF_ERROR(
          CompareRow(row, fmt::format("runs (run {})", run.number),
                     [&](auto&& f) { EachRunColumn(*job_, run, f); }));
    }
    if (row.Step()) return Differs("table runs has a run too many");
    return Ok();
  }

  Status CheckEnergy() {
    Query row(
        connection_,
        "SELECT seq, run, begin_ms, end_ms, energy_mwh, purpose, source, "
        "measured_mwh, pue_thousandths FROM energy WHERE job = ? ORDER BY seq",
        id_);
    for (const auto& [seq, metered] : readings_) {
      if (!row.Step()) {
        return Differs("the reading of event {} is not in table energy", seq);
      }
      CARBOND_RETURN_IF_ERROR(
          CompareRow(row, fmt::format("energy (event {})", seq), [&](auto&& f) {
            f("seq", seq);
            f("run", metered.run);
            f("begin_ms", metered.interval.begin);
            f("end_ms", metered.interval.end);
            f("energy_mwh", metered.energy);
            f("purpose", metered.purpose);
            f("source", metered.source);
            f("measured_mwh", MeasuredPart(metered));
            f("pue_thousandths", metered.pue);
          }));
      ++summary_.readings;
    }
    if (row.Step()) return Differs("table energy has a reading too many");
    return Ok();
  }

  // The rows of `emissions` are the first readings, each once, and their sums
  // are the job's figures.
  Status CheckFigures() const {
    WattHours facility, measured;
    Grams grams, settled;
    Duration unknown{0};
    size_t count = 0;
    Query row(connection_,
              "SELECT run, begin_ms, end_ms, energy_mwh, purpose, source, "
              "reading, pue_thousandths, facility_mwh, emissions_mg, quality, "
              "unknown_ms, lost_mwh, measured_mwh FROM emissions WHERE job = ? "
              "ORDER BY reading",
              id_);
    while (row.Step()) {
      if (count == readings_.size()) {
        return Differs("table emissions has a row too many");
      }
      const EnergyMetered& metered = readings_[count++].metered;
      CARBOND_RETURN_IF_ERROR(CompareRow(
          row, fmt::format("emissions (reading {})", count), [&](auto&& f) {
            f("run", metered.run);
            f("begin_ms", metered.interval.begin);
            f("end_ms", metered.interval.end);
            f("energy_mwh", metered.energy);
            f("purpose", metered.purpose);
            f("source", metered.source);
            f("reading", count);
          }));
      EmissionsRow r;
      WattHours with_pue;
      row.ReadFrom(7, r.pue, with_pue, r.grams, r.quality, r.unknown,
                   r.lost_facility, r.measured_facility);
      if (r.lost_facility < WattHours() || r.lost_facility > with_pue) {
        return Differs("emissions (reading {}).lost_mwh is `{}` of `{}`", count,
                       Cell(r.lost_facility), Cell(with_pue));
      }
      if (metered.pue && *metered.pue != r.pue) {
        return Differs(
            "emissions (reading {}).pue_thousandths is `{}`, but its events "
            "say `{}`",
            count, r.pue.thousandths(), metered.pue->thousandths());
      }
      if (metered.energy * r.pue != with_pue) {
        return Differs(
            "emissions (reading {}).facility_mwh is `{}`, but energy "
            "times PUE is `{}`",
            count, Cell(with_pue), Cell(metered.energy * r.pue));
      }
      if (MeasuredPart(metered) * r.pue != r.measured_facility) {
        return Differs(
            "emissions (reading {}).measured_mwh is `{}`, but what was "
            "measured times PUE is `{}`",
            count, Cell(r.measured_facility),
            Cell(MeasuredPart(metered) * r.pue));
      }
      facility += with_pue;
      grams += r.grams;
      unknown += r.unknown;
      measured += r.measured_facility;
      if (r.quality == Quality::kSettled) settled += r.grams;
    }
    return CheckTotals(count, [&](auto&& f) {
      f("facility_mwh", facility);
      f("measured_mwh", measured);
      f("emissions_mg", grams);
      f("settled_mg", settled);
      f("unknown_ms", unknown);
    });
  }

  template <typename Each>
  Status CheckTotals(size_t count, Each&& each) const {
    Query row(connection_,
              "SELECT facility_mwh, measured_mwh, emissions_mg, settled_mg, "
              "unknown_ms, quality, settled FROM job_emissions JOIN jobs "
              "ON id = job WHERE job = ?",
              id_);
    if (!row.Step()) {
      if (count == 0) return Ok();
      return Differs("it has rows in table emissions, but no sum of them");
    }
    CARBOND_RETURN_IF_ERROR(
        CompareRow(row, "job_emissions", std::forward<Each>(each)));
    Quality quality = Quality::kProvisional;
    bool settled = false;
    row.ReadFrom(5, quality, settled);
    CARBOND_RETURN_IF_ERROR(CheckStatements());
    if (!settled) return Ok();
    if (quality != Quality::kSettled || count != readings_.size()) {
      return Differs(
          "its figures are marked settled, but {} of {} readings "
          "are in them, {}",
          count, readings_.size(), Name(quality));
    }
    return Ok();
  }

  // Each statement replaced the one before it.
  Status CheckStatements() const {
    Query newest(connection_,
                 "SELECT version, stated_at_ms FROM job_emissions "
                 "WHERE job = ?",
                 id_);
    int versions = 0;
    std::optional<Instant> stated_at;
    newest.Step();
    newest.Read(versions, stated_at);
    const std::vector<Superseded> earlier = SupersededOf(connection_, id_);
    for (size_t i = 0; i < earlier.size(); ++i) {
      const bool last = i + 1 == earlier.size();
      const std::optional<Instant> next =
          last ? stated_at : earlier[i + 1].stated_at;
      if (earlier[i].version != static_cast<int>(i) + 1 ||
          earlier[i].superseded_at != next) {
        return Differs(
            "table superseded_emissions: statement {} was not replaced by the "
            "next one",
            earlier[i].version);
      }
    }
    if (std::ssize(earlier) + 1 != versions) {
      return Differs(
          "its figures are statement {}, but table superseded_emissions has {} "
          "before it",
          versions, earlier.size());
    }
    return Ok();
  }

  Connection& connection_;
  const JobId id_;
  VerifySummary& summary_;
  std::optional<Job> job_;
  std::vector<MeteredAt> readings_;
  std::map<int, Instant> metered_until_;  // by run
};

// ---- The ledger
// -----------------------------------------------------------------

Status CheckFile(Connection& connection) {
  return connection.Read([&]() -> Status {
    Query pages(connection, "PRAGMA quick_check(1)");
    std::string found;
    pages.Step();
    pages.Read(found);
    if (found != "ok") return connection.Damaged("{}", found);
    Query orphans(connection, "PRAGMA foreign_key_check");
    if (orphans.Step()) {
      std::string table, parent;
      std::optional<int64_t> rowid;
      orphans.Read(table, rowid, parent);
      return connection.Damaged(
          "a row of table {} names a row of table {} that is not there", table,
          parent);
    }
    return Ok();
  });
}

std::vector<JobId> NextJobs(Connection& connection, JobId last) {
  std::vector<JobId> ids;
  Query row(connection,
            "SELECT id FROM jobs WHERE id > ?1 UNION "
            "SELECT job FROM events WHERE job > ?1 ORDER BY 1 LIMIT ?2",
            last, kJobsPerSnapshot);
  while (row.Step()) row.Read(ids.emplace_back());
  return ids;
}

// Checks the next jobs after `last` in one snapshot, and moves it on; clears
// it when there are no more.
Status CheckSome(Connection& connection, std::optional<JobId>& last,
                 VerifySummary& summary) {
  return connection.Read([&]() -> Status {
    const std::vector<JobId> ids = NextJobs(connection, *last);
    for (const JobId id : ids) {
      CARBOND_RETURN_IF_ERROR(JobProof(connection, id, summary).Check());
    }
    last = ids.empty() ? std::nullopt : std::optional(ids.back());
    return Ok();
  });
}

}  // namespace

Result<VerifySummary> VerifyLedger(const std::string& path) {
  CARBOND_ASSIGN_OR_RETURN(const std::unique_ptr<Connection> connection,
                           Connection::Open(path, Connection::Access::kRead));
  CARBOND_RETURN_IF_ERROR(CheckSchema(*connection));
  CARBOND_RETURN_IF_ERROR(CheckFile(*connection));
  VerifySummary summary;
  std::optional<JobId> last = JobId{std::numeric_limits<int64_t>::min()};
  while (last) {
    CARBOND_RETURN_IF_ERROR(CheckSome(*connection, last, summary));
  }
  return summary;
}

}  // namespace carbond
