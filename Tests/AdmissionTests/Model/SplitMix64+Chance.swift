import TestKit

extension SplitMix64 {
  /// True `part` times of `whole`.
  mutating func chance(_ part: Int, in whole: Int) -> Bool { Int.random(in: 0..<whole, using: &self) < part }
}
