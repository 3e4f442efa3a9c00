/// Waiting that cancellation does not cut short: what is waited for must happen in any case.
enum Uncancelled {
  static func pause(_ duration: Duration) async {
    await Task {
      do { try await Task.sleep(for: duration) } catch { fatalError("Bug: nobody cancels this task") }
    }.value
  }
}
