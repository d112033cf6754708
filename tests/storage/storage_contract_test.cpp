// The contract of storage.h, run over every storage: the same sequence gives the same answer.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <cstdlib>
#include <filesystem>
#include <limits>

#include "netwright/base/error.h"
#include "netwright/base/random.h"
#include "netwright/storage/storage.h"

namespace netwright {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

// Opens and, where it lasts, opens again.
class StorageContract : public testing::TestWithParam<std::string> {
 protected:
  void SetUp() override {
    std::string pattern = testing::TempDir() + "netwright_storage_XXXXXX";
    ASSERT_NE(::mkdtemp(pattern.data()), nullptr);
    folder_ = pattern;
    storage_ = open_storage(where());
  }
  void TearDown() override {
    storage_.reset();
    std::filesystem::remove_all(folder_);
  }

  std::string where() const { return GetParam() == "memory" ? "memory" : (folder_ / "studies.db").string(); }
  void reopen() {
    if (GetParam() == "memory") return;
    storage_.reset();
    storage_ = open_storage(where());
  }

  std::filesystem::path folder_;
  std::unique_ptr<Storage> storage_;
};

StudyRecord study(const std::string& name) {
  StudyRecord record;
  record.name = name;
  record.state = "searching";
  record.seed = std::numeric_limits<std::uint64_t>::max() - 1;
  record.experiment = "name: " + name + "\n# ünïcode\n";
  record.created = 1700000000.25;
  record.elapsed = 0.1;
  record.notes = {{"machine", {{"cores", 2}}}, {"text", "a\nb"}};
  return record;
}

Trial full_trial(std::int64_t id) {
  Trial trial;
  trial.id = id;
  trial.state = TrialState::running;
  trial.purpose = TrialPurpose::retrain;
  trial.configuration.set("cell.n1.op", std::string("sep_conv_3x3"));
  trial.configuration.set("depth", std::int64_t{7});
  trial.configuration.set("rate", 0.1);
  trial.configuration.set("whole", 1.0);
  trial.configuration.set("bias", true);
  trial.network_hash = "00ff";
  trial.seed = 0xfedcba9876543210ULL;
  trial.target_fidelity = 81;
  trial.fidelity = 1.0 / 3;
  trial.measurements = {{1.0 / 3, 0.25, {{"accuracy", 0.1}, {"loss", std::numeric_limits<double>::infinity()}}}};
  trial.measurements[0].details["architecture"] = Json{{"version", 1}, {"groups", Json::array()}};
  trial.reason = "crash";
  trial.message = "line 1\nline 2 with 'quotes' and \"more\"";
  trial.checkpoint = "trials/1/model.ckpt";
  trial.copied_from = 3;
  trial.source = 4;
  trial.attempts = 2;
  trial.worker = 1;
  trial.started = 1.5;
  trial.finished = 2.5;
  return trial;
}

std::string text(const Trial& trial) {
  return to_json(trial).dump();
}

TEST_P(StorageContract, StudyComesBackAsItWasStored) {
  storage_->create_study(study("a"));
  reopen();
  const auto found = storage_->find_study("a");
  ASSERT_TRUE(found);
  const StudyRecord expected = study("a");
  EXPECT_EQ(found->name, expected.name);
  EXPECT_EQ(found->state, expected.state);
  EXPECT_EQ(found->seed, expected.seed);
  EXPECT_EQ(found->experiment, expected.experiment);
  EXPECT_EQ(found->created, expected.created);
  EXPECT_EQ(found->elapsed, expected.elapsed);
  EXPECT_EQ(found->notes, expected.notes);
  EXPECT_FALSE(storage_->find_study("b"));
}

TEST_P(StorageContract, StudyNameThatExistsIsRefused) {
  storage_->create_study(study("a"));
  StudyRecord other = study("a");
  other.state = "complete";
  try {
    storage_->create_study(other);
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ExitCode::invalid);
    EXPECT_THAT(error.what(), HasSubstr("'a'"));
    EXPECT_THAT(error.remedy(), HasSubstr("resume"));
  }
  EXPECT_EQ(storage_->find_study("a")->state, "searching");
}

TEST_P(StorageContract, StudyIsUpdated) {
  storage_->create_study(study("a"));
  StudyRecord record = study("a");
  record.state = "complete";
  record.elapsed = 100;
  record.notes = nullptr;
  storage_->update_study(record);
  reopen();
  EXPECT_EQ(storage_->find_study("a")->state, "complete");
  EXPECT_EQ(storage_->find_study("a")->elapsed, 100);
  EXPECT_TRUE(storage_->find_study("a")->notes.is_null());
}

TEST_P(StorageContract, StudiesAreListedInTheOrderOfCreation) {
  EXPECT_THAT(storage_->list_studies(), IsEmpty());
  for (const char* name : {"b", "c", "a"}) storage_->create_study(study(name));
  reopen();
  std::vector<std::string> names;
  for (const auto& record : storage_->list_studies()) names.push_back(record.name);
  EXPECT_THAT(names, ElementsAre("b", "c", "a"));
}

TEST_P(StorageContract, TrialComesBackAsItWasStored) {
  storage_->create_study(study("a"));
  storage_->add_trial("a", full_trial(1));
  Trial second;
  second.id = 2;
  storage_->add_trial("a", second);
  reopen();
  const auto trials = storage_->trials("a");
  ASSERT_EQ(trials.size(), 2u);
  EXPECT_EQ(text(trials[0]), text(full_trial(1)));
  EXPECT_EQ(trials[0].configuration, full_trial(1).configuration);  // 1.0 stays a real
  EXPECT_EQ(text(trials[1]), text(second));
}

TEST_P(StorageContract, TrialsAreListedById) {
  storage_->create_study(study("a"));
  for (const int id : {3, 1, 2}) storage_->add_trial("a", full_trial(id));
  reopen();
  std::vector<std::int64_t> ids;
  for (const auto& trial : storage_->trials("a")) ids.push_back(trial.id);
  EXPECT_THAT(ids, ElementsAre(1, 2, 3));
}

TEST_P(StorageContract, TrialIdThatExistsIsRefused) {
  storage_->create_study(study("a"));
  storage_->add_trial("a", full_trial(1));
  Trial other = full_trial(1);
  other.reason = "other";
  EXPECT_THROW(storage_->add_trial("a", other), Error);
  EXPECT_EQ(storage_->trials("a").at(0).reason, "crash");
}

TEST_P(StorageContract, TrialIsReplacedAndMeasurementsAreAppended) {
  storage_->create_study(study("a"));
  Trial trial = full_trial(1);
  storage_->add_trial("a", trial);
  trial.state = TrialState::complete;
  trial.reason = "";
  trial.configuration.set("depth", std::int64_t{8});
  trial.measurements[0].fidelity = 99;  // stored already: not replaced
  trial.measurements.push_back({2, 0.5, {{"accuracy", 0.2}}});
  trial.measurements.push_back({3, 0.5, {{"accuracy", std::nan("")}}});
  storage_->update_trial("a", trial);
  storage_->update_trial("a", trial);
  reopen();
  trial.measurements[0].fidelity = 1.0 / 3;
  EXPECT_EQ(text(storage_->trials("a").at(0)), text(trial));
  trial.measurements.clear();  // fewer than stored: all stay
  storage_->update_trial("a", trial);
  EXPECT_EQ(storage_->trials("a").at(0).measurements.size(), 3u);
}

TEST_P(StorageContract, UnknownStudiesAndTrialsAreErrors) {
  EXPECT_THROW(storage_->update_study(study("a")), Error);
  EXPECT_THROW(storage_->trials("a"), Error);
  EXPECT_THROW(storage_->events("a"), Error);
  EXPECT_THROW(storage_->add_trial("a", full_trial(1)), Error);
  storage_->create_study(study("a"));
  EXPECT_THROW(storage_->update_trial("a", full_trial(1), StudyEvent{EventKind::finished, 1, 9}), Error);
  EXPECT_THAT(storage_->trials("a"), IsEmpty());
  EXPECT_THAT(storage_->events("a"), IsEmpty());
}

TEST_P(StorageContract, EventsKeepTheirOrder) {
  storage_->create_study(study("a"));
  storage_->create_study(study("b"));
  const double first = full_trial(1).fidelity;
  for (const int id : {1, 2}) {
    storage_->add_trial("a", full_trial(id), StudyEvent{EventKind::proposed, id, first, 0.25 * id});
  }
  storage_->add_trial("b", full_trial(1), StudyEvent{EventKind::imported, 1, first});
  storage_->update_trial("a", full_trial(2), StudyEvent{EventKind::paused, 2, first, 1.5, 7});
  storage_->update_trial("a", full_trial(1));
  reopen();
  Trial further = full_trial(2);
  further.fidelity = 9;
  storage_->update_trial("a", further, StudyEvent{EventKind::resumed, 2, 9, 1e9 + 0.125});
  storage_->add_event("a", {EventKind::closed, 0, 0});
  storage_->update_trial("a", further, StudyEvent{EventKind::finished, 2, 9, 2e9, 0});
  EXPECT_THAT(
      storage_->events("a"),
      ElementsAre(StudyEvent{EventKind::proposed, 1, first, 0.25}, StudyEvent{EventKind::proposed, 2, first, 0.5},
                  StudyEvent{EventKind::paused, 2, first, 1.5, 7}, StudyEvent{EventKind::resumed, 2, 9, 1e9 + 0.125},
                  StudyEvent{EventKind::closed, 0, 0}, StudyEvent{EventKind::finished, 2, 9, 2e9, 0}));
  EXPECT_THAT(storage_->events("b"), ElementsAre(StudyEvent{EventKind::imported, 1, first}));
}

TEST_P(StorageContract, StudiesDoNotMeet) {
  storage_->create_study(study("a"));
  storage_->create_study(study("b"));
  storage_->add_trial("a", full_trial(1));
  Trial other = full_trial(1);
  other.measurements.clear();
  storage_->add_trial("b", other);
  EXPECT_EQ(storage_->trials("a").at(0).measurements.size(), 1u);
  EXPECT_EQ(storage_->trials("b").at(0).measurements.size(), 0u);
}

// The same random sequence of calls gives the same answers as the storage in memory.
TEST_P(StorageContract, AgreesWithMemoryOnRandomSequences) {
  auto model = open_storage("memory");
  for (Storage* storage : {model.get(), storage_.get()}) storage->create_study(study("a"));
  Random random(7);
  std::int64_t next = 1;
  for (int step = 0; step < 300; ++step) {
    if (next == 1 || random.below(3) == 0) {
      const Trial trial = full_trial(next++);
      for (Storage* storage : {model.get(), storage_.get()}) storage->add_trial("a", trial);
    } else {
      Trial trial = model->trials("a").at(random.below(static_cast<std::uint64_t>(next - 1)));
      trial.state = static_cast<TrialState>(random.below(6));
      trial.finished = random.uniform();
      if (random.below(2) == 0) trial.measurements.push_back({random.uniform(), 1, {{"accuracy", random.uniform()}}});
      std::optional<StudyEvent> event;
      if (random.below(4) == 0) {
        event = {static_cast<EventKind>(random.below(6)), trial.id, random.uniform(), 1000 * random.uniform(),
                 static_cast<int>(random.below(20)) - 1};
      }
      for (Storage* storage : {model.get(), storage_.get()}) storage->update_trial("a", trial, event);
    }
  }
  reopen();
  const auto expected = model->trials("a");
  const auto trials = storage_->trials("a");
  ASSERT_EQ(trials.size(), expected.size());
  for (std::size_t i = 0; i < trials.size(); ++i) EXPECT_EQ(text(trials[i]), text(expected[i]));
  EXPECT_EQ(storage_->events("a"), model->events("a"));
}

INSTANTIATE_TEST_SUITE_P(EveryStorage, StorageContract, testing::Values("memory", "sqlite"),
                         [](const auto& info) { return info.param; });

}  // namespace
}  // namespace netwright
