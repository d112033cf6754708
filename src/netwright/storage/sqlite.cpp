#include "netwright/storage/sqlite.h"

#include <fcntl.h>
#include <unistd.h>

#include <filesystem>
#include <map>
#include <type_traits>

#include "netwright/base/file.h"
#include "netwright/storage/database.h"
#include "netwright/storage/sqlite_schema.h"

namespace netwright {
namespace {

constexpr std::int64_t application_id = 0x4e575254;  // "NWRT", marks our files among SQLite's
constexpr std::int64_t schema_version = 3;           // raised with every change of the tables
constexpr std::int64_t oldest_schema = 2;            // that can be brought up to it

std::string text_of(const Json& json) {
  return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

class SqliteStorage : public Storage {
 public:
  explicit SqliteStorage(const std::string& path) : database_(path) {
    const bool made = prepare_tables();
    if (made) flush_folder(path);
  }

  void create_study(const StudyRecord& study) override {
    Transaction transaction(database_);
    if (find_id(study.name)) {
      throw invalid({database_.path(), 0, 0}, "a study named '" + study.name + "' exists already",
                    "go on with it by `netwright resume " + study.name + "`, or choose another name");
    }
    database_.run(
        "INSERT INTO studies (name, state, seed, experiment, created, elapsed, notes) VALUES (?, ?, ?, ?, ?, ?, ?)",
        study.name, study.state, static_cast<std::int64_t>(study.seed), study.experiment, study.created, study.elapsed,
        text_of(study.notes));
    transaction.commit();
  }

  void update_study(const StudyRecord& study) override {
    const int changed = database_.run(
        "UPDATE studies SET state = ?, seed = ?, experiment = ?, created = ?, elapsed = ?, notes = ? WHERE id = ?",
        study.state, static_cast<std::int64_t>(study.seed), study.experiment, study.created, study.elapsed,
        text_of(study.notes), id_of(study.name));
    if (changed != 1) throw database_.damaged("study '" + study.name + "' has vanished");
  }

  std::optional<StudyRecord> find_study(const std::string& name) override {
    auto rows = database_.query(
        "SELECT name, state, seed, experiment, created, elapsed, notes FROM studies WHERE name = ?", name);
    if (!rows.next()) return std::nullopt;
    return read_study(rows);
  }

  std::vector<StudyRecord> list_studies() override {
    std::vector<StudyRecord> studies;
    auto rows =
        database_.query("SELECT name, state, seed, experiment, created, elapsed, notes FROM studies ORDER BY id");
    while (rows.next()) studies.push_back(read_study(rows));
    return studies;
  }

  void add_trial(const std::string& study, const Trial& trial, const std::optional<StudyEvent>& event) override {
    const std::int64_t home = id_of(study);
    const Flushing flushing(database_, log_, trial);
    Transaction transaction(database_);
    if (stored_measurements(home, trial.id) < 0) {
      database_.run(
          "INSERT INTO trials (study, id, state, purpose, configuration, network_hash, seed, target_fidelity, "
          "fidelity, reason, message, checkpoint, copied_from, source, attempts, worker, started, "
          "finished) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
          home, trial.id, to_string(trial.state), to_string(trial.purpose), text_of(to_json(trial.configuration)),
          trial.network_hash, static_cast<std::int64_t>(trial.seed), trial.target_fidelity, trial.fidelity,
          trial.reason, trial.message, trial.checkpoint, trial.copied_from, trial.source, trial.attempts, trial.worker,
          trial.started, trial.finished);
    } else {
      throw Error(ExitCode::storage, "trial " + std::to_string(trial.id) + " of study '" + study + "' exists already",
                  "another process runs this study; stop one of the two", {database_.path(), 0, 0});
    }
    add_measurements(home, trial, 0);
    if (event) log_event(home, *event);
    transaction.commit();
  }

  void update_trial(const std::string& study, const Trial& trial, const std::optional<StudyEvent>& event) override {
    const std::int64_t home = id_of(study);
    const Flushing flushing(database_, log_, trial);
    Transaction transaction(database_);
    const std::int64_t stored = stored_measurements(home, trial.id);
    if (stored < 0) {
      throw Error(ExitCode::storage, "study '" + study + "' has no trial " + std::to_string(trial.id), "",
                  {database_.path(), 0, 0});
    }
    database_.run(
        "UPDATE trials SET state = ?, purpose = ?, configuration = ?, network_hash = ?, seed = ?, "
        "target_fidelity = ?, fidelity = ?, reason = ?, message = ?, checkpoint = ?, copied_from = ?, source = ?, "
        "attempts = ?, worker = ?, started = ?, finished = ? WHERE study = ? AND id = ?",
        to_string(trial.state), to_string(trial.purpose), text_of(to_json(trial.configuration)), trial.network_hash,
        static_cast<std::int64_t>(trial.seed), trial.target_fidelity, trial.fidelity, trial.reason, trial.message,
        trial.checkpoint, trial.copied_from, trial.source, trial.attempts, trial.worker, trial.started, trial.finished,
        home, trial.id);
    add_measurements(home, trial, static_cast<std::size_t>(stored));
    if (event) log_event(home, *event);
    transaction.commit();
  }

  void add_event(const std::string& study, const StudyEvent& event) override {
    const std::int64_t home = id_of(study);
    Transaction transaction(database_);
    log_event(home, event);
    transaction.commit();
  }

  std::vector<Trial> trials(const std::string& study) override {
    const std::int64_t home = id_of(study);
    std::vector<Trial> all;
    Snapshot snapshot(database_);  // trials and measurements of the same moment
    auto rows = database_.query(
        "SELECT id, state, purpose, configuration, network_hash, seed, target_fidelity, fidelity, reason, message, "
        "checkpoint, copied_from, source, attempts, worker, started, finished FROM trials "
        "WHERE study = ? ORDER BY id",
        home);
    while (rows.next()) all.push_back(checked("trial", [&] { return read_trial(rows); }));
    auto measured = database_.query(
        "SELECT trial, fidelity, seconds, metrics, details FROM measurements WHERE study = ? ORDER BY trial, place",
        home);
    auto owner = all.begin();  // both are sorted by trial
    while (measured.next()) {
      while (owner != all.end() && owner->id < measured.integer(0)) ++owner;
      if (owner == all.end() || owner->id != measured.integer(0)) {
        throw database_.damaged("a measurement belongs to no trial");
      }
      owner->measurements.push_back(checked("measurement", [&] { return read_measurement(measured); }));
    }
    return all;
  }

  std::vector<StudyEvent> events(const std::string& study) override {
    std::vector<StudyEvent> log;
    auto rows = database_.query("SELECT kind, trial, fidelity, time, worker FROM events WHERE study = ? ORDER BY place",
                                id_of(study));
    while (rows.next()) {
      const EventKind kind = checked("event", [&] { return event_kind_from_string(rows.text(0)); });
      log.push_back({kind, rows.integer(1), rows.real(2), rows.real(3), static_cast<int>(rows.integer(4))});
    }
    return log;
  }

 private:
  // The commit of a running trial goes to the log without a flush of the disk, which halves the cost of a trial. The
  // next flushed commit flushes it too: the log is one file, written in order.
  class Flushing {
   public:
    Flushing(Database& database, bool log, const Trial& trial)
        : database_(database), put_off_(log && trial.state == TrialState::running) {
      if (put_off_) database_.execute("PRAGMA synchronous = NORMAL");
    }
    ~Flushing() {
      try {
        if (put_off_) database_.execute("PRAGMA synchronous = FULL");
      } catch (const Error&) {  // a setting of the connection: it cannot fail where the commit did not
      }
    }
    Flushing(const Flushing&) = delete;
    Flushing& operator=(const Flushing&) = delete;

   private:
    Database& database_;
    bool put_off_;
  };

  // A read transaction: everything is seen as of its first read.
  struct Snapshot {
    explicit Snapshot(Database& opened) : database(opened) { database.run("BEGIN"); }
    ~Snapshot() {
      try {
        database.run("COMMIT");
      } catch (const Error&) {  // nothing was written, so nothing is lost
      }
    }
    Database& database;
  };

  // Makes the tables in a new file (true), or checks that they are ours.
  bool prepare_tables() {
    if (database_.read_only()) {
      if (is_ours()) return false;
      throw Error(ExitCode::storage, "there are no studies in this file, and nothing can be written to it",
                  "make the file and its folder writable, or choose another with `storage:`", {database_.path(), 0, 0});
    }
    log_ = database_.query("PRAGMA journal_mode = WAL").next() && value("PRAGMA journal_mode") == "wal";
    // Where the file system cannot share the log's index, the rollback journal is used and its folder flushed too.
    database_.execute(log_ ? "PRAGMA synchronous = FULL" : "PRAGMA synchronous = EXTRA");
    database_.execute("PRAGMA foreign_keys = ON; PRAGMA trusted_schema = OFF; PRAGMA cell_size_check = ON");
    if (is_ours()) {
      add_details();
      return false;
    }
    Transaction transaction(database_);
    if (is_ours()) return false;  // another process has made them meanwhile
    database_.execute(sqlite_schema);
    database_.execute(("PRAGMA application_id = " + std::to_string(application_id)).c_str());
    database_.execute(("PRAGMA user_version = " + std::to_string(schema_version)).c_str());
    transaction.commit();
    return true;
  }

  // Schema 3 added a column that may be empty: files of schema 2 are brought up to it.
  void add_details() {
    if (number("PRAGMA user_version") >= schema_version) return;
    Transaction transaction(database_);
    if (number("PRAGMA user_version") >= schema_version) return;  // another process has done it meanwhile
    database_.execute("ALTER TABLE measurements ADD COLUMN details TEXT NOT NULL DEFAULT ''");
    database_.execute("ALTER TABLE events ADD COLUMN time REAL NOT NULL DEFAULT 0");
    database_.execute("ALTER TABLE events ADD COLUMN worker INTEGER NOT NULL DEFAULT -1");
    database_.execute(("PRAGMA user_version = " + std::to_string(schema_version)).c_str());
    transaction.commit();
  }

  // False for an empty file; throws for what another program or a newer version wrote.
  bool is_ours() {
    const std::int64_t owner = number("PRAGMA application_id");
    const std::int64_t version = number("PRAGMA user_version");
    if (owner == application_id && version > schema_version) {
      throw Error(ExitCode::storage,
                  "the study database was written by a newer netwright (schema " + std::to_string(version) +
                      "; this one knows " + std::to_string(schema_version) + ")",
                  "use the newer netwright, or another file with `storage:`", {database_.path(), 0, 0});
    }
    if (owner == application_id && version < oldest_schema) {
      throw Error(ExitCode::storage,
                  "the study database was written by an early netwright (schema " + std::to_string(version) +
                      "; this one needs " + std::to_string(oldest_schema) + ")",
                  "finish its studies with that version, and use another file with `storage:`",
                  {database_.path(), 0, 0});
    }
    if (owner == application_id) return true;
    if (owner != 0 || number("SELECT count(*) FROM sqlite_schema") > 0) {
      throw Error(ExitCode::storage, "this SQLite database belongs to another program",
                  "choose another file with `storage:`", {database_.path(), 0, 0});
    }
    return false;
  }

  std::int64_t number(const char* sql) {
    auto rows = database_.query(sql);
    return rows.next() ? rows.integer(0) : 0;
  }

  std::string value(const char* sql) {
    auto rows = database_.query(sql);
    return rows.next() ? rows.text(0) : "";
  }

  // A new file's name must reach the disk too.
  static void flush_folder(const std::string& path) {
    const auto folder = std::filesystem::absolute(path).parent_path();
    const int descriptor = ::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (descriptor < 0) return;
    ::fsync(descriptor);
    ::close(descriptor);
  }

  std::optional<std::int64_t> find_id(const std::string& study) {
    const auto known = ids_.find(study);
    if (known != ids_.end()) return known->second;
    auto rows = database_.query("SELECT id FROM studies WHERE name = ?", study);
    if (!rows.next()) return std::nullopt;
    return ids_[study] = rows.integer(0);
  }

  std::int64_t id_of(const std::string& study) {
    if (const auto id = find_id(study)) return *id;
    throw Error(ExitCode::storage, "there is no study '" + study + "'", "list the studies with: netwright ls",
                {database_.path(), 0, 0});
  }

  // How many measurements the trial has; -1 when there is no such trial.
  std::int64_t stored_measurements(std::int64_t study, std::int64_t trial) {
    auto rows = database_.query(
        "SELECT (SELECT count(*) FROM measurements WHERE study = ?1 AND trial = ?2) FROM trials "
        "WHERE study = ?1 AND id = ?2",
        study, trial);
    return rows.next() ? rows.integer(0) : -1;
  }

  void add_measurements(std::int64_t study, const Trial& trial, std::size_t first) {
    for (std::size_t i = first; i < trial.measurements.size(); ++i) {
      const Measurement& measurement = trial.measurements[i];
      database_.run(
          "INSERT INTO measurements (study, trial, place, fidelity, seconds, metrics, details) "
          "VALUES (?, ?, ?, ?, ?, ?, ?)",
          study, trial.id, static_cast<std::int64_t>(i), measurement.fidelity, measurement.seconds,
          text_of(to_json(measurement)["metrics"]),
          measurement.details.is_null() ? std::string() : text_of(measurement.details));
    }
  }

  void log_event(std::int64_t study, const StudyEvent& event) {
    database_.run(
        "INSERT INTO events (study, place, kind, trial, fidelity, time, worker) VALUES "
        "(?1, (SELECT coalesce(max(place), 0) + 1 FROM events WHERE study = ?1), ?2, ?3, ?4, ?5, ?6)",
        study, to_string(event.kind), event.trial, event.fidelity, event.time, event.worker);
  }

  StudyRecord read_study(const Rows& rows) {
    StudyRecord study;
    study.name = rows.text(0);
    study.state = rows.text(1);
    study.seed = static_cast<std::uint64_t>(rows.integer(2));
    study.experiment = rows.text(3);
    study.created = rows.real(4);
    study.elapsed = rows.real(5);
    study.notes = checked("study", [&] { return Json::parse(rows.text(6)); });
    return study;
  }

  static Trial read_trial(const Rows& rows) {
    Trial trial;
    trial.id = rows.integer(0);
    trial.state = trial_state_from_string(rows.text(1));
    trial.purpose = trial_purpose_from_string(rows.text(2));
    trial.configuration = configuration_from_json(Json::parse(rows.text(3)));
    trial.network_hash = rows.text(4);
    trial.seed = static_cast<std::uint64_t>(rows.integer(5));
    trial.target_fidelity = rows.real(6);
    trial.fidelity = rows.real(7);
    trial.reason = rows.text(8);
    trial.message = rows.text(9);
    trial.checkpoint = rows.text(10);
    trial.copied_from = rows.integer(11);
    trial.source = rows.integer(12);
    trial.attempts = static_cast<int>(rows.integer(13));
    trial.worker = static_cast<int>(rows.integer(14));
    trial.started = rows.real(15);
    trial.finished = rows.real(16);
    return trial;
  }

  static Measurement read_measurement(const Rows& rows) {
    Json json = Json::object();
    json["metrics"] = Json::parse(rows.text(3));
    if (const std::string details = rows.text(4); !details.empty()) json["details"] = Json::parse(details);
    Measurement measurement = measurement_from_json(json);
    measurement.fidelity = rows.real(1);
    measurement.seconds = rows.real(2);
    return measurement;
  }

  // What does not parse although we wrote it is damage.
  template <class Read>
  std::invoke_result_t<Read> checked(const std::string& what, Read read) {
    try {
      return read();
    } catch (const Json::exception&) {
      throw database_.damaged("a " + what + " holds malformed JSON");
    } catch (const Error& error) {
      throw database_.damaged("a " + what + " is malformed: " + error.problem());
    }
  }

  Database database_;
  bool log_ = false;  // write-ahead log; else rollback journal
  std::map<std::string, std::int64_t> ids_;
};

}  // namespace

std::unique_ptr<Storage> open_sqlite_storage(const std::string& path) {
  try {
    const auto folder = std::filesystem::path(path).parent_path();
    if (!folder.empty()) make_folders(folder.string());
  } catch (const Error& error) {
    throw Error(ExitCode::storage, error.problem(), error.remedy(), error.where());
  }
  return std::make_unique<SqliteStorage>(path);
}

}  // namespace netwright
