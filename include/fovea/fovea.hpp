// Everything that a user may type, in layer order: the map of the library. Each header can be
// included alone.
#pragma once

// clang-format off
// The order is that of the layers, not of the alphabet.
#include "fovea/base/error.hpp"             // what is thrown
#include "fovea/base/random.hpp"            // numbers that are a function of seed and position
#include "fovea/base/real.hpp"              // real, Index
#include "fovea/memory/buffer.hpp"          // recycled blocks, counted
#include "fovea/shape/shape.hpp"            // sizes
#include "fovea/parallel/threads.hpp"       // set_threads
#include "fovea/runtime/runtime_info.hpp"   // what runs: for bug reports
#include "fovea/array/array.hpp"            // numbers
#include "fovea/array/ids.hpp"              // integers that name rows and classes
#include "fovea/array/mask.hpp"             // which positions to keep
#include "fovea/array/make.hpp"             // zeros, arange, rand, casts
#include "fovea/array/print.hpp"            // arrays as text
#include "fovea/autograd/gradient.hpp"      // dense, or touched rows
#include "fovea/autograd/tensor.hpp"        // numbers with a place in the graph
#include "fovea/autograd/surroundings.hpp"  // NoGrad, Observer
#include "fovea/autograd/graph.hpp"         // record, for operations of your own
#include "fovea/ops/options.hpp"            // axes, ranges, windows
#include "fovea/ops/ops.hpp"                // every differentiable function
#include "fovea/ops/allclose.hpp"           // equal but for rounding
#include "fovea/ops/recurrent.hpp"          // gru and lstm
#include "fovea/ops/record_many.hpp"        // record for lists of inputs
#include "fovea/diff/grad.hpp"              // gradients as results, hooks, recomputation
#include "fovea/diff/gradcheck.hpp"         // gradients against differences
#include "fovea/diff/anomaly.hpp"           // where the first NaN came from
#include "fovea/diff/memory_by_layer.hpp"   // which layer needs the memory
#include "fovea/nn/module.hpp"              // what a module is
#include "fovea/nn/caller.hpp"              // modules inside modules
#include "fovea/nn/in_layer.hpp"            // what a Caller does, for one call
#include "fovea/nn/chain.hpp"               // layers in order
#include "fovea/nn/init.hpp"                // random weights
#include "fovea/nn/embedding.hpp"           // rows of a table by id
#include "fovea/nn/attention_layer.hpp"     // attention with projections, additive and others
#include "fovea/nn/attention.hpp"           // Attention, AdditiveAttention: without projections
#include "fovea/nn/multi_head_attention.hpp"  // MultiHeadAttention
#include "fovea/nn/dense.hpp"               // x W + b
#include "fovea/nn/dropout.hpp"             // Dropout, DropMask
#include "fovea/nn/norm.hpp"                // norms by layer and by batch
#include "fovea/nn/norm.hpp"                // of positions, and of batches
#include "fovea/nn/convolution.hpp"         // Conv1D, Conv2D
#include "fovea/nn/pooling.hpp"             // windows, and whole samples
#include "fovea/nn/shaping.hpp"             // Flatten, Reshape, Permute, ActivationLayer, Lambda
#include "fovea/nn/recurrent.hpp"           // GRU, LSTM
#include "fovea/nn/bidirectional.hpp"       // GRU and LSTM in both directions
#include "fovea/nn/time_distributed.hpp"    // a module at each position
#include "fovea/nn/residual.hpp"            // x + module(x)
#include "fovea/optim/step_options.hpp"     // clipping, groups of parameters
#include "fovea/optim/adam.hpp"             // Adam
#include "fovea/optim/adamw.hpp"            // AdamW
#include "fovea/optim/sgd.hpp"              // SGD
#include "fovea/optim/rmsprop.hpp"          // RMSprop
#include "fovea/optim/adagrad.hpp"          // Adagrad
#include "fovea/optim/lion.hpp"             // Lion
#include "fovea/optim/schedules.hpp"        // learning rates that change with the step
#include "fovea/optim/optimizer.hpp"        // an optimiser of any type
#include "fovea/io/npy.hpp"                 // arrays from and to .npy and .npz
#include "fovea/io/safetensors.hpp"         // named tensors from and to safetensors
#include "fovea/io/error.hpp"               // what files throw besides
#include "fovea/io/text_file.hpp"           // texts and pictures as files
#include "fovea/io/file_array.hpp"          // arrays in files, row by row
#include "fovea/data/sample_set.hpp"        // what a model is given
#include "fovea/train/weights.hpp"          // parameters from and to files
#include "fovea/data/dataset.hpp"           // the same, from elsewhere than memory
#include "fovea/data/file_dataset.hpp"      // the same, from files
#include "fovea/data/batch_order.hpp"       // which samples make a batch
#include "fovea/data/csv.hpp"               // columns of CSV files
#include "fovea/data/idx.hpp"               // MNIST's files
#include "fovea/data/padding.hpp"           // sequences of one length
#include "fovea/data/split.hpp"             // samples in two parts
#include "fovea/data/text_folder.hpp"       // texts in folders
#include "fovea/data/sample_set.hpp"        // what a model is given
#include "fovea/data/text_vectorization.hpp"  // texts as ids or counts
#include "fovea/data/utf8.hpp"              // valid and invalid UTF-8
#include "fovea/train/model.hpp"            // compile, fit, evaluate, predict
#include "fovea/train/checkpoints.hpp"      // ModelCheckpoint, BackupAndRestore
#include "fovea/train/find_learning_rate.hpp"  // a rate to begin with
#include "fovea/train/sequential.hpp"       // the same of layers in order
#include "fovea/train/load_model.hpp"       // a Sequential from its file alone
#include "fovea/viz/attention_map.hpp"      // attention as heat map and page
#include "fovea/viz/attention_statistics.hpp"  // entropy, distance, rollout of attention
#include "fovea/viz/attention_text.hpp"     // words shaded by attention
#include "fovea/viz/graph_dot.hpp"          // the graph for Graphviz
#include "fovea/viz/live_page.hpp"          // a training in the browser
#include "fovea/viz/rate_sweep_svg.hpp"     // the curve of find_learning_rate
#include "fovea/viz/plot_svg.hpp"           // curves as SVG
// clang-format on
