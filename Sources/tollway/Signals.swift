import Foundation
import UnixSignals

/// SIGTERM and SIGINT: the first asks for an orderly end, the second ends the process at once and leaves what is in
/// hand to redelivery.
enum Signals {
  static func drain(_ begin: @escaping @Sendable () async -> Void) async {
    await withDiscardingTaskGroup { group in
      var isDraining = false
      for await _ in await UnixSignalsSequence(trapping: .sigterm, .sigint) {
        if isDraining { _exit(0) }  // without what runs at an orderly exit, while other threads work
        isDraining = true
        group.addTask { await begin() }
      }
      group.cancelAll()
    }
  }
}
