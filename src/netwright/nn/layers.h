// Factories of the standard layers, for the table in operations.cpp.
#pragma once

#include <memory>

#include "netwright/nn/operations.h"

namespace netwright::layers {

using Made = std::shared_ptr<Layer>;

// layers_convolution.cpp: images to images, with weights.
Made nor_conv(const LayerContext& context);
Made conv_bn(const LayerContext& context);
Made conv(const LayerContext& context);
Made sep_conv(const LayerContext& context);
Made dil_conv(const LayerContext& context);
Made factorized_reduce(const LayerContext& context);
Made skip_connect(const LayerContext& context);
Made align(const LayerContext& context);

// layers_block.cpp: blocks with a shortcut, and heads.
Made residual_block(const LayerContext& context);
Made inverted_residual(const LayerContext& context);
Made squeeze_excite(const LayerContext& context);
Made auxiliary_classifier(const LayerContext& context);

// layers_plain.cpp: what has no convolution.
Made none(const LayerContext& context);
Made identity(const LayerContext& context);
Made add(const LayerContext& context);
Made concat(const LayerContext& context);
Made max_pool(const LayerContext& context);
Made avg_pool(const LayerContext& context);
Made batch_norm(const LayerContext& context);
Made layer_norm(const LayerContext& context);
Made bn_relu(const LayerContext& context);
Made relu(const LayerContext& context);
Made activation(const LayerContext& context);
Made dropout(const LayerContext& context);
Made global_pool(const LayerContext& context);
Made flatten(const LayerContext& context);
Made linear(const LayerContext& context);
Made dense(const LayerContext& context);
Made classifier(const LayerContext& context);

}  // namespace netwright::layers
