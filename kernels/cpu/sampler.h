// Draws one token from a row of logits, and reports log-probabilities.
#ifndef KVASIR_SAMPLER_H
#define KVASIR_SAMPLER_H

#include "kvasir.h"

namespace kvasir {

class Sampler {
 public:
  static int64_t scratch_floats(int32_t vocab) { return 4 * static_cast<int64_t>(vocab); }

  // `scratch` is aligned to 64 bytes.
  Sampler(const float* logits, int32_t vocab, float* scratch);

  // Writes row `output` of every part of the result that is wanted.
  void sample(const kvs_sampling& settings, const int32_t* history, const int32_t* bias_ids,
              const float* bias_values, const kvs_step_result& result, int64_t output);

 private:
  // `allowed` as in kvs_sampling: what it leaves out becomes -infinity.
  void load_logits(const uint32_t* allowed);
  void penalise(const kvs_sampling& settings, const int32_t* history);
  int32_t draw(const kvs_sampling& settings);
  void report(const kvs_sampling& settings, int32_t token, const kvs_step_result& result, int64_t output);

  bool better(int32_t a, int32_t b) const { return values_[a] != values_[b] ? values_[a] > values_[b] : a < b; }
  int32_t best() const;
  // Makes best_[0 .. count) the best tokens in order: value descending, then id ascending.
  void rank(int32_t count);
  // The i-th best token; ranks more where needed.
  int32_t ranked(int32_t i);

  const float* logits_;
  int32_t vocab_;
  double* values_;   // [vocab]
  int32_t* best_;    // [vocab], the first `ranked_` in order
  int32_t* counts_;  // [vocab], only set where the history names a token
  int32_t ranked_ = 0;
  int32_t first_ = 0;  // the lowest id that may be drawn
};

}  // namespace kvasir

#endif
