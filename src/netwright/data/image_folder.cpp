#include "netwright/data/image_folder.h"

#include <algorithm>
#include <atomic>
#include <exception>
#include <filesystem>
#include <limits>
#include <mutex>
#include <thread>

#include "netwright/base/text.h"
#include "netwright/data/checks.h"
#include "netwright/data/image_file.h"

namespace netwright {
namespace {

namespace fs = std::filesystem;

struct Entry {
  std::string name;
  bool folder = false;
};

// What a folder holds, sorted, without hidden entries.
std::vector<Entry> list(const std::string& path) {
  std::error_code error;
  std::vector<Entry> entries;
  for (fs::directory_iterator at(path, error), end; !error && at != end; at.increment(error)) {
    const std::string name = at->path().filename().string();
    if (name.starts_with('.')) continue;
    std::error_code ignored;
    entries.push_back({name, at->is_directory(ignored)});
  }
  if (error) throw invalid({path, 0, 0}, "cannot read this folder: " + error.message(), "check data.path");
  std::sort(entries.begin(), entries.end(), [](const Entry& a, const Entry& b) { return a.name < b.name; });
  return entries;
}

bool has_sub_folders(const std::string& path) {
  if (!is_folder(path)) return false;
  const auto entries = list(path);
  return std::any_of(entries.begin(), entries.end(), [](const Entry& entry) { return entry.folder; });
}

void list_class(const std::string& path, std::int32_t label, ImageFolder& folder) {
  const std::size_t before = folder.files.size();
  for (const Entry& entry : list(path)) {
    const std::string file = path + "/" + entry.name;
    if (entry.folder) {
      throw invalid({file, 0, 0}, "a folder within a class",
                    "the pictures of a class lie directly in its folder: root/class/*.png, *.jpg");
    }
    if (!has_image_extension(entry.name)) {
      throw invalid({file, 0, 0}, "not a picture, by its name", "remove it; .png, .jpg and .jpeg are read");
    }
    folder.files.push_back(file);
    folder.labels.push_back(label);
  }
  if (folder.files.size() == before) {
    throw invalid({path, 0, 0}, "a class without a picture", "put .png or .jpg files into this folder, or remove it");
  }
  if (folder.files.size() > std::numeric_limits<std::int32_t>::max()) {
    throw invalid({path, 0, 0}, "more than 2^31 pictures", "use fewer");
  }
}

std::vector<std::string> class_folders(const std::string& path) {
  std::vector<std::string> names;
  for (const Entry& entry : list(path)) {
    if (!entry.folder) continue;
    if (!is_utf8(entry.name)) {
      throw invalid({path, 0, 0}, "holds a class folder whose name is not valid UTF-8", "rename it");
    }
    names.push_back(entry.name);
  }
  if (names.size() < 2) {
    throw invalid({path, 0, 0},
                  names.empty() ? "holds no class folders" : "holds a single class folder, '" + names.front() + "'",
                  "arrange the pictures as class/*.png with two classes or more, or as train/class/*.png with "
                  "test/class/*.png");
  }
  return names;
}

}  // namespace

ImageFolders find_image_folders(const std::string& root, const std::string& test_path) {
  if (!is_folder(root)) throw invalid({root, 0, 0}, "no such folder", "check data.path");
  ImageFolders folders{root, test_path};
  if (has_sub_folders(root + "/train") && has_sub_folders(root + "/test")) {
    folders.train = root + "/train";
    if (test_path.empty()) folders.test = root + "/test";
  }
  if (!folders.test.empty() && !is_folder(folders.test)) {
    throw invalid({folders.test, 0, 0}, "no such folder", "check data.test_path");
  }
  return folders;
}

ImageFolder list_image_folder(const std::string& path, const std::vector<std::string>* class_names) {
  ImageFolder folder;
  const auto names = class_folders(path);
  folder.class_names = class_names != nullptr ? *class_names : names;
  for (const std::string& name : names) {
    const auto& known = folder.class_names;
    const auto at = std::find(known.begin(), known.end(), name);
    if (at == known.end()) {
      throw invalid({path + "/" + name, 0, 0}, "a class that the training data does not have", suggest(name, known));
    }
    list_class(path + "/" + name, static_cast<std::int32_t>(at - known.begin()), folder);
  }
  return folder;
}

Examples load_images(const ImageFolder& folder, const std::vector<std::int32_t>& which, std::int64_t side,
                     int threads) {
  Examples examples;
  examples.shape = {3, side, side};
  examples.class_names = folder.class_names;
  for (const std::int32_t index : which) examples.labels.push_back(folder.labels[static_cast<std::size_t>(index)]);
  const auto bytes = static_cast<std::size_t>(side * side * 3);
  if (which.size() * bytes > machine_memory()) {
    throw invalid(
        {}, std::to_string(which.size()) + " pictures of " + to_string(examples.shape) + " are larger than the memory",
        "lower data.image_size or data.train_limit");
  }
  examples.pixels.resize(which.size() * bytes);

  std::atomic<std::size_t> claimed{0};
  std::atomic<bool> failed{false};
  std::mutex mutex;
  std::exception_ptr error;
  std::size_t error_at = which.size();
  const auto work = [&] {
    while (!failed) {
      const std::size_t i = claimed++;
      if (i >= which.size()) return;
      try {
        const Picture picture = read_picture(folder.files[static_cast<std::size_t>(which[i])], side);
        resize_to_square(picture, side, examples.pixels.data() + i * bytes);
      } catch (...) {
        // Whatever comes before this one is claimed already, so the first broken file is named however many there are.
        const std::lock_guard lock(mutex);
        failed = true;
        if (i < error_at) {
          error_at = i;
          error = std::current_exception();
        }
      }
    }
  };
  {
    std::vector<std::jthread> helpers;
    for (int i = 1; i < threads; ++i) helpers.emplace_back(work);
    work();
  }
  if (error) std::rethrow_exception(error);
  return examples;
}

}  // namespace netwright
