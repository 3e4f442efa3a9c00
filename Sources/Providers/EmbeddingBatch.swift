import Contracts

/// The inputs of several embedding jobs in one call, and what of its answer belongs to whom. Pure.
struct EmbeddingBatch: Sendable {
  /// What of an answer is one job's: its vectors, and its share of what was used.
  struct Part: Sendable {
    var range: Range<Int>
    var usage: [Usage]
    var cost: Money?
  }

  /// Never empty.
  let calls: [ProviderCall]
  /// A JSON array of strings.
  let input: [UInt8]
  private let counts: [Int]
  /// Bytes of each job's inputs: what usage is split by.
  private let weights: [Int]

  init(_ calls: [ProviderCall]) {
    precondition(!calls.isEmpty, "Bug: a batch of nothing")
    self.calls = calls
    let inputs = calls.map { call -> [JSONValue] in
      let input = call.job.payload["input"]
      return input?.isArray == true ? input?.elements ?? [] : input.map { [$0] } ?? []
    }
    counts = inputs.map(\.count)
    weights = inputs.map { max(1, $0.reduce(0) { $0 + $1.raw.count }) }
    var json = JSONWriter(capacity: weights.reduce(16) { $0 + $1 + 8 })
    json.literal("[")
    for (index, value) in inputs.joined().enumerated() {
      if index > 0 { json.literal(",") }
      json.raw(value.raw)
    }
    json.literal("]")
    input = json.bytes
  }

  var first: ProviderCall { calls[0] }
  var inputs: Int { counts.reduce(0, +) }

  /// Whole tokens and whole nano-dollars by largest remainder, so that the parts add up to what was stated.
  func parts(of usage: [Usage], _ cost: Money?) -> [Part] {
    var start = 0
    var parts = counts.map { count -> Part in
      defer { start += count }
      return Part(range: start..<(start + count), usage: [], cost: nil)
    }
    for entry in usage {
      // Token counts are whole; see `OpenAIUsage`.
      let shares = Shares.split(Int64(entry.quantity.mantissa / ExactDecimal.power(entry.quantity.decimals)), weights)
      // A share of nothing is stated, too: it is not the same as silence.
      for (index, share) in shares.enumerated() {
        parts[index].usage.append(Usage(entry.unit, ExactDecimal(Int(share)), entry.source))
      }
    }
    if let cost {
      for (index, share) in Shares.split(cost.nanoUSD, weights).enumerated() {
        parts[index].cost = Money(nanoUSD: share)
      }
    }
    return parts
  }
}

/// Splitting a whole number in proportion.
enum Shares {
  /// By largest remainder, the first of equals first: the shares add up to `total` exactly.
  /// - Parameter weights: positive, with a sum below 2^32.
  static func split(_ total: Int64, _ weights: [Int]) -> [Int64] {
    let sum = Int128(weights.reduce(0, +))
    let exact = weights.map { Int128(total) * Int128($0) }
    var shares = exact.map { Int64($0 / sum) }
    let rest = Int(total - shares.reduce(0, +))
    let order = exact.indices.sorted { (exact[$0] % sum, $1) > (exact[$1] % sum, $0) }
    for index in order.prefix(max(0, rest)) { shares[index] += 1 }
    return shares
  }
}
