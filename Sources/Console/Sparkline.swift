import Operations

/// The last quarter of an hour of a lane: a line of what runs over an area of what is runnable, each step one unit
/// wide.
struct Sparkline {
  private static let height = 20.0

  let row: Fields

  /// Nil without two points.
  init?(_ points: [FleetTrend.Point?]) {
    let known = points.compactMap { $0 }
    guard known.count > 1, let last = known.last else { return nil }
    let most = max(1, known.map { max($0.running, $0.runnable) }.max() ?? 1)
    let left = Double(FleetTrend.length - points.count)
    func y(_ value: Int) -> String { Figure.place(Self.height - 1 - Double(value) / Double(most) * (Self.height - 3)) }
    var line = ""
    var area = ""
    var start: Double?
    for (index, point) in points.enumerated() {
      let x = left + Double(index)
      if let point {
        line += "\(start == nil ? "M" : "L")\(Figure.place(x)) \(y(point.running))"
        area += "\(start == nil ? "M\(Figure.place(x)) 20" : "")L\(Figure.place(x)) \(y(point.runnable))"
        start = start ?? x
      }
      if start != nil, point == nil || index == points.count - 1 {
        area += "L\(Figure.place(point == nil ? x - 1 : x)) 20z"
        start = nil
      }
    }
    let label =
      "Last quarter of an hour: at most \(known.map(\.running).max() ?? 0) running and "
      + "\(known.map(\.runnable).max() ?? 0) runnable; now \(last.running) and \(last.runnable)"
    row = ["label": label, "line": line, "area": area]
  }
}
