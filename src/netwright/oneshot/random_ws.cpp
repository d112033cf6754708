#include "netwright/oneshot/random_ws.h"

#include "netwright/base/random.h"

namespace netwright {
namespace {

class RandomWs : public Method {
 public:
  RandomWs(const MethodContext& context, const MethodSettings& settings)
      : Method(settings), space_(context.space), relaxation_(context.relaxation) {}

  Mixture mixture(const Progress&, at::Generator& generator) override {
    Random random(drawn_seed(generator));
    return single(relaxation_.picks(space_.sample(random)));
  }

  void update(const SearchStep&) override {}

  Importance importance() const override {
    Importance importance;
    for (const RowGroup& group : relaxation_.groups) {
      const auto options = static_cast<std::int64_t>(group.options.size());
      importance.weights.push_back(torch::full({static_cast<std::int64_t>(group.rows.size()), options},
                                               1.0 / static_cast<double>(options), torch::kDouble));
    }
    return importance;
  }
  NamedTensors state() const override { return {}; }
  void restore(const NamedTensors& state, const std::string& file) override { copy_tensors(state, {}, file); }

 private:
  const SearchSpace& space_;
  const Relaxation& relaxation_;
};

}  // namespace

std::uint64_t drawn_seed(at::Generator& generator) {
  const torch::Tensor drawn = torch::empty({1}, torch::kLong).random_(generator);
  return static_cast<std::uint64_t>(drawn.item<std::int64_t>());
}

std::unique_ptr<Method> make_random_ws(const MethodContext& context) {
  MappingReader reader(context.options, "the method");
  reader.required("name");
  MethodSettings settings;
  settings.decoding = "best_of_samples";
  settings.warmup_epochs = 0;
  reader.finish();
  return std::make_unique<RandomWs>(context, settings);
}

}  // namespace netwright
