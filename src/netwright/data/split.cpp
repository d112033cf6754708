#include "netwright/data/split.h"

#include <algorithm>
#include <numeric>

#include "netwright/base/random.h"

namespace netwright {

std::vector<std::int64_t> largest_remainder(const std::vector<std::int64_t>& counts, std::int64_t total) {
  const std::int64_t sum = std::accumulate(counts.begin(), counts.end(), std::int64_t{0});
  std::vector<std::int64_t> shares(counts.size(), 0);
  if (sum == 0 || total <= 0) return shares;
  std::vector<std::int64_t> remainders(counts.size());
  std::int64_t given = 0;
  for (std::size_t i = 0; i < counts.size(); ++i) {  // counts fit 32 bits, so the products fit 64
    shares[i] = counts[i] * total / sum;
    remainders[i] = counts[i] * total % sum;
    given += shares[i];
  }
  std::vector<std::size_t> order(counts.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::stable_sort(order.begin(), order.end(),
                   [&](std::size_t a, std::size_t b) { return remainders[a] > remainders[b]; });
  for (std::size_t i = 0; given < total; ++i, ++given) ++shares[order[i]];
  return shares;
}

Division divide(const std::vector<std::int32_t>& labels, const std::vector<std::int32_t>& candidates,
                std::int64_t classes, std::int64_t total, bool keep_one, std::uint64_t seed) {
  std::vector<std::vector<std::int32_t>> members(static_cast<std::size_t>(classes));
  for (const std::int32_t index : candidates) {
    members[static_cast<std::size_t>(labels[static_cast<std::size_t>(index)])].push_back(index);
  }
  std::vector<std::int64_t> counts;
  for (const auto& member : members) counts.push_back(static_cast<std::int64_t>(member.size()));
  auto shares = largest_remainder(counts, std::min<std::int64_t>(total, static_cast<std::int64_t>(candidates.size())));

  Division division;
  for (std::size_t c = 0; c < members.size(); ++c) {
    auto& member = members[c];
    if (keep_one) shares[c] = std::min(shares[c], std::max<std::int64_t>(counts[c] - 1, 0));
    Random random(derive_seed(seed, "class", c));  // a stream a class: one class's size never shifts another's picks
    random.shuffle(member);
    division.picked.insert(division.picked.end(), member.begin(), member.begin() + shares[c]);
    division.rest.insert(division.rest.end(), member.begin() + shares[c], member.end());
  }
  std::sort(division.picked.begin(), division.picked.end());
  std::sort(division.rest.begin(), division.rest.end());
  return division;
}

std::vector<std::int32_t> all_indices(std::size_t count) {
  std::vector<std::int32_t> indices(count);
  std::iota(indices.begin(), indices.end(), 0);
  return indices;
}

}  // namespace netwright
