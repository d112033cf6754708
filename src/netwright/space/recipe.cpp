#include "netwright/space/recipe.h"

#include <utility>
#include <vector>

#include "netwright/base/error.h"
#include "netwright/space/value.h"

namespace netwright {
namespace {

// Every field with its range, once; reading and writing are two visitors of it.
template <class Visitor>
void visit_optimizer(Visitor& visitor, OptimizerOptions& options) {
  visitor.one_of("name", options.name, {"sgd", "adam", "adamw"});
  visitor.number("learning_rate", options.learning_rate, 0, 1e6);
  visitor.number("momentum", options.momentum, 0, 1);
  visitor.boolean("nesterov", options.nesterov);
  visitor.number("beta1", options.beta1, 0, 1);
  visitor.number("beta2", options.beta2, 0, 1);
  visitor.number("weight_decay", options.weight_decay, 0, 1e6);
  visitor.boolean("decay_norm_and_bias", options.decay_norm_and_bias);
}

template <class Visitor>
void visit_schedule(Visitor& visitor, LearningRateOptions& options) {
  visitor.one_of("name", options.name, {"constant", "step", "cosine"});
  visitor.number("warmup_epochs", options.warmup_epochs, 0, 1e6);
  visitor.number("final_fraction", options.final_fraction, 0, 1);
  visitor.number("step_epochs", options.step_epochs, 1e-3, 1e6);
  visitor.number("gamma", options.gamma, 0, 1);
  visitor.number("horizon_epochs", options.horizon_epochs, 0, 1e6);
}

template <class Visitor>
void visit_augmentation(Visitor& visitor, AugmentationOptions& options) {
  visitor.integer("crop_padding", options.crop_padding, 0, 1024);
  visitor.boolean("flip", options.flip);
  visitor.integer("cutout", options.cutout, 0, 4096);
  visitor.boolean("normalize", options.normalize);
}

template <class Visitor>
void visit_recipe(Visitor& visitor, Recipe& recipe) {
  visitor.number("epochs", recipe.epochs, 1e-3, 1e6);
  visitor.integer("steps", recipe.steps, 0, 1'000'000'000);
  visitor.integer("batch", recipe.batch, 1, 1'000'000);
  visitor.group("optimizer", [&](Visitor& inner) { visit_optimizer(inner, recipe.optimizer); });
  visitor.group("schedule", [&](Visitor& inner) { visit_schedule(inner, recipe.schedule); });
  visitor.group("augmentation", [&](Visitor& inner) { visit_augmentation(inner, recipe.augmentation); });
  visitor.number("gradient_clip", recipe.gradient_clip, 0, 1e9);
  visitor.number("label_smoothing", recipe.label_smoothing, 0, 0.999);
  visitor.number("drop_path", recipe.drop_path, 0, 0.999);
  visitor.number("auxiliary_weight", recipe.auxiliary_weight, 0, 1e6);
  visitor.number("ema", recipe.ema, 0, 0.999999999);
  visitor.number("swa_start", recipe.swa_start, 0, 1);
  visitor.number("train_fraction", recipe.train_fraction, 1e-6, 1);
}

class Reader {
 public:
  Reader(const Yaml& node, const std::string& what) : mapping_(node, what) {}

  void number(const char* key, double& field, double low, double high) {
    field = mapping_.number(key, field, low, high);
  }
  void integer(const char* key, std::int64_t& field, std::int64_t low, std::int64_t high) {
    field = mapping_.integer(key, field, low, high);
  }
  void boolean(const char* key, bool& field) { field = mapping_.boolean(key, field); }
  void one_of(const char* key, std::string& field, const std::vector<std::string>& allowed) {
    field = mapping_.one_of(key, field, allowed);
  }
  template <class Fields>
  void group(const char* key, Fields fields) {
    const Yaml* node = mapping_.optional(key);
    if (node == nullptr) return;
    Reader inner(*node, mapping_.what() + "." + key);
    fields(inner);
    inner.finish();
  }
  void finish() const { mapping_.finish(); }

 private:
  MappingReader mapping_;
};

class Writer {
 public:
  void number(const char* key, const double& field, double, double) { json_[key] = field; }
  void integer(const char* key, const std::int64_t& field, std::int64_t, std::int64_t) { json_[key] = field; }
  void boolean(const char* key, const bool& field) { json_[key] = field; }
  void one_of(const char* key, const std::string& field, const std::vector<std::string>&) { json_[key] = field; }
  template <class Fields>
  void group(const char* key, Fields fields) {
    Writer inner;
    fields(inner);
    json_[key] = inner.take();
  }
  Json take() { return std::move(json_); }

 private:
  Json json_ = Json::object();
};

Yaml yaml_of(const Json& json) {
  if (!json.is_object()) return to_yaml(value_from_json(json));
  Yaml node;
  node.kind = Yaml::Kind::mapping;
  for (const auto& [key, value] : json.items()) node.set(key, yaml_of(value));
  return node;
}

}  // namespace

Recipe parse_recipe(const Yaml& node, const Recipe& base) {
  Recipe recipe = base;
  Reader reader(node, "recipe");
  visit_recipe(reader, recipe);
  reader.finish();
  // Nesterov's momentum needs momentum; asked for by default it gives way, asked for in words it is a contradiction.
  if (recipe.optimizer.name == "sgd" && recipe.optimizer.nesterov && recipe.optimizer.momentum == 0) {
    const Yaml* optimizer = node.find("optimizer");
    const Yaml* nesterov = optimizer != nullptr ? optimizer->find("nesterov") : nullptr;
    if (nesterov != nullptr) {
      throw invalid(nesterov->where, "nesterov without momentum", "set momentum above 0 or nesterov: false");
    }
    recipe.optimizer.nesterov = false;
  }
  return recipe;
}

Json to_json(const Recipe& recipe) {
  Writer writer;
  Recipe copy = recipe;  // the visitor takes fields it may change
  visit_recipe(writer, copy);
  return writer.take();
}

Recipe recipe_from_json(const Json& json) {
  if (!json.is_object()) {
    throw Error(ExitCode::failure, std::string("a recipe must be an object, not ") + json.type_name());
  }
  return parse_recipe(yaml_of(json));
}

Yaml to_yaml(const Recipe& recipe) {
  return yaml_of(to_json(recipe));
}

}  // namespace netwright
