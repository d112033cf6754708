#include "netwright/oneshot/search.h"

#include <algorithm>
#include <chrono>
#include <cmath>

#include "netwright/base/error.h"
#include "netwright/base/text.h"
#include "netwright/oneshot/architecture.h"
#include "netwright/train/evaluate.h"
#include "netwright/train/generator.h"

namespace netwright {
namespace {

const Shape& checked_shape(const Relaxation& relaxation, const SearchData& data) {
  const Shape& input = relaxation.network.input;
  if (input != data.training.shape() || relaxation.network.classes != data.training.classes()) {
    throw invalid({},
                  "the space is for " + to_string(input) + " and " + std::to_string(relaxation.network.classes) +
                      " classes, the data are " + to_string(data.training.shape()) + " and " +
                      std::to_string(data.training.classes()),
                  "leave the space's input and classes out, so that the data decide them");
  }
  return input;
}

std::shared_ptr<Supernet> make_net(const SearchSpace& space, const Relaxation& relaxation, const Method& method,
                                   const OneShotOptions& options, std::uint64_t seed) {
  SupernetOptions net_options;
  net_options.seed = derive_seed(seed, "weights");
  net_options.partial = method.settings().partial;
  net_options.passes = options.passes;
  auto net = build_supernet(relaxation, space.table(), net_options);
  net->to(options.device, options.type);
  return net;
}

// Puts a module's tensors back at its end.
class KeptModule {
 public:
  explicit KeptModule(const torch::nn::Module& module) : tensors_(module_tensors(module)) {
    for (const auto& [name, tensor] : tensors_) kept_.emplace_back(name, tensor.detach().clone());
  }
  ~KeptModule() { copy_tensors(kept_, tensors_, "the supernet"); }
  KeptModule(const KeptModule&) = delete;
  KeptModule& operator=(const KeptModule&) = delete;

 private:
  NamedTensors tensors_, kept_;
};

}  // namespace

Recipe one_shot_recipe() {
  Recipe recipe;
  recipe.epochs = 50;
  recipe.batch = 64;
  recipe.optimizer.learning_rate = 0.025;
  recipe.optimizer.nesterov = false;
  recipe.optimizer.weight_decay = 3e-4;
  recipe.schedule.final_fraction = 0.001 / 0.025;
  recipe.gradient_clip = 5;
  return recipe;
}

OneShotSearch::OneShotSearch(const SearchSpace& space, const Yaml& method, const Recipe& recipe, const SearchData& data,
                             std::uint64_t seed, const OneShotOptions& options)
    : space_(space),
      method_options_(method),
      recipe_(recipe),
      options_(options),
      seed_(seed),
      relaxation_(space.relax(options.relaxation)),
      method_(make_method({space_, relaxation_, method_options_, derive_seed(seed, "architecture"),
                           torch::TensorOptions(options.type).device(options.device)})),
      net_(make_net(space_, relaxation_, *method_, options, seed)),
      health_(space_, relaxation_, *method_, options_.collapse, seed),
      halves_(data.training.divide(options.weight_share)),
      train_(halves_.first, recipe.augmentation, recipe.batch, derive_seed(seed, "data")),
      valid_(halves_.second, recipe.augmentation, recipe.batch, derive_seed(seed, "architecture data")),
      evaluation_(halves_.second, evaluation_batch(checked_shape(relaxation_, data)), recipe.augmentation.normalize),
      normalization_(data.training.normalization()),
      class_names_(data.training.class_names()),
      timetable_(make_timetable(recipe, train_.batches())),
      steps_(*net_, *method_, recipe.optimizer, recipe.gradient_clip, options.parts),
      random_state_(seeded_state(options.device, derive_seed(seed, "search"))) {}

// Both loaders go on from where the step says.
void OneShotSearch::seek() {
  if (loader_step_ != step_) {
    train_.seek(step_ / train_.batches(), step_ % train_.batches());
    valid_.seek(step_ / valid_.batches(), step_ % valid_.batches());
  }
  loader_step_ = step_;
}

TrainingResult OneShotSearch::run_until(double epochs, const OneShotHooks& hooks) {
  using Clock = std::chrono::steady_clock;
  BorrowedGenerator borrowed(options_.device, random_state_);
  seek();
  net_->train();
  const auto target = std::llround(epochs * static_cast<double>(timetable_.batches));
  auto began = Clock::now();
  while (step_ < target && !health_.stopped()) {
    if (hooks.stop_requested && hooks.stop_requested()) return {TrainingEnd::stopped, {}, {}};
    const Batch train = train_.next(), valid = valid_.next();
    ++loader_step_;
    const Progress progress{timetable_.epochs_after(step_), timetable_.epochs};
    const StepResult result = steps_.run(train, valid, progress, learning_rate_at(recipe_, timetable_, step_),
                                         borrowed.generator(), recipe_.label_smoothing);
    ++step_;
    if (!std::isfinite(result.loss)) {
      return {TrainingEnd::failed, "nan",
              "the loss is " + number_text(result.loss) + " in step " + std::to_string(step_)};
    }
    loss_sum_ += result.loss * static_cast<double>(train.size());
    correct_ += result.correct;
    seen_ += train.size();
    if (step_ % timetable_.batches != 0) continue;
    const OneShotReport epoch = report(std::chrono::duration<double>(Clock::now() - began).count());
    const bool goes_on = !hooks.epoch_done || hooks.epoch_done(epoch);
    began = Clock::now();  // what watches the search between epochs is not of the next one
    if (!goes_on && step_ < target && !health_.stopped()) return {TrainingEnd::stopped, {}, {}};
  }
  return {};
}

OneShotReport OneShotSearch::report(double seconds) {
  OneShotReport report;
  report.epoch = step_ / timetable_.batches;
  report.seconds = seconds;
  report.train_loss = loss_sum_ / static_cast<double>(seen_);
  report.train_accuracy = static_cast<double>(correct_) / static_cast<double>(seen_);
  const Importance importance = method_->importance();
  report.configuration = heaviest(importance);
  report.architecture = architecture_record(relaxation_, importance, relaxation_.picks(report.configuration));
  report.health = health_.observe(report.epoch, importance, report.configuration, [this] { return curved_loss(); });
  report.signs = health_.new_signs();
  loss_sum_ = 0;
  correct_ = seen_ = 0;
  return report;
}

Configuration OneShotSearch::heaviest(const Importance& importance) const {
  Random random(0);
  return netwright::decode("top_edges", {space_, relaxation_, importance, {}, {}, {}, 0, random});
}

Importance OneShotSearch::importance() const {
  return health_.stopped() ? health_.importance_before() : method_->importance();
}

// On the same examples each time, as they are: what changes from epoch to epoch is the supernet. They are spread over
// the data, which may be sorted by class.
std::function<torch::Tensor()> OneShotSearch::curved_loss() {
  constexpr std::int64_t most_batches = 8;
  const std::int64_t batches = std::min(evaluation_.batches(), most_batches);
  const std::int64_t share = (options_.collapse.examples + batches - 1) / batches;
  std::vector<torch::Tensor> inputs, labels;
  for (std::int64_t i = 0; i < batches; ++i) {
    const Batch batch = evaluation_.get(i * evaluation_.batches() / batches);
    const std::int64_t taken = std::min(share, batch.size());
    const torch::Tensor which = torch::arange(taken, torch::kLong) * (batch.size() / taken);
    inputs.push_back(batch.inputs.index_select(0, which));
    labels.push_back(batch.labels.index_select(0, which));
  }
  const torch::Tensor x = torch::cat(inputs).to(options_.device, torch::kDouble);
  const torch::Tensor y = torch::cat(labels).to(options_.device);
  std::vector<torch::Tensor> tensors = net_->parameters();
  for (const torch::Tensor& buffer : net_->buffers()) tensors.push_back(buffer);
  return [this, x, y, exact = std::make_shared<InDouble>(std::move(tensors))] {
    return torch::nn::functional::cross_entropy(net_->forward(x, method_->relaxed()->mixture()), y);
  };
}

double OneShotSearch::accuracy(const Mixture& mixture) {
  const torch::NoGradGuard no_grad;
  const torch::TensorOptions like = net_->parameters().front().options();
  std::int64_t correct = 0, seen = 0;
  for (std::int64_t i = 0; i < evaluation_.batches() && seen < options_.decoding_examples; ++i) {
    const Batch batch = evaluation_.get(i);
    const torch::Tensor logits = net_->forward(batch.inputs.to(like), mixture);
    correct += logits.argmax(1).eq(batch.labels.to(like.device())).sum().item<std::int64_t>();
    seen += batch.size();
  }
  return static_cast<double>(correct) / static_cast<double>(seen);
}

Configuration OneShotSearch::decode() {
  torch::Tensor state = seeded_state(options_.device, derive_seed(seed_, "decoding"));
  at::Generator global = at::globalContext().defaultGenerator(options_.device);
  const torch::Tensor kept = global.get_state();
  const KeptModule module(*net_);
  Configuration found;
  {
    BorrowedGenerator borrowed(options_.device, state);
    Random random(derive_seed(seed_, "decoding order"));
    const std::string& rule = options_.decoding.empty() ? method_->settings().decoding : options_.decoding;
    found = netwright::decode(rule, decoding(borrowed.generator(), random));
  }
  global.set_state(kept);
  return found;
}

Decoding OneShotSearch::decoding(at::Generator& generator, Random& random) {
  const Progress progress{epochs_done(), timetable_.epochs};
  Decoding decoding{space_, relaxation_, importance(), {}, {}, {}, options_.decoding_samples, random};
  for (torch::Tensor& weights : decoding.importance.weights) {
    weights = weights.to(torch::TensorOptions(options_.type).device(options_.device));
  }
  decoding.accuracy = [this](const Mixture& mixture) { return accuracy(mixture); };
  decoding.draw = [this, &generator, progress] { return method_->mixture(progress, generator); };
  if (options_.tune_steps > 0) {
    // An optimizer of its own: the search's is as before afterwards.
    auto steps =
        std::make_shared<SearchSteps>(*net_, *method_, recipe_.optimizer, recipe_.gradient_clip, options_.parts);
    const double rate = learning_rate_at(recipe_, timetable_, step_);
    decoding.tune = [this, steps, rate](const Mixture& mixture) {
      Loader loader(halves_.first, recipe_.augmentation, recipe_.batch, derive_seed(seed_, "tuning"));
      for (int i = 0; i < options_.tune_steps; ++i) steps->train_weights(loader.next(), mixture, rate);
    };
  }
  return decoding;
}

Checkpoint OneShotSearch::checkpoint() const {
  Checkpoint checkpoint;
  checkpoint.configuration = heaviest();
  checkpoint.network = space_.fill(checkpoint.configuration).network;
  checkpoint.recipe = recipe_;
  checkpoint.data = {{"options", to_json(options_.data_options)},
                     {"class_names", class_names_},
                     {"mean", normalization_.mean},
                     {"deviation", normalization_.deviation}};
  checkpoint.metrics = Json::object();
  checkpoint.progress = {{"method", method_options_.find("name")->text},
                         {"seed", seed_},
                         {"step", step_},
                         {"batches", timetable_.batches},
                         {"parts", options_.parts},
                         {"fidelity", epochs_done()},
                         {"loss_sum", loss_sum_},
                         {"correct", correct_},
                         {"seen", seen_},
                         {"health", health_.progress()}};
  checkpoint.evaluated = "supernet.";
  append_with_prefix(checkpoint.tensors, module_tensors(*net_), "supernet.");
  append_with_prefix(checkpoint.tensors, method_->state(), "architecture.");
  append_with_prefix(checkpoint.tensors, steps_.optimizer().state(), "optimizer.");
  append_with_prefix(checkpoint.tensors, health_.state(), "health.");
  checkpoint.tensors.emplace_back("random.state", random_state_);
  return checkpoint;
}

void OneShotSearch::restore(const Checkpoint& checkpoint, const std::string& file) {
  const auto part = [&](const std::string& prefix) { return with_prefix_removed(checkpoint.tensors, prefix); };
  const torch::Tensor* random_state = find_tensor(checkpoint.tensors, "random.state");
  try {
    const Json& progress = checkpoint.progress;
    const auto step = progress.at("step").get<std::int64_t>();
    if (progress.at("method") != method_options_.find("name")->text ||
        progress.at("batches").get<std::int64_t>() != timetable_.batches ||
        progress.at("parts").get<std::int64_t>() != options_.parts || step < 0 || random_state == nullptr ||
        random_state->sizes() != random_state_.sizes() || random_state->scalar_type() != torch::kByte) {
      throw invalid({file, 0, 0},
                    "the checkpoint is of another method, other data, another batch size or other parts of it",
                    "start from scratch");
    }
    copy_tensors(part("supernet."), module_tensors(*net_), file);
    method_->restore(part("architecture."), file);
    steps_.optimizer().restore(part("optimizer."), file);
    random_state_ = random_state->clone();
    step_ = step;
    loss_sum_ = progress.at("loss_sum").get<double>();
    correct_ = progress.at("correct").get<std::int64_t>();
    seen_ = progress.at("seen").get<std::int64_t>();
    health_.restore(progress.contains("health") ? progress.at("health") : Json(), part("health."));
  } catch (const Json::exception&) {
    throw invalid({file, 0, 0}, "the checkpoint does not say how far the search had come", "start from scratch");
  }
}

}  // namespace netwright
