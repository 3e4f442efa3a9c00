/// A fixed number of permits, handed out in the order of asking. An actor of its own; whoever waits can be cancelled.
actor Permits {
  private var free: Int
  private var waiting: [(id: Int, continuation: CheckedContinuation<Bool, Never>)] = []
  private var nextID = 0

  init(_ count: Int) { free = count }

  var freeCount: Int { free }
  var waitingCount: Int { waiting.count }

  /// Runs `work` holding a permit, on the caller's executor; nil when the task was cancelled before it got one.
  nonisolated func holding<T: Sendable>(_ work: () async -> T) async -> T? {
    guard await take() else { return nil }
    let value = await work()
    await give()
    return value
  }

  private func take() async -> Bool {
    if Task.isCancelled { return false }
    if free > 0 {
      free -= 1
      return true
    }
    let id = nextID
    nextID += 1
    return await withTaskCancellationHandler {
      await withCheckedContinuation { continuation in
        if Task.isCancelled {
          continuation.resume(returning: false)
        } else {
          waiting.append((id, continuation))
        }
      }
    } onCancel: {
      Task { await self.abandon(id) }
    }
  }

  private func abandon(_ id: Int) {
    guard let index = waiting.firstIndex(where: { $0.id == id }) else { return }
    waiting.remove(at: index).continuation.resume(returning: false)
  }

  private func give() {
    if waiting.isEmpty {
      free += 1
    } else {
      waiting.removeFirst().continuation.resume(returning: true)
    }
  }
}
