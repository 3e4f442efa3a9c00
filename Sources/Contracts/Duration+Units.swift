extension Duration {
  /// Whole milliseconds, rounded down.
  package var milliseconds: Int64 {
    components.seconds * 1000 + components.attoseconds / 1_000_000_000_000_000
  }

  /// For metrics.
  package var seconds: Double { Double(components.seconds) + Double(components.attoseconds) / 1e18 }
}
