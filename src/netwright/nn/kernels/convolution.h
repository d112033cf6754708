// Training kernels for the block that cell networks are made of: ReLU, dense convolution, batch norm, activation.
//
// Why our own: LibTorch runs that block as four operations, each of which reads and writes every activation from main
// memory, forward and backward, and its convolutions reach about half of a small core's arithmetic peak at 16 to 64
// channels. Here an image is copied once, with its ReLU and its zero border, into a buffer that fits the second-level
// cache; convolution, batch statistics and the batch norm's gradient work on it there. The arithmetic is the textbook's
// in float32: no Winograd, no reduced precision. Statistics and all sums over the batch are carried in double.
//
// Images are channels_last (N, H, W, C), weights likewise (O, kernel, kernel, I); stride 1, odd kernel, padding
// kernel/2. No LibTorch in here: nn/fused.h makes an autograd function of it.
// Results depend on the number of threads only in the order of sums; with one thread they repeat bit for bit.
#pragma once

#include <cstdint>

namespace netwright::kernels {

// Whether this machine can run the functions below: on x86 they need AVX2 and FMA.
bool available();

enum class Clamp { none, relu, relu6 };

struct BlockShape {
  std::int64_t samples = 0, height = 0, width = 0;
  std::int64_t in = 0, out = 0;  // channels
  std::int64_t kernel = 1;
  bool relu_before = false;
  Clamp after = Clamp::none;
  int threads = 1;

  std::int64_t positions() const { return samples * height * width; }
};

// z = convolution(relu?(x)), and the mean and the biased variance of each channel of z over batch and positions.
void convolve(const BlockShape& shape, const float* x, const float* weight, float* z, float* mean, float* variance);

// Mean and biased variance alone, of a z that came from elsewhere. This and the next two functions use of the shape
// only its positions, `out`, `after` and threads.
void moments(const BlockShape& shape, const float* z, float* mean, float* variance);

// y = clamp(z * scale + shift), by channel (shape.out).
void normalize(const BlockShape& shape, const float* z, const float* scale, const float* shift, float* y);

// By channel, over batch and positions, with g = dy where the clamp let pass, else 0: the sums of g and g * (z - mean).
void gradient_sums(const BlockShape& shape, const float* dy, const float* z, const float* mean, const float* scale,
                   const float* shift, double* sum, double* centred);

// The gradient of z by channel: dz = a * g + b * z + c.
struct NormGradient {
  const float* a;
  const float* b;
  const float* c;
};

void norm_backward(const BlockShape& shape, const float* dy, const float* z, const float* scale, const float* shift,
                   const NormGradient& gradient, float* dz);

// Gradients of the weights and of x, each unless its place is null. `dz` is never stored.
void convolve_backward(const BlockShape& shape, const float* x, const float* weight, const float* dy, const float* z,
                       const float* scale, const float* shift, const NormGradient& gradient, float* dx, float* dweight);

}  // namespace netwright::kernels
