import Glibc

/// A TCP port of 127.0.0.1 on which nobody listens at this moment. Another process may take it before the caller does;
/// where that matters, let the server choose (port 0) and tell.
package func freePort() throws(SystemFailure) -> Int {
  let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
  guard descriptor >= 0 else { throw SystemFailure("socket") }
  defer { close(descriptor) }
  var address = sockaddr_in()
  address.sin_family = sa_family_t(AF_INET)
  address.sin_addr.s_addr = INADDR_LOOPBACK.bigEndian
  var size = socklen_t(MemoryLayout<sockaddr_in>.size)
  let result = withUnsafeMutablePointer(to: &address) { pointer in
    pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { generic in
      bind(descriptor, generic, size) == 0 ? getsockname(descriptor, generic, &size) : -1
    }
  }
  guard result == 0 else { throw SystemFailure("bind to a free port") }
  return Int(UInt16(bigEndian: address.sin_port))
}
