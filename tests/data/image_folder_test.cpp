#include "netwright/data/image_folder.h"

#include <torch/torch.h>

#include <cmath>

#include "data/files.h"
#include "netwright/data/image_file.h"
#include "netwright/data/resize.h"

namespace netwright {
namespace {

using namespace testing;

Picture make_picture(std::int64_t width, std::int64_t height, std::vector<std::uint8_t> pixels) {
  return {width, height, std::move(pixels)};
}

TEST(Resize, SameSizeIsUnchanged) {
  const Picture picture = make_picture(8, 8, gradient(8, 8, 1, 2));
  std::vector<std::uint8_t> out(8 * 8 * 3);
  resize_to_square(picture, 8, out.data());
  EXPECT_EQ(out, picture.pixels);
}

TEST(Resize, AgreesWithTorch) {
  torch::manual_seed(1);
  for (const auto& [width, height, side] :
       {std::tuple{64, 64, 32}, {100, 37, 32}, {5, 9, 32}, {33, 31, 32}, {7, 7, 1}}) {
    const auto source = torch::randint(0, 256, {height, width, 3}, torch::kUInt8);
    const auto* bytes = source.data_ptr<std::uint8_t>();
    std::vector<std::uint8_t> ours(static_cast<std::size_t>(side * side * 3));
    resize_to_square(make_picture(width, height, {bytes, bytes + source.numel()}), side, ours.data());
    const auto theirs = at::_upsample_bilinear2d_aa(source.permute({2, 0, 1}).unsqueeze(0).to(torch::kFloat64),
                                                    {side, side}, /*align_corners=*/false)[0]
                            .permute({1, 2, 0});
    const auto mine = torch::from_blob(ours.data(), {side, side, 3}, torch::kUInt8).to(torch::kFloat64);
    EXPECT_LE((mine - theirs).abs().max().item<double>(), 0.51) << width << "x" << height << " to " << side;
  }
}

TEST(Picture, PngFormsBecomeRgb) {
  const TemporaryFolder folder;
  const auto read = [&](const std::string& content) {
    write_bytes(folder / "p.png", content);
    return read_picture(folder / "p.png", 32);
  };
  const auto rgb = gradient(5, 4, 10, 20);
  EXPECT_EQ(read(png(5, 4, PNG_FORMAT_RGB, rgb)).pixels, rgb);
  const Picture grey = read(png(2, 1, PNG_FORMAT_GRAY, {7, 200}));
  EXPECT_EQ(grey.pixels, (std::vector<std::uint8_t>{7, 7, 7, 200, 200, 200}));
  const Picture clear = read(png(2, 1, PNG_FORMAT_RGBA, {9, 8, 7, 255, 9, 8, 7, 0}));  // opaque, transparent
  EXPECT_EQ(clear.pixels, (std::vector<std::uint8_t>{9, 8, 7, 0, 0, 0}));
}

TEST(Picture, JpegIsReadByContentNotByName) {
  const TemporaryFolder folder;
  const auto rgb = gradient(40, 24, 60, 120);
  for (const bool progressive : {false, true}) {
    write_bytes(folder / "p.png", jpeg(40, 24, rgb, progressive));
    const Picture picture = read_picture(folder / "p.png", 24);
    ASSERT_EQ(picture.pixels.size(), rgb.size());
    int worst = 0;
    for (std::size_t i = 0; i < rgb.size(); ++i) worst = std::max(worst, std::abs(picture.pixels[i] - rgb[i]));
    EXPECT_LE(worst, 6);
  }
}

TEST(Picture, LargeJpegsAreDecodedSmaller) {
  const TemporaryFolder folder;
  write_bytes(folder / "p.jpg", jpeg(400, 320, gradient(400, 320, 60, 120)));
  const Picture picture = read_picture(folder / "p.jpg", 32);
  EXPECT_EQ(picture.width, 100);
  EXPECT_EQ(picture.height, 80);
  std::vector<std::uint8_t> small(32 * 32 * 3);
  resize_to_square(picture, 32, small.data());
  EXPECT_NEAR(small[0], 60, 3);
  EXPECT_NEAR(small[1], 120, 3);
}

TEST(Picture, RefusesWhatIsNoPicture) {
  const TemporaryFolder folder;
  const auto expect = [&](const std::string& content, const std::string& part) {
    write_bytes(folder / "p.png", content);
    expect_invalid([&] { read_picture(folder / "p.png", 32); }, folder / "p.png", part);
  };
  expect("", "empty file");
  expect("GIF89a...", "neither a PNG nor a JPEG");
  const std::string good_png = png(20, 16, PNG_FORMAT_RGB, gradient(20, 16, 1, 2));
  expect(good_png.substr(0, 20), "not a valid PNG");
  expect(good_png.substr(0, good_png.size() / 2), "PNG");
  const std::string good_jpeg = jpeg(20, 16, gradient(20, 16, 1, 2));
  expect(good_jpeg.substr(0, 20), "JPEG");
  expect(good_jpeg.substr(0, good_jpeg.size() - 40), "JPEG");
}

TEST(Picture, HugeHeadersAllocateNothing) {
  const TemporaryFolder folder;
  const auto expect = [&](const std::string& content) {
    write_bytes(folder / "p", content);
    expect_invalid([&] { read_picture(folder / "p", 32); }, folder / "p", "");
  };
  for (const std::uint32_t side : {8192U, 100000U, 0x7fffffffU}) {
    std::string picture = png(20, 16, PNG_FORMAT_RGB, gradient(20, 16, 1, 2));
    picture.replace(16, 8, big_endian(side) + big_endian(side));
    const auto crc = crc32(0, reinterpret_cast<const Bytef*>(picture.data()) + 12, 17);
    picture.replace(29, 4, big_endian(static_cast<std::uint32_t>(crc)));
    expect(picture);
  }
  std::string picture = jpeg(20, 16, gradient(20, 16, 1, 2), true);
  const std::size_t frame = picture.find("\xff\xc2");
  ASSERT_NE(frame, std::string::npos);
  picture.replace(frame + 5, 4, std::string("\x1f\xff\x1f\xff", 4));  // 8191 x 8191
  expect(picture);
}

TEST(ImageFolder, ReadsClassesInOrder) {
  const TemporaryFolder folder;
  write_image_folder(folder.path());
  write_bytes(folder / "cat/.hidden", "x");
  write_bytes(folder / "README", "not a class");
  const ImageFolder listing = list_image_folder(folder.path());
  EXPECT_EQ(listing.class_names, (std::vector<std::string>{"cat", "dog"}));
  ASSERT_EQ(listing.files.size(), 16U);
  const Examples one = load_images(listing, {0, 3, 9}, 8, 1);
  const Examples many = load_images(listing, {0, 3, 9}, 8, 4);
  EXPECT_EQ(one.pixels, many.pixels);
  EXPECT_EQ(one.labels, (std::vector<std::int32_t>{0, 0, 1}));
  EXPECT_EQ(one.shape, (Shape{3, 8, 8}));
  EXPECT_EQ(one.pixels[8 * 8 * 3], 30);  // the fourth cat's red
}

TEST(ImageFolder, TrainAndTestFoldersAreFound) {
  const TemporaryFolder folder;
  write_image_folder(folder / "train");
  write_image_folder(folder / "test", 3);
  const DataOptions options = options_for("image-folder", folder.path());
  EXPECT_EQ(open_data(options).training.size() + open_data(options).validation.size(), 16);
  EXPECT_EQ(open_test_data(options, FinalEvaluation()).size(), 6);
  DataOptions other = options;
  other.test_path = folder / "train";
  EXPECT_EQ(open_test_data(other, FinalEvaluation()).size(), 16);
  std::filesystem::rename(folder / "test/cat", folder / "test/cow");
  expect_invalid([&] { open_data(options); }, folder / "test/cow", "does not have");
}

TEST(ImageFolder, AClassMayBeCalledTrain) {
  const TemporaryFolder folder;
  write_image_folder(folder.path());
  std::filesystem::rename(folder / "cat", folder / "train");
  EXPECT_EQ(open_data(options_for("image-folder", folder.path())).training.class_names(),
            (std::vector<std::string>{"dog", "train"}));
}

TEST(ImageFolder, MistakesAreNamed) {
  const TemporaryFolder folder;
  write_image_folder(folder.path());
  const auto open = [&] { open_data(options_for("image-folder", folder.path())); };
  write_bytes(folder / "cat/notes.txt", "x");
  expect_invalid(open, folder / "cat/notes.txt", "not a picture");
  std::filesystem::remove(folder / "cat/notes.txt");
  write_bytes(folder / "cat/3.png", "x");  // broken, whichever split it falls into but the test split
  write_bytes(folder / "cat/4.png", "x");
  write_bytes(folder / "cat/5.png", "x");
  expect_invalid(open, folder / "cat/", "neither a PNG nor a JPEG");
  std::filesystem::remove_all(folder / "cat");
  expect_invalid(open, folder.path(), "a single class folder, 'dog'");
  std::filesystem::create_directory(folder / "cat");
  expect_invalid(open, folder / "cat", "without a picture");
  write_image_folder(folder / "cat");
  expect_invalid(open, folder / "cat/cat", "a folder within a class");
  std::filesystem::remove_all(folder / "cat");
  std::filesystem::remove_all(folder / "dog");
  expect_invalid(open, folder.path(), "no class folders");
}

}  // namespace
}  // namespace netwright
