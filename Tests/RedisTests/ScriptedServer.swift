import Foundation
import Glibc
import Synchronization

/// A peer on loopback that answers every greeting properly and every later chunk of bytes with the next of its canned
/// answers; where none is left it hangs up. For the ways to misbehave that a real server cannot be brought to.
final class ScriptedServer: Sendable {
  enum Answer: Sendable {
    case send(String)
    /// One byte each 20 milliseconds.
    case drip(String)
    /// Neither reads nor writes until the server is let go of.
    case stall
  }

  let port: UInt16
  private let listener: Int32

  convenience init(_ answers: [Answer]) throws {
    let info = "redis_version:1.0\r\nrun_id:scripted\r\n"
    try self.init(answering: [.send("+OK\r\n$\(info.utf8.count)\r\n\(info)\r\n")] + answers)
  }

  /// A sentinel that calls that port of loopback the primary.
  convenience init(sentinelNaming primary: UInt16) throws {
    try self.init(answering: [.send("*2\r\n$9\r\n127.0.0.1\r\n$5\r\n\(primary)\r\n")])
  }

  /// Without a greeting: one answer for each chunk.
  init(answering answers: [Answer]) throws {
    (listener, port) = try listenOnLoopback()
    // So that the thread cannot wait in `accept`, where it holds a lock.
    _ = fcntl(listener, F_SETFL, O_NONBLOCK)
    let listener = listener
    Thread.detachNewThread {
      while true {
        var waiting = pollfd(fd: listener, events: Int16(POLLIN), revents: 0)
        _ = poll(&waiting, 1, -1)
        let peer = spawning.withLock { _ in
          let peer = accept(listener, nil, nil)
          return fcntl(peer, F_SETFD, FD_CLOEXEC) == 0 ? peer : -1
        }
        if peer >= 0 {
          serve(peer, answers, listener: listener)
          close(peer)
        } else if waiting.revents & Int16(POLLHUP) != 0 {
          close(listener)
          return
        }
      }
    }
  }

  deinit { shutdown(listener, Int32(SHUT_RDWR)) }
}

private func serve(_ peer: Int32, _ answers: [ScriptedServer.Answer], listener: Int32) {
  var chunk = [UInt8](repeating: 0, count: 65_536)
  for answer in answers {
    guard recv(peer, &chunk, chunk.count, 0) > 0 else { return }
    switch answer {
    case .send(let text):
      guard write(peer, text) else { return }
    case .drip(let text):
      for byte in text.utf8 {
        usleep(20_000)
        guard write(peer, String(decoding: [byte], as: UTF8.self)) else { return }
      }
    case .stall:
      var descriptor = pollfd(fd: listener, events: 0, revents: 0)  // reports the shutdown in deinit, nothing else
      _ = poll(&descriptor, 1, -1)
    }
  }
}

private func write(_ peer: Int32, _ text: String) -> Bool {
  let bytes = Array(text.utf8)
  return send(peer, bytes, bytes.count, Int32(MSG_NOSIGNAL)) == bytes.count
}
