// The graph as dot, curves as SVG.
#include <doctest/doctest.h>

#include <cmath>
#include <limits>

#include "fovea/fovea.hpp"
#include "support/refusal.hpp"
#include "support/text.hpp"

using namespace fovea;
using support::contains;
using support::count;
using support::refusal;

namespace {

const std::string bytes = std::to_string(6 * sizeof(real));

}  // namespace

TEST_CASE(
    "the graph has a node for each operation and parameter, an arrow for each use, shapes and "
    "bytes") {
  const Tensor x = Tensor::parameter(Array::zeros(Shape{2, 3}));
  const std::string dot = graph_dot(sum(exp(x) * x));
  CHECK(dot ==
        "digraph fovea {\n  rankdir=BT;\n  node [fontname=\"sans-serif\"];\n"
        "  n0 [label=\"sum\\n() " +
            std::to_string(sizeof(real)) +
            " bytes\", shape=ellipse];\n"
            "  n1 [label=\"multiply\\n(2, 3) " +
            bytes +
            " bytes\", shape=ellipse];\n"
            "  n2 [label=\"exp\\n(2, 3) " +
            bytes +
            " bytes\", shape=ellipse];\n"
            "  n3 [label=\"parameter\\n(2, 3) " +
            bytes +
            " bytes\", shape=box];\n"
            "  n1 -> n0;\n  n2 -> n1;\n  n3 -> n1;\n  n3 -> n2;\n}\n");
}

TEST_CASE("layers are frames, parameters have paths, frozen ones are dashed") {
  Sequential model{Dense{2, Activation::relu}, Dense{1}};
  model.build(Shape{3});
  model.layers()[0].as<Dense>()->bias.set_requires_grad(false);
  const std::string dot = graph_dot(sum(model(Array::zeros(Shape{1, 3}))));
  CHECK(count(dot, "subgraph cluster_") == 2);
  CHECK(contains(dot, "label=\"sequential/dense_1\""));
  CHECK(
      contains(dot, "label=\"sequential/dense/kernel\\n(3, 2) " + bytes + " bytes\", shape=box]"));
  CHECK(contains(dot, "label=\"sequential/dense/bias\\n(2,) " + std::to_string(2 * sizeof(real)) +
                          " bytes\", shape=box, style=dashed]"));
  CHECK(refusal<StateError>([&] { graph_dot(Tensor(Array::zeros(Shape{}))); }) ==
        "graph_dot: the tensor has no graph: it is a constant, or was computed where nothing is "
        "recorded");
}

TEST_CASE(
    "a chart has a line, a legend and its numbers; gaps where numbers are missing; text is "
    "escaped") {
  const double nan = std::numeric_limits<double>::quiet_NaN();
  const std::string svg =
      plot_svg({{"loss <1>", {3, 2, nan, 1}}, {"val & \"loss\"", {4}}},
               {.title = "run", .x_label = "epoch", .width = 400, .height = 300});
  CHECK(svg.starts_with("<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"400\" height=\"300\""));
  CHECK(svg.ends_with("</svg>\n"));
  CHECK(contains(svg, ">loss &lt;1&gt;</text>"));
  CHECK(contains(svg, ">val &amp; &quot;loss&quot;</text>"));
  CHECK(contains(svg, ">epoch</text>"));
  CHECK(count(svg, "<circle") == 4);
  CHECK(count(svg, " fill=\"none\" stroke=") == 2);
  CHECK(!contains(svg, "nan"));
  CHECK(contains(svg,
                 "M64.0 113.9L170.7 178.1M384.0 242.4\" fill=\"none\""));  // nothing between the
                                                                           // second and the fourth
}

TEST_CASE("curves rise to the right and upwards") {
  const std::string svg = plot_svg({{"", {0, 10}}}, {.width = 200, .height = 150});
  CHECK(contains(svg, "<path d=\"M64.0 113.4L184.0 20.6\" fill=\"none\""));
}

TEST_CASE("a flat curve is in the middle, and one that is flat but for rounding ends") {
  CHECK(contains(plot_svg({{"", {2, 2}}}, {.width = 200, .height = 150}),
                 "<path d=\"M64.0 67.0L184.0 67.0\" fill=\"none\""));
  for (const double y : {0.6931471805599453, 1e16, -3e-300})
    CHECK(contains(plot_svg({{"", {y, std::nextafter(y, 1e300)}}}), "</svg>"));
}

TEST_CASE("charts of nothing, or too small, are refused") {
  CHECK(refusal<ValueError>([] { plot_svg({}); }) == "plot_svg: no series has a finite number");
  CHECK(refusal<ValueError>([] {
          plot_svg({{"", {1}}}, {.width = 10});
        }) == "plot_svg: 10 by 400 pixels; it must be at least 200 by 150");
  CHECK(refusal<ValueError>([] {
          plot_svg({{"", {-1.7e308, 1.7e308}}});
        }).starts_with("plot_svg: numbers from -1.7e+308"));
}
