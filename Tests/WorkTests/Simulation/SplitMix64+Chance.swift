import TestKit

extension SplitMix64 {
  mutating func draw(_ range: ClosedRange<Int>) -> Int { range.lowerBound + Int(next() % UInt64(range.count)) }

  mutating func chance(_ percent: Int) -> Bool { draw(0...99) < percent }
}
