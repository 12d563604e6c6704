#include "fovea/autograd/surroundings.hpp"

namespace fovea { inline namespace FOVEA_PRECISION {

namespace {

thread_local Surroundings here;

}  // namespace

Surroundings& surroundings() { return here; }

Observer::~Observer() {
  Observer** at = &here.observer;
  while (*at && *at != this) at = &(*at)->outer;
  if (*at) *at = outer;
}

}}  // namespace fovea
