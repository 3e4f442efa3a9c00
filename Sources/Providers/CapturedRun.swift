import Foundation
import Glibc
import Synchronization

/// Runs a program to its end: feeds its standard input, collects its standard output. Each run has a thread of its own
/// for as long as it lasts, so no executor is ever blocked; cancelling the task kills the program at once.
struct CapturedRun: Sendable {
  let exit: SpawnedProcess.Exit
  let output: [UInt8]
  /// The output grew beyond the limit and the program was killed for it.
  let overflowed: Bool

  /// - Parameter limit: bytes of output.
  static func of(
    _ program: String, _ arguments: [String], environment: [String: String], input: [UInt8], limit: Int
  ) async throws(SystemFault) -> CapturedRun {
    let leash = Leash()
    let result = await withTaskCancellationHandler {
      await withCheckedContinuation { (continuation: CheckedContinuation<Result<CapturedRun, SystemFault>, Never>) in
        Thread.detachNewThread {
          continuation.resume(
            returning: Result { () throws(SystemFault) in
              try runToEnd(program, arguments, environment, input, limit, leash)
            })
        }
      }
    } onCancel: {
      leash.pull()
    }
    return try result.get()
  }

  private static func runToEnd(
    _ program: String, _ arguments: [String], _ environment: [String: String], _ input: [UInt8], _ limit: Int,
    _ leash: Leash
  ) throws(SystemFault) -> CapturedRun {
    let stdin = try SocketPair()
    let stdout: SocketPair
    do {
      stdout = try SocketPair()
    } catch {
      close(stdin.ours)
      close(stdin.theirs)
      throw error
    }
    let child: SpawnedProcess
    do {
      defer {
        close(stdin.theirs)
        close(stdout.theirs)
      }
      child = try SpawnedProcess(
        program: program, arguments: arguments, environment: environment, input: stdin.theirs, output: stdout.theirs)
    } catch {
      close(stdin.ours)
      close(stdout.ours)
      throw error
    }
    leash.attach(child)
    let output = exchange(input, to: stdin.ours, from: stdout.ours, limit: limit)
    if output.count > limit { child.signal(SIGKILL) }
    close(stdout.ours)
    return CapturedRun(exit: child.wait(), output: output, overflowed: output.count > limit)
  }

  /// Writes and reads in turn, as the program lets us, until it closes its output or has written more than `limit`.
  /// Closes `sink`.
  private static func exchange(_ input: [UInt8], to sink: Int32, from source: Int32, limit: Int) -> [UInt8] {
    var rest = input[...]
    var isFeeding = true
    var output: [UInt8] = []
    var buffer = [UInt8](repeating: 0, count: 65_536)
    while output.count <= limit {
      if isFeeding, rest.isEmpty {
        close(sink)
        isFeeding = false
      }
      var waiting = [
        pollfd(fd: source, events: Int16(POLLIN), revents: 0),
        pollfd(fd: isFeeding ? sink : -1, events: Int16(POLLOUT), revents: 0),
      ]
      guard poll(&waiting, 2, -1) >= 0 || errno == EINTR else { break }
      if waiting[1].revents != 0 {
        let sent = rest.withUnsafeBytes {
          send(sink, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL | MSG_DONTWAIT))
        }
        if sent > 0 {
          rest = rest.dropFirst(sent)
        } else if errno != EINTR, errno != EAGAIN {
          rest = []  // it reads no further; what it writes still counts
        }
      }
      if waiting[0].revents != 0 {
        let count = read(source, &buffer, buffer.count)
        if count < 0, errno == EINTR { continue }
        guard count > 0 else { break }
        output.append(contentsOf: buffer[..<count])
      }
    }
    if isFeeding { close(sink) }
    return output
  }

  /// Kills the program when pulled, also when that happens before it was started.
  private final class Leash: Sendable {
    private let state = Mutex<(child: SpawnedProcess?, isPulled: Bool)>((nil, false))

    func attach(_ child: SpawnedProcess) {
      let isPulled = state.withLock { state in
        state.child = child
        return state.isPulled
      }
      if isPulled { child.signal(SIGKILL) }
    }

    func pull() {
      let child = state.withLock { state in
        state.isPulled = true
        return state.child
      }
      child?.signal(SIGKILL)
    }
  }
}
