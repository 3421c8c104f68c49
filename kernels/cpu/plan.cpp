#include "plan.h"

namespace kvasir {

namespace {

bool is_product(const kvs_instruction& i) { return i.op == KVS_LINEAR || i.op == KVS_GATED; }

class Planner {
 public:
  explicit Planner(const Program& program)
      : p_(program), plan_(program.instructions.size()), writer_(program.buffers.size()), rounded_(program.buffers.size()) {
    forget();
  }

  std::vector<Plan> all() {
    for (size_t at = 0; at < plan_.size(); ++at) {
      const kvs_instruction& i = p_.instructions[at];
      if (at == body_end_) forget();
      if (i.op == KVS_ITERATE) {
        forget();
        body_end_ = at + 1 + static_cast<size_t>(i.i0);
      }
      if (is_product(i)) round_input(at);
      if (i.out >= 0 && i.op != KVS_ITERATE && i.op != KVS_WRITE_KV) {
        writer_[static_cast<size_t>(i.out)] = at;
        rounded_[static_cast<size_t>(i.out)] = false;
      }
    }
    join();
    return std::move(plan_);
  }

 private:
  // A body runs for other rows than what is around it.
  void forget() {
    writer_.assign(writer_.size(), SIZE_MAX);
    rounded_.assign(rounded_.size(), false);
    body_end_ = SIZE_MAX;
  }

  void round_input(size_t at) {
    const kvs_instruction& i = p_.instructions[at];
    const auto input = static_cast<size_t>(i.a);
    if (!is_quantized(p_.tensors[static_cast<size_t>(i.c)]->dtype()) || rounded_[input]) return;
    rounded_[input] = true;
    const size_t writer = writer_[input];
    const bool by_norm = writer != SIZE_MAX && p_.instructions[writer].op == KVS_RMS_NORM && whole_rows(writer);
    plan_[by_norm ? writer : at].quantize = true;
  }

  bool whole_rows(size_t at) const {
    const kvs_instruction& norm = p_.instructions[at];
    return p_.tensors[static_cast<size_t>(norm.c)]->shape().sizes[0] == p_.buffers[static_cast<size_t>(norm.out)].width;
  }

  void join() {
    size_t end = 0;
    for (size_t at = 0; at < plan_.size(); at = end) {
      end = at + 1;
      if (p_.instructions[at].op == KVS_ITERATE) body_end_ = end + static_cast<size_t>(p_.instructions[at].i0);
      if (!is_product(p_.instructions[at])) continue;
      while (end < plan_.size() && end != body_end_ && joins(at, end)) ++end;
      plan_[at].joined = static_cast<int32_t>(end - at);
    }
  }

  // Nothing of [first, at) may be read or written by `at`, but their common input.
  bool joins(size_t first, size_t at) const {
    const kvs_instruction& next = p_.instructions[at];
    if (!is_product(next) || plan_[at].quantize || next.a != p_.instructions[first].a) return false;
    for (size_t before = first; before < at; ++before) {
      const kvs_instruction& other = p_.instructions[before];
      if (other.out == next.out || (next.op == KVS_LINEAR && other.out == next.b)) return false;
      if (other.op == KVS_LINEAR && other.b == next.out) return false;
      // Both would use the one place for halves of gated products.
      if (other.op == KVS_GATED && next.op == KVS_GATED) return false;
    }
    return true;
  }

  const Program& p_;
  std::vector<Plan> plan_;
  std::vector<size_t> writer_;
  std::vector<bool> rounded_;
  size_t body_end_ = SIZE_MAX;
};

}  // namespace

std::vector<Plan> make_plan(const Program& program) { return Planner(program).all(); }

std::vector<bool> quantized_buffers(const Program& program) {
  std::vector<bool> found(program.buffers.size(), false);
  for (const kvs_instruction& i : program.instructions) {
    if (!is_product(i) || !is_quantized(program.tensors[static_cast<size_t>(i.c)]->dtype())) continue;
    found[static_cast<size_t>(i.a)] = true;
  }
  return found;
}

}  // namespace kvasir
