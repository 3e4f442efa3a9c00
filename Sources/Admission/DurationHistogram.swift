import Contracts

/// Durations counted by their size, ten milliseconds to an hour, each step two fifths longer than the one before: what
/// most of them were like is known within such a step, in a few hundred bytes at most. What workers counted adds up.
package struct DurationHistogram: Sendable, Equatable {
  /// Upper ends of all steps but the last, which has none.
  private static let bounds: [Duration] = (0..<38).map { step in
    .milliseconds((Int64(step.isMultiple(of: 2) ? 10_000 : 14_142) << (step / 2)) / 1000)
  }

  private var counts = [Int](repeating: 0, count: bounds.count + 1)
  private var sum = Duration.zero
  package private(set) var count = 0

  package init() {}

  /// A negative one, of a clock that was set back, counts as none.
  package mutating func add(_ duration: Duration) {
    let duration = max(.zero, duration)
    counts[Self.bounds.firstIndex { duration <= $0 } ?? Self.bounds.count] += 1
    count += 1
    sum += duration
  }

  package mutating func add(_ other: Self) {
    for step in counts.indices { counts[step] += other.counts[step] }
    count += other.count
    sum += other.sum
  }

  package var mean: Duration? { count > 0 ? sum / count : nil }

  /// What so many of a hundred took at most, 1 to 100. Within a step they count as evenly spread; what took longer than an
  /// hour counts as an hour. Nil without any.
  package func percentile(_ percent: Int) -> Duration? {
    guard count > 0 else { return nil }
    let rank = Double(count * percent) / 100
    var below = 0
    for (step, found) in counts.enumerated() {
      guard Double(below + found) >= rank, found > 0 else {
        below += found
        continue
      }
      guard step < Self.bounds.count else { break }
      let start = step == 0 ? Duration.zero : Self.bounds[step - 1]
      return start + (Self.bounds[step] - start) * ((rank - Double(below)) / Double(found))
    }
    return Self.bounds.last
  }
}

extension DurationHistogram {
  /// Milliseconds in all, number of the first step that is not empty, counts from there to the last.
  func write(to json: inout JSONWriter) {
    let used = (counts.firstIndex { $0 > 0 } ?? 0)...(counts.lastIndex { $0 > 0 } ?? 0)
    json.literal("[")
    json.integer(sum.milliseconds)
    json.literal(",")
    json.integer(Int64(used.lowerBound))
    for step in used {
      json.literal(",")
      json.integer(Int64(counts[step]))
    }
    json.literal("]")
  }

  /// Nil for any other form.
  init?(reading value: JSONValue) {
    let figures = value.elements.compactMap(\.integer)
    guard figures.count >= 3, figures.count == value.elements.count, figures.allSatisfy({ (0...1 << 40).contains($0) }),
      figures[1] + figures.count - 2 <= Self.bounds.count + 1
    else { return nil }
    self.init()
    sum = .milliseconds(figures[0])
    for (step, found) in figures.dropFirst(2).enumerated() { counts[figures[1] + step] = found }
    count = counts.reduce(0, +)
  }
}
