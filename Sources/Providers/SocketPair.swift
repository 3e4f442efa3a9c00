import Glibc

/// Two connected sockets that no child inherits by itself. Instead of pipes, because writing to a reader that is gone
/// must not raise SIGPIPE, and because the flag is set without a moment in between.
struct SocketPair: Sendable {
  let ours: Int32
  let theirs: Int32

  init() throws(SystemFault) {
    var descriptors: [Int32] = [-1, -1]
    let type = Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue)
    guard socketpair(AF_UNIX, type, 0, &descriptors) == 0 else { throw SystemFault("open a socket pair", errno) }
    (ours, theirs) = (descriptors[0], descriptors[1])
  }
}
