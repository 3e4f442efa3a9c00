import Foundation
import Glibc
import Logging
import Synchronization
import TestKit

@testable import Redis

/// A redis-server of one test's own, on a free loopback port, for tests that stop, pause or flush the server. It writes
/// nothing but its log, and ends with `stop()`, which each test defers. Blocking calls throughout: starting takes some
/// ten milliseconds.
final class PrivateRedis {
  /// Live tests run only where a Redis is named for them.
  static let testURL = ProcessInfo.processInfo.environment["TOLLWAY_TEST_REDIS_URL"]
  static var isWanted: Bool { testURL != nil }

  let port: UInt16
  private let arguments: [String]
  private let folder: String
  private var process: pid_t?

  init(arguments: [String] = []) throws {
    self.arguments = arguments
    port = try freeLoopbackPort()
    folder = FileManager.default.temporaryDirectory.appending(path: "tollway-redis-\(UUID().uuidString)").path
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    try start()
  }

  deinit {
    do { try FileManager.default.removeItem(atPath: folder) } catch { print("left behind: \(error)") }
  }

  /// Returns when the server accepts connections.
  func start() throws {
    let line =
      [
        "redis-server", "--port", "\(port)", "--bind", "127.0.0.1", "--save", "", "--dir", folder, "--logfile",
        "redis.log",
      ] + arguments
    var words = line.map { strdup($0) } + [nil]
    defer { for word in words { free(word) } }
    // Pool threads block all signals, and a child inherits that: the server would not hear SIGTERM.
    var attributes = posix_spawnattr_t()
    posix_spawnattr_init(&attributes)
    defer { posix_spawnattr_destroy(&attributes) }
    var none = sigset_t()
    sigemptyset(&none)
    posix_spawnattr_setsigmask(&attributes, &none)
    posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETSIGMASK))
    var started: pid_t = 0
    let status = spawning.withLock { _ in posix_spawnp(&started, "redis-server", nil, &attributes, &words, environ) }
    guard status == 0 else { throw PrivateServerFailure(reason: "redis-server does not start: error \(status)") }
    process = started
    let limit = ContinuousClock.now + .seconds(120)
    while !isListening {
      guard .now < limit, waitpid(started, nil, WNOHANG) == 0 else {
        throw PrivateServerFailure(reason: "redis-server ended or is not ready; see \(folder)/redis.log")
      }
      usleep(2_000)
    }
  }

  private var isListening: Bool {
    let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
    defer { close(descriptor) }
    return onLoopback(port: port) { Glibc.connect(descriptor, $0, $1) } == 0
  }

  func stop() { end(with: SIGTERM) }

  /// Leaves no time for a farewell.
  func kill() { end(with: SIGKILL) }

  /// The server keeps its connections and the kernel goes on accepting, but nobody answers.
  func freeze() { signal(SIGSTOP) }

  func thaw() { signal(SIGCONT) }

  private func end(with number: Int32) {
    guard let ending = process else { return }
    process = nil
    _ = Glibc.kill(ending, SIGCONT)
    _ = Glibc.kill(ending, number)
    waitpid(ending, nil, 0)
  }

  private func signal(_ number: Int32) {
    if let process { _ = Glibc.kill(process, number) }
  }

  func client(
    deadline: Duration = .seconds(2), credentials: String = "", database: Int = 0, log: RecordingLog = RecordingLog()
  ) throws -> RedisClient {
    var configuration = try RedisConfiguration(url: "redis://\(credentials)127.0.0.1:\(port)/\(database)")
    configuration.commandDeadline = deadline
    return RedisClient(configuration, logger: log.logger)
  }
}

struct PrivateServerFailure: Error {
  let reason: String
}

/// Listens on a port that no other test of this process gets and that no outgoing connection takes meanwhile: the
/// system picks those from 32768 on.
func listenOnLoopback() throws -> (descriptor: Int32, port: UInt16) {
  for _ in 0..<1000 {
    let port = UInt16(20_000 + (Int(getpid()) * 100 + nextPort.add(1, ordering: .relaxed).newValue) % 12_000)
    let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
    if onLoopback(port: port, { bind(descriptor, $0, $1) }) == 0, listen(descriptor, 16) == 0 {
      return (descriptor, port)
    }
    close(descriptor)
  }
  throw PrivateServerFailure(reason: "no free port between 20000 and 32000")
}

private let nextPort = Atomic(0)

/// Held while a server is started, and by whoever has a socket open that is not yet marked close-on-exec: a server that
/// inherited it would keep it open.
let spawning = Mutex(())

private func freeLoopbackPort() throws -> UInt16 {
  let (descriptor, port) = try listenOnLoopback()
  close(descriptor)
  return port
}

private func onLoopback<Result>(port: UInt16, _ body: (UnsafeMutablePointer<sockaddr>, socklen_t) -> Result) -> Result {
  var address = sockaddr_in()
  address.sin_family = sa_family_t(AF_INET)
  address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
  address.sin_port = port.bigEndian
  return withUnsafeMutablePointer(to: &address) { pointer in
    pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { body($0, socklen_t(MemoryLayout<sockaddr_in>.size)) }
  }
}

extension RedisClient {
  /// The error of a call that must fail.
  func failure(of commands: [RedisCommand]) async -> RedisError? {
    do throws(RedisError) {
      _ = try await pipeline(commands)
      return nil
    } catch {
      return error
    }
  }

  /// The error of a call that finds the next connect not due. Failed connects come in between on a slow machine; their
  /// waits grow, so it does not take long.
  func failureWhileBackingOff() async -> RedisError? {
    for _ in 0..<20 {
      let error = await failure(of: [RedisCommand("PING")])
      if error?.code == .backingOff { return error }
    }
    return nil
  }

  /// Calls again as long and as late as the client's backoff says.
  func connectPatiently(within limit: Duration = .seconds(120)) async throws -> RedisServerIdentity {
    let end = ContinuousClock.now + limit
    while true {
      do throws(RedisError) {
        return try await connect()
      } catch {
        guard error.disposition != .permanent, .now < end else { throw error }
        try await Task.sleep(for: error.retryAfter ?? .zero)
      }
    }
  }
}
