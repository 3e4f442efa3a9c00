import Foundation
import Glibc
import Synchronization

/// Stands between clients and a server on loopback and passes bytes on, one connection on a thread of its own, until it
/// is told to misbehave at a word that a client sends. Without a server it accepts and never says anything.
final class Relay: Sendable {
  let port: UInt16
  private let listener: Int32
  private let plan: Plan

  init(to server: UInt16?) throws {
    let listener = socket(AF_INET, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
    var size = socklen_t(MemoryLayout<sockaddr_in>.size)
    var bound = sockaddr_in()
    let result = onLoopback(port: 0) { Glibc.bind(listener, $0, $1) == 0 ? Glibc.listen(listener, 16) : -1 }
    let named = withUnsafeMutablePointer(to: &bound) { pointer in
      pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { getsockname(listener, $0, &size) }
    }
    guard result == 0, named == 0 else { throw CocoaError(.fileNoSuchFile) }
    self.listener = listener
    port = UInt16(bigEndian: bound.sin_port)
    let plan = Plan()
    self.plan = plan
    guard let server else { return }
    Thread.detachNewThread {
      while true {
        let client = accept(listener, nil, nil)
        guard client >= 0 else { return }
        Thread.detachNewThread { plan.serve(client, to: server) }
      }
    }
  }

  deinit { shutdown(listener, Int32(SHUT_RDWR)) }

  /// The next message with this word reaches the server, its answer does not come back: the connection ends.
  func loseAnswer(to word: String) { plan.next.withLock { $0 = (Array(word.utf8), isSilent: false) } }

  /// The next message with this word, and everything behind it, goes nowhere; the connection stays.
  func fallSilent(at word: String) { plan.next.withLock { $0 = (Array(word.utf8), isSilent: true) } }

  private final class Plan: Sendable {
    let next = Mutex<(word: [UInt8], isSilent: Bool)?>(nil)

    func serve(_ client: Int32, to server: UInt16) {
      let upstream = socket(AF_INET, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
      defer {
        close(client)
        close(upstream)
      }
      guard onLoopback(port: server, { Glibc.connect(upstream, $0, $1) }) == 0 else { return }
      var ends = [client, upstream].map { pollfd(fd: $0, events: Int16(POLLIN), revents: 0) }
      var buffer = [UInt8](repeating: 0, count: 65_536)
      while poll(&ends, 2, -1) >= 0 {
        for (from, to) in [(0, 1), (1, 0)] where ends[from].revents != 0 {
          let count = recv(ends[from].fd, &buffer, buffer.count, 0)
          guard count > 0 else { return }
          let isSilent = from == 0 ? due(buffer[..<count]) : nil
          if isSilent == true {
            // Until the client gives up.
            while recv(client, &buffer, buffer.count, 0) > 0 {}
            return
          }
          guard send(ends[to].fd, buffer, count, Int32(MSG_NOSIGNAL)) == count else { return }
          if isSilent == false {
            // The server has done it when it has answered.
            _ = recv(upstream, &buffer, buffer.count, 0)
            return
          }
        }
      }
    }

    /// What is to be done at this message, once.
    private func due(_ message: ArraySlice<UInt8>) -> Bool? {
      next.withLock { next in
        guard let planned = next, !message.ranges(of: planned.word).isEmpty else { return nil }
        next = nil
        return planned.isSilent
      }
    }
  }
}

private func onLoopback<Result>(port: UInt16, _ body: (UnsafeMutablePointer<sockaddr>, socklen_t) -> Result) -> Result {
  var address = sockaddr_in()
  address.sin_family = sa_family_t(AF_INET)
  address.sin_addr.s_addr = INADDR_LOOPBACK.bigEndian
  address.sin_port = port.bigEndian
  return withUnsafeMutablePointer(to: &address) { pointer in
    pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { body($0, socklen_t(MemoryLayout<sockaddr_in>.size)) }
  }
}
