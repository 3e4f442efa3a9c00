/// One of the four priority lanes, highest first in `allCases`. The raw value is the routing key and the last part of
/// the queue's name.
package enum Lane: String, CaseIterable, Sendable, Comparable {
  case critical, high, standard, low

  /// 0 is the highest lane.
  package var rank: Int {
    switch self {
    case .critical: 0
    case .high: 1
    case .standard: 2
    case .low: 3
    }
  }

  /// Orders by importance: `low < critical`.
  package static func < (left: Lane, right: Lane) -> Bool { left.rank > right.rank }
}
