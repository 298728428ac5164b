#include "storage/event_codec.h"

#include <exception>
#include <type_traits>

#include "storage/json_reader.h"
#include "storage/json_writer.h"

namespace carbond {
namespace {

// One list of fields per type serves both directions: `f` is a JsonWriter or a
// JsonReader, `v` const or not. A third argument is the default of the *format*
// where that is not zero; none of them may ever change.

template <typename T, typename U>
concept Is = std::is_same_v<std::remove_const_t<T>, U>;

void Fields(auto& f, Is<JobSpec> auto& v) {
  f("name", v.name);
  f("project", v.project);
  f("user", v.user);
  f("command", v.command);
  f("env", v.env);
  f("workdir", v.workdir);
  f("gpus", v.need.gpus);
  f("cpus", v.need.cpus);
  f("duration_ms", v.duration);
  f("power_mw", v.power);
  f("idle_power_mw", v.idle_power);
  f("power_declared", v.power_declared);
  f("earliest_ms", v.earliest);
  f("deadline_ms", v.deadline);
  f("deadline_declared", v.deadline_declared);
  f("regions", v.regions);
  f("home_region", v.home_region);
  f("pause", v.pause);
  f("checkpoint_signal", v.checkpoint_signal, "USR1");
  f("on_pause", v.on_pause);
  f("on_resume", v.on_resume);
  f("checkpoint_cost_ms", v.checkpoint_cost);
  f("resume_cost_ms", v.resume_cost);
  f("checkpoint_timeout_ms", v.checkpoint_timeout);
  f("min_run_ms", v.min_run);
  f("max_intensity_mg_per_kwh", v.max_intensity);
  f("min_saving", v.min_saving);
  f("priority", v.priority);
  f("retries", v.retries);
  f("time_limit_ms", v.time_limit);
  f("data_gb", v.data_gb);
  f("duration_learnt_from", v.duration_learnt_from);
  f("max_pauses", v.max_pauses);
  f("delay_cost_mg_per_hour", v.delay_cost_per_hour);
  f("min_pause_ms", v.min_pause);
  f("entry_queue", v.entry.queue);
  f("entry_number", v.entry.number);
  f("entered_at_ms", v.entry.entered_at);
  f("entry_limit_ms", v.entry.limit);
  f("entry_remark", v.entry.remark);
  f("uid", v.uid);
}

void Fields(auto& f, const Submitted& v) { Fields(f, *v.spec); }
void Fields(auto& f, Submitted& v) {
  JobSpec spec;
  Fields(f, spec);
  v.spec = std::move(spec);
}

void Fields(auto& f, Is<StartIssued> auto& v) {
  f("run", v.run);
  f("region", v.region);
  f("process", v.process);
  f("gpus", v.allotment.gpus);
  f("cpus", v.allotment.cpus);
  f("resume", v.resume);
  f("data_from", v.move.from);
  f("transfer_ms", v.move.time);
  f("transfer_mwh", v.move.energy);
  f("not_before_ms", v.not_before);
}

void Fields(auto& f, Is<RunStarted> auto& v) { f("run", v.run); }

void Fields(auto& f, Is<Progressed> auto& v) {
  f("run", v.run);
  f("fraction", v.fraction);
  f("checkpoint", v.checkpoint);
}

void Fields(auto& f, Is<Interval> auto& v) {
  f("begin_ms", v.begin);
  f("end_ms", v.end);
}

void Fields(auto& f, Is<EnergyMetered> auto& v) {
  f("run", v.run);
  Fields(f, v.interval);
  f("energy_mwh", v.energy);
  f("purpose", v.purpose);
  f("source", v.source);
  f("meter", v.meter);
  f("measured_mwh", v.measured);
  f("pue_thousandths", v.pue);
}

void Fields(auto& f, Is<PauseIssued> auto& v) {
  f("run", v.run);
  f("attempt", v.attempt);
  f("why", v.why);
}

void Fields(auto& f, Is<PauseFailed> auto& v) {
  f("run", v.run);
  f("why", v.why);
}

void Fields(auto& f, Is<RunEnded> auto& v) {
  f("run", v.run);
  f("end", v.end);
  f("exit_code", v.exit_code);
  f("signal", v.signal);
  f("detail", v.detail);
}

void Fields(auto& f, Is<StopIssued> auto& v) {
  f("run", v.run);
  f("why", v.why);
}

void Fields(auto& f, Is<CancelRequested> auto& v) { f("by", v.by); }
void Fields(auto& f, Is<Held> auto& v) {
  f("by", v.by);
  f("budget", v.budget);
}
void Fields(auto& f, Is<Released> auto& v) {
  f("by", v.by);
  f("of_budget", v.of_budget);
}

void Fields(auto& f, Is<Alternative> auto& v) {
  f("region", v.region);
  f("begin_ms", v.begin);
  f("expected_mg", v.expected);
}

void Fields(auto& f, Is<PlannedRun> auto& v) {
  Fields(f, v.interval);
  f("region_index", v.region, -1);
  f("region", v.region_name);
}

void Fields(auto& f, Is<PlanQuality> auto& v) {
  f("jobs_together", v.jobs);
  f("expected_together_mg", v.expected);
  f("lower_bound_together_mg", v.lower_bound);
}

void Fields(auto& f, Is<JobPlan> auto& v) {
  f("job", v.id);
  f("region_index", v.region, -1);
  f("region", v.region_name);
  f("intervals", v.runs);
  f("finish_at_ms", v.finish_at);
  f("late", v.late);
  f("expected_mg", v.expected);
  f("run_now_mg", v.run_now);
  f("forecast_issued_at_ms", v.forecast_issued_at);
  f("reason", v.reason);
  f("why", v.why);
  f("alternatives", v.alternatives);
  Fields(f, v.together);
}

// The writer and the reader of whole objects and of arrays of them.

class ObjectWriter : public JsonWriter {
 public:
  explicit ObjectWriter(fmt::memory_buffer& out)
      : JsonWriter(out), text_(out) {}
  using JsonWriter::operator();
  void operator()(const char* name, JobId id) { (*this)(name, Number(id)); }
  void operator()(const char* name, const std::vector<PlannedRun>& items) {
    Array(name, items);
  }
  void operator()(const char* name, const std::vector<Alternative>& items) {
    Array(name, items);
  }

 private:
  template <typename T>
  void Array(const char* name, const std::vector<T>& items) {
    if (items.empty()) return;
    Key(name);
    text_.push_back('[');
    for (const T& item : items) {
      if (&item != &items.front()) text_.push_back(',');
      ObjectWriter writer(text_);
      Fields(writer, item);
      writer.End();
    }
    text_.push_back(']');
  }

  fmt::memory_buffer& text_;
};

class ObjectReader : public JsonReader {
 public:
  using JsonReader::JsonReader;
  using JsonReader::operator();
  void operator()(const char* name, JobId& id) {
    int64_t number = 0;
    (*this)(name, number);
    id = JobId{number};
  }
  void operator()(const char* name, std::vector<PlannedRun>& items) {
    Items(name, items);
  }
  void operator()(const char* name, std::vector<Alternative>& items) {
    Items(name, items);
  }

 private:
  template <typename T>
  void Items(const char* name, std::vector<T>& items) {
    items.clear();
    const nlohmann::json* array = Array(name);
    if (array == nullptr) return;
    for (const nlohmann::json& item : *array) {
      ObjectReader reader(item);
      Fields(reader, items.emplace_back());
    }
  }
};

template <typename T>
std::string Encode(const T& value) {
  fmt::memory_buffer text;
  ObjectWriter writer(text);
  Fields(writer, value);
  writer.End();
  return fmt::to_string(text);
}

// `what` names the thing in the message.
template <typename T>
Result<T> Decode(const std::string& what, const std::string& text) {
  try {
    const nlohmann::json object = nlohmann::json::parse(text);
    ObjectReader reader(object);
    T value;
    Fields(reader, value);
    return value;
  } catch (const std::exception& error) {
    return absl::DataLossError(
        fmt::format("{} cannot be read: {}", what, error.what()));
  }
}

template <size_t I = 0>
Result<Fact> DecodeAs(const std::string& name, const std::string& json) {
  if constexpr (I == std::variant_size_v<Fact>) {
    return absl::DataLossError(
        fmt::format("fact `{}` is unknown: written by a newer carbond?", name));
  } else {
    using T = std::variant_alternative_t<I, Fact>;
    if (name != FactName(Fact(std::in_place_index<I>))) {
      return DecodeAs<I + 1>(name, json);
    }
    CARBOND_ASSIGN_OR_RETURN(T fact, Decode<T>("fact " + name, json));
    return Fact(std::move(fact));
  }
}

}  // namespace

std::string EncodeFact(const Fact& fact) {
  return std::visit([](const auto& value) { return Encode(value); }, fact);
}

Result<Fact> DecodeFact(const std::string& name, const std::string& json) {
  return DecodeAs(name, json);
}

std::string EncodeSpec(const JobSpec& spec) { return Encode(spec); }

Result<JobSpec> DecodeSpec(const std::string& json) {
  return Decode<JobSpec>("the submission", json);
}

std::string EncodePlan(const JobPlan& plan) { return Encode(plan); }

Result<JobPlan> DecodePlan(const std::string& json) {
  CARBOND_ASSIGN_OR_RETURN(JobPlan plan, Decode<JobPlan>("the plan", json));
  for (PlannedRun& run : plan.runs) {  // plans once had one region for all
    if (run.region_name.empty()) {
      run.region = plan.region;
      run.region_name = plan.region_name;
    }
  }
  return plan;
}

}  // namespace carbond
