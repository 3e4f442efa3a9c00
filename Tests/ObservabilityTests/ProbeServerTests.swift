import Foundation
import Glibc
import Logging
import Synchronization
import Testing

@testable import Observability

@Suite(.timeLimit(.minutes(5)))
struct ProbeServerTests {
  private let registry = MetricRegistry(tiers: [], providers: [])
  private let readiness = Switch()

  @Test func `metrics, life and readiness are answered until the task is cancelled`() async throws {
    registry.update { $0.set(Metrics.slots, to: 8) }
    let free = try Listener()
    let wanted = free.port
    free.close()
    try await withServer(at: "127.0.0.1:\(wanted)") { port in
      let metrics = try await get("/metrics", port: port)
      #expect(metrics.hasPrefix("HTTP/1.1 200"))
      #expect(metrics.lowercased().contains("content-type: text/plain; version=0.0.4; charset=utf-8\r\n"))
      #expect(metrics.contains("\ntollway_slots 8\n") && metrics.hasSuffix("\n"))
      #expect(try await get("/healthz", port: port).hasSuffix("\r\n\r\nalive\n"))
      #expect(try await get("/readyz", port: port).hasPrefix("HTTP/1.1 200"))
      readiness.value = .notReady("redis is unreachable")
      let notReady = try await get("/readyz", port: port)
      #expect(notReady.hasPrefix("HTTP/1.1 503"))
      #expect(notReady.hasSuffix("not ready: redis is unreachable\n"))
      #expect(try await get("/secrets", port: port).hasPrefix("HTTP/1.1 404"))
    }
  }

  @Test func `a taken port is followed by the next free one`() async throws {
    let taken = try Listener()
    defer { taken.close() }
    try await withServer(at: "127.0.0.1:\(taken.port)") { port in
      let answer = try await get("/healthz", port: port)
      #expect(port > taken.port && port < taken.port + 20)
      #expect(answer.hasSuffix("alive\n"))
    }
  }

  @Test func `an address that is not ours is a fault with its reason`() async throws {
    let address = try #require(try ProbeAddress.reading("192.0.2.1:9464"))
    let server = ProbeServer(address: address, registry: registry, logger: Self.silent, readiness: { .ready })
    let fault = await #expect(throws: ProbeServer.Fault.self) { try await server.run() }
    #expect(fault?.description.hasPrefix("the probes cannot listen on 192.0.2.1, ports 9464 to 9483: ") == true)
  }

  @Test func `addresses are host and port, or off`() throws {
    #expect(try ProbeAddress.reading("off") == nil)
    #expect(try ProbeAddress.reading("0.0.0.0:80")?.candidates == 80...99)
    #expect(try ProbeAddress.reading("[::1]:65530")?.host == "::1")
    #expect(try ProbeAddress.reading("[::1]:65530")?.candidates == 65530...65535)
    for text in ["", "9464", ":9464", "host:", "host:0", "host:65536", "host:x", "::1:80", "[]:80", "[host]:80"] {
      #expect(throws: ProbeAddress.Fault.self) { try ProbeAddress.reading(text) }
    }
  }

  private static var silent: Logger { Logger(label: "probes") { _ in SwiftLogNoOpLogHandler() } }

  private func withServer(at text: String, _ body: (Int) async throws -> Void) async throws {
    let address = try #require(try ProbeAddress.reading(text))
    let (ports, listening) = AsyncStream.makeStream(of: Int.self)
    let server = ProbeServer(
      address: address, registry: registry, logger: Self.silent, readiness: { [readiness] in readiness.value },
      onListening: { listening.yield($0) })
    try await withThrowingTaskGroup(of: Void.self) { group in
      group.addTask {
        defer { listening.finish() }
        try await server.run()
      }
      for await port in ports {
        try await body(port)
        group.cancelAll()
      }
      try await group.waitForAll()
    }
  }
}

private final class Switch: Sendable {
  private let state = Mutex(ProbeServer.Readiness.ready)
  var value: ProbeServer.Readiness {
    get { state.withLock { $0 } }
    set { state.withLock { $0 = newValue } }
  }
}

private struct SocketFault: Error {
  let step: String
  let number = errno
  init(_ step: String) { self.step = step }
}

private func loopback(_ port: Int) -> sockaddr_in {
  var address = sockaddr_in()
  address.sin_family = sa_family_t(AF_INET)
  address.sin_port = in_port_t(port).bigEndian
  address.sin_addr.s_addr = inet_addr("127.0.0.1")
  return address
}

private func withAddress<Value>(
  _ address: inout sockaddr_in, _ body: (UnsafeMutablePointer<sockaddr>) -> Value
) -> Value {
  withUnsafeMutablePointer(to: &address) { pointer in
    pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { body($0) }
  }
}

/// Occupies a port of the system's choice.
private struct Listener {
  let port: Int
  private let socket: Int32

  init() throws {
    let socket = Glibc.socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
    var address = loopback(0)
    var size = socklen_t(MemoryLayout<sockaddr_in>.size)
    guard withAddress(&address, { bind(socket, $0, size) }) == 0, listen(socket, 1) == 0,
      withAddress(&address, { getsockname(socket, $0, &size) }) == 0
    else { throw SocketFault("listen") }
    self.socket = socket
    port = Int(in_port_t(bigEndian: address.sin_port))
  }

  func close() { _ = Glibc.close(socket) }
}

/// One request over a connection of its own, on a thread of its own; the whole answer.
private func get(_ path: String, port: Int) async throws -> String {
  try await withCheckedThrowingContinuation { continuation in
    Thread.detachNewThread { continuation.resume(with: Result { try blockingGet(path, port: port) }) }
  }
}

private func blockingGet(_ path: String, port: Int) throws -> String {
  let socket = Glibc.socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
  defer { close(socket) }
  var address = loopback(port)
  guard withAddress(&address, { connect(socket, $0, socklen_t(MemoryLayout<sockaddr_in>.size)) }) == 0 else {
    throw SocketFault("connect")
  }
  let request = Array("GET \(path) HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n".utf8)
  guard write(socket, request, request.count) == request.count else { throw SocketFault("write") }
  var answer: [UInt8] = []
  var buffer = [UInt8](repeating: 0, count: 4096)
  while true {
    let count = read(socket, &buffer, buffer.count)
    guard count >= 0 else { throw SocketFault("read") }
    if count == 0 { return String(decoding: answer, as: UTF8.self) }
    answer += buffer[..<count]
  }
}
