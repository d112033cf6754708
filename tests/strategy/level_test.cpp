// At which fidelity the members of a population are compared.
#include "netwright/strategy/level.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace netwright {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

class LevelTest : public testing::Test {
 protected:
  // The trial has now been measured at these fidelities, with an accuracy of id + fidelity/1000.
  Level::News tell(std::int64_t id, const std::vector<double>& fidelities, TrialState state = TrialState::paused) {
    Trial trial;
    trial.id = id;
    trial.state = state;
    for (const double fidelity : fidelities) {
      trial.measurements.push_back({fidelity, 1, {{"accuracy", static_cast<double>(id) + fidelity / 1000}}});
    }
    return level_.tell(trial);
  }

  static std::vector<double> scores(const Level::News& news) {
    std::vector<double> all;
    for (const auto& member : news.members) all.push_back(member.scores.front());
    return all;
  }

  Level level_{{Objective{}}, 3};
};

TEST_F(LevelTest, IsTheLargestFidelityThatEnoughHaveReached) {
  EXPECT_THAT(tell(1, {1}).members, IsEmpty());
  EXPECT_THAT(tell(2, {1, 2, 3}).members, IsEmpty());
  const auto first = tell(3, {1});
  EXPECT_TRUE(first.anew);
  EXPECT_THAT(scores(first), ElementsAre(1.001, 2.001, 3.001));  // the second too as it was after one epoch
  const auto fourth = tell(4, {1, 3});
  EXPECT_FALSE(fourth.anew);
  EXPECT_THAT(scores(fourth), ElementsAre(4.001));
  const auto risen = tell(3, {1, 3});
  EXPECT_TRUE(risen.anew);
  EXPECT_THAT(scores(risen), ElementsAre(2.003, 4.003, 3.003));  // in the order in which they came there
  EXPECT_THAT(tell(5, {1}).members, IsEmpty());
  EXPECT_THAT(tell(4, {1, 3, 9}).members, IsEmpty());  // counts already
}

TEST_F(LevelTest, CompleteTrialsHaveReachedEveryFidelity) {
  EXPECT_THAT(tell(1, {1, 2, 4}, TrialState::complete).members, IsEmpty());
  EXPECT_THAT(tell(2, {1, 2}).members, IsEmpty());
  EXPECT_THAT(scores(tell(3, {2})), ElementsAre(1.002, 2.002, 3.002));
  EXPECT_THAT(scores(tell(4, {1}, TrialState::complete)), ElementsAre(4.001));  // its whole training is shorter
  const auto whole = tell(5, {5}, TrialState::complete);
  EXPECT_TRUE(whole.anew);
  EXPECT_THAT(scores(whole), ElementsAre(1.004, 4.001, 5.005));
  EXPECT_THAT(tell(2, {1, 2, 4}).members, IsEmpty());
  EXPECT_THAT(scores(tell(2, {1, 2, 4, 9}, TrialState::complete)), ElementsAre(2.009));
}

TEST_F(LevelTest, FailedPrunedAndUnmeasuredTrialsBringNothing) {
  for (std::int64_t id = 1; id <= 5; ++id) {
    EXPECT_THAT(tell(id, {1}, id % 2 == 0 ? TrialState::failed : TrialState::pruned).members, IsEmpty());
    EXPECT_THAT(tell(id + 5, {}, TrialState::complete).members, IsEmpty());
  }
}

}  // namespace
}  // namespace netwright
