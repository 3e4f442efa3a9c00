import Operations

/// Of all bars of waiting jobs on one page: a square root, so that twelve beside ten thousand can be seen, full at a
/// power of ten.
struct Scale {
  let full: Int

  init(of sample: FleetSample) {
    let most = sample.lanes.flatMap { lane in WaitCause.counted.map { lane.waiting(for: $0) } }.max() ?? 0
    var full = 100
    while full < most, full < 1_000_000_000 { full *= 10 }
    self.full = full
  }

  /// Of 100.
  func width(of count: Int) -> Double {
    guard count > 0 else { return 0 }
    return max(1.5, min(100, (Double(count) / Double(full)).squareRoot() * 100))
  }
}
