import Foundation
import Glibc
import Synchronization

/// One start of a serving command: the process group that it becomes, the directory of its socket (mode 0700, its own),
/// and the guard beside it. It never outlives the worker: its standard input is a socket that ends with the worker,
/// which servers of ours watch, and a small guard process watches it for all others. (The kernel's parent-death signal
/// is of no use here: it is sent when the *thread* that started the process ends.) Its output goes to `/dev/null`,
/// because servers print the texts they are given. Signals reach what is in the group; a process that makes a group or
/// session of its own gets away. Safe to use from anywhere.
final class ServingGroup: Sendable {
  /// Path of the socket that it is to serve on.
  let socket: String
  let startedAt = ContinuousClock.now
  private let directory: String
  private let child: SpawnedProcess
  private let guardian: SpawnedProcess
  private let lifeline: Int32
  private let reason = Mutex<String?>(nil)

  /// - Parameters:
  ///   - command: program and arguments.
  ///   - environment: exactly what the process gets, besides `TOLLWAY_SOCKET`.
  init(command: [String], environment: [String: String]) throws(SystemFault) {
    guard let program = command.first else { throw SystemFault("start a process without a command", EINVAL) }
    let directory = try Self.makeDirectory()
    let socket = "\(directory)/socket"
    var environment = environment
    environment["TOLLWAY_SOCKET"] = socket
    do throws(SystemFault) {
      let lifeline = try SocketPair()
      defer { close(lifeline.theirs) }
      do throws(SystemFault) {
        child = try SpawnedProcess(
          program: program, arguments: Array(command.dropFirst()), environment: environment, input: lifeline.theirs)
        guardian = try Self.makeGuardian(of: child, lifeline: lifeline.theirs, socket, directory, environment)
      } catch {
        close(lifeline.ours)
        throw error
      }
      self.lifeline = lifeline.ours
    } catch {
      rmdir(directory)
      throw error
    }
    self.directory = directory
    self.socket = socket
  }

  /// The process that leads the group, whose number is also the group's.
  var pid: pid_t { child.pid }

  /// Why it was killed, if it was.
  var killReason: String? { reason.withLock { $0 } }

  /// Ends the whole group without asking. The first reason is the one that counts.
  func kill(because text: String) {
    reason.withLock { if $0 == nil { $0 = text } }
    child.signal(SIGKILL)
  }

  /// Asks the group to end, and kills what is still there after `grace`. Returns when it is gone.
  func end(grace: Duration) async {
    child.signal(SIGTERM)
    let patienceEnds = ContinuousClock.now + grace
    while !child.hasEnded, .now < patienceEnds { await Uncancelled.pause(.milliseconds(20)) }
    child.signal(SIGKILL)
    while !child.hasEnded { await Uncancelled.pause(.milliseconds(5)) }
  }

  /// Returns when the leading process has ended, with all that it left in its group, and nothing is left of it here
  /// either. Call once; takes a thread of its own meanwhile.
  func untilEnded() async -> SpawnedProcess.Exit {
    await withCheckedContinuation { continuation in
      Thread.detachNewThread { [self] in
        let exit = child.wait()
        guardian.signal(SIGKILL)
        _ = guardian.wait()
        close(lifeline)
        unlink(socket)
        rmdir(directory)
        continuation.resume(returning: exit)
      }
    }
  }

  /// When the worker dies, its end of the lifeline closes, `read` returns, and the group of the server is ended.
  private static func makeGuardian(
    of child: SpawnedProcess, lifeline: Int32, _ socket: String, _ directory: String, _ environment: [String: String]
  ) throws(SystemFault) -> SpawnedProcess {
    let script = #"read -r line; kill -s TERM -- -$1; sleep 5; kill -s KILL -- -$1; rm -f -- "$2"; rmdir -- "$3""#
    do throws(SystemFault) {
      return try SpawnedProcess(
        program: "/bin/sh", arguments: ["-c", script, "tollway-guard", String(child.pid), socket, directory],
        environment: environment, input: lifeline)
    } catch {
      child.signal(SIGKILL)
      Thread.detachNewThread { _ = child.wait() }
      throw error
    }
  }

  /// The path of a socket has at most 107 bytes, whatever TMPDIR is.
  private static func makeDirectory() throws(SystemFault) -> String {
    let place = FileManager.default.temporaryDirectory.path
    let template = (place.utf8.count <= 70 ? place : "/tmp") + "/tollway-serve-XXXXXX"
    var path = Array(template.utf8CString)
    guard mkdtemp(&path) != nil else { throw SystemFault("make a directory for the socket", errno) }
    return String(decoding: path.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
  }
}
