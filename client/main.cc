// carbonctl: the command line of carbond. Turns words into options, asks the
// environment what there is to ask, and runs one command.

#include <fmt/format.h>
#include <grpc/support/log.h>
#include <pwd.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <deque>
#include <filesystem>
#include <functional>
#include <nlohmann/json.hpp>
#include <random>

#include "client/commands.h"
#include "client/footprint_flags.h"
#include "client/names.h"
#include "client/quantity.h"
#include "client/request_id.h"

namespace carbond::client {
namespace {

constexpr size_t kLongestRequestId = 256;  // that carbond takes
constexpr char kSocket[] = "/run/carbond/carbond.sock";

std::string Get(const char* variable) {
  const char* value = std::getenv(variable);
  return value == nullptr ? "" : value;
}

std::string FirstOf(std::initializer_list<const char*> variables) {
  for (const char* variable : variables) {
    if (std::string value = Get(variable); !value.empty()) return value;
  }
  return "";
}

std::string DefaultAddress() {
  if (std::string address = Get("CARBOND_ADDRESS"); !address.empty()) {
    return address;
  }
  if (const std::string runtime = Get("XDG_RUNTIME_DIR");
      !runtime.empty() && access(kSocket, F_OK) != 0) {
    const std::string mine = runtime + "/carbond/carbond.sock";
    if (access(mine.c_str(), F_OK) == 0) return "unix:" + mine;
  }
  return std::string("unix:") + kSocket;
}

Environment ReadEnvironment() {
  return {.locale = FirstOf({"LC_ALL", "LC_CTYPE", "LANG"}),
          .term = Get("TERM"),
          .columns = Get("COLUMNS"),
          .no_colour = !Get("NO_COLOR").empty()};
}

Submitter WhoAmI() {
  Submitter submitter;
  const passwd* entry = getpwuid(getuid());
  submitter.user =
      entry != nullptr ? entry->pw_name : fmt::format("{}", getuid());
  std::error_code error;  // a folder that was removed: the daemon will say so
  submitter.directory = std::filesystem::current_path(error).string();
  return submitter;
}

// All that the command line can say.
struct CommandLine {
  std::string address;
  std::string output = "text";
  bool ascii = false;
  std::function<int(Session&)> run;  // the command chosen

  SubmitOptions submit;
  std::deque<Said> said;  // where CLI11 puts the flags of a job
  ListOptions list;
  std::string job;
  std::vector<std::string> jobs;
  EmissionsOptions emissions;
  ReportOptions report;
  EstimateOptions estimate;
  ForecastOptions forecast;
  LogsOptions logs;
};

CLI::App* AddCommand(CLI::App& app, CommandLine& line, const std::string& name,
                     const std::string& help,
                     std::function<int(Session&)> run) {
  CLI::App* command = app.add_subcommand(name, help);
  command->final_callback([&line, run = std::move(run)] { line.run = run; });
  return command;
}

void AddJobFlags(CLI::App& command, CommandLine& line) {
  command.footer(
      fmt::format("carbonctl {0} --duration 2h --deadline 24h -- python t.py\n"
                  "carbonctl {0} --file job.yaml",
                  command.get_name()));
  command
      .add_option("--file,-f", line.submit.file,
                  "one job or a list of them in YAML; - is standard input")
      ->type_name("PATH");
  for (const JobField& field : JobFields()) {
    Said& said = line.said.emplace_back(Said{&field, {}, 0});
    CLI::Option* option =
        command.add_option("--" + field.name, said.values, field.help);
    // One value for each flag, taken as it is: CLI11 would split `[a,b]`.
    option->type_name(field.metavar)->allow_extra_args(false);
  }
}

void AddSubmitAndPlan(CLI::App& app, CommandLine& line) {
  CLI::App* submit =
      AddCommand(app, line, "submit", "submit a job; prints its id",
                 [&line](Session& s) { return Submit(s, line.submit); });
  AddJobFlags(*submit, line);
  submit
      ->add_option("--request-id", line.submit.request_id,
                   "the same id submits the same job only once")
      ->type_name("ID")
      ->check([](const std::string& id) {
        return id.size() <= kLongestRequestId
                   ? ""
                   : fmt::format("is longer than {} bytes", kLongestRequestId);
      });
  CLI::App* plan =
      AddCommand(app, line, "plan", "what submit would do and why",
                 [&line](Session& s) { return Plan(s, line.submit); });
  AddJobFlags(*plan, line);
}

// Why a word cannot be a job's id; empty where it can.
std::string NoJobId(const std::string& word) {
  const bool number = !word.empty() && word.size() <= 18 &&
                      word.front() != '0' &&
                      word.find_first_not_of("0123456789") == std::string::npos;
  return number
             ? ""
             : fmt::format("`{}` is no job id: ids are numbers from 1", word);
}

void AddJob(CLI::App* command, std::string& job, bool required = true) {
  command->add_option("JOB", job, "the job's id")
      ->required(required)
      ->type_name("")
      ->check(NoJobId);
}

void AddReads(CLI::App& app, CommandLine& line) {
  CLI::App* list =
      AddCommand(app, line, "list", "jobs, newest first",
                 [&line](Session& s) { return List(s, line.list); });
  list->add_option("--state", line.list.states,
                   "waiting, starting, running, paused or done (repeat)")
      ->allow_extra_args(false)
      ->delimiter(',');
  list->add_option("--user", line.list.user, "of this user");
  list->add_option("--project", line.list.project, "of this project");
  list->add_option("--region", line.list.region, "in this region");
  list->add_option("--name", line.list.name, "of exactly this name");
  list->add_flag("--live", line.list.live, "only jobs that are not done");
  list->add_flag("--all", line.list.all, "however many there are");
  list->add_option("--limit", line.list.limit, "at most so many (100)")
      ->check([](const std::string& text) {
        const auto count = ParseCount(text);
        return count.ok() ? std::string()
                          : std::string(count.status().message());
      });

  AddJob(AddCommand(app, line, "show", "all about a job",
                    [&line](Session& s) { return Show(s, line.job); }),
         line.job);
  CLI::App* emissions =
      AddCommand(app, line, "emissions", "energy and emissions, and the saving",
                 [&line](Session& s) { return Emissions(s, line.emissions); });
  AddJob(emissions, line.emissions.job, false);
  emissions->add_option("--by", line.emissions.by,
                        "job, user, project, region or day");
  emissions->add_option("--since", line.emissions.since,
                        "of jobs submitted from then on, by region and day "
                        "of energy used: 7d (ago), 2026-03-01");
  emissions->add_option("--until", line.emissions.until,
                        "of jobs submitted, or energy used, before then");
  emissions->add_flag(
      "--baselines", line.emissions.baselines,
      "beside the baseline: at once where it ran, at home at the worst time");
  emissions
      ->add_option("--format", line.emissions.format,
                   "csv or jsonl (a JSON object a line), for other programs")
      ->check(CLI::IsMember({"csv", "jsonl"}))
      ->type_name("FORM");
  CLI::App* forecast =
      AddCommand(app, line, "forecast", "a region's carbon intensity to come",
                 [&line](Session& s) { return Forecast(s, line.forecast); });
  forecast->add_option("REGION", line.forecast.region, "default: the first")
      ->type_name("");
  forecast->add_flag("--observed", line.forecast.observed,
                     "the last 24 h too, as they were observed");
  AddCommand(app, line, "regions", "where jobs can run, the cleanest first",
             Regions);
  AddCommand(app, line, "providers",
             "where grid data come from, and what is in trouble", Providers);
  AddCommand(app, line, "budgets", "what this month has used of each budget",
             Budgets);
}

void AddFootprints(CLI::App& app, CommandLine& line) {
  CLI::App* report =
      AddCommand(app, line, "report", "the statement about a job for a paper",
                 [&line](Session& s) { return Report(s, line.report); });
  AddJob(report, line.report.job);
  AddReportFlags(*report, line.report);
  AddEstimateFlags(
      *AddCommand(app, line, "estimate",
                  "what a run that has not happened would emit",
                  [&line](Session& s) { return Estimate(s, line.estimate); }),
      line.estimate);
}

void AddStreams(CLI::App& app, CommandLine& line) {
  AddJob(AddCommand(app, line, "watch", "what happens, as it happens",
                    [&line](Session& s) { return Watch(s, line.job); }),
         line.job, false);
  CLI::App* logs =
      AddCommand(app, line, "logs", "what a job wrote",
                 [&line](Session& s) { return Logs(s, line.logs); });
  AddJob(logs, line.logs.job);
  logs->add_flag("-f,--follow", line.logs.follow, "until it has ended");
  CLI::Option* out = logs->add_flag("--stdout", line.logs.stdout_only,
                                    "its standard output only");
  logs->add_flag("--stderr", line.logs.stderr_only, "its standard error only")
      ->excludes(out);
  AddCommand(app, line, "wait", "until jobs are done; exits 0 if all succeeded",
             [&line](Session& s) { return Wait(s, line.jobs); })
      ->add_option("JOB", line.jobs, "ids of jobs")
      ->required()
      ->type_name("")
      ->check(NoJobId);
}

void AddActs(CLI::App& app, CommandLine& line) {
  AddJob(AddCommand(app, line, "cancel", "end a job",
                    [&line](Session& s) { return Cancel(s, line.job); }),
         line.job);
  AddJob(AddCommand(app, line, "pause", "hold a job until it is resumed",
                    [&line](Session& s) { return Pause(s, line.job); }),
         line.job);
  AddJob(AddCommand(app, line, "resume", "let a held job go on",
                    [&line](Session& s) { return Resume(s, line.job); }),
         line.job);
}

void AddAll(CLI::App& app, CommandLine& line) {
  app.fallthrough();  // flags of all commands may follow the command
  app.require_subcommand(1);
  app.set_version_flag("--version", "carbonctl " CARBOND_VERSION);
  app.add_option("--address", line.address,
                 "unix:/path or host:port of carbond ($CARBOND_ADDRESS)")
      ->type_name("ADDRESS");
  app.add_option("-o,--output", line.output, "text or json")
      ->check(CLI::IsMember({"text", "json"}))
      ->type_name("FORM");
  app.add_flag("--ascii", line.ascii, "draw with plain ASCII");
  AddSubmitAndPlan(app, line);
  AddReads(app, line);
  AddFootprints(app, line);
  AddStreams(app, line);
  AddActs(app, line);
}

std::vector<std::string> CommandsOf(const CLI::App& app) {
  std::vector<std::string> names;
  for (const CLI::App* command : app.get_subcommands(nullptr)) {
    names.push_back(command->get_name());
  }
  return names;
}

std::vector<std::string> FlagsOf(const CLI::App& app) {
  std::vector<std::string> flags;
  for (const CLI::Option* option : app.get_options()) {
    for (const std::string& name : option->get_lnames()) {
      flags.push_back("--" + name);
    }
  }
  return flags;
}

std::string Unknown(const char* kind, const std::string& word,
                    const std::vector<std::string>& known) {
  const std::string nearest =
      NearestWord(word.substr(0, word.find('=')), known);
  return fmt::format("unknown {} `{}`{}", kind, word,
                     nearest.empty()
                         ? ": carbonctl --help lists what there is"
                         : fmt::format(": did you mean `{}`?", nearest));
}

// What was wrong with the words, on one line.
std::string Complaint(const CLI::App& app, const CLI::ParseError& error) {
  const auto chosen = app.get_subcommands();
  const std::vector<std::string> extra = app.remaining(true);
  if (chosen.empty()) {
    if (extra.empty())
      return "no command is given: carbonctl --help lists them";
    return extra.front().starts_with('-')
               ? Unknown("flag", extra.front(), FlagsOf(app))
               : Unknown("command", extra.front(), CommandsOf(app));
  }
  const CLI::App& command = *chosen.front();
  const std::string& name = command.get_name();
  if (extra.empty()) return fmt::format("{}: {}", name, error.what());
  const std::string& word = extra.front();
  if (word.starts_with('-')) {
    std::vector<std::string> known = FlagsOf(command);
    for (std::string& flag : FlagsOf(app)) known.push_back(std::move(flag));
    return Unknown("flag", word, known);
  }
  const bool runs = name == "submit" || name == "plan";
  return fmt::format("`{}` is one word too many for {}{}", word, name,
                     runs ? ": put the job's command after `--`" : "");
}

int Misuse(const std::string& message) {
  std::fputs(fmt::format("carbonctl: {}\n", Printable(message)).c_str(),
             stderr);
  return kMisused;
}

// Splits off the job's command: all that follows the first `--`, untouched.
std::vector<std::string> TakeCommand(std::vector<std::string>& words) {
  const auto mark = std::find(words.begin(), words.end(), "--");
  std::vector<std::string> command;
  if (mark != words.end()) {
    command.assign(mark + 1, words.end());
    words.erase(mark, words.end());
  }
  return command;
}

int RunCommand(CommandLine& line) {
  const auto channel =
      Channel::Open(line.address.empty() ? DefaultAddress() : line.address,
                    Get("CARBOND_MUNGE_SOCKET"));
  if (!channel.ok()) return Misuse(std::string(channel.status().message()));
  FdConsole console(STDOUT_FILENO, STDERR_FILENO);
  Session session{**channel,
                  console,
                  LookOf(STDOUT_FILENO, ReadEnvironment(), line.ascii),
                  {absl::Now(), absl::LocalTimeZone()},
                  line.output == "json",
                  WhoAmI()};
  if (line.submit.request_id.empty()) {
    std::random_device random;
    const auto draw = [&] { return (uint64_t{random()} << 32) | random(); };
    line.submit.request_id = MakeRequestId(session.here.now, draw(), draw());
  }
  const int exit_code = line.run(session);
  if (console.failure() == 0) return exit_code;
  console.Complain(
      fmt::format("carbonctl: cannot write to standard output: "
                  "{}\n",
                  std::strerror(console.failure())));
  return kRefused;
}

// As the wire demands of every text.
bool IsUtf8(const std::string& text) {
  try {
    return !nlohmann::json(text).dump().empty();
  } catch (const nlohmann::json::type_error&) {
    return false;
  }
}

int Main(int argc, char** argv) {
  std::signal(SIGPIPE, SIG_IGN);  // the console notices
  if (Get("GRPC_TRACE").empty() && Get("GRPC_VERBOSITY").empty()) {
    gpr_set_log_function([](gpr_log_func_args*) {});  // errors are told once
  }
  std::vector<std::string> words(argv + 1, argv + argc);
  for (const std::string& word : words) {
    if (!IsUtf8(word)) return Misuse("an argument is not valid UTF-8");
  }
  std::vector<std::string> command = TakeCommand(words);
  std::reverse(words.begin(), words.end());  // as CLI11 wants them

  CommandLine line;
  CLI::App app(
      "Runs jobs when and where the grid is clean. "
      "carbonctl COMMAND --help says more.",
      "carbonctl");
  AddAll(app, line);
  try {
    app.parse(words);
  } catch (const CLI::ParseError& error) {
    if (error.get_exit_code() == 0) return app.exit(error);  // help, version
    return Misuse(Complaint(app, error));
  }
  const std::string chosen = app.get_subcommands().front()->get_name();
  if (!command.empty() && chosen != "submit" && chosen != "plan") {
    return Misuse(fmt::format("{} takes no command after `--`", chosen));
  }
  for (const Said& said : line.said) {
    if (!said.values.empty()) line.submit.words.said.push_back(said);
  }
  line.submit.words.command = std::move(command);
  return RunCommand(line);
}

}  // namespace
}  // namespace carbond::client

int main(int argc, char** argv) { return carbond::client::Main(argc, argv); }
