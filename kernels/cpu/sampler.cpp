#include "sampler.h"

#include <math.h>

#include <algorithm>
#include <numeric>

namespace kvasir {

namespace {

// A number in [0, 1) from the seed and which draw it is: the finaliser of splitmix64 (Steele et al. 2014).
double uniform(uint64_t seed, uint64_t draw) {
  uint64_t z = seed + 0x9E3779B97F4A7C15u * (draw + 1);
  z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
  z = (z ^ (z >> 27)) * 0x94D049BB133111EBu;
  z ^= z >> 31;
  return static_cast<double>(z >> 11) * 0x1p-53;
}

// Likelihood relative to the likeliest. Below e^-60 it cannot change a sum of doubles that holds a 1.
double weight(double value, double greatest, double temperature) {
  if (value == greatest) return 1;
  const double exponent = (value - greatest) / temperature;
  return exponent < -60 ? 0 : exp(exponent);
}

// What is not a number counts as the least likely, so that there is always an order.
double orderable(double value) { return isnan(value) ? -INFINITY : value; }

}  // namespace

Sampler::Sampler(const float* logits, int32_t vocab, float* scratch)
    : logits_(logits),
      vocab_(vocab),
      values_(reinterpret_cast<double*>(scratch)),
      best_(reinterpret_cast<int32_t*>(scratch + 2 * static_cast<int64_t>(vocab))),
      counts_(best_ + vocab) {}

void Sampler::sample(const kvs_sampling& settings, const int32_t* history, const int32_t* bias_ids,
                     const float* bias_values, const kvs_step_result& result, int64_t output) {
  load_logits(settings.allowed);
  for (int32_t i = 0; i < settings.bias_count; ++i) {
    double& value = values_[bias_ids[i]];
    value = orderable(value + static_cast<double>(bias_values[i]));
  }
  penalise(settings, history);
  const int32_t token = settings.temperature == 0 ? best() : draw(settings);
  if (result.tokens != nullptr) result.tokens[output] = token;
  report(settings, token, result, output);
}

void Sampler::load_logits(const uint32_t* allowed) {
  ranked_ = 0;
  first_ = 0;
  if (allowed == nullptr) {
    for (int32_t i = 0; i < vocab_; ++i) values_[i] = orderable(static_cast<double>(logits_[i]));
    return;
  }
  bool any = false;
  for (int32_t start = 0; start < vocab_; start += 32) {
    const int32_t end = start + std::min(32, vocab_ - start);
    const uint32_t word = allowed[start / 32];
    if (word == 0) {
      std::fill(values_ + start, values_ + end, -INFINITY);
      continue;
    }
    for (int32_t i = start; i < end; ++i) {
      const bool may = (word >> (i - start) & 1) != 0;
      values_[i] = may ? orderable(static_cast<double>(logits_[i])) : -INFINITY;
      if (may && !any) first_ = i;
      any = any || may;
    }
  }
}

void Sampler::penalise(const kvs_sampling& s, const int32_t* history) {
  if (s.repetition_penalty == 1 && s.presence_penalty == 0 && s.frequency_penalty == 0) return;
  for (int32_t i = 0; i < s.history_count; ++i) counts_[history[i]] = 0;
  for (int32_t i = s.prompt_length; i < s.history_count; ++i) ++counts_[history[i]];
  constexpr int32_t kDone = -1;
  const auto repetition = static_cast<double>(s.repetition_penalty);
  for (int32_t i = 0; i < s.history_count; ++i) {
    const int32_t count = counts_[history[i]];
    if (count == kDone) continue;
    counts_[history[i]] = kDone;
    double& value = values_[history[i]];
    value = value > 0 ? value / repetition : value * repetition;
    if (count > 0) value -= static_cast<double>(s.presence_penalty) + static_cast<double>(s.frequency_penalty) * count;
  }
}

int32_t Sampler::best() const {
  int32_t best = first_;
  for (int32_t i = best + 1; i < vocab_; ++i) {
    if (values_[i] > values_[best]) best = i;
  }
  return best;
}

int32_t Sampler::draw(const kvs_sampling& s) {
  const auto temperature = static_cast<double>(s.temperature);
  const double greatest = values_[best()];
  if (greatest == -INFINITY) return best();
  const auto weigh = [&](double value) { return weight(value, greatest, temperature); };
  int32_t kept = vocab_;
  if (s.top_k > 0 && s.top_k < vocab_) {
    kept = s.top_k;
    rank(kept);
  }
  double total = 0;
  if (kept < vocab_) {
    for (int32_t i = 0; i < kept; ++i) total += weigh(values_[best_[i]]);
  } else {
    for (int32_t i = 0; i < vocab_; ++i) total += weigh(values_[i]);
  }
  if (s.top_p < 1 || s.min_p > 0) {
    // Both cuts leave the likeliest tokens, so both together leave the shorter run of them.
    const double wanted = s.top_p < 1 ? static_cast<double>(s.top_p) * total : INFINITY;
    double sum = 0;
    int32_t i = 0;
    while (i < kept && sum < wanted) {
      const double likelihood = weigh(values_[ranked(i)]);
      if (likelihood < static_cast<double>(s.min_p)) break;
      sum += likelihood;
      ++i;
    }
    kept = i;
    total = sum;
  }
  const double mark = uniform(s.seed, s.draw) * total;
  double sum = 0;
  int32_t token = 0;
  for (int32_t i = 0; i < kept && sum <= mark; ++i) {
    const double likelihood = weigh(values_[ranked(i)]);
    // A total that was summed in another order may be out of reach by its last digit.
    if (likelihood == 0) break;
    sum += likelihood;
    token = best_[i];
  }
  return token;
}

void Sampler::rank(int32_t count) {
  const auto order = [this](int32_t a, int32_t b) { return better(a, b); };
  count = std::min(count, vocab_);
  if (count > vocab_ / 4) {
    std::iota(best_, best_ + vocab_, 0);
    std::sort(best_, best_ + vocab_, order);
    ranked_ = vocab_;
    return;
  }
  // A heap of the best so far, the worst of them on top.
  std::iota(best_, best_ + count, 0);
  std::make_heap(best_, best_ + count, order);
  for (int32_t i = count; i < vocab_; ++i) {
    if (!better(i, best_[0])) continue;
    std::pop_heap(best_, best_ + count, order);
    best_[count - 1] = i;
    std::push_heap(best_, best_ + count, order);
  }
  std::sort_heap(best_, best_ + count, order);
  ranked_ = count;
}

int32_t Sampler::ranked(int32_t i) {
  if (i >= ranked_) rank(ranked_ == 0 ? 64 : ranked_ > vocab_ / 16 ? vocab_ : 16 * ranked_);
  return best_[i];
}

void Sampler::report(const kvs_sampling& s, int32_t token, const kvs_step_result& result, int64_t output) {
  if (result.logprobs != nullptr) result.logprobs[output] = NAN;
  const int64_t first = output * result.top_stride;
  for (int32_t i = 0; i < result.top_stride; ++i) {
    if (result.top_ids != nullptr) result.top_ids[first + i] = -1;
    if (result.top_logprobs != nullptr) result.top_logprobs[first + i] = NAN;
  }
  if (s.top_logprobs < 0) return;
  const double greatest = static_cast<double>(*std::max_element(logits_, logits_ + vocab_));
  double sum = 0;
  for (int32_t i = 0; i < vocab_; ++i) sum += exp(static_cast<double>(logits_[i]) - greatest);
  const double whole = greatest + log(sum);
  const auto logprob = [&](int32_t id) { return static_cast<float>(static_cast<double>(logits_[id]) - whole); };
  if (result.logprobs != nullptr) result.logprobs[output] = logprob(token);
  if (s.top_logprobs == 0 || (result.top_ids == nullptr && result.top_logprobs == nullptr)) return;
  load_logits(nullptr);
  rank(s.top_logprobs);
  for (int32_t i = 0; i < s.top_logprobs; ++i) {
    if (result.top_ids != nullptr) result.top_ids[first + i] = best_[i];
    if (result.top_logprobs != nullptr) result.top_logprobs[first + i] = logprob(best_[i]);
  }
}

}  // namespace kvasir
